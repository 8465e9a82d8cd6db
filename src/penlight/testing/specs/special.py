"""Rows for special functions, bits, and functions of signs and floats."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import (
    Bad,
    Constant,
    OpSpec,
    Sample,
    binary,
    distinct,
    integers,
    normal,
    positive,
    unary,
)


def _inside(rng, *shape):
    return np.asarray(rng.uniform(-0.95, 0.95, shape), np.float32)


def _probability(rng, *shape):
    return np.asarray(rng.uniform(0.05, 0.95, shape), np.float32)


def _off_poles(rng, *shape):
    """Positive numbers, and negative ones between the poles of the gamma function."""
    whole = rng.integers(-3, 5, shape)
    return np.asarray(whole + rng.uniform(0.2, 0.8, shape), np.float32)


def _call(name):
    return lambda torch, *a, **k: getattr(torch, name)(*a, **k)


for _name, _make in [
    ("lgamma", _off_poles), ("digamma", _off_poles), ("erfinv", _inside), ("logit", _probability),
    ("sinc", normal), ("deg2rad", normal), ("rad2deg", normal), ("positive", normal),
    ("angle", distinct),
]:  # fmt: skip
    OpSpec(f"torch.{_name}", _call(_name), unary(_make), rtol=2e-5, atol=2e-5)

OpSpec(
    "special functions in place",
    lambda torch, x, p: (
        x.clone().lgamma_(), x.clone().sinc_(), x.clone().deg2rad_(), x.clone().rad2deg_(),
        p.clone().erfinv_(), p.clone().logit_(), x.clone().digamma_(), x.clone().xlogy_(p),
        x.clone().copysign_(p), x.clone().hypot_(p), x.clone().float_power_(2) if x.dtype
        == torch.float64 else x.clone(), x.clone().polygamma_(1), x.clone().mvlgamma_(2),
    ),
    lambda rng: [Sample(positive(rng, 2, 3) + 1, _probability(rng, 2, 3))],
    rtol=1e-4, atol=1e-4,
)  # fmt: skip
OpSpec(
    "torch.polygamma",
    lambda torch, x, n: torch.polygamma(n, x),
    lambda rng: [Sample(positive(rng, 2, 3), n) for n in (0, 1, 2)],
    errors=[Bad(RuntimeError, "n", (np.ones(2, "f"), -1))],
    rtol=1e-4,
)
OpSpec(
    "torch.mvlgamma",
    _call("mvlgamma"),
    lambda rng: [Sample(positive(rng, 2, 3) + 2, 3)],
    errors=[Bad(RuntimeError, "p", (np.ones(2, "f"), 0))],
)
OpSpec(
    "torch.logit eps",
    _call("logit"),
    lambda rng: [Sample(np.float32([0.01, 0.5, 0.85, 0.99]), 0.1)],
)
OpSpec(
    "sinc near zero",
    lambda torch, x: torch.sinc(x),
    lambda rng: [Sample(np.float32([0, 1e-4, -1e-3, 0.029, 0.031, -0.5]))],
    parity=False,
    note="PyTorch's derivative loses its digits there by cancellation",
)
OpSpec("torch.xlogy", _call("xlogy"), binary(normal, positive))
OpSpec(
    "xlogy at zero",
    lambda torch, a, b: torch.xlogy(a.detach(), b.detach()),
    lambda rng: [Sample(np.float32([0, 0, 2]), np.float32([0, np.nan, 1]))],
    gradient=False,
)
OpSpec(
    "torch.copysign",
    lambda torch, a, b: torch.copysign(a, b.detach() if hasattr(b, "detach") else b),
    lambda rng: [
        Sample(distinct(rng, 2, 3), distinct(rng, 3)),
        Sample(distinct(rng, 2, 3), -1.0),
        Sample(np.arange(3), -2),
    ],
)
OpSpec(
    "torch.ldexp",
    lambda torch, a, b: torch.ldexp(a, b),
    lambda rng: [
        Sample(normal(rng, 2, 3), integers(rng, -3, 4, 3)),
        Sample(normal(rng), normal(rng)),
    ],
)
for _name in ("fmax", "fmin"):
    OpSpec(
        f"torch.{_name}",
        _call(_name),
        lambda rng: [
            Sample(distinct(rng, 2, 3), distinct(rng, 2, 3) + np.float32(0.1)),
            Sample(distinct(rng, 3), distinct(rng, 2, 1) + np.float32(0.1)),
            Sample(np.arange(3), np.array([2, 1, 0])),
        ],
    )
OpSpec(
    "fmax of nan",
    lambda torch, a, b: (torch.fmax(a.detach(), b.detach()), torch.fmin(a.detach(), b.detach())),
    lambda rng: [Sample(np.float32([np.nan, 1, np.nan]), np.float32([2, np.nan, np.nan]))],
    gradient=False,
)
OpSpec(
    "torch.heaviside",
    lambda torch, a, b: torch.heaviside(a.detach(), b.detach()),
    lambda rng: [Sample(np.float32([-1, 0, 2]), np.float32([0.5]))],
    gradient=False,
    errors=[Bad(RuntimeError, "dtype", (np.ones(2, "f"), np.ones(2)))],
)
OpSpec(
    "torch.logaddexp2",
    _call("logaddexp2"),
    lambda rng: [
        Sample(normal(rng, 3), normal(rng, 2, 3)),
        Sample(np.float32([1000, -1000]), np.float32([999, -998])),
    ],
)
OpSpec(
    "torch.float_power",
    lambda torch, a, b: torch.float_power(a, b),
    lambda rng: [
        Sample(positive(rng, 2, 3), normal(rng, 3)),
        Sample(positive(rng, 3), 2),
        Sample(np.arange(1, 4), -0.5),
    ],
)
OpSpec(
    "torch.gcd",
    lambda torch, a, b: (torch.gcd(a, b), torch.lcm(a, b), a.clone().gcd_(b), a.clone().lcm_(b)),
    lambda rng: [Sample(np.array([12, -18, 0, 7]), np.array([8, 12, 5, 0]))],
    gradient=False,
    covers=("torch.lcm",),
    errors=[Bad(NotImplementedError, "gcd", (np.ones(2, "f"), np.ones(2, "f")))],
)
OpSpec(
    "torch.bitwise_left_shift",
    lambda torch, a, b: (
        torch.bitwise_left_shift(a, b), torch.bitwise_right_shift(a, b), a << 2, a >> 1, 3 << b,
        64 >> b, a.clone().bitwise_left_shift_(b), a.clone().bitwise_right_shift_(b),
    ),
    lambda rng: [Sample(np.array([1, -5, 12]), np.array([0, 1, 3]))],
    gradient=False,
    covers=("torch.bitwise_right_shift",),
    errors=[Bad(NotImplementedError, "shift", (np.ones(2, "f"), np.ones(2, "f")))],
)  # fmt: skip
OpSpec(
    "bits in place",
    lambda torch, a, b: (
        a.clone().bitwise_and_(b), a.clone().bitwise_or_(b), a.clone().bitwise_xor_(b),
        a.clone().bitwise_not_(), torch.bitwise_not(a), a.clone().logical_xor_(b),
    ),
    lambda rng: [
        Sample(np.array([1, 6, 3]), np.array([2, 3, 3])),
        Sample(np.array([True, False]), np.array([True, True])),
    ],
    gradient=False,
    covers=("torch.bitwise_and", "torch.bitwise_or", "torch.bitwise_xor", "torch.bitwise_not"),
    errors=[Bad(NotImplementedError, "bitwise", (np.ones(2, "f"), np.ones(2, "f")))],
)  # fmt: skip
OpSpec(
    "comparisons in place",
    lambda torch, a, b: (
        a.clone().eq_(b), a.clone().ne_(b), a.clone().lt_(b), a.clone().le_(b), a.clone().gt_(b),
        a.clone().ge_(b), a.clone().logical_and_(b), a.clone().logical_or_(b), torch.less(a, b),
        torch.less_equal(a, b), torch.greater(a, b), torch.greater_equal(a, b), torch.not_equal(a, b),
    ),
    lambda rng: [Sample(np.array([1, 2, 3]), np.array([1, 3, 2]))],
    gradient=False,
    covers=(
        "torch.less", "torch.less_equal", "torch.greater", "torch.greater_equal", "torch.not_equal",
    ),
)  # fmt: skip
OpSpec(
    "torch.signbit",
    lambda torch, x: (torch.signbit(x), torch.isposinf(x), torch.isneginf(x), torch.isreal(x)),
    lambda rng: [
        Sample(np.float32([-0.0, 0.0, -1, np.inf, -np.inf, np.nan])), Sample(np.array([-1, 2])),
    ],
    gradient=False,
    covers=("torch.isposinf", "torch.isneginf", "torch.isreal"),
)  # fmt: skip
OpSpec(
    "torch.nextafter",
    lambda torch, a, b: torch.nextafter(a.detach(), b.detach()),
    lambda rng: [Sample(np.float32([1, 0, -2]), np.float32([2, -1, -2]))],
    gradient=False,
)
OpSpec(
    "torch.frexp",
    lambda torch, x: torch.frexp(x),
    lambda rng: [Sample(np.float32([0.3, -6, 5]))],
    errors=[Bad(RuntimeError, "floating", (np.arange(3),))],
)
OpSpec(
    "torch.isin",
    lambda torch, a, b: (torch.isin(a, b), torch.isin(a, b, invert=True), torch.isin(a, 2)),
    lambda rng: [Sample(np.array([[1, 2], [3, 4]]), np.array([2, 4, 7]))],
    gradient=False,
)
OpSpec(
    "torch.sgn",
    lambda torch, x: torch.sgn(x.detach()),
    lambda rng: [Sample(distinct(rng, 2, 3)), Sample(np.array([-2, 0, 5]))],
    gradient=False,
)
OpSpec(
    "rounded quotients by zero",
    lambda torch, a, b: [
        f(a.detach(), b.detach())
        for f in (torch.floor_divide, torch.remainder, torch.fmod)
    ],
    lambda rng: [Sample(np.float32([1, -1, 0]), np.float32([0, 0, 0]))],
    gradient=False,
)  # fmt: skip
for _name in ("gammainc", "gammaincc"):
    OpSpec(  # PyTorch has no gradient to the first argument
        f"torch.special.{_name}",
        lambda torch, a, x, name=_name: getattr(torch.special, name)(a, x),
        lambda rng: [
            Sample(Constant(positive(rng, *a)), positive(rng, *x))
            for a, x in [((2, 3), (2, 3)), ((3,), (2, 1)), ((), (4,)), ((0, 3), (3,))]
        ],
        rtol=1e-4,
        atol=1e-6,
    )
