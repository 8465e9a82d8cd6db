"""``FunctionEvent``: one thing that ran, from when to when, on which thread, inside of what."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["FunctionEvent", "Interval"]


class Interval(NamedTuple):
    """From when to when, in microseconds since the profile began."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """How long that is."""
        return self.end - self.start


class FunctionEvent:
    """One call of an op, of a node's backward, of a module, an optimizer or a labelled block.

    Attributes:
        name: of what ran; ``"... (backward)"`` for ops that a backward calls.
        category: ``"cpu_op"``, ``"python_function"`` (modules) or ``"user_annotation"`` (the rest).
        phase: ``"forward"``, ``"backward"``, ``"optimizer"`` or ``"data"``.
        module: the path of the innermost module it ran in, of the forward that a backward belongs to.
        thread, thread_name: where it ran.
        cpu_parent, cpu_children: the event around it, and those inside it.
        own_bytes: size of the results that it made (and did not just view).
        sequence_nr: of the node of the graph that it made or ran, or -1.
        input_shapes: a list for each input, of its shape if it is a tensor.
        stack: the user's lines that led here, the innermost first.
    """

    __slots__ = (
        "category", "cpu_children", "cpu_parent", "input_shapes", "module", "name", "own_bytes", "owner",
        "phase", "sequence_nr", "stack", "start_ns", "stop_ns", "thread", "thread_name", "time_range",
    )  # fmt: skip

    def __init__(self, name: str, category: str, phase: str, owner: Any) -> None:
        self.name, self.category, self.phase = name, category, phase
        self.owner = (
            owner  # whose call it is: a call by the same owner directly inside is a part of it
        )
        self.module = ""
        self.thread, self.thread_name = 0, ""
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []
        self.own_bytes, self.sequence_nr = 0, -1
        self.input_shapes: list[list[int]] = []
        self.stack: list[str] = []
        self.start_ns = self.stop_ns = 0
        self.time_range = Interval(0, 0)

    count = 1

    @property
    def key(self) -> str:
        """What equal events are added up under."""
        return self.name

    @property
    def is_user_annotation(self) -> bool:
        return self.category == "user_annotation"

    @property
    def cpu_time_total(self) -> float:
        """Microseconds, with what ran inside."""
        return (self.stop_ns - self.start_ns) / 1000

    @property
    def cpu_time(self) -> float:
        """As :attr:`cpu_time_total`."""
        return self.cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds, without what ran inside."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:
        """Bytes of results made here and inside; what an op's own parts made stands for its result."""
        inside = sum(child.cpu_memory_usage for child in self.cpu_children)
        return max(self.own_bytes, inside)

    @property
    def self_cpu_memory_usage(self) -> int:
        """Bytes of results made here and not already inside."""
        return self.cpu_memory_usage - sum(c.cpu_memory_usage for c in self.cpu_children)

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent name={self.name} cpu_time={self.cpu_time_total:.3f}us "
            f"self_cpu_time={self.self_cpu_time_total:.3f}us thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )
