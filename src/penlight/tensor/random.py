"""Random tensors. All draw from the default generator, or from the one given."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight._core.arguments import shape_argument
from penlight._core.device import as_device
from penlight._core.dtypes import as_dtype
from penlight._core.random import (
    Generator,
    current_generator,
    default_generator as default_generator,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
)
from penlight.autograd.base import TensorBase
from penlight.tensor.creation import finish, from_numpy
from penlight.tensor.data import numpy_dtype
from penlight.tensor.distributions import bernoulli, draw, integers, multinomial, stream
from penlight.tensor.tensor import Tensor

__all__ = [
    "bernoulli", "binomial", "get_rng_state", "multinomial", "normal", "poisson", "rand", "rand_like",
    "randint", "randint_like", "randn", "randn_like", "randperm", "set_rng_state",
]  # fmt: skip


def _shape(args: tuple[Any, ...], size: Any, owner: str) -> tuple[int, ...]:
    if size is None and not args:
        raise TypeError(f"{owner}() missing 1 required positional argument: 'size'")
    shape = shape_argument(args if size is None else (size,))
    if any(n < 0 for n in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension: {list(shape)}")
    return shape


def randn(
    *args: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Standard normal numbers of shape ``size``."""
    array = draw("standard_normal", _shape(args, size, "randn"), numpy_dtype(dtype), generator)
    return finish(array, device, requires_grad, layout)


def rand(
    *args: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform numbers in [0, 1) of shape ``size``."""
    array = draw("random", _shape(args, size, "rand"), numpy_dtype(dtype), generator)
    return finish(array, device, requires_grad, layout)


def randint(
    low: Any = 0, high: Any = None, size: Any = None, *, generator: Generator | None = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Uniform integers in [low, high): ``randint(high, size)`` or ``randint(low, high, size)``."""
    if isinstance(high, (tuple, list)) and size is None:
        low, high, size = 0, low, high
    if high is None or size is None:
        raise TypeError("randint() expects (high, size) or (low, high, size)")
    d = np.dtype(np.int64) if dtype is None else as_dtype(dtype, "randint").numpy
    array = integers(int(low), int(high), shape_argument((size,)), d, generator)
    return finish(array, device, requires_grad, layout)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The integers 0 to n-1 in random order."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    d = np.dtype(np.int64) if dtype is None else as_dtype(dtype, "randperm").numpy
    if d.kind in "iu" and n > np.iinfo(d).max + 1:
        raise RuntimeError(f"randperm: n (={n}) numbers do not fit into dtype {d}")
    array = stream(generator).permutation(n).astype(d, copy=False)
    return finish(array, device, requires_grad, layout)


def rand_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Uniform numbers in [0, 1) of ``input``'s shape and dtype."""
    d = dtype or input.dtype
    return rand(input.shape, generator=generator, dtype=d, layout=layout, device=device,
                requires_grad=requires_grad)  # fmt: skip


def randn_like(
    input: Tensor, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Standard normal numbers of ``input``'s shape and dtype."""
    d = dtype or input.dtype
    return randn(input.shape, generator=generator, dtype=d, layout=layout, device=device,
                 requires_grad=requires_grad)  # fmt: skip


def randint_like(
    input: Tensor, low: Any = 0, high: Any = None, *, generator: Generator | None = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Uniform integers in [low, high) of ``input``'s shape and dtype; ``low`` may be left out."""
    if high is None:
        low, high = 0, low
    d = dtype or input.dtype
    return randint(low, high, input.shape, generator=generator, dtype=d, layout=layout,
                   device=device, requires_grad=requires_grad)  # fmt: skip


# -- of distributions ------------------------------------------------------------------------


def _array(value: Any) -> np.ndarray:
    """The numbers of a parameter."""
    return np.asarray(value._array if isinstance(value, TensorBase) else value)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normal numbers: mean + std * standard normal.

    Args:
        mean, std: numbers, or tensors that broadcast: then without ``size``.
        size: the shape, if both are numbers.

    Raises:
        RuntimeError: for a negative ``std``.
    """
    centre, spread = _array(mean), _array(std)
    if (spread < 0).any():
        raise RuntimeError(f"normal expects all elements of std >= 0.0, but found {spread.min()}")
    given = [x._array for x in (mean, std) if isinstance(x, TensorBase)]
    if given:
        d, shape = given[0].dtype, np.broadcast_shapes(centre.shape, spread.shape)
    elif size is None:
        raise TypeError("normal(): size must be given when mean and std are numbers")
    else:
        d, shape = numpy_dtype(dtype), shape_argument((size,))
    z = draw("standard_normal", shape, d, generator)
    array = z * spread.astype(d) + centre.astype(d)
    return finish(np.asarray(array), device, requires_grad, layout)


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of events for the rates ``input``, in its dtype.

    Raises:
        RuntimeError: for negative rates.
    """
    rates = input._array
    if rates.dtype.kind != "f":
        raise NotImplementedError(f"poisson: not implemented for {input.dtype}")
    if (rates < 0).any():
        raise RuntimeError("poisson: invalid Poisson rate, expected rate to be non-negative")
    drawn = stream(generator).poisson(rates)
    return finish(np.asarray(drawn).astype(rates.dtype), None, False)


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Numbers of successes in ``count`` trials of probability ``prob``, in ``count``'s dtype."""
    drawn = stream(generator).binomial(count._array.astype(np.int64), prob._array)
    return finish(np.asarray(drawn).astype(count._array.dtype), None, False)


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
