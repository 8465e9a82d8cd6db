"""Checks of hyper-parameters that optimizers have in common."""

from __future__ import annotations

from typing import Any

from penlight.autograd.base import TensorBase

__all__ = ["check_betas", "check_implementation", "check_lr", "check_not_negative"]


def check_not_negative(owner: str, **values: Any) -> None:
    """Raise a ValueError that names the first option below 0."""
    for name, value in values.items():
        if not value >= 0:  # also NaN
            raise ValueError(f"{owner}: {name} must be >= 0, got {value}")


def check_lr(owner: str, lr: Any) -> None:
    """The learning rate: a number or a tensor of one element, not negative."""
    if isinstance(lr, TensorBase) and lr._array.size != 1:
        raise ValueError(f"{owner}: Tensor lr must be 1-element, got shape {lr._array.shape}")
    check_not_negative(owner, lr=lr)


def check_betas(owner: str, betas: Any) -> None:
    """Two numbers, or two tensors, in [0, 1)."""
    for i in (0, 1):
        if not 0 <= betas[i] < 1:
            raise ValueError(f"{owner}: betas[{i}] must be in [0, 1), got {betas[i]}")
    if isinstance(betas[0], TensorBase) != isinstance(betas[1], TensorBase):
        raise ValueError(f"{owner}: betas must be both numbers or both Tensors, got {betas}")


def check_implementation(
    owner: str,
    foreach: bool | None,
    fused: bool | None = None,
    differentiable: bool = False,
) -> None:
    """PyTorch's choices of implementation, which change nothing here, must not contradict each other."""
    if fused and differentiable:
        raise RuntimeError(f"{owner}: `fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError(f"{owner}: `fused` and `foreach` cannot be `True` together")
