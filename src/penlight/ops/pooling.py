"""Pooling over windows: means (sums over a divisor) and maxima.

Both pick from their input by a linear map that is fixed once the data are known: the gradient goes
through its transpose, whose gradient goes through the map itself. So the ops come in pairs.

Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", 1998, for
subsampling by means; Ranzato et al., "Unsupervised Learning of Invariant Feature Hierarchies", 2007,
for maxima; Graham, "Fractional Max-Pooling", 2014, for irregular steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.op import Op
from penlight.kernels import pooling, pooling_places
from penlight.kernels.windows import Size, Window
from penlight.ops.indexing import getitem
from penlight.ops.reduction import sum
from penlight.ops.selection import where
from penlight.ops.shape import movedim

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = [
    "AdaptiveMaxPool", "FractionalMaxPool", "MaxPool", "PickAt", "PutAt", "SpreadWindows", "SumPool",
    "ragged_mean",
]  # fmt: skip


class SumPool(Op):
    """y[o] = (1 / divisor[o]) times the sum of x over window o; dx = dy / divisor, spread back.

    x is (N, C, *S), y (N, C, *O), the divisor a number or an array (*O).
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, window: Window, output: Size, divisor: Any) -> Any:
        ctx.size, ctx.window, ctx.output, ctx.divisor = x.shape[2:], window, output, divisor
        return pooling.sum_pool(x, window, output, divisor)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return SpreadWindows.apply(dy, ctx.size, ctx.window, ctx.divisor)


class SpreadWindows(Op):
    """y[i] = the sum of x[o] / divisor[o] over all windows o that see i; dx = dy summed and divided.

    x is (N, C, *O), y (N, C, *size): the transpose of :class:`SumPool`.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, size: Size, window: Window, divisor: Any) -> Any:
        ctx.window, ctx.output, ctx.divisor = window, x.shape[2:], divisor
        return pooling.spread_windows(x, size, window, divisor)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return SumPool.apply(dy, ctx.window, ctx.output, ctx.divisor)


class MaxPool(Op):
    """y[o] = the largest x in window o, at place a[o] of the plane; dx = dy added up at a.

    Returns y (N, C, *O), and a (int64, indices into the flattened *S) if it is asked for. Kept is the
    number of a window's tap, which takes a byte.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, window: Window, output: Size, return_indices: bool) -> Any:
        ctx.size, ctx.window = x.shape[2:], window
        need = return_indices or ctx.edges[0] is not None
        y, taps = pooling.max_pool(x, window, output, need)
        if not need:
            return y
        blind = pooling_places.some_see_nothing(window, output, ctx.size)
        if not return_indices and not blind:
            ctx.save(taps, None)
            return y
        ctx.window = None
        assert taps is not None
        places = pooling_places.tap_places(taps, window, ctx.size)
        ctx.save(places, y != -np.inf if blind else None)
        return (y, places) if return_indices else y

    @staticmethod
    def backward(ctx: Any, dy: Any, *unused: Any) -> Any:
        places, seeing = ctx.saved
        dy = dy if seeing is None else np.where(seeing, dy, 0)
        return PutAt.apply(dy, places, ctx.size, True, ctx.window)


class AdaptiveMaxPool(Op):
    """As :class:`MaxPool`, over windows that divide each dimension as evenly as whole numbers can.

    Window i of o over n elements runs from floor(i n / o) up to ceil((i + 1) n / o).
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, output: Size) -> Any:
        ctx.size, ctx.window = x.shape[2:], None
        places = pooling_places.adaptive_max_places(x, output)
        ctx.save(places, None)
        return pooling_places.gather_at(x, places), places

    backward = staticmethod(MaxPool.backward)


class FractionalMaxPool(Op):
    """As :class:`MaxPool`, over windows of k elements that start at irregular steps.

    With a = (n - k) / (o - 1) and u in [0, 1) drawn for each plane and dimension, window i starts at
    floor((i + u) a) - floor(u a), and the last one at n - k: steps are floor(a) or ceil(a).

    u is (N, C, n), for the dimensions of x (N, C, *S) in turn.
    """

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, kernel: Size, output: Size, u: np.ndarray) -> Any:
        ctx.size, ctx.window = x.shape[2:], None
        starts = []
        for axis, (n, k, o) in enumerate(zip(ctx.size, kernel, output, strict=True)):
            start = np.full((*x.shape[:2], o), n - k)
            if o > 1:
                a, shift = u.dtype.type(n - k) / u.dtype.type(o - 1), u[..., axis, None]
                i = np.arange(o - 1).astype(u.dtype)
                start[..., :-1] = ((i + shift) * a).astype(int) - (shift * a).astype(int)
            starts.append(start)
        y, places = pooling_places.max_from(x, starts, kernel)
        ctx.save(places, None)
        return y, places

    backward = staticmethod(MaxPool.backward)


class PutAt(Op):
    """y = zeros (N, C, *size) with x added (or put, if not ``add``) at its places; dx = dy there.

    The places are indices into the flattened *size, or with a window the numbers of its taps.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: np.ndarray,
        places: np.ndarray,
        size: Size,
        add: bool,
        window: Window | None = None,
    ) -> Any:
        ctx.save(places)
        ctx.window = window
        return pooling_places.scatter_at(x, places, size, add, window)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (places,) = ctx.saved
        return PickAt.apply(dy, places, ctx.window)


class PickAt(Op):
    """y[n, c, o] = x[n, c] flattened at places[n, c, o]; dx = dy added up at its places."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, places: np.ndarray, window: Window | None = None) -> Any:
        ctx.size, ctx.window = x.shape[2:], window
        ctx.save(places)
        return pooling_places.gather_at(x, places, window)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (places,) = ctx.saved
        return PutAt.apply(dy, places, ctx.size, True, ctx.window)


def ragged_mean(input: Tensor, axis: int, size: int) -> Tensor:
    """Means along one dimension over adaptive windows; they have two lengths, the shorter is masked."""
    n = input._array.shape[axis]
    start, stop = pooling_places.adaptive_edges(n, size)
    longest = int((stop - start).max()) if size else 1
    index = start[:, None] + np.arange(longest)  # (size, longest)
    places, inside, length = (
        wrap(TensorBase._result_type, a)
        for a in (
            np.minimum(index, n - 1),
            index < stop[:, None],
            (stop - start).astype(input._array.dtype),
        )
    )
    windows = getitem(movedim(input, axis, -1), (..., places))
    return movedim(sum(where(inside, windows, 0), -1) / length, -1, axis)
