"""The workloads by name: programs written once against the API that both libraries have."""

from __future__ import annotations

from benchmarks.workloads import convnets, loading, mlp, scalable, sequences, unet
from benchmarks.workloads.base import Inference, Program, Workload, images

__all__ = [
    "CONVNETS",
    "INFERENCE",
    "LOADING",
    "TRAINING",
    "WORKLOADS",
    "Program",
    "Workload",
    "find",
]

CONVNETS: list[Workload] = [*convnets.TRAINING, *unet.TRAINING]
TRAINING: list[Workload] = [
    *mlp.TRAINING,
    *CONVNETS,
    *sequences.TRAINING,
]
INFERENCE: list[Workload] = [
    Inference("mlp-1", "MLP 784-512-512-10, one image", mlp.mlp, lambda rng: images(rng, 1, 784)),
    Inference(
        "lenet-1", "LeNet 3x3, one image", convnets.lenet, lambda rng: images(rng, 1, 1, 28, 28)
    ),
    Inference(
        "resnet20-1", "ResNet-20, one image", convnets.resnet20,
        lambda rng: images(rng, 1, 3, 32, 32),
    ),
    Inference(
        "resnet20-64", "ResNet-20, 64 images", convnets.resnet20,
        lambda rng: images(rng, 64, 3, 32, 32),
    ),
    sequences.GENERATION,
]  # fmt: skip
LOADING: list[Workload] = [loading.LOADER]

WORKLOADS = {w.name: w for w in [*TRAINING, *INFERENCE, *LOADING]}


def find(name: str) -> Workload:
    """The workload of that name, perhaps one in a size of its own, as in ``cnn:batch=8``.

    Raises:
        ValueError: if there is none.
    """
    workload = WORKLOADS.get(name) or scalable.parse(name)
    if workload is None:
        raise ValueError(f"workload must be one of {', '.join(WORKLOADS)}, got {name!r}")
    return workload
