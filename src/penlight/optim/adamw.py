"""AdamW: Adam with weight decay beside the gradient's step instead of in it."""

from __future__ import annotations

from penlight.optim.adam import Adam
from penlight.optim.optimizer import ParamsT
from penlight.tensor import Tensor

__all__ = ["AdamW"]


class AdamW(Adam):
    """p <- (1 - lr lambda) p - lr m' / (sqrt(v') + eps), with m' and v' as in :class:`Adam`.

    In Adam the decay lambda p passes through the division by sqrt(v'), so that parameters with
    large gradients are decayed less. Here all are decayed at the same rate.

    Args:
        weight_decay: lambda. Default: 1e-2.
        params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused: as in
            :class:`Adam`.

    Source: Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
