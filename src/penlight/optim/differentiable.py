"""Steps that record a graph: the lines of an ``update`` on Tensors in place of arrays.

An update changes arrays in place, and autograd must keep what it changed. So each array is replaced
by a ``Recorded``, which holds a Tensor: ``m *= beta`` computes a new Tensor and holds that one from
then on. When all lines have run, parameters and states take over what they would have become.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.lib.mixins import NDArrayOperatorsMixin

from penlight.autograd.base import TensorBase
from penlight.ops.complex import view_as_complex, view_as_real

__all__ = ["record", "recordable"]


class Recorded(NDArrayOperatorsMixin):
    """Stands for an array, holds a Tensor, and replaces it where the array would be changed."""

    ndim = None  # no array, for kernels that ask

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None) -> Any:
        assert method == "__call__"
        result = ufunc(*(_tensor(x) for x in inputs))
        if out is None:
            return Recorded(result)
        (target,) = out
        target.tensor = result
        return target

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return Recorded(function(*(_tensor(x) for x in args), **kwargs))

    def __setitem__(self, index: Any, value: Any) -> None:
        assert index is ...
        self.tensor = _tensor(value)

    def __bool__(self) -> bool:
        return bool(self.tensor)


def _tensor(value: Any) -> Any:
    return value.tensor if isinstance(value, Recorded) else value


def recordable(given: Any, number: Any) -> Any:
    """An option for a differentiable update: as a number, unless its gradient is wanted."""
    if isinstance(given, TensorBase) and given.requires_grad:
        return Recorded(given.reshape(()))  # type: ignore[attr-defined]
    if isinstance(given, (tuple, list)):
        return tuple(recordable(g, n) for g, n in zip(given, number, strict=True))
    return number


def record(
    update: Callable[..., None],
    p: Any,
    state: dict[str, Any],
    numbers: dict[str, float],
    options: dict[str, Any],
) -> None:
    """One differentiable update of a parameter and its state."""
    tensors = {k: v for k, v in state.items() if k not in numbers and isinstance(v, TensorBase)}
    new = {name: Recorded(_real(t.clone())) for name, t in tensors.items()}  # type: ignore[attr-defined]
    value = Recorded(_real(p.clone()))
    update(value, Recorded(_real(p.grad)), {**new, **numbers}, options)
    for name, tensor in tensors.items():
        tensor.copy_(_as(tensor, new[name].tensor))  # type: ignore[attr-defined]
    p.copy_(_as(p, value.tensor))


def _real(tensor: Any) -> Any:
    """Complex numbers as two, which updates treat apart."""
    return view_as_real(tensor) if tensor.is_complex() else tensor


def _as(like: Any, tensor: Any) -> Any:
    return view_as_complex(tensor) if like.is_complex() else tensor
