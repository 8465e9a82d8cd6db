"""Models built from ``penlight.nn`` as a user would: MLPs, LeNet, VGG, ResNet."""

from penlight.models.initialise import INITIALISATIONS, initialise
from penlight.models.lenet import LeNet
from penlight.models.mlp import MLP, ResidualMLP
from penlight.models.norm import NORMS
from penlight.models.registry import MODELS, ModelEntry, create_model
from penlight.models.resnet import ResNet, resnet20
from penlight.models.vgg import VGG

__all__ = [
    "INITIALISATIONS",
    "MLP",
    "MODELS",
    "NORMS",
    "VGG",
    "LeNet",
    "ModelEntry",
    "ResNet",
    "ResidualMLP",
    "create_model",
    "initialise",
    "resnet20",
]
