"""A linear layer into a cross-entropy, as one function."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from penlight.autograd.base import wrap
from penlight.nn.functional.classification import cross_entropy
from penlight.nn.functional.linear import linear
from penlight.nn.functional.loss import check_reduction
from penlight.ops.linear_cross_entropy import LinearCrossEntropy
from penlight.tensor import Tensor

__all__ = ["LinearCrossEntropyOptions", "linear_cross_entropy"]

CHUNK_BYTES = 1 << 22  # of logits at a time, where the size is ours to choose


@dataclass
class LinearCrossEntropyOptions:
    """How :func:`linear_cross_entropy` works through its samples without keeping all logits.

    Args:
        allow_retain_graph: no effect here: backward may run as often as the graph is kept.
        batch_chunk_size: samples at a time; default: as many as make 4 MB of logits.
        chunking_method: ``"auto"``, ``"aspect_ratio:R"`` (as many samples as there are classes over R
            times features) or ``None`` (all at once), where no size is given.
        acc_policy, acc_dtype: no effect here: sums are taken in the input's dtype.

    Raises:
        ValueError: for values other than these.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        size, method = self.batch_chunk_size, self.chunking_method
        if size is not None and size <= 0:
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size}")
        if method not in ("auto", None) and not method.startswith("aspect_ratio:"):
            raise ValueError(f"invalid chunking_method: {method!r}; use 'auto', 'aspect_ratio:R' or None")  # fmt: skip
        if self.acc_policy not in ("accurate", "balanced", "compact", "auto"):
            raise ValueError(
                f"invalid acc_policy: {self.acc_policy!r}; use 'accurate', 'balanced', 'compact' or 'auto'"
            )

    def chunk(self, samples: int, features: int, classes: int, itemsize: int) -> int:
        """How many samples to take at a time."""
        if self.batch_chunk_size is not None:
            return self.batch_chunk_size
        if self.chunking_method is None:
            return max(samples, 1)
        if self.chunking_method == "auto":
            return max(CHUNK_BYTES // (itemsize * max(classes, 1)), 16)
        ratio = float(self.chunking_method.partition(":")[2])
        return max(math.ceil(samples * ratio * features / max(classes, 1)), 1)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    """``cross_entropy(linear(input, linear_weight, linear_bias), target)``.

    Args:
        input: (I) or (N, I).
        linear_weight: (C, I), or (C, d1, ..., I) for losses at d1 x ... places of each sample.
        target: classes, () or (N) or (N, d1, ...); or probabilities, (C) or (N, C, d1, ...).
        linear_bias: (C) or (C, d1, ...).
        weight, reduction, ignore_index, label_smoothing: as for :func:`cross_entropy`; ``ignore_index``
            is -100 by default, and for classes only.
        options: work chunk by chunk (:class:`LinearCrossEntropyOptions`), for classes without
            smoothing and further places. Memory then grows with a chunk's logits instead of all.

    Raises:
        RuntimeError, ValueError: if shapes don't fit.

    Source: Wijmans et al., "Cut Your Losses in Large-Vocabulary Language Models", 2025 (chunks).
    """
    features, places = linear_weight.shape[-1], tuple(linear_weight.shape[1:-1])
    classes = linear_weight.shape[0]
    if input.ndim not in (1, 2):
        raise RuntimeError(f"linear_cross_entropy: expected input with dimensionality 1 or 2, got {input.ndim}")  # fmt: skip
    if input.shape[-1] != features:
        raise RuntimeError(
            "linear_cross_entropy: expected equal input and linear_weight last dimensions (in_features), "
            f"got {input.shape[-1]} and {features}, respectively"
        )
    if places and input.ndim == 1:
        raise RuntimeError(
            f"linear_cross_entropy: linear_weight of shape {tuple(linear_weight.shape)} requires batched "
            f"input, (N, {features}), got unbatched input with shape ({features},)"
        )
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *places):
        raise RuntimeError(
            f"linear_cross_entropy: expected linear_bias shape {(classes, *places)}, got "
            f"{tuple(linear_bias.shape)}"
        )
    if ignore_index is not None and target.is_floating_point():
        raise RuntimeError("linear_cross_entropy: ignore_index cannot be specified when target contains probabilities")  # fmt: skip
    if options is not None:
        if not (places or label_smoothing or target.dtype.is_floating_point or input.ndim == 1):
            return _by_chunks(input, linear_weight, target, linear_bias, weight, reduction, ignore_index, options)  # fmt: skip
        warnings.warn(
            "linear_cross_entropy: options ignored; chunks are for batches of classes without "
            f"label_smoothing and further places, got label_smoothing={label_smoothing}, target of "
            f"{target.dtype} and places {places}",
            UserWarning,
            stacklevel=2,
        )
    flat = linear(
        input,
        linear_weight.reshape(-1, features),
        None if linear_bias is None else linear_bias.reshape(-1),
    )
    logits = flat.reshape(*input.shape[:-1], classes, *places)
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits, target, weight, None, ignored, None, reduction, label_smoothing
    )  # fmt: skip


def _by_chunks(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    bias: Tensor | None,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int | None,
    options: LinearCrossEntropyOptions,
) -> Tensor:
    check_reduction(reduction)
    labels, classes = target._array, linear_weight.shape[0]
    if labels.shape != (input.shape[0],):
        raise ValueError(
            f"linear_cross_entropy: Expected input batch_size ({input.shape[0]}) to match target of "
            f"shape {tuple(target.shape)}"
        )
    counted = labels != (-100 if ignore_index is None else ignore_index)
    kept = np.where(counted, labels, 0)
    if kept.size and not (kept.min() >= 0 and kept.max() < classes):
        wrong = kept[(kept < 0) | (kept >= classes)][0]
        raise IndexError(f"linear_cross_entropy: Target {wrong} is out of bounds: classes are 0 to {classes - 1}")  # fmt: skip
    chunk = options.chunk(len(kept), input.shape[1], classes, input._array.itemsize)
    losses: Tensor = LinearCrossEntropy.apply(input, linear_weight, bias, kept, chunk)
    shares = counted.astype(input._array.dtype)
    if weight is not None:
        shares = shares * weight._array[kept]
    losses = losses.masked_fill(wrap(Tensor, ~counted), 0) * wrap(Tensor, shares)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / float(shares.sum())
