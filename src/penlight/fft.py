"""``penlight.fft``: discrete Fourier transforms, with gradients.

Of the factor 1/N, which a transform and its inverse share, ``norm`` says who has it: "backward" (the
default) the inverse, "forward" the transform, "ortho" each its square root.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from penlight._core.arguments import normalize_axis
from penlight.ops.complex import conj
from penlight.ops.fourier import FFT, IRFFT, RFFT
from penlight.ops.padding import ConstantPad
from penlight.ops.promotion import as_complex, floating
from penlight.ops.repeating import roll
from penlight.ops.splitting import narrow
from penlight.tensor.creation import finish, read_options
from penlight.tensor.out import accept_out
from penlight.tensor.tensor import Tensor

__all__ = [
    "fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "rfft2", "irfft2", "rfftn",
    "irfftn", "hfft", "ihfft", "fftfreq", "rfftfreq", "fftshift", "ifftshift", "hfft2", "ihfft2",
    "hfftn", "ihfftn",
]  # fmt: skip


# -- complex to complex ----------------------------------------------------------------------


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """y_k = sum_m x_m exp(-2 pi i k m / n) along ``dim``.

    Args:
        input: real or complex.
        n: length of the signal, which is cut or filled with zeros.

    Returns:
        Complex, with n values along ``dim``.

    Raises:
        RuntimeError: if ``n`` is not positive, ``norm`` not known, or the dtype float16.
    """
    return _complex("fft", input, n, dim, norm, forward=True)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fft`: x_m = 1/n sum_k y_k exp(2 pi i k m / n)."""
    return _complex("ifft", input, n, dim, norm, forward=False)


def fft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`fftn` over two dimensions."""
    return fftn(input, s, dim, norm)


def ifft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`ifftn` over two dimensions."""
    return ifftn(input, s, dim, norm)


def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`fft` along several dimensions, one after the other.

    Args:
        s: lengths of the signal in these dimensions; -1 leaves one as it is.
        dim: default: as many of the last as ``s`` has, or all.
    """
    return _complex_n("fftn", input, s, dim, norm, forward=True)


def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`fftn`."""
    return _complex_n("ifftn", input, s, dim, norm, forward=False)


# -- real to complex, and back -----------------------------------------------------------------


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """:func:`fft` of a real signal: the frequencies 0 to n/2, whose conjugates the others are."""
    return rfftn(input, None if n is None else (n,), (dim,), norm)


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`rfft`, real.

    Args:
        n: length of the output; default: even, 2 (m - 1) for m frequencies.
    """
    return irfftn(input, None if n is None else (n,), (dim,), norm)


def rfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`rfftn` over two dimensions."""
    return rfftn(input, s, dim, norm)


def irfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`irfftn` over two dimensions."""
    return irfftn(input, s, dim, norm)


def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`fftn` of a real signal; the last of the dimensions has the frequencies 0 to n/2."""
    if input.is_complex():
        raise RuntimeError(f"rfft: input must be real, but got {input.dtype}")
    x = _accepted("rfft", input)
    axes, sizes = _places("rfft", x, s, dim)
    if not axes:
        raise RuntimeError("rfft: at least one dimension must be transformed")
    x = _fitted("rfft", x, axes, sizes)
    factors = [_factor("rfft", norm, x.shape[a], forward=True) for a in axes]
    y: Tensor = RFFT.apply(x, axes[-1], factors[-1])
    return FFT.apply(y, axes[:-1], True, math.prod(factors[:-1])) if axes[:-1] else y


def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`rfftn`, real; ``s`` as there, of the output."""
    x = _complex_input("irfft", input)
    axes, sizes = _places("irfft", x, s, dim)
    if not axes:
        raise RuntimeError("irfft: at least one dimension must be transformed")
    last = axes[-1]
    n = sizes[-1] if s is not None and sizes[-1] != -1 else 2 * (x.shape[last] - 1)
    if n < 1:
        raise RuntimeError(f"irfft: Invalid number of data points ({n}) specified")
    x = _fitted("irfft", x, axes, (*sizes[:-1], n // 2 + 1))
    factors = [_factor("irfft", norm, x.shape[a], forward=False) for a in axes[:-1]]
    if factors:
        x = FFT.apply(x, axes[:-1], False, math.prod(factors))
    return IRFFT.apply(x, last, n, _factor("irfft", norm, n, forward=False))


def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real :func:`fft` of a signal with x_-m = conj(x_m), of which x_0 to x_n/2 are given."""
    return hfftn(input, None if n is None else (n,), (dim,), norm)


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of :func:`hfft`."""
    return ihfftn(input, None if n is None else (n,), (dim,), norm)


def hfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`hfftn` over two dimensions."""
    return hfftn(input, s, dim, norm)


def ihfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """:func:`ihfftn` over two dimensions."""
    return ihfftn(input, s, dim, norm)


def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """:func:`hfft` over several dimensions; the last of them is the one of which half is given."""
    return irfftn(conj(_complex_input("hfft", input)), s, dim, _other(norm))


def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """The inverse of :func:`hfftn`."""
    return conj(rfftn(input, s, dim, _other(norm)))


