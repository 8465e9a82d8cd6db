"""Measuring versions of what runs ops, backwards, optimizers, loaders and modules.

They stand in the classes while a recording is on, and at no other time: what is not measured costs
nothing. Each calls what stood there before.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.function import Function
from penlight.autograd.node import Node
from penlight.autograd.op import Op
from penlight.autograd.walk import Walk
from penlight.nn.modules.module import Module
from penlight.optim.optimizer import Optimizer
from penlight.profiler.recorder import Recorder

__all__ = ["Measuring"]


class Measuring:
    """Puts the measuring versions in place, and what they replaced back."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._replaced: list[tuple[type, str, Any]] = []

    def start(self) -> None:
        r = self.recorder
        try:
            for root in (Op, Function):
                self._replace_all(root, "apply", lambda old: classmethod(_apply(r, old.__func__)))
            self._replace_all(Node, "_call_backward", lambda old: _backward(r, old))
            self._replace(
                Walk, "run", lambda old: _labelled(r, old, lambda w: "backward()", "backward")
            )
            for method in ("step", "zero_grad"):
                self._replace_all(Optimizer, method, lambda old: _of_optimizer(r, old))
            iterators = sys.modules.get("penlight.utils.data.iterators")
            if iterators is not None:
                self._replace_all(
                    iterators.LoaderIterator, "__next__", lambda old: _of_loader(r, old)
                )
            if r.options.with_modules:
                self._replace_all(Module, "__call__", lambda old: _ModuleCall(r).measuring(old))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        while self._replaced:
            kind, name, old = self._replaced.pop()
            setattr(kind, name, old)

    def _replace_all(self, root: type, name: str, make: Callable[[Any], Any]) -> None:
        for kind in _with_subclasses(root):
            self._replace(kind, name, make)

    def _replace(self, kind: type, name: str, make: Callable[[Any], Any]) -> None:
        old = vars(kind).get(name)
        if old is not None:
            self._replaced.append((kind, name, old))
            setattr(kind, name, make(old))


def _with_subclasses(root: type) -> Iterator[type]:
    seen: set[type] = {root}
    waiting = [root]
    while waiting:
        kind = waiting.pop()
        yield kind
        subclasses: list[type] = kind.__subclasses__()
        for sub in subclasses:
            if sub not in seen:
                seen.add(sub)
                waiting.append(sub)


# -- ops -----------------------------------------------------------------------------------------


def _apply(r: Recorder, old: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(old)
    def apply(cls: type, *inputs: Any, **kwargs: Any) -> Any:
        if r.inside(cls):
            return old(cls, *inputs, **kwargs)
        event = r.begin(cls.__name__, "cpu_op", owner=cls)
        if r.options.record_shapes:
            event.input_shapes = [_shape(x) for x in inputs]
        try:
            result = old(cls, *inputs, **kwargs)
            event.own_bytes = _bytes_made(result, inputs)
            event.sequence_nr = _sequence(result)
            if event.module and event.sequence_nr >= 0:
                r.modules_by_node[event.sequence_nr] = event.module
            return result
        finally:
            r.end(event)

    return apply


def _backward(r: Recorder, old: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(old)
    def _call_backward(self: Any, grads: list[Any]) -> Any:
        if r.inside(self):
            return old(self, grads)
        event = r.begin(self._name(), "cpu_op", "backward", self)
        if r.options.record_shapes:
            event.input_shapes = [_shape(g) for g in grads]
        event.sequence_nr = getattr(self, "_sequence", -1)
        event.module = r.modules_by_node.get(event.sequence_nr, event.module)
        try:
            result = old(self, grads)
            event.own_bytes = _bytes_made(result, grads)
            return result
        finally:
            r.end(event)

    return _call_backward


def _arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, TensorBase):
        yield value._array
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from _arrays(v)


def _bytes_made(result: Any, inputs: Any) -> int:
    """The size of those results that own their memory and are no inputs."""
    given = {id(a) for a in _arrays(inputs)}
    made = (a for a in _arrays(result) if id(a) not in given and not _is_view(a, inputs))
    return sum(a.nbytes for a in made)


def _is_view(array: np.ndarray, inputs: Any) -> bool:
    return array.base is not None and any(np.may_share_memory(array, x) for x in _arrays(inputs))


def _shape(x: Any) -> list[int]:
    array = next(_arrays(x), None) if not isinstance(x, (tuple, list)) else None
    return [] if array is None else list(array.shape)


def _sequence(result: Any) -> int:
    """The number of the node that made a result."""
    first = result[0] if isinstance(result, tuple) and result else result
    return getattr(getattr(first, "_node", None), "_sequence", -1)


# -- labels --------------------------------------------------------------------------------------


def _labelled(
    r: Recorder, old: Callable[..., Any], name: Callable[[Any], str], phase: str
) -> Callable[..., Any]:
    @functools.wraps(old)
    def measured(self: Any, *args: Any, **kwargs: Any) -> Any:
        if r.inside(self):
            return old(self, *args, **kwargs)
        event = r.begin(name(self), "user_annotation", phase, self)
        try:
            return old(self, *args, **kwargs)
        finally:
            r.end(event)

    return measured


def _of_optimizer(r: Recorder, old: Callable[..., Any]) -> Callable[..., Any]:
    method = old.__name__
    return _labelled(
        r, old, lambda o: f"Optimizer.{method}#{type(o).__name__}.{method}", "optimizer"
    )


def _of_loader(r: Recorder, old: Callable[..., Any]) -> Callable[..., Any]:
    return _labelled(r, old, lambda i: f"enumerate(DataLoader)#{type(i).__name__}.__next__", "data")


class _ModuleCall:
    """Names modules by their path below the one that the user called."""

    def __init__(self, r: Recorder) -> None:
        self.r = r
        self.local = threading.local()

    def measuring(self, old: Callable[..., Any]) -> Callable[..., Any]:
        r, local = self.r, self.local

        @functools.wraps(old)
        def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:
            if r.inside(module):
                return old(module, *args, **kwargs)
            outermost = getattr(local, "paths", None) is None
            if outermost:
                local.paths = {id(m): path for path, m in module.named_modules()}
            path = local.paths.get(id(module), "")
            kind = type(module).__name__
            event = r.begin(f"nn.Module: {kind} {path}".rstrip(), "python_function", owner=module)
            event.module = f"{path or '(root)'}: {kind}"
            try:
                return old(module, *args, **kwargs)
            finally:
                r.end(event)
                if outermost:
                    local.paths = None

        return __call__
