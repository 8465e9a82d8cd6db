"""The main job: train a classifier on images as a config says, in a folder, resumably."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from penlight import Tensor, autograd, manual_seed, nn, no_grad, optim, zeros
from penlight.models import create_model, freeze, initialise
from penlight.nn import functional as F
from penlight.training.batches import EpochBatches
from penlight.training.choices import make_augmentation, make_optimizer, make_scheduler
from penlight.training.config import TrainConfig
from penlight.training.data import ImageData, Preprocess, load_images
from penlight.training.errors import ConfigError, RunError, first_line
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
    "load_test_data",
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


def _make_model(config: TrainConfig, in_shape: Sequence[int], num_classes: int) -> nn.Module:
    options = {"norm": config.norm, **config.model_options}
    return create_model(config.model, in_shape, num_classes, **options)


def _build_model(config: TrainConfig, data: ImageData) -> nn.Module:
    try:
        model = _make_model(config, data.in_shape, len(data.classes))
    except (TypeError, ValueError, MemoryError) as error:
        raise ConfigError(f"model {config.model!r}: {error}") from None
    initialise(model, config.init, config.init_all)
    try:
        freeze(model, config.freeze)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return model


def _check_batches(config: TrainConfig, data: ImageData, model: nn.Module) -> None:
    """Batch norm over a single image has no variance, so no batch may be that small."""
    last = len(data.train_images) % config.batch_size or config.batch_size
    if last == 1 and any(isinstance(m, nn.BatchNorm1d) for m in model.modules()):
        raise ConfigError(
            f"batch_size (={config.batch_size}) leaves a batch of 1 of the "
            f"{len(data.train_images)} images, which batch norm can't normalise; choose another"
        )


def prepare(config: TrainConfig, data: ImageData, callbacks: Sequence[Callback] = ()) -> Job:
    """Build model, optimizer, schedule and loaders. The same seed gives the same weights.

    Raises:
        ConfigError: if the settings do not fit together or the data.
    """
    manual_seed(config.seed)
    model = _build_model(config, data)
    _check_batches(config, data, model)
    batches = EpochBatches(len(data.train_images), config.batch_size, config.seed)
    augment = make_augmentation(config.augment, data.in_shape[-1])
    train_loader = DataLoader(data.training_set(augment), batch_sampler=batches)
    test_loader = DataLoader(data.test_set(), batch_size=_TEST_BATCH)
    optimizer = make_optimizer(
        config.optimizer,
        [p for p in model.parameters() if p.requires_grad],
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
        result = evaluate(model, test_loader, config.test_flip)
        return {"test_loss": result.loss, "test_accuracy": result.accuracy}

    trainer = Trainer(
        model,
        optimizer,
        partial(F.cross_entropy, label_smoothing=config.label_smoothing),
        scheduler=scheduler,
        schedule_per_step=per_step,
        evaluate=test,
        averaged=_average(model, config.average),
        callbacks=callbacks,
    )
    return Job(config, data, model, trainer, train_loader)


def _average(model: nn.Module, decay: float) -> optim.swa_utils.AveragedModel | None:
    """The moving average of weights and running statistics; its first value is that of the first step."""
    if not decay:
        return None
    average = optim.swa_utils.get_ema_multi_avg_fn(decay)
    return optim.swa_utils.AveragedModel(model, multi_avg_fn=average, use_buffers=True)


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
    if config.data_dir is not None:  # a resume may come from another folder
        config = dataclasses.replace(config, data_dir=os.path.abspath(config.data_dir))
    job = prepare(config, data or load_images(config), callbacks)
    run = RunFolder.create(out, job.describe())
    with run.lock():
        _fit(job, run)
    return run


def resume(
    path: str | os.PathLike[str],
    epochs: int | None = None,
    data_dir: str | None = None,
    callbacks: Sequence[Callback] = (),
) -> RunFolder:
    """Go on with the run in ``path`` from its last checkpoint.

    Args:
        path: a run folder.
        epochs: train until then instead; only for schedules that do not depend on it.
        data_dir: where the data are, if not where they were.
        callbacks: told of what happens.

    Raises:
        FileNotFoundError: if ``path`` holds no run.
        ConfigError: if ``epochs`` does not go with the schedule, or the data are not the same.
        RunError: if a file of the run is damaged, or another process is training there.
    """
    run = RunFolder.open(path)
    with run.lock():
        config = _config_of(run, data_dir)
        if epochs is not None and epochs != config.epochs:
            config = _with_epochs(config, epochs)
        data = load_images(config)
        check_same_data(run, data)
        job = prepare(config, data, callbacks)
        restore(job.trainer, run)
        progress = job.trainer.progress
        if progress.epoch + (progress.step > 0) > config.epochs:
            raise ConfigError(
                f"epochs must be >= {progress.epoch + (progress.step > 0)}, which the run has "
                f"begun already, got {epochs}"
            )
        run.update(status="running", error=None, config=config.to_dict(), resumed=now())
        _fit(job, run)
    return run


def _config_of(run: RunFolder, data_dir: str | None = None) -> TrainConfig:
    settings = dict(run.setting("config"))
    if data_dir is not None:
        settings["data_dir"] = data_dir
    return TrainConfig.from_dict(settings, f"{run.path}/metadata.json")


def _with_epochs(config: TrainConfig, epochs: int) -> TrainConfig:
    if config.scheduler not in ("none", "step", "exponential", "plateau"):
        raise ConfigError(
            f"epochs: the {config.scheduler!r} schedule of this run ends after {config.epochs} "
            f"epochs and can't be resumed to {epochs}; start a new run"
        )
    return dataclasses.replace(config, epochs=epochs)


def check_same_data(run: RunFolder, data: ImageData) -> None:
    """Raise ConfigError if ``data`` are not those that the run was trained on."""
    about = run.setting("data")
    if data.checksums != about.get("checksums"):
        raise ConfigError(
            f"data: the run was trained on {about.get('source')}; what was found now "
            f"({data.source}) holds other images: name the folder with --data-dir"
        )


def _fit(job: Job, run: RunFolder) -> None:
    """Train to the end, and keep the metadata true whatever happens."""
    config = job.config
    recorder = Recorder(
        run, config.records_per_epoch, config.checkpoint_seconds, config.record_tensors
    )
    job.trainer.callbacks.insert(0, recorder)
    try:
        with autograd.set_detect_anomaly(config.detect_anomaly):
            job.trainer.fit(job.train_loader, config.epochs)
    except BaseException as error:
        stopped = isinstance(error, (KeyboardInterrupt, SystemExit))
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
        "train_accuracy": epochs[-1]["train_accuracy"],
        "best_test_accuracy": best["test_accuracy"],
        "best_epoch": best["epoch"],
        "epochs": len(epochs),
        "seconds": round(job.trainer.progress.seconds, 3),
    }
    run.update(status="finished", ended=now(), error=None, results=results)


def load_run(path: str | os.PathLike[str], which: str = "best") -> tuple[RunFolder, nn.Module]:
    """A run and its trained model.

    Args:
        path: a run folder.
        which: the checkpoint: ``"best"`` or ``"last"``.

    Raises:
        FileNotFoundError: if there is no run, or no such checkpoint yet.
        RunError: if a file is damaged.
    """
    run = RunFolder.open(path)
    config = _config_of(run)
    about = run.setting("data")
    try:
        model = _make_model(config, about["in_shape"], len(about["classes"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{run.path}/metadata.json: no model can be made of it: {error}") from error
    checkpoint = run.checkpoint(which)
    try:
        model.load_state_dict(load_checkpoint(checkpoint)["model"])
    except (KeyError, TypeError, RuntimeError) as error:
        raise RunError(
            f"{checkpoint}: not a checkpoint of this run: {first_line(error)}"
        ) from error
    return run, model.eval()


def load_test_data(run: RunFolder, data_dir: str | None = None) -> ImageData:
    """The data that a run was trained on.

    Args:
        run: the run.
        data_dir: where they are, if not where they were.

    Raises:
        DataError: if they are nowhere, or a file is damaged.
        ConfigError: if others were found.
    """
    config = dataclasses.replace(_config_of(run, data_dir), train_size=None)
    data = load_images(config)
    check_same_data(run, data)
    return data


def evaluate_run(model: nn.Module, data: ImageData, flip: bool = False) -> Evaluation:
    """``model`` on the test images, as :func:`evaluate`."""
    return evaluate(model, DataLoader(data.test_set(), _TEST_BATCH), flip)


def predict_images(model: nn.Module, about: dict[str, Any], images: Tensor) -> Tensor:
    """Class probabilities (N, K) of uint8 images (N, C, H, W), scaled as in training.

    Args:
        about: the ``data`` entry of the run's metadata.
    """
    with no_grad():
        return F.softmax(model(Preprocess(about["mean"], about["std"])(images)), dim=1)
