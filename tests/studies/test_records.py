"""Compact records: what is read back is what was recorded, within what float16 can tell."""

from __future__ import annotations

import numpy as np

from penlight.studies import read_records
from penlight.studies.records import compact
from penlight.training import RunFolder, summarise


def test_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    run = RunFolder.create(tmp_path / "run", {})
    values = {
        "a": rng.standard_normal((30, 40)).astype(np.float32) * 1e6,  # beyond float16
        "b": np.zeros((2, 3), np.float32),
        "c": np.full((4, 4), np.nan, np.float32),
    }
    for progress in range(1, 41):
        for name, array in values.items():
            for kind in ("weight", "gradient"):
                summary = summarise(array, kind)
                run.distributions.append({"progress": progress, "name": name, **summary})
    run.close()
    before = run.distributions.read()
    path = compact(run)
    assert path.stat().st_size < run.distributions.path.stat().st_size / 3
    run.distributions.path.unlink()
    after = read_records(run.path)
    assert len(after) == len(before) == 240
    for old, new in zip(before, after, strict=True):
        assert set(new) == set(old)
        for key in ("name", "kind", "size", "progress"):
            assert new[key] == old[key]
        for key in ("mean", "std", "min", "max", "zeros", "nonfinite", "low", "high"):
            if key in old:
                np.testing.assert_allclose(new[key], old[key], rtol=1e-6)
        np.testing.assert_allclose(new["quantiles"], old["quantiles"], rtol=1e-6)
        shares = np.array(old["counts"], float) / max(sum(old["counts"]), 1)
        np.testing.assert_allclose(new["counts"], shares, rtol=1e-3)


def test_a_run_without_records(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    assert compact(run) is None
    assert read_records(run.path) == []
