"""Which way a convolution goes: the one that a model of its time predicts to be fastest.

The model counts what each way does (multiplications, elements copied, short runs, calls) and weighs the
counts with :data:`NANOSECONDS`, measured once on one core of a 2023 server (AVX-512, NumPy 2.4 with
OpenBLAS). Only their ratios matter, and they differ little among machines. So the choice depends on
shapes, options and the element size alone: never on threads, load or luck.

Only dense convolutions (one group) are modelled.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from penlight.kernels.conv import lines, winograd
from penlight.kernels.windows import Size, Window

__all__ = [
    "NANOSECONDS",
    "Problem",
    "WAYS",
    "allow_winograd",
    "chosen",
    "compile_transforms",
    "estimates",
    "forced",
    "turned",
]

# How long one of each takes, in float32. Sizes of matrices count in steps of 16, a register.
NANOSECONDS = {
    "multiplication": 0.020,  # and addition, in a product of matrices
    "copied element": 0.15,
    "copied run": 4.0,  # a stretch of elements that lie together
    "turned element": 0.5,  # copied with channels last, or back
    "tile element": 0.8,  # transformed to or from tiles, with all copies
    "compiled tile element": 0.45,  # likewise, by compiled kernels
    "added element": 0.3,
    "scattered element": 1.2,  # copied to every second place
    "matrix": 100.0,  # to begin one more product in a batch
    "chunk": 25_000.0,  # to plan and begin a chunk
    "call": 10_000.0,  # to plan and begin anything at all
}

_CHUNK = 1 << 20  # bytes
_LARGEST_SMALL = 1 << 22  # bytes of windows that "small" gathers, in fresh memory
_LONGEST_SMALL = 12_000_000  # multiplications, which "small" does in one thread


class Problem(NamedTuple):
    """The shapes of a dense convolution x (N, C, *S), w (F, C, *K) -> y (N, F, *O)."""

    n: int
    c: int
    f: int
    size: Size
    output: Size
    window: Window
    dtype: np.dtype

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def depth(self) -> int:
        """Multiplications per element of y."""
        return self.c * math.prod(self.window.kernel)

    @property
    def positions(self) -> int:
        return self.n * math.prod(self.output)

    @property
    def elements(self) -> int:
        """Of x."""
        return self.n * self.c * math.prod(self.size)


def _cost(**counts: float) -> float:
    """Nanoseconds, of counts named as in the table."""
    return sum(NANOSECONDS[name.replace("_", " ")] * count for name, count in counts.items())


def _product(p: Problem, inner: int, *sizes: int) -> float:
    """The multiplications of a product whose innermost dimension fills whole registers."""
    step = 64 // p.itemsize
    return p.itemsize / 4 * math.prod(sizes) * step * math.ceil(inner / step)


def _chunks(p: Problem, elements: float) -> int:
    return math.ceil(elements * p.itemsize / _CHUNK)


def _transforms(p: Problem, elements: int) -> dict[str, float]:
    """Winograd's, of so many elements of tiles."""
    compiled = _transforms_compiled and p.window.kernel == (3, 3)
    return {"compiled_tile_element" if compiled else "tile_element": elements}


# -- the forward pass ----------------------------------------------------------------------------


def _small(p: Problem) -> float:
    gathered = p.positions * p.depth
    if gathered * p.itemsize > _LARGEST_SMALL or gathered * p.f > _LONGEST_SMALL:
        return math.inf
    in_cache = gathered * p.itemsize <= _CHUNK
    if in_cache and lines.applies(p.window, p.c, p.size, p.output, p.itemsize):
        copies = _copied_in_lines(p)
    else:
        copies = _cost(
            copied_element=gathered * (2 if p.n == 1 else 3), copied_run=gathered / p.output[-1]
        )
    product = _product(p, math.prod(p.output), p.n, p.f, p.depth)
    return copies + _cost(call=1, multiplication=product, matrix=p.n)


def _pointwise(p: Problem) -> float:
    w = p.window
    if any(k > 1 for k in w.kernel) or any(map(any, w.padding)):
        return math.inf
    product = _product(p, math.prod(p.output), p.n, p.f, p.c)
    skipped = 0 if w.is_plain() else p.positions * p.c
    return _cost(call=1, added_element=skipped, multiplication=product, matrix=p.n)


def _winograd(p: Problem) -> float:
    if not _by_winograd(p):
        return math.inf
    spread, points = winograd.spread(p.n, p.output, p.window), winograd.POINTS_OF_TILE
    return _cost(
        call=1,
        chunk=_chunks(p, spread * max(p.c, p.f) / 2),
        **_transforms(p, spread * (p.c + p.f)),
        added_element=points * p.c * p.f,
        multiplication=_product(p, p.f, spread, p.c),
    )


