"""Multilayer perceptrons: plain, of any depth, and residual."""

from __future__ import annotations

import math
from collections.abc import Sequence

from penlight import Tensor, nn
from penlight.models.checks import check_count, check_widths
from penlight.models.norm import check_norm, norm1d

__all__ = ["ACTIVATIONS", "MLP", "ResidualMLP"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def _activation(owner: str, name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise ValueError(
            f"{owner}: activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}"
        )
    return ACTIVATIONS[name]()


class MLP(nn.Module):
    """x -> (linear -> norm -> activation -> dropout) per hidden layer -> linear.

    Args:
        in_shape: of one sample; it is flattened.
        num_classes: size of the output.
        hidden: widths of the hidden layers; none makes it logistic regression.
        norm: ``"batch"``, ``"layer"``, ``"group"`` or ``"none"``.
        activation: one of ``ACTIVATIONS``.
        dropout: probability after each hidden layer. Default: 0.

    Shape:
        input (N, *in_shape), output (N, num_classes).
    """

    def __init__(
        self,
        in_shape: Sequence[int] = (1, 28, 28),
        num_classes: int = 10,
        hidden: Sequence[int] = (100, 64, 16),
        norm: str = "batch",
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_norm("MLP", norm)
        hidden = check_widths("MLP", "hidden", hidden, fewest=0)
        layers: list[nn.Module] = [nn.Flatten()]
        features = math.prod(in_shape)
        for width in hidden:
            layers.append(nn.Linear(features, width))
            if norm != "none":
                layers.append(norm1d(norm, width))
            layers.append(_activation("MLP", activation))
            if dropout:
                layers.append(nn.Dropout(dropout))
            features = width
        layers.append(nn.Linear(features, num_classes))
        self.layers = nn.Sequential(*layers)

    def forward(self, input: Tensor) -> Tensor:
        return self.layers(input)


class ResidualBlock(nn.Module):
    """y = x + W2 a(n2(W1 a(n1(x)))): pre-activation, so that a clean sum runs through all blocks.

    Without ``skip``, y = W2 a(n2(W1 a(n1(x)))).
    """

    def __init__(self, width: int, norm: str, activation: str, skip: bool) -> None:
        super().__init__()
        self.skip = skip
        self.body = nn.Sequential(
            norm1d(norm, width),
            _activation("ResidualMLP", activation),
            nn.Linear(width, width),
            norm1d(norm, width),
            _activation("ResidualMLP", activation),
            nn.Linear(width, width),
        )

    def forward(self, input: Tensor) -> Tensor:
        return input + self.body(input) if self.skip else self.body(input)


class ResidualMLP(nn.Module):
    """Linear -> blocks with skip connections -> norm -> activation -> linear.

    Args:
        in_shape: of one sample; it is flattened.
        num_classes: size of the output.
        width: of every block.
        blocks: how many; each has two linear layers.
        norm: ``"batch"``, ``"layer"``, ``"group"`` or ``"none"``.
        activation: one of ``ACTIVATIONS``.
        skip: without, the same layers are a plain network. Default: True.

    Shape:
        input (N, *in_shape), output (N, num_classes).

    Source: He, Zhang, Ren & Sun, "Identity Mappings in Deep Residual Networks", 2016.
    """

    def __init__(
        self,
        in_shape: Sequence[int] = (1, 28, 28),
        num_classes: int = 10,
        width: int = 64,
        blocks: int = 10,
        norm: str = "batch",
        activation: str = "relu",
        skip: bool = True,
    ) -> None:
        super().__init__()
        check_norm("ResidualMLP", norm)
        check_count("ResidualMLP", "width", width)
        check_count("ResidualMLP", "blocks", blocks, lowest=0)
        self.stem = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(in_shape), width))
        self.blocks = nn.Sequential(
            *(ResidualBlock(width, norm, activation, skip) for _ in range(blocks))
        )
        self.head = nn.Sequential(
            norm1d(norm, width),
            _activation("ResidualMLP", activation),
            nn.Linear(width, num_classes),
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(input)))
