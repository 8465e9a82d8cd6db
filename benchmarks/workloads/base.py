"""What a workload is: a program written once against the common API, made for one library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

__all__ = [
    "Inference",
    "Program",
    "Training",
    "Workload",
    "classification",
    "images",
    "labelled",
    "seeded",
]

CHECKED_STEPS = 5  # so many losses are compared
CHECKED_OUTPUTS = 64  # so many numbers of an output are compared


def seeded(seed: int = 0) -> np.random.Generator:
    """The source of all data and weights: the same numbers for every library."""
    return np.random.default_rng(seed)


@dataclass(frozen=True)
class Program:
    """A workload made for one library.

    Attributes:
        run: does the work once; what is timed.
        check: does the work a few times; the numbers that libraries must agree on.
        model: whose weights are set to the common ones before anything runs; None without weights.
        unit_count: how many units of work (steps, tokens) one ``run`` does.
    """

    run: Callable[[], Any]
    check: Callable[[], list[float]]
    model: Any = None
    unit_count: int = 1


class Workload(Protocol):
    """A program that can be made for any library with PyTorch's names."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def tolerance(self) -> float: ...

    @property
    def extra_flops(self) -> int: ...

    def program(self, torch: Any) -> Program: ...


@dataclass(frozen=True)
class Training:
    """Forward, loss, zero_grad, backward, optimizer step on one batch.

    Attributes:
        name, title: on the command line; in tables.
        model: makes the model from the library.
        loss: (torch, model, *batch) -> the loss, a tensor.
        batch: makes the batch, arrays, from a seeded generator.
        optimizer: (torch, parameters) -> the optimizer.
        tolerance: largest relative difference between the losses of the first steps.
        extra_flops: operations in products that no layer does, in one forward pass.
    """

    name: str
    title: str
    model: Callable[[Any], Any]
    loss: Callable[..., Any]
    batch: Callable[[np.random.Generator], Sequence[np.ndarray]]
    optimizer: Callable[[Any, Any], Any]
    tolerance: float = 1e-3
    extra_flops: int = 0

    def program(self, torch: Any) -> Program:
        model = self.model(torch)
        optimizer = self.optimizer(torch, model.parameters())
        batch = [torch.from_numpy(array) for array in self.batch(seeded(1))]

        def step() -> Any:
            loss = self.loss(torch, model, *batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss

        return Program(step, lambda: [step().item() for _ in range(CHECKED_STEPS)], model)


@dataclass(frozen=True)
class Inference:
    """The output for one batch, in eval mode and without a graph.

    Attributes:
        name, title, model, tolerance: as for training; the outputs are compared.
        input: makes the input, an array, from a seeded generator.
    """

    name: str
    title: str
    model: Callable[[Any], Any]
    input: Callable[[np.random.Generator], np.ndarray]
    tolerance: float = 1e-3
    extra_flops: int = 0

    def program(self, torch: Any) -> Program:
        model = self.model(torch).eval()
        x = torch.from_numpy(self.input(seeded(1)))

        def run() -> Any:
            with torch.no_grad():
                return model(x)

        def check() -> list[float]:
            return run().flatten()[:CHECKED_OUTPUTS].tolist()

        return Program(run, check, model)


def images(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Standard normal float32 (N, C, H, W)."""
    return rng.standard_normal(shape, np.float32)


def labelled(*shape: int, classes: int = 10) -> Callable[[np.random.Generator], list[np.ndarray]]:
    """Batches of inputs of that shape, N first, with one label each."""
    return lambda rng: [images(rng, *shape), rng.integers(0, classes, shape[0])]


def classification(torch: Any, model: Any, x: Any, labels: Any) -> Any:
    """The loss of a classifier."""
    return torch.nn.functional.cross_entropy(model(x), labels)
