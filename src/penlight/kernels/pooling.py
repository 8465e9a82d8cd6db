"""Pooling: sums and maxima over sliding windows, without an index but where one is asked for.

A window is taken apart into its dimensions: first the maximum along its rows, then that of the rows.
Memory is seen as one line of numbers, in which a tap is the same line further on. So each step is one
pass over contiguous memory, at every position, also where no window starts or a line would wrap
around; those results are dropped at the end, when the windows' own are picked out. That does up to
s^2 times too much, and is still several times faster than striding.

Source: van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal
kernels", 1992, for the separation.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from penlight.kernels.chunks import scratch
from penlight.kernels.pooling_places import for_planes, some_see_nothing
from penlight.kernels.windows import Size, Window, inside, strided

__all__ = ["max_pool", "spread_windows", "sum_pool", "window_counts"]

_REGISTER = 16  # numbers
_SMALL = 1 << 14  # elements up to which nothing but the number of calls counts


class _Step(NamedTuple):
    """A window's taps along one dimension."""

    taps: int
    distance: int  # between neighbours, along the line
    weight: int  # what one more tap adds to a tap's number in the whole window


class _Lines:
    """Planes, padded, as one line of numbers each; and a window's taps as distances along it."""

    def __init__(self, size: Size, window: Window, output: Size) -> None:
        reach = zip(output, window.stride, window.extent, strict=True)
        needed = [(o - 1) * s + e for o, s, e in reach]
        before = [p for p, _ in window.padding]
        self.shape = tuple(max(n + p, r) for n, p, r in zip(size, before, needed, strict=True))
        self.padded = any(before) or self.shape != size
        self.are_plain = not self.padded and min(window.kernel) > 1
        self.inside = inside(size, window.padding)
        self.pitch = [math.prod(self.shape[a + 1 :]) for a in range(len(size))]
        self.length = math.prod(self.shape)
        self.window, self.output = window, output
        self.steps = self._steps()

    def _steps(self) -> list[_Step]:
        """One step for each dimension with several taps, the last dimension first."""
        weights = [math.prod(self.window.kernel[a + 1 :]) for a in range(len(self.pitch))]
        steps = zip(self.window.kernel, self.window.dilation, self.pitch, weights, strict=True)
        return [_Step(k, d * p, weight) for k, d, p, weight in steps if k > 1][::-1]

    def line(self, x: np.ndarray, value: Any) -> np.ndarray:
        """Planes (n, *S) as one line (n * length,)."""
        if not self.padded:
            return x.reshape(-1)
        padded = scratch("padded", (len(x), *self.shape), x.dtype)
        padded.fill(value)
        padded[self.inside] = x
        return padded.reshape(-1)

    def picked(self, line: np.ndarray, planes: int) -> np.ndarray:
        """What stands where the windows start, (n, *O), a view."""
        strides = [p * s for p, s in zip(self.pitch, self.window.stride, strict=True)]
        return strided(
            line,
            (planes, *self.output),
            tuple(n * line.itemsize for n in (self.length, *strides)),
        )


@functools.lru_cache(maxsize=64)
def _lines(size: Size, window: Window, output: Size) -> _Lines:
    return _Lines(size, window, output)


def sum_pool(x: np.ndarray, window: Window, output: Size, divisor: Any) -> np.ndarray:
    """y = the sum over each window, over ``divisor`` (a number, or an array (*O)).

    Args:
        x: (N, C, *S).

    Returns:
        y, (N, C, *O).
    """
    if x.dtype == np.float16:  # sums need more digits
        return sum_pool(x.astype(np.float32), window, output, divisor).astype(np.float16)
    y = np.empty((*x.shape[:2], *output), x.dtype)
    if math.prod(output) == 1 and _sees_all(window, x.shape[2:]):
        ones = np.ones(math.prod(window.kernel), x.dtype)
        rows, sums = x.reshape(-1, ones.size), y.reshape(-1)
        if x.size <= _SMALL // 2:  # a larger product OpenBLAS shares out
            np.dot(rows, ones, out=sums)
        else:
            for_planes(rows, lambda i, j: np.matmul(rows[i:j], ones, out=sums[i:j]), ones.size, 1)
        return np.divide(y, divisor, out=y)
    lines = _lines(x.shape[2:], window, output)
    source, target = _planes(x), _planes(y)

    def task(start: int, stop: int) -> None:
        total = _sliding_sum(lines, lines.line(source[start:stop], 0))
        np.divide(lines.picked(total, stop - start), divisor, out=target[start:stop])

    for_planes(source, task, lines.length)
    return y


