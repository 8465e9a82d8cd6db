"""Random numbers: one default generator behind ``manual_seed``, others where a user makes them.

The stream is NumPy's PCG64, so the same seed gives the same numbers on every machine; they are not
the numbers that PyTorch's Mersenne Twister gives.

Source: O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for
Random Number Generation", 2014.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

import numpy as np

__all__ = ["Generator", "default_generator", "initial_seed", "manual_seed", "numpy_generator", "seed"]


class Generator:
    """A stream of random numbers with PyTorch's interface over ``numpy.random.Generator``.

    Attributes:
        numpy: the NumPy generator that draws; its state is this generator's state.
    """

    __slots__ = ("_seed", "device", "numpy")

    def __init__(self, device: Any = "cpu") -> None:
        from penlight._core.device import as_device

        self.device = as_device(device)
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew at ``seed`` (any integer; negative ones count from 2**64)."""
        self._seed = int(seed)
        self.numpy = np.random.Generator(np.random.PCG64(self._seed % 2**64))
        return self

    def seed(self) -> int:
        """Start the stream at a seed from the operating system and return that seed."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed the stream was last started with."""
        return self._seed

    def state_bytes(self) -> bytes:
        """The whole state as bytes (JSON), to be given back to :meth:`set_state_bytes`."""
        return json.dumps({"seed": self._seed, "state": self.numpy.bit_generator.state}).encode()

    def set_state_bytes(self, state: bytes) -> Generator:
        try:
            record = json.loads(state)
            self.numpy.bit_generator.state = record["state"]
            self._seed = int(record["seed"])
        except (ValueError, KeyError, TypeError) as error:
            raise RuntimeError(
                f"Generator.set_state: expected bytes made by get_state, got {len(state)} bytes "
                f"that are not a state ({error})"
            ) from None
        return self

    def __repr__(self) -> str:
        return f"<Generator device={str(self.device)!r} seed={self._seed}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_generator, (self.state_bytes(),)


def _restore_generator(state: bytes) -> Generator:
    return Generator().set_state_bytes(state)


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Start the default generator at ``seed``; the same seed gives the same numbers."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the default generator at a random seed and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed the default generator was last started with."""
    return default_generator.initial_seed()


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """The NumPy generator to draw from: the one given, or the default."""
    return (default_generator if generator is None else generator).numpy
