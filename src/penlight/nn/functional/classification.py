"""Losses of one class among several; the formulas stand in ``penlight.ops.loss``."""

from __future__ import annotations

import math

import numpy as np

from penlight._core.arrays import ArrayLike, as_array
from penlight.autograd.base import wrap
from penlight.nn.functional.loss import check_reduction, reduction_of
from penlight.ops import loss as ops
from penlight.ops.promotion import require_floating
from penlight.ops.softmax import log_softmax
from penlight.tensor import Tensor

__all__ = ["cross_entropy", "nll_loss"]


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-ln softmax(x)[t], or -sum_c t_c ln softmax(x)_c for probabilities t.

    Args:
        input: logits x, (C), (N, C) or (N, C, d1, ...).
        target: classes t, () or (N) or (N, d1, ...), as int64 or uint8; or probabilities of the
            input's shape.
        weight: a weight per class, (C). Default: none.
        size_average, reduce: old forms of ``reduction``.
        ignore_index: places of this class do not count. Default: -100.
        reduction: ``"mean"`` (over the places' weights), ``"sum"`` or ``"none"``.
        label_smoothing: share s of the target spread evenly over the classes, in [0, 1].

    Raises:
        IndexError: if a class is out of range.
        RuntimeError, ValueError: if shapes or dtypes do not fit.

    Source: Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7 (smoothing).
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"cross_entropy: label_smoothing must be between 0.0 and 1.0, got {label_smoothing}"
        )
    if target.shape == input.shape:
        return _of_distributions(input, target, weight, ignore_index, reduction, label_smoothing)
    t = _Targets("cross_entropy", input, target, weight, ignore_index)
    if not label_smoothing:
        x = input if input.ndim > 1 else input.unsqueeze(0)
        if reduction == "mean" and t.of_batch:
            return ops.CrossEntropy.apply(x, *t.arguments("none")).sum() / t.totals()
        return ops.CrossEntropy.apply(x, *t.arguments(reduction))
    shares = t.smoothed(label_smoothing)
    loss = -(log_softmax(input, t.axis) * wrap(Tensor, shares)).sum(t.axis)
    return t.reduced(loss, reduction)


