"""From measurements to one row per workload: medians, ratios with their spread, agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

__all__ = ["Cell", "Row", "disagreement", "summarise"]

Rounds = list[dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """One workload under one library.

    Attributes:
        value: median over the rounds, seconds or bytes; None without a result.
        ratio: median over the rounds of the first library's value / this one's value.
        low, high: smallest and largest of these ratios.
        limit_share: of the time, in which the machine could do what was counted; None where not
            counted.
        others: share of the processor that other programs used meanwhile, in the middle round.
        problem: why there is no result, or why it does not count; empty if all is well.
    """

    value: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    limit_share: float | None = None
    others: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class Row:
    """One workload, under every library by name.

    Attributes:
        limit: seconds that the products take at the rate at which the machine multiplies matrices,
            and the layers' arrays at the rate at which it passes over memory; None where not counted.
    """

    name: str
    title: str
    group: str
    unit: str
    cells: dict[str, Cell]
    limit: float | None = None


def disagreement(numbers: list[float], reference: list[float]) -> float:
    """The largest difference relative to the largest reference; infinite for NaN or other lengths."""
    if len(numbers) != len(reference):
        return float("inf")
    a, b = np.array(numbers), np.array(reference)
    with np.errstate(all="ignore"):
        worst = float(np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-30))
    return worst if worst == worst else float("inf")


def summarise(data: Mapping[str, Any], libraries: list[str]) -> list[Row]:
    """A row for each task in ``data``, the content of a :class:`~benchmarks.store.Store`."""
    roofline = data["machine"].get("roofline", {})
    rows = []
    for name, entry in data["tasks"].items():
        base: Rounds = entry["rounds"].get(libraries[0], [])
        rates = roofline.get("one" if name.endswith("@1") else "all")
        limit = _limit([r for rounds in entry["rounds"].values() for r in rounds], rates)
        cells = {
            library: _cell(entry, entry["rounds"].get(library, []), base, limit)
            for library in libraries
        }
        rows.append(Row(name, entry["title"], entry["group"], entry["unit"], cells, limit))
    return rows


def _limit(rounds: Rounds, rates: Mapping[str, float] | None) -> float | None:
    """What these rates allow for the work that one of the measurements counted."""
    counted = next((r for r in rounds if r.get("flops")), None)
    if counted is None or rates is None:
        return None
    return float(counted["flops"] / rates["gflops"] + counted["bytes"] / rates["gbytes"]) * 1e-9


def _cell(entry: Mapping[str, Any], rounds: Rounds, base: Rounds, limit: float | None) -> Cell:
    problem = _problem(rounds, base, entry["tolerance"])
    timed = entry["unit"] == "s"
    values = [r["value"] for r in rounds if "value" in r]
    if not values:
        return Cell(problem=problem or "not measured")
    middle = median(values)
    share = limit / middle if limit and timed else None
    others = median(r.get("others") or 0.0 for r in rounds) if timed else 0.0
    pairs = [a["value"] / b["value"] for a, b in zip(base, rounds, strict=False)
             if "value" in a and "value" in b]  # fmt: skip
    if not pairs or problem:
        return Cell(middle, limit_share=share, others=others, problem=problem)
    return Cell(middle, median(pairs), min(pairs), max(pairs), share, others)


def _problem(rounds: Rounds, base: Rounds, tolerance: float) -> str:
    """What speaks against these measurements."""
    for r in rounds:
        if "unavailable" in r:
            return f"not available: {r['unavailable']}"
        if "error" in r:
            return f"failed: {r['error']}"
    reference = next((r["numbers"] for r in base if "numbers" in r), None)
    if reference is None:
        return ""
    worst = max((disagreement(r["numbers"], reference) for r in rounds), default=0.0)
    if worst > tolerance:
        return f"disagrees: results differ by {worst:.1g} of their size, allowed is {tolerance:g}"
    return ""
