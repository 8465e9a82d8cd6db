"""Special functions against their values to 17 digits, which mpmath gave with 40."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.kernels import bessel, gamma, normal, special
from penlight.kernels.polynomials import FAMILIES, polynomial
from penlight.kernels.zeta import zeta

_X = np.array([0.25, 0.9375, 1.5, 7.5, 24.75, 25.5, 100])
# fmt: off
BESSEL: dict[tuple[str, int], tuple[float, ...]] = {
    ("j", 0): (0.9844359292958527, 0.79205271319542982, 0.51182767173591813, 0.2663396578803784,
               0.06209579173200769, 0.14406215754684786, 0.019985850304223122),
    ("j", 1): (0.12402597732272692, 0.41910335937051361, 0.55793650791009964, 0.13524842757970551,
               -0.14663042728184799, -0.062048536491484102, -0.077145352014112158),
    ("y", 0): (-0.93157302493005869, 0.037695376621400299, 0.38244892379775884, 0.11731328614820863,
               -0.14785428346288324, -0.064859765498783491, -0.077244313365083152),
    ("y", 1): (-2.7041052293152824, -0.83739733543088325, -0.4123086269739113, -0.25912851048611625,
               -0.065094173572686826, -0.1453610587230494, -0.020372312002759793),
    ("i", 0): (1.0156861412236079, 1.2320952618986301, 1.6467231897728908, 268.16131151518936,
               4520126638.9061155, 9425875965.3176764, 1.0737517071310738e+42),
    ("i", 1): (0.12597910894546793, 0.52216925585380174, 0.98166642857790759, 249.58436542268814,
               4427848726.5142791, 9239167088.5568891, 1.0683693903381625e+42),
    ("i_scaled", 2): (0.0061161325607733905, 0.046262010665358089, 0.07538109249292411,
                      0.11150484033111438, 0.074224470782658941, 0.07329454108977936,
                      0.039149496238594078),
    ("k", 0): (1.5415067512483028, 0.46073650295675889, 0.21380556264752574, 0.00024917761635611439,
               4.4702628292747229e-12, 2.0806153571642788e-12, 4.656628229175902e-45),
    ("k", 1): (3.7470259744407116, 0.67047107096254584, 0.27738780045684382, 0.00026529739012528953,
               4.5596936711578467e-12, 2.1210265673146658e-12, 4.6798537356369093e-45),
}
OTHERS: list[tuple[Any, list[float], list[float]]] = [
    (bessel.airy, [-30, -7.5, -2.25, -1.75, -0.5, 0.5, 1.25, 7.5, 20],
     [-0.087968188456842163, 0.32177571638064788, 0.061598658777005278, 0.36548325221423157,
      0.47572809161053959, 0.23169360648083349, 0.099644544756916671, 1.9172560675134308e-7,
      1.6916728686705403e-27]),
    (normal.erfcx, [-20.25, -1.5, -0.5, 0.5, 1.5, 20.25, 1000],
     [2.4485613000901128e+178, 18.653886256262734, 1.9523604891825571, 0.61569034419292587,
      0.3215854164543175, 0.027827365608071687, 0.00056418930145338765]),
    (normal.ndtr, [-37, -8.125, -1.75, -0.75, 0.25, 3, 8],
     [5.7255712225245768e-300, 2.236812064444105e-16, 0.04005915686381709, 0.2266273523768682,
      0.59870632568292372, 0.99865010196836991, 0.99999999999999938]),
    (normal.log_ndtr, [-1000, -37, -1.75, -0.75, 0.25, 3, 8],
     [-500007.82669481218, -689.03058557689059, -3.2173979958002738, -1.4844482299196563,
      -0.51298407540943043, -0.0013508099647481938, -6.2209605742717861e-16]),
    (special.erfc, [-1.5, 0.96875, 1.25, 8.25, 26],
     [1.9661051464753107, 0.17068084940668487, 0.07709987174354177, 1.8735664705504997e-31,
      5.6631924088561428e-296]),
]
ZETA = [
    (1.0625, 0.25, 20.587776100280804), (2, 1, 1.6449340668482264), (3.5, 30, 8.4590797675475909e-5),
    (40, 0.5, 1099511627776.0), (2, 1000, 0.0010005001666666333), (2, -0.375, 10.51229428415152),
    (3, -20.25, -62.011392762371921),
]
# fmt: on


@pytest.mark.parametrize(("name", "order"), BESSEL)
def test_bessel_functions_have_all_digits(name: str, order: int) -> None:
    y = getattr(bessel, name)(_X, order)
    np.testing.assert_allclose(y, BESSEL[name, order], rtol=5e-15, atol=4e-16)
    part = np.array([0.9375, 30.0, 3.0, 400.0])  # each element by itself, whatever stands beside it
    alone = [getattr(bessel, name)(part[i : i + 1], order)[0] for i in range(4)]
    np.testing.assert_allclose(getattr(bessel, name)(part, order), alone, rtol=1e-15)


@pytest.mark.parametrize(("function", "x", "y"), OTHERS)
def test_others_have_all_digits(function: Any, x: list[float], y: list[float]) -> None:
    np.testing.assert_allclose(function(np.array(x)), y, rtol=8e-15)


def test_quantiles_are_those_of_the_distribution() -> None:
    p = np.array([1e-300, 1e-20, 0.01, 0.199, 0.201, 0.5 - 1e-9, 0.7, 0.81, 1 - 1e-12])
    y = normal.ndtri(p)
    m = normal.ndtr(y) / p
    np.testing.assert_allclose(m, 1, rtol=1e-12)  # where p is tiny, y's last digit is 1e-13 of it
    near = normal.ndtri(np.array([0.5 + 2.0**-40]))
    np.testing.assert_allclose(near, np.sqrt(2 * np.pi) * 2.0**-40, rtol=1e-14)


def test_zeta() -> None:
    s, q, y = np.array(ZETA).T
    np.testing.assert_allclose(zeta(s, q), y, rtol=4e-15)


def test_wronskians() -> None:
    """J_1 Y_0 - J_0 Y_1 = 2 / (pi x) and I_0 K_1 + I_1 K_0 = 1 / x. Source: DLMF 10.5.2, 10.28.2."""
    x = np.random.default_rng(0).uniform(0.01, 60, 20000)
    j, y, i, k = bessel.j, bessel.y, bessel.i_scaled, bessel.k_scaled
    waves = j(x, 1) * y(x, 0) - j(x, 0) * y(x, 1)
    np.testing.assert_allclose(waves * x * np.pi / 2, 1, atol=2e-14)
    np.testing.assert_allclose((i(x, 0) * k(x, 1) + i(x, 1) * k(x, 0)) * x, 1, atol=5e-15)


@pytest.mark.parametrize("name", FAMILIES)
def test_polynomials_from_their_coefficients(name: str) -> None:
    """Recurrences for numbers against NumPy's series with the one coefficient 1."""
    kinds: dict[str, Any] = {
        "chebyshev_t": np.polynomial.chebyshev.chebval,
        "hermite_h": np.polynomial.hermite.hermval,
        "hermite_he": np.polynomial.hermite_e.hermeval,
        "laguerre": np.polynomial.laguerre.lagval,
        "legendre": np.polynomial.legendre.legval,
    }
    x, n = np.linspace(-1.2, 1.2, 13), np.arange(22.0)[:, None]
    y = polynomial(name, x, n)
    if name in kinds:
        slow = [kinds[name](x, np.eye(22)[int(k)]) for k in n[:, 0]]
    else:  # sums of T: U_n - U_(n - 2) = 2 T_n, V and W are U_n -+ U_(n - 1)
        t = polynomial("chebyshev_t", x, n)
        u = np.zeros_like(t)
        for k in range(22):
            u[k] = 2 * t[k] + u[k - 2] if k > 1 else t[k] * (k + 1)
        before = np.concatenate([0 * u[:1], u[:-1]])
        slow = u + {"u": 0, "v": -1, "w": 1}[name[-1]] * before
    np.testing.assert_allclose(y, slow, rtol=1e-10, atol=1e-10)


