"""``profile``: measure a block of a program, whole or some steps of it."""

from __future__ import annotations

import enum
import os
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Self

from penlight.profiler.events import FunctionEvent
from penlight.profiler.measuring import Measuring
from penlight.profiler.recorder import Options, Recorder
from penlight.profiler.tables import EventList

__all__ = [
    "ProfilerAction", "ProfilerActivity", "profile", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(enum.Enum):
    """What can be watched; here it is the CPU alone."""

    CPU = 0
    CUDA = 1
    XPU = 2
    MTIA = 3
    HPU = 4
    PrivateUse1 = 5


class ProfilerAction(enum.Enum):
    """What to do in a step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


Schedule = Callable[[int], ProfilerAction]


def supported_activities() -> set[ProfilerActivity]:
    """The CPU."""
    return {ProfilerActivity.CPU}


def schedule(
    *,
    wait: int,
    warmup: int,
    active: int,
    repeat: int = 0,
    skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Schedule:
    """Steps in turns: ``wait`` idle, ``warmup`` to warm up, ``active`` recorded.

    Args:
        repeat: how many turns; 0 for no end.
        skip_first: steps before the first turn.
        skip_first_wait: if not 0, the first turn has no ``wait``.

    Raises:
        AssertionError: if a number is negative, or ``active`` is not above 0.
    """
    if min(wait, warmup, repeat, skip_first) < 0 or active < 1:
        raise AssertionError(
            "schedule: wait, warmup, repeat and skip_first must not be negative and active must be "
            f"above 0, got wait={wait}, warmup={warmup}, active={active}, repeat={repeat}, "
            f"skip_first={skip_first}"
        )
    turn = wait + warmup + active

    def action_of(step: int) -> ProfilerAction:
        step -= skip_first
        if skip_first_wait:
            step += wait
        if step < (wait if skip_first_wait else 0) or (repeat and step >= turn * repeat):
            return ProfilerAction.NONE
        place = step % turn
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if place == turn - 1 else ProfilerAction.RECORD

    return action_of


def tensorboard_trace_handler(
    dir_name: str,
    worker_name: str | None = None,
    use_gzip: bool = False,
    use_python_export: bool = False,
) -> Callable[[profile], None]:
    """An ``on_trace_ready`` that writes each trace to a file of its own in a folder.

    Args:
        dir_name: the folder, made if it is not there.
        worker_name: the beginning of the files' names. Default: this machine and process.
        use_gzip: compress them.
        use_python_export: accepted; there is one way to write.
    """
    del use_python_export

    def handler(prof: profile) -> None:
        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        ending = ".pt.trace.json.gz" if use_gzip else ".pt.trace.json"
        prof.export_chrome_trace(os.path.join(dir_name, f"{worker}.{time.time_ns()}{ending}"))

    return handler


class profile:
    """Measure what runs in a block: ops, their backwards, optimizers, loaders, labelled blocks.

    While it is open the classes that run these hold measuring versions; they are restored when it
    closes, whatever happened. Each event costs some microseconds, which count as time of the event
    around it.

    Args:
        activities: must hold ``ProfilerActivity.CPU`` if given; others are not there to watch.
        schedule: which steps to record, as :func:`schedule` makes it; call :meth:`step` after each.
        on_trace_ready: called with this object when a recording is complete.
        record_shapes: note the shapes of inputs.
        profile_memory: show the size of the results that ops made. (What they need on the way and
            what is freed is not measured.)
        with_stack: note the user's lines that led to each op.
        with_flops: not measured; a warning says so.
        with_modules: note which module each op ran in, and time modules as a whole.
        experimental_config, execution_trace_observer, acc_events, use_cuda,
            custom_trace_id_callback, post_processing_timeout_s: PyTorch's, without a meaning here.

    Raises:
        AssertionError: if ``activities`` does not hold the CPU.
        RuntimeError: if it is opened while another is recording.

    Example:
        >>> with profile(record_shapes=True) as prof:
        ...     model(x).sum().backward()
        >>> print(prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=10))
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Schedule | None = None,
        on_trace_ready: Callable[..., Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        execution_trace_observer: Any = None,
        acc_events: bool = False,
        use_cuda: bool | None = None,
        custom_trace_id_callback: Any = None,
        post_processing_timeout_s: float | None = None,
    ) -> None:
        self.activities = {ProfilerActivity.CPU} if activities is None else set(activities)
        if ProfilerActivity.CPU not in self.activities:
            raise AssertionError(
                f"profile: activities must hold ProfilerActivity.CPU, got {self.activities or 'none'}"
            )
        if with_flops:
            warnings.warn("profile: with_flops=True: operations are not counted", stacklevel=2)
        self.schedule, self.on_trace_ready = schedule, on_trace_ready
        self.record_shapes, self.profile_memory = record_shapes, profile_memory
        self.with_stack, self.with_modules = with_stack, with_modules
        self.step_num = 0
        self.current_action = self._action()
        self._recorder: Recorder | None = None
        self._measuring: Measuring | None = None
        self._step_event: FunctionEvent | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Open the profile."""
        if _recording(self.current_action):
            self._begin()
        if self.schedule is not None:
            self._begin_step()

    def stop(self) -> None:
        """Close it; a recording that was on is complete."""
        self._end_step()
        if self._measuring is not None:
            self._finish()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)

    def step(self) -> None:
        """A step of the schedule is over."""
        self._end_step()
        before, self.step_num = self.current_action, self.step_num + 1
        self.current_action = self._action()
        over = before is ProfilerAction.RECORD_AND_SAVE or not _recording(self.current_action)
        if self._measuring is not None and over and self.schedule is not None:
            self._finish()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
        if (
            self._measuring is None
            and _recording(self.current_action)
            and self.schedule is not None
        ):
            self._begin()
        self._begin_step()

    def _action(self) -> ProfilerAction:
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(self.step_num)

    def _begin(self) -> None:
        options = Options(
            self.record_shapes, self.profile_memory, self.with_stack, self.with_modules
        )
        with _opening:
            if Recorder.active is not None:
                raise RuntimeError(
                    "profile: another profile is recording; close it before opening the next"
                )
            recorder = Recorder(options)
            measuring = Measuring(recorder)
            measuring.start()
            Recorder.active = recorder
        self._recorder, self._measuring = recorder, measuring

    def _finish(self) -> None:
        assert self._measuring is not None
        with _opening:
            self._measuring.stop()
            self._measuring = None
            Recorder.active = None

    def _begin_step(self) -> None:
        if self._measuring is not None and self._recorder is not None:
            name = f"ProfilerStep#{self.step_num}"
            self._step_event = self._recorder.begin(name, "user_annotation")

    def _end_step(self) -> None:
        if self._step_event is not None and self._recorder is not None:
            self._recorder.end(self._step_event)
        self._step_event = None

    # -- results -----------------------------------------------------------------------------

    def events(self) -> EventList:
        """All events, as they began.

        Raises:
            AssertionError: if nothing has been recorded.
        """
        if self._recorder is None:
            raise AssertionError(
                "profile: nothing has been recorded; read the results after the with block, or in "
                "on_trace_ready where a schedule is given"
            )
        events = sorted(self._recorder.events, key=lambda event: event.start_ns)
        return EventList(events, self.profile_memory, os.getpid())

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
        group_by_module: bool = False,
    ) -> EventList:
        """Events added up by name; see :meth:`EventList.key_averages`.

        Raises:
            ValueError: if they can't be told apart so, because it was not noted.
        """
        for asked, noted, option in (
            (group_by_input_shape, self.record_shapes, "record_shapes"),
            (group_by_stack_n, self.with_stack, "with_stack"),
            (group_by_module, self.with_modules, "with_modules"),
        ):
            if asked and not noted:
                raise ValueError(f"key_averages: grouping so needs profile({option}=True)")
        return self.events().key_averages(
            group_by_input_shape, group_by_stack_n, group_by_overload_name, group_by_module
        )

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write what was recorded as JSON that chrome://tracing and ui.perfetto.dev show.

        Args:
            path: the file; compressed if its name ends with ``.gz``.
        """
        self.events().export_chrome_trace(path)


_opening = threading.Lock()


def _recording(action: ProfilerAction) -> bool:
    return action in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
