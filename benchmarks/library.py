"""A library under test: its module, perhaps with options, as in ``penlight+numba``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["ACCELERATORS", "Library", "thread_variables"]

# what "+NAME" after a library's name does to its module, once imported
ACCELERATORS: dict[str, Callable[[Any], None]] = {
    "numba": lambda torch: torch.backends.numba.enable(),
}
# the same from outside, for a whole program
VARIABLES = {"numba": {"PENLIGHT_KERNELS": "numba"}}

_TITLES = {"torch": "PyTorch", "penlight": "Penlight"}


@dataclass(frozen=True)
class Library:
    """A module with PyTorch's names, and the accelerators to switch on in it."""

    module: str
    options: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Library:
        """From ``torch``, ``penlight``, ``penlight+option``.

        Raises:
            ValueError: for a library or an option that is not known.
        """
        module, *options = text.split("+")
        if module not in _TITLES:
            raise ValueError(f"library must be one of {', '.join(_TITLES)}, got {module!r}")
        for option in options:
            if option not in ACCELERATORS:
                known = ", ".join(ACCELERATORS) or "none yet"
                raise ValueError(f"{text}: options are {known}, got {option!r}")
        return cls(module, tuple(options))

    @property
    def name(self) -> str:
        return "+".join([self.module, *self.options])

    @property
    def title(self) -> str:
        return "+".join([_TITLES[self.module], *self.options])

    @property
    def variables(self) -> dict[str, str]:
        """Of the environment of a program that is to run with these options."""
        return {k: v for option in self.options for k, v in VARIABLES[option].items()}

    def load(self, threads: int) -> Any:
        """Import the module and limit it to so many threads."""
        torch = importlib.import_module(self.module)
        torch.set_num_threads(threads)
        for option in self.options:
            ACCELERATORS[option](torch)
        return torch


def thread_variables(threads: int) -> dict[str, str]:
    """The environment of a process whose BLAS and OpenMP use so many threads.

    Bytecode is kept, as it is where a package was installed.
    """
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment
