"""The same cells on a local Dask cluster of two workers."""

from __future__ import annotations

import sys

import pytest

from penlight.studies import run_study
from penlight.training import ConfigError, RunError
from tests.studies.small import contents, small

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own


@pytest.fixture(scope="module")
def scheduler():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def test_same_results_as_here(scheduler, tmp_path):
    options = {"sgd": {}, "bad": {"model_options": {"hidden": ["a"]}}}
    good = small(axes={"kind": {"sgd": {}}, "seed": [0, 1]})
    here = run_study(good, tmp_path / "here", jobs=2)
    study = small(axes={"kind": options, "seed": [0, 1]})
    events = []
    there = run_study(
        study, tmp_path / "there", scheduler=scheduler, observer=lambda f, e: events.append(e.kind)
    )
    assert [row["status"] for row in there.rows] == ["finished"] * 2 + ["failed"] * 2
    assert "hidden must be" in there.rows[2]["error"]
    assert sorted(events) == ["done"] * 4 + ["start"] * 4
    assert there.metadata["scheduler"] == scheduler
    ours = contents(here.path)
    for name in ("bad,seed=0", "bad,seed=1"):
        for file in sorted((there.path / "cells" / name).rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        (there.path / "cells" / name).rmdir()
    assert contents(there.path) == ours


def test_nobody_there(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("penlight.studies.cluster._PATIENCE", 0.5)
    with pytest.raises(RunError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        run_study(small(), tmp_path / "s", scheduler="tcp://127.0.0.1:9")


def test_without_dask(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'penlight\[studies\]'"):
        run_study(small(), tmp_path / "s", scheduler="tcp://127.0.0.1:9")
