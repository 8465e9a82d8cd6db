"""Where in their planes the maxima of windows are: the geometry of taps, and reading and writing there.

A tap's number takes a byte where its place would take eight; places are made of numbers when they are
needed, a chunk at a time.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.kernels.chunks import CACHE, ranges, run, scratch
from penlight.kernels.windows import Size, Window

__all__ = [
    "adaptive_edges", "adaptive_max_places", "for_planes", "gather_at", "max_from", "scatter_at",
    "some_see_nothing", "tap_places",
]  # fmt: skip

_WORTH_THREADS = 1_000_000  # elements: about 0.6 ms
_CHUNK = 2 * CACHE  # bytes: in shorter calls, threads would mostly wait for the interpreter's lock


def for_planes(
    x: np.ndarray, task: Callable[[int, int], Any], per_plane: int, passes: int = 4
) -> None:
    """Call ``task(start, stop)`` for runs of planes that about fit the cache.

    Args:
        passes: over memory, which say how much work it is; one that fits no cache needs no chunks.
    """
    planes = len(x)
    share = planes * per_plane * passes > 4 * _WORTH_THREADS
    count = math.ceil(planes * per_plane * x.itemsize * passes / (4 * _CHUNK))
    if share:
        count = max(count + count % 2, 2)
    parts = ranges(planes, max(math.ceil(planes / max(count, 1)), 1))
    run(lambda i: task(*parts[i]), len(parts), share)


@functools.lru_cache(maxsize=64)
def some_see_nothing(window: Window, output: Size, size: Size) -> bool:
    """Whether a dilated window steps over a small plane altogether."""
    return not _seeing(window, output, size).all()


@functools.lru_cache(maxsize=64)
def _seeing(window: Window, output: Size, size: Size) -> np.ndarray:
    """Whether each window (*O) sees anything of the plane."""
    seeing: Any = True
    for axis, n in enumerate(size):
        k, s, d = window.kernel[axis], window.stride[axis], window.dilation[axis]
        seen = np.arange(output[axis])[:, None] * s - window.padding[axis][0] + np.arange(k) * d
        seeing = np.logical_and.outer(seeing, ((seen >= 0) & (seen < n)).any(axis=1))
    return np.asarray(seeing)


@functools.lru_cache(maxsize=64)
def _tap_offsets(window: Window, size: Size) -> np.ndarray:
    """How far each tap lies from the first one in a flattened plane."""
    offsets: Any = 0
    for k, d, pitch in zip(window.kernel, window.dilation, _pitches(size), strict=True):
        offsets = np.add.outer(offsets, np.arange(k) * (d * pitch))
    return np.asarray(offsets, np.int64).ravel()


@functools.lru_cache(maxsize=64)
def _starts(window: Window, output: Size, size: Size) -> np.ndarray:
    """Where each window's first tap lies in a flattened plane (negative in the padding)."""
    starts: Any = 0
    for o, s, (p, _), pitch in zip(
        output, window.stride, window.padding, _pitches(size), strict=True
    ):
        starts = np.add.outer(starts, (np.arange(o) * s - p) * pitch)
    return np.asarray(starts, np.int64)


def _pitches(size: Size) -> list[int]:
    return [math.prod(size[a + 1 :]) for a in range(len(size))]


def tap_places(taps: np.ndarray, window: Window, size: Size) -> np.ndarray:
    """Where in the flattened plane *size the taps of each window are, int64; 0 for those beside it."""
    output = taps.shape[2:]
    places = _tap_offsets(window, size)[taps] + _starts(window, output, size)
    if some_see_nothing(window, output, size):
        places *= _seeing(window, output, size)
    return places


