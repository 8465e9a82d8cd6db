"""``penlight train``."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from penlight.cli.evaluate import draw
from penlight.cli.loading import loading_images
from penlight.cli.messages import make_console, quoted, say_error
from penlight.cli.progress import TrainingProgress
from penlight.models import INITIALISATIONS, MODELS, NORMS
from penlight.training import (
    AUGMENTATIONS,
    DATA,
    OPTIMIZERS,
    SCHEDULERS,
    ConfigError,
    ImageData,
    Interrupted,
    RunFolder,
    TrainConfig,
    default_folder,
    evaluate_run,
    load_run,
    load_test_data,
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
    init_all: Annotated[
        bool | None, typer.Option("--init-all", help="draw biases and norms' parameters so, too")
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(help="conv, linear, norm, or names such as features.0.*; repeat it"),
    ] = None,
    norm: Annotated[str | None, typer.Option(help=_one_of(NORMS))] = None,
    input_mean: Annotated[
        float | None, typer.Option(help="of pixels, 0 to 1; default: data's")
    ] = None,
    input_std: Annotated[float | None, typer.Option(help="likewise")] = None,
    average: Annotated[
        float | None, typer.Option(help="decay of the average of the weights that is tested")
    ] = None,
    test_flip: Annotated[
        bool | None, typer.Option("--test-flip", help="test each image and its mirror image")
    ] = None,
    record_tensors: Annotated[
        bool | None, typer.Option("--record-tensors", help="keep weights and gradients whole")
    ] = None,
    augment: Annotated[str | None, typer.Option(help=_one_of(AUGMENTATIONS))] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="0 to 1")] = None,
    seed: Annotated[int | None, typer.Option(help="of all random choices")] = None,
    records_per_epoch: Annotated[
        int | None, typer.Option(help="summaries of weights and gradients; 0: none")
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
        "init_all": init_all, "freeze": freeze or None, "input_mean": input_mean,
        "input_std": input_std, "average": average, "test_flip": test_flip,
        "record_tensors": record_tensors,
        "norm": norm, "augment": augment, "label_smoothing": label_smoothing, "seed": seed,
        "records_per_epoch": records_per_epoch, "checkpoint_seconds": checkpoint_seconds,
        "detect_anomaly": detect_anomaly, "model_options": _options("model-option", model_option),
        "scheduler_options": _options("scheduler-option", scheduler_option),
    }  # fmt: skip
    given = {name: value for name, value in flags.items() if value is not None}
    console = make_console()
    progress = [TrainingProgress(console)]
    images = None
    try:
        if resume_run is not None:
            _check_resume(given, config, out, dry_run)
            console.print(f"resuming {resume_run}")
            run = resume(resume_run, epochs, data_dir, progress)
        else:
            settings = {**(read_config(config) if config else {}), **given}
            where = str(config) if config else "settings"
            wanted = TrainConfig.from_dict(settings, where)
            folder = default_folder(wanted) if out is None else out
            images = loading_images(wanted, console)
            if dry_run:
                _show(prepare(wanted, images).describe(), folder, console)
                return
            console.print(f"training {wanted.model} for {wanted.epochs} epochs, in {folder}")
            run = start(wanted, folder, progress, images)
    except Interrupted as error:
        say_error(f"{error}; go on with: penlight train --resume {quoted(resume_run or folder)}")
        raise typer.Exit(128 + error.signal_number) from None
    try:
        _say_results(run, console, images, figures)
    except KeyboardInterrupt:
        say_error(
            f"stopped, but the run is finished; look at it with: penlight eval {quoted(run.path)}"
        )
        raise typer.Exit(130) from None


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


def _check_resume(
    given: dict[str, Any], config: Path | None, out: Path | None, dry_run: bool
) -> None:
    extra = set(given) - {"epochs", "data_dir"}
    extra |= {n for n, v in (("config", config), ("out", out), ("dry-run", dry_run)) if v}
    if extra:
        raise ConfigError(
            "--resume takes the settings of the run; only --epochs and --data-dir go with it, got "
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
    console.print(f"would train {about['config']['epochs']} epochs, in {folder}; no run was made")


def _say_results(run: RunFolder, console: Console, data: ImageData | None, figures: bool) -> None:
    """Draw the figures and say in plain words what came out and where it lies."""
    run, model = load_run(run.path)
    data = load_test_data(run) if data is None else data
    result = evaluate_run(model, data, run.setting("config").get("test_flip", False))
    drawn = draw(run, model, data, result, console) if figures else []
    results = run.setting("results")
    console.print(
        f"\n{result.accuracy:.2%} of the test images are classified correctly",
        style="bold",
        end=" ",
    )
    console.print(
        f"(best epoch: {results['best_epoch']} of {results['epochs']}; "
        f"{results['seconds']:.0f} s of training)"
    )
    console.print(f"Everything about this run lies in {run.path}:")
    for name, text in (
        ("metadata.json", "model, data, settings, machine, results"),
        ("metrics.jsonl", "loss and accuracy as they developed"),
        ("checkpoints/best.pt", "the weights of the best epoch; PyTorch reads it too"),
        ("figures/", ", ".join(path.name for path in drawn) or "none drawn"),
    ):
        console.print(f"  {name:20} {text}")
    console.print(f"Try it:  penlight eval {quoted(run.path)}")
