"""Finding the images, with a bar for downloads, and saying which were found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from penlight.cli.messages import has_bars
from penlight.training import ImageData, TrainConfig, load_images

__all__ = ["download_bar", "loading_images"]


@contextmanager
def download_bar(console: Console) -> Iterator[Callable[[str, int, int | None], None]]:
    """What shows the progress of downloads: call it with a file's name, the bytes so far, and in all."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    quiet = not has_bars(console)
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        tasks = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(f"downloading {name}")
            bar.update(tasks[name], completed=done, total=total)

        yield show


def loading_images(config: TrainConfig, console: Console) -> ImageData:
    """The images that ``config`` asks for; says which they are."""
    with download_bar(console) as show:
        images = load_images(config, show)
    console.print(f"data: {images.source}")
    return images
