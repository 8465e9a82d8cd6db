"""Studies: declared grids of runs, on all cores or a cluster, resumable, with a report."""

from penlight.studies.catalogue import CATALOGUE, find_study
from penlight.studies.compare import compare, write_comparison
from penlight.studies.folder import StudyFolder
from penlight.studies.pool import Event
from penlight.studies.records import read_records
from penlight.studies.report import write_report
from penlight.studies.results import group_rows, measures, written
from penlight.studies.runner import resume_study, run_study
from penlight.studies.study import Cell, Study, read_study
from penlight.studies.tasks import TASKS

__all__ = [
    "CATALOGUE",
    "TASKS",
    "Cell",
    "Event",
    "Study",
    "StudyFolder",
    "compare",
    "find_study",
    "group_rows",
    "measures",
    "read_records",
    "read_study",
    "resume_study",
    "run_study",
    "write_comparison",
    "write_report",
    "written",
]
