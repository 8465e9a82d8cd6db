"""Networks of linear layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads.base import Training, classification, images, labelled
from benchmarks.workloads.optimizers import adam

__all__ = ["TRAINING", "mlp"]


def mlp(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
    )


def tiny_mlp(torch: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
    )


def residual_mlp(torch: Any) -> Any:
    nn = torch.nn

    class Block(torch.nn.Module):
        """x + ReLU(norm(W x))."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.linear = nn.Linear(width, width)
            self.norm = nn.BatchNorm1d(width)
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return x + self.relu(self.norm(self.linear(x)))

    return nn.Sequential(nn.Linear(784, 128), *[Block(128) for _ in range(20)], nn.Linear(128, 10))


def regression(torch: Any, model: Any, x: Any, y: Any) -> Any:
    return torch.nn.functional.mse_loss(model(x), y)


def sine(rng: np.random.Generator) -> list[np.ndarray]:
    """Points of the plane and sin(3 x) cos(2 y) there."""
    x = images(rng, 32, 2)
    return [x, np.sin(3 * x[:, :1]) * np.cos(2 * x[:, 1:])]


TRAINING = [
    Training(
        "mlp", "MLP 784-512-512-10, batch 128", mlp, classification, labelled(128, 784), adam
    ),
    Training("tiny-mlp", "MLP 2-64-64-1, batch 32", tiny_mlp, regression, sine, adam),
    Training(
        "residual-mlp", "residual MLP, 20 blocks of 128, BatchNorm, batch 128", residual_mlp,
        classification, labelled(128, 784), adam,
    ),
]  # fmt: skip
