"""A study that takes two seconds, and what must be the same when it is run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import penlight
from penlight.datasets import sample_folder
from penlight.studies import Study

FIXED = {
    "model": "mlp", "model_options": {"hidden": [12], "dropout": 0.2}, "data_dir": str(sample_folder()),
    "train_size": 300, "batch_size": 20, "epochs": 3, "records_per_epoch": 2, "augment": "crop",
    "checkpoint_seconds": 0.02,
}  # fmt: skip


def small(**changes: Any) -> Study:
    """Four cells: two optimizers, two seeds."""
    values: dict[str, Any] = {
        "name": "small",
        "axes": {"optimizer": ["sgd", "adam"], "seed": [0, 1]},
        "fixed": FIXED,
    }
    return Study(**{**values, **changes})


def contents(folder: Path) -> dict[str, Any]:
    """Of each cell: results, metrics and records, but for the clock, and the weights to the bit."""
    found = {}
    for cell in sorted((folder / "cells").iterdir()):
        outcome = json.loads((cell / "cell.json").read_text())
        lines = [json.loads(line) for line in (cell / "metrics.jsonl").read_text().splitlines()]
        for record in (outcome["results"], *lines):
            record.pop("seconds", None)
        weights = penlight.load(cell / "checkpoints" / "best.pt")["model"]
        found[cell.name] = (
            outcome["status"],
            outcome["results"],
            lines,
            (cell / "records.npz").read_bytes(),
            {name: w.numpy().tobytes() for name, w in weights.items()},
        )
    return found
