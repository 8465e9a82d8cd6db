"""Rows for Bessel functions, the normal distribution's functions, polynomials and the zeta function."""

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

_NAN, _INF = np.nan, np.inf


def _call(name):
    return lambda torch, *a, **k: getattr(torch.special, name)(*a, **k)


def _probability(rng, *shape):
    return np.asarray(rng.uniform(0.05, 0.95, shape), np.float32)


def _with_extremes(make, *more):
    """The usual shapes, integers, and points without gradients: large ones, ``more`` ones."""

    def samples(rng):
        yield from unary(make)(rng)
        yield Sample(np.array([0, 1, 3]))
        yield Sample(np.array([True, False]))
        yield Sample(Constant(np.array([0.0, -0.0, _NAN, *more], np.float32)))
        yield Sample(Constant(np.array([0.0, 1e-310, -1e-20, _NAN, *more], np.float64)))

    return samples


def _complex(error=NotImplementedError):
    return Bad(error, "not implemented", (np.ones(2, np.complex64),))


_HALF = Bad(NotImplementedError, "not implemented", (np.ones(2, np.float16),))
_EVERYWHERE = (1, -1, 8, -8, 30, -30, 200, -200, 1000, _INF, -_INF)

# -- with gradients ----------------------------------------------------------------------------

for _name, _make, _errors, _more in [
    ("i0", distinct, [], _EVERYWHERE), ("i0e", distinct, [], _EVERYWHERE),
    ("i1", distinct, [], _EVERYWHERE), ("i1e", distinct, [], _EVERYWHERE),
    ("entr", positive, [], _EVERYWHERE), ("ndtr", normal, [], _EVERYWHERE),
    ("erfcx", normal, [_HALF], _EVERYWHERE), ("log_ndtr", normal, [_HALF], _EVERYWHERE),
    ("ndtri", _probability, [_HALF], (1, -1, 2, 1e-9, 1e-30, 0.999, _INF)),
]:  # fmt: skip
    OpSpec(
        f"special.{_name}",
        _call(_name),
        _with_extremes(_make, *_more),
        errors=[_complex(), *_errors],
        rtol=1e-5,
    )

OpSpec(
    "halves of special functions",
    lambda torch, x: [
        getattr(torch.special, name)(x.half())
        for name in ("i0", "i0e", "i1", "i1e", "entr", "ndtr")
    ],
    lambda rng: [Sample(Constant(positive(rng, 2, 3)))],
    gradient=False,
    rtol=1e-3,
    atol=1e-3,
)
OpSpec(
    "torch.i0",
    lambda torch, x: (torch.i0(x), x.i0(), x.clone().i0_(), torch.i0_(x.clone())),
    lambda rng: [Sample(normal(rng, 2, 3))],
    covers=("torch.i0_",),
    errors=[_complex()],
)
OpSpec(
    "special.i1 at zero",
    lambda torch, x: (torch.special.i1(x), torch.special.i0(x)),
    lambda rng: [Sample(np.float32([0, 1e-3, -1e-3]))],
)
OpSpec(
    "special.xlog1py",
    _call("xlog1py"),
    lambda rng: [
        *binary(normal, positive)(rng), Sample(2.0, positive(rng, 3)), Sample(2, np.arange(3)),
        Sample(np.arange(3), np.arange(3)), Sample(np.arange(3), positive(rng, 3)),
    ],
    errors=[
        Bad(NotImplementedError, "not implemented", (np.ones(2, np.complex64),) * 2),
        Bad(TypeError, "expected a Tensor", (1.0, 2.0)),
    ],
)  # fmt: skip
OpSpec(
    "special.xlog1py at zero",
    _call("xlog1py"),
    lambda rng: [
        Sample(
            Constant(np.float32([0, 0, 0, 0, 1, _NAN, 0])),
            Constant(np.float32([-1, -2, _NAN, _INF, -1, 0, 0])),
        )
    ],
    gradient=False,
)
OpSpec(
    "special.zeta",
    _call("zeta"),
    lambda rng: [
        Sample(Constant(positive(rng, 2, 3) + 1), positive(rng, 2, 3)),
        Sample(Constant(positive(rng, 3) + 1), positive(rng, 2, 1)),
        Sample(2.5, positive(rng, 3)),
        Sample(Constant(positive(rng, 3) + 1), 2),
        Sample(np.arange(1, 4), np.arange(1, 4)),
        Sample(Constant(np.float64([2, 3, 4, 7])), np.float64([-0.4, -1.5, -20.3, -3.25])),
        Sample(Constant(np.ones((0, 2), "f")), np.ones((1, 2), "f")),
    ],
    errors=[
        Bad(NotImplementedError, "not implemented", (np.ones(2, np.float16),) * 2),
        Bad(NotImplementedError, "not implemented", (np.ones(2, np.complex64),) * 2),
        Bad(TypeError, "expected a Tensor", (1.5, 2.0)),
    ],
    rtol=1e-5,
)
OpSpec(
    "special.zeta at its edges",
    _call("zeta"),
    lambda rng: [
        Sample(Constant(np.float64([[s]])), Constant(np.float64([0, -0.0, 1, 2, 1e10, -1, -1.5, _NAN])))
        for s in (0.5, 1, 1.5, 2, 3, 40, 2000, -1)
    ],
    gradient=False,
)  # fmt: skip

