"""Running: killed, stopped and resumed; cells that fail; one at a time."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from penlight.datasets import DataNotFoundError
from penlight.studies import StudyFolder, resume_study, run_study
from penlight.training import ConfigError, FolderInUse, folder_lock
from tests.studies.small import FIXED, contents, small

PROGRAM = """
import sys
from penlight.studies import run_study, resume_study
from tests.studies.small import small
if sys.argv[1] == "run":
    run_study(small(), sys.argv[2], jobs=2)
else:
    resume_study(sys.argv[2], jobs=2)
"""


def launch(what, out):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, what, str(out)],
        cwd=Path(__file__).parents[2],  # where `tests` is found
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study that was not disturbed; tests only read it."""
    return run_study(small(), tmp_path_factory.mktemp("whole") / "study", jobs=2)


def test_what_is_written(whole):
    about = json.loads((whole.path / "metadata.json").read_text())
    assert (about["status"], about["counts"], about["jobs"]) == ("finished", {"finished": 4}, 2)
    assert set(about["versions"]) >= {"penlight", "numpy", "python"}
    assert about["started"] <= about["ended"]
    cells = about["cells"]
    assert [c["id"] for c in cells] == ["sgd,seed=0", "sgd,seed=1", "adam,seed=0", "adam,seed=1"]
    for cell in cells:
        assert cell["status"] == "finished"
        assert set(cell["results"]) >= {
            "parameters", "seconds", "train_loss", "train_accuracy", "test_loss", "test_accuracy",
        }  # fmt: skip
        assert cell["results"]["parameters"] == 784 * 12 + 12 + 24 + 130
        assert cell["config"]["seed"] == cell["axes"]["seed"]
        folder = whole.cell_folder(cell["id"])
        assert {p.name for p in folder.iterdir()} >= {
            "cell.json",
            "metadata.json",
            "metrics.jsonl",
            "records.npz",
        }
        assert not (folder / "distributions.jsonl").exists()
        assert [p.name for p in (folder / "checkpoints").iterdir()] == ["best.pt"]
        run = json.loads((folder / "metadata.json").read_text())
        assert run["machine"]["thread_variables"]["OPENBLAS_NUM_THREADS"] == "1"
    assert json.loads((whole.path / "study.json").read_text())["name"] == "small"


def test_a_finished_study_is_not_run_again(whole):
    before = {p: p.stat().st_mtime_ns for p in whole.path.rglob("cell.json")}
    seen = []
    resume_study(whole.path, observer=lambda folder, event: seen.append(event))
    assert not seen
    assert {p: p.stat().st_mtime_ns for p in whole.path.rglob("cell.json")} == before
    with pytest.raises(FileExistsError, match="already holds a study; resume it"):
        run_study(small(), whole.path)


@pytest.mark.parametrize("trial", range(3))
def test_killed_at_a_random_moment_and_resumed(trial, whole, tmp_path):
    """SIGKILL: the processes end with their parent, and a resume gives the same bits."""
    out = tmp_path / "study"
    process = launch("run", out)
    rng = random.Random(trial)
    lines = rng.randrange(1, 150)
    while process.poll() is None and (
        sum(p.read_bytes().count(b"\n") for p in out.glob("cells/*/metrics.jsonl")) < lines
    ):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    finished = {p: p.read_bytes() for p in out.glob("cells/*/cell.json")}
    begun = [p.parents[1] for p in out.glob("cells/*/checkpoints/last.pt")]
    begun = [folder for folder in begun if not (folder / "cell.json").exists()]
    process = launch("resume", out)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert contents(out) == contents(whole.path)
    assert all(p.read_bytes() == content for p, content in finished.items())  # not repeated
    for folder in begun:  # from their checkpoints
        assert "resumed" in json.loads((folder / "metadata.json").read_text())
    assert StudyFolder.open(out).metadata["status"] == "finished"


