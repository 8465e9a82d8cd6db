"""``penlight predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, UnidentifiedImageError
from rich.console import Console
from rich.table import Table

import penlight
from penlight.training import ConfigError, load_run, predict_images

__all__ = ["predict"]


def predict(
    run: Annotated[Path, typer.Argument(help="folder of a run")],
    images: Annotated[list[Path], typer.Argument(help="PNG or other image files")],
    top: Annotated[int, typer.Option(help="classes to show per image", min=1)] = 3,
    invert: Annotated[
        bool, typer.Option("--invert", help="for dark drawings on white: MNIST is light on black")
    ] = False,
    checkpoint: Annotated[str, typer.Option(help="best or last")] = "best",
) -> None:
    """Say what is on images: the likeliest classes with their probabilities."""
    console = Console(soft_wrap=True, highlight=False)
    folder, model, _ = load_run(run, checkpoint)
    about = folder.setting("data")
    pixels = np.stack([_read(path, about["in_shape"], invert) for path in images])
    probabilities = predict_images(model, about, penlight.from_numpy(pixels))
    best = probabilities.topk(min(top, probabilities.shape[1]), dim=1)
    table = Table("image", "class", "probability")
    for path, chances, classes in zip(
        images, best.values.tolist(), best.indices.tolist(), strict=True
    ):
        for place, (chance, index) in enumerate(zip(chances, classes, strict=True)):
            table.add_row("" if place else str(path), about["classes"][index], f"{chance:.1%}")
    console.print(table)


def _read(path: Path, in_shape: list[int], invert: bool) -> np.ndarray:
    """An image file as uint8 (C, H, W), scaled to the model's input."""
    channels, height, width = in_shape
    try:
        with Image.open(path) as file:
            image: Image.Image = file
            if image.mode in ("RGBA", "LA", "P"):  # transparent is white, as on paper
                image = image.convert("RGBA")
                paper = Image.new("RGBA", image.size, "white")
                image = Image.alpha_composite(paper, image)
            converted = image.convert("L" if channels == 1 else "RGB")
            if converted.size != (width, height):
                converted = converted.resize((width, height), Image.Resampling.BILINEAR)
            pixels = np.asarray(converted, np.uint8)
    except FileNotFoundError:
        raise ConfigError(f"predict: {path} does not exist") from None
    except (UnidentifiedImageError, OSError) as error:
        raise ConfigError(f"predict: {path}: expected an image, but {error}") from None
    if invert:
        pixels = 255 - pixels
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)
