"""``penlight study`` as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")

from penlight.cli.app import run
from penlight.cli.study_progress import time_left
from penlight.studies import CATALOGUE, StudyFolder
from tests.studies.small import FIXED, small


@pytest.fixture
def penlight(capsys, monkeypatch):
    """Run a command; returns its exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "160")

    def command(*arguments):
        code = 0
        try:
            run(["study", *map(str, arguments)])
        except SystemExit as stop:
            code = stop.code or 0
        return (code, *capsys.readouterr())

    return command


@pytest.fixture
def toml(tmp_path):
    """A study of two cells, one of which fails."""
    path = tmp_path / "two.toml"
    settings = {k: v for k, v in FIXED.items() if k not in ("model_options", "data_dir")}
    lines = [f"{k} = {json.dumps(v)}" for k, v in {**settings, "epochs": 1}.items()]
    path.write_text(
        'name = "two"\nkeep = "all"\n[axes]\nmodel-options.hidden = [[8], ["a"]]\n[fixed]\n'
        + "\n".join(lines)
    )
    return path


def test_list(penlight):
    code, said, _ = penlight("list")
    assert code == 0
    assert all(name in said for name in CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_quick_forms_run(name, penlight, tmp_path):
    reports = name in ("conv", "best")  # figures take longer than runs of this size
    out = tmp_path / name
    flag = "--report" if reports else "--no-report"
    code, said, error = penlight("run", name, "--quick", "--out", out, "--jobs", 2, flag)
    assert (code, error) == (0, "")
    folder = StudyFolder.open(out)
    assert {row["status"] for row in folder.rows} == {"finished"}
    assert "0:00 left" in said
    assert folder.report.exists() == reports == (f"report: {out / 'report.html'}" in said)
    if reports:
        assert folder.report.read_text().count("<table>") == 2


def test_a_failing_cell(penlight, toml, tmp_path):
    from penlight.datasets import sample_folder

    out = tmp_path / "out"
    code, said, error = penlight(
        "run", toml, "--out", out, "--data-dir", sample_folder(), "--no-report"
    )
    assert code == 1
    assert "hidden=a" in error
    assert "hidden must be" in error
    assert f"try them again with: penlight study resume {out}" in error
    assert "1/1" in said
    assert not (out / "report.html").exists()
    assert (out / "cells" / "hidden=8" / "checkpoints" / "last.pt").exists()  # keep = "all"
    code, said, _ = penlight("resume", out, "--no-report")
    assert code == 1
    assert "two: 1 of 2 cells are left" in said
    code, said, _ = penlight("report", out)
    assert code == 0
    assert (out / "report.html").exists()
    code, said, _ = penlight("compare", out, out, "--out", tmp_path / "c.html")
    assert code == 0
    assert "0.00%" in said
    assert (tmp_path / "c.html").exists()


def test_dry_run(penlight, tmp_path):
    code, said, _ = penlight("run", "init-norm", "--seeds", 1, "--dry-run", "--out", tmp_path / "s")
    assert code == 0
    assert "lenet,kaiming_uniform_fan_out,group,seed=0" in said
    assert "would run 64 cells" in said
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "mpl"], 2, "study must be one of best, conv"),
        (["run", "mlp", "--quick", "--jobs", "0"], 2, "jobs must be >= 1, got 0"),
        (["run", "conv", "--data-dir", "x"], 2, "study 'conv' takes no data"),
        (["run", "mlp", "--data-dir", "/none"], 2, "data_dir"),
        (["resume", "/none"], 1, "/none holds no study"),
        (["report", "/none"], 1, "/none holds no study"),
        (["run"], 2, "Missing argument"),
    ],
)
def test_mistakes(arguments, code, message, penlight, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, _, error = penlight(*arguments)
    assert found == code
    assert message in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped(number, code, tmp_path):
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "penlight",
        "study",
        "run",
        "init-norm",
        "--quick",
        "--out",
        str(out),
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    )
    while not list(out.glob("cells/*/metrics.jsonl")):
        time.sleep(0.005)
        assert process.poll() is None
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert f"stopped by {number.name}; go on with: penlight study resume {out}" in said
    assert "Traceback" not in said


def test_time_left(tmp_path):
    """A cell takes as long as those most like it took."""
    folder = StudyFolder.create(
        tmp_path / "s", small(axes={"model": ["mlp", "vgg"], "seed": [0, 1]})
    )
    assert time_left(folder, {}, {}) == 0
    assert time_left(folder, {"mlp,seed=0": 10.0}, {}) == 30
    known = {"mlp,seed=0": 10.0, "vgg,seed=0": 100.0}
    assert time_left(folder, known, {}) == 10 + 100
    running = {"mlp,seed=1": (4.0, 0.5), "vgg,seed=1": (20.0, 0.0)}
    assert time_left(folder, known, running) == (4 + 80) / 2
