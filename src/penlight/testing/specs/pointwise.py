"""Rows for elementwise functions: exponential, trigonometry, rounding, selection, comparison."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import (
    Bad,
    OpSpec,
    Sample,
    distinct,
    normal,
    positive,
    unary,
)


def _unit(rng, *shape):
    """Inside (-0.9, 0.9), for arcsin and its like."""
    return np.asarray(rng.uniform(-0.9, 0.9, shape), np.float32)


def _above_one(rng, *shape):
    return np.asarray(rng.uniform(1.2, 4.0, shape), np.float32)


_NO_INPLACE = ("asinh", "acosh", "atanh")


def _row(name, make=normal, **options):
    OpSpec(
        f"torch.{name}",
        lambda torch, *a, **k: getattr(torch, name)(*a, **k),
        unary(make),
        **options,
    )
    OpSpec(
        f"Tensor.{name}_",
        lambda torch, x, **k: getattr(x.clone(), f"{name}_")(**k),
        lambda rng: [Sample(make(rng, 2, 3)), Sample(make(rng))],
        parity=name not in _NO_INPLACE,
        note="PyTorch has no derivative for the in-place form",
    )


for _name in [
    "exp2",
    "expm1",
    "sin",
    "cos",
    "sinh",
    "cosh",
    "tanh",
    "sigmoid",
    "atan",
    "asinh",
    "erf",
    "erfc",
]:
    _row(_name)
for _name in ["log2", "log10", "log1p", "rsqrt"]:
    _row(_name, positive)
for _name in ["asin", "acos", "atanh", "tan"]:
    _row(_name, _unit)
_row("acosh", _above_one)
for _name in ["abs", "sign", "floor", "ceil", "round", "trunc", "frac", "relu"]:
    _row(_name, distinct)

OpSpec(
    "integers become floats",
    lambda torch, x: (torch.exp(x), torch.sin(x), torch.sqrt(x), torch.sigmoid(x)),
    lambda rng: [Sample(np.arange(1, 4)), Sample(np.array([True, False]))],
    gradient=False,
)
OpSpec(
    "torch.round decimals",
    lambda torch, x: torch.round(x, decimals=2),
    lambda rng: [Sample(normal(rng, 3, 4))],
)
OpSpec(
    "torch.logaddexp",
    lambda torch, a, b: torch.logaddexp(a, b),
    lambda rng: [
        Sample(normal(rng, 3), normal(rng, 2, 3)),
        Sample(np.float32([1000, -1000]), np.float32([999, -998])),
    ],
)
OpSpec(
    "torch.atan2",
    lambda torch, a, b: torch.atan2(a, b),
    lambda rng: [
        Sample(distinct(rng, 2, 3), distinct(rng, 2, 3)),
        Sample(distinct(rng, 2, 1), distinct(rng, 3)),
    ],
)
OpSpec(
    "torch.hypot",
    lambda torch, a, b: torch.hypot(a, b),
    lambda rng: [Sample(distinct(rng, 2, 3), distinct(rng, 3))],
)
OpSpec(
    "torch.maximum",
    lambda torch, a, b: torch.maximum(a, b),
    lambda rng: [
        Sample(distinct(rng, 2, 3), distinct(rng, 2, 3) + np.float32(0.1)),
        Sample(distinct(rng, 3), distinct(rng, 2, 1) + np.float32(0.1)),
    ],
)
OpSpec(
    "torch.minimum",
    lambda torch, a, b: torch.minimum(a, b),
    lambda rng: [
        Sample(distinct(rng, 2, 3), distinct(rng, 2, 3) + np.float32(0.1)),
        Sample(distinct(rng, 3), distinct(rng, 2, 1) + np.float32(0.1)),
    ],
)
OpSpec(
    "torch.remainder",
    lambda torch, a, b: torch.remainder(a, b),
    lambda rng: [
        Sample(distinct(rng, 2, 3), positive(rng, 3)),
        Sample(distinct(rng, 4), -1.3),
        Sample(np.array([5, -5, 7]), 3),
    ],
    errors=[Bad(RuntimeError, "ZeroDivision", (np.array([1]), np.array([0])))],
)
OpSpec(
    "torch.fmod",
    lambda torch, a, b: torch.fmod(a, b),
    lambda rng: [Sample(distinct(rng, 2, 3), positive(rng, 3)), Sample(distinct(rng, 4), -1.3)],
)
OpSpec(
    "torch.div rounding",
    lambda torch, a, b, m: torch.div(a, b, rounding_mode=m),
    lambda rng: [
        Sample(a, b, m)
        for m in ("floor", "trunc")
        for a, b in [(distinct(rng, 2, 3), positive(rng, 3)), (np.array([7, -7]), np.array([2, 2]))]
    ],
)
OpSpec(
    "torch.floor_divide",
    lambda torch, a, b: (torch.floor_divide(a, b), a // b),
    lambda rng: [Sample(np.array([7, -7]), np.array([2, 2])), Sample(np.array([7, -7]), 2)],
    gradient=False,
)


def _clamp(rng):
    x = distinct(rng, 3, 4)
    yield Sample(x, -1.1, 1.1)
    yield Sample(x, min=-1.1)
    yield Sample(x, max=1.1)
    yield Sample(x, 2.1, 1.1)
    yield Sample(x, distinct(rng, 3, 4) - np.float32(1.1), distinct(rng, 3, 4) + np.float32(1.1))
    yield Sample(x, max=distinct(rng, 4) + np.float32(0.1))
    yield Sample(np.arange(5), 1, 3)


OpSpec(
    "torch.clamp",
    lambda torch, x, *a, **k: torch.clamp(x, *a, **k),
    _clamp,
    covers=("torch.clip", "torch.clamp_min", "torch.clamp_max"),
    errors=[Bad(RuntimeError, "min", (np.ones(3, "f"),))],
)
OpSpec(
    "torch.where",
    lambda torch, c, a, b: torch.where(c, a, b),
    lambda rng: [
        Sample(rng.random((2, 3)) < 0.5, normal(rng, 2, 3), normal(rng, 2, 3)),
        Sample(rng.random((2, 3)) < 0.5, normal(rng, 3), 2.0),
        Sample(rng.random(3) < 0.5, 1.0, normal(rng, 2, 3)),
        Sample(rng.random(3) < 0.5, np.arange(3), normal(rng, 3)),
    ],
    errors=[Bad(RuntimeError, "condition", (np.ones(3, "f"), np.ones(3, "f"), np.ones(3, "f")))],
)
OpSpec(
    "torch.lerp",
    lambda torch, a, b, w: torch.lerp(a, b, w),
    lambda rng: [
        Sample(normal(rng, 2, 3), normal(rng, 2, 3), 0.3),
        Sample(normal(rng, 2, 3), normal(rng, 2, 3), normal(rng, 3)),
    ],
)
OpSpec(
    "torch.addcmul",
    lambda torch, a, b, c: torch.addcmul(a, b, c, value=0.5),
    lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 3), normal(rng, 2, 1))],
)
OpSpec(
    "torch.addcdiv",
    lambda torch, a, b, c: torch.addcdiv(a, b, c, value=0.5),
    lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 3), positive(rng, 2, 1))],
)
OpSpec(
    "torch.nan_to_num",
    lambda torch, x: torch.nan_to_num(x, 1.0, 2.0, -2.0),
    lambda rng: [Sample(normal(rng, 3)), Sample(np.float32([1, -4]))],
)

_PAIRS = lambda rng: [  # noqa: E731
    Sample(np.arange(4).astype("f"), np.float32([0, 2, 2, 1])),
    Sample(np.arange(3), 1),
    Sample(np.arange(3), 1.5),
    Sample(np.arange(3), np.arange(3).astype("f").reshape(3, 1)),
    Sample(np.float32([np.nan, 1]), np.float32([np.nan, 1])),
]
OpSpec(
    "comparisons",
    lambda torch, a, b: (
        a == b,
        a != b,
        a < b,
        a <= b,
        a > b,
        a >= b,
        torch.eq(a, b),
        torch.ge(a, b),
    ),
    _PAIRS,
    gradient=False,
    covers=("torch.eq", "torch.ne", "torch.lt", "torch.le", "torch.gt", "torch.ge"),
)
OpSpec(
    "logic",
    lambda torch, a, b: (
        torch.logical_and(a, b),
        torch.logical_or(a, b),
        torch.logical_xor(a, b),
        torch.logical_not(a),
    ),
    lambda rng: [
        Sample(np.array([True, False, True]), np.array([True, True, False])),
        Sample(np.arange(3), np.array([0, 0, 2])),
    ],
    gradient=False,
)
OpSpec(
    "bits",
    lambda torch, a, b: (a & b, a | b, a ^ b, ~a),
    lambda rng: [
        Sample(np.array([True, False, True]), np.array([True, True, False])),
        Sample(np.arange(3), np.array([3, 1, 2])),
    ],
    gradient=False,
)
OpSpec(
    "nan tests",
    lambda torch, x: (torch.isnan(x), torch.isinf(x), torch.isfinite(x)),
    lambda rng: [Sample(np.float32([1, np.nan, np.inf, -np.inf])), Sample(np.arange(3))],
    gradient=False,
)
OpSpec(
    "closeness",
    lambda torch, a, b: (torch.isclose(a, b), torch.allclose(a, b), torch.equal(a, b)),
    lambda rng: [
        Sample(np.float32([1, 2]), np.float32([1, 2 + 1e-6])),
        Sample(np.float32([1, 2]), np.float32([1, 3])),
    ],
    gradient=False,
)
