"""Convolution and its two gradients, as chunks of matrix products, in two or more spatial dimensions.

With x (N, C, *S), w (F, C/G, *K), y and dy (N, F, *O), all three are one product once the windows of x
are gathered as columns X (C *K, *O) of each image:

    y = W X + b        dX = W^T dy, then every column is added back where it came from
    dW = dy X^T

Only a cache-sized chunk of X ever exists; ``im2col`` has its layouts. One-dimensional data come with a
dimension of size one put in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from penlight.kernels.chunks import run, scratch
from penlight.kernels.im2col import Bands, Chunk, Rows, Shifts, chunks, split_axis
from penlight.kernels.windows import Size, Window, inside, taps

__all__ = ["forward", "input_grad", "weight_grad"]


def forward(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, window: Window, groups: int = 1
) -> np.ndarray:
    """y[n, f, o] = b[f] + sum over c, k of w[f, c, k] x[n, c, o s + k d - p].

    Args:
        x: (N, C, *S). w: (F, C / groups, *K). b: (F,) or None.

    Returns:
        y, (N, F, *O).
    """
    if x.ndim == 3:
        return forward(x[:, :, None], w[:, :, None], b, window.below_one(), groups)[:, :, 0]
    x, window = _cropped(x, window)
    output = window.output_size(x.shape[2:])
    y = np.empty((len(x), len(w), *output), x.dtype)
    if not w.size:
        y[...] = 0 if b is None else _per_channel(b, y.ndim)
    elif y.size and window.is_plain() and (groups > 1 or math.prod(output) >= _FEW_POSITIONS):
        _pointwise(x, w, b, y, groups)
    elif y.size and _channels_last(x.shape[1], w, output, groups):
        _forward_rows(x, w, b, y, window)
    elif y.size:
        _forward_bands(x, w, b, y, window, groups)
    return y


def input_grad(
    dy: np.ndarray,
    w: np.ndarray,
    size: Size,
    window: Window,
    groups: int = 1,
    b: np.ndarray | None = None,
) -> np.ndarray:
    """dx[n, c, i] = b[c] + sum over f and all (o, k) with o s + k d - p = i of w[f, c, k] dy[n, f, o].

    With stride 1 that is a convolution of dy with w turned round. It is also the forward pass of a
    transposed convolution, with ``b`` its bias.

    Args:
        dy: (N, F, *O). w: (F, C / groups, *K). size: S. b: (C,) or None.

    Returns:
        dx, (N, C, *S).
    """
    if dy.ndim == 3:
        w, window, size = w[:, :, None], window.below_one(), (1, *size)
        return input_grad(dy[:, :, None], w, size, window, groups, b)[:, :, 0]
    n, f = dy.shape[:2]
    c = w.shape[1] * groups
    turned = _turned(window, size, dy.shape[2:])
    if turned is not None and dy.size and w.size and f <= 4 * c:
        kernel = tuple(range(2, w.ndim))
        flipped = np.flip(w, kernel).reshape(groups, f // groups, *w.shape[1:]).swapaxes(1, 2)
        return forward(dy, flipped.reshape(c, f // groups, *window.kernel), b, turned, groups)
    dx = np.empty((n, c, *size), dy.dtype)
    if not dy.size or not w.size:
        dx[...] = 0 if b is None else _per_channel(b, dx.ndim)
    elif _channels_last(c, w, dy.shape[2:], groups):
        _scatter_rows(dy, w, b, dx, window)
    else:
        _scatter_columns(dy, w, b, dx, window, groups)
    return dx


def weight_grad(x: np.ndarray, dy: np.ndarray, window: Window, groups: int = 1) -> np.ndarray:
    """dw[f, c, k] = sum over n, o of dy[n, f, o] x[n, c, o s + k d - p].

    Args:
        x: (N, C, *S). dy: (N, F, *O).

    Returns:
        dw, (F, C / groups, *K).
    """
    if x.ndim == 3:
        return weight_grad(x[:, :, None], dy[:, :, None], window.below_one(), groups)[:, :, 0]
    x, window = _cropped(x, window)
    dw = np.zeros((dy.shape[1], x.shape[1] // groups, *window.kernel), x.dtype)
    if not dy.size or not dw.size:
        return dw
    if _channels_last(x.shape[1], dw, dy.shape[2:], groups):
        return _weight_grad_rows(x, dy, dw.shape, window)
    return _weight_grad_shifts(x, dy, dw.shape, window, groups)


# -- which way ---------------------------------------------------------------------------------

_FEW_POSITIONS = 32  # fewer per image make products too small: images are joined instead
_SMALL_PRODUCT = 1_200_000  # multiplications up to which OpenBLAS does not copy its operands first
_WORTH_THREADS = 10_000_000  # multiplications: about 0.2 ms
_PARTIALS = 8  # sums kept apart in weight gradients, so that as many threads can work


def _channels_last(c: int, w: np.ndarray, output: Size, groups: int) -> bool:
    """Whether one product of long rows beats many small ones along the images' rows."""
    if groups > 1:
        return False
    if math.prod(output) < _FEW_POSITIONS:
        return True
    return len(w) >= 16 and w.size * min(math.prod(output[1:]), 32) > _SMALL_PRODUCT


