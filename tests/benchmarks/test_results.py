"""From measurements to tables and figures; runs that are interrupted."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import run, store as store_module
from benchmarks.figures import growth, ratios
from benchmarks.library import Library
from benchmarks.report import BEGIN, END, insert, markdown, quantity
from benchmarks.store import Store
from benchmarks.summary import disagreement, summarise
from benchmarks.tasks import Settings, Task

LIBRARIES = (Library("torch"), Library("penlight"))
NAMES = [library.name for library in LIBRARIES]
SETTINGS = Settings(LIBRARIES, threads=2, rounds=3, seconds=0.1)
MACHINE = {
    "processor": "a processor", "cores": 2, "threads": 2, "system": "a system", "commit": "abc",
    "date": "2030-01-02T03:04:05", "versions": dict.fromkeys(
        ["python", "numpy", "blas", "torch", "penlight"], "1.0"),
    "roofline": {"one": {"gflops": 50.0, "gbytes": 20.0}, "all": {"gflops": 100.0, "gbytes": 30.0}},
}  # fmt: skip


def entry(torch: list[dict[str, Any]], penlight: list[dict[str, Any]]) -> dict[str, Any]:
    rounds = {"torch": torch, "penlight": penlight}
    about = {"title": "a workload", "group": "Training step", "unit": "s", "tolerance": 1e-3}
    return {**about, "rounds": rounds}


def times(*values: float, numbers: tuple[float, ...] = (2.0, 1.0)) -> list[dict[str, Any]]:
    return [
        {"value": v, "numbers": list(numbers), "flops": 10**9, "bytes": 6 * 10**8} for v in values
    ]


def summary(torch: list[dict[str, Any]], penlight: list[dict[str, Any]]) -> Any:
    data = {"machine": MACHINE, "tasks": {"name": entry(torch, penlight)}}
    return summarise(data, NAMES)[0]


def test_medians_ratios_and_shares() -> None:
    cell = summary(times(0.4, 0.2, 0.3), times(0.1, 0.2, 0.1)).cells["penlight"]
    assert cell.value == 0.1
    assert (cell.low, cell.ratio, cell.high) == pytest.approx((1.0, 3.0, 4.0))
    assert cell.limit_share == pytest.approx(0.3)  # 10 ms at 100 GFLOP/s and 20 ms at 30 GB/s
    assert cell.problem == ""


@pytest.mark.parametrize(
    ("rounds", "problem"),
    [
        (times(0.1, 0.1, numbers=(2.0, 1.01)), "disagrees: results differ by 0.005"),
        (times(0.1, 0.1, numbers=(2.0, float("nan"))), "disagrees: results differ by inf"),
        (times(0.1, numbers=(2.0,)), "disagrees"),
        ([{"unavailable": "module 'penlight.nn' has no attribute 'X'"}], "not available: module"),
        ([*times(0.1), {"error": "exit code 1"}], "failed: exit code 1"),
        ([], "not measured"),
    ],
)
def test_speed_counts_only_where_results_agree(rounds: list[dict[str, Any]], problem: str) -> None:
    row = summary(times(0.4, 0.2), rounds)
    cell = row.cells["penlight"]
    assert cell.ratio is None
    assert cell.problem.startswith(problem)
    assert problem.split(":")[0] in markdown([row], MACHINE, list(LIBRARIES))


def test_disagreement_is_relative_to_the_largest() -> None:
    assert disagreement([100.0, 1.0], [100.0, 2.0]) == pytest.approx(0.01)
    assert disagreement([], []) == 0
    assert disagreement([float("inf")], [float("inf")]) == float("inf")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(12.34, "s", "12.3 s"), (0.0123, "s", "12.3 ms"), (5e-6, "s", "5.00 µs"),
     (741e6, "B", "741 MB"), (None, "s", "-")],
)  # fmt: skip
def test_quantities(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_table(tmp_path: Path) -> None:
    text = markdown([summary(times(0.4, 0.2), times(0.1, 0.1))], MACHINE, list(LIBRARIES))
    assert "| a workload | 300 ms | 100 ms | **3.00** (2.00-4.00) | 30.0 ms | 10% | 30% |" in text
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert insert(page, text)
    assert page.read_text() == f"before\n{BEGIN}\n{text.strip()}\n{END}\nafter\n"
    page.write_text("no markers\n")
    assert not insert(page, text)
    assert page.read_text() == "no markers\n"


def test_threads_and_means(tmp_path: Path) -> None:
    one = entry(times(0.8), times(0.15))
    data = {"machine": MACHINE, "tasks": {"a": entry(times(0.4), times(0.1)), "a@1": one}}
    data["tasks"]["b"] = entry(times(0.4), times(0.4))
    data["tasks"]["a@1"]["group"] = "One thread"
    text = markdown(summarise(data, NAMES), MACHINE, list(LIBRARIES))
    assert "| geometric mean |  |  | 2.00 |" in text
    assert "| a workload | 800 ms | 150 ms | **5.33** | 2.00 | 1.50 | 50.0 ms | 6% | 33% |" in text


def test_a_busy_machine_is_told() -> None:
    rounds = [
        {**r, "others": share} for r, share in zip(times(1, 1, 1), (0, 0.4, 0.3), strict=True)
    ]
    row = summary(times(1, 1, 1), rounds)
    note = "- a workload, Penlight: other programs used 30% of the processor meanwhile"
    assert note in markdown([row], MACHINE, list(LIBRARIES)).splitlines()


def test_figures(tmp_path: Path) -> None:
    rows = [
        summary(times(0.4, 0.2), times(0.1, 0.1)),
        summary(times(0.1), times(0.4)),
        summary(times(0.1), [{"unavailable": "something"}]),
    ]
    drawn = [{**asdict(r), "cells": [asdict(c) for c in r.cells.values()]} for r in rows]
    picture, data = ratios(drawn, ["PyTorch", "Penlight"], "here").save(tmp_path / "ratios.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "a workload" in data.read_text()
    curves = [
        {"sweep": s, "library": n, "threads": t, "x": [1, 2, 4], "y": [3.0, 4.0, 7.0]}
        for s in ("batch", "width") for n in ("PyTorch", "Penlight") for t in (1, 2)
    ]  # fmt: skip
    picture, _ = growth(curves, "time in ms", "MLP", "batch 4").save(tmp_path / "growth.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


class Counting:
    """A measurement that notes who was measured, and is interrupted at one of its calls."""

    def __init__(self) -> None:
        self.calls = list[str]()
        self.interrupt_at = -1

    def __call__(self, library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt
        self.calls.append(library.name)
        return {"value": float(len(self.calls))}


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Counting:
    monkeypatch.setattr(run, "describe_machine", lambda settings, seconds: MACHINE)
    monkeypatch.setattr(store_module, "commit", lambda: "abc")
    return Counting()


def measure_into(path: Path, measure: Counting, settings: Settings = SETTINGS) -> Store:
    tasks = [Task("name", "a workload", "Training step", "s", measure)]
    store = Store(path, settings)
    run.measure_all(tasks, settings, store, Console(file=io.StringIO()))
    return Store(path, settings)


def test_libraries_take_turns(tmp_path: Path, measure: Counting) -> None:
    store = measure_into(tmp_path / "new" / "results.json", measure)
    assert measure.calls == ["torch", "penlight"] * 3
    assert [r["value"] for r in store.tasks["name"]["rounds"]["penlight"]] == [2, 4, 6]


def test_an_interrupted_run_goes_on(tmp_path: Path, measure: Counting) -> None:
    path = tmp_path / "results.json"
    measure.interrupt_at = 3
    with pytest.raises(KeyboardInterrupt):
        measure_into(path, measure)
    measure.interrupt_at = -1
    store = measure_into(path, measure)
    assert measure.calls == ["torch", "penlight"] * 3
    assert [r["value"] for r in store.tasks["name"]["rounds"]["torch"]] == [1, 3, 5]


def test_a_finished_run_starts_anew(tmp_path: Path, measure: Counting) -> None:
    for _ in range(2):
        store = measure_into(tmp_path / "results.json", measure)
    assert len(measure.calls) == 12
    assert [r["value"] for r in store.tasks["name"]["rounds"]["torch"]] == [7, 9, 11]


@pytest.mark.parametrize("change", ["commit", "libraries", "threads"])
def test_measurements_of_another_kind_are_not_continued(
    tmp_path: Path, measure: Counting, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path, settings = tmp_path / "results.json", SETTINGS
    measure.interrupt_at = 3
    with pytest.raises(KeyboardInterrupt):
        measure_into(path, measure)
    measure.interrupt_at = -1
    measure.calls.clear()
    if change == "commit":
        monkeypatch.setattr(store_module, "commit", lambda: "def")
    elif change == "libraries":
        settings = Settings(LIBRARIES[::-1], 2, 3, 0.1)
    else:
        settings = Settings(LIBRARIES, 1, 3, 0.1)
    store = measure_into(path, measure, settings)
    assert len(measure.calls) == 6
    assert {len(r) for r in store.tasks["name"]["rounds"].values()} == {3}


def test_one_failure_does_not_end_the_run(tmp_path: Path, measure: Counting) -> None:
    from benchmarks.processes import MeasurementError

    def fail(library: Library, settings: Settings, weights: Path) -> dict[str, Any]:
        raise MeasurementError("exit code 1")

    tasks = [Task("bad", "fails", "Training step", "s", fail),
             Task("good", "works", "Training step", "s", measure)]  # fmt: skip
    store = Store(tmp_path / "results.json", SETTINGS)
    run.measure_all(tasks, SETTINGS, store, Console(file=io.StringIO()))
    assert store.tasks["bad"]["rounds"]["torch"][0] == {"error": "exit code 1"}
    assert len(store.tasks["good"]["rounds"]["torch"]) == 3


def test_choosing_by_pattern() -> None:
    assert [t.name for t in run.choose(["lenet*"])] == [
        "lenet",
        "lenet5",
        "lenet@1",
        "lenet5@1",
        "lenet-1",
    ]
    with pytest.raises(ValueError, match="no workload is called 'nope'"):
        run.choose(["nope"])
