"""``penlight data list``, ``get``, ``verify``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from penlight import datasets
from penlight.cli.loading import download_bar
from penlight.cli.messages import make_console

__all__ = ["app"]

app = typer.Typer(help="Find, download and check datasets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="mnist, fashion-mnist or cifar10")]
DataDir = Annotated[
    str | None, typer.Option("--data-dir", help="folder of the data, instead of the usual places")
]


@app.command("list")
def list_all(data_dir: DataDir = None) -> None:
    """Show which datasets there are, and where they lie on this machine."""
    table = Table("name", "images", "download", "licence", "here")
    for item in datasets.list_datasets(data_dir):
        images = " + ".join(f"{n:,}" for n in item.images)
        here = item.problem or (str(item.source) if item.source else "no")
        table.add_row(item.name, images, f"{item.download_size / 1e6:.0f} MB", item.licence, here)
    make_console().print(table)


@app.command("get")
def get(name: Name, data_dir: DataDir = None) -> None:
    """Download a dataset; what is there and right is kept."""
    console = make_console()
    with download_bar(console) as show:
        source = datasets.get_dataset(name, data_dir, show)
    console.print(str(source))


@app.command("verify")
def verify(name: Name, data_dir: DataDir = None) -> None:
    """Check sizes and checksums of a dataset's files; exit code 1 if one is damaged."""
    result = datasets.verify_dataset(name, data_dir)
    table = Table("file", "images or labels", "MD5", "", title=str(result.path))
    for check in result.checks:
        state = check.problem or (
            "as published" if check.published else "whole, but not as published"
        )
        table.add_row(
            check.path.name, f"{check.images:,}" if check.images else "", check.md5 or "", state
        )
    console = make_console()
    console.print(table)
    if not result.ok:
        raise typer.Exit(1)