def _gathered_rows(p: Problem) -> float:
    gathered = p.positions * p.depth
    run = p.c * (p.window.kernel[-1] if p.window.dilation[-1] == 1 else 1)
    return _cost(
        call=1,
        chunk=_chunks(p, gathered),
        turned_element=p.elements,
        copied_element=gathered,
        copied_run=gathered / run,
    )


def _rows(p: Problem) -> float:
    return _gathered_rows(p) + _cost(
        scattered_element=p.f * p.depth,
        turned_element=p.positions * p.f,
        multiplication=_product(p, p.f, p.positions, p.depth),
    )


def _bands(p: Problem) -> float:
    w, lines = p.window, math.prod(p.output[1:])
    overlap = w.dilation[0] == 1 and w.stride[0] < w.kernel[0]
    rows = w.extent[0] + (p.output[0] - 1) * w.stride[0] if overlap else p.output[0] * w.kernel[0]
    gathered = p.n * rows * p.depth // w.kernel[0] * lines
    return _cost(
        call=1,
        chunk=_chunks(p, gathered),
        copied_element=gathered * (1 if w.stride[-1] == 1 else 3),
        copied_run=gathered / p.output[-1],
        multiplication=_product(p, lines, p.n, p.output[0], p.f, p.depth),
        matrix=p.n * p.output[0],
    )


def _lines(p: Problem) -> float:
    if not lines.applies(p.window, p.c, p.size, p.output, p.itemsize):
        return math.inf
    chunks = _chunks(p, p.positions * p.depth)
    product = _product(p, math.prod(p.output), p.n, p.f, p.depth)
    return _copied_in_lines(p) + _cost(call=1, chunk=chunks, multiplication=product, matrix=p.n)


def _copied_in_lines(p: Problem) -> float:
    gathered = p.positions * p.depth
    k, d, (before, _) = p.window.kernel[1], p.window.dilation[1], p.window.padding[1]
    cleared = sum(abs(j * d - before) for j in range(k)) / k  # columns, of a row of one tap
    return _cost(
        copied_element=0.6 * gathered,  # in long runs
        copied_run=p.n * p.depth,
        scattered_element=gathered / p.size[1] * cleared / 2,
    )


# -- the gradient of the input -------------------------------------------------------------------


def turned(p: Problem) -> Problem | None:
    """The convolution with stride 1 that carries dy back; None if there is none."""
    w = p.window
    padding = tuple(
        (e - 1 - before, n - o + before)
        for n, o, e, (before, _) in zip(p.size, p.output, w.extent, w.padding, strict=True)
    )
    if any(s != 1 for s in w.stride) or any(q < 0 for both in padding for q in both):
        return None
    return Problem(p.n, p.f, p.c, p.output, p.size, w._replace(padding=padding), p.dtype)


def _turned(p: Problem) -> float:
    forward = turned(p)
    return math.inf if forward is None else min(estimates("forward", forward).values())


def _phases(p: Problem) -> float:
    if all(s == 1 for s in p.window.stride) or any(d > 1 for d in p.window.dilation):
        return math.inf
    phases = math.prod(p.window.stride)
    gathered = p.positions * p.f * math.prod(p.window.kernel)
    return _cost(
        call=2 * phases,
        chunk=phases,
        copied_element=gathered,
        copied_run=gathered / p.output[-1],
        multiplication=p.itemsize / 4 * p.positions * p.f * p.depth,
        matrix=p.n * p.output[0] * phases,
        scattered_element=p.elements,
    )


def _columns(p: Problem) -> float:
    columns = p.positions * p.depth
    return _cost(
        call=1,
        chunk=_chunks(p, columns),
        multiplication=_product(p, math.prod(p.output), p.n, p.f, p.depth),
        added_element=columns * (1 if p.window.stride[-1] == 1 else 3),
        copied_run=3 * columns / p.output[-1],
        copied_element=2 * p.elements,
        matrix=p.n,
    )


def _added_rows(p: Problem) -> float:
    columns = p.positions * p.depth
    return _cost(
        call=1,
        chunk=_chunks(p, columns),
        scattered_element=p.f * p.depth,
        turned_element=2 * p.elements,
        multiplication=_product(p, p.depth, p.positions, p.f),
        added_element=1.5 * columns,
        copied_run=3 * columns / p.c,
    )


# -- the gradient of the weight ------------------------------------------------------------------


def _small_weight(p: Problem) -> float:
    return _small(p) + _cost(added_element=p.n * p.f * p.depth if p.n > 1 else 0)


