"""``penlight predict``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageOps
from rich.table import Column, Table

import penlight
from penlight.cli.messages import make_console
from penlight.training import ConfigError, load_run, predict_images

__all__ = ["predict"]


_BATCH = 256  # images in memory at a time


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
    folder, model = load_run(run, checkpoint)
    about = folder.setting("data")
    table = Table("class", "probability", Column("image", overflow="fold"))
    for start in range(0, len(images), _BATCH):
        paths = images[start : start + _BATCH]
        pixels = np.stack([_read(path, about["in_shape"], invert) for path in paths])
        probabilities = predict_images(model, about, penlight.from_numpy(pixels))
        best = probabilities.topk(min(top, probabilities.shape[1]), dim=1)
        for path, chances, classes in zip(
            paths, best.values.tolist(), best.indices.tolist(), strict=True
        ):
            for place, (chance, index) in enumerate(zip(chances, classes, strict=True)):
                name = "" if place else str(path)
                table.add_row(about["classes"][index], f"{chance:.1%}", name)
    make_console().print(table)


def _read(path: Path, in_shape: list[int], invert: bool) -> np.ndarray:
    """An image file as uint8 (C, H, W), scaled to the model's input."""
    channels, height, width = in_shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                image = _on_white(_in_bytes(ImageOps.exif_transpose(file)))
                image = image.convert("L" if channels == 1 else "RGB")
    except FileNotFoundError:
        raise ConfigError(f"predict: {path} does not exist") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ConfigError(f"predict: {path}: expected an image, but {error}") from None
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.uint8)
    if invert:
        pixels = 255 - pixels
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)


def _in_bytes(image: Image.Image) -> Image.Image:
    """Grey images of 16 bits or of floats, scaled to 8 bits; others as they are."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    highest = 65535 if image.mode.startswith("I") else max(float(values.max()), 1e-30)
    return Image.fromarray((values * (255 / highest)).clip(0, 255).round().astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    """Transparent parts as on paper."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
