"""Models by name, as the command line and config files call them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from penlight import nn
from penlight.models.lenet import LeNet
from penlight.models.mlp import MLP, ResidualMLP
from penlight.models.mobilenet import MobileNet
from penlight.models.resnet import ResNet, resnet20
from penlight.models.vgg import VGG

__all__ = ["MODELS", "ModelEntry", "create_model"]


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be made by name.

    Attributes:
        name: as in ``--model``.
        build: called with ``in_shape``, ``num_classes`` and options by name.
        description: one line.
    """

    name: str
    build: Callable[..., nn.Module]
    description: str

    @property
    def options(self) -> dict[str, Any]:
        """The options that ``build`` takes beyond the shapes, with their defaults."""
        parameters = inspect.signature(self.build).parameters.values()
        return {
            p.name: p.default
            for p in parameters
            if p.name not in ("self", "in_shape", "num_classes")
        }


MODELS = {
    entry.name: entry
    for entry in (
        ModelEntry("mlp", MLP, "multilayer perceptron, 100-64-16 hidden units or as told"),
        ModelEntry("residual-mlp", ResidualMLP, "10 residual blocks of two linear layers, 64 wide"),
        ModelEntry("lenet", LeNet, "two 3x3 convolutions (6, 16 channels) and two linear layers"),
        ModelEntry("vgg", VGG, "three 3x3 convolutions (8, 24, 72 channels) and a linear layer"),
        ModelEntry("mobilenet", MobileNet, "depthwise-separable convolutions, 32-64-128 channels"),
        ModelEntry("resnet20", resnet20, "20 layers with skip connections, 16-32-64 channels"),
        ModelEntry("resnet", ResNet, "the same family with any number of blocks and channels"),
    )
}


def create_model(
    name: str, in_shape: Sequence[int] = (1, 28, 28), num_classes: int = 10, **options: Any
) -> nn.Module:
    """The model called ``name``, for samples of shape ``in_shape``.

    Args:
        name: one of ``MODELS``.
        in_shape: (C, H, W) of one image.
        num_classes: size of the output.
        options: what the model takes besides, such as ``norm="layer"``.

    Raises:
        ValueError: for an unknown name, or options that this model does not take.
    """
    entry = MODELS.get(name)
    if entry is None:
        raise ValueError(f"create_model: name must be one of {', '.join(MODELS)}, got {name!r}")
    unknown = sorted(set(map(str, options)) - set(entry.options))
    if unknown:
        raise ValueError(
            f"create_model: {name} has no option {', '.join(unknown)}; it takes "
            f"{', '.join(entry.options)}"
        )
    return entry.build(in_shape=tuple(in_shape), num_classes=num_classes, **options)