def spread_windows(dy: np.ndarray, size: Size, window: Window, divisor: Any) -> np.ndarray:
    """The transpose of :func:`sum_pool`: dx = the sum of dy / divisor over the windows that see it."""
    if dy.dtype == np.float16:
        return spread_windows(dy.astype(np.float32), size, window, divisor).astype(np.float16)
    output = dy.shape[2:]
    dx = np.empty((*dy.shape[:2], *size), dy.dtype)
    if math.prod(output) == 1 and _sees_all(window, size):
        runs, means = dx.reshape(-1, math.prod(size)), (dy / divisor).reshape(-1, 1)
        for_planes(runs, lambda i, j: np.copyto(runs[i:j], means[i:j]), runs.shape[1], 1)
        return dx
    lines = _lines(size, window, output)
    source, target = _planes(dy), _planes(dx)

    def task(start: int, stop: int) -> None:
        n = stop - start
        reach = sum((step.taps - 1) * step.distance for step in lines.steps)
        line = scratch("padded", (reach + n * lines.length,), dy.dtype)
        line.fill(0)  # the start stays zero: what no window reaches
        np.divide(source[start:stop], divisor, out=lines.picked(line[reach:], n))
        if not lines.padded:
            _sliding_sum(lines, line, target[start:stop].reshape(-1))
            return
        total = _sliding_sum(lines, line).reshape(n, *lines.shape)
        np.copyto(target[start:stop], total[lines.inside])

    for_planes(target, task, lines.length)
    return dx


def window_counts(window: Window, size: Size, output: Size, include_pad: bool) -> Any:
    """How many elements each window's mean is over: a number, or an array (*O) where they differ.

    Padding counts if ``include_pad``, but never what a last window sees beyond it.
    """
    counts: Any = 1
    for n, k, s, (p, _), o in zip(
        size, window.kernel, window.stride, window.padding, output, strict=True
    ):
        start = np.arange(o) * s - p
        stop = np.minimum(start + k, n + p)
        if not include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, n)
        counts = np.multiply.outer(counts, stop - start)
    return int(counts.flat[0]) if (counts == counts.flat[0]).all() else counts


def _sees_all(window: Window, size: Size) -> bool:
    """Whether the only window is the whole plane."""
    return (
        window.kernel == size and not any(map(any, window.padding)) and set(window.dilation) == {1}
    )


