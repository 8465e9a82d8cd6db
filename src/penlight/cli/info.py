"""``penlight info``."""

from __future__ import annotations

import importlib.metadata
import importlib.util

from rich.table import Table

from penlight.cli.messages import make_console
from penlight.training import describe_environment

__all__ = ["info"]

_EXTRAS = {"typer": "cli", "rich": "cli", "pillow": "cli", "matplotlib": "plots"}


def info() -> None:
    """Show versions, BLAS, processor and threads."""
    about = describe_environment()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in about["versions"].items():
        table.add_row(name, value)
    for package, extra in _EXTRAS.items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = f"not installed (pip install 'penlight[{extra}]')"
        table.add_row(package, version)
    machine = about["machine"]
    table.add_row("system", machine["system"])
    table.add_row("processor", machine["processor"])
    table.add_row("cores", str(machine["cores"]))
    variables = machine["thread_variables"]
    limits = ", ".join(f"{name}={value}" for name, value in variables.items())
    table.add_row("thread limits", limits or "none set: all cores")
    make_console().print(table)
