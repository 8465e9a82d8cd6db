"""The one line that an error ends in."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

__all__ = ["say_error"]


def say_error(message: Any) -> None:
    """Print ``penlight: message`` to standard error."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"[bold red]penlight:[/] {escape(str(message))}")
