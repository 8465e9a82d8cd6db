"""Models built from ``penlight.nn`` as a user would: MLPs, LeNet, VGG, MobileNet, ResNet, UNet, GPT."""

from penlight.models.freeze import FREEZE_KINDS, freeze
from penlight.models.gpt import GPT
from penlight.models.initialise import INITIALISATIONS, initialise
from penlight.models.lenet import LeNet
from penlight.models.mlp import MLP, ResidualMLP
from penlight.models.mobilenet import MobileNet
from penlight.models.norm import NORMS
from penlight.models.registry import MODELS, ModelEntry, create_model
from penlight.models.resnet import ResNet, resnet20
from penlight.models.unet import UNet
from penlight.models.vgg import VGG

__all__ = [
    "FREEZE_KINDS",
    "GPT",
    "INITIALISATIONS",
    "MLP",
    "MODELS",
    "NORMS",
    "VGG",
    "LeNet",
    "MobileNet",
    "ModelEntry",
    "ResNet",
    "ResidualMLP",
    "UNet",
    "create_model",
    "freeze",
    "initialise",
    "resnet20",
]
