"""The folder that holds everything about one training run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from penlight._core.files import read_json, write_json
from penlight.training.errors import ConfigError, FolderInUse, RunError
from penlight.training.json_lines import JsonLines

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

__all__ = ["RunFolder", "folder_lock"]


class RunFolder:
    """One training run on disk.

    ::

        run/
          metadata.json        what was trained, on what, with what, where and how it ended
          metrics.jsonl        one line per recorded step and per epoch
          distributions.jsonl  weights and gradients per layer: histograms and moments
          checkpoints/         last.pt (to resume from) and best.pt (to use)
          figures/             PNG files, each beside the data it was drawn from

    ``metadata.json`` and the checkpoints are replaced atomically, the two ``.jsonl`` files only
    grow, so whatever kills the process leaves a folder that can be read and resumed.

    Use ``RunFolder.create`` for a new run and ``RunFolder.open`` for one that exists.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.metrics = JsonLines(self.path / "metrics.jsonl")
        self.distributions = JsonLines(self.path / "distributions.jsonl")
        self.metadata: dict[str, Any] = {}

    @classmethod
    def create(cls, path: str | os.PathLike[str], metadata: dict[str, Any]) -> RunFolder:
        """Make the folder (and its parents) and write ``metadata``.

        Args:
            path: The new folder. It may exist, but not hold a run.
            metadata: What is known before the start.

        Raises:
            FileExistsError: When ``path`` already holds a run.
            OSError: When the folder cannot be made or written.
        """
        run = cls(path)
        for leftover in (run._metadata_path, run.metrics.path, run.distributions.path):
            if leftover.exists():
                raise FileExistsError(
                    f"RunFolder: {run.path} already holds a run ({leftover.name}); resume it or "
                    "choose another folder"
                )
        run.checkpoints.mkdir(parents=True, exist_ok=True)
        run.figures.mkdir(exist_ok=True)
        run.update(**metadata)
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunFolder:
        """Open the run in ``path``.

        Raises:
            FileNotFoundError: When ``path`` holds no run.
            RunError: When its ``metadata.json`` is damaged.
        """
        run = cls(path)
        if not run._metadata_path.exists():
            raise FileNotFoundError(f"RunFolder: {run.path} holds no run (no metadata.json in it)")
        try:
            run.metadata = read_json(run._metadata_path)
        except ValueError as error:
            raise RunError(str(error)) from error
        if not isinstance(run.metadata, dict):
            raise RunError(f"{run._metadata_path}: expected a table, found {run.metadata!r}")
        return run

    @property
    def _metadata_path(self) -> Path:
        return self.path / "metadata.json"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def figures(self) -> Path:
        """The folder of the figures and their data."""
        return self.path / "figures"

    @property
    def tensors(self) -> Path:
        """The folder of weights and gradients kept whole, if they were asked for."""
        return self.path / "tensors"

    def checkpoint(self, name: str) -> Path:
        """The path of a checkpoint, ``"last"`` or ``"best"``.

        Raises:
            ConfigError: for another name.
            FileNotFoundError: When it has not been written yet.
        """
        if name not in ("last", "best"):
            raise ConfigError(f"checkpoint must be one of last, best, got {name!r}")
        path = self.checkpoints / f"{name}.pt"
        if not path.exists():
            when = "its first epoch ended" if name == "best" else "its first checkpoint"
            other = "last" if name == "best" else "best"
            raise FileNotFoundError(
                f"RunFolder: {path} does not exist: the run stopped before {when}, or the file was "
                f"removed; resume the run, or use the {other} checkpoint"
            )
        return path

    def update(self, **changes: Any) -> None:
        """Set top-level keys of the metadata and rewrite ``metadata.json``."""
        self.metadata = {**self.metadata, **changes}
        write_json(self._metadata_path, self.metadata)

    def close(self) -> None:
        """Close the open files; reading and writing stay possible."""
        self.metrics.close()
        self.distributions.close()

    def setting(self, key: str) -> dict[str, Any]:
        """A table in the metadata, such as ``"config"``.

        Raises:
            RunError: if it is missing or no table; the message names the file.
        """
        value = self.metadata.get(key)
        if not isinstance(value, dict):
            raise RunError(f"{self._metadata_path}: expected a table {key!r}, found {value!r}")
        return value

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from training in this folder; a killed process keeps no lock.

        Raises:
            FolderInUse: if another process does so now.
        """
        with folder_lock(self.path, "RunFolder"):
            try:
                yield
            finally:
                self.close()


@contextlib.contextmanager
def folder_lock(path: Path, owner: str) -> Iterator[None]:
    """Keep other processes from ``path`` meanwhile; a killed process keeps no lock.

    Raises:
        FolderInUse: if another process has it now; ``owner`` is named in the message.
    """
    with open(path / ".lock", "ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise FolderInUse(
                    f"{owner}: {path} is in use by another process; wait for it to end"
                ) from None
        yield
