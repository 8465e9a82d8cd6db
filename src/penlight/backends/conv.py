"""How convolutions are computed: which way each pass goes, and how to make it go another.

    >>> import penlight as torch
    >>> explanation = torch.backends.conv.explain((64, 32, 16, 16), (32, 32, 3, 3), padding=1)
    >>> explanation.forward.way
    'winograd'

See docs/kernels.md for what the ways are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from penlight.kernels.conv import costs
from penlight.kernels.windows import Window

__all__ = ["Explanation", "Pass", "allow_winograd", "explain", "use"]

Ints = int | tuple[int, ...]


class Pass(NamedTuple):
    """The way that one pass goes, and what the model of time says of all ways that it could go."""

    way: str
    milliseconds: dict[str, float]  # in one thread of the machine that the model was measured on


class Explanation(NamedTuple):
    """What :func:`explain` returns; prints as a table."""

    forward: Pass
    input_grad: Pass
    weight_grad: Pass

    def __str__(self) -> str:
        lines = []
        for name, (way, times) in self._asdict().items():
            others = sorted((t, other) for other, t in times.items() if other != way)
            rest = ", ".join(f"{other} {t:.3g}" for t, other in others)
            lines.append(f"{name:12} {way} {times[way]:.3g} ms" + (f"; {rest}" if rest else ""))
        return "\n".join(lines)


def explain(
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    stride: Ints = 1,
    padding: Ints = 0,
    dilation: Ints = 1,
    dtype: str = "float32",
) -> Explanation:
    """Which way the three passes of a dense convolution go, and the predicted times.

    Nothing is computed. A convolution too small to be worth a thought goes the way "small" anyhow.

    Args:
        x_shape: (N, C, *S). w_shape: (F, C, *K).
        dtype: a name that NumPy knows. Default: ``"float32"``.

    Raises:
        ValueError: if the shapes do not fit together.
    """
    n, c, *size = x_shape
    f, channels, *kernel = w_shape
    if len(size) != len(kernel) or not size:
        raise ValueError(f"explain: x_shape {x_shape} and w_shape {w_shape} differ in dimensions")
    if channels != c:
        raise ValueError(
            f"explain: x_shape has {c} channels but w_shape {channels}; only groups=1 is modelled"
        )
    before = _each(padding, len(size))
    window = Window(
        tuple(kernel),
        _each(stride, len(size)),
        tuple((p, p) for p in before),
        _each(dilation, len(size)),
    )
    space = tuple(size)
    if len(space) == 1:
        window, space = window.below_one(), (1, *space)
    output = window.output_size(space)
    if min(n, c, f, *output) < 1:
        raise ValueError(f"explain: the convolution of {x_shape} with {w_shape} has no output")
    problem = costs.Problem(n, c, f, space, output, window, np.dtype(dtype))
    return Explanation(*(_pass(name, problem) for name in Explanation._fields))


def _pass(name: str, problem: costs.Problem) -> Pass:
    times = costs.estimates(name, problem)
    return Pass(costs.chosen(name, problem), {way: ns / 1e6 for way, ns in times.items()})


def _each(n: Ints, count: int) -> tuple[int, ...]:
    return (n,) * count if isinstance(n, int) else tuple(n)


def allow_winograd(allowed: bool) -> None:
    """Whether float32 convolutions may go by Winograd's minimal filtering. Default: they may.

    It needs up to four times fewer multiplications and rounds about six times more than the
    definition; float64 and other types never go that way.
    """
    costs.allow_winograd(allowed)


@contextmanager
def use(**ways: str) -> Iterator[None]:
    """Within, passes go the ways named wherever they can: ``use(forward="rows")``.

    Args:
        ways: by pass (``forward``, ``input_grad``, ``weight_grad``), a way as :func:`explain` names it.

    Raises:
        ValueError: for an unknown pass or way.
    """
    with costs.forced(**ways):
        yield
