"""Tables of results, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.library import Library
from benchmarks.summary import Cell, Row

__all__ = ["BEGIN", "END", "insert", "machine_line", "machine_lines", "markdown", "quantity"]

BUSY = 0.1  # share of the processor in others' use from which figures are doubtful
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def quantity(value: float | None, unit: str) -> str:
    """Seconds or bytes, three digits, in the unit that reads best."""
    if value is None:
        return "-"
    if unit == "B":
        return f"{_digits(value / 1e6)} MB"
    for scale, name in ((1, "s"), (1e-3, "ms")):
        if value >= scale:
            return f"{_digits(value / scale)} {name}"
    return f"{_digits(value / 1e-6)} µs"


def _digits(x: float) -> str:
    """Three significant digits, no exponent."""
    return f"{x:.0f}" if x >= 99.95 else f"{x:.1f}" if x >= 9.995 else f"{x:.2f}"


def ratio(cell: Cell) -> str:
    if cell.ratio is None:
        return cell.problem.split(":")[0] or "-"
    spread = "" if cell.low == cell.high else f" ({cell.low:.2f}-{cell.high:.2f})"
    text = f"{cell.ratio:.2f}"
    return (f"**{text}**" if cell.ratio >= 1 else text) + spread


def markdown(
    rows: list[Row],
    machine: Mapping[str, Any],
    libraries: list[Library],
    with_shares: bool = True,
) -> str:
    """All rows as Markdown tables, one for each group, and what they were measured on.

    Args:
        with_shares: show the machine's limit and how near each library comes, where it was counted.
    """
    first, *others = libraries
    lines = []
    by_name = {row.name: row for row in rows}
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        shares = with_shares and any(row.limit for row in members if row.unit == "s")
        single = all(row.name.endswith("@1") for row in members)
        heads = [group, *(library.title for library in libraries)]
        heads += [f"{first.title} / {library.title}" for library in others]
        heads += [f"all threads / one, {library.title}" for library in libraries] if single else []
        heads += ["limit", *(f"limit / {lib.title}" for lib in libraries)] if shares else []
        lines += ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
        for row in members:
            cells = [row.cells[library.name] for library in libraries]
            texts = [row.title, *(quantity(c.value, row.unit) for c in cells)]
            texts += [ratio(c) for c in cells[1:]]
            if single:
                full = by_name.get(row.name.removesuffix("@1"))
                texts += [
                    _speedup(c, full.cells[n] if full else None) for n, c in row.cells.items()
                ]
            texts += [quantity(row.limit, "s"), *map(_share, cells)] if shares else []
            lines.append("| " + " | ".join(texts) + " |")
        if len(members) > 1:
            means = [_geometric_mean([r.cells[lib.name].ratio for r in members]) for lib in others]
            texts = ["geometric mean", *[""] * len(libraries), *means]
            texts += [""] * (len(heads) - len(texts))
            lines.append("| " + " | ".join(texts) + " |")
        lines.append("")
    notes = [
        f"- {row.title}, {library.title}: {note}"
        for row in rows
        for library in libraries
        for note in _notes(row.cells[library.name])
    ]
    return "\n".join([*lines, *notes, *([""] if notes else []), *machine_lines(machine)]) + "\n"


def _geometric_mean(ratios: list[float | None]) -> str:
    """Of those that there are."""
    found = [r for r in ratios if r is not None]
    return f"{math.exp(sum(map(math.log, found)) / len(found)):.2f}" if found else "-"


def _notes(cell: Cell) -> list[str]:
    """What a reader must know of a value."""
    notes = [cell.problem.splitlines()[0]] if cell.problem else []
    if cell.others > BUSY:
        notes.append(f"other programs used {cell.others:.0%} of the processor meanwhile")
    return notes


def _share(cell: Cell) -> str:
    return f"{cell.limit_share:.0%}" if cell.limit_share else "-"


def _speedup(one: Cell, full: Cell | None) -> str:
    """How many times as fast all threads are as one."""
    if full is None or not one.value or not full.value:
        return "-"
    return f"{one.value / full.value:.2f}"


def machine_lines(machine: Mapping[str, Any]) -> list[str]:
    """What the figures were measured on."""
    if not machine:
        return []
    versions, rates = machine["versions"], machine.get("roofline", {})
    lines = [
        f"{machine['processor']}, {machine['cores']} cores; {machine['threads']} threads for every "
        f"library; {machine['system']}; Python {versions['python']}, NumPy {versions['numpy']} with "
        f"{versions['blas']}, PyTorch {versions['torch']}, Penlight {versions['penlight']} "
        f"({machine['commit']}); {machine['date'][:10]}."
    ]
    if rates:
        one, many = rates["one"], rates["all"]
        lines.append(
            f"NumPy multiplies float32 matrices at {one['gflops']:.0f} GFLOP/s with one thread and "
            f"{many['gflops']:.0f} with {machine['threads']}, and adds large arrays at "
            f"{one['gbytes']:.0f} and {many['gbytes']:.0f} GB/s."
        )
    return lines


def machine_line(machine: Mapping[str, Any]) -> str:
    """The same in few words."""
    if not machine:
        return ""
    versions = machine["versions"]
    return (
        f"{machine['processor']}, {machine['threads']} threads for every library, PyTorch "
        f"{versions['torch']}, NumPy {versions['numpy']}, {machine['date'][:10]}"
    )


def insert(path: Path, text: str) -> bool:
    """Replace what stands between the two markers in a file; False if it has none."""
    content = path.read_text(encoding="utf-8")
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        return False
    path.write_text(f"{before}{BEGIN}\n{text.strip()}\n{END}{after}", encoding="utf-8")
    return True