def test_a_process_ends_with_its_parent():
    """Its input ends then, also while it waits for a cell."""
    process = subprocess.Popen(
        [sys.executable, "-m", "penlight.studies.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert json.loads(process.stdout.readline())["event"] == "ready"
        process.stdin.close()
        assert process.wait(timeout=30) == 1


def test_stopped_and_resumed(whole, tmp_path):
    out = tmp_path / "study"
    process = launch("run", out)
    while not list(out.glob("cells/*/metrics.jsonl")):
        time.sleep(0.005)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode != 0, said
    assert StudyFolder.open(out).metadata["status"] == "interrupted"
    process = launch("resume", out)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert contents(out) == contents(whole.path)


def test_killed_between_the_end_of_a_run_and_that_of_its_cell(whole, tmp_path):
    """What is written last decides; what a finished cell needs no longer goes at the next resume."""
    import shutil

    out = tmp_path / "study"
    shutil.copytree(whole.path, out)
    first, second = (out / "cells" / name for name in ("sgd,seed=0", "sgd,seed=1"))
    (first / "distributions.jsonl").write_text("{}\n")
    (second / "cell.json").unlink()
    resume_study(out, jobs=1)
    assert not (first / "distributions.jsonl").exists()
    assert contents(out) == contents(whole.path)


def test_a_failing_cell_does_not_stop_the_others(tmp_path):
    options = {
        "good": {},
        "bad": {"model_options": {"hidden": ["a"]}},
        "nan": {"lr": 1e30, "optimizer": "sgd"},
    }
    study = small(axes={"kind": options, "seed": [0]})
    events = []
    folder = run_study(study, tmp_path / "s", jobs=1, observer=lambda f, e: events.append(e))
    rows = {row["axes"]["kind"]: row for row in folder.rows}
    assert {k: r["status"] for k, r in rows.items()} == {
        "good": "finished", "bad": "failed", "nan": "diverged",
    }  # fmt: skip
    assert "ConfigError: model 'mlp': MLP: hidden must be" in rows["bad"]["error"]
    assert (
        "Traceback"
        in json.loads((folder.cell_folder("bad,seed=0") / "cell.json").read_text())["traceback"]
    )
    assert "loss became" in rows["nan"]["error"]
    assert folder.metadata["status"] == "failed"
    assert [e.cell for e in events if e.kind == "done"] == [c.id for c in folder.cells]
    again = []
    resume_study(folder.path, jobs=1, observer=lambda f, e: again.append(e))
    assert {e.cell for e in again} == {"bad,seed=0"}  # NaN comes again, and is not tried again


def test_a_process_that_dies_fails_its_cell_alone(tmp_path, monkeypatch):
    """A model that kills its process, from a module that the study names."""
    (tmp_path / "deadly.py").write_text(
        "import os, signal\n"
        "from penlight.models import MODELS, ModelEntry\n"
        "def build(in_shape, num_classes, norm='batch', hidden=(), dropout=0):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "MODELS['deadly'] = ModelEntry('deadly', build, '')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import deadly  # noqa: F401

    from penlight.models import MODELS

    try:
        study = small(axes={"model": ["deadly", "mlp"]}, imports=["deadly"])
        folder = run_study(study, tmp_path / "s", jobs=1)
    finally:
        del MODELS["deadly"]
    assert [row["status"] for row in folder.rows] == ["failed", "finished"]
    assert folder.rows[0]["error"].startswith("the process of this cell was ended by SIGKILL")


def test_one_at_a_time(whole):
    with (
        folder_lock(whole.path, "study"),
        pytest.raises(FolderInUse, match=r"study: .* is in use by another process"),
    ):
        resume_study(whole.path)


def test_what_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ConfigError, match="jobs must be >= 1, got 0"):
        run_study(small(), tmp_path / "s", jobs=0)
    with pytest.raises(DataNotFoundError, match="data_dir"):
        run_study(small(fixed={**FIXED, "data_dir": str(tmp_path)}), tmp_path / "s")
    assert not (tmp_path / "s").exists()
    with pytest.raises(FileNotFoundError, match="holds no study"):
        resume_study(tmp_path)


def test_never_the_sample_unless_named(tmp_path, monkeypatch):
    from penlight.datasets import sources

    monkeypatch.setattr(sources, "places", lambda: iter(()))
    monkeypatch.setattr(sources, "_fetched", _no_network)
    monkeypatch.delenv("PENLIGHT_DATA", raising=False)
    study = small(fixed={k: v for k, v in FIXED.items() if k != "data_dir"})
    with pytest.raises(DataNotFoundError, match="Fashion-MNIST not found"):
        run_study(study, tmp_path / "s")


def _no_network(*arguments):
    raise OSError("no network")
