"""What the commands print: one way for all, and the one line that an error ends in."""

from __future__ import annotations

import shlex
from os import PathLike
from typing import Any

from rich.console import Console
from rich.text import Text

__all__ = ["has_bars", "make_console", "quoted", "say_error", "something_was_said"]

_said: list[str] = []


def make_console(stderr: bool = False) -> Console:
    """A console that prints text as it is: a path may hold brackets, which are no markup."""
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)


def has_bars(console: Console) -> bool:
    """Whether the console can redraw a line."""
    return console.is_terminal and not console.is_dumb_terminal


def quoted(path: str | PathLike[str]) -> str:
    """A path as it can be typed in a shell."""
    return shlex.quote(str(path))


def say_error(message: Any) -> None:
    """Print ``penlight: message`` to standard error."""
    _said.append(str(message))
    text = Text.assemble(("penlight:", "bold red"), " ", str(message))
    make_console(stderr=True).print(text)


def something_was_said() -> bool:
    """Whether an error was printed since this was last asked."""
    said = bool(_said)
    _said.clear()
    return said
