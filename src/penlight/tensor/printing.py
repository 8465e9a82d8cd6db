"""How tensors print: the text is PyTorch's, character by character.

All numbers of a tensor are written in one style and right-aligned to one width. Whole floats end in a
point (``2.``), others get ``precision`` digits, in scientific notation where magnitudes differ by
more than 1000 or leave [1e-4, 1e8]. Above ``threshold`` elements only the edges are shown.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core import dtypes
from penlight.autograd.batching import BatchedArray
from penlight.tensor.pickling import kinds

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["set_printoptions", "tensor_repr"]


@dataclass
class Options:
    """What :func:`set_printoptions` sets."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


options = Options()
PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors print; what is not given stays as it is, but ``sci_mode``.

    Args:
        precision: digits after the point. Default: 4.
        threshold: number of elements above which only edges are shown. Default: 1000.
        edgeitems: how many items an edge has. Default: 3.
        linewidth: characters per line. Default: 80.
        profile: ``"default"``, ``"short"`` or ``"full"``; further arguments override it.
        sci_mode: scientific notation always or never; ``None`` decides by the numbers.
    """
    given = {
        "precision": precision, "threshold": threshold, "edgeitems": edgeitems,
        "linewidth": linewidth,
    }  # fmt: skip
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"set_printoptions: profile must be one of {[*PROFILES]}, got {profile!r}")
    chosen = PROFILES.get(profile or "", {})
    for name, value in (*chosen.items(), *given.items()):
        if value is not None:
            setattr(options, name, value)
    options.sci_mode = sci_mode


def tensor_repr(tensor: Tensor, contents: str | None = None) -> str:
    """The text that ``repr`` and ``str`` give; ``contents`` stands in for the numbers."""
    array: Any = tensor._array
    if type(array) is BatchedArray:
        value, depth = textwrap.indent(repr(array.value), " " * 4), array.level.depth
        return f"BatchedTensor(lvl={depth}, bdim=0, value=\n{value}\n)"
    plain = type(tensor) is type(tensor)._result_type or type(tensor) in kinds.values()
    opening = "tensor(" if plain else f"{type(tensor).__name__}("
    text = _numbers(tensor._array, len(opening)) if contents is None else contents
    return _with_suffixes(opening + text, _suffixes(tensor), len(opening)) + ")"


# -- what follows the numbers ----------------------------------------------------------------


def _suffixes(tensor: Tensor) -> list[str]:
    """Size, dtype and history, each only where the numbers do not tell."""
    array, d = tensor._array, tensor.dtype
    default = dtypes.get_default_dtype()
    suffixes = []
    if (not array.size and array.ndim != 1) or (array.size and not options.edgeitems):
        suffixes.append(f"size={array.shape}")
    obvious = (default,)
    if array.size:
        wide = default is dtypes.float64
        complex_default = dtypes.complex128 if wide else dtypes.complex64
        obvious = (default, complex_default, dtypes.int64, dtypes.bool_)  # type: ignore[assignment]
    if d not in obvious:
        suffixes.append(f"dtype={d!r}")
    node = tensor.grad_fn
    if node is not None:
        suffixes.append(f"grad_fn=<{node.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    length = len(text) - text.rfind("\n") + 1  # of the last line
    for suffix in suffixes:
        if length + len(suffix) + 2 > options.linewidth:
            text += f",\n{' ' * indent}{suffix}"
            length = indent + len(suffix)
        else:
            text += f", {suffix}"
            length += len(suffix) + 2
    return text


# -- the numbers -----------------------------------------------------------------------------


def _numbers(array: np.ndarray, indent: int) -> str:
    """The nested brackets; ``indent`` is where they begin."""
    if not array.size:
        return "[]"
    summarize = array.size > options.threshold
    shown = _edges(array) if summarize else array
    form: Callable[[Any], str]
    if array.dtype.kind == "c":
        form, width = _complex_style(shown)
    else:
        style = _Style(shown)
        form, width = style.format, style.width
    return _nested(array, indent, summarize, form, width)


def _edges(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    for axis, n in enumerate(array.shape):
        if n > 2 * options.edgeitems:
            ends = [*range(options.edgeitems), *range(n - options.edgeitems, n)]
            array = np.take(array, ends, axis)
    return array


class _Style:
    """How the numbers of one array are written, and the width that holds the longest."""

    def __init__(self, array: np.ndarray) -> None:
        self.width = 1
        self.is_float = array.dtype.kind == "f"
        self.whole, self.scientific = True, False
        if not self.is_float:
            self.width = max((len(str(v)) for v in array.ravel().tolist()), default=1)
            return
        values = array.astype(np.float64).ravel()
        values = values[np.isfinite(values) & (values != 0)]
        if not values.size:
            return
        self.whole = bool((values == np.ceil(values)).all())
        self.scientific = _wants_scientific(np.abs(values))
        self.width = max(len(self.plain(v)) for v in values.tolist())

    def plain(self, value: Any) -> str:
        if not self.is_float:
            return str(value)
        if self.scientific:
            return f"{value:.{options.precision}e}"
        if not self.whole:
            return f"{value:.{options.precision}f}"
        return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"

    def format(self, value: Any) -> str:
        return self.plain(value).rjust(self.width)


def _wants_scientific(sizes: np.ndarray) -> bool:
    if options.sci_mode is not None:
        return options.sci_mode
    low, high = sizes.min(), sizes.max()
    return bool(high / low > 1000 or high > 1e8 or low < 1e-4)


def _complex_style(array: np.ndarray) -> tuple[Callable[[complex], str], int]:
    real, imaginary = _Style(array.real), _Style(array.imag)

    def form(value: complex) -> str:
        second = imaginary.format(value.imag).lstrip()
        sign = "" if second[0] in "+-" else "+"
        return f"{real.format(value.real)}{sign}{second}j"

    return form, real.width + imaginary.width + 1


def _nested(
    array: np.ndarray, indent: int, summarize: bool, form: Callable[[Any], str], width: int
) -> str:
    if not array.ndim:
        return form(array.item())
    n, edge = len(array), options.edgeitems
    cut = summarize and n > 2 * edge
    if array.ndim == 1:
        return _row(array, indent, form, width, cut)
    places = [*range(edge), *range(n - edge, n)] if cut else range(n)
    parts = [_nested(array[i], indent + 1, summarize, form, width) for i in places]
    if cut:
        parts.insert(edge, "...")
    separator = "," + "\n" * (array.ndim - 1) + " " * (indent + 1)
    return f"[{separator.join(parts)}]"


def _row(array: np.ndarray, indent: int, form: Callable[[Any], str], width: int, cut: bool) -> str:
    """One innermost row, wrapped at the line width."""
    edge = options.edgeitems
    if cut and not edge:
        items = ["..."]
    elif cut:
        items = [form(v) for v in (*array[:edge].tolist(), *array[-edge:].tolist())]
        items.insert(edge, " ...")
    else:
        items = [form(v) for v in array.tolist()]
    per_line = max(1, (options.linewidth - indent) // (width + 2))
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + f",\n{' ' * (indent + 1)}".join(lines) + "]"