def _sliding_sum(lines: _Lines, line: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """At every position the sum of the line over the window's taps; the last step writes ``out``."""
    for number, (k, distance, _) in enumerate(lines.steps):
        rest = line.size - (k - 1) * distance
        if out is not None and number == len(lines.steps) - 1:
            total = out
        else:
            total = scratch(f"line{number % 2}", (rest,), line.dtype)
        np.add(line[:rest], line[distance : distance + rest], out=total)
        for i in range(2, k):
            np.add(total, line[i * distance : i * distance + rest], out=total)
        line = total
    if out is not None and not lines.steps:
        np.copyto(out, line)
    return line


def max_pool(
    x: np.ndarray, window: Window, output: Size, want_taps: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """y = the largest element of each window (NaN if there is one), and which of its taps that is.

    The first of several equal ones counts, and the last NaN, as in PyTorch. A window whose taps all
    miss the plane (see :func:`some_see_nothing`) gives -inf.

    Args:
        x: (N, C, *S).

    Returns:
        y, (N, C, *O), and the taps' numbers in the flattened kernel, small unsigned integers, or None.
    """
    lines = _lines(x.shape[2:], window, output)
    if x.size <= _SMALL and not want_taps and lines.are_plain and x.flags.c_contiguous:
        return _small_max(x, window, output), None
    y = np.empty((*x.shape[:2], *output), x.dtype)
    taps = np.empty(y.shape, _number(window)) if want_taps else None
    source, target = _planes(x), _planes(y)
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    seen = math.prod(window.kernel)
    if _sees_all(window, x.shape[2:]) and math.prod(output) == 1 and seen >= _REGISTER:
        _max_of_planes(x, y, taps, window, lowest)
        return y, taps

    def task(start: int, stop: int) -> None:
        n = stop - start
        line = lines.line(source[start:stop], lowest)
        best, tap = _sliding_max(lines, line, want_taps)
        part = target[start:stop]
        np.copyto(part, lines.picked(best, n))
        if taps is not None and tap is not None:
            found = _planes(taps)[start:stop]
            np.copyto(found, lines.picked(tap, n))
            _mend(source[start:stop], part, found, window, lowest)

    for_planes(source, task, lines.length)
    return y, taps


def _max_of_planes(x: np.ndarray, y: np.ndarray, taps: Any, window: Window, lowest: Any) -> None:
    """One maximum for each plane: ``argmax`` is fast along rows that fill whole registers."""
    source, target = _planes(x), _planes(y)
    k = math.prod(window.kernel)
    width = -(-k // _REGISTER) * _REGISTER

    def task(start: int, stop: int) -> None:
        rows = source[start:stop].reshape(-1, k)
        if width > k:
            wide = scratch("padded", (len(rows), width), x.dtype)
            wide[:, :k], wide[:, k:] = rows, lowest
            rows = wide
        which = rows.argmax(axis=1)
        part = target[start:stop]
        part.reshape(-1)[:] = rows[np.arange(len(rows)), which]
        if taps is not None:
            found = _planes(taps)[start:stop]
            found.reshape(-1)[:] = which
            _mend(source[start:stop], part, found, window, lowest)

    for_planes(source, task, width, 2)


def _small_max(x: np.ndarray, window: Window, output: Size) -> np.ndarray:
    """The maximum over slices, one dimension after the other: few calls, though short runs."""
    sizes = zip(window.kernel, window.stride, window.dilation, output, strict=True)
    for axis, (k, s, d, o) in enumerate(sizes):
        before, span = (slice(None),) * (2 + axis), (o - 1) * s + 1
        parts = [x[(*before, slice(t * d, t * d + span, s))] for t in range(k)]
        x = np.maximum(parts[0], parts[1])
        for part in parts[2:]:
            np.maximum(x, part, out=x)
    return x


def _number(window: Window) -> np.dtype[Any]:
    """The smallest type that counts a window's taps."""
    return np.dtype(np.min_scalar_type(math.prod(window.kernel) - 1))


def _sliding_max(
    lines: _Lines, line: np.ndarray, want_taps: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """At every position the maximum over the window's taps, and the number of the first tap with it.

    Taps count as they lie in memory, so a later one has the larger number: of the candidates that
    were larger than all before them, the maximum keeps the last.
    """
    number = _number(lines.window)
    taps: np.ndarray | None = None
    for turn, (k, distance, weight) in enumerate(lines.steps):
        rest = line.size - (k - 1) * distance
        best, base = scratch(f"line{turn % 2}", (rest,), line.dtype), line[:rest]
        before = taps
        for i in range(1, k):
            further = slice(i * distance, i * distance + rest)
            if want_taps:
                larger = scratch("larger", (rest,), np.bool_)
                np.greater(line[further], base, out=larger)
                known = taps if i > 1 else None if before is None else before[:rest]
                name = f"taps{turn % 2}" if known is None else "candidate"
                candidate = scratch(name, (rest,), number)
                if before is None:
                    np.multiply(larger.view(np.uint8), number.type(i * weight), out=candidate)
                else:
                    np.add(before[further], number.type(i * weight), out=candidate)
                    np.multiply(candidate, larger.view(np.uint8), out=candidate)
                if known is None:
                    taps = candidate
                else:
                    taps = scratch(f"taps{turn % 2}", (rest,), number)
                    np.maximum(known, candidate, out=taps)
            np.maximum(base, line[further], out=best)
            base = best
        line = best
    if want_taps and taps is None:
        taps = np.zeros(line.size, number)
    return line, taps


def _mend(x: np.ndarray, y: np.ndarray, taps: np.ndarray, window: Window, lowest: Any) -> None:
    """Put right the taps of windows with NaN, and of those that see nothing above the padding."""
    padded = any(map(any, window.padding)) or some_see_nothing(window, y.shape[1:], x.shape[1:])
    odd = np.zeros(y.shape, bool)
    if y.dtype.kind == "f" and y.size and np.isnan(np.max(y)):
        odd |= y != y
    if padded and y.size and not np.min(y) > lowest:
        odd |= y == lowest
    if not odd.any():
        return
    plane, *o = np.nonzero(odd)
    valid, at = np.ones((len(plane), taps.size and math.prod(window.kernel)), bool), []
    for a, tap in enumerate(np.indices(window.kernel).reshape(len(o), -1)):
        start = o[a] * window.stride[a] - window.padding[a][0]
        place = start[:, None] + window.dilation[a] * tap
        valid &= (place >= 0) & (place < x.shape[1 + a])
        at.append(np.clip(place, 0, x.shape[1 + a] - 1))
    seen = np.where(valid, x[plane[:, None], *at], lowest)  # (windows, taps)
    nans = seen != seen
    best = np.fmax.reduce(seen, axis=1)
    which = np.argmax(valid & (seen == best[:, None]), axis=1)
    last_nan = seen.shape[1] - 1 - np.argmax(nans[:, ::-1], axis=1)
    taps[odd] = np.where(nans.any(axis=1), last_nan, which)


def _planes(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) as (N C, ...)."""
    return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])
