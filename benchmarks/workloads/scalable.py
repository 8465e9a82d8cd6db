"""Two networks in any size: how do time and memory grow?"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from benchmarks.workloads.base import Program, Training, classification, labelled
from benchmarks.workloads.optimizers import adam

__all__ = ["Size", "parse", "resized"]


@dataclass(frozen=True)
class Size:
    """A network and how large it and its batch are.

    Attributes:
        kind: ``mlp`` or ``cnn``.
        batch: samples per step.
        width: units or channels of every hidden layer.
        depth: hidden layers.
        size: inputs of the MLP; height and width of the CNN's images.
    """

    kind: str
    batch: int
    width: int
    depth: int
    size: int

    tolerance = 1e-3
    extra_flops = 0

    @property
    def name(self) -> str:
        """As :func:`parse` reads it."""
        sizes = [f"{f.name}={getattr(self, f.name)}" for f in fields(self)[1:]]
        return f"{self.kind}:{','.join(sizes)}"

    @property
    def title(self) -> str:
        return self.name

    def model(self, torch: Any) -> Any:
        return _mlp(torch, self) if self.kind == "mlp" else _cnn(torch, self)

    def program(self, torch: Any) -> Program:
        image = (self.size,) if self.kind == "mlp" else (3, self.size, self.size)
        batch = labelled(self.batch, *image)
        return Training(self.name, "", self.model, classification, batch, adam).program(torch)


def _mlp(torch: Any, s: Size) -> Any:
    nn = torch.nn
    layers = [nn.Linear(s.size, s.width), nn.ReLU()]
    for _ in range(s.depth - 1):
        layers += [nn.Linear(s.width, s.width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(s.width, 10))


def _cnn(torch: Any, s: Size) -> Any:
    nn = torch.nn
    layers = list[Any]()
    channels = 3
    for _ in range(s.depth):
        layers += [nn.Conv2d(channels, s.width, 3, padding=1), nn.BatchNorm2d(s.width), nn.ReLU()]
        channels = s.width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


_BASES = {
    "mlp": {"batch": 128, "width": 256, "depth": 4, "size": 256},
    "cnn": {"batch": 32, "width": 32, "depth": 4, "size": 32},
}


def resized(kind: str, sizes: dict[str, int]) -> Size:
    """The base of that kind with some sizes changed."""
    return Size(kind, **{**_BASES[kind], **sizes})


def parse(name: str) -> Size | None:
    """``cnn:batch=8,depth=2``: the base with other sizes; None if it is no such name.

    Raises:
        ValueError: for a size that is not there, or is not a whole number.
    """
    kind, colon, text = name.partition(":")
    if not colon or kind not in _BASES:
        return None
    sizes = dict(part.split("=") for part in text.split(",") if part)
    known = {f.name for f in fields(Size)} - {"kind"}
    if unknown := set(sizes) - known:
        raise ValueError(f"{name}: sizes are {', '.join(sorted(known))}, got {unknown}")
    return resized(kind, {key: int(value) for key, value in sizes.items()})
