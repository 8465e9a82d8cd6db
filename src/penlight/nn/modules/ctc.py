"""Connectionist temporal classification as a module."""

from __future__ import annotations

from typing import Any

from penlight.nn import functional as F
from penlight.nn.modules.loss import Loss
from penlight.tensor import Tensor

__all__ = ["CTCLoss"]


class CTCLoss(Loss):
    """-ln of the probability of a target, summed over all its alignments with the input.

    Args:
        blank: the label that stands for none. Default: 0.
        reduction: ``"mean"`` of the losses divided by the targets' lengths, ``"sum"`` or ``"none"``.
        zero_infinity: 0 where the input is too short for the target. Default: False.

    Shape:
        log_probs (T, N, C) or (T, C); targets (N, S) or (sum of lengths,); lengths (N,); a number, or (N,).

    Source: Graves et al., "Connectionist temporal classification", 2006.
    """

    blank: int
    zero_infinity: bool

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any
    ) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip
