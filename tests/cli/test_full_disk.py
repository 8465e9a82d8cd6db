"""A disk that is full in the middle of a run: one line says so, and the run can go on later."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.test_killed import COMMAND, contents, environment

pytest.importorskip("typer")
pytest.importorskip("resource")

SETTINGS = [
    "--model", "mlp", "--model-option", "hidden=2,", "--epochs", "6", "--batch-size", "60", "--seed", "3"
]  # fmt: skip
LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    "from penlight.cli import main; main()"
)


def command(start, *arguments):
    result = subprocess.run(
        [*start, "train", "--no-figures", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return result.returncode, result.stdout, result.stderr


def test_disk_full_in_the_middle(small_data, tmp_path):
    options = [*SETTINGS, "--data-dir", str(small_data)]
    code, said, error = command(COMMAND, *options, "--out", str(tmp_path / "whole"))
    assert code == 0, error

    out = tmp_path / "run"
    code, said, error = command([sys.executable, "-c", LIMITED], *options, "--out", str(out))
    assert code == 1
    assert "epoch 2/6" in said  # it went well for a while
    assert len(error.splitlines()) == 1
    assert "cannot write" in error
    assert "distributions.jsonl" in error

    code, said, error = command(COMMAND, "--resume", str(out))
    assert code == 0, error
    assert contents(out) == contents(tmp_path / "whole")


def test_disk_full_from_the_start(small_data, tmp_path):
    out = tmp_path / "run"
    options = ["--model", "mlp", "--epochs", "1", "--data-dir", str(small_data), "--out", str(out)]
    code, _, error = command([sys.executable, "-c", LIMITED], *options)
    assert (code, len(error.splitlines())) == (1, 1)
    assert "cannot write" in error
    assert "last.pt" in error
    assert list((out / "checkpoints").iterdir()) == []
    code, _, error = command(COMMAND, "--resume", str(out))
    assert code == 0, error
