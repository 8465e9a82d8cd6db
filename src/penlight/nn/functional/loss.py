"""Losses of numbers and of probabilities; the formulas stand in ``penlight.ops.loss``."""

from __future__ import annotations

import warnings

from penlight.ops import loss as ops
from penlight.ops.promotion import require_floating
from penlight.tensor import Tensor

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "huber_loss", "kl_div", "l1_loss",
    "mse_loss", "smooth_l1_loss",
]  # fmt: skip

REDUCTIONS = ("none", "mean", "sum")


def reduction_of(
    size_average: bool | None, reduce: bool | None, reduction: str, stacklevel: int = 3
) -> str:
    """PyTorch's two older arguments as the newer one."""
    if size_average is None and reduce is None:
        return reduction
    total = "sum" if size_average is False else "mean"
    meant = "none" if reduce is False else total
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction={meant!r} instead.",
        stacklevel=stacklevel,
    )
    return meant


def check_reduction(reduction: str, allowed: tuple[str, ...] = REDUCTIONS) -> None:
    """Raise ValueError for an unknown ``reduction``."""
    if reduction not in allowed:
        raise ValueError(
            f"{reduction} is not a valid value for reduction; expected one of {', '.join(allowed)}"
        )


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The loss per element as it is, its mean, or its sum.

    Raises:
        ValueError: for another ``reduction``.
    """
    check_reduction(reduction)
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()


def _warn_if_broadcast(name: str, input: Tensor, target: Tensor) -> None:
    if target.shape != input.shape:
        warnings.warn(
            f"{name}: Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=3,
        )


def _times(name: str, loss: Tensor, input: Tensor, weight: Tensor) -> Tensor:
    """The loss weighted.

    Raises:
        ValueError: if ``weight`` has another shape than the input.
    """
    if weight.shape != input.shape:
        raise ValueError(
            f"{name}: weight and input must have the same size, got {list(weight.shape)} and "
            f"{list(input.shape)}"
        )
    return loss * weight


def _averaged(
    name: str, loss: Tensor, input: Tensor, weight: Tensor | None, reduction: str
) -> Tensor:
    """The loss reduced; with weights, the mean is over the weights."""
    if weight is None:
        return reduced(loss, reduction)
    loss = _times(name, loss, input, weight)
    return loss.sum() / weight.sum() if reduction == "mean" else reduced(loss, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(x - t)^2.

    Args:
        input: x, any shape.
        target: t, of the same shape.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.
        weight: a weight for each element, of the input's shape; the mean is then over the weights.

    Raises:
        ValueError: for another ``reduction``, or if the shape of ``weight`` differs.
        NotImplementedError: for integers.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    _warn_if_broadcast("mse_loss", input, target)
    alike = input._array.shape == target._array.shape and input.dtype is target.dtype
    if alike and input.is_floating_point() and weight is None and reduction in ("mean", "sum"):
        return ops.SquaredError.apply(input, target, input.numel() if reduction == "mean" else 1)
    error = input - target
    require_floating("mse_loss", error)
    return _averaged("mse_loss", error.square(), input, weight, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|x - t|, with the arguments of :func:`mse_loss`."""
    reduction = reduction_of(size_average, reduce, reduction)
    _warn_if_broadcast("l1_loss", input, target)
    return _averaged("l1_loss", (input - target).abs(), input, weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """e^2 / (2 beta) where |e| < beta, else |e| - beta / 2, with e = x - t.

    Args:
        input: x, any shape.
        target: t, of the same shape.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.
        beta: where the parabola ends; 0 is :func:`l1_loss`. Default: 1.

    Raises:
        RuntimeError: if ``beta`` is negative.
        NotImplementedError: for integers.

    Source: Girshick, "Fast R-CNN", 2015, equation 3.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: beta must be at least 0, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    _warn_if_broadcast("smooth_l1_loss", input, target)
    require_floating("smooth_l1_loss", input)
    return reduced(ops.SmoothL1.apply(input, target, 1 / beta, beta), reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """e^2 / 2 where |e| < delta, else delta (|e| - delta / 2), with e = x - t.

    Args:
        input: x, any shape.
        target: t, of the same shape.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.
        delta: where the parabola ends. Default: 1.
        weight: a factor for each element, of the input's shape. Default: none.

    Returns:
        The loss in the input's dtype.

    Raises:
        RuntimeError: if ``delta`` is not positive.
        NotImplementedError: for integers.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964.
    """
    if delta <= 0:
        raise RuntimeError(f"huber_loss: delta must be positive, got {delta}")
    _warn_if_broadcast("huber_loss", input, target)
    require_floating("huber_loss", input)
    loss = ops.SmoothL1.apply(input, target, 1.0, delta).to(input.dtype)
    if weight is not None:
        loss = _times("huber_loss", loss, input, weight)
    return reduced(loss, reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-[t ln x + (1 - t) ln(1 - x)] for probabilities x; logarithms are held above -100.

    Args:
        input: probabilities x, any shape.
        target: probabilities t, of the same shape and dtype.
        weight: factors, broadcast. Default: none.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if the shapes differ.
        RuntimeError: if an element of ``input`` or ``target`` is not in [0, 1], or the dtypes differ.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"binary_cross_entropy: Using a target size ({target.shape}) that is different to the "
            f"input size ({input.shape}) is refused. Please ensure they have the same size."
        )
    require_floating("binary_cross_entropy", input)
    if target.dtype is not input.dtype:
        raise RuntimeError(
            f"binary_cross_entropy: expected target to have the dtype of input, {input.dtype}, but "
            f"found {target.dtype}"
        )
    for name, t in (("input", input), ("target", target)):
        values = t._array
        if values.size and not (values.min() >= 0 and values.max() <= 1):
            raise RuntimeError(
                f"binary_cross_entropy: all elements of {name} should be between 0 and 1, found "
                f"{values.min()} to {values.max()}"
            )
    loss = ops.BinaryCrossEntropy.apply(input, target)
    return reduced(loss if weight is None else loss * weight, reduction)


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
        input: logits x, any shape.
        target: probabilities t, of the same shape.
        weight: factors, broadcast. Default: none.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.
        pos_weight: weight of the positive examples, broadcast. Default: 1.

    Returns:
        The loss in the target's dtype, as in PyTorch.

    Raises:
        ValueError: if the shapes differ.
        RuntimeError: if the target has integers.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"binary_cross_entropy_with_logits: Target size ({target.shape}) must be the same as "
            f"input size ({input.shape})"
        )
    require_floating("binary_cross_entropy_with_logits", input)
    if not target.dtype.is_floating_point:
        raise RuntimeError(
            "binary_cross_entropy_with_logits: target must have a floating dtype, got "
            f"{target.dtype}; convert it with .float()"
        )
    loss = ops.BCEWithLogits.apply(input, target, pos_weight).to(target.dtype)
    return reduced(loss if weight is None else loss * weight, reduction)


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
        input: log-probabilities x, any shape.
        target: probabilities t, or their logarithms with ``log_target``.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"batchmean"`` is the divergence proper: the sum over the batch size.
        log_target: whether ``target`` holds logarithms. Default: False.

    Raises:
        ValueError: for another ``reduction``.

    Source: Kullback & Leibler, "On Information and Sufficiency", 1951.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "kl_div: reduction='mean' divides by the number of elements; the mathematical "
            "definition divides by the batch size alone: reduction='batchmean'.",
            stacklevel=2,
        )
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = ops.KLTarget.apply(target) - target * input
    check_reduction(reduction, (*REDUCTIONS, "batchmean"))
    if reduction == "batchmean":
        return loss.sum() / input.shape[0] if input.ndim else loss
    return reduced(loss, reduction)