def _of_distributions(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Tensor:
    """The cross-entropy with probabilities as targets."""
    check_reduction(reduction)
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            "cross_entropy: Expected floating point type for target with class probabilities (it "
            f"has the input's shape {list(input.shape)}), got {target.dtype}"
        )
    if ignore_index >= 0:
        raise RuntimeError("cross_entropy: ignore_index is not supported for floating point target")
    axis = min(1, input.ndim - 1)
    classes = input.shape[axis] if input.ndim else 1
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    logp = log_softmax(input, axis)
    if weight is not None:
        _check_weight("cross_entropy", classes, weight)
        logp = logp * weight.reshape([-1 if a == axis else 1 for a in range(input.ndim)])
    loss = -(logp * target).sum(axis)
    if reduction == "none":
        return loss
    return loss.sum() / (loss.numel() or math.nan) if reduction == "mean" else loss.sum()


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-z[t] for log-probabilities z: the second half of :func:`cross_entropy`.

    Args:
        input: log-probabilities z, (C), (N, C) or (N, C, d1, ...).
        target: classes t, () or (N) or (N, d1, ...), as int64 or uint8.
        weight: a weight per class, (C). Default: none.
        size_average, reduce: old forms of ``reduction``.
        ignore_index: places of this class do not count. Default: -100.
        reduction: ``"mean"`` (over the places' weights), ``"sum"`` or ``"none"``.

    Raises:
        IndexError: if a class is out of range.
        RuntimeError, ValueError: if shapes or dtypes do not fit.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    t = _Targets("nll_loss", input, target, weight, ignore_index)
    z = input if input.ndim > 1 else input.unsqueeze(0)
    if reduction == "mean" and t.of_batch:
        return ops.NegativeLogLikelihood.apply(z, *t.arguments("none")).sum() / t.totals()
    return ops.NegativeLogLikelihood.apply(z, *t.arguments(reduction))


class _Targets:
    """Classes that have been checked, and what each place counts.

    Attributes:
        classes: (N, ...), or (1,) for a single input; 0 where ignored.
        ignored: true where the class is ``ignore_index``; None if it is nowhere.
        weights: the weight of each place; None if all are 1.
    """

    def __init__(
        self, name: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int
    ) -> None:
        require_floating(name, input)
        self.name, self.input, self.weight = name, input, weight
        self.axis = 1 if input.ndim > 1 else 0
        self.count = _check_shapes(name, input, target, self.axis)
        if target._array.dtype.name not in ("int64", "uint8"):
            raise RuntimeError(
                f"{name}: expected target dtype to be Long or Byte (int64 or uint8), but got "
                f"{target.dtype}"
            )
        t = target._array.astype(np.int64, copy=False)
        self.shape = t.shape
        if not self.axis:
            t = t.reshape(1)
        self.ignored = None
        unsigned = t.view(np.uint64)  # where what is negative is large
        outside = t.size and int(np.maximum.reduce(unsigned, axis=None)) >= self.count
        if outside or 0 <= ignore_index < self.count:
            t = self._without_ignored(t, ignore_index)
        self.classes = t
        self.weights = None
        if weight is not None:
            _check_weight(name, self.count, weight)
            if weight.dtype is not input.dtype:
                raise RuntimeError(
                    f"{name}: expected weight to have the dtype of input, {input.dtype}, but found "
                    f"{weight.dtype}"
                )
            w = weight._array
            if isinstance(t, ArrayLike):
                self.weights = np.take_along_axis(w, t.reshape(-1), 0).reshape(t.shape)
            else:
                self.weights = w[t]

    def _without_ignored(self, t: np.ndarray, ignore_index: int) -> np.ndarray:
        ignored = t == ignore_index
        outside = ~ignored & ((t < 0) | (t >= self.count))
        if outside.any():
            raise IndexError(
                f"{self.name}: Target {t[outside][0]} is out of bounds: target must lie in "
                f"0..{self.count - 1} for {self.count} classes (or be ignore_index={ignore_index})"
            )
        if ignored.any():
            self.ignored = ignored
            return np.where(ignored, 0, t)
        return t

    @property
    def of_batch(self) -> bool:
        """Whether what counts may differ between the samples of a vmap."""
        return isinstance(self.weights, ArrayLike) or isinstance(self.ignored, ArrayLike)

    def totals(self) -> Tensor:
        """:meth:`total` for each sample of a vmap."""
        ones = np.ones_like(self.classes, self.input._array.dtype)
        counted = ones if self.weights is None else self.weights
        if self.ignored is not None:
            counted = np.where(self.ignored, 0, counted)
        return wrap(Tensor, as_array(np.sum(counted)))

    def total(self) -> float:
        """The sum of the weights that count."""
        if self.weights is None:
            ignored = 0 if self.ignored is None else int(np.count_nonzero(self.ignored))
            return self.classes.size - ignored
        counted = True if self.ignored is None else ~self.ignored
        return float(self.weights.sum(where=counted, dtype=np.float64))

    def arguments(self, reduction: str) -> tuple[object, ...]:
        """What the ops take after x."""
        check_reduction(reduction)
        scale = None if reduction == "none" else 1.0
        if reduction == "mean":
            scale = 1 / (self.total() or math.nan)
        return self.classes.reshape(self.shape), self.weights, self.ignored, scale

    def smoothed(self, smoothing: float) -> np.ndarray:
        """What multiplies -ln p: (1 - s) w_t at the class t, and s w_c / C everywhere."""
        array = self.input._array
        w = np.ones(self.count, array.dtype) if self.weight is None else self.weight._array
        shape = [1] * array.ndim
        shape[self.axis] = -1
        w = w.reshape(shape)
        t = self.classes if self.axis else self.classes.reshape(())
        truth = np.arange(self.count).reshape(shape) == np.expand_dims(t, self.axis)
        shares = w * truth * (1 - smoothing)
        shares += w * (smoothing / self.count)
        return shares

    def reduced(self, loss: Tensor, reduction: str) -> Tensor:
        """The losses of all places, ignored ones as 0, summed up or averaged."""
        check_reduction(reduction)
        if self.ignored is not None:
            loss = loss.masked_fill(wrap(Tensor, self.ignored.reshape(loss.shape)), 0.0)
        if reduction == "none":
            return loss
        if reduction == "mean":
            return loss.sum() / (self.totals() if self.of_batch else self.total() or math.nan)
        return loss.sum()


def _check_shapes(name: str, input: Tensor, target: Tensor, axis: int) -> int:
    """The number of classes.

    Raises:
        ValueError: if the batch sizes differ.
        RuntimeError: if the shapes don't fit otherwise.
    """
    shape, given = input._array.shape, target._array.shape
    if not shape:
        raise RuntimeError(f"{name}: input should have at least one dimension")
    expected = shape[:axis] + shape[axis + 1 :]
    if given != expected and (axis or given != (1,)):
        batch = given[0] if given else 0
        if axis and batch != shape[0]:
            raise ValueError(
                f"{name}: Expected input batch_size ({shape[0]}) to match target batch_size ({batch})"
            )
        raise RuntimeError(
            f"{name}: Expected target size {list(expected)} for input of shape {list(shape)}, got "
            f"{list(given)}"
        )
    return shape[axis]


def _check_weight(name: str, classes: int, weight: Tensor) -> None:
    if weight._array.shape != (classes,):
        raise RuntimeError(
            f"{name}: weight tensor should be defined either for all {classes} classes or no "
            f"classes but got weight tensor of shape: {list(weight.shape)}"
        )
