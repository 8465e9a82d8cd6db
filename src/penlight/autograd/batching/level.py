"""Levels: one for each ``vmap`` that runs."""

from __future__ import annotations

import itertools
import threading
from typing import NoReturn

from penlight._core.random import draw_in_batches

__all__ = ["Level", "Unbatchable", "levels", "running", "unbatchable"]

_number = itertools.count(1).__next__

running: list[None] = []
"""As long as the number of vmaps that run, in all threads together: empty is what ops look at first."""


class Level:
    """One vmap: how many samples it has, and what random numbers are to be.

    Attributes:
        size: the number of samples.
        randomness: ``"error"``, ``"different"`` for each sample, or the ``"same"`` for all.
        number: counts all levels; of nested ones the innermost has the highest.
        depth: how many levels there are up to it; 1 for the outermost.
    """

    __slots__ = ("depth", "number", "randomness", "size")

    def __init__(self, size: int, randomness: str = "error") -> None:
        self.size, self.randomness = size, randomness
        self.number, self.depth = _number(), len(_stack.levels) + 1

    def __enter__(self) -> Level:
        if not _stack.levels:
            from penlight.autograd.batching.randomness import batched_stream

            draw_in_batches(batched_stream)
        _stack.levels.append(self)
        running.append(None)
        return self

    def __exit__(self, *exception: object) -> None:
        running.pop()
        _stack.levels.pop()
        if not _stack.levels:
            draw_in_batches(None)

    def __repr__(self) -> str:
        return f"<vmap {self.number} over {self.size}>"


class _Stack(threading.local):
    """The levels of one thread, innermost last."""

    def __init__(self) -> None:
        self.levels: list[Level] = []


_stack = _Stack()


def levels() -> list[Level]:
    """The levels that run in this thread, innermost last."""
    return _stack.levels


class Unbatchable(RuntimeError):
    """What is to be done can't be done for a whole batch at once; vmap then takes samples one by one."""

    def __init__(self, level: Level, what: str) -> None:
        super().__init__(
            f"{what} is not possible for a batch of samples at once. (Inside vmap samples are taken one "
            "by one then; outside of it a tensor that belongs to a vmap has been used after its end.)"
        )
        self.level = level


def unbatchable(level: Level, what: str) -> NoReturn:
    """Raise :class:`Unbatchable`."""
    raise Unbatchable(level, what)
