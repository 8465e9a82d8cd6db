"""Rows for reductions, extrema, running sums and sorting."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, OpSpec, Sample, distinct, normal


def _over_dims(make=normal):
    def samples(rng):
        x = make(rng, 2, 3, 4)
        for dim in (None, 0, -1, (0, 2)):
            for keepdim in (False, True):
                yield Sample(x, dim, keepdim)
        yield Sample(make(rng))
        yield Sample(make(rng, 4, 3).T, 1)

    return samples


def _one_dim(make=normal):
    def samples(rng):
        x = make(rng, 2, 3, 2)
        yield from (Sample(x, dim) for dim in (0, 1, -1))
        yield Sample(make(rng, 3, 2).T, 1)

    return samples


_x = np.ones((2, 3), np.float32)
_bad_dim = Bad(IndexError, "Dimension out of range", (_x, 2))

OpSpec(
    "torch.sum",
    lambda torch, *a, **k: torch.sum(*a, **k),
    lambda rng: [
        *_over_dims()(rng),
        Sample(normal(rng, 0, 3)),
        Sample(normal(rng, 0, 3), 0),
        Sample(np.arange(6).reshape(2, 3), 1),
        Sample(np.array([True, True])),
    ],
    errors=[_bad_dim],
)
OpSpec(
    "torch.mean",
    lambda torch, *a: torch.mean(*a),
    _over_dims(),
    errors=[_bad_dim, Bad(RuntimeError, "dtype", (np.arange(3),))],
)
OpSpec(
    "torch.prod",
    lambda torch, *a: torch.prod(*a),
    lambda rng: [
        Sample(normal(rng, 2, 3)),
        Sample(normal(rng, 2, 3), 0),
        Sample(normal(rng, 2, 3), 1, True),
        Sample(normal(rng)),
        Sample(np.float32([[1, 0, 3], [0, 0, 2]]), 1),
        Sample(normal(rng, 0)),
        Sample(np.arange(1, 5)),
    ],
)
OpSpec(
    "torch.var",
    lambda torch, x, dim=None, keepdim=False, **k: torch.var(x, dim, keepdim=keepdim, **k),
    lambda rng: ([*list(_over_dims()(rng))[:8], Sample(normal(rng, 2, 3), 1, correction=0)]),
    errors=[Bad(RuntimeError, "floating", (np.arange(3),))],
)
OpSpec(
    "torch.std",
    lambda torch, x, *a, **k: torch.std(x, *a, **k),
    lambda rng: [
        Sample(normal(rng, 2, 3)),
        Sample(normal(rng, 2, 3), 1),
        Sample(normal(rng, 2, 3), 1, unbiased=False),
    ],
    covers=("torch.std_mean", "torch.var_mean"),
)
OpSpec(
    "torch.std_mean",
    lambda torch, x, d: (torch.std_mean(x, d), torch.var_mean(x, d)),
    lambda rng: [Sample(normal(rng, 2, 3), 1)],
)
OpSpec(
    "torch.logsumexp",
    lambda torch, x, *a: torch.logsumexp(x, *a),
    lambda rng: [
        Sample(normal(rng, 2, 3), 1),
        Sample(normal(rng, 2, 3), (0, 1), True),
        Sample(np.float32([1000, 1001]), 0),
    ],
)
OpSpec(
    "torch.norm",
    lambda torch, x, *a: torch.norm(x, *a),
    lambda rng: [
        Sample(distinct(rng, 2, 3), p, dim)
        for p in ("fro", 1, 2, 3, float("inf"), 0.5)
        for dim in (None, 1)
    ],
)
OpSpec(
    "torch.nansum",
    lambda torch, x: (torch.nansum(x), torch.nanmean(x)),
    lambda rng: [Sample(normal(rng, 3))],
)
OpSpec(
    "torch.cumsum",
    lambda torch, x, d: torch.cumsum(x, d),
    lambda rng: [*_one_dim()(rng), Sample(np.arange(4), 0)],
    errors=[_bad_dim],
)
OpSpec(
    "torch.cumprod",
    lambda torch, x, d: torch.cumprod(x, d),
    lambda rng: [*_one_dim()(rng), Sample(np.float32([2, 0, 3, 0, 1]), 0)],
)
OpSpec("torch.logcumsumexp", lambda torch, x, d: torch.logcumsumexp(x, d), _one_dim())
OpSpec(
    "torch.all",
    lambda torch, x, *a: (torch.all(x, *a), torch.any(x, *a)),
    lambda rng: [
        Sample(rng.random((2, 3)) < 0.7),
        Sample(rng.random((2, 3)) < 0.7, 1),
        Sample(np.zeros((0,), np.bool_)),
        Sample(np.arange(3)),
    ],
    gradient=False,
    covers=("torch.any",),
)
OpSpec(
    "torch.count_nonzero",
    lambda torch, x, *a: torch.count_nonzero(x, *a),
    lambda rng: [Sample(np.arange(6).reshape(2, 3) % 2, 1), Sample(np.arange(4))],
    gradient=False,
)

OpSpec(
    "torch.amax",
    lambda torch, x, dim=(), keepdim=False: (
        torch.amax(x, dim, keepdim),
        torch.amin(x, dim, keepdim),
    ),
    lambda rng: [
        Sample(distinct(rng, 2, 3)),
        Sample(distinct(rng, 2, 3, 2), (0, 2)),
        Sample(distinct(rng, 2, 3), 1, True),
    ],
    covers=("torch.amin",),
    errors=[Bad(IndexError, "reduction dim", (np.ones((0, 3), "f"), 0))],
)
OpSpec(
    "torch.max",
    lambda torch, x, *a: torch.max(x, *a),
    lambda rng: [
        Sample(distinct(rng, 2, 3)),
        Sample(distinct(rng, 2, 3), 1),
        Sample(distinct(rng, 2, 3, 2), 0, True),
        Sample(distinct(rng), 0),
    ],
    covers=("torch.min",),
    errors=[Bad(RuntimeError, "numel", (np.ones((0,), "f"),)), _bad_dim],
)
OpSpec(
    "torch.min",
    lambda torch, x, *a: torch.min(x, *a),
    lambda rng: [
        Sample(distinct(rng, 2, 3)),
        Sample(distinct(rng, 2, 3), 1),
        Sample(distinct(rng, 2, 3, 2), 0, True),
    ],
)
OpSpec(
    "torch.aminmax",
    lambda torch, x: tuple(torch.aminmax(x, dim=1)),
    lambda rng: [Sample(distinct(rng, 2, 3))],
)
OpSpec(
    "torch.median",
    lambda torch, x, *a: torch.median(x, *a),
    lambda rng: [
        Sample(distinct(rng, 5)),
        Sample(distinct(rng, 2, 4), 1),
        Sample(distinct(rng, 2, 4), 0, True),
    ],
)
OpSpec(
    "torch.argmax",
    lambda torch, x, *a: (torch.argmax(x, *a), torch.argmin(x, *a)),
    lambda rng: [
        Sample(distinct(rng, 2, 3)),
        Sample(distinct(rng, 2, 3), 1),
        Sample(distinct(rng, 2, 3), 0, True),
        Sample(np.float32([1, np.nan, 3])),
    ],
    gradient=False,
    covers=("torch.argmin",),
)

OpSpec(
    "torch.sort",
    lambda torch, x, *a: torch.sort(x, *a),
    lambda rng: [
        Sample(distinct(rng, 2, 4)),
        Sample(distinct(rng, 3, 2), 0, True),
        Sample(distinct(rng)),
    ],
    covers=("torch.argsort", "torch.msort"),
)
OpSpec(
    "stable order of ties",
    lambda torch, x: (
        torch.sort(x, stable=True)[1],
        torch.sort(x, stable=True, descending=True)[1],
    ),
    lambda rng: [Sample(rng.integers(0, 3, (2, 8)))],
    gradient=False,
)
OpSpec(
    "torch.argsort",
    lambda torch, x: (torch.argsort(x), torch.argsort(x, descending=True), torch.msort(x).detach()),
    lambda rng: [Sample(distinct(rng, 2, 4))],
    gradient=False,
)
OpSpec(
    "torch.topk",
    lambda torch, x, *a: torch.topk(x, *a),
    lambda rng: [
        Sample(distinct(rng, 2, 5), 2),
        Sample(distinct(rng, 3, 2), 2, 0, False),
        Sample(distinct(rng, 4), 0),
    ],
    errors=[Bad(RuntimeError, "k", (np.ones(3, "f"), 4))],
)
OpSpec(
    "torch.kthvalue",
    lambda torch, x, k: torch.kthvalue(x, k),
    lambda rng: [Sample(distinct(rng, 2, 5), 2)],
    errors=[Bad(RuntimeError, "k", (np.ones(3, "f"), 4))],
)
OpSpec(
    "torch.searchsorted",
    lambda torch, s, v: (
        torch.searchsorted(s, v),
        torch.searchsorted(s, v, right=True),
        torch.bucketize(v, s),
    ),
    lambda rng: [Sample(np.array([1, 3, 5]), np.array([[0, 3], [4, 6]]))],
    gradient=False,
    covers=("torch.bucketize",),
)
OpSpec(
    "torch.unique",
    lambda torch, x: torch.unique(x, return_inverse=True, return_counts=True),
    lambda rng: [Sample(rng.integers(0, 4, (3, 4)))],
    gradient=False,
)
OpSpec(
    "torch.bincount",
    lambda torch, x, *a: torch.bincount(x, *a),
    lambda rng: [Sample(np.array([0, 2, 2, 5])), Sample(np.array([0, 2]), None, 6)],
    gradient=False,
    errors=[Bad(RuntimeError, "non-negative", (np.array([-1]),))],
)
OpSpec(
    "softmax",
    lambda torch, x, d: (torch.softmax(x, d), torch.log_softmax(x, d)),
    lambda rng: [
        Sample(normal(rng, 2, 3), 1),
        Sample(normal(rng, 2, 3, 2), 0),
        Sample(normal(rng), 0),
        Sample(np.float32([[1000, -1000, 999]]), 1),
    ],
    errors=[_bad_dim],
    covers=("torch.softmax", "torch.log_softmax"),
)
