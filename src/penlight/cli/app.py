"""The commands, and what becomes of their errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

import penlight
from penlight.cli import data, evaluate, gradcheck, info, models, predict, study, train
from penlight.cli.messages import say_error, something_was_said
from penlight.datasets import DataError
from penlight.training import ConfigError, Diverged, RunError

__all__ = ["app", "run"]

app = typer.Typer(
    name="penlight",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("train")(train.train)
app.command("eval")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("gradcheck")(gradcheck.gradcheck)
app.command("models")(models.models)
app.command("info")(info.info)
app.add_typer(data.app, name="data")
app.add_typer(study.app, name="study")

USER_ERRORS = (ConfigError, DataError)  # the settings or the data: exit code 2
FAILURES = (RunError, Diverged, OSError)  # something went wrong on the way: exit code 1
INTERRUPTED = 130  # what the command line's library returns after Ctrl-C


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a user's mistake ends in one line and an exit code, not in a traceback.

    Exit codes: 0 all well, 1 failed on the way, 2 wrong settings or data, 130 stopped by Ctrl-C,
    143 by SIGTERM.
    """
    raise SystemExit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    something_was_said()
    try:
        # without standalone mode the exit code comes back, and errors of usage are raised
        code: int = app(args=arguments, standalone_mode=False) or 0
        if code == INTERRUPTED and not something_was_said():
            say_error("stopped")
        return code
    except USER_ERRORS as error:
        say_error(error)
        return 2
    except FAILURES as error:
        say_error(_explained(error))
        return 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # no usage error of the command line either
            raise
        if error.format_message():
            say_error(f"{error.format_message()} (see penlight --help)")
        return 2


def _explained(error: Exception) -> str:
    """The system's errors without their numbers."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"penlight {penlight.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="show it and exit"),
    ] = False,
) -> None:
    """Train small neural networks in NumPy, and look inside them."""