def _winograd_weight(p: Problem) -> float:
    if not _by_winograd(p):
        return math.inf
    spread, points = winograd.spread(p.n, p.output, p.window), winograd.POINTS_OF_TILE
    chunks = _chunks(p, spread * max(p.c, p.f) / 2)
    return _cost(
        call=1,
        chunk=chunks,
        **_transforms(p, spread * (p.c + p.f)),
        added_element=(chunks + 1) * points * p.c * p.f,
        multiplication=_product(p, p.c, spread, p.f),
    )


def _weight_rows(p: Problem) -> float:
    gathered = _gathered_rows(p)
    chunks = _chunks(p, p.positions * p.depth)
    return gathered + _cost(
        copied_element=p.positions * p.f,
        added_element=chunks * p.f * p.depth,
        turned_element=p.f * p.depth,
        multiplication=_product(p, p.depth, p.positions, p.f),
    )


def _shifts(p: Problem) -> float:
    w, lines = p.window, math.prod(p.output[1:])
    rows = p.output[0] * w.kernel[0]
    if w.stride[0] == 1:
        rows = w.extent[0] + p.output[0] - 1
    gathered = 0 if w.is_plain() else p.n * rows * p.depth // w.kernel[0] * lines
    return _cost(
        call=1,
        chunk=_chunks(p, gathered),
        copied_element=gathered * (1 if w.stride[-1] == 1 else 3),
        copied_run=gathered / p.output[-1],
        multiplication=1.2 * _product(p, p.f, p.positions, p.depth),
        matrix=p.n * w.kernel[0],
        added_element=p.n * p.f * p.depth,
        scattered_element=p.f * p.depth,
    )


def _weight_lines(p: Problem) -> float:
    return 0.9 * _lines(p) + _cost(added_element=p.n * p.f * p.depth)


# -- the choice ----------------------------------------------------------------------------------

WAYS: dict[str, dict[str, Callable[[Problem], float]]] = {
    "forward": {
        "small": _small,
        "pointwise": _pointwise,
        "winograd": _winograd,
        "rows": _rows,
        "bands": _bands,
        "lines": _lines,
    },
    "input_grad": {
        "turned": _turned,
        "phases": _phases,
        "rows": _added_rows,
        "columns": _columns,
    },
    "weight_grad": {
        "small": _small_weight,
        "winograd": _winograd_weight,
        "rows": _weight_rows,
        "shifts": _shifts,
        "lines": _weight_lines,
    },
}

_winograd_allowed = True
_transforms_compiled = False
_forced: dict[str, str] = {}


def _by_winograd(p: Problem) -> bool:
    return _winograd_allowed and winograd.applies(p.window, p.dtype)


@functools.lru_cache(maxsize=1024)
def estimates(name: str, p: Problem) -> dict[str, float]:
    """Nanoseconds by way, for those ways of a pass that can be gone."""
    found = {way: cost(p) for way, cost in WAYS[name].items()}
    return {way: cost for way, cost in found.items() if math.isfinite(cost)}


@functools.lru_cache(maxsize=1024)
def _fastest(name: str, p: Problem, exact: bool) -> str:
    found = estimates(name, p)
    return min((way for way in found if not exact or way != "winograd"), key=found.__getitem__)


def chosen(name: str, p: Problem, exact: bool = False) -> str:
    """The way that a pass ("forward", "input_grad", "weight_grad") goes.

    Args:
        exact: a way by the definition, whose every result depends on its own windows alone.
    """
    way = _forced.get(name)
    if way is not None and way in estimates(name, p) and not (exact and way == "winograd"):
        return way
    return _fastest(name, p, exact)


def allow_winograd(allowed: bool) -> None:
    """Whether float32 convolutions may go by Winograd's minimal filtering, which rounds more."""
    global _winograd_allowed
    _winograd_allowed = bool(allowed)
    _forget()


def compile_transforms(compiled: bool) -> None:
    """Whether Winograd's transforms for kernels of 3 x 3 are those of compiled kernels."""
    global _transforms_compiled
    _transforms_compiled = bool(compiled)
    _forget()


def _forget() -> None:
    """What was chosen under other circumstances."""
    estimates.cache_clear()
    _fastest.cache_clear()


@contextlib.contextmanager
def forced(**ways: str) -> Iterator[None]:
    """Passes go the ways named, wherever they can: ``forced(forward="rows")``."""
    for name, way in ways.items():
        if way not in WAYS.get(name, {}):
            known = ", ".join(WAYS.get(name, WAYS))
            raise ValueError(f"forced: {name}={way!r} is not known; expected one of {known}")
    before = dict(_forced)
    _forced.update(ways)
    try:
        yield
    finally:
        _forced.clear()
        _forced.update(before)
