"""Reductions, running sums, order and extrema as methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penlight.ops import counting, extrema, norms, reduction, running, sorting, statistics
from penlight.tensor.inplace import inplace

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["ReductionMethods"]


class ReductionMethods:
    """What turns many elements into few, or puts them in order."""

    __slots__ = ()

    sum, mean = reduction.sum, reduction.mean
    nansum, nanmean = reduction.nansum, reduction.nanmean
    all, any, count_nonzero = reduction.all, reduction.any, reduction.count_nonzero
    prod, var, std, cov = statistics.prod, statistics.var, statistics.std, statistics.cov
    corrcoef, quantile = statistics.corrcoef, statistics.quantile
    nanquantile = statistics.nanquantile
    logsumexp, dist, renorm = norms.logsumexp, norms.dist, norms.renorm
    renorm_ = inplace(norms.renorm)

    def norm(
        self: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
    ) -> Tensor:
        """See :func:`penlight.norm`."""
        return norms.norm(self, p, dim, keepdim, dtype=dtype)

    cumsum, cumprod, logcumsumexp = running.cumsum, running.cumprod, running.logcumsumexp
    cummax, cummin, diff = running.cummax, running.cummin, running.diff
    cumsum_, cumprod_ = inplace(running.cumsum), inplace(running.cumprod)
    amax, amin, aminmax = extrema.amax, extrema.amin, extrema.aminmax
    max, min, argmax, argmin = extrema.max, extrema.min, extrema.argmax, extrema.argmin
    median, nanmedian = extrema.median, extrema.nanmedian
    sort, argsort, msort = sorting.sort, sorting.argsort, sorting.msort
    topk, kthvalue, mode = sorting.topk, sorting.kthvalue, sorting.mode
    unique, unique_consecutive = counting.unique, counting.unique_consecutive
    bincount, histc, histogram = counting.bincount, counting.histc, counting.histogram
