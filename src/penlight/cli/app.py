"""The commands, and what becomes of their errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from penlight.cli import data, evaluate, gradcheck, info, models, predict, train
from penlight.cli.messages import say_error
from penlight.datasets import DataError
from penlight.training import ConfigError, Diverged, RunError

__all__ = ["app", "run"]

app = typer.Typer(
    name="penlight",
    help="Train small neural networks in NumPy, and look inside them.",
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

USER_ERRORS = (ConfigError, DataError)  # the settings or the data: exit code 2
FAILURES = (RunError, Diverged, OSError)  # something went wrong on the way: exit code 1


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command: a user's mistake ends in one line and an exit code, not in a traceback.

    Exit codes: 0 all well, 1 failed on the way, 2 wrong settings or data, 130 stopped by Ctrl-C,
    143 by SIGTERM.
    """
    raise SystemExit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        # without standalone mode the exit code comes back, and errors of usage are raised
        return app(args=arguments, standalone_mode=False) or 0
    except BrokenPipeError:  # `penlight ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except USER_ERRORS as error:
        say_error(error)
        return 2
    except FAILURES as error:
        say_error(error)
        return 1
    except typer.Abort:
        say_error("stopped")
        return 130
    except Exception as error:
        if not hasattr(error, "format_message"):  # no usage error of the command line either
            raise
        say_error(f"{error.format_message()} (see penlight --help)")
        return 2
