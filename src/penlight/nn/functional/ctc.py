"""Connectionist temporal classification: sequences whose alignment with the input is not known."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.nn.functional.loss import check_reduction
from penlight.ops.ctc import CTCLoss
from penlight.tensor import Tensor

__all__ = ["ctc_loss"]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-ln of the sum of the probabilities of all alignments of a target with the input.

    Args:
        log_probs: (T, N, C) or (T, C), logarithms of probabilities, as of ``log_softmax``.
        targets: labels, (N, S) filled up on the right, or those of all samples end to end, (sum,).
        input_lengths, target_lengths: of each sample, as a tensor or a tuple of integers.
        blank: the label that stands for none.
        reduction: ``"mean"`` of the losses divided by the targets' lengths, ``"sum"`` or ``"none"``.
        zero_infinity: 0, with a gradient of 0, where the input is too short for the target.

    Returns:
        A number, or (N,) losses with ``reduction="none"``.

    Raises:
        RuntimeError: if lengths don't fit, or ``blank`` is no label.

    Source: Graves et al., "Connectionist temporal classification", 2006.
    """
    check_reduction(reduction)
    if log_probs.ndim not in (2, 3):
        raise RuntimeError(f"ctc_loss: log_probs must be (T, N, C) or (T, C), got {log_probs.ndim} dimensions")  # fmt: skip
    if log_probs.dtype.itemsize < 4 or not log_probs.is_floating_point():
        raise NotImplementedError(f"ctc_loss: not implemented for {log_probs.dtype}; use float32 or float64")  # fmt: skip
    single = log_probs.ndim == 2
    x = log_probs.unsqueeze(1) if single else log_probs
    steps, samples, classes = x.shape
    inputs = _lengths("input_lengths", input_lengths, samples, steps)
    lengths = _lengths("target_lengths", target_lengths, samples, None)
    if not 0 <= blank < classes:
        raise RuntimeError(
            f"ctc_loss: blank must be in label range [0, {classes - 1}], got {blank}"
        )
    labels = _rows(targets, lengths, classes)
    y: Tensor = CTCLoss.apply(x, labels, inputs, lengths, blank, zero_infinity)
    if reduction == "none":
        return y.squeeze(0) if single else y
    if reduction == "sum":
        return y.sum()
    return (y / y.new_tensor(np.maximum(lengths, 1))).mean()


def _lengths(name: str, given: Any, samples: int, largest: int | None) -> np.ndarray:
    """One length for each sample."""
    if isinstance(given, Tensor):
        if given.is_floating_point() or given.is_complex():
            raise TypeError(f"ctc_loss: {name} must be integers, got {given.dtype}")
        lengths = np.atleast_1d(given.detach().numpy()).astype(np.int64)
    elif isinstance(given, (tuple, list)):
        lengths = np.array([int(n) for n in given], np.int64)
    else:
        raise TypeError(f"ctc_loss: {name} must be a tensor or tuple of integers, got {given!r}")
    if lengths.shape != (samples,):
        raise RuntimeError(f"ctc_loss: {name} must be of size batch_size ({samples}), got {lengths.size}")  # fmt: skip
    for n in lengths:
        if n < 0 or (largest is not None and n > largest):
            bound = "at least 0" if n < 0 else f"at most {largest}"
            raise RuntimeError(
                f"ctc_loss: Expected {name} to have value {bound}, but got value {n}"
            )
    return lengths


def _rows(targets: Tensor, lengths: np.ndarray, classes: int) -> np.ndarray:
    """(N, S) labels, 0 beyond each row's length."""
    given = targets.detach().numpy()
    longest = int(lengths.max(initial=0))
    rows = np.zeros((len(lengths), longest), np.int64)
    within = np.arange(longest) < lengths[:, None]
    if given.ndim == 1:
        if given.shape[0] != lengths.sum():
            raise RuntimeError(
                f"ctc_loss: Expected targets to have size {lengths.sum()}, the sum of target_lengths, at "
                f"dimension 0, but got size {given.shape[0]}"
            )
        rows[within] = given
    else:
        if given.ndim != 2 or given.shape[0] != len(lengths) or given.shape[1] < longest:
            raise RuntimeError(
                f"ctc_loss: Expected targets to have size at least ({len(lengths)}, {longest}), but got "
                f"{tuple(given.shape)}"
            )
        rows[within] = given[:, :longest][within]
    if rows.size and not (rows.min() >= 0 and rows.max() < classes):
        raise RuntimeError(
            f"ctc_loss: labels must lie in [0, {classes - 1}], got {rows.min()} to {rows.max()}"
        )
    return rows