def test_degrees_of_no_sense() -> None:
    x, n = np.full(5, 0.3), np.array([-1.0, -0.5, 2.9, np.nan, np.inf])
    y = polynomial("legendre", x, n)
    np.testing.assert_allclose(y, [0, 1, 1.5 * 0.09 - 0.5, np.nan, np.nan])
    assert np.isnan(polynomial("chebyshev_u", np.array([np.nan]), np.array([40.0])))


def test_threads_leave_the_bits_alone() -> None:
    x = np.random.default_rng(1).uniform(-40, 40, (30, 1000))
    before = penlight.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            penlight.set_num_threads(threads)
            results.append([f(x).tobytes() for f in (bessel.airy, lambda x: bessel.y(x, 1))])
    finally:
        penlight.set_num_threads(before)
    assert results[0] == results[1]


# -- the names -----------------------------------------------------------------------------------


def test_nodes_have_pytorchs_names() -> None:
    x = penlight.full((2,), 0.3, requires_grad=True)
    nodes = {name: getattr(penlight.special, name)(x).grad_fn.name() for name in (
        "i0", "i0e", "i1", "i1e", "entr", "erfcx", "log_ndtr", "ndtri", "ndtr")}  # fmt: skip
    assert nodes == {
        "i0": "I0Backward0", "i0e": "SpecialI0EBackward0", "i1": "SpecialI1Backward0",
        "i1e": "SpecialI1EBackward0", "entr": "SpecialEntrBackward0", "erfcx": "SpecialErfcxBackward0",
        "log_ndtr": "SpecialLogNdtrBackward0", "ndtri": "SpecialNdtriBackward0", "ndtr": "MulBackward1",
    }  # fmt: skip


