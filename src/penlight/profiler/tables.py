"""Events added up by name, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from penlight.profiler.events import FunctionEvent
from penlight.profiler.traces import write_trace

__all__ = ["EventList", "FunctionEventAvg", "format_memory", "format_time"]

PHASES = ("data", "forward", "backward", "optimizer")


class FunctionEventAvg:
    """Equal events added up.

    Attributes:
        key: their name (or module).
        count: how many there were.
        cpu_time_total, self_cpu_time_total: microseconds, with and without what ran inside.
        cpu_memory_usage, self_cpu_memory_usage: bytes of results made, likewise.
        phase, input_shapes, stack: theirs.
    """

    def __init__(self, key: str, event: FunctionEvent) -> None:
        self.key, self.phase, self.category = key, event.phase, event.category
        self.input_shapes, self.stack = event.input_shapes, event.stack
        self.is_user_annotation = event.is_user_annotation
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0

    def add(self, event: Any) -> FunctionEventAvg:
        """Take another event, or events already added up, in."""
        self.count += event.count
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        return self

    @property
    def cpu_time(self) -> float:
        """Microseconds of one, on the average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self) -> str:
        return format_time(self.cpu_time)

    @property
    def cpu_time_total_str(self) -> str:
        return format_time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self) -> str:
        return format_time(self.self_cpu_time_total)

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} count={self.count} "
            f"cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list[Any]):
    """Events, or events added up."""

    def __init__(
        self, items: Iterable[Any] = (), profile_memory: bool = False, pid: int = 0
    ) -> None:
        super().__init__(items)
        self._profile_memory, self._pid = profile_memory, pid

    @property
    def self_cpu_time_total(self) -> float:
        """Microseconds in all."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(
        self,
        group_by_input_shape: bool = False,
        group_by_stack_n: int = 0,
        group_by_overload_name: bool = False,
        group_by_module: bool = False,
    ) -> EventList:
        """Equal events added up.

        Args:
            group_by_input_shape: keep calls with inputs of other shapes apart.
            group_by_stack_n: keep calls from other lines apart, looking at the innermost n.
            group_by_overload_name: accepted; ops have no overloads here.
            group_by_module: add up by module and phase, instead of by name; the modules' own
                events, which hold those of their ops, are left out.
        """
        groups: dict[Any, FunctionEventAvg] = {}
        for event in self:
            name = event.name
            if group_by_module:
                if event.category != "cpu_op":
                    continue
                name = f"{event.module or '(outside modules)'} [{event.phase}]"
            shapes = str(event.input_shapes) if group_by_input_shape else ""
            key = (name, event.phase, shapes, tuple(event.stack[:group_by_stack_n]))
            if key not in groups:
                groups[key] = FunctionEventAvg(name, event)
                if not group_by_input_shape:
                    groups[key].input_shapes = []
                groups[key].stack = list(key[3])
            groups[key].add(event)
        return EventList(groups.values(), self._profile_memory, self._pid)

    def total_average(self) -> FunctionEventAvg:
        """All events added up, under the key "Total"."""
        total = FunctionEventAvg("Total", FunctionEvent("Total", "cpu_op", "", None))
        for event in self:
            total.add(event)
        return total

    def export_chrome_trace(self, path: Any) -> None:
        """Write the events as a trace; see :meth:`profile.export_chrome_trace`."""
        write_trace(path, self, self._pid)

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """The events as lines of text.

        Args:
            sort_by: ``"cpu_time_total"``, ``"self_cpu_time_total"``, ``"cpu_time"``,
                ``"cpu_memory_usage"``, ``"self_cpu_memory_usage"`` or ``"count"``, largest first.
                Default: as they are.
            row_limit: at most so many rows; -1 for all.
            max_src_column_width, max_name_column_width, max_shapes_column_width: longer texts are cut.
            header: a title.
            top_level_events_only: only events that are inside no other.
            time_unit: ``"us"``, ``"ms"`` or ``"s"``. Default: what fits each number.

        Raises:
            ValueError: for another ``sort_by`` or ``time_unit``.
        """
        rows = self._sorted(sort_by)
        if top_level_events_only:
            rows = [row for row in rows if getattr(row, "cpu_parent", None) is None]
        shown = rows if row_limit < 0 else rows[:row_limit]
        columns = self._columns(
            rows, time_unit, max_name_column_width, max_shapes_column_width, max_src_column_width
        )
        text = _aligned(
            [title for title, _ in columns], [[f(row) for _, f in columns] for row in shown]
        )
        if header:
            text = f"{header}\n{text}"
        return f"{text}{self._sums(time_unit)}\n"

    def _sorted(self, sort_by: str | None) -> list[Any]:
        if sort_by is None:
            return list(self)
        if sort_by.startswith(("cuda_", "self_cuda_", "device_", "self_device_", "xpu_")):
            return list(self)  # there is no other device: all zeros
        if sort_by not in _SORTABLE:
            raise ValueError(
                f"table: sort_by must be one of {', '.join(_SORTABLE)}, got {sort_by!r}"
            )
        return sorted(self, key=lambda row: getattr(row, sort_by), reverse=True)

    def _columns(
        self, rows: list[Any], unit: str | None, name_width: int, shapes_width: int, src_width: int
    ) -> list[tuple[str, Callable[[Any], str]]]:
        total = self.self_cpu_time_total
        longest = max((len(row.key) for row in rows), default=4)
        name_width = min(max(longest, 4), max(name_width, 4))

        def share(time: float) -> str:
            return f"{100 * time / total if total else 0:.2f}%"

        columns: list[tuple[str, Callable[[Any], str]]] = [
            ("Name", lambda row: _cut(row.key, name_width)),
            ("Self CPU %", lambda row: share(row.self_cpu_time_total)),
            ("Self CPU", lambda row: format_time(row.self_cpu_time_total, unit)),
            ("CPU total %", lambda row: share(row.cpu_time_total)),
            ("CPU total", lambda row: format_time(row.cpu_time_total, unit)),
            ("CPU time avg", lambda row: format_time(row.cpu_time, unit)),
        ]
        if self._profile_memory:
            columns += [
                ("CPU Mem", lambda row: format_memory(row.cpu_memory_usage)),
                ("Self CPU Mem", lambda row: format_memory(row.self_cpu_memory_usage)),
            ]
        columns.append(("# of Calls", lambda row: str(row.count)))
        if any(row.input_shapes for row in rows):
            columns.append(("Input Shapes", lambda row: _cut(str(row.input_shapes), shapes_width)))
        if any(row.stack for row in rows):
            columns.append(("Source Location", lambda row: _cut(" < ".join(row.stack), src_width)))
        return columns

    def _sums(self, unit: str | None) -> str:
        """Lines of the time in all, and of each phase."""
        lines = [f"Self CPU time total: {format_time(self.self_cpu_time_total, unit)}"]
        for phase in PHASES:
            time = sum(event.self_cpu_time_total for event in self if event.phase == phase)
            if time:
                lines.append(f"  {phase}: {format_time(time, unit)}")
        return "\n".join(lines)


_SORTABLE = (
    "cpu_time_total", "self_cpu_time_total", "cpu_time", "cpu_memory_usage", "self_cpu_memory_usage",
    "count",
)  # fmt: skip


def _aligned(titles: list[str], rows: list[list[str]]) -> str:
    """Columns of text; the first, and those of shapes and places, to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    left = [title in ("Name", "Input Shapes", "Source Location") for title in titles]

    def line(cells: list[str]) -> str:
        padded = (
            cell.ljust(w) if is_left else cell.rjust(w)
            for cell, w, is_left in zip(cells, widths, left, strict=True)
        )
        return "  ".join(padded).rstrip()

    rule = "  ".join("-" * w for w in widths)
    return "\n".join([rule, line(titles), rule, *map(line, rows), rule, ""])


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def format_time(time: float, unit: str | None = None) -> str:
    """Microseconds, in the unit that fits.

    Raises:
        ValueError: for an unknown unit.
    """
    scales = {"us": 1.0, "ms": 1e3, "s": 1e6}
    if unit is None:
        unit = "s" if time >= 1e6 else "ms" if time >= 1e3 else "us"
    if unit not in scales:
        raise ValueError(f"table: time_unit must be one of us, ms, s, got {unit!r}")
    return f"{time / scales[unit]:.3f}{unit}"


def format_memory(size: int) -> str:
    """Bytes, in the unit that fits."""
    for unit, scale in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if abs(size) >= scale:
            return f"{size / scale:.2f} {unit}"
    return f"{size} B"
