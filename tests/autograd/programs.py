"""Random programs of views, in-place changes and arithmetic, for either library.

A program is a list of steps ``(name, i, j, k)``: numbers pick tensors and options among those that are
there, so that every list is a valid program. What a step raises is part of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Step = tuple[str, int, int, int]
Operation = Callable[[Any, Any, Any, int], Any]  # (library, tensor, another that fits, option)


def _setitem(x: Any, index: Any, value: Any) -> None:
    x[index] = value


def _in_no_grad(lib: Any, operation: Operation, *args: Any) -> Any:
    with lib.no_grad():
        return operation(lib, *args)


VIEWS: dict[str, Operation] = {
    "row": lambda lib, x, y, k: x[k % x.shape[0]] if x.ndim and x.shape[0] else x[...],
    "slice": lambda lib, x, y, k: x[k % 2 :] if x.ndim else x[...],
    "columns": lambda lib, x, y, k: x[..., : 1 + k % 2] if x.ndim else x[...],
    "transpose": lambda lib, x, y, k: x.transpose(0, -1) if x.ndim else x[...],
    "flat": lambda lib, x, y, k: x.view(-1),
    "unsqueeze": lambda lib, x, y, k: x.unsqueeze(k % (x.ndim + 1)),
    "alias": lambda lib, x, y, k: x[...],
    "expand": lambda lib, x, y, k: x.expand(2, *x.shape),
    "detach": lambda lib, x, y, k: x.detach(),
    "first half": lambda lib, x, y, k: x.split(1)[0] if x.ndim else x[...],
    "unbound": lambda lib, x, y, k: x.unbind(0)[-1] if x.ndim and x.shape[0] else x[...],
    "data": lambda lib, x, y, k: x.data,
}

CHANGES: dict[str, Operation] = {
    "mul_ number": lambda lib, x, y, k: x.mul_(1.5),
    "mul_": lambda lib, x, y, k: x.mul_(y),
    "add_": lambda lib, x, y, k: x.add_(y, alpha=2),
    "sub_ itself": lambda lib, x, y, k: x.sub_(x * 0.5),
    "div_": lambda lib, x, y, k: x.div_(y * y + 1),
    "exp_": lambda lib, x, y, k: x.mul_(0.1).exp_(),
    "sigmoid_": lambda lib, x, y, k: x.sigmoid_(),
    "tanh_": lambda lib, x, y, k: x.tanh_(),
    "relu_": lambda lib, x, y, k: x.relu_(),
    "clamp_": lambda lib, x, y, k: x.clamp_(-1.0, 1.0),
    "neg_": lambda lib, x, y, k: x.neg_(),
    "zero_": lambda lib, x, y, k: x.zero_(),
    "fill_": lambda lib, x, y, k: x.fill_(0.5),
    "copy_": lambda lib, x, y, k: x.copy_(y),
    "set row to number": lambda lib, x, y, k: _setitem(x, 0 if x.ndim and x.shape[0] else ..., 2.0),
    "set all": lambda lib, x, y, k: _setitem(x, ..., y),
    "set masked": lambda lib, x, y, k: _setitem(x, x > 0, 0.25),
    "requires_grad_": lambda lib, x, y, k: x.requires_grad_(),
    "data.mul_": lambda lib, x, y, k: x.data.mul_(2.0),
    "retain_grad": lambda lib, x, y, k: x.retain_grad(),
}

VALUES: dict[str, Operation] = {
    "mul": lambda lib, x, y, k: x * y,
    "add": lambda lib, x, y, k: x + y,
    "square": lambda lib, x, y, k: x * x,
    "sigmoid": lambda lib, x, y, k: x.sigmoid(),
    "sum": lambda lib, x, y, k: x.sum(0) if x.ndim else x + 0,
    "clone": lambda lib, x, y, k: x.clone(),
    "masked": lambda lib, x, y, k: x[x > 0].sum(),
}

UNRECORDED = ("row", "transpose", "alias", "mul_ number", "add_", "zero_", "mul", "first half")

OPERATIONS: dict[str, Operation] = {
    **VIEWS, **CHANGES, **VALUES,
    **{
        f"no_grad {name}": lambda lib, x, y, k, name=name: _in_no_grad(lib, OPERATIONS[name], x, y, k)
        for name in UNRECORDED
    },
}  # fmt: skip


def run(lib: Any, steps: list[Step]) -> list[Any]:
    """What happened: per step the exception's type or what is new; then every tensor; then gradients."""
    leaves = [
        lib.tensor([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], dtype=lib.float64, requires_grad=True),
        lib.tensor([1.2, -0.4, 0.9], dtype=lib.float64, requires_grad=True),
    ]
    constant = lib.tensor([[0.1, 0.2, 0.3], [0.4, -0.5, 0.6]], dtype=lib.float64)
    tensors = [*leaves, constant, leaves[0] * 2, leaves[1] + 1]
    memory = list(range(len(tensors)))  # whose memory each tensor lies in
    events: list[Any] = []
    for name, i, j, k in steps:
        i %= len(tensors)
        x = tensors[i]
        if name in CHANGES and 0 in x.stride() and x.numel() > 1:
            continue  # PyTorch lets some changes of expanded tensors pass, and fails in backward
        others = [y for y, m in zip(tensors, memory, strict=True) if m != memory[i] and fits(y, x)]
        y = others[j % len(others)] if others else lib.ones((), dtype=lib.float64)
        try:
            _ = x.grad_fn  # else PyTorch takes a view whose base got a history for a leaf
            new = OPERATIONS[name](lib, x, y, k)
        except RuntimeError as error:
            events.append(type(error).__name__)
            continue
        if new is not None and not any(new is t for t in tensors):
            tensors.append(new)
            shared = name.removeprefix("no_grad ") in VIEWS or name == "data.mul_"
            memory.append(memory[i] if shared else len(tensors))
        events.append(None if new is None else tuple(new.shape))
    return [events, [state(t) for t in tensors], backward(lib, leaves, tensors)]


def fits(y: Any, x: Any) -> bool:
    """Whether y broadcasts to x's shape."""
    a, b = tuple(y.shape), tuple(x.shape)
    return len(a) <= len(b) and all(m in (1, n) for m, n in zip(a[::-1], b[::-1], strict=False))


def state(t: Any) -> Any:
    try:
        history = (t.requires_grad, t.is_leaf, t.retains_grad)
    except RuntimeError as error:
        history = type(error).__name__
    return {
        "value": t.detach().tolist(), "history": history, "version": t._version, "view": t._is_view(),
    }  # fmt: skip


def backward(lib: Any, leaves: list[Any], tensors: list[Any]) -> Any:
    """Gradients of a weighted sum of all tensors, of first and second order."""
    try:
        total = sum(
            ((t * t).sum() * (0.3 + 0.1 * n) for n, t in enumerate(tensors)), leaves[0].sum()
        )
        total.backward(retain_graph=True)
        grads = _list(t.grad for t in tensors if t.is_leaf or t.retains_grad)
        first = lib.autograd.grad(total, leaves, create_graph=True, materialize_grads=True)
        second = None
        mixed = sum((g * g).sum() for g in first)
        if mixed.requires_grad:
            second = lib.autograd.grad(mixed, leaves, materialize_grads=True)
    except RuntimeError as error:
        return type(error).__name__
    return [grads, _list(first), _list(second or ())]


def _list(tensors: Any) -> list[Any]:
    return [None if t is None else t.detach().tolist() for t in tensors]