def test_zeta_has_no_gradient_to_its_exponent() -> None:
    s, q = penlight.full((2,), 3.0, requires_grad=True), penlight.ones(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="derivative for 'input'"):
        penlight.special.zeta(s, q).sum().backward()


@pytest.mark.parity
@pytest.mark.parametrize(
    ("error", "call"),
    [
        (TypeError, lambda t: t.special.gammainc(t.ones(2), 2.0)),
        (TypeError, lambda t: t.special.gammaincc(2.0, t.ones(2))),
        (NotImplementedError, lambda t: t.special.logit(t.ones(2, dtype=t.complex64))),
        (RuntimeError, lambda t: t.special.i1(t.arange(3), out=t.empty(3, dtype=t.int64))),
        (RuntimeError, lambda t: t.arange(3).i0_()),
    ],
)
def test_refused_by_both(error: type[Exception], call: Any, torch: Any) -> None:
    for library in (penlight, torch):
        with pytest.raises(error):
            call(library)


def test_gradient_of_log_ndtr_far_out() -> None:
    x = penlight.tensor([-1e5, -50.0, 50.0], dtype=penlight.float64, requires_grad=True)
    (g,) = penlight.autograd.grad(penlight.special.log_ndtr(x).sum(), x)
    np.testing.assert_allclose(g.numpy(), [1e5 + 1e-5, 50.0199840319, 0], rtol=1e-9)


@pytest.mark.parity
def test_names_and_out_are_pytorchs(torch: Any) -> None:
    assert sorted(penlight.special.__all__) == sorted(torch.special.__all__)
    for name in torch.special.__all__:
        takes = "out=None" in getattr(torch.special, name).__doc__.partition("->")[0]
        assert takes == ("out" in inspect.signature(getattr(penlight.special, name)).parameters), (
            name
        )


@pytest.mark.parametrize(
    ("name", "more"),
    [("i1e", ()), ("zeta", (2.5,)), ("hermite_polynomial_he", (3,)), ("xlogy", (2,))],
)
def test_out_is_filled(name: str, more: tuple[float, ...]) -> None:
    x, out = penlight.full((3,), 1.5), penlight.empty(0)
    function = getattr(penlight.special, name)
    assert function(x, *more, out=out) is out
    assert out.tolist() == function(x, *more).tolist()


@pytest.mark.parity
@pytest.mark.parametrize(
    "name",
    ["airy_ai", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
     "bessel_j0", "bessel_y1", "modified_bessel_k0", "i1", "entr", "erfcx", "log_ndtr", "ndtri"],
)  # fmt: skip
def test_arguments_have_pytorchs_names(name: str, torch: Any) -> None:
    results = []
    for library in (penlight, torch):
        function, x = getattr(library.special, name), library.full((2,), 0.5)
        accepted = []
        for keyword in ("x", "input"):
            try:
                function(**{keyword: x})
                accepted.append(keyword)
            except TypeError:
                continue
        results.append(accepted)
    # PyTorch takes "self", spelled "input", and NumPy's "x" for it as well: the former must be ours
    assert set(results[0]) <= set(results[1])
    assert results[0]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_polygamma_far_below_zero(n: int) -> None:
    """Poles at whole numbers, and in between what the terms left and right give; in as few steps as above."""
    x = np.array([-1e30, -1e10, -2.0, -20.5, -100000.5])
    y = gamma.polygamma(n, x)
    assert np.isinf(y[:3]).all()
    terms = (x[3:, None] + np.arange(300_000)) ** -(n + 1.0)
    rest = (x[3:] + 300_000 - 0.5) ** -float(n) / n
    expected = (-1) ** (n + 1) * math.factorial(n) * (terms.sum(1) + rest)
    np.testing.assert_allclose(y[3:], expected, rtol=1e-5, atol=1e-12)
