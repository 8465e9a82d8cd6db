"""Losses that ask for a margin: between classes, between pairs, between distances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from penlight.autograd.base import wrap
from penlight.nn.functional.activation import logsigmoid, relu, softplus
from penlight.nn.functional.distance import pairwise_distance
from penlight.nn.functional.loss import check_reduction, reduced, reduction_of
from penlight.ops.rounding import clamp
from penlight.ops.selection import minimum, where
from penlight.tensor import Tensor

__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "soft_margin_loss",
    "triplet_margin_loss", "triplet_margin_with_distance_loss",
]  # fmt: skip


# -- pairs: the target is 1 or -1 ------------------------------------------------------------


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where the target is 1, max(0, margin - x) where it is -1, for distances x.

    Args:
        input: x, any shape.
        target: 1 or -1, of the same shape.
        margin: how far apart unlike pairs should be. Default: 1.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Source: Hadsell, Chopra & LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    apart = where(target == 1, 0.0, clamp(margin - input, 0))
    return reduced(where(target == -1, 0.0, input) + apart, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - t (x1 - x2)): x1 should be larger where t is 1, smaller where it is -1.

    Args:
        input1, input2: x1 and x2, of as many dimensions each.
        target: t, 1 or -1, of as many dimensions.
        margin: how much larger. Default: 0.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: if the numbers of dimensions differ.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss: All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape}"
        )
    return reduced(clamp(margin - target * (input1 - input2), 0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(x1, x2) where the target is 1, max(0, cos(x1, x2) - margin) where it is -1.

    Args:
        input1, input2: x1 and x2, (N, D) or (D).
        target: 1 or -1, (N) or ().
        margin: what the cosine of unlike pairs may be. Default: 0.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: if the numbers of dimensions do not fit.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if target.ndim > 1 or not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(
            f"cosine_embedding_loss: {target.ndim}D target tensor expects {target.ndim + 1}D input "
            f"tensors (0D with 1D, or 1D with 2D), but found inputs with sizes "
            f"{list(input1.shape)} and {list(input2.shape)}"
        )
    squares = ((x * x).sum(-1) + 1e-12 for x in (input1, input2))
    a, b = squares
    cosine = (input1 * input2).sum(-1) / (a * b).sqrt()
    apart = where(target == -1, clamp(cosine - margin, 0), 0.0)
    loss = where(target == 1, 1 - cosine, 0.0) + apart
    return reduced(loss, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """ln(1 + e^(-t x)) for targets t of 1 or -1; no overflow at x = -100 t, where PyTorch has infinity.

    Args:
        input: x, any shape.
        target: t, of a shape that broadcasts.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    return reduced(softplus(-target * input), reduction)


