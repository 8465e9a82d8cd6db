"""Compact summaries of arrays: histogram, quantiles and moments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["summarise"]

_MOST_BINS = 64
_SAMPLE = 65_536
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def summarise(values: np.ndarray, kind: str) -> dict[str, Any]:
    """Describe the distribution of ``values`` in about a hundred numbers.

    Moments, extremes and the share of zeros are those of all values. The histogram and the
    quantiles are taken over evenly spaced values when there are more than 65,536, so that the cost
    is bounded. For gradients, they are of log10 of the magnitude, without the zeros: gradients
    span many powers of ten.

    Args:
        values: Any shape, floating point.
        kind: ``"weight"`` or ``"gradient"``.

    Returns:
        Plain numbers and lists, ready for JSON: ``kind``, ``size``, ``mean``, ``std``, ``min``,
        ``max``, ``zeros`` and ``nonfinite`` (shares), and ``low``, ``high``, ``counts``
        (equal bins, at most 64), ``quantiles`` (5, 25, 50, 75, 95 %). ``counts`` and ``quantiles`` are
        empty when no finite (and, for gradients, nonzero) value is there.
    """
    values = np.asarray(values).ravel()
    size = values.size
    summary: dict[str, Any] = {"kind": kind, "size": size}
    finite = values[np.isfinite(values)]
    if finite.size:
        mean, std = float(finite.mean()), float(finite.std())
        extremes = {"min": float(finite.min()), "max": float(finite.max())}
        summary |= {"mean": mean, "std": std, **extremes}
    summary["zeros"] = 1.0 - np.count_nonzero(values) / max(size, 1)
    summary["nonfinite"] = 1.0 - finite.size / max(size, 1)

    sample = finite[:: math.ceil(finite.size / _SAMPLE) or 1]
    if kind == "gradient":
        sample = np.log10(np.abs(sample[sample != 0]))
    if not sample.size:
        return summary | {"low": 0.0, "high": 1.0, "counts": [], "quantiles": []}
    bins = min(_MOST_BINS, max(8, 2 * math.isqrt(sample.size)))  # few values: wide bins, no comb
    counts, edges = np.histogram(sample, bins=bins)
    return summary | {
        "low": float(edges[0]),
        "high": float(edges[-1]),
        "counts": counts.tolist(),
        "quantiles": [round(float(q), 7) for q in np.quantile(sample, _QUANTILES)],
    }
