"""Running a study, and going on with one that was stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from os import PathLike
from types import FrameType
from typing import Any

from penlight.studies.cluster import Cluster
from penlight.studies.folder import StudyFolder
from penlight.studies.pool import Event, Order, Pool, cores
from penlight.studies.study import Study
from penlight.studies.tasks import check_data
from penlight.training import ConfigError, Interrupted, TrainConfig, folder_lock, now

__all__ = ["resume_study", "run_study"]

Observer = Callable[[StudyFolder, Event], None]
_WRITE_SECONDS = 2.0  # between versions of metadata.json, which grows with the grid


def run_study(
    study: Study,
    out: str | PathLike[str],
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    observer: Observer | None = None,
) -> StudyFolder:
    """Run all cells of ``study`` in the new folder ``out``.

    Args:
        study: what to run.
        out: the folder.
        jobs: processes at once. Default: as many as there are cores.
        scheduler: address of a Dask scheduler, whose workers run the cells instead.
        observer: told of every event.

    Raises:
        ConfigError, DataError, FileExistsError: before anything was run.
        FolderInUse: if another process runs this study.
        Interrupted: if a signal stopped it; :func:`resume_study` goes on.
    """
    _check_jobs(jobs)
    _find_data(study)
    return _run(StudyFolder.create(out, study), jobs, scheduler, observer)


def resume_study(
    path: str | PathLike[str],
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    observer: Observer | None = None,
) -> StudyFolder:
    """Go on with the study in ``path``.

    Finished cells stay as they are, those under way go on from their last checkpoints, failed ones
    are tried again. A cell whose loss became NaN has come to its end.

    Raises:
        FileNotFoundError, RunError: if there is no study, or its declaration is damaged.
        FolderInUse, Interrupted: as :func:`run_study`.
    """
    _check_jobs(jobs)
    folder = StudyFolder.open(path)
    if not all(map(folder.done, folder.cells)):
        _find_data(folder.study)
    return _run(folder, jobs, scheduler, observer)


def _check_jobs(jobs: int | None) -> None:
    if jobs is not None and jobs < 1:
        raise ConfigError(f"jobs must be >= 1, got {jobs}")


def _find_data(study: Study) -> None:
    """Find, or fetch, all data before many processes want them."""
    configs = [c.config for c in study.cells() if isinstance(c.config, TrainConfig)]
    first = {(c.data, c.data_dir): c for c in configs}
    for config in first.values():
        check_data(config)


def _run(
    folder: StudyFolder, jobs: int | None, scheduler: str | None, observer: Observer | None
) -> StudyFolder:
    study = folder.study
    with folder_lock(folder.path, "study"):
        folder = StudyFolder(folder.path, study)  # as it is now that nobody else writes
        folder.tidy()
        orders = [
            Order(
                cell.id,
                study.task,
                cell.config.to_dict(),
                os.path.abspath(folder.cell_folder(cell)),
                study.keep,
                tuple(study.imports),
            )
            for cell in folder.cells
            if not folder.done(cell)
        ]
        if not orders:
            folder.write("finished")
            return folder
        jobs = jobs or cores()
        where = {"scheduler": scheduler} if scheduler else {"jobs": jobs}
        engine = Cluster(scheduler) if scheduler else Pool(jobs, folder.path / "workers.log")
        folder.write("running", **where)
        try:
            with _stoppable(), closing(engine.run(orders)) as events:
                _follow(folder, events, observer)
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            folder.write("interrupted" if stopped else "failed", ended=now())
            raise
        failed = any(row["status"] == "failed" for row in folder.rows)
        folder.write("failed" if failed else "finished", ended=now())
    return folder


def _follow(folder: StudyFolder, events: Iterator[Event], observer: Observer | None) -> None:
    written = time.monotonic()
    for event in events:
        if event.kind == "done":
            folder.note(event.cell, event.outcome)
            if time.monotonic() - written > _WRITE_SECONDS:
                folder.write("running")
                written = time.monotonic()
        if observer is not None:
            observer(folder, event)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGINT and SIGTERM raise Interrupted here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    numbers = (signal.SIGINT, signal.SIGTERM)
    heeded = [n for n in numbers if signal.getsignal(n) is not signal.SIG_IGN]
    before: dict[Any, Any] = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
