"""What the programs share: where they are listed, how they begin, and data from NumPy."""

from __future__ import annotations

import importlib
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["PROGRAMS", "Program", "initialise", "integers", "numbers", "parts", "program"]


@dataclass(frozen=True)
class Program:
    """A program, whether its numbers are a loss that falls, and how near PyTorch it must stay."""

    run: Callable[[Any], list[float]]
    falls: bool
    rtol: float
    atol: float

    @property
    def name(self) -> str:
        return self.run.__name__


PROGRAMS: list[Program] = []


def program(falls: bool = True, rtol: float = 1e-4, atol: float = 1e-5) -> Any:
    """List the decorated function among the programs."""

    def listed(run: Callable[[Any], list[float]]) -> Callable[[Any], list[float]]:
        PROGRAMS.append(Program(run, falls, rtol, atol))
        return run

    return listed


def parts(torch: Any, *names: str) -> list[Any]:
    """Submodules of the library: ``nn, F = parts(torch, "nn", "nn.functional")``."""
    return [importlib.import_module(f"{torch.__name__}.{name}") for name in names]


def generator(seed: int) -> np.random.RandomState:
    return np.random.RandomState(seed)


def numbers(torch: Any, *shape: int, seed: int = 0) -> Any:
    """Normal float32 numbers, the same for every library."""
    return torch.from_numpy(generator(seed).standard_normal(shape).astype(np.float32))


def integers(torch: Any, high: int, *shape: int, seed: int = 0, low: int = 0) -> Any:
    """Integers from ``low`` up to ``high``, the same for every library."""
    return torch.from_numpy(generator(seed).randint(low, high, shape))


def initialise(torch: Any, module: Any, gain: float = 1.0) -> Any:
    """Fill every parameter by its name: matrices by fan-in, vectors near one (weight) or zero."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            draw = generator(zlib.crc32(name.encode())).standard_normal(tuple(p.shape))
            if p.dim() > 1:
                draw *= gain / math.sqrt(p[0].numel())
            else:
                draw = 0.1 * draw + (1.0 if name.endswith("weight") else 0.0)
            p.copy_(torch.from_numpy(np.asarray(draw, np.float32)))
    return module
