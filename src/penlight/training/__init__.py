"""Training as a whole: the loop, its records and checkpoints, and runs as a config describes them."""

from penlight.training.batches import EpochBatches
from penlight.training.choices import AUGMENTATIONS, OPTIMIZERS, SCHEDULERS
from penlight.training.config import DATA, TrainConfig, read_config
from penlight.training.data import ImageData, Preprocess, load_images
from penlight.training.distributions import summarise
from penlight.training.errors import ConfigError, Diverged, FolderInUse, Interrupted, RunError
from penlight.training.evaluation import Evaluation, evaluate
from penlight.training.figures import draw_figures, draw_training
from penlight.training.json_lines import JsonLines
from penlight.training.metadata import describe_environment, describe_model, now
from penlight.training.recorder import Recorder
from penlight.training.run import (
    Job,
    default_folder,
    evaluate_run,
    load_run,
    load_test_data,
    predict_images,
    prepare,
    resume,
    start,
)
from penlight.training.run_folder import RunFolder, folder_lock
from penlight.training.trainer import Callback, Progress, Trainer

__all__ = [
    "AUGMENTATIONS",
    "DATA",
    "OPTIMIZERS",
    "SCHEDULERS",
    "Callback",
    "ConfigError",
    "Diverged",
    "EpochBatches",
    "Evaluation",
    "FolderInUse",
    "ImageData",
    "Interrupted",
    "Job",
    "JsonLines",
    "Preprocess",
    "Progress",
    "Recorder",
    "RunError",
    "RunFolder",
    "TrainConfig",
    "Trainer",
    "default_folder",
    "describe_environment",
    "describe_model",
    "draw_figures",
    "draw_training",
    "evaluate",
    "evaluate_run",
    "folder_lock",
    "load_images",
    "load_run",
    "load_test_data",
    "now",
    "predict_images",
    "prepare",
    "read_config",
    "resume",
    "start",
    "summarise",
]
