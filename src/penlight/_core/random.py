"""Random numbers: one default generator behind ``manual_seed``, others where a user makes them.

The stream is NumPy's PCG64, so the same seed gives the same numbers on every machine; they are not
the numbers that PyTorch's Mersenne Twister gives.

Source: O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
Random Number Generation", 2014.
"""

from __future__ import annotations

import json
import operator
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "Generator",
    "current_generator",
    "default_generator",
    "draw_in_batches",
    "initial_seed",
    "manual_seed",
    "numpy_generator",
    "seed",
    "use_in_this_thread",
]

_making = threading.Lock()
_STATE_SIZE = 512  # bytes: the same for all, so that states fit into one another's place


class Generator:
    """A stream of random numbers with PyTorch's interface over ``numpy.random.Generator``.

    ``numpy.random`` takes as long to import as the tensors do; it is when numbers are first drawn.
    """

    _numpy: np.random.Generator | None

    __slots__ = ("_numpy", "_seed", "device")

    wrap_state: Callable[[np.ndarray], Any] = staticmethod(np.asarray)
    """Makes the tensor that :meth:`get_state` returns; the tensors' room sets it."""

    def __init__(self, device: Any = "cpu") -> None:
        from penlight._core.device import as_device

        self.device = as_device(device)
        self.manual_seed(67280421310721)

    @property
    def numpy(self) -> np.random.Generator:
        """The NumPy generator that draws; its state is this generator's state."""
        if self._numpy is None:
            with _making:  # not twice by two threads
                if self._numpy is None:
                    self._numpy = np.random.Generator(np.random.PCG64(self._seed))
        return self._numpy

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew at ``seed``, from -2**63 to 2**64 - 1; negative ones count from 2**64.

        Raises:
            RuntimeError: if it is no integer.
            ValueError: if it is out of range.
        """
        try:
            seed = operator.index(seed)
        except TypeError:
            raise RuntimeError(
                f"manual_seed expected a long, but got {type(seed).__name__}"
            ) from None
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed: seed must lie in [-2**63, 2**64), got {seed}")
        self._seed, self._numpy = seed % 2**64, None
        return self

    def seed(self) -> int:
        """Start the stream at a seed from the operating system and return that seed."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
        return self._seed

    def initial_seed(self) -> int:
        """The seed the stream was last started with."""
        return self._seed

    def get_state(self) -> Any:
        """The whole state as a uint8 tensor, to be given back to :meth:`set_state`."""
        return self.wrap_state(np.frombuffer(self._state_bytes(), np.uint8).copy())

    def set_state(self, new_state: Any) -> Generator:
        """Go to where the generator was when :meth:`get_state` gave ``new_state``.

        Raises:
            TypeError: if it is no uint8 tensor.
            RuntimeError: if its bytes are not a state; the generator is then as before.
        """
        if str(getattr(new_state, "dtype", "")).rpartition(".")[2] != "uint8":
            raise TypeError(
                "Generator.set_state: new_state must be a uint8 tensor made by get_state, got "
                f"{type(new_state).__name__} {getattr(new_state, 'dtype', '')}"
            )
        self._set_state_bytes(np.asarray(new_state).tobytes())
        return self

    def clone_state(self) -> Generator:
        """A generator of its own that goes on from here with the same numbers."""
        return _restore_generator(self._state_bytes())

    def _state_bytes(self) -> bytes:
        state = {"seed": self._seed, "state": self.numpy.bit_generator.state}
        return json.dumps(state).encode().ljust(_STATE_SIZE)

    def _set_state_bytes(self, state: bytes) -> None:
        try:
            record = json.loads(state)
            generator = np.random.Generator(np.random.PCG64())
            generator.bit_generator.state = record["state"]
            self._seed, self._numpy = int(record["seed"]), generator
        except (ValueError, KeyError, TypeError) as error:
            raise RuntimeError(
                f"Generator.set_state: expected bytes made by get_state, got {len(state)} bytes "
                f"that are not a state ({error})"
            ) from None

    def __repr__(self) -> str:
        return f"<Generator device={str(self.device)!r} seed={self._seed}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_generator, (self._state_bytes(),)


def _restore_generator(state: bytes) -> Generator:
    generator = Generator()
    generator._set_state_bytes(state)
    return generator


default_generator = Generator()
default_generator.seed()


class _Thread(threading.local):
    """The default generator of threads that have one of their own, as loader workers do."""

    generator: Generator | None = None
    batches: Callable[[Any], Any] | None = (
        None  # what vmap makes of a NumPy generator, while it runs
    )


_thread = _Thread()


def use_in_this_thread(generator: Generator) -> None:
    """Make ``generator`` the default for the calling thread alone."""
    _thread.generator = generator


def current_generator() -> Generator:
    """The default generator: this thread's own if it has one, else the one all threads share."""
    return _thread.generator or default_generator


def manual_seed(seed: int) -> Generator:
    """Start the default generator at ``seed``; the same seed gives the same numbers."""
    return current_generator().manual_seed(int(seed))


def seed() -> int:
    """Start the default generator at a random seed and return it."""
    return current_generator().seed()


def initial_seed() -> int:
    """The seed the default generator was last started with."""
    return current_generator().initial_seed()


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """The NumPy generator to draw from: the one given, or the default."""
    stream = (current_generator() if generator is None else generator).numpy
    return stream if _thread.batches is None else _thread.batches(stream)


def draw_in_batches(batches: Callable[[Any], Any] | None) -> None:
    """Hand out ``batches(generator)`` instead of NumPy's generators in this thread; None: no more."""
    _thread.batches = batches
