"""Rows for statistics, norms, running extrema, quantiles and counts."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, OpSpec, Sample, distinct, integers, normal, positive

_x = np.ones((2, 3), np.float32)
_nan = np.float32([[1, np.nan, 3, 2], [5, 4, 7, 6]])


def _call(name):
    return lambda torch, *a, **k: getattr(torch, name)(*a, **k)


# -- variances ------------------------------------------------------------------------------------

OpSpec(
    "torch.std options",
    lambda torch, x, **k: (torch.std(x, **k), torch.var(x, **k), *torch.std_mean(x, **k)),
    lambda rng: [
        Sample(normal(rng, 3, 4), dim=1, correction=0), Sample(normal(rng, 3, 4), dim=(0, 1)),
        Sample(normal(rng, 3, 4), correction=2, dim=-1, keepdim=True),
        Sample(np.float32([[2, 2.5, 2], [1, 2, 4]]), dim=0),
    ],
    errors=[Bad(RuntimeError, "floating", (np.arange(3),))],
)  # fmt: skip
OpSpec(
    "torch.cov",
    lambda torch, x, **k: torch.cov(x, **k),
    lambda rng: [
        Sample(normal(rng, 3, 5)), Sample(normal(rng, 5)), Sample(normal(rng, 2, 4), correction=0),
        Sample(normal(rng, 2, 3), fweights=np.array([1, 2, 1])), Sample(np.array([[1, 2, 4], [3, 1, 1]])),
        Sample(normal(rng, 2, 3), aweights=np.float32([0.5, 2, 1])),
    ],
    errors=[Bad(RuntimeError, "dimensions", (np.ones((2, 2, 2), "f"),))],
    rtol=1e-4,
)  # fmt: skip
OpSpec(
    "torch.corrcoef",
    _call("corrcoef"),
    lambda rng: [Sample(normal(rng, 3, 6))],
    rtol=1e-4,
    second_order=False,
    note="clamped at 1, where the diagonal lies",
)

# -- order ----------------------------------------------------------------------------------------


def _quantiles(rng):
    x = distinct(rng, 3, 5)
    for how in ("linear", "lower", "higher", "midpoint", "nearest"):
        yield Sample(x, 0.3, 1, interpolation=how)
    yield Sample(x, 0.5)
    yield Sample(x, 0.25, None, True)
    yield Sample(x, 1.0, 0, True)
    yield Sample(distinct(rng, 2, 3, 4), 0.6, -2, True)
    yield Sample(distinct(rng), 0.5)


OpSpec(
    "torch.quantile",
    _call("quantile"),
    _quantiles,
    errors=[
        Bad(RuntimeError, "range", (_x, 1.5)),
        Bad(RuntimeError, "interpolation", (_x, 0.5), {"interpolation": "cubic"}),
        Bad(RuntimeError, "float", (np.arange(3), 0.5)),
        Bad(RuntimeError, "non-empty", (np.ones(0, "f"), 0.5)),
    ],
)
OpSpec(
    "several quantiles",
    lambda torch, x: [
        f(x, torch.tensor([0.0, 0.4, 1.0], dtype=x.dtype), *a)
        for f in (torch.quantile, torch.nanquantile)
        for a in ((), (1,), (0, True), (-1, False))
    ],
    lambda rng: [Sample(distinct(rng, 3, 5))],
)
OpSpec(
    "torch.nanquantile",
    lambda torch, x: (
        torch.nanquantile(x.detach(), 0.3, 1), torch.quantile(x.detach(), 0.3, 1),
        torch.nanmedian(x.detach()), torch.nanmedian(x.detach(), 1), torch.median(x.detach(), 1),
        torch.nansum(x.detach(), 1), torch.nanmean(x.detach(), 1, True), torch.amax(x.detach(), 1),
        torch.max(x.detach(), 1), torch.cummax(x.detach(), 1), torch.cummin(x.detach(), 1),
        torch.argmax(x.detach(), 1), torch.sort(x.detach(), 1), torch.aminmax(x.detach(), dim=1),
    ),
    lambda rng: [Sample(_nan)],
    gradient=False,
)  # fmt: skip
OpSpec(
    "torch.nanmedian",
    lambda torch, x: (torch.nanmedian(x), torch.nanmedian(x, 1), torch.nanmedian(x, 0, True)),
    lambda rng: [Sample(distinct(rng, 3, 4))],
)
OpSpec(
    "torch.mode",
    lambda torch, x: (torch.mode(x), torch.mode(x, 0), torch.mode(x, 1, True)),
    lambda rng: [
        Sample(np.array([[3, 1, 1, 2], [2, 2, 3, 3]])),
        Sample(distinct(rng, 2, 3)),
    ],
)
for _name in ("cummax", "cummin"):
    OpSpec(
        f"torch.{_name}",
        _call(_name),
        lambda rng: [
            Sample(distinct(rng, 3, 5), 1),
            Sample(distinct(rng, 3, 5), 0),
            Sample(distinct(rng), 0),
            Sample(np.array([2, 1, 2, 1]), 0),
        ],
        errors=[Bad(IndexError, "range", (_x, 2))],
    )
OpSpec(
    "torch.topk of many",
    lambda torch, x: (
        *torch.topk(x, 3), *torch.topk(x, 2, 1, False), *torch.topk(x, 5, 0), *torch.topk(x, 0),
    ),
    lambda rng: [Sample(rng.permutation(5600).reshape(70, 80))],
    gradient=False,
)  # fmt: skip
OpSpec(
    "order of scalars",
    lambda torch, x: (
        torch.sort(x), torch.topk(x, 1), torch.kthvalue(x, 1), torch.median(x, 0), torch.mode(x),
        torch.cumsum(x, 0), torch.max(x, 0), torch.argmax(x), torch.logsumexp(x, 0),
    ),
    lambda rng: [Sample(normal(rng))],
)  # fmt: skip

# -- running --------------------------------------------------------------------------------------

OpSpec(
    "logcumsumexp far apart",
    lambda torch, x: torch.logcumsumexp(x, 0),
    lambda rng: [Sample(np.float32([-1000, 0, -500, 3])), Sample(np.float32([50, -100, 49.5]))],
)
OpSpec(
    "cumprod long",
    lambda torch, x: torch.cumprod(x, 1),
    lambda rng: [Sample(positive(rng, 2, 30) * np.float32(0.3) + np.float32(0.7))],
    rtol=1e-4,
    second_order=False,
    note="slow; the rows of torch.cumprod check it",
)
OpSpec(
    "running in place",
    lambda torch, x: (
        x.clone().cumsum_(0),
        x.clone().cumprod_(1),
        torch.cumsum(x, 0, dtype=x.dtype),
    ),
    lambda rng: [Sample(normal(rng, 2, 3))],
)
OpSpec(
    "torch.diff",
    lambda torch, x, *a, **k: torch.diff(x, *a, **k),
    lambda rng: [
        Sample(normal(rng, 2, 4)), Sample(normal(rng, 3, 4), 2, 0), Sample(normal(rng, 2), 5),
        Sample(normal(rng, 2, 3), prepend=normal(rng, 2, 1), append=normal(rng, 2, 2)),
        Sample(np.array([True, False, False])),
    ],
    errors=[Bad(RuntimeError, "one-dim", (np.zeros((), "f"),))],
)  # fmt: skip
OpSpec(
    "torch.trapezoid",
    lambda torch, y, x: (
        torch.trapezoid(y), torch.trapezoid(y, dx=0.5), torch.trapezoid(y, x), torch.trapz(y, x),
        torch.trapezoid(y, dim=0), torch.cumulative_trapezoid(y), torch.cumulative_trapezoid(y, x),
        torch.trapezoid(y, y + 1),
    ),
    lambda rng: [Sample(normal(rng, 2, 4), normal(rng, 4))],
    covers=("torch.trapz", "torch.cumulative_trapezoid"),
)  # fmt: skip

# -- norms ----------------------------------------------------------------------------------------

OpSpec(
    "torch.dist",
    lambda torch, a, b, p: torch.dist(a, b, p),
    lambda rng: [
        Sample(distinct(rng, 2, 3), distinct(rng, 3) * np.float32(0.7), p)
        for p in (2, 1, 3, float("inf"), float("-inf"))
    ],
)
OpSpec(
    "torch.renorm",
    lambda torch, x, p: torch.renorm(x, p, 0, 1.0),
    lambda rng: [Sample(np.float32([[3, 4], [0.1, 0.2], [-2, 5]]), p) for p in (1, 2)],
)
OpSpec(
    "torch.cdist",
    lambda torch, a, b, p: torch.cdist(a, b, p=p),
    lambda rng: [Sample(distinct(rng, 3, 2), distinct(rng, 4, 2) + np.float32(0.2), p) for p in (1.0, 2.0, 3.0)]
    + [Sample(normal(rng, 2, 3, 2), normal(rng, 1, 2, 2), 2.0)],
    errors=[Bad(RuntimeError, "columns", (_x, np.ones((2, 2), "f"), 2.0))],
    rtol=1e-4, atol=1e-5,
)  # fmt: skip
OpSpec(
    "torch.pdist",
    lambda torch, x, p: torch.pdist(x, p),
    lambda rng: (
        [Sample(distinct(rng, 4, 3), p) for p in (2.0, 1.0)] + [Sample(normal(rng, 1, 2), 2.0)]
    ),
    errors=[Bad(RuntimeError, "2D", (np.ones(3, "f"),), {"p": 2.0})],
    rtol=1e-4,
)
OpSpec(
    "linalg.norm",
    lambda torch, x: [
        torch.linalg.vector_norm(x), torch.linalg.vector_norm(x, 3, 1), torch.linalg.norm(x),
        torch.linalg.vector_norm(x, 0.5, (0, 1), True), torch.linalg.norm(x, "fro"),
        *(torch.linalg.matrix_norm(x, p) for p in ("fro", 1, -1, float("inf"), -float("inf"))),
        torch.linalg.norm(x, 1), torch.linalg.norm(x, 1, dim=1), torch.linalg.norm(x[0], 3),
        torch.linalg.matrix_norm(x, 1, (1, 0), True), torch.linalg.norm(x, 2, dim=0, keepdim=True),
        torch.linalg.norm(x, dim=(0, 1)),
    ],
    lambda rng: [Sample(distinct(rng, 3, 4))],
    errors=[Bad(RuntimeError, "vector_norm", (np.arange(6).reshape(2, 3),))],
    rtol=1e-4,
)  # fmt: skip

# -- counts ---------------------------------------------------------------------------------------

OpSpec(
    "torch.histc",
    lambda torch, x, *a: torch.histc(x.detach(), *a),
    lambda rng: [
        Sample(normal(rng, 50), 5), Sample(normal(rng, 50), 7, -1, 1), Sample(np.float32([1, 1]), 3),
    ],
    gradient=False,
    errors=[
        Bad(RuntimeError, "bins", (_x, 0)), Bad(RuntimeError, "larger", (_x, 2, 3, 1)),
        Bad(RuntimeError, "finite", (_nan, 3)),
    ],
)  # fmt: skip
OpSpec(
    "torch.histogram",
    lambda torch, x: (
        torch.histogram(x.detach(), 4), torch.histogram(x.detach(), 3, range=(-1.0, 1.0)),
        torch.histogram(x.detach(), torch.tensor([-1.0, 0.0, 2.0], dtype=x.dtype), density=True),
    ),
    lambda rng: [Sample(normal(rng, 30))],
    gradient=False,
)  # fmt: skip
OpSpec(
    "torch.unique_consecutive",
    lambda torch, x, dim: (
        torch.unique_consecutive(x, dim=dim),
        torch.unique_consecutive(x, return_inverse=True, return_counts=True, dim=dim),
        torch.unique(x, dim=dim), torch.unique(x, return_counts=True, dim=dim),
        torch.unique(x, return_inverse=True, dim=dim),
    ),
    lambda rng: [Sample(rng.integers(0, 2, (4, 3)), dim) for dim in (None, 0, 1)]
    + [Sample(np.array([True, True, False]), None)],
    gradient=False,
)  # fmt: skip
OpSpec(
    "searching",
    lambda torch, rows, v: (
        torch.searchsorted(rows, v), torch.searchsorted(rows, v, side="right"),
        torch.searchsorted(rows[0], 2), torch.searchsorted(rows[0], v, out_int32=True),
        torch.searchsorted(rows.flip(1).contiguous(), v, sorter=torch.arange(3).flip(0).expand(2, 3).contiguous()),
        torch.bucketize(2, rows[0]), torch.bucketize(v, rows[1], right=True),
    ),
    lambda rng: [Sample(np.array([[1, 3, 5], [2, 4, 6]]), np.array([[0, 3], [6, 7]]))],
    gradient=False,
    errors=[],
)  # fmt: skip
OpSpec(
    "torch.bincount weights",
    lambda torch, x, w: torch.bincount(x, w.detach()),
    lambda rng: [
        Sample(np.array([0, 2, 2]), normal(rng, 3)),
        Sample(np.array([1, 0], np.uint8), np.array([2, 3])),
    ],
    gradient=False,
    errors=[Bad(RuntimeError, "length", (np.array([0, 2]), np.ones(3, "f")))],
)
OpSpec(
    "torch.unravel_index",
    lambda torch, i: torch.unravel_index(i, (2, 3)),
    lambda rng: [Sample(np.array([[0, 5], [3, 1]]))],
    gradient=False,
)
OpSpec(
    "truth over dimensions",
    lambda torch, x: (
        torch.all(x, 1), torch.any(x, 0, True), torch.all(x, dim=(0, 1)), torch.any(x, dim=(0,)),
        torch.count_nonzero(x, (0, 1)), x.to(torch.uint8).all(), x.bool().any(1),
    ),
    lambda rng: [Sample(integers(rng, 0, 2, 3, 4)), Sample(np.ones((0, 2), np.int64))],
    gradient=False,
)  # fmt: skip
OpSpec(
    "reductions in other dtypes",
    lambda torch, x: (
        torch.sum(x, dtype=torch.float32), torch.prod(x, dtype=torch.float64), x.mean(dtype=torch.float32),
        x.cumsum(1, dtype=torch.float32), x.nansum(), x.cumprod(1), x.sum((0, 1)), x.bool().sum(),
    ),
    lambda rng: [Sample(integers(rng, 1, 4, 2, 3))],
    gradient=False,
)  # fmt: skip
