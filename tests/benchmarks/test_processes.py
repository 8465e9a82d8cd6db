"""What is measured of the machine and of whole processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import load, machine
from benchmarks.library import Library
from benchmarks.processes import SAMPLE, import_time, installed_size
from penlight.datasets.catalog import FASHION_MNIST_FILES
from penlight.models import LeNet
from penlight.training import OPTIMIZERS, TrainConfig


def test_machine_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SIDE", 64)
    monkeypatch.setattr(machine, "FLOATS", 1024)
    assert 0.01 < machine.gemm_rate(0.01) < 1e5
    assert 0.001 < machine.memory_rate(2, 0.01) < 1e5


def test_rates_count_operations_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "fastest", lambda run, seconds: 2.0)
    monkeypatch.setattr(machine, "SIDE", 100)
    monkeypatch.setattr(machine, "FLOATS", 1000)
    assert machine.gemm_rate(0) == pytest.approx(2 * 100**3 / 2 / 1e9)
    assert machine.memory_rate(2, 0) == pytest.approx(3 * 4 * 1000 / 2 / 1e9)


def test_load_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([(10.0, 5.0, 100.0), (14.0, 6.0, 102.0)])  # by all, by us, on the clock
    monkeypatch.setattr(load, "_reading", lambda: next(readings))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert load.OtherLoad().share() == pytest.approx((4 - 1) / (2 * 2))
    monkeypatch.setattr(load, "_reading", lambda: None)
    assert load.OtherLoad().share() is None


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="the system does not tell")
def test_children_count_as_ones_own() -> None:
    compute = "import time\nwhile time.process_time() < 0.5: pass"
    before = load._reading()
    subprocess.run([sys.executable, "-c", compute], check=True)
    after = load._reading()
    assert before is not None
    assert after is not None
    busy, own, _ = (b - a for a, b in zip(before, after, strict=True))
    assert own >= 0.4
    assert busy >= 0.4  # told in hundredths of a second, a little late


def test_installed_size_counts_the_required_packages() -> None:
    found = installed_size(Library("penlight"), threads=1)
    assert set(found["packages"]) == {"penlight", "numpy"}  # no extras
    assert found["value"] == sum(found["packages"].values())
    assert 4e6 < found["packages"]["penlight"] < 10e6  # the sample of images: 2.6 MB
    assert found["packages"]["numpy"] > 10e6


def test_import_time() -> None:
    assert 0.01 < import_time(Library("penlight"), threads=1)["value"] < 60


@pytest.mark.parity
def test_the_pytorch_program_trains_what_penlight_train_does(
    torch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import train_lenet

    config, adam = TrainConfig(), OPTIMIZERS["adam"]
    assert (config.model, config.norm, config.optimizer) == ("lenet", "batch", "adam")
    assert (config.batch_size, adam.lr) == (train_lenet.BATCH, train_lenet.LR)
    assert (config.scheduler, config.augment, config.weight_decay) == ("onecycle", "none", 0)
    files = FASHION_MNIST_FILES
    assert (files.mean, files.std) == ((train_lenet.MEAN,), (train_lenet.STD,))
    shapes = [tuple(p.shape) for p in LeNet().parameters()]
    assert [tuple(p.shape) for p in train_lenet.lenet(torch).parameters()] == shapes

    monkeypatch.setattr(train_lenet, "EPOCHS", 1)
    train_lenet.main(SAMPLE, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "metrics.jsonl").read_text())
    assert record["test_accuracy"] > 0.7
    assert (tmp_path / "run" / "last.pt").exists()
