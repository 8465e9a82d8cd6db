"""``penlight train``."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from penlight.cli.evaluate import finish
from penlight.cli.loading import loading_images
from penlight.cli.messages import say_error
from penlight.cli.progress import TrainingProgress
from penlight.models import INITIALISATIONS, MODELS, NORMS
from penlight.training import (
    AUGMENTATIONS,
    DATA,
    OPTIMIZERS,
    SCHEDULERS,
    ConfigError,
    Interrupted,
    RunFolder,
    TrainConfig,
    default_folder,
    prepare,
    read_config,
    resume,
    start,
)

__all__ = ["train"]


def _one_of(names: Any) -> str:
    return ", ".join(names)


def train(
    model: Annotated[str | None, typer.Option(help=_one_of(MODELS))] = None,
    model_option: Annotated[
        list[str] | None,
        typer.Option("--model-option", help="the model's own, such as hidden=100,64,16; repeat it"),
    ] = None,
    data: Annotated[str | None, typer.Option(help=_one_of(DATA))] = None,
    data_dir: Annotated[str | None, typer.Option(help="folder that holds the data")] = None,
    train_size: Annotated[int | None, typer.Option(help="use the first so many images")] = None,
    epochs: Annotated[int | None, typer.Option(help="passes over the training images")] = None,
    batch_size: Annotated[int | None, typer.Option(help="images per step")] = None,
    optimizer: Annotated[str | None, typer.Option(help=_one_of(OPTIMIZERS))] = None,
    lr: Annotated[float | None, typer.Option(help="learning rate (its peak, for onecycle)")] = None,
    momentum: Annotated[float | None, typer.Option(help="of sgd and rmsprop")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="strength of the L2 penalty")] = None,
    scheduler: Annotated[str | None, typer.Option(help=_one_of(SCHEDULERS))] = None,
    scheduler_option: Annotated[
        list[str] | None,
        typer.Option("--scheduler-option", help="the scheduler's own, such as gamma=0.1"),
    ] = None,
    init: Annotated[str | None, typer.Option(help=_one_of(["default", *INITIALISATIONS]))] = None,
    norm: Annotated[str | None, typer.Option(help=_one_of(NORMS))] = None,
    augment: Annotated[str | None, typer.Option(help=_one_of(AUGMENTATIONS))] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="0 to 1")] = None,
    seed: Annotated[int | None, typer.Option(help="of all random choices")] = None,
    record_every: Annotated[
        int | None, typer.Option(help="summaries of weights and gradients per epoch; 0: none")
    ] = None,
    checkpoint_seconds: Annotated[
        float | None, typer.Option(help="longest time between checkpoints")
    ] = None,
    detect_anomaly: Annotated[
        bool | None, typer.Option("--detect-anomaly", help="find the first NaN; slow")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file; flags given here win")] = None,
    resume_run: Annotated[
        Path | None, typer.Option("--resume", metavar="RUN", help="go on with this run")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="new folder of the run")] = None,
    figures: Annotated[bool, typer.Option(help="draw figures at the end")] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would be trained, and stop")
    ] = False,
) -> None:
    """Train a classifier on images; everything about the run lands in one folder.

    Without options: LeNet with batch norm on Fashion-MNIST for 5 epochs.
    """
    flags = {
        "model": model, "data": data, "data_dir": data_dir, "train_size": train_size,
        "epochs": epochs, "batch_size": batch_size, "optimizer": optimizer, "lr": lr,
        "momentum": momentum, "weight_decay": weight_decay, "scheduler": scheduler, "init": init,
        "norm": norm, "augment": augment, "label_smoothing": label_smoothing, "seed": seed,
        "record_every": record_every, "checkpoint_seconds": checkpoint_seconds,
        "detect_anomaly": detect_anomaly, "model_options": _options("model-option", model_option),
        "scheduler_options": _options("scheduler-option", scheduler_option),
    }  # fmt: skip
    given = {name: value for name, value in flags.items() if value is not None}
    console = Console(soft_wrap=True, highlight=False)
    progress = [TrainingProgress(console)]
    try:
        if resume_run is not None:
            _check_resume(given, config, out)
            console.print(f"resuming {resume_run}")
            run = resume(resume_run, epochs, progress)
        else:
            settings = {**(read_config(config) if config else {}), **given}
            where = str(config) if config else "settings"
            wanted = TrainConfig.from_dict(settings, where)
            folder = out or default_folder(wanted)
            images = loading_images(wanted, console)
            if dry_run:
                _show(prepare(wanted, images).describe(), folder, console)
                return
            console.print(f"training {wanted.model} for {wanted.epochs} epochs, in {folder}")
            run = start(wanted, folder, progress, images)
    except Interrupted as error:
        say_error(f"{error}; go on with: penlight train --resume {resume_run or folder}")
        raise typer.Exit(128 + error.signal_number) from None
    _say_results(run, console, figures)


def _options(flag: str, items: list[str] | None) -> dict[str, Any] | None:
    """``["hidden=100,64", "norm=none"]`` as a dict; values are Python literals or else words."""
    if items is None:
        return None
    options = {}
    for item in items:
        name, found, text = item.partition("=")
        if not found:
            raise ConfigError(f"--{flag} must be NAME=VALUE, got {item!r}")
        try:
            options[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            options[name] = text
    return options


def _check_resume(given: dict[str, Any], config: Path | None, out: Path | None) -> None:
    extra = set(given) - {"epochs"}
    if config is not None:
        extra.add("config")
    if out is not None:
        extra.add("out")
    if extra:
        raise ConfigError(
            "--resume takes the settings of the run; only --epochs can be given with it, got "
            + ", ".join(f"--{name.replace('_', '-')}" for name in sorted(extra))
        )


def _show(about: dict[str, Any], folder: Path, console: Console) -> None:
    """What would be trained."""
    table = Table(
        "layer", "type", "arguments", "output", "parameters", title=about["model"]["name"]
    )
    for layer in about["model"]["layers"]:
        shape = " x ".join(map(str, layer["output"]))
        table.add_row(
            layer["name"], layer["type"], layer["arguments"], shape, f"{layer['parameters']:,}"
        )
    console.print(table)
    console.print(f"{about['model']['parameters']:,} parameters")
    console.print(about["optimizer"])
    console.print(f"schedule: {about['scheduler']}")
    console.print(
        f"would train {about['config']['epochs']} epochs, in {folder}; nothing was written"
    )


def _say_results(run: RunFolder, console: Console, draw: bool) -> None:
    """Draw the figures and say in plain words what came out and where it lies."""
    accuracy, figures = finish(run, console, draw=draw)
    results = run.metadata["results"]
    epoch, seconds = results["best_epoch"], results["seconds"]
    console.print(
        f"\n[bold]{accuracy:.2%} of the test images are classified correctly[/] "
        f"(best epoch: {epoch} of {results['epochs']}; {seconds:.0f} s of training)"
    )
    console.print(f"Everything about this run lies in {run.path}:")
    for name, text in (
        ("metadata.json", "model, data, settings, machine, results"),
        ("metrics.jsonl", "loss and accuracy as they developed"),
        ("checkpoints/best.pt", "the weights of the best epoch; PyTorch reads it too"),
        (
            "figures/",
            ", ".join(path.name for path in figures) or "none drawn: penlight eval draws them",
        ),
    ):
        console.print(f"  {name:20} {text}")
    console.print(f"Try it:  penlight eval {run.path}")
