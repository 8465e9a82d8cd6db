"""Runs that are killed or interrupted lose nothing and go on with the same bits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("typer")

COMMAND = [sys.executable, "-m", "penlight"]
SETTINGS = [
    "--model", "mlp", "--model-option", "hidden=24,", "--model-option", "dropout=0.2", "--epochs", "6",
    "--batch-size", "30", "--augment", "crop+flip", "--seed", "5", "--checkpoint-seconds", "0.02",
]  # fmt: skip


def train(*options):
    return [*COMMAND, "train", "--no-figures", *options]


def arguments(small_data, out):
    return train(*SETTINGS, "--data-dir", str(small_data), "--out", str(out))


def environment():
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}


def start(command):
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def contents(run):
    """What must be the same: weights, optimizer, schedule, randomness, metrics but for the clock."""
    import json

    import penlight

    def flat(value):
        if isinstance(value, dict):
            return {k: flat(v) for k, v in value.items() if k not in ("seconds", "sizes")}
        if isinstance(value, (list, tuple)):
            return [flat(v) for v in value]
        return value.numpy().tobytes() if isinstance(value, penlight.Tensor) else value

    lines = [json.loads(s) for s in (run / "metrics.jsonl").read_text().splitlines()]
    distributions = (run / "distributions.jsonl").read_text()
    states = [flat(penlight.load(run / "checkpoints" / name)) for name in ("last.pt", "best.pt")]
    return states, flat(lines), distributions


@pytest.fixture(scope="module")
def whole(small_data, tmp_path_factory):
    """What the run that was not disturbed left."""
    out = tmp_path_factory.mktemp("whole") / "run"
    process = start(arguments(small_data, out))
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return contents(out)


@pytest.mark.parametrize("trial", range(20))
def test_killed_at_a_random_moment_and_resumed(trial, small_data, whole, tmp_path):
    """The moment: when so many lines of metrics are written, and a little later."""
    rng = random.Random(trial)
    out = tmp_path / "run"
    process = start(arguments(small_data, out))
    lines = rng.randrange(len(whole[1]))
    metrics = out / "metrics.jsonl"
    while process.poll() is None and (
        not metrics.exists() or metrics.read_bytes().count(b"\n") < lines
    ):
        time.sleep(0.0005)
    time.sleep(rng.uniform(0, 0.01))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    process = start(train("--resume", str(out)))
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert contents(out) == whole


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_and_resumed(number, code, small_data, whole, tmp_path):
    out = tmp_path / "run"
    process = start(arguments(small_data, out))
    while not (out / "checkpoints" / "best.pt").exists():  # in the second epoch by then
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert f"stopped by {number.name}; go on with: penlight train --resume {out}" in output
    assert "Traceback" not in output
    process = start(train("--resume", str(out)))
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "going on at epoch" in output
    assert contents(out) == whole


def test_one_process_at_a_time(small_data, tmp_path):
    out = tmp_path / "run"
    first = start(arguments(small_data, out))
    while not (out / "checkpoints" / "best.pt").exists():
        time.sleep(0.01)
        assert first.poll() is None
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second = start(train("--resume", str(out)))
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert "is in use by another process" in output
    finally:
        first.kill()
        first.communicate()
