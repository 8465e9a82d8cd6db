"""Errors whose text several rooms share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["LinAlgError", "broadcast_error", "unsupported_error"]


class LinAlgError(RuntimeError):
    """A matrix whose numbers don't allow what was asked: a singular one to be inverted, say."""

    __module__ = "penlight.linalg"


def broadcast_error(owner: str, shapes: Sequence[tuple[int, ...]]) -> RuntimeError:
    """The error for operands whose shapes can't be broadcast together, in PyTorch's words."""
    first, second = (shapes[0], shapes[1]) if len(shapes) > 1 else (shapes[0], ())
    for back in range(1, min(len(first), len(second)) + 1):
        m, n = first[-back], second[-back]
        if m != n and 1 not in (m, n):
            axis = max(len(first), len(second)) - back
            return RuntimeError(
                f"{owner}: The size of tensor a ({m}) must match the size of tensor b ({n}) at "
                f"non-singleton dimension {axis}; got shapes "
                f"{' and '.join(str(list(s)) for s in shapes)}"
            )
    return RuntimeError(
        f"{owner}: shapes {' and '.join(str(list(s)) for s in shapes)} can't be broadcast together"
    )


def unsupported_error(owner: str, operands: Sequence[Any]) -> NotImplementedError:
    """The error for an operation that does not exist for its operands' dtypes."""
    names = [str(x.dtype) for x in operands if hasattr(x, "dtype")]
    names += [type(x).__name__ for x in operands if isinstance(x, (bool, int, float, complex))]
    return NotImplementedError(f"{owner}: not implemented for {' and '.join(names)}")