# -- without gradients -------------------------------------------------------------------------


def _plain(name):
    """Detached, as the result has no gradient; it does not require one even of a leaf that does."""
    return lambda torch, x: getattr(torch.special, name)(x)


# PyTorch's J, Y and Ai are wrong in the seventh digit beyond 5, and in float32 worse for large arguments
for _name, _more, _atol in [
    ("airy_ai", (1, -1, 2, -2, 5, -5, 30, -30, _INF, -_INF), 1e-5),
    ("bessel_j0", (1, -1, 5, -8, 30, -30, 200, _INF, -_INF), 5e-6),
    ("bessel_j1", (1, -1, 5, -8, 30, -30, 200, _INF, -_INF), 5e-6),
    ("bessel_y0", (1, -1, 5, 8, 30, 200, _INF, -_INF), 5e-6),
    ("bessel_y1", (1, -1, 5, 8, 30, 200, _INF, -_INF), 5e-6),
    ("modified_bessel_i0", _EVERYWHERE, 1e-6), ("modified_bessel_i1", _EVERYWHERE, 1e-6),
    ("modified_bessel_k0", _EVERYWHERE, 1e-6), ("modified_bessel_k1", _EVERYWHERE, 1e-6),
    ("scaled_modified_bessel_k0", _EVERYWHERE, 1e-6),
    ("scaled_modified_bessel_k1", _EVERYWHERE, 1e-6),
    ("spherical_bessel_j0", _EVERYWHERE, 1e-6),
]:  # fmt: skip
    OpSpec(
        f"special.{_name}",
        _plain(_name),
        _with_extremes(positive, *_more),
        gradient=False,
        errors=[_HALF, _complex()],
        rtol=2e-5 if _atol == 1e-6 else 1e-4,
        atol=_atol,
    )

for _name in (
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v",
    "chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he",
    "laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
):  # fmt: skip
    OpSpec(
        f"special.{_name}",
        _call(_name),
        lambda rng: [
            Sample(normal(rng, 2, 3), integers(rng, 0, 7, 2, 3)),
            Sample(normal(rng, 2, 1), integers(rng, 0, 7, 3)),
            Sample(normal(rng, 3, 2).T, 4),
            Sample(0.3, np.arange(-2, 9)),
            Sample(np.arange(3), 2),
            Sample(np.array([True, False]), np.arange(2)),
            Sample(normal(rng, 3), 2.7),
            Sample(normal(rng), np.float64([3])),
            Sample(normal(rng, 0, 3), 2),
            Sample(np.float64(rng.uniform(-1, 1, 9)), np.float64([9, 15, 16, 17, 18, 33, 60, 99, 150])),
            Sample(np.float64([-1, 1, 0, 2, -3, 1.5]), np.float64([[20], [21]])),
            Sample(np.float64([_NAN, _NAN, _INF, _INF]), np.float64([0, 1, 0, 1])),
        ],
        gradient=False,
        errors=[
            Bad(NotImplementedError, "not implemented", (np.ones(2, np.float16),) * 2),
            Bad(NotImplementedError, "not implemented", (np.ones(2, np.complex64),) * 2),
            Bad(TypeError, "expected a Tensor", (1.0, 2)),
        ],
        rtol=2e-5,
        atol=1e-5,
    )  # fmt: skip
