"""Whether operations are recorded: ``no_grad``, ``enable_grad``, ``inference_mode``."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self, TypeVar, cast

__all__ = [
    "enable_grad", "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "mode",
    "no_grad", "set_grad_enabled", "set_multithreading_enabled",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


class _Mode(threading.local):
    """The switches of one thread; the class attributes are what a new thread starts with.

    ``recording`` follows from the others: nothing is recorded in inference mode, whatever
    ``enable_grad`` says there; and all is where forward-mode derivatives are taken.
    """

    grad = True
    inference = False
    recording = True
    forward = False  # inside a dual level
    tensors = False  # the gradients that a backward pass hands around are Tensors

    def set(self, grad: bool, inference: bool) -> None:
        self.grad, self.inference = grad, inference
        self.recording = (grad or self.forward) and not inference


mode = _Mode()


def is_grad_enabled() -> bool:
    """True where operations on tensors that require gradients are recorded."""
    return mode.grad


def is_inference_mode_enabled() -> bool:
    """True inside ``inference_mode``."""
    return mode.inference


class _ModeSetter:
    """A context manager and decorator that sets ``mode`` on entry and restores it on exit."""

    grad: bool
    inference: bool | None = None  # None leaves it as it is

    def __enter__(self) -> None:
        self._previous = mode.grad, mode.inference
        mode.set(self.grad, mode.inference if self.inference is None else self.inference)

    def __exit__(self, *exception: object) -> None:
        mode.set(*self._previous)

    def clone(self) -> _ModeSetter:
        """A setter of the same kind with a memory of its own: decorated functions may recurse."""
        return type(self)()

    def __call__(self, function: F) -> F:
        if inspect.isgeneratorfunction(function):
            return cast(F, self._decorate_generator(function))

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return cast(F, wrapped)

    def _decorate_generator(self, function: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
        """The mode holds while the generator runs, not while its consumer does."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Iterator[Any]:
            generator = function(*args, **kwargs)
            proceed: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with self.clone():
                        item = proceed()
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield item
                    proceed = functools.partial(generator.send, sent)
                except GeneratorExit:
                    with self.clone():
                        generator.close()
                    raise
                except BaseException as error:
                    proceed = functools.partial(generator.throw, error)

        return wrapped


class _PlainSetter(_ModeSetter):
    """A setter without arguments, usable as ``@no_grad`` and as ``@no_grad()``."""

    def __new__(cls, orig_func: Any = None) -> Self:
        setter = super().__new__(cls)
        return setter if orig_func is None else cast(Self, setter(orig_func))


class no_grad(_PlainSetter):
    """Operations inside are not recorded: their results do not require gradients."""

    grad = False


class enable_grad(_PlainSetter):
    """Operations inside are recorded, also within an outer ``no_grad``."""

    grad = True


class set_grad_enabled(_ModeSetter):
    """Set recording on or off: as a call at once, as a context manager until its end.

    Raises:
        TypeError: if ``mode`` is no bool.
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: mode must be a bool, got {type(mode).__name__}")
        self.grad = mode
        super().__enter__()

    def __enter__(self) -> None:
        """The constructor has done it."""

    def __call__(self, function: F) -> F:
        mode.set(*self._previous)  # a decorator changes nothing outside
        return super().__call__(function)

    def clone(self) -> _ModeSetter:
        return set_grad_enabled(self.grad)


class set_multithreading_enabled:
    """Accepted: backward visits one node after the other here, whatever is asked for.

    A call, or a context manager.
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


class inference_mode(_ModeSetter):
    """Like ``no_grad``, and tensors made inside keep no version: they can't be saved for backward.

    Args:
        mode: False leaves an outer inference mode, and records. Default: True.
    """

    def __new__(cls, mode: Any = True) -> Self:
        setter = super().__new__(cls)
        if callable(mode):  # @inference_mode without parentheses
            setter.__init__(True)  # type: ignore[misc]
            return cast(Self, setter(mode))
        return setter

    def __init__(self, mode: bool = True) -> None:
        self.grad = not mode
        self.inference = bool(mode)

    def clone(self) -> _ModeSetter:
        return inference_mode(bool(self.inference))
