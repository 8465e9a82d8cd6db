"""``penlight models``."""

from __future__ import annotations

from rich.table import Table

from penlight.cli.messages import make_console
from penlight.models import MODELS

__all__ = ["models"]


def models() -> None:
    """List the models that can be trained by name."""
    table = Table("name", "parameters", "what it is", "options (default)")
    for entry in MODELS.values():
        model = entry.build(in_shape=(1, 28, 28), num_classes=10)
        count = sum(p.numel() for p in model.parameters())
        options = ", ".join(f"{name} ({value})" for name, value in entry.options.items())
        table.add_row(entry.name, f"{count:,}", entry.description, options)
    console = make_console()
    console.print(table)
    console.print("Parameters are counted for 28 x 28 grey images in 10 classes.")
