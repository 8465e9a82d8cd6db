"""Transforms made of others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from penlight._core.random import numpy_generator
from penlight.nn.modules.container import ModuleList
from penlight.nn.modules.module import Module
from penlight.tensor import Tensor
from penlight.transforms.images import batch_planes

__all__ = ["Compose", "Lambda", "RandomApply"]

Transform = Callable[[Any], Any]


class Compose:
    """Transforms one after the other.

    It has the method ``batch`` if all of them have it.

    Args:
        transforms: callables that take an image.

    Example:
        >>> augment = Compose([RandomCrop(32, padding=4), RandomHorizontalFlip(), ToTensor()])
    """

    def __init__(self, transforms: Iterable[Transform]) -> None:
        self.transforms: Any = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    @property
    def batch(self) -> Transform:
        """Transform a batch as if each image were given alone."""
        return in_turn(self.transforms)

    def __repr__(self) -> str:
        return _listed(type(self).__name__, [], self.transforms)


def in_turn(transforms: Iterable[Any]) -> Transform:
    """The methods ``batch`` one after the other; an AttributeError if one of them lacks it."""
    methods = [transform.batch for transform in transforms]

    def batch(images: Any) -> Any:
        for method in methods:
            images = method(images)
        return images

    return batch


def _listed(name: str, lines: Sequence[str], transforms: Iterable[Any]) -> str:
    return "\n    ".join([f"{name}(", *lines, *map(str, transforms)]) + "\n)"


class Lambda:
    """A function as a transform.

    Args:
        lambd: takes an image.
    """

    def __init__(self, lambd: Transform) -> None:
        if not callable(lambd):
            raise TypeError(f"Lambda: lambd must be callable, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class RandomApply(Module):
    """With probability p all of the transforms, else none.

    Args:
        transforms: a list or ``ModuleList`` of callables that take an image.
        p: the probability. Default: 0.5.
        per_sample: decide anew for each image of a tensor (N, C, H, W). Default: False.
    """

    def __init__(self, transforms: Any, p: float = 0.5, *, per_sample: bool = False) -> None:
        super().__init__()
        if not isinstance(transforms, (Sequence, ModuleList)):
            raise TypeError(
                f"RandomApply: transforms must be a sequence, got {type(transforms).__name__}"
            )
        self.transforms = transforms
        self.p = p
        self.per_sample = per_sample
        if per_sample:
            in_turn(transforms)  # an AttributeError now rather than later

    def forward(self, img: Any) -> Any:
        if self.per_sample and isinstance(img, Tensor) and img.ndim >= 4:
            return self.batch(img)
        if numpy_generator(None).random() < self.p:
            for transform in self.transforms:
                img = transform(img)
        return img

    @property
    def batch(self) -> Transform:
        """Transform a batch: those of its images that it falls on, as if each were given alone."""
        transform = in_turn(self.transforms)

        def batch(images: Any) -> Any:
            x, restore = batch_planes(images, "RandomApply")
            chosen = np.flatnonzero(numpy_generator(None).random(len(x)) < self.p)
            if not len(chosen):
                return images
            y = transform(x[chosen])
            if y.shape[1:] != x.shape[1:] or y.dtype is not x.dtype:
                raise RuntimeError(
                    "RandomApply: within a batch the transforms must keep shape and dtype, got "
                    f"{y.dtype} {tuple(y.shape[1:])} from {x.dtype} {tuple(x.shape[1:])}"
                )
            result = x.clone()
            result[chosen] = y
            return restore(result)

        return batch

    def __repr__(self) -> str:
        own = f"p={self.p}{', per_sample=True' if self.per_sample else ''}"
        return _listed(type(self).__name__, [own], self.transforms)
