"""Drawing random arrays, and filling tensors with random numbers in place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arrays import as_array
from penlight._core.random import Generator, numpy_generator
from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.inplace import apply_inplace
from penlight.autograd.op import Op

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["RandomMethods", "bernoulli", "draw", "integers", "multinomial", "stream"]


def stream(generator: Any) -> np.random.Generator:
    """The NumPy generator to draw from.

    Raises:
        TypeError: if ``generator`` is neither ``None`` nor a Generator.
    """
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"argument 'generator' must be a Generator, not {type(generator).__name__}")
    return numpy_generator(generator)


def draw(name: str, shape: tuple[int, ...], d: np.dtype[Any], generator: Any) -> np.ndarray:
    """``standard_normal``, ``standard_exponential`` or ``random`` (uniform) numbers in a floating
    or complex dtype, never by way of a wider one."""
    rng = stream(generator)
    if d in (np.float32, np.float64):
        return as_array(getattr(rng, name)(shape, d))
    if d == np.float16:
        if name == "random":  # a float32 just below 1 would round to 1
            return as_array(rng.integers(0, 2048, shape) / 2048).astype(d)
        return as_array(getattr(rng, name)(shape, np.float32)).astype(d)
    if d.kind != "c":
        raise NotImplementedError(f"random floating-point numbers: not implemented for {d}")
    part = np.dtype(np.float64 if d == np.complex128 else np.float32)
    parts = as_array(getattr(rng, name)((*shape, 2), part))
    if name == "standard_normal":
        parts *= math.sqrt(0.5)  # so that |z|^2 has mean 1
    return parts.view(d)[..., 0]


def integers(
    low: int, high: int, shape: tuple[int, ...], d: np.dtype[Any], generator: Any
) -> np.ndarray:
    """Uniform integers in [low, high) in any dtype that can hold them."""
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    if d.kind in "iub":
        least, most = (0, 1) if d.kind == "b" else (int(np.iinfo(d).min), int(np.iinfo(d).max))
        if low < least or high - 1 > most:
            raise RuntimeError(
                f"random integers from {low} to {high - 1} are out of bounds for dtype {d}"
            )
    return as_array(stream(generator).integers(low, high, shape)).astype(d, copy=False)


def draw_bernoulli(
    p: np.ndarray, shape: tuple[int, ...], d: np.dtype[Any], generator: Any
) -> np.ndarray:
    """1 with probability p, else 0."""
    if p.size and not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(f"bernoulli expects p to be in [0, 1], but got {p.min()} to {p.max()}")
    part = np.dtype(np.float64 if p.dtype == np.float64 else np.float32)
    return as_array(draw("random", shape, part, generator) < p).astype(d)


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with probability ``input`` (or ``p``), else 0, elementwise, in ``input``'s dtype.

    Raises:
        RuntimeError: for probabilities outside [0, 1].
    """
    x = input._array
    if p is None and x.dtype.kind != "f":
        raise NotImplementedError(f"bernoulli: not implemented for probabilities of {input.dtype}")
    chances = x if p is None else _numbers(p)
    return wrap(input._result_type, draw_bernoulli(chances, x.shape, x.dtype, generator))


def _numbers(value: Any) -> np.ndarray:
    """A parameter, number or tensor, as an array."""
    return np.asarray(value._array if isinstance(value, TensorBase) else value)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Indices drawn with probabilities proportional to ``input``, a row (or rows) of weights.

    Without replacement the winners of an exponential race are taken: index i arrives at time
    E_i / w_i with E_i exponential; the first ``num_samples`` arrivals are the sample.

    Raises:
        RuntimeError: for weights that are negative, not finite or all zero, or too few of them.

    Source: Efraimidis & Spirakis, "Weighted random sampling with a reservoir", 2006.
    """
    weights = input._array
    _check_weights(weights, num_samples, replacement)
    rows = np.atleast_2d(weights).astype(np.float64)
    rng = stream(generator)
    if replacement:
        index = _inverted(rows, rng.random((len(rows), num_samples)))
    else:
        arrivals = rng.standard_exponential(rows.shape) / rows
        index = np.argsort(arrivals, 1, kind="stable")[:, :num_samples].copy()
    return wrap(input._result_type, index if weights.ndim == 2 else index[0])


def _inverted(rows: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The category of each number in [0, 1): in which of the row's shares of that interval it lies.

    All rows' intervals stand end to end, so that one search serves them all.
    """
    ends = np.cumsum(rows, 1)
    ends /= ends[:, -1:]
    start = np.arange(len(rows))[:, None]
    index = np.searchsorted((ends + start).reshape(-1), u + start, "right") - start * rows.shape[1]
    if index.size and index.max() == rows.shape[1]:  # u + start was rounded up to the row's end
        last = rows.shape[1] - 1 - np.argmax(rows[:, ::-1] > 0, 1)
        index = np.minimum(index, last[:, None])
    return index


