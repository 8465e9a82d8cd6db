"""Reductions, running sums, order and extrema as methods."""

from __future__ import annotations

from penlight.ops import extrema, reduction, sorting, statistics
from penlight.tensor.inplace import inplace

__all__ = ["ReductionMethods"]


class ReductionMethods:
    """What turns many elements into few, or puts them in order."""

    __slots__ = ()

    sum, mean = reduction.sum, reduction.mean
    prod, var, std, norm = statistics.prod, statistics.var, statistics.std, statistics.norm
    logsumexp, logcumsumexp = statistics.logsumexp, statistics.logcumsumexp
    nansum, nanmean = statistics.nansum, statistics.nanmean
    cumsum, cumprod = statistics.cumsum, statistics.cumprod
    cumsum_, cumprod_ = inplace(statistics.cumsum), inplace(statistics.cumprod)
    all, any, count_nonzero = statistics.all, statistics.any, statistics.count_nonzero
    amax, amin, aminmax = extrema.amax, extrema.amin, extrema.aminmax
    max, min, median = extrema.max, extrema.min, extrema.median
    argmax, argmin = extrema.argmax, extrema.argmin
    sort, argsort, msort = sorting.sort, sorting.argsort, sorting.msort
    topk, kthvalue = sorting.topk, sorting.kthvalue
    unique, bincount = sorting.unique, sorting.bincount
