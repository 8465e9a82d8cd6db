"""The folder of a study: its declaration, its cells, and what came out."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from penlight._core.files import read_json, write_json
from penlight.studies.execute import DONE, outcome_of
from penlight.studies.study import Cell, Study
from penlight.studies.tasks import TASKS
from penlight.training import ConfigError, RunError, describe_environment, now

__all__ = ["StudyFolder"]

Row = dict[str, Any]


class StudyFolder:
    """A study on disk.

    ::

        study/
          study.json     the declaration, from which it can be resumed
          metadata.json  versions, machine, and all cells: settings, status, results
          cells/ID/      a cell: cell.json (how it ended) beside the files of a training run
          figures/       pictures of the whole grid, each beside its data
          report.html    everything to look at, in one file
          workers.log    what the processes printed

    A cell is finished when its ``cell.json`` says so; ``metadata.json`` is made of these files.
    """

    def __init__(self, path: str | PathLike[str], study: Study) -> None:
        self.path = Path(path)
        self.study = study
        self.cells = study.cells()
        self._rows = {cell.id: self._row(cell) for cell in self.cells}

    @classmethod
    def create(cls, path: str | PathLike[str], study: Study) -> StudyFolder:
        """Make the folder and write down the declaration.

        Raises:
            FileExistsError: if it holds a study already.
            ConfigError: if the study's settings can't be.
        """
        declaration = Path(path) / "study.json"
        if declaration.exists():
            raise FileExistsError(
                f"StudyFolder: {path} already holds a study; resume it or choose another folder"
            )
        folder = cls(path, study)
        (folder.path / "cells").mkdir(parents=True, exist_ok=True)
        write_json(declaration, study.to_dict())
        return folder

    @classmethod
    def open(cls, path: str | PathLike[str]) -> StudyFolder:
        """The study in ``path``.

        Raises:
            FileNotFoundError: if there is none.
            RunError: if its ``study.json`` is damaged.
        """
        declaration = Path(path) / "study.json"
        if not declaration.exists():
            raise FileNotFoundError(f"StudyFolder: {path} holds no study (no study.json in it)")
        try:
            return cls(path, Study.from_dict(read_json(declaration), str(declaration)))
        except (ConfigError, ValueError, AttributeError) as error:
            raise RunError(f"{declaration}: not a study: {error}") from error

    def cell_folder(self, cell: Cell | str) -> Path:
        """Where a cell's files are."""
        return self.path / "cells" / (cell if isinstance(cell, str) else cell.id)

    @property
    def report(self) -> Path:
        """The report's file."""
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        """The folder of the grid's figures."""
        return self.path / "figures"

    @property
    def metadata(self) -> dict[str, Any]:
        """What ``metadata.json`` says; empty if the study never ran."""
        try:
            about: dict[str, Any] = read_json(self.path / "metadata.json")
        except FileNotFoundError:
            return {}
        return about

    @property
    def rows(self) -> list[Row]:
        """All cells in order: ``id``, ``axes``, ``status``, ``results``, ``error``."""
        return list(self._rows.values())

    def done(self, cell: Cell) -> bool:
        """Whether a cell has come to its end."""
        return self._rows[cell.id]["status"] in DONE

    def note(self, identity: str, outcome: dict[str, Any] | None = None) -> None:
        """Take in how a cell ended; what its own file says counts more than ``outcome``."""
        (cell,) = (c for c in self.cells if c.id == identity)
        self._rows[identity] = self._row(cell, outcome)

    def tidy(self) -> None:
        """Remove what a killed process left in finished cells."""
        for cell in self.cells:
            if self.done(cell):
                TASKS[self.study.task].finish(self.cell_folder(cell), self.study.keep)

    def write(self, status: str, **more: Any) -> None:
        """Replace ``metadata.json``; what it said of earlier times stays where nothing new is known."""
        about = self.metadata or {"started": now(), **describe_environment()}
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row["status"]] = counts.get(row["status"], 0) + 1
        about |= {"status": status, "counts": counts, **more, "study": self.study.to_dict()}
        write_json(self.path / "metadata.json", {**about, "cells": self.rows})

    def _row(self, cell: Cell, told: dict[str, Any] | None = None) -> Row:
        outcome = outcome_of(self.cell_folder(cell)) or told or {}
        begun = self.cell_folder(cell).exists()
        row = {
            "id": cell.id,
            "axes": dict(cell.point),
            "status": outcome.get("status", "begun" if begun else "waiting"),
            "results": outcome.get("results", {}),
            "error": outcome.get("error"),
        }
        keys = ("wall_seconds", "started", "ended", "process")
        return (
            row | {k: outcome[k] for k in keys if k in outcome} | {"config": cell.config.to_dict()}
        )
