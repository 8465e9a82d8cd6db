"""Connectionist temporal classification as an op."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.kernels.ctc import ctc_backward, ctc_forward

__all__ = ["CTCLoss"]


class CTCLoss(Op):
    """y_n = -ln p(target n | log_probs); dx_tk = (exp x_tk - p(label k at t | target)) dy.

    The derivative alone is -p(label k at t | target). exp x, whose sum over k is 1, does not change what
    log_softmax passes on, and makes a gradient that is 0 where prediction and posterior agree; PyTorch
    has it too. Impossible targets have y = inf and a gradient of NaN, or 0 both under ``zero_infinity``.

    Source: Graves et al., 2006, equations 14 and 16.
    """

    label = "CtcLossBackward0"

    @staticmethod
    def forward(
        ctx: Any,
        log_probs: np.ndarray,
        targets: np.ndarray,
        input_lengths: np.ndarray,
        target_lengths: np.ndarray,
        blank: int,
        zero_infinity: bool,
    ) -> Any:
        loss, alpha = ctc_forward(log_probs, targets, input_lengths, target_lengths, blank)
        ctx.save(log_probs, loss, alpha, targets, input_lengths, target_lengths)
        ctx.blank, ctx.zero_infinity = blank, zero_infinity
        return np.where(np.isinf(loss), 0, loss).astype(loss.dtype) if zero_infinity else loss

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        if isinstance(dy, TensorBase):
            raise RuntimeError(
                "ctc_loss: the derivative of its gradient is not implemented (in PyTorch neither); "
                "call backward or grad without create_graph"
            )
        log_probs, loss, alpha, targets, input_lengths, target_lengths = ctx.saved
        dx = ctc_backward(log_probs, targets, input_lengths, target_lengths, ctx.blank, loss, alpha)
        if ctx.zero_infinity:
            dx[:, np.isinf(loss)] = 0
        return dx * dy[:, None]
