"""The ways of choosing what to prune."""

from __future__ import annotations

import numbers
from typing import Any

from penlight.nn.utils.prune.base import BasePruningMethod
from penlight.ops.norms import norm
from penlight.ops.sorting import topk
from penlight.tensor import Tensor
from penlight.tensor.random import rand, rand_like

__all__ = [
    "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "RandomStructured", "RandomUnstructured",
]  # fmt: skip


class Identity(BasePruningMethod):
    """Prunes nothing: the mask so far stays."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask

    @classmethod
    def apply(cls, module: Any, name: str) -> BasePruningMethod:  # type: ignore[override]
        return super().apply(module, name)


class _ByAmount(BasePruningMethod):
    """Methods that prune a number or a share of elements or slices."""

    def __init__(self, amount: float) -> None:
        _check_amount(amount)
        self.amount = amount

    def _count(self, size: int) -> int:
        """How many of ``size`` to prune.

        Raises:
            ValueError: if that is more than there are.
        """
        if not isinstance(self.amount, numbers.Integral):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to prune={size}"
            )
        return int(self.amount)


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    value, whole = float(amount), isinstance(amount, numbers.Integral)
    if value < 0 or (not whole and value > 1.0):
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer"
        )


def _without_smallest(scores: Tensor, mask: Tensor, count: int) -> Tensor:
    """The mask with zeros where ``count`` of the scores are smallest."""
    new = mask.clone()
    if count:
        smallest = topk(scores.reshape(-1), count, largest=False).indices
        new.view(-1)[smallest] = 0
    return new


class RandomUnstructured(_ByAmount):
    """Prunes elements at random.

    Args:
        amount: how many, or which share of them as a float between 0 and 1.
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.nelement())
        return (
            _without_smallest(rand_like(t), default_mask, count) if count else default_mask.clone()
        )

    @classmethod
    def apply(cls, module: Any, name: str, amount: float) -> BasePruningMethod:  # type: ignore[override]
        return super().apply(module, name, amount=amount)


class L1Unstructured(_ByAmount):
    """Prunes the elements of smallest absolute value.

    Args:
        amount: how many, or which share of them as a float between 0 and 1.
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without_smallest(t.abs(), default_mask, self._count(t.nelement()))

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Any, name: str, amount: float, importance_scores: Any = None
    ) -> BasePruningMethod:
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Structured(_ByAmount):
    """Methods that prune whole slices along ``dim``."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def scores(self, t: Tensor) -> Tensor:
        """A number for each slice; those of the smallest are pruned."""
        raise NotImplementedError(f"{type(self).__name__} must define scores(t)")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of "
                f"shape {t.shape} with {t.ndim} dims"
            )
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        count = self._count(size)
        if not count:
            return default_mask
        kept = _without_smallest(self.scores(t), default_mask.new_ones(size), count)
        sizes = [1] * t.ndim
        sizes[self.dim] = size
        return default_mask * kept.reshape(sizes)


class RandomStructured(_Structured):
    """Prunes slices along a dimension at random.

    Args:
        amount: how many, or which share of them as a float between 0 and 1.
        dim: the dimension. Default: -1.
    """

    def scores(self, t: Tensor) -> Tensor:
        return rand(t.shape[self.dim])

    @classmethod
    def apply(cls, module: Any, name: str, amount: float, dim: int = -1) -> BasePruningMethod:  # type: ignore[override]
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_Structured):
    """Prunes the slices along a dimension whose norms are smallest.

    Args:
        amount: how many, or which share of them as a float between 0 and 1.
        n: the order of the norm, as for :func:`penlight.norm`.
        dim: the dimension. Default: -1.
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def scores(self, t: Tensor) -> Tensor:
        others = [d for d in range(t.ndim) if d != self.dim % t.ndim]
        return norm(t, self.n, others)

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Any, name: str, amount: float, n: Any, dim: int, importance_scores: Any = None
    ) -> BasePruningMethod:
        return super().apply(
            module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores
        )


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask says.

    Args:
        mask: zeros where to prune, of the parameter's shape.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(default_mask.dtype)

    @classmethod
    def apply(cls, module: Any, name: str, mask: Tensor) -> BasePruningMethod:  # type: ignore[override]
        return super().apply(module, name, mask=mask)
