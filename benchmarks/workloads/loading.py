"""A shuffled epoch of batches from images in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.workloads.base import Program, seeded

__all__ = ["LOADER"]


@dataclass(frozen=True)
class LoaderEpoch:
    """All batches of 100 of 60,000 float32 images of 28x28, in random order.

    The orders of the libraries differ; that each image comes once is what is checked.
    """

    name: str
    title: str
    tolerance: float = 1e-6
    extra_flops: int = 0
    count: int = 60_000

    def program(self, torch: Any) -> Program:
        numbers = np.arange(self.count) % 1000
        images = np.empty((self.count, 1, 28, 28), np.float32)
        images[:] = numbers[:, None, None, None]
        labels = seeded(1).integers(0, 10, self.count)
        data = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
        loader = torch.utils.data.DataLoader(data, batch_size=100, shuffle=True)

        def epoch() -> None:
            for _images, _labels in loader:
                pass

        def check() -> list[float]:
            batches = 0
            sums = np.zeros(2)
            for x, y in loader:
                batches += 1
                sums += x[:, 0, 0, 0].double().sum().item(), y.sum().item()
            return [batches, *sums.tolist()]

        return Program(epoch, check)


LOADER = LoaderEpoch("loader", "DataLoader, 60,000 images of 28x28 shuffled, batch 100")