# -- frequencies and their order ---------------------------------------------------------------


def fftfreq(n: int, d: float = 1.0, **options: Any) -> Tensor:
    """The frequencies of :func:`fft` in cycles per unit: [0, 1, ..., -2, -1] / (d n).

    Args:
        n: how many.
        d: the time between two samples.
        options: ``dtype``, ``device``, ``requires_grad`` ..., as of other creation functions.
    """
    return _frequencies("fftfreq", np.fft.fftfreq, n, d, options)


def rfftfreq(n: int, d: float = 1.0, **options: Any) -> Tensor:
    """The frequencies of :func:`rfft`: [0, 1, ..., n/2] / (d n)."""
    return _frequencies("rfftfreq", np.fft.rfftfreq, n, d, options)


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Frequency 0 in the middle, along ``dim`` (default: all dimensions)."""
    axes = _shift_axes(input, dim)
    return roll(input, [input.shape[a] // 2 for a in axes], axes) if axes else input.clone()


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The inverse of :func:`fftshift`."""
    axes = _shift_axes(input, dim)
    return roll(input, [-(input.shape[a] // 2) for a in axes], axes) if axes else input.clone()


# -- what they share -----------------------------------------------------------------------------


def _complex(
    name: str, input: Tensor, n: int | None, dim: int, norm: str | None, forward: bool
) -> Tensor:
    return _complex_n(name, input, None if n is None else (n,), (dim,), norm, forward)


def _complex_n(
    name: str, input: Tensor, s: Any, dim: Any, norm: str | None, forward: bool
) -> Tensor:
    x = _complex_input(name, input)
    axes, sizes = _places(name, x, s, dim)
    x = _fitted(name, x, axes, sizes)
    factor = math.prod(_factor(name, norm, x.shape[a], forward) for a in axes)
    return FFT.apply(x, axes, forward, factor)


def _accepted(name: str, input: Tensor) -> Tensor:
    """Floating: integers become the default dtype."""
    x: Tensor = floating(input)
    if x._array.dtype == np.float16:
        raise RuntimeError(f"{name}: Unsupported dtype {x.dtype}; convert with .float()")
    return x


def _complex_input(name: str, input: Tensor) -> Tensor:
    x: Tensor = as_complex(_accepted(name, input))
    return x


def _places(name: str, x: Tensor, s: Any, dim: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes to transform and the lengths there (-1: as it is)."""
    sizes = None if s is None else (s,) if isinstance(s, int) else tuple(s)
    dims = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if dims is None:
        count = x.ndim if sizes is None else len(sizes)
        if count > x.ndim:
            raise RuntimeError(
                f"{name}: Got shape with {count} values but input tensor only has {x.ndim} dimensions."
            )
        dims = tuple(range(x.ndim - count, x.ndim))
    if dims and not x.ndim:
        raise IndexError(f"{name}: dim {dims[0]} given, but the input has no dimensions")
    axes = tuple(normalize_axis(d, x.ndim) for d in dims)
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"{name}: FFT dims must be unique, got {dims}")
    if sizes is None:
        sizes = (-1,) * len(axes)
    if len(sizes) != len(axes):
        raise RuntimeError(
            f"{name}: When given, dim and shape arguments must have the same length; got {dims} and "
            f"{sizes}"
        )
    return axes, sizes


def _fitted(name: str, x: Tensor, axes: tuple[int, ...], sizes: tuple[int, ...]) -> Tensor:
    """Cut, or with zeros behind, so that it has these sizes."""
    for axis, size in zip(axes, sizes, strict=True):
        present = x.shape[axis]
        n = present if size == -1 else size
        if n < 1:
            raise RuntimeError(f"{name}: Invalid number of data points ({n}) specified")
        if n < present:
            x = narrow(x, axis, 0, n)
        elif n > present:
            rest = ((0, 0),) * (x.ndim - axis - 1)
            x = ConstantPad.apply(x, ((0, n - present), *rest), 0)
    return x


def _factor(name: str, norm: str | None, n: int, forward: bool) -> float:
    """What the sums over n values are multiplied with."""
    if norm not in (None, "backward", "forward", "ortho"):
        raise RuntimeError(
            f"{name}: Invalid normalization mode: {norm!r}; use 'backward', 'forward' or 'ortho'"
        )
    if norm == "ortho":
        return 1 / math.sqrt(n)
    return 1 / n if forward == (norm == "forward") else 1.0


def _other(norm: str | None) -> str | None:
    """The mode with the factor on the other side."""
    return {None: "forward", "backward": "forward", "forward": "backward"}.get(norm, norm)


def _shift_axes(input: Tensor, dim: Any) -> tuple[int, ...]:
    dims = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    return tuple(normalize_axis(d, input.ndim) for d in dims)


def _frequencies(name: str, make: Any, n: int, d: float, options: dict[str, Any]) -> Tensor:
    dtype, device, grad, layout = read_options(name, options)
    if n < 0:
        raise RuntimeError(f"{name}: n must not be negative, got {n}")
    values = make(n, d) if n else np.empty(0)
    return finish(values.astype(dtype), device, grad, layout)


accept_out(globals(), " ".join(n for n in __all__ if not n.endswith("shift")))
