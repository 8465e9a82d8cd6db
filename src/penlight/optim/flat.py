"""Updates over flat arrays, for optimizers that treat each element by itself.

Such an update may take a parameter's elements in any portions. A large array is cut into blocks
that stay in the processor's cache while the passes of the update go over them. Small parameters are
laid end to end and updated as one: their time goes into calls, not into arithmetic.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.inplace import bump_version
from penlight.kernels.chunks import ranges, run

__all__ = ["Bundle", "update_flat"]

BLOCK = 1 << 17  # elements: half a megabyte in float32
SHARED = 1 << 18  # elements: from here on several threads, in larger blocks, are faster than one
SMALL = 1 << 13  # elements: up to here, copying costs less than a parameter's share of calls

Update = Callable[[np.ndarray, np.ndarray, dict[str, Any], dict[str, Any]], None]
Advance = Callable[[dict[str, float], dict[str, Any]], None]
Item = tuple[Any, dict[str, Any]]  # a parameter and its state


def _row(array: np.ndarray) -> np.ndarray:
    """The elements in a row, complex ones as two: a view if they lie in order, else a copy."""
    row = array.reshape(-1) if array.flags.c_contiguous else array.flatten()
    return row.view(row.real.dtype) if row.dtype.kind == "c" else row


def update_flat(
    update: Update,
    array: np.ndarray,
    gradient: np.ndarray,
    state: dict[str, Any],
    options: dict[str, Any],
) -> None:
    """Update a parameter's array of any shape and layout; the state's arrays lie in order."""
    p = _row(array)
    rows = {k: _row(v) if isinstance(v, np.ndarray) else v for k, v in state.items()}
    _in_blocks(update, p, _row(gradient), rows, options)
    if not array.flags.c_contiguous:
        array[...] = p.view(array.dtype).reshape(array.shape)


def _in_blocks(
    update: Update, p: np.ndarray, g: np.ndarray, state: dict[str, Any], options: dict[str, Any]
) -> None:
    if 0 < p.size <= BLOCK:
        update(p, g, state, options)
        return
    shared = p.size >= SHARED
    count = max(-(-p.size // (2 * BLOCK if shared else BLOCK)), 2 if shared else 1)
    blocks = ranges(p.size, max(-(-p.size // count), 1))  # of even size, as threads share them

    def task(i: int) -> None:
        block = slice(*blocks[i])
        parts = {k: v[block] if isinstance(v, np.ndarray) else v for k, v in state.items()}
        update(p[block], g[block], parts, options)

    run(task, len(blocks), shared)


class Bundle:
    """Small parameters of one dtype whose states are views of common flat arrays.

    The parameters' own memory stays where it is: values are gathered, updated and put back. A
    bundle is laid out when it is first used, and anew whenever someone has replaced a parameter's
    array or a state. Parameters that do not go together (steps counted differently, shared memory)
    are left to be updated one by one.

    Args:
        items: the parameters with their states.
        scalars: the names of states that are a number, and must be the same for all.
    """

    def __init__(self, items: list[Item], scalars: Collection[str] = ("step",)) -> None:
        self.parameters = [p for p, _ in items]
        self.scalars = scalars
        self.layout: _Layout | None = None

    @staticmethod
    def takes(array: np.ndarray) -> bool:
        """Whether a parameter with this array can be in a bundle."""
        return array.size <= SMALL and array.dtype.kind == "f" and array.flags.c_contiguous

    def has_members(self, items: list[Item]) -> bool:
        """Whether exactly these parameters are in the bundle."""
        if len(items) != len(self.parameters):
            return False
        return all(p is q for (p, _), q in zip(items, self.parameters, strict=True))

    def is_all_of(self, params: list[Any], states: Any) -> bool:
        """Whether it is laid out and holds these parameters, all with gradients, as they are now."""
        layout = self.layout
        if layout is None or len(params) != len(self.parameters):
            return False
        for p, member, (array, _) in zip(params, self.parameters, layout.members, strict=True):
            grad = p._grad
            if p is not member or grad is None:
                return False
            g = grad._array
            if g.shape != array.shape or g.dtype is not array.dtype:
                return False
        return layout.is_intact([(p, states.get(p) or {}) for p in params])

    def is_ready(self, items: list[Item]) -> bool:
        """Whether ``update`` may be called; lays out the bundle if need be."""
        if self.layout is None or not self.layout.is_intact(items):
            together = _go_together(items, self.scalars)
            self.layout = _Layout(items, self.scalars) if together else None
        return self.layout is not None

    def update(self, update: Update, advance: Advance, options: dict[str, Any]) -> None:
        """One step of all members, as if each were updated by itself."""
        layout = self.layout
        assert layout is not None
        np.concatenate(layout.rows, out=layout.p)
        np.concatenate([p._grad._array for p in self.parameters], None, layout.g)
        if layout.numbers:
            layout.advance(advance, options)
        _in_blocks(update, layout.p, layout.g, layout.state, options)
        for p, row, part in zip(self.parameters, layout.rows, layout.parts, strict=True):
            bump_version(p)
            row[...] = part  # twice as fast as np.copyto when small


class _Layout:
    """The memory of a bundle: flat arrays, and what each member must still hold for them to be true."""

    def __init__(self, items: list[Item], scalars: Collection[str]) -> None:
        arrays = [p._array for p, _ in items]
        ends = np.cumsum([a.size for a in arrays]).tolist()
        slices = [slice(end - a.size, end) for a, end in zip(arrays, ends, strict=True)]
        self.p = np.empty(ends[-1], arrays[0].dtype)
        self.g = np.empty_like(self.p)
        self.rows = [a.reshape(-1) for a in arrays]  # views of the parameters
        self.parts = [self.p[s] for s in slices]
        self.state: dict[str, Any] = {}
        self.numbers: dict[str, np.ndarray] = {}  # by name, one for each member
        views: list[list[tuple[str, TensorBase, np.ndarray]]] = [[] for _ in items]
        for name in items[0][1]:
            tensors = [state[name] for _, state in items]
            flat = np.concatenate([t._array.reshape(-1) for t in tensors])
            if name in scalars:
                self.numbers[name] = flat
                places = [slice(i, i + 1) for i in range(len(items))]
            else:
                self.state[name] = flat
                places = slices
            for t, place, own in zip(tensors, places, views, strict=True):
                t._array = flat[place].reshape(t._array.shape)
                own.append((name, t, t._array))
        self.members = list(zip(arrays, views, strict=True))

    def is_intact(self, items: list[Item]) -> bool:
        """Whether parameters and states still have the memory that they had, and step together."""
        for (p, state), (array, views) in zip(items, self.members, strict=True):
            if p._array is not array or len(state) != len(views):
                return False
            for name, tensor, view in views:
                if state.get(name) is not tensor or tensor._array is not view:
                    return False
        return all(_equal(row.tolist()) for row in self.numbers.values())

    def advance(self, advance: Advance, options: dict[str, Any]) -> None:
        """Count the update that is about to be made, for all members."""
        numbers = {name: float(row[0]) for name, row in self.numbers.items()}
        advance(numbers, options)
        for name, row in self.numbers.items():
            row[...] = numbers[name]
            numbers[name] = float(row[0])  # as rounded
        self.state.update(numbers)


def _equal(values: list[Any]) -> bool:
    return values.count(values[0]) == len(values)


def _go_together(items: list[Item], scalars: Collection[str]) -> bool:
    """Whether the parameters can be updated as one: same states, same step, no memory shared."""
    for p, state in items:
        for name, value in state.items():
            if not isinstance(value, TensorBase):
                return False
            shape, dtype = value._array.shape, value._array.dtype
            if name not in scalars and (shape != p._array.shape or dtype != p._array.dtype):
                return False  # an error, if it is one, is raised by the update one by one
            if name in scalars and shape != ():
                return False
    if not _equal([list(state) for _, state in items]):
        return False
    for name in set(scalars).intersection(items[0][1]):
        if not _equal([state[name]._array.item() for _, state in items]):
            return False
    ranges = sorted(
        (a.__array_interface__["data"][0], a.nbytes) for a in (p._array for p, _ in items)
    )
    return all(
        start + size <= following for (start, size), (following, _) in itertools.pairwise(ranges)
    )
