"""Finding the images, with a bar for downloads, and saying which were found."""

from __future__ import annotations

from rich.console import Console

from penlight.training import ImageData, TrainConfig, load_images

__all__ = ["loading_images"]


def loading_images(config: TrainConfig, console: Console) -> ImageData:
    """The images that ``config`` asks for."""
    images = load_images(config)
    console.print(f"data: {images.source}")
    return images
