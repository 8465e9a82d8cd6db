"""``assert_close``: two results are the same but for rounding, or an error tells where they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penlight.tensor import Tensor

__all__ = ["assert_close"]

_TOLERANCES = {  # relative, absolute
    "float16": (1e-3, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
    atol: float | None = None, equal_nan: bool = False, check_device: bool = True, check_dtype: bool = True,
    check_layout: bool = True, check_stride: bool = False, msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """Pass if ``|actual - expected| <= atol + rtol |expected|`` everywhere; NaN is close to nothing.

    Args:
        actual, expected: tensors, arrays or numbers, or equal sequences and mappings of them.
        rtol, atol: both or none. Default: by dtype, such as 1.3e-6 and 1e-5 for float32; 0 for integers.
        equal_nan: NaN is close to NaN.
        check_dtype: dtypes (and kinds of numbers) must be equal.
        check_stride: strides must be equal.
        msg: the error's text, or a function of the text that it would have.

    Raises:
        AssertionError: where they differ, naming the item.
        TypeError: for what can't be compared.
        ValueError: if one tolerance is given without the other.
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(
            f"assert_close: Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
        )
    given = None if rtol is None else (rtol, atol)

    def fail(text: str, where: tuple[Any, ...]) -> None:
        if where:
            text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in where)}"
        raise AssertionError(msg(text) if callable(msg) else msg or text)

    def compare(a: Any, b: Any, where: tuple[Any, ...]) -> None:
        if a is None and b is None:
            return
        if _both(a, b, Mapping):
            missing, more = sorted(b.keys() - a.keys()), sorted(a.keys() - b.keys())
            if missing or more:
                fail(
                    "The keys of the mappings do not match:\nMissing keys in the actual mapping: "
                    f"{missing}\nAdditional keys in the actual mapping: {more}",
                    where,
                )
            for key in a:
                compare(a[key], b[key], (*where, key))
        elif _both(a, b, Sequence) and not isinstance(a, str):
            if len(a) != len(b):
                fail(f"The length of the sequences mismatch: {len(a)} != {len(b)}", where)
            for i, pair in enumerate(zip(a, b, strict=True)):
                compare(*pair, (*where, i))
        else:
            fault = _difference(a, b, given, equal_nan, check_dtype, check_stride)
            if fault:
                fail(fault, where)

    compare(actual, expected, ())


def _both(a: Any, b: Any, kind: type) -> bool:
    return isinstance(a, kind) and isinstance(b, kind)


def _difference(
    a: Any, b: Any, given: Any, equal_nan: bool, check_dtype: bool, check_stride: bool
) -> str | None:
    """How two leaves differ; ``None`` if they don't."""
    numbers = _both(a, b, (int, float, complex))  # type: ignore[arg-type]
    if not numbers and not _both(a, b, Tensor) and not _both(a, b, np.ndarray):
        raise TypeError(
            f"assert_close: No comparison pair was able to handle inputs of type {type(a)} and {type(b)}."
        )
    if _both(a, b, bool) and a is not b:
        return f"Booleans mismatch: {a} is not {b}"
    if numbers and check_dtype and type(a) is not type(b):
        return f"The (d)types do not match: {type(a)} != {type(b)}."
    x, y = (np.asarray(v._array if isinstance(v, Tensor) else v) for v in (a, b))
    faults = {"shape": x.shape != y.shape, "dtype": check_dtype and x.dtype != y.dtype}
    for name, differs in faults.items():
        if differs:
            return f"The values for attribute {name!r} do not match: {getattr(a, name)} != {getattr(b, name)}."
    if check_stride and _both(a, b, Tensor) and a.stride() != b.stride():
        return f"The values for attribute 'stride()' do not match: {a.stride()} != {b.stride()}."
    relative, absolute = given or max(_TOLERANCES.get(v.dtype.name, (0.0, 0.0)) for v in (x, y))
    if x.dtype != y.dtype or x.dtype.kind == "b":
        common = np.promote_types(np.promote_types(x.dtype, y.dtype), np.int8)
        x, y = x.astype(common), y.astype(common)
    close = (
        np.isclose(x, y, relative, absolute, equal_nan) if x.dtype.kind in "fc" or given else x == y
    )
    if close.all():
        return None
    return _description(x, y, ~close, relative, absolute)


def _description(x: Any, y: Any, wrong: Any, relative: float, absolute: float) -> str:
    """The number of differences and the greatest of them."""
    exact = not relative and not absolute
    kind = "Tensor-likes" if x.ndim else "Scalars"
    head = f"{kind} are not {'equal' if exact else 'close'}!\n\n"
    wide = np.longdouble if x.dtype.kind == "f" else object if x.dtype.kind == "u" else x.dtype
    with np.errstate(all="ignore"):
        distance = np.where(wrong, abs(x.astype(wide) - y.astype(wide)), 0).astype(np.float64)
        ratio = np.where(wrong, distance / np.abs(y), 0)
    limits = ["", ""] if exact else [f" (up to {t} allowed)" for t in (absolute, relative)]
    if not x.ndim:
        return (
            f"{head}Expected {y.item()} but got {x.item()}.\nAbsolute difference: {distance}{limits[0]}\n"
            f"Relative difference: {ratio}{limits[1]}"
        )
    share = f"{wrong.sum()} / {wrong.size} ({100 * wrong.mean():.1f}%)"
    lines = [f"{head}Mismatched elements: {share}"]
    for name, values, limit in zip(
        ("absolute", "relative"), (distance, ratio), limits, strict=True
    ):
        at = np.unravel_index(int(values.argmax()), values.shape)
        lines.append(
            f"Greatest {name} difference: {values[at].item()} at index {tuple(map(int, at))}{limit}"
        )
    return "\n".join(lines)
