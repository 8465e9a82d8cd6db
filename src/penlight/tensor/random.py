"""Random tensors. All draw from the default generator, or from the one given."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight._core.arguments import shape_argument
from penlight._core.device import as_device
from penlight._core.dtypes import as_dtype, get_default_dtype
from penlight._core.random import Generator, current_generator, numpy_generator
from penlight.tensor.creation import finish, from_numpy
from penlight.tensor.tensor import Tensor

__all__ = ["get_rng_state", "rand", "randint", "randn", "randperm", "set_rng_state"]


def draw(name: str, shape: tuple[int, ...], dtype: Any, generator: Generator | None) -> np.ndarray:
    """``standard_normal`` or ``random`` (uniform) numbers in a floating dtype, never via float64."""
    d = get_default_dtype().numpy if dtype is None else as_dtype(dtype).numpy
    drawn = np.dtype(np.float64 if d == np.float64 else np.float32)
    return getattr(numpy_generator(generator), name)(shape, drawn).astype(d, copy=False)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal numbers of shape ``size``."""
    array = draw("standard_normal", shape_argument(size), dtype, generator)
    return finish(np.asarray(array), device, requires_grad)


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers in [0, 1) of shape ``size``."""
    array = draw("random", shape_argument(size), dtype, generator)
    return finish(np.asarray(array), device, requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform integers in [low, high): ``randint(high, size)`` or ``randint(low, high, size)``."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got {low} >= {high}")
    array = numpy_generator(generator).integers(low, high, tuple(size))
    d = np.dtype(np.int64) if dtype is None else as_dtype(dtype).numpy
    return finish(np.asarray(array).astype(d, copy=False), device, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers 0 to n-1 in random order."""
    d = np.dtype(np.int64) if dtype is None else as_dtype(dtype).numpy
    array = numpy_generator(generator).permutation(n).astype(d, copy=False)
    return finish(array, device, requires_grad)


Generator.wrap_state = staticmethod(from_numpy)


def get_rng_state() -> Tensor:
    """The state of the default generator as a uint8 tensor."""
    return current_generator().get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Set the default generator to a state from :func:`get_rng_state`."""
    current_generator().set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cpu") -> Iterator[None]:
    """Draw in the block what one likes: after it the default generator is as before.

    Args:
        devices: accepted for PyTorch's sake.
        enabled: False makes the block an ordinary one.
    """
    as_device(device_type)
    generator = current_generator()
    state = generator.get_state()
    try:
        yield
    finally:
        if enabled:
            generator.set_state(state)
