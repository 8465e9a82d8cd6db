"""The ``penlight`` command."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; needs the ``cli`` extra."""
    try:
        import rich
        import typer
    except ImportError as error:
        print(
            f"penlight: the command needs {error.name}, which is not installed; "
            "pip install 'penlight[cli]'",
            file=sys.stderr,
        )
        raise SystemExit(1) from None
    del rich, typer
    try:
        from penlight.cli.app import run
    except KeyboardInterrupt:  # before there is anybody to catch it
        print("penlight: stopped", file=sys.stderr)
        raise SystemExit(130) from None
    run()
