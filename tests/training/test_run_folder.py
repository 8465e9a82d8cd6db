"""Files that survive crashes, full disks and damage."""

from __future__ import annotations

import json

import numpy as np
import pytest

from penlight.training.distributions import summarise
from penlight.training.json_lines import JsonLines
from penlight.training.run_folder import RunFolder


def test_json_lines_reach_the_disk_at_once(tmp_path):
    lines = JsonLines(tmp_path / "m.jsonl")
    assert lines.read() == []
    for step in range(3):
        lines.append({"step": step})
    assert [r["step"] for r in JsonLines(lines.path).read()] == [0, 1, 2]  # while still open
    lines.close()


def test_torn_last_line_is_skipped_and_then_cut_off(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 0}\n{"step": 1}\n{"st')
    lines = JsonLines(path)
    assert lines.read() == [{"step": 0}, {"step": 1}]
    lines.append({"step": 2})
    lines.close()
    assert path.read_bytes() == b'{"step": 0}\n{"step": 1}\n{"step": 2}\n'


def test_damage_elsewhere_is_an_error(tmp_path):
    path = tmp_path / "m.jsonl"
    path.write_bytes(b'{"step": 0}\ngarbage\n{"step": 2}\n')
    with pytest.raises(ValueError, match=r"m\.jsonl, line 2: .*garbage"):
        JsonLines(path).read()


def test_rewind_forgets_what_came_later(tmp_path):
    lines = JsonLines(tmp_path / "m.jsonl")
    lines.append({"step": 0})
    size = lines.sync()
    lines.append({"step": 1})
    lines.rewind(size)
    lines.append({"step": 2})
    assert lines.read() == [{"step": 0}, {"step": 2}]
    with pytest.raises(ValueError, match="expected at least 1000 bytes"):
        lines.rewind(1000)
    lines.close()


def test_run_folder_is_created_once_and_opened(tmp_path):
    run = RunFolder.create(tmp_path / "deep" / "run", {"status": "running"})
    run.update(status="finished", result=0.9)
    assert RunFolder.open(run.path).metadata == {"status": "finished", "result": 0.9}
    assert json.loads((run.path / "metadata.json").read_text()) == run.metadata
    with pytest.raises(FileExistsError, match="already holds a run"):
        RunFolder.create(run.path, {})
    with pytest.raises(FileNotFoundError, match="before its first checkpoint"):
        run.checkpoint("last")
    with pytest.raises(FileNotFoundError, match="holds no run"):
        RunFolder.open(tmp_path)


def test_summary_of_weights():
    summary = summarise(np.array([[0.0, 1.0], [2.0, np.nan]], np.float32), "weight")
    assert (summary["size"], summary["min"], summary["max"], summary["mean"]) == (4, 0.0, 2.0, 1.0)
    assert (summary["zeros"], summary["nonfinite"]) == (0.25, 0.25)
    assert sum(summary["counts"]) == 3
    assert (summary["low"], summary["high"]) == (0.0, 2.0)
    assert summary["quantiles"][2] == 1.0


def test_summary_of_gradients_is_of_log10_magnitudes():
    summary = summarise(np.array([0.0, 0.01, -0.01, 100.0]), "gradient")
    assert (summary["low"], summary["high"]) == (-2.0, 2.0)
    assert (summary["min"], summary["zeros"]) == (-0.01, 0.25)
    assert sum(summary["counts"]) == 3


def test_summary_of_many_values_keeps_exact_moments_and_bounds_the_cost():
    values = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    summary = summarise(values, "weight")
    assert summary["size"] == 200_000
    assert sum(summary["counts"]) <= 65_536
    assert summary["max"] == float(values.max())
    np.testing.assert_allclose(summary["quantiles"], [-1.645, -0.674, 0, 0.674, 1.645], atol=0.03)


@pytest.mark.parametrize("values", [[], [np.nan, np.inf]])
@pytest.mark.parametrize("kind", ["weight", "gradient"])
def test_summary_of_nothing(values, kind):
    summary = summarise(np.array(values), kind)
    assert summary["counts"] == []
    assert "mean" not in summary
