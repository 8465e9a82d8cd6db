"""What one training run is made of, checked at the door; from flags or a TOML file."""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from penlight.models import INITIALISATIONS, MODELS, NORMS
from penlight.training.choices import AUGMENTATIONS, OPTIMIZERS, SCHEDULERS
from penlight.training.errors import ConfigError

__all__ = ["DATA", "TrainConfig", "read_config"]

DATA = ("fashion-mnist", "mnist", "cifar10")


def _choice(name: str, value: Any, allowed: Any) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise ConfigError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _whole(name: str, value: Any, lowest: int | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{name} must be a whole number, got {value!r}")
    if lowest is not None and value < lowest:
        raise ConfigError(f"{name} must be >= {lowest}, got {value!r}")


def _number(name: str, value: Any, *, above_zero: bool = False, below: float = math.inf) -> None:
    limits = f"{'> 0' if above_zero else '>= 0'}{f' and < {below:g}' if below < math.inf else ''}"
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not right or not (value > 0 if above_zero else value >= 0) or not value < below:
        raise ConfigError(f"{name} must be a number {limits}, got {value!r}")


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a run; the same words are flags of ``penlight train`` and keys in TOML files.

    Attributes:
        model, model_options: what to train; options are the model's own, such as ``hidden``.
        norm, init: normalisation of the model; how its weights are drawn.
        init_all: draw biases and the parameters of normalisations as the weights.
        freeze: names of parameters that stay as they were drawn; or ``conv``, ``linear``, ``norm``.
        data, data_dir: which images; a folder that holds them (found or downloaded if not given).
        train_size: use only the first so many training images. Default: all.
        input_mean, input_std: x = (pixel - mean) / std. Default: those of the data.
        epochs, batch_size: how long, and how many images a step.
        optimizer, lr, momentum, weight_decay: None means what is usual for the optimizer.
        scheduler, scheduler_options: how the learning rate changes; options are the scheduler's own.
        label_smoothing: share of the target spread over all classes.
        augment: how training images are varied.
        average: decay of the moving average of the weights, which is then tested; 0 for none.
        test_flip: test on the mean of the scores of each image and its mirror image.
        seed: of the weights, the order of images, and every other random choice.
        records_per_epoch: summaries of weights and gradients; 0 for none.
        record_tensors: keep all weights and gradients whole at these moments; large.
        checkpoint_seconds: longest time between checkpoints within an epoch.
        detect_anomaly: look for the operation that makes the first NaN or infinity; slow.
    """

    model: str = "lenet"
    model_options: Mapping[str, Any] = field(default_factory=dict)
    norm: str = "batch"
    init: str = "default"
    init_all: bool = False
    freeze: Sequence[str] = ()
    data: str = "fashion-mnist"
    data_dir: str | None = None
    train_size: int | None = None
    input_mean: float | None = None
    input_std: float | None = None
    epochs: int = 5
    batch_size: int = 100
    optimizer: str = "adam"
    lr: float | None = None
    momentum: float | None = None
    weight_decay: float = 0.0
    scheduler: str = "onecycle"
    scheduler_options: Mapping[str, Any] = field(default_factory=dict)
    label_smoothing: float = 0.0
    augment: str = "none"
    average: float = 0.0
    test_flip: bool = False
    seed: int = 0
    records_per_epoch: int = 12
    record_tensors: bool = False
    checkpoint_seconds: float = 20.0
    detect_anomaly: bool = False

    def __post_init__(self) -> None:
        _choice("model", self.model, MODELS)
        _choice("norm", self.norm, NORMS)
        _choice("init", self.init, ("default", *INITIALISATIONS))
        _choice("data", self.data, DATA)
        _choice("optimizer", self.optimizer, OPTIMIZERS)
        _choice("scheduler", self.scheduler, SCHEDULERS)
        _choice("augment", self.augment, AUGMENTATIONS)
        for name in ("epochs", "batch_size"):
            _whole(name, getattr(self, name), 1)
        _whole("seed", self.seed, None)
        _whole("records_per_epoch", self.records_per_epoch, 0)
        if self.train_size is not None:
            _whole("train_size", self.train_size, 1)
        if self.lr is not None:
            _number("lr", self.lr, above_zero=True)
        _number("weight_decay", self.weight_decay)
        _number("label_smoothing", self.label_smoothing, below=1)
        _number("checkpoint_seconds", self.checkpoint_seconds)
        if self.momentum is not None:
            _number("momentum", self.momentum, below=1)
            if OPTIMIZERS[self.optimizer].momentum is None:
                takers = ", ".join(
                    n for n, entry in OPTIMIZERS.items() if entry.momentum is not None
                )
                raise ConfigError(f"momentum is an option of {takers}, not of {self.optimizer}")
        if self.data_dir is not None and not isinstance(self.data_dir, str):
            raise ConfigError(f"data_dir must be the path of a folder, got {self.data_dir!r}")
        for name in ("detect_anomaly", "init_all", "test_flip", "record_tensors"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be true or false, got {getattr(self, name)!r}")
        _number("average", self.average, below=1)
        if self.input_mean is not None:
            _number("input_mean", self.input_mean)
        if self.input_std is not None:
            _number("input_std", self.input_std, above_zero=True)
        names = self.freeze
        if isinstance(names, str) or not all(isinstance(n, str) for n in names):
            raise ConfigError(f"freeze must be a list of names of parameters, got {names!r}")
        object.__setattr__(self, "freeze", tuple(names))
        for name in ("model_options", "scheduler_options"):
            if not isinstance(getattr(self, name), Mapping):
                raise ConfigError(f"{name} must be a table of options, got {getattr(self, name)!r}")

    @property
    def learning_rate(self) -> float:
        """``lr``, or the usual one of the optimizer."""
        return OPTIMIZERS[self.optimizer].lr if self.lr is None else self.lr

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], where: str = "settings") -> TrainConfig:
        """The config with these settings, the others at their defaults.

        Args:
            settings: by name; ``batch-size`` is ``batch_size``.
            where: named in messages.

        Raises:
            ConfigError: for an unknown name (the nearest known one is shown) or a bad value.
        """
        known = [f.name for f in dataclasses.fields(cls)]
        values: dict[str, Any] = {}
        for written, value in settings.items():
            name = written.replace("-", "_")
            if name in values:
                raise ConfigError(f"{where}: {name} is given twice, once as {written!r}")
            values[name] = value
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
                raise ConfigError(f"{where}: unknown option {name!r}{hint}")
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings in a TOML file.

    Raises:
        ConfigError: if it is missing or no TOML; the message names the file and the place.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read config file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected a TOML file, but {error}") from None
