"""The main job: train a classifier on images as a config says, in a folder, resumably."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from penlight import Tensor, autograd, manual_seed, nn, no_grad, zeros
from penlight.models import create_model, initialise
from penlight.nn import functional as F
from penlight.training.batches import EpochBatches
from penlight.training.choices import make_augmentation, make_optimizer, make_scheduler
from penlight.training.config import TrainConfig
from penlight.training.data import ImageData, Preprocess, load_images
from penlight.training.errors import ConfigError, Interrupted, RunError
from penlight.training.evaluation import Evaluation, evaluate
from penlight.training.metadata import describe_environment, describe_model, now
from penlight.training.recorder import Recorder, load_checkpoint, restore
from penlight.training.run_folder import RunFolder
from penlight.training.trainer import Callback, Trainer
from penlight.utils.data import DataLoader

__all__ = [
    "Job",
    "default_folder",
    "evaluate_run",
    "load_run",
    "predict_images",
    "prepare",
    "resume",
    "start",
]

_TEST_BATCH = 500


@dataclass
class Job:
    """A run that is ready to start."""

    config: TrainConfig
    data: ImageData
    model: nn.Module
    trainer: Trainer
    train_loader: DataLoader[Any]
    test_loader: DataLoader

    def describe(self) -> dict[str, Any]:
        """The metadata that is known before the first step."""
        return {
            "status": "running",
            "started": now(),
            "config": self.config.to_dict(),
            "optimizer": repr(self.trainer.optimizer),
            "scheduler": type(self.trainer.scheduler).__name__ if self.trainer.scheduler else None,
            "data": self.data.describe(),
            "model": {
                "name": self.config.model,
                **describe_model(self.model, zeros(1, *self.data.in_shape)),
            },
            **describe_environment(),
        }


def default_folder(config: TrainConfig, base: str | os.PathLike[str] = "runs") -> Path:
    """``runs/2031-05-04_153045_lenet_mnist``, which does not exist yet."""
    time = datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S")
    path = Path(base) / f"{time}_{config.model}_{config.data}"
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{time}_{config.model}_{config.data}_{number}")
    return path


def _build_model(config: TrainConfig, data: ImageData) -> nn.Module:
    options = {"norm": config.norm, **config.model_options}
    try:
        model = create_model(config.model, data.in_shape, len(data.classes), **options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"model {config.model!r}: {error}") from None
    initialise(model, config.init)
    return model


def prepare(config: TrainConfig, data: ImageData, callbacks: Sequence[Callback] = ()) -> Job:
    """Build model, optimizer, schedule and loaders. The same seed gives the same weights.

    Raises:
        ConfigError: if the settings do not fit together or the data.
    """
    manual_seed(config.seed)
    model = _build_model(config, data)
    batches = EpochBatches(len(data.train_images), config.batch_size, config.seed)
    augment = make_augmentation(config.augment, data.in_shape[-1])
    train_loader = DataLoader(data.training_set(augment), batch_sampler=batches)
    test_loader = DataLoader(data.test_set(), batch_size=_TEST_BATCH)
    optimizer = make_optimizer(
        config.optimizer,
        model.parameters(),
        config.learning_rate,
        config.momentum,
        config.weight_decay,
    )
    try:
        scheduler, per_step = make_scheduler(
            config.scheduler,
            optimizer,
            config.epochs,
            len(batches),
            config.learning_rate,
            config.scheduler_options,
        )
    except ValueError as error:
        raise ConfigError(str(error)) from None

    def test(model: nn.Module) -> dict[str, float]:
        result = evaluate(model, test_loader)
        return {"test_loss": result.loss, "test_accuracy": result.accuracy}

    trainer = Trainer(
        model,
        optimizer,
        partial(F.cross_entropy, label_smoothing=config.label_smoothing),
        scheduler=scheduler,
        schedule_per_step=per_step,
        evaluate=test,
        callbacks=callbacks,
    )
    return Job(config, data, model, trainer, train_loader, test_loader)


def start(
    config: TrainConfig,
    out: str | os.PathLike[str],
    callbacks: Sequence[Callback] = (),
    data: ImageData | None = None,
) -> RunFolder:
    """Train as ``config`` says, in the new folder ``out``.

    Raises:
        ConfigError, FileExistsError, OSError: before anything was written.
        Diverged, Interrupted, OSError: later; what was recorded until then stays, and the run can
            be resumed.
    """
    job = prepare(config, data or load_images(config), callbacks)
    run = RunFolder.create(out, job.describe())
    with run.lock():
        _fit(job, run)
    return run


def resume(
    path: str | os.PathLike[str], epochs: int | None = None, callbacks: Sequence[Callback] = ()
) -> RunFolder:
    """Go on with the run in ``path`` from its last checkpoint.

    Args:
        path: a run folder.
        epochs: train until then instead; only for schedules that do not depend on it.

    Raises:
        FileNotFoundError: if ``path`` holds no run.
        ConfigError: if ``epochs`` does not go with the schedule, or the data are not the same.
        ValueError: if a file of the run is damaged.
    """
    run = RunFolder.open(path)
    with run.lock():
        settings = run.setting("config")
        config = TrainConfig.from_dict(settings, f"{run.path}/metadata.json")
        if epochs is not None and epochs != config.epochs:
            if config.scheduler not in ("none", "step", "exponential", "plateau"):
                raise ConfigError(
                    f"epochs: the {config.scheduler!r} schedule of this run ends after "
                    f"{config.epochs} epochs and can't be resumed to {epochs}; start a new run"
                )
            config = TrainConfig.from_dict({**settings, "epochs": epochs})
        data = load_images(config)
        if data.describe()["checksums"] != run.setting("data")["checksums"]:
            raise ConfigError(
                f"data: the run was trained on {run.setting('data')['source']}; what was found now "
                f"({data.source}) holds other images: name the folder with --data-dir"
            )
        run.update(status="running", config=config.to_dict(), resumed=now())
        job = prepare(config, data, callbacks)
        restore(job.trainer, run)
        _fit(job, run)
    return run


def _fit(job: Job, run: RunFolder) -> None:
    """Train to the end, and keep the metadata true whatever happens."""
    config = job.config
    recorder = Recorder(run, config.record_every, config.checkpoint_seconds)
    job.trainer.callbacks.insert(0, recorder)
    try:
        with autograd.set_detect_anomaly(config.detect_anomaly):
            job.trainer.fit(job.train_loader, config.epochs)
    except BaseException as error:
        stopped = isinstance(error, (Interrupted, KeyboardInterrupt))
        run.update(
            status="interrupted" if stopped else "failed",
            ended=now(),
            error=f"{type(error).__name__}: {error}",
        )
        raise
    epochs = [r for r in run.metrics.read() if "epoch" in r]
    best = max(epochs, key=lambda r: r["test_accuracy"])
    results = {
        "test_accuracy": epochs[-1]["test_accuracy"],
        "test_loss": epochs[-1]["test_loss"],
        "train_loss": epochs[-1]["train_loss"],
        "best_test_accuracy": best["test_accuracy"],
        "best_epoch": best["epoch"],
        "epochs": len(epochs),
        "seconds": round(job.trainer.progress.seconds, 3),
    }
    run.update(status="finished", ended=now(), error=None, results=results)


def load_run(
    path: str | os.PathLike[str], which: str = "best", data_dir: str | None = None
) -> tuple[RunFolder, nn.Module, Callable[[], ImageData]]:
    """The trained model of a run, and what loads the data it was trained on.

    Args:
        path: a run folder.
        which: the checkpoint: ``"best"`` or ``"last"``.
        data_dir: where the data are, if not where they were.

    Raises:
        FileNotFoundError: if there is no run, or no such checkpoint yet.
        ValueError: if a file is damaged.
    """
    run = RunFolder.open(path)
    settings = dict(run.setting("config"))
    if data_dir is not None:
        settings["data_dir"] = data_dir
    config = TrainConfig.from_dict(settings, f"{run.path}/metadata.json")
    about = run.setting("data")
    model = create_model(
        config.model,
        about["in_shape"],
        len(about["classes"]),
        **{"norm": config.norm, **config.model_options},
    )
    checkpoint = run.checkpoint(which)
    try:
        model.load_state_dict(load_checkpoint(checkpoint)["model"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise RunError(f"{checkpoint}: not a checkpoint of this run: {error}") from error
    return run, model.eval(), partial(load_images, config)


def evaluate_run(
    model: nn.Module, data: ImageData, on_batch: Callable[[int], Any] = lambda n: None
) -> Evaluation:
    """``model`` on the test images."""
    return evaluate(model, DataLoader(data.test_set(), _TEST_BATCH), on_batch)


def predict_images(model: nn.Module, about: dict[str, Any], images: Tensor) -> Tensor:
    """Class probabilities (N, K) of uint8 images (N, C, H, W), scaled as in training.

    Args:
        about: the ``data`` entry of the run's metadata.
    """
    with no_grad():
        return F.softmax(model(Preprocess(about["mean"], about["std"])(images)), dim=1)
