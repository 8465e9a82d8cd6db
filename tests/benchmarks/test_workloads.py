"""The benchmark's programs run, and give the same numbers under both libraries."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penlight
from benchmarks import profiled, worker
from benchmarks.library import Library
from benchmarks.processes import MeasurementError, run_json
from benchmarks.summary import disagreement
from benchmarks.weights import load_common
from benchmarks.work import count_work
from benchmarks.workloads import INFERENCE, TRAINING, WORKLOADS, base, find
from benchmarks.workloads.base import Program
from benchmarks.workloads.loading import LOADER
from benchmarks.workloads.scalable import parse

SMALL = {"mlp:batch=4,width=8,depth=2,size=6", "cnn:batch=2,width=4,depth=2,size=8"}
MODELS = [w.name for w in (*TRAINING, *INFERENCE)]


def numbers(torch: Any, name: str, weights: Path) -> list[float]:
    """What a workload's libraries must agree on."""
    program = find(name).program(torch)
    if program.model is not None:
        load_common(torch, program.model, weights)
    return program.check()


@pytest.mark.parametrize("name", [*MODELS, *sorted(SMALL)])
def test_runs(name: str, tmp_path: Path) -> None:
    program = find(name).program(penlight)
    load_common(penlight, program.model, tmp_path / "weights.npz")
    assert program.run() is not None
    assert all(bool(p.isfinite().all()) for p in program.model.parameters())


def test_loader_gives_every_image_once() -> None:
    batches, pixels, _ = replace(LOADER, count=300).program(penlight).check()
    assert (batches, pixels) == (3, sum(range(300)))


@pytest.mark.parity
@pytest.mark.parametrize("name", [*MODELS, *sorted(SMALL)])
def test_libraries_agree(
    name: str, torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "CHECKED_STEPS", 2)
    weights = tmp_path / "weights.npz"
    expected, found = numbers(torch, name, weights), numbers(penlight, name, weights)
    assert disagreement(found, expected) <= find(name).tolerance


def test_weights_come_from_one_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    first, second = (find("mlp:width=8,size=6").program(penlight).model for _ in range(2))
    load_common(penlight, first, path)
    load_common(penlight, second, path)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    assert float(first[0].weight.std()) == pytest.approx(1 / math.sqrt(6), rel=0.3)
    assert not first[0].bias.any()
    other = find("mlp:width=9,size=6").program(penlight).model
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_common(penlight, other, path)


def test_flops_of_a_training_step_and_of_an_output() -> None:
    layers = 784 * 512 + 512 * 512 + 512 * 10
    for name, expected in (("mlp", 3 * 2 * 128 * layers), ("mlp-1", 2 * layers)):
        workload = WORKLOADS[name]
        assert count_work(workload.program(penlight), workload).flops == expected


def test_work_of_convolutions() -> None:
    workload = find("cnn:batch=2,width=4,depth=1,size=8")
    expected = 3 * 2 * 2 * (8 * 8 * 4 * 3 * 9 + 4 * 10)
    assert count_work(workload.program(penlight), workload).flops == expected


def test_bytes_are_those_of_inputs_outputs_and_weights() -> None:
    workload = find("mlp:batch=4,width=8,depth=1,size=6")
    floats = (4 * 6 + 4 * 8 + 8 * 6 + 8) + 2 * 4 * 8 + (4 * 8 + 4 * 10 + 10 * 8 + 10)
    assert count_work(workload.program(penlight), workload).bytes == 3 * 4 * floats


@dataclass(frozen=True)
class Broken:
    """A workload that asks a library, or something else, for what it lacks."""

    of_library: bool
    name = title = "broken"
    tolerance = 0.0
    extra_flops = 0

    def program(self, torch: Any) -> Program:
        owner = torch.nn if self.of_library else "text"
        return owner.Lacking()  # type: ignore[no-any-return]


def test_what_a_library_lacks_is_said_and_other_mistakes_raise() -> None:
    library, threads = Library("penlight"), penlight.get_num_threads()
    found = worker.measure(Broken(of_library=True), library, threads, 0)
    assert found == {"unavailable": "module 'penlight.nn' has no attribute 'Lacking'"}
    with pytest.raises(AttributeError, match="'str' object"):
        worker.measure(Broken(of_library=False), library, threads, 0)


def test_worker_process(tmp_path: Path) -> None:
    found = run_json(
        "benchmarks.worker", "tiny-mlp", "penlight", "--seconds", 0, "--min-runs", 3,
        "--weights", tmp_path / "weights.npz", threads=1,
    )  # fmt: skip
    assert found["runs"] == 3
    assert found["value"] > 0
    assert found["peak_bytes"] > 1e7
    assert len(found["numbers"]) == base.CHECKED_STEPS
    assert found["numbers"] == numbers(penlight, "tiny-mlp", tmp_path / "weights.npz")


def test_a_failing_process_says_why() -> None:
    with pytest.raises(MeasurementError, match="workload: invalid find value: 'nothing'"):
        run_json("benchmarks.worker", "nothing", "penlight", threads=1)


def test_sizes_by_name() -> None:
    size = parse("cnn:batch=8,depth=2")
    assert size is not None
    assert (size.batch, size.depth, size.width) == (8, 2, 32)
    assert parse(size.name) == size
    assert parse("lenet") is None
    with pytest.raises(ValueError, match=r"sizes are batch, depth, size, width, got \{'bath'\}"):
        parse("cnn:bath=8")


@pytest.mark.parametrize(
    ("text", "message"),
    [("jax", "library must be one of torch, penlight, got 'jax'"),
     ("penlight+warp", "options are numba, got 'warp'")],
)  # fmt: skip
def test_unknown_libraries_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        Library.parse(text)


def test_options_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    switched = []
    monkeypatch.setattr("benchmarks.library.ACCELERATORS", {"warp": switched.append})
    library = Library.parse("penlight+warp")
    assert (library.name, library.title) == ("penlight+warp", "Penlight+warp")
    library.load(penlight.get_num_threads())
    assert switched == [penlight]


def test_measurements_are_json() -> None:
    found = worker.measure(find(min(SMALL)), Library("penlight"), penlight.get_num_threads(), 0)
    assert json.loads(json.dumps(found)) == found


def test_a_workload_is_profiled(tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    table = profiled.report(find(min(SMALL)), steps=2, rows=50, trace=trace)
    calls = {line.split()[0]: line.split()[-1] for line in table.splitlines() if line[:1].isalpha()}
    assert calls["CrossEntropy"] == "2"
    assert "ConvWeightGrad (backward)" in table
    assert len(json.loads(trace.read_text())["traceEvents"]) > 20
