"""Transforms that treat the parts of a tensor each by a transform of its own."""

from __future__ import annotations

from typing import Any

import penlight
from penlight import Tensor
from penlight.distributions import constraints
from penlight.distributions.transforms.transform import Transform
from penlight.distributions.utils import _sum_rightmost

__all__ = ["CatTransform", "StackTransform"]


class _Joined(Transform):
    """What both have in common: parts along ``dim``, each with its transform."""

    transforms: list[Transform]

    def __init__(self, tseq: Any, dim: int, cache_size: int) -> None:
        self.transforms = list(tseq)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise AssertionError(
                f"{type(self).__name__}: all elements of tseq must be Transform instances, got {tseq}"
            )
        super().__init__(cache_size)
        if cache_size:
            self.transforms = [t.with_cache(cache_size) for t in self.transforms]
        self.dim = dim

    @property
    def bijective(self) -> bool:
        return all(t.bijective for t in self.transforms)

    def _axis(self, x: Tensor) -> int:
        if not -x.dim() <= self.dim < x.dim():
            raise AssertionError(
                f"{type(self).__name__}: dim (={self.dim}) is out of range for shape {x.shape}"
            )
        return self.dim


class CatTransform(_Joined):
    """Each transform on its part of the tensor along ``dim``, the results joined there.

    Args:
        lengths: how long the parts are. Default: 1 each.
    """

    def __init__(self, tseq: Any, dim: int = 0, lengths: Any = None, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(
                f"CatTransform: as many lengths as transforms are needed, got {len(self.lengths)} "
                f"and {len(self.transforms)}"
            )

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    @property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The size along ``dim``."""
        return sum(self.lengths)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)

    def _parts(self, x: Tensor) -> tuple[Tensor, ...]:
        axis = self._axis(x)
        if x.shape[axis] != self.length:
            raise AssertionError(
                f"CatTransform: expected size {self.length} along dim {self.dim}, got shape {x.shape}"
            )
        return x.split(self.lengths, axis)

    def _call(self, x: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x), strict=True)
        return penlight.cat([t(p) for t, p in parts], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(y), strict=True)
        return penlight.cat([t.inv(p) for t, p in parts], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Of each part; summed if ``dim`` belongs to the event, else joined."""
        event = self.event_dim
        dets = [
            _sum_rightmost(t.log_abs_det_jacobian(p, q), event - t.event_dim)
            for t, p, q in zip(self.transforms, self._parts(x), self._parts(y), strict=True)
        ]
        dim = self.dim - x.dim() if self.dim >= 0 else self.dim
        dim += event
        return penlight.cat(dets, dim) if dim < 0 else sum(dets[1:], dets[0])


class StackTransform(_Joined):
    """Each transform on one slice of the tensor along ``dim``."""

    def __init__(self, tseq: Any, dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)

    def with_cache(self, cache_size: int = 1) -> Any:
        if self._cache_size == cache_size:
            return self
        return StackTransform(self.transforms, self.dim, cache_size)

    @constraints.dependent_property
    def domain(self) -> Any:
        return constraints.stack([t.domain for t in self.transforms], self.dim)

    @constraints.dependent_property
    def codomain(self) -> Any:
        return constraints.stack([t.codomain for t in self.transforms], self.dim)

    def _parts(self, x: Tensor) -> tuple[Tensor, ...]:
        axis = self._axis(x)
        if x.shape[axis] != len(self.transforms):
            raise AssertionError(
                f"StackTransform: expected size {len(self.transforms)} along dim {self.dim}, got "
                f"shape {x.shape}"
            )
        return x.unbind(axis)

    def _call(self, x: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x), strict=True)
        return penlight.stack([t(p) for t, p in parts], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(y), strict=True)
        return penlight.stack([t.inv(p) for t, p in parts], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x), self._parts(y), strict=True)
        return penlight.stack([t.log_abs_det_jacobian(p, q) for t, p, q in parts], self.dim)