def _check_weights(weights: np.ndarray, n: int, replacement: bool) -> None:
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: input must be 1 or 2 dim, got {weights.ndim}")
    if weights.dtype.kind != "f":
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {weights.dtype}"
        )
    if n <= 0:
        raise RuntimeError(f"multinomial: cannot sample num_samples (={n}) <= 0 samples")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise RuntimeError("multinomial: input contains either `inf`, `nan` or element < 0")
    nonzero = np.count_nonzero(weights, -1)
    if not np.all(nonzero):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement and n > weights.shape[-1]:
        raise RuntimeError(
            f"multinomial: cannot sample num_samples (={n}) > {weights.shape[-1]} categories "
            "without replacement"
        )


class Drawn(Op):
    """y = fresh random numbers in x's place; dx = 0."""

    @staticmethod
    def forward(ctx: Any, x: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        return drawn

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy * 0


def _refill(x: Any, drawn: Any) -> Any:
    return apply_inplace(x, Drawn.apply, as_array(drawn).astype(x._array.dtype, copy=False))


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise RuntimeError(what)


class RandomMethods:
    """Filling in place; all take ``generator``."""

    __slots__ = ()

    bernoulli, multinomial = bernoulli, multinomial

    def normal_(self: Any, mean: float = 0, std: float = 1, *, generator: Any = None) -> Tensor:
        """Normal numbers of this mean and standard deviation."""
        _expect(std >= 0, f"normal_ expects std >= 0.0, but found std {std}")
        z = draw("standard_normal", self._array.shape, self._array.dtype, generator)
        if std != 1:
            z *= std
        if mean:
            z += mean
        return _refill(self, z)

    def uniform_(
        self: Any, from_: float = 0, to: float = 1, *, generator: Any = None, **bounds: float
    ) -> Tensor:
        """Uniform numbers in [from, to)."""
        low, high = bounds.pop("from", from_), to
        if bounds:
            raise TypeError(f"uniform_() got an unexpected keyword argument {next(iter(bounds))!r}")
        _expect(
            low <= high,
            f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}",
        )
        _expect(
            math.isfinite(high - low),
            f"uniform_: from={low} and to={high} are out of bounds for {self.dtype}",
        )
        u = draw("random", self._array.shape, self._array.dtype, generator)
        if high - low != 1:
            u *= high - low
        if low:
            u += low
        return _refill(self, u)

    def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Tensor:
        """1 with probability ``p``, a number or a tensor that broadcasts, else 0."""
        d, shape = self._array.dtype, self._array.shape
        return _refill(self, draw_bernoulli(_numbers(p), shape, d, generator))

    def exponential_(self: Any, lambd: float = 1, *, generator: Any = None) -> Tensor:
        """Exponential numbers of rate ``lambd``: density lambd e^(-lambd x)."""
        _expect(lambd > 0, f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
        d = self._array.dtype
        return _refill(self, draw("standard_exponential", self._array.shape, d, generator) / lambd)

    def log_normal_(self: Any, mean: float = 1, std: float = 2, *, generator: Any = None) -> Tensor:
        """e^z with z normal of this mean and standard deviation."""
        _expect(std > 0, f"log_normal_ expects std > 0.0, but found std={std}")
        z = draw("standard_normal", self._array.shape, self._array.dtype, generator)
        return _refill(self, np.exp(z * std + mean))

    def cauchy_(self: Any, median: float = 0, sigma: float = 1, *, generator: Any = None) -> Tensor:
        """Cauchy numbers: median + sigma tan(pi (u - 1/2)) with u uniform."""
        _expect(sigma > 0, f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
        u = draw("random", self._array.shape, self._array.dtype, generator)
        return _refill(self, median + sigma * np.tan(math.pi * (u - 0.5)))

    def geometric_(self: Any, p: float, *, generator: Any = None) -> Tensor:
        """How many trials of probability ``p`` it takes to succeed: 1, 2, ..."""
        _expect(0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={p}")
        return _refill(self, stream(generator).geometric(p, self._array.shape))

    def random_(
        self: Any, from_: int = 0, to: int | None = None, *, generator: Any = None
    ) -> Tensor:
        """Uniform integers: in [from, to), in [0, to), or all that the dtype represents."""
        d, shape = self._array.dtype, self._array.shape
        if to is None and from_:
            from_, to = 0, from_
        if to is None:
            to = 2 ** (np.finfo(d).nmant + 1) if d.kind == "f" else _whole_range(d)
        return _refill(self, integers(from_, to, shape, d, generator))


def _whole_range(d: np.dtype[Any]) -> int:
    return 2 if d.kind == "b" else min(int(np.iinfo(d).max) + 1, 2**63 - 1)
