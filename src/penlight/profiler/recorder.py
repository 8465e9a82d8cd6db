"""``Recorder``: takes down what begins and ends on each thread; ``record_function`` labels blocks."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, Self

from penlight.profiler.events import FunctionEvent, Interval

__all__ = ["Options", "Recorder", "record_function"]

_DEEP = 8  # lines of the user's that are kept of a stack


class Options:
    """What to note besides names and times."""

    def __init__(
        self, record_shapes: bool, profile_memory: bool, with_stack: bool, with_modules: bool
    ) -> None:
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_modules = with_stack, with_modules


class _Thread(threading.local):
    """What is open on this thread, the innermost last."""

    def __init__(self) -> None:
        self.stack: list[FunctionEvent] = []


class Recorder:
    """The events of one recording.

    Args:
        options: what to note.

    Attributes:
        events: those that have ended, in the order of their ends.
        begun: when the recording began, in nanoseconds of ``perf_counter``.
    """

    active: Recorder | None = None  # the one that is recording, in any thread

    def __init__(self, options: Options) -> None:
        self.options = options
        self.events: list[FunctionEvent] = []
        self.begun = perf_counter_ns()
        self.modules_by_node: dict[int, str] = {}
        self._thread = _Thread()

    def inside(self, owner: Any) -> bool:
        """Whether the innermost open event is a call of ``owner``'s, of which this is a part."""
        stack = self._thread.stack
        return bool(stack) and stack[-1].owner is owner

    def begin(self, name: str, category: str, phase: str = "", owner: Any = None) -> FunctionEvent:
        """Open an event inside the innermost open one, whose phase it has unless given another."""
        stack = self._thread.stack
        event = FunctionEvent(name, category, phase, owner)
        if stack:
            parent = event.cpu_parent = stack[-1]
            parent.cpu_children.append(event)
            event.module = parent.module
            event.phase = phase or parent.phase
        event.phase = event.phase or "forward"
        if category == "cpu_op" and not phase and event.phase == "backward":
            event.name = f"{name} (backward)"
        if self.options.with_stack:
            event.stack = _users_lines()
        stack.append(event)
        event.start_ns = perf_counter_ns()
        return event

    def end(self, event: FunctionEvent) -> None:
        """Close an event, and whatever was left open inside it."""
        event.stop_ns = perf_counter_ns()
        stack = self._thread.stack
        while stack and stack.pop() is not event:
            pass
        thread = threading.current_thread()
        event.thread, event.thread_name = threading.get_ident(), thread.name
        event.time_range = Interval(
            (event.start_ns - self.begun) / 1000, (event.stop_ns - self.begun) / 1000
        )
        event.owner = None
        self.events.append(event)


def _users_lines() -> list[str]:
    """The innermost lines outside this package, as ``file(line): function``."""
    lines: list[str] = []
    frame: Any = sys._getframe(2)
    while frame is not None and len(lines) < _DEEP:
        if not frame.f_globals.get("__name__", "").startswith("penlight."):
            code = frame.f_code
            lines.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return lines


class record_function:
    """A block, or every call of a function, under a label of its own in the profile.

    It does nothing while no profile is open.

    Args:
        name: the label.
        args: noted behind it.

    Example:
        >>> with record_function("loss"):
        ...     loss = criterion(model(x), y)
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name = name if args is None else f"{name}({args})"
        self._open: list[tuple[Recorder, FunctionEvent]] = []

    def __enter__(self) -> Self:
        recorder = Recorder.active
        if recorder is not None:
            self._open.append((recorder, recorder.begin(self.name, "user_annotation")))
        return self

    def __exit__(self, *exc: object) -> None:
        if self._open:
            recorder, event = self._open.pop()
            recorder.end(event)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def labelled(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name):
                return function(*args, **kwargs)

        return labelled
