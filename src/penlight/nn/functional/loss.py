"""Losses."""

from __future__ import annotations

import math
import warnings

import numpy as np

from penlight.autograd.base import wrap
from penlight.ops import loss as ops
from penlight.ops.softmax import log_softmax
from penlight.tensor import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div",
    "l1_loss", "mse_loss", "nll_loss", "smooth_l1_loss",
]  # fmt: skip


def _reduction_of(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """PyTorch's two older arguments as the newer one."""
    if size_average is None and reduce is None:
        return reduction
    warnings.warn(
        "size_average and reduce args will be deprecated, please use reduction instead.",
        stacklevel=3,
    )
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    """The loss per element as it is, its mean, or its sum.

    Raises:
        ValueError: for another ``reduction``.
    """
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(
        f"{reduction} is not a valid value for reduction: expected 'none', 'mean' or 'sum'"
    )


def _class_rows(
    name: str, input: Tensor, target: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Logits (C), (N, C) or (N, C, d...) as rows (M, C), and classes as a row (M,)."""
    if not input.ndim:
        raise RuntimeError(f"{name}: input should have at least one dimension")
    classes = input.shape[0] if input.ndim == 1 else input.shape[1]
    expected = [n for i, n in enumerate(input.shape) if i != min(1, input.ndim - 1)]
    if list(target.shape) != expected:
        if input.ndim > 1 and target.ndim and target.shape[0] != input.shape[0]:
            raise ValueError(
                f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
            )
        raise RuntimeError(
            f"{name}: Expected target size {expected} for input of shape {list(input.shape)}, got "
            f"{list(target.shape)}"
        )
    if target.dtype.name not in ("int64", "uint8"):
        raise RuntimeError(f"{name}: expected scalar type Long for target but found {target.dtype}")
    if weight is not None and tuple(weight.shape) != (classes,):
        raise RuntimeError(
            f"{name}: weight tensor should be defined either for all {classes} classes or no classes "
            f"but got weight tensor of shape: {list(weight.shape)}"
        )
    rows = input.reshape(1, -1) if input.ndim == 1 else input
    if rows.ndim > 2:
        rows = rows.movedim(1, -1)
    return rows.reshape(-1, classes), target.reshape(-1)


def _row_weights(
    name: str,
    classes: int,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    dtype: np.dtype,
) -> tuple[np.ndarray, np.ndarray]:
    """For each row its class (0 where ignored) and its weight (0 where ignored).

    Raises:
        IndexError: if a class that is not ignored is out of range.
    """
    t = target.detach().numpy().astype(np.int64, copy=False)
    counted = t != ignore_index
    outside = counted & ((t < 0) | (t >= classes))
    if outside.any():
        raise IndexError(
            f"Target {t[outside][0]} is out of bounds. {name}: target must lie in 0..{classes - 1} for "
            f"{classes} classes (or be ignore_index={ignore_index})"
        )
    t = np.where(counted, t, 0)
    w = counted.astype(dtype)
    if weight is not None:
        w = w * weight.detach().numpy()[t].astype(dtype)
    return t, w


def _reduced_rows(loss: Tensor, w: np.ndarray, reduction: str, shape: tuple[int, ...]) -> Tensor:
    """Rows of a class loss: their mean is over the rows' weights."""
    if reduction == "mean":
        total = float(w.sum(dtype=np.float64))
        return loss.sum() / (total or math.nan)
    loss = _reduced(loss, reduction)
    return loss.reshape(shape) if reduction == "none" else loss


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
        target: classes t, () or (N) or (N, d1, ...); or probabilities of the input's shape.
        weight: a weight per class, (C). Default: none.
        ignore_index: rows of this class do not count. Default: -100.
        reduction: ``"mean"`` (over the rows' weights), ``"sum"`` or ``"none"``.
        label_smoothing: share s of the target spread evenly over the classes, in [0, 1].

    Raises:
        IndexError: if a class is out of range.
        RuntimeError, ValueError: if shapes or dtypes do not fit.

    Source: Szegedy et al., "Rethinking the Inception Architecture", 2016, section 7 (smoothing).
    """
    reduction = _reduction_of(size_average, reduce, reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if target.dtype.is_floating_point:
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    rows, classes = _class_rows("cross_entropy", input, target, weight)
    c, dtype = rows.shape[1], input.dtype.numpy
    t, w = _row_weights("cross_entropy", c, classes, weight, ignore_index, dtype)
    loss, logp = ops.CrossEntropy.apply(rows, t, w)
    if label_smoothing:
        every = logp if weight is None else logp * weight.to(input.dtype)
        counted = wrap(Tensor, (classes.detach().numpy() != ignore_index).astype(dtype))
        even = -every.sum(1) * counted / c
        loss = loss * (1 - label_smoothing) + even * label_smoothing
    return _reduced_rows(loss, w, reduction, tuple(target.shape))


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    if target.shape != input.shape:
        raise RuntimeError(
            f"cross_entropy: probabilities as target must have the input's shape {list(input.shape)}, "
            f"got {list(target.shape)}"
        )
    axis = min(1, input.ndim - 1)
    c = input.shape[axis]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / c
    logp = log_softmax(input, axis)
    if weight is not None:
        logp = logp * weight.reshape([-1 if a == axis else 1 for a in range(input.ndim)])
    loss = -(logp * target).sum(axis)
    if reduction == "mean":
        return loss.sum() / (loss.numel() or math.nan)
    return _reduced(loss, reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-z[t] for log-probabilities z: the second half of :func:`cross_entropy`, whose arguments it has."""
    reduction = _reduction_of(size_average, reduce, reduction)
    rows, classes = _class_rows("nll_loss", input, target, weight)
    t, w = _row_weights("nll_loss", rows.shape[1], classes, weight, ignore_index, input.dtype.numpy)
    return _reduced_rows(ops.PickLoss.apply(rows, t, w), w, reduction, tuple(target.shape))


def _warn_if_broadcast(name: str, input: Tensor, target: Tensor) -> None:
    if target.shape != input.shape:
        warnings.warn(
            f"{name}: Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. Please "
            "ensure they have the same size.",
            stacklevel=3,
        )


def _weighted(loss: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    return _reduced(loss if weight is None else loss * weight, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x - t)^2."""
    _warn_if_broadcast("mse_loss", input, target)
    loss = (input - target).square()
    return _weighted(loss, weight, _reduction_of(size_average, reduce, reduction))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x - t|."""
    _warn_if_broadcast("l1_loss", input, target)
    return _weighted((input - target).abs(), weight, _reduction_of(size_average, reduce, reduction))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """e^2 / (2 beta) where |e| < beta, else |e| - beta / 2, with e = x - t.

    Raises:
        RuntimeError: if ``beta`` is negative.
    """
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    _warn_if_broadcast("smooth_l1_loss", input, target)
    loss = ops.SmoothL1.apply(input, target, 1 / beta, beta)
    return _reduced(loss, _reduction_of(size_average, reduce, reduction))


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """e^2 / 2 where |e| < delta, else delta (|e| - delta / 2), with e = x - t.

    Raises:
        RuntimeError: if ``delta`` is not positive.
    """
    if delta <= 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta, got {delta}"
        )
    _warn_if_broadcast("huber_loss", input, target)
    return _weighted(ops.SmoothL1.apply(input, target, 1.0, delta), weight, reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-[t ln x + (1 - t) ln(1 - x)] for probabilities x; logarithms are held above -100.

    Raises:
        ValueError: if the shapes differ.
        RuntimeError: if an element of ``input`` or ``target`` is not in [0, 1].
    """
    reduction = _reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    for name, t in (("input", input), ("target", target)):
        values = t.detach().numpy()
        if values.size and not ((values >= 0) & (values <= 1)).all():
            raise RuntimeError(
                f"binary_cross_entropy: all elements of {name} should be between 0 and 1"
            )
    return _weighted(ops.BinaryCrossEntropy.apply(input, target), weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """:func:`binary_cross_entropy` of sigmoid(x), computed from the logits x without overflow.

    Args:
        pos_weight: weight of the positive examples, broadcast. Default: 1.

    Raises:
        ValueError: if the shapes differ.
    """
    if target.shape != input.shape:
        raise ValueError(
            f"Target size ({target.shape}) must be the same as input size ({input.shape})"
        )
    loss = ops.bce_with_logits(input, target, pos_weight)
    return _weighted(loss, weight, _reduction_of(size_average, reduce, reduction))


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (ln t - x) for log-probabilities x: the divergence of t from e^x, element by element.

    Args:
        target: probabilities t, or their logarithms with ``log_target``.
        reduction: ``"batchmean"`` is the divergence proper: the sum over the batch size.

    Source: Kullback & Leibler, "On Information and Sufficiency", 1951.
    """
    reduction = _reduction_of(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    loss = (
        target.exp() * (target - input)
        if log_target
        else ops.KLTarget.apply(target) - target * input
    )
    if reduction == "batchmean":
        return loss.sum() / input.shape[0] if input.ndim else loss
    return _reduced(loss, reduction)