def _cropped(x: np.ndarray, window: Window) -> tuple[np.ndarray, Window]:
    """x without what negative padding at the end takes away (a transposed convolution's output_padding)."""
    if all(q >= 0 for _, q in window.padding):
        return x, window
    kept = tuple(
        slice(n + min(q, 0)) for n, (_, q) in zip(x.shape[2:], window.padding, strict=True)
    )
    padding = tuple((p, max(q, 0)) for p, q in window.padding)
    return x[(..., *kept)], window._replace(padding=padding)


def _turned(window: Window, size: Size, output: Size) -> Window | None:
    """The window of the stride-1 convolution that carries dy back; None if there is none."""
    if any(s != 1 for s in window.stride):
        return None
    padding = tuple(
        (e - 1 - p, n - o + p)
        for n, o, e, (p, _) in zip(size, output, window.extent, window.padding, strict=True)
    )
    if any(p < 0 or q < 0 for p, q in padding):
        return None
    return Window(window.kernel, window.stride, padding, window.dilation)


def _is_much(y: np.ndarray, depth: int) -> bool:
    """Whether to work on y with ``depth`` multiplications per element in several threads."""
    return y.size * depth + 20 * y.size // y.shape[1] * depth > _WORTH_THREADS


def _per_channel(b: np.ndarray, ndim: int) -> np.ndarray:
    return b.reshape(-1, *(1,) * (ndim - 2))