# -- triplets --------------------------------------------------------------------------------


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(a, p) - d(a, n) + margin), d being the distance of the p-norm.

    Args:
        anchor, positive, negative: (N, D) or (D).
        margin: how much nearer the positive should be than the negative. Default: 1.
        p, eps: of :func:`pairwise_distance`.
        swap: take d(p, n) in place of d(a, n) where it is smaller. Default: False.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if the margin is not positive.
        RuntimeError: if the numbers of dimensions differ.

    Source: Balntas, Riba, Ponsa & Mikolajczyk, "Learning local feature descriptors with triplets and
    shallow convolutional neural networks", 2016.
    """
    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=lambda x, y: pairwise_distance(x, y, p, eps),
        margin=margin,
        swap=swap,
        reduction=reduction_of(size_average, reduce, reduction),
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """:func:`triplet_margin_loss` with a distance d of one's own.

    Args:
        anchor, positive, negative: of as many dimensions each.
        distance_function: d. Default: :func:`pairwise_distance`.
        margin: how much nearer the positive should be than the negative. Default: 1.
        swap: take d(p, n) in place of d(a, n) where it is smaller. Default: False.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if the margin is not positive.
        RuntimeError: if the numbers of dimensions differ.
    """
    check_reduction(reduction)
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin must be greater than 0, got {margin}")
    dims = anchor.ndim, positive.ndim, negative.ndim
    if len(set(dims)) > 1:
        raise RuntimeError(
            "triplet_margin_loss: The anchor, positive, and negative tensors are expected to have "
            f"the same number of dimensions, but got {dims}"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(clamp(near - far + margin, 0), reduction)


# -- classes ---------------------------------------------------------------------------------


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """(1 / C) sum over c != t of w_t max(0, margin - x_t + x_c)^p, the hinge loss of one class t.

    A NaN among the scores gives NaN; PyTorch leaves out the terms that have it.

    Args:
        input: scores x, (N, C) or (C).
        target: classes t, (N) or (), int64.
        p: 1 or 2. Default: 1.
        margin: how much higher the score of t should be. Default: 1.
        weight: a weight per class, (C). Default: none.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        ValueError: if ``p`` is neither 1 nor 2.
        RuntimeError: if a class is out of range or the shapes do not fit.

    Source: Crammer & Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector
    Machines", 2001.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p == 1 and p == 2 are supported, got {p}")
    if input.ndim not in (1, 2) or target._array.shape != input._array.shape[:-1]:
        raise RuntimeError(
            "multi_margin_loss: expected input (N, C) with target (N), or input (C) with target (), "
            f"got {list(input.shape)} and {list(target.shape)}"
        )
    classes = input.shape[-1]
    _check_classes("multi_margin_loss", target, 0, classes)
    at = target.unsqueeze(-1)
    terms = relu(margin - input.gather(-1, at) + input)
    if p == 2:
        terms = terms * terms
    if weight is not None:
        if weight._array.shape != (classes,):
            raise RuntimeError(
                f"multi_margin_loss: inconsistent weight size, expected {classes} but got "
                f"{list(weight.shape)}"
            )
        terms = terms * weight[at]
    others = wrap(Tensor, np.arange(classes) != at._array)
    return reduced((terms * others).sum(-1) / classes, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """(1 / C) sum over wanted classes j and others i of max(0, 1 - x_j + x_i).

    A NaN among the scores gives NaN; PyTorch leaves out the terms that have it.

    Args:
        input: scores x, (N, C) or (C).
        target: of the same shape, int64: the wanted classes, and then -1 for the end of the list.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.

    Raises:
        RuntimeError: if a class is out of range or the shapes differ.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    if input.ndim not in (1, 2) or target.shape != input.shape:
        raise RuntimeError(
            f"multilabel_margin_loss: inconsistent target size: {list(target.shape)} for input of "
            f"size: {list(input.shape)}"
        )
    classes = input.shape[-1]
    _check_classes("multilabel_margin_loss", target, -1, classes)
    t = target._array
    listed = np.logical_and.accumulate(t >= 0, axis=-1)
    wanted = np.where(listed, t, 0)
    is_wanted = ((wanted[..., None] == np.arange(classes)) & listed[..., None]).any(-2)
    pairs = listed[..., :, None] & ~is_wanted[..., None, :]  # (..., wanted j, other i)
    score = input.gather(-1, wrap(Tensor, wanted)).unsqueeze(-1)
    terms = relu(1 - score + input.unsqueeze(-2)) * wrap(Tensor, pairs)
    return reduced(terms.sum((-2, -1)) / classes, reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The binary cross-entropy of sigmoid(x), averaged over the classes.

    Args:
        input: logits x, (N, C) or (C).
        target: 0 or 1 for each, of a shape that broadcasts.
        weight: a weight per class, (C). Default: none.
        size_average, reduce: old forms of ``reduction``.
        reduction: ``"mean"`` (the default), ``"sum"`` or ``"none"``.
    """
    reduction = reduction_of(size_average, reduce, reduction)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.mean(-1), reduction)


def _check_classes(name: str, target: Tensor, lowest: int, classes: int) -> None:
    t = target._array
    if t.size and (t.min() < lowest or t.max() >= classes):
        wrong = t[(t < lowest) | (t >= classes)][0]
        raise RuntimeError(
            f"{name}: target {wrong} is out of range: it must lie in {lowest}..{classes - 1}"
        )
