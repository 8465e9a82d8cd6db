"""Forward-mode derivatives: tensors that carry a direction, ``torch.autograd.forward_ad``'s names.

Inside a ``dual_level`` a computation with a dual tensor x, whose tangent is v, is recorded, also where
gradients are not. What ``unpack_dual`` gives for a result y is J v, by two backward passes: v^T J is linear
in v, so its derivative along u is J u. ``penlight.func.jvp`` does the same for a function.

Source: Griewank & Walther, "Evaluating Derivatives", 2nd ed., SIAM 2008, section 3.7.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.engine import grad
from penlight.autograd.grad_mode import enable_grad, mode
from penlight.autograd.node import Node
from penlight.autograd.op import Alias

__all__ = [
    "UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual",
]  # fmt: skip


class UnpackedDualTensor(NamedTuple):
    """A dual tensor's two parts; the tangent is None where there is none."""

    primal: Any
    tangent: Any


class _Level(threading.local):
    """The level of a thread: for each dual tensor made there a variable behind it, and its tangent."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, Any]] | None = None


_level = _Level()


def enter_dual_level() -> int:
    """Begin a level; there is one at a time.

    Raises:
        RuntimeError: if one has begun.
    """
    if _level.pairs is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _level.pairs = []
    mode.forward = True
    mode.set(mode.grad, mode.inference)
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: tensors have no tangents any more.

    Raises:
        RuntimeError: if none has begun.
    """
    if _level.pairs is None or level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not entered: no level exists"
        )
    _level.pairs = None
    mode.forward = False
    mode.set(mode.grad, mode.inference)


class dual_level:
    """A level as a context.

    Example:
        >>> with dual_level():
        ...     x = make_dual(torch.tensor(2.0), torch.tensor(1.0))
        ...     print(unpack_dual(x * x).tangent)
        tensor(4.)
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """``tensor`` with a direction in which it moves.

    Args:
        tensor: floating or complex.
        tangent: of its shape.
        level: accepted; there is one at a time.

    Raises:
        RuntimeError: outside of a level, or if the shapes differ.
        ValueError: for other dtypes.
    """
    if _level.pairs is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    for what, x in (("primal", tensor), ("tangent", tangent)):
        if x._array.dtype.kind not in "fc":
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {x.dtype}")
    if tensor._array.shape != tangent._array.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(tensor._array.shape)} while the "
            f"given forward gradient is of size {list(tangent._array.shape)}."
        )
    if mode.grad and tensor.requires_grad:
        variable = Alias.apply(tensor)
    else:
        variable = wrap(tensor._result_type, tensor._array)
        variable._counter = tensor._counter
        variable.requires_grad = True
    _level.pairs.append((variable, tangent))
    dual = wrap(tensor._result_type, tensor._array)
    made = Alias.apply(variable)
    dual._counter = tensor._counter
    dual._node, dual._output_nr, dual._requires_grad = made._node, made._output_nr, True
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """A tensor and its tangent: how it moves when the dual tensors that it was made from do."""
    pairs = _level.pairs
    if not pairs or not tensor.requires_grad:
        return UnpackedDualTensor(tensor, None)
    connected = mode.grad and _reaches_beyond(tensor, [v for v, _ in pairs])
    primal = tensor if connected else tensor.detach()
    with enable_grad():
        u = wrap(tensor._result_type, np.zeros_like(tensor._array))
        u.requires_grad = True
        products = grad(tensor, [v for v, _ in pairs], u, retain_graph=True, create_graph=True,
                        allow_unused=True)  # fmt: skip
        known = [(p, t) for p, (_, t) in zip(products, pairs, strict=True) if p is not None]
        if not known:
            return UnpackedDualTensor(tensor, None)
        moving = [(p, t) for p, t in known if p.requires_grad]
        tangent = None
        if moving:
            ps, ts = zip(*moving, strict=True)
            (tangent,) = grad(ps, [u], ts, retain_graph=True, create_graph=True, allow_unused=True)
    if tangent is None:
        tangent = wrap(tensor._result_type, np.zeros_like(tensor._array))
    return UnpackedDualTensor(primal, tangent if connected else tangent.detach())


def _reaches_beyond(tensor: TensorBase, variables: list[Any]) -> bool:
    """Whether a graph leads to other leaves than the variables."""
    own = {id(v) for v in variables}
    stack: list[Any] = [tensor.grad_fn]
    seen: set[int] = set()
    while stack:
        place = stack.pop()
        if place is None or id(place) in seen or id(place) in own:
            continue
        seen.add(id(place))
        if not isinstance(place, Node):
            return True
        stack += [edge[0] for edge in place._edges if edge is not None]
    return False
