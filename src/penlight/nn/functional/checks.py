"""Checks of arguments that several functions share."""

from __future__ import annotations

from penlight.tensor import Tensor

__all__ = ["require_same_dtype"]


def require_same_dtype(name: str, input: Tensor, **others: Tensor | None) -> None:
    """Refuse arguments of another dtype than the input's.

    Raises:
        RuntimeError: naming the argument.
    """
    for argument, t in others.items():
        if t is not None and t._array.dtype != input._array.dtype:
            raise RuntimeError(
                f"{name}: expected {argument} to have the dtype of input, {input.dtype}, but found "
                f"{t.dtype}"
            )