def adaptive_edges(n: int, o: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each of o windows over n elements starts, and where it ends."""
    i = np.arange(o)
    return i * n // o, -(-(i + 1) * n // o)


def adaptive_max_places(x: np.ndarray, output: Size) -> np.ndarray:
    """The places of the maxima of adaptive windows, as :func:`max_pool` gives them."""
    size = x.shape[2:]
    places = np.empty((*x.shape[:2], *output), np.int64)
    edges = [adaptive_edges(n, o) for n, o in zip(size, output, strict=True)]
    plane = np.arange(math.prod(size)).reshape(size)
    for o in np.ndindex(*output):
        box: Any = (
            ...,
            *(slice(starts[i], ends[i]) for i, (starts, ends) in zip(o, edges, strict=True)),
        )
        cells = plane[box].ravel()
        seen = x[box].reshape(*x.shape[:2], cells.size)
        which = seen.argmax(axis=2)
        nans = seen != seen
        if nans.any():  # the last one counts
            last = nans.shape[2] - 1 - nans[:, :, ::-1].argmax(axis=2)
            which = np.where(nans.any(axis=2), last, which)
        places[(..., *o)] = cells[which]
    return places


def max_from(
    x: np.ndarray, starts: list[np.ndarray], kernel: Size
) -> tuple[np.ndarray, np.ndarray]:
    """The largest element of windows that start anywhere, and where in its flattened plane it is.

    The first of several equal ones counts, and the last NaN, as in PyTorch.

    Args:
        x: (N, C, *S).
        starts: where the windows start along each dimension of S, each (N, C, o). The windows of a plane
            are all combinations.

    Returns:
        y and its places (int64), (N, C, *O).
    """
    size, output = x.shape[2:], [start.shape[2] for start in starts]
    best = np.empty((*x.shape[:2], *output), x.dtype)
    places = np.empty(best.shape, np.int64)
    planes, ones, pitches = math.prod(x.shape[:2]), (1,) * len(size), _pitches(size)
    source, target, where = (a.reshape(planes, *a.shape[2:]) for a in (x, best, places))
    offsets = [sum(map(operator.mul, tap, pitches)) for tap in np.ndindex(*kernel)]

    def task(start: int, stop: int) -> None:
        n, y, place = stop - start, target[start:stop], where[start:stop]
        first: Any = 0
        for axis, (begin, pitch) in enumerate(zip(starts, pitches, strict=True)):
            part = begin.reshape(planes, -1)[start:stop] * pitch
            first = first + part.reshape(n, *ones[:axis], -1, *ones[axis + 1 :])
        values = source[start:stop].reshape(-1)
        flat = first + np.arange(n).reshape(n, *ones) * math.prod(size)
        y[...], place[...] = values.take(flat), first
        for offset in offsets[1:]:
            seen = values.take(flat + offset)
            larger = (seen > y) | (seen != seen)
            np.copyto(y, seen, where=larger)
            np.copyto(place, first + offset, where=larger)

    for_planes(where, task, math.prod(output), 4 * len(offsets))
    return best, places


def gather_at(x: np.ndarray, places: np.ndarray, window: Window | None = None) -> np.ndarray:
    """y[n, c, o] = x[n, c] flattened at places[n, c, o].

    Args:
        window: given, ``places`` are numbers of its taps, as :func:`max_pool` returns them.
    """
    if window is not None:
        places = tap_places(places, window, x.shape[2:])
    planes = math.prod(x.shape[:2])
    flat = x.reshape(planes, math.prod(x.shape[2:]))
    index = places.reshape(planes, math.prod(places.shape[2:]))
    return np.take_along_axis(flat, index, axis=1).reshape(places.shape)


def scatter_at(
    dy: np.ndarray,
    places: np.ndarray,
    size: Size,
    add: bool = True,
    window: Window | None = None,
) -> np.ndarray:
    """The transpose of :func:`gather_at`: dy added up at its places in zeros (N, C, *size).

    Args:
        add: False puts instead: of several at one place the last one stays.
        window: given, ``places`` are numbers of its taps, each of which lies in the plane.
    """
    dx = np.empty((*dy.shape[:2], *size), dy.dtype)
    planes, length = math.prod(dy.shape[:2]), math.prod(size)
    source = dy.reshape(planes, math.prod(dy.shape[2:]))
    index = places.reshape(source.shape)
    target = dx.reshape(planes, length)
    if window is not None:
        offsets = _tap_offsets(window, size)
        starts = _starts(window, dy.shape[2:], size).reshape(-1)
        apart = zip(window.stride, window.extent, strict=True)
        add = add and not all(s >= e for s, e in apart)  # else no two are at one place

    def task(start: int, stop: int) -> None:
        line, values = target[start:stop].reshape(-1), source[start:stop].reshape(-1)
        line.fill(0)
        flat = scratch("flat", (stop - start, source.shape[1]), np.int64)
        first = np.arange(0, (stop - start) * length, length)[:, None]
        if window is None:
            np.add(index[start:stop], first, out=flat)
        else:
            taps = scratch("taps", flat.shape, np.intp)
            np.copyto(taps, index[start:stop])
            np.take(offsets, taps, out=flat, mode="clip")
            flat += starts
            flat += first
        if add:
            np.add.at(line, flat.reshape(-1), values)
        else:
            line[flat.reshape(-1)] = values

    for_planes(target, task, length)
    return dx
