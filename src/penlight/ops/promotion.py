"""Bring operands to a common dtype before an op sees them, by PyTorch's promotion rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight._core import dtypes
from penlight._core.dtypes import dtype_of, get_default_dtype, promote_types
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.primitives import Cast

__all__ = [
    "as_operand", "as_scalar", "cast", "floating", "promoted", "real_floating", "result_type",
]  # fmt: skip

_NUMBERS = (bool, int, float, complex)


def cast(input: Any, dtype: dtypes.dtype) -> Any:
    """``input`` in another dtype (itself if it has that already); gradients come back in its own."""
    if input._array.dtype == dtype.numpy:
        return input
    return Cast.apply(input, dtype.numpy)


def floating(input: Any) -> Any:
    """Integers and booleans as the default floating dtype, everything else as it is."""
    if isinstance(input, TensorBase) and input._array.dtype.kind in "biu":
        return Cast.apply(input, get_default_dtype().numpy)
    return input


def as_complex(input: Any) -> Any:
    """A floating tensor as a complex one of the same precision; complex ones as they are."""
    kind = input._array.dtype
    if kind.kind == "c":
        return input
    return Cast.apply(input, np.dtype(np.complex128 if kind == np.float64 else np.complex64))


def require_floating(name: str, input: Any) -> None:
    """Refuse integers and booleans.

    Raises:
        NotImplementedError: as PyTorch does.
    """
    if input._array.dtype.kind not in "fc":
        raise NotImplementedError(
            f"{name}: not implemented for input of dtype {input.dtype}; expected floating-point "
            "numbers, as input.float() gives"
        )


def real_floating(name: str, input: Any) -> Any:
    """As :func:`floating`, for functions that are not defined on complex numbers here.

    Raises:
        NotImplementedError: for complex tensors.
    """
    if input._array.dtype.kind == "c":
        raise NotImplementedError(f"{name}: not implemented for {input.dtype}")
    return floating(input)


def as_operand(value: Any, owner: str = "operand") -> Any:
    """A tensor or Python number as it is; NumPy scalars as numbers; ndarrays as tensors.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, np.generic):  # before the numbers: np.float64 is a float, but not weak
        return value.item()
    if isinstance(value, (TensorBase, *_NUMBERS)):
        return value
    if isinstance(value, np.ndarray):
        return wrap(TensorBase._result_type, value)
    raise TypeError(f"{owner}: expected a Tensor or a number, got {type(value).__name__}")


def _number_dtype(value: Any) -> dtypes.dtype:
    default = get_default_dtype()
    return (dtypes.bool_, dtypes.int64, default, default.to_complex())[dtypes.category(value)]


def result_type(*operands: Any) -> dtypes.dtype:
    """The dtype that an operation on these tensors and numbers gives.

    Example:
        >>> result_type(torch.ones(2, dtype=torch.int32), 1.5)
        torch.float32
    """
    ranks: list[dtypes.dtype | None] = [None, None, None]  # with dimensions, 0-d, numbers
    for x in operands:
        if isinstance(x, TensorBase):
            rank, d = (0 if x._array.ndim else 1), dtype_of(x._array)
        else:
            rank, d = 2, _number_dtype(x)
        known = ranks[rank]
        ranks[rank] = d if known is None else promote_types(known, d)
    result, *lower = [d for d in ranks if d is not None]
    for d in lower:
        if d.category > result.category:
            result = result.to_complex() if result.is_floating_point else d
    return result


def promoted(*operands: Any, owner: str = "operand") -> tuple[Any, ...]:
    """The operands in their common dtype. Numbers stay numbers: NumPy gives them the tensors' dtype.

    At least one operand becomes a tensor, so that the op's result is one.
    """
    first = operands[0]
    if isinstance(first, TensorBase):
        d = first._array.dtype
        kind = d.kind
        for x in operands[1:]:
            if isinstance(x, TensorBase):
                if x._array.dtype != d:
                    break
            elif type(x) is float:
                if kind not in "fc":
                    break
            elif type(x) is not int or not (kind in "fc" or d == np.int64):
                break
        else:
            return operands  # nothing to do: by far the most frequent case
    values = [as_operand(x, owner) for x in operands]
    common = result_type(*values)
    if not any(isinstance(x, TensorBase) for x in values):
        values[0] = wrap(TensorBase._result_type, np.asarray(values[0], common.numpy))
    return tuple(
        cast(x, common) if isinstance(x, TensorBase) else _fitting(x, common) for x in values
    )


def _fitting(number: Any, d: dtypes.dtype) -> Any:
    """A number that NumPy takes for ``d``: integers too large for it wrap around, as in PyTorch."""
    if type(number) is not int or d.category != dtypes.INTEGER or d is dtypes.int64:
        return number
    return int(np.asarray(number).astype(d.numpy))


def as_scalar(value: Any, d: dtypes.dtype, owner: str) -> Any:
    """A number to be stored in ``d``, which refuses what it can't hold.

    Raises:
        RuntimeError: for numbers out of range, complex ones for real dtypes, NaN for integers.
    """
    if d.category == dtypes.BOOL:
        return bool(value)
    stored, fits = value, True
    if isinstance(value, complex) and d.category != dtypes.COMPLEX:
        stored, fits = value.real, value.imag == 0
    if d.category == dtypes.INTEGER:
        limits = np.iinfo(d.numpy)
        fits = fits and (int(limits.min) or -int(limits.max)) <= stored <= int(limits.max)
        stored = int(np.asarray(int(stored)).astype(d.numpy)) if fits else stored
    elif d is not dtypes.float16:
        fits = fits and not float(np.finfo(d.numpy).max) < abs(stored) < math.inf
    if not fits:
        raise RuntimeError(f"{owner}: value {value} cannot be converted to {d!r} without overflow")
    return stored
