"""What a finished run keeps of its weights and gradients: histograms in float16, moments in float32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from penlight._core.files import atomic_write
from penlight.training import RunFolder

__all__ = ["compact", "read_records"]

_MOMENTS = ("mean", "std", "min", "max", "zeros", "nonfinite", "low", "high")
_FILE = "records.npz"


def compact(run: RunFolder) -> Path | None:
    """Write the run's ``distributions.jsonl`` as ``records.npz``, about a tenth of the size.

    Histograms become shares of all values; with them every number is within 0.05 % of what was
    recorded.

    Returns:
        The file; None if nothing was recorded.
    """
    lines = run.distributions.read()
    if not lines:
        return None
    bins = max(len(r["counts"]) for r in lines)
    counts = np.zeros((len(lines), bins), np.float16)
    for row, record in zip(counts, lines, strict=True):
        heights = np.asarray(record["counts"], float)
        row[: len(heights)] = heights / max(heights.sum(), 1)
    moments = [[record.get(name) for name in _MOMENTS] for record in lines]
    quantiles = [record["quantiles"] or [None] * 5 for record in lines]
    names = sorted({r["name"] for r in lines})
    arrays: dict[str, Any] = {
        "names": np.array(names),
        "name": np.array([names.index(r["name"]) for r in lines], np.uint16),
        "gradient": np.array([r["kind"] == "gradient" for r in lines]),
        "size": np.array([r["size"] for r in lines], np.int64),
        "progress": np.array([r["progress"] for r in lines], np.float32),
        "moments": np.array(moments, np.float32),
        "quantiles": np.array(quantiles, np.float32),
        "bins": np.array([len(r["counts"]) for r in lines], np.uint8),
        "counts": counts,
    }
    path = run.path / _FILE
    with atomic_write(path) as file:
        np.savez_compressed(file, **arrays)
    return path


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The records of a run, as ``penlight.plots.distributions_over_time`` takes them.

    Args:
        folder: of a run: finished as a cell of a study, or any other.
    """
    if not (folder / _FILE).exists():
        return RunFolder(folder).distributions.read()
    with np.load(folder / _FILE, allow_pickle=False) as file:
        a = {name: file[name] for name in file.files}
    records = []
    for i, bins in enumerate(a["bins"].tolist()):
        record = {
            "name": str(a["names"][a["name"][i]]),
            "kind": "gradient" if a["gradient"][i] else "weight",
            "size": int(a["size"][i]),
            "progress": float(a["progress"][i]),
            "counts": a["counts"][i, :bins].astype(float).tolist(),
            "quantiles": a["quantiles"][i].tolist() if bins else [],
        }
        moments = zip(_MOMENTS, a["moments"][i].tolist(), strict=True)
        records.append(record | {k: v for k, v in moments if v == v})
    return records