def _outputs(y: np.ndarray, chunk: Chunk, groups: int) -> np.ndarray:
    """A chunk of y or dy as (n, G, F/G, positions), a view."""
    part = y.reshape(len(y), groups, y.shape[1] // groups, -1)
    inner = math.prod(y.shape[3 + split_axis(y.shape[2:]) :])
    return part[chunk.n0 : chunk.n1, :, :, chunk.h0 * inner : chunk.h1 * inner]


# -- y = W X + b -------------------------------------------------------------------------------


def _pointwise(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, groups: int
) -> None:
    """The windows are x itself."""
    n, c = x.shape[:2]
    weight = w.reshape(groups, -1, c // groups)
    source = x.reshape(n, groups, c // groups, -1)
    target = y.reshape(n, groups, len(w) // groups, -1)
    share = _is_much(y, c // groups)
    parts = chunks(n, (1, 1), x[:1].nbytes + y[:1].nbytes, share)

    def task(i: int) -> None:
        images = slice(parts[i].n0, parts[i].n1)
        part = target[images]
        np.matmul(weight, source[images], out=part)  # (G, F/G, C/G) (n, G, C/G, L)
        if b is not None:
            part += b.reshape(groups, -1, 1)

    run(task, len(parts), share)


def _forward_bands(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window, groups: int
) -> None:
    output = y.shape[2:]
    f = len(w) // groups
    weight = w.reshape(groups, f, w.shape[1], window.kernel[0], -1).swapaxes(2, 3)
    weight = weight.reshape(groups, f, window.kernel[0], -1)  # (G, F/G, K0, C/G *K1)
    if b is not None:  # one more tap, which always sees a one
        weight = np.concatenate([weight, np.zeros_like(weight[..., :1])], axis=3)
        weight[:, :, 0, -1] = b.reshape(groups, f)
    weight = weight.reshape(groups, 1, 1, f, -1)
    depth = weight.shape[-1]
    share = _is_much(y, depth)
    parts = chunks(len(x), output, w[0].size * groups // window.kernel[0] * x.itemsize, share)
    bands_of = Bands(x, window, output, groups, b is not None)

    def task(i: int) -> None:
        bands = bands_of(parts[i])  # (n, G, O0, D, l)
        tiles = _tiles(bands.shape[4], f * depth)
        bands = bands.reshape(*bands.shape[:4], tiles, -1).swapaxes(3, 4)
        part = _outputs(y, parts[i], groups)  # (n, G, F/G, L)
        part = part.reshape(*part.shape[:3], bands.shape[2], tiles, -1)
        # (G, 1, 1, F/G, D) (n, G, O0, t, D, l / t) -> (n, G, O0, t, F/G, l / t)
        np.matmul(weight, bands, out=part.transpose(0, 1, 3, 4, 2, 5))

    run(task, len(parts), share)


def _tiles(columns: int, products_per_column: int) -> int:
    """Into how many equal tiles to cut so many columns for small products, none too narrow."""
    tiles = 1
    while columns / tiles * products_per_column > _SMALL_PRODUCT and columns / tiles >= 32:
        tiles = next((t for t in range(tiles + 1, columns) if columns % t == 0), columns)
    return tiles


def _forward_rows(
    x: np.ndarray, w: np.ndarray, b: np.ndarray | None, y: np.ndarray, window: Window
) -> None:
    output = y.shape[2:]
    weight = np.ascontiguousarray(np.moveaxis(w, 1, -1).reshape(len(w), -1).T)  # (*K C, F)
    share = _is_much(y, len(weight))
    parts = chunks(len(x), output, len(weight) * x.itemsize, share)
    rows_of = Rows(x, window, output)

    def task(i: int) -> None:
        rows = rows_of(parts[i])
        product = scratch("product", (len(rows), len(w)), x.dtype)
        np.matmul(rows, weight, out=product)  # (n L, D) (D, F) -> (n L, F)
        part = _outputs(y, parts[i], 1)[:, 0]  # (n, F, L)
        product = product.reshape(len(part), -1, len(w)).swapaxes(1, 2)
        if b is None:
            np.copyto(part, product)
        else:
            np.add(product, b[:, None], out=part)

    run(task, len(parts), share)


# -- dX = W^T dy, added back -------------------------------------------------------------------


def _scatter(
    dy: np.ndarray,
    dx: np.ndarray,
    b: np.ndarray | None,
    window: Window,
    depth: int,
    last: bool,
    columns_of: Callable[[Chunk], np.ndarray],
) -> None:
    """dx = b + the columns that ``columns_of`` makes of each chunk of dy, added back.

    The columns are (n, *O, *K, C) if ``last``, else (n, C, *K, *O).
    """
    output, size = dy.shape[2:], dx.shape[2:]
    k, a = len(output), split_axis(output)
    reach = [(o - 1) * s + e for o, s, e in zip(output, window.stride, window.extent, strict=True)]
    shape = tuple(max(n + p, r) for n, (p, _), r in zip(size, window.padding, reach, strict=True))
    share = _is_much(dy, depth)
    parts = chunks(len(dy), output, depth * dy.itemsize, share)
    images = sorted({(chunk.n0, chunk.n1) for chunk in parts})
    rows = [(chunk.h0, chunk.h1) for chunk in parts if chunk.n0 == 0]

    def task(i: int) -> None:
        n0, n1 = images[i]
        c = dx.shape[1]
        total = scratch("block", (n1 - n0, *shape, c) if last else (n1 - n0, c, *shape), dy.dtype)
        total.fill(0)
        total = np.moveaxis(total, -1, 1) if last else total
        for h0, h1 in rows:
            columns = columns_of(Chunk(n0, n1, h0, h1))
            if last:
                columns = columns.transpose(
                    0, 1 + 2 * k, *range(1 + k, 1 + 2 * k), *range(1, 1 + k)
                )
            below = total[
                (slice(None), slice(None), *(slice(None),) * a, slice(h0 * window.stride[a], None))
            ]
            for tap, place in taps(window, (*output[:a], h1 - h0, *output[a + 1 :])):
                target = below[(slice(None), slice(None), *place)]
                target += columns[(slice(None), slice(None), *tap)]
        result = total[(..., *inside(size, window.padding))]
        if b is None:
            np.copyto(dx[n0:n1], result)
        else:
            np.add(result, _per_channel(b, dx.ndim), out=dx[n0:n1])

    run(task, len(images), share)


def _scatter_columns(
    dy: np.ndarray, w: np.ndarray, b: np.ndarray | None, dx: np.ndarray, window: Window, groups: int
) -> None:
    weight = w.reshape(groups, len(w) // groups, -1).swapaxes(1, 2)  # (G, C/G *K, F/G)
    depth = groups * weight.shape[1]

    def columns_of(chunk: Chunk) -> np.ndarray:
        part = _outputs(dy, chunk, groups)  # (n, G, F/G, L)
        columns = scratch("windows", (len(part), *weight.shape[:2], part.shape[3]), dy.dtype)
        np.matmul(weight, part, out=columns)  # (G, D, F/G) (n, G, F/G, L) -> (n, G, D, L)
        return columns.reshape(len(part), dx.shape[1], *window.kernel, *_part_of(dy, chunk))

    _scatter(dy, dx, b, window, depth, False, columns_of)


def _part_of(dy: np.ndarray, chunk: Chunk) -> Size:
    """The spatial shape of a chunk of dy."""
    output = dy.shape[2:]
    a = split_axis(output)
    return (*output[:a], chunk.h1 - chunk.h0, *output[a + 1 :])


def _scatter_rows(
    dy: np.ndarray, w: np.ndarray, b: np.ndarray | None, dx: np.ndarray, window: Window
) -> None:
    weight = np.moveaxis(w, 1, -1).reshape(len(w), -1)  # (F, *K C)

    def columns_of(chunk: Chunk) -> np.ndarray:
        part = _outputs(dy, chunk, 1)[:, 0].swapaxes(1, 2)  # (n, L, F)
        rows = scratch("windows", (*part.shape[:2], weight.shape[1]), dy.dtype)
        np.matmul(part, weight, out=rows)  # (n, L, F) (F, D) -> (n, L, D)
        return rows.reshape(len(part), *_part_of(dy, chunk), *window.kernel, dx.shape[1])

    _scatter(dy, dx, b, window, weight.shape[1], True, columns_of)


# -- dW = dy X^T -------------------------------------------------------------------------------


def _summed(
    parts: list[Chunk],
    shape: Size,
    dtype: np.dtype,
    share: bool,
    product: Callable[[Chunk, np.ndarray], None],
) -> np.ndarray:
    """The sum of what ``product`` writes for each chunk, in an order that the threads don't change."""
    count = min(_PARTIALS if share else 1, len(parts))
    sums = np.empty((count, *shape), dtype)

    def task(i: int) -> None:
        first, *others = parts[i * len(parts) // count : (i + 1) * len(parts) // count]
        product(first, sums[i])
        for chunk in others:
            term = scratch("term", shape, dtype)
            product(chunk, term)
            sums[i] += term

    run(task, count, share)
    return sums[0] if count == 1 else np.add.reduce(sums, axis=0)


def _weight_grad_shifts(
    x: np.ndarray, dy: np.ndarray, shape: Size, window: Window, groups: int
) -> np.ndarray:
    output = dy.shape[2:]
    f, c, k0 = shape[0] // groups, shape[1], window.kernel[0]
    depth = math.prod(shape[1:]) // k0
    share = _is_much(dy, depth * k0)
    parts = chunks(len(x), output, groups * depth * x.itemsize, share)
    shifts_of = Shifts(x, window, output, groups)
    wanted = (groups, k0, depth, f)

    def product(chunk: Chunk, out: np.ndarray) -> None:
        shifts = shifts_of(chunk)  # (n, G, K0, D, L)
        part = _outputs(dy, chunk, groups).swapaxes(2, 3)[:, :, None]  # (n, G, 1, L, F/G)
        each = scratch("product", (len(part), *wanted), x.dtype)
        np.matmul(shifts, part, out=each)  # -> (n, G, K0, D, F/G)
        np.add.reduce(each, axis=0, out=out)

    total = _summed(parts, wanted, x.dtype, share, product)
    total = total.reshape(groups, k0, c, *shape[3:], f)
    return np.ascontiguousarray(np.moveaxis(total, (-1, 2), (1, 2))).reshape(shape)


def _weight_grad_rows(x: np.ndarray, dy: np.ndarray, shape: Size, window: Window) -> np.ndarray:
    output = dy.shape[2:]
    depth = math.prod(shape[1:])
    share = _is_much(dy, depth)
    parts = chunks(len(x), output, depth * x.itemsize, share)
    rows_of = Rows(x, window, output)

    def product(chunk: Chunk, out: np.ndarray) -> None:
        rows = rows_of(chunk)
        part = _outputs(dy, chunk, 1)[:, 0].swapaxes(0, 1)  # (F, n, L)
        joined = scratch("dy", part.shape, x.dtype)
        np.copyto(joined, part)
        np.matmul(joined.reshape(len(part), -1), rows, out=out)  # (F, n L) (n L, D) -> (F, D)

    total = _summed(parts, (shape[0], depth), x.dtype, share, product)
    last = total.reshape(shape[0], *shape[2:], shape[1])
    return np.ascontiguousarray(np.moveaxis(last, -1, 1))
