"""Gamma and Dirichlet samples, their movement, and the incomplete gamma function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.kernels import implicit

SHAPES = (0.02, 0.3, 1.0, 2.5, 40.0, 3000.0)


def digamma(a: float) -> float:
    h = 1e-5 * a
    return (math.lgamma(a + h) - math.lgamma(a - h)) / (2 * h)


def movement(log_density: Any, mean: float, a: float, x: float) -> float:
    """-(dF/da) / p(x) = the integral of (mean - ln t) p(t) / p(x) from 0 to x, by many trapezoids.

    Args:
        log_density: ln p(t) - ln p(x) + ln(t / x), the logarithm of the density of ln t.
        mean: E ln t.
    """
    v = np.concatenate([[0], np.geomspace(1e-12, 60 / min(a, 1), 100_000)])
    u = math.log(x) - v
    return x * np.trapezoid((mean - u) * np.exp(log_density(u) - log_density(u[0])), v)


@pytest.mark.parametrize("a", SHAPES)
@pytest.mark.parametrize("quantile", [-1.5, -0.2, 0.0, 0.3, 2.0])
def test_movement_of_gamma_samples(a: float, quantile: float) -> None:
    x = a * math.exp(quantile / math.sqrt(max(a, 0.5)))
    expected = movement(lambda u: a * u - np.exp(u), digamma(a), a, x)
    for dtype, tolerance in (("float64", 1e-5), ("float32", 5e-5)):
        alpha, value = np.array([a], dtype), np.array([x], dtype)
        grad = implicit.gamma_grad(alpha, value)
        assert grad.dtype == dtype
        assert grad[0] == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("a", SHAPES)
@pytest.mark.parametrize("b", [0.3, 2.0, 100.0])
@pytest.mark.parametrize("share", [0.3, 0.99, 1.03])
def test_movement_of_beta_samples(a: float, b: float, share: float) -> None:
    mean = a / (a + b)
    x = mean * share if share < 1 else 1 - (1 - mean) / share

    def log_density(u: np.ndarray) -> np.ndarray:
        return a * u + (b - 1) * np.log1p(-np.exp(u))

    expected = movement(log_density, digamma(a) - digamma(a + b), a, x) / (1 - x)
    grad = implicit.dirichlet_grad(np.array([x]), np.array([a]), np.array([a + b]))
    assert grad[0] == pytest.approx(expected, rel=2e-5)


@pytest.mark.parity
def test_movement_is_pytorchs(torch: Any) -> None:
    """PyTorch's is an approximation to three digits."""
    rng = np.random.default_rng(0)
    alpha = 10 ** rng.uniform(-1, 3, 4000)
    x = np.maximum(rng.standard_gamma(alpha), 1e-300)
    theirs = torch._standard_gamma_grad(torch.tensor(alpha), torch.tensor(x)).numpy()
    np.testing.assert_allclose(implicit.gamma_grad(alpha, x), theirs, rtol=3e-3)
    alpha = 10 ** rng.uniform(-0.5, 2, (2000, 3))
    x = implicit.dirichlet_sample(alpha, rng)
    total = np.broadcast_to(alpha.sum(-1, keepdims=True), alpha.shape).copy()
    theirs = torch._dirichlet_grad(*(torch.tensor(v) for v in (x, alpha, total))).numpy()
    np.testing.assert_allclose(implicit.dirichlet_grad(x, alpha, total), theirs, rtol=1e-2)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["Gamma", "Beta", "Dirichlet", "Chi2", "InverseGamma"])
def test_gradients_of_samples_are_pytorchs(name: str, torch: Any) -> None:
    """Of the same value, with the derivatives that PyTorch's own rsample uses."""
    a = np.array([[0.7, 2.0, 5.0], [1.0, 0.3, 30.0]])
    grads = []
    penlight.manual_seed(0)
    for lib in (penlight, torch):
        p = lib.tensor(a, requires_grad=True)
        parameters = (p,) if name in ("Dirichlet", "Chi2") else (p, p.flip(-1))
        made = getattr(lib.distributions, name)(*parameters)
        if lib is penlight:
            x = made.rsample()
            value = x.detach().numpy()
        else:
            x = _with_pytorchs_gradient(torch, name, made, value)
        x.sin().sum().backward()
        grads.append(p.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=5e-3, atol=1e-4)


def _with_pytorchs_gradient(torch: Any, name: str, made: Any, value: np.ndarray) -> Any:
    """A tensor of that value whose gradient is that of PyTorch's rsample."""
    x = torch.tensor(value)

    class Gamma(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, alpha: Any, g: Any) -> Any:
            ctx.save_for_backward(alpha, g)
            return g.clone()

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy * torch._standard_gamma_grad(*ctx.saved_tensors), None

    class Dirichlet(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, alpha: Any, g: Any) -> Any:
            ctx.save_for_backward(alpha, g)
            return g.clone()

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            alpha, g = ctx.saved_tensors
            total = alpha.sum(-1, True).expand_as(alpha)
            return torch._dirichlet_grad(g, alpha, total) * (dy - (g * dy).sum(-1, True)), None

    if name in ("Gamma", "Chi2"):
        return Gamma.apply(made.concentration, x * made.rate.detach()) / made.rate
    if name == "InverseGamma":
        base = made.base_dist
        return base.rate / Gamma.apply(base.concentration, base.rate.detach() / x)
    if name == "Dirichlet":
        return Dirichlet.apply(made.concentration, x)
    both = made._dirichlet.concentration
    return Dirichlet.apply(both, torch.stack([x, 1 - x], -1))[..., 0]


def test_student_t_moves_with_its_chi2() -> None:
    """With the derivative of x = z sqrt(df / v): through df itself and through v."""
    df = penlight.tensor([3.0, 8.0], dtype=penlight.float64, requires_grad=True)
    penlight.manual_seed(5)
    x = penlight.distributions.StudentT(df).rsample()
    (grad,) = penlight.autograd.grad(x.sum(), df)
    penlight.manual_seed(5)
    z = penlight.randn(2, dtype=penlight.float64)
    assert bool((z.sign() == x.sign()).all())
    v = df * (z / x.detach()).square()
    by_chi2 = implicit.gamma_grad(df.detach().numpy() / 2, v.detach().numpy() / 2)  # dv/ddf
    expected = x.detach() * (0.5 / df - 0.5 / v * penlight.tensor(by_chi2))
    np.testing.assert_allclose(grad.numpy(), expected.detach().numpy(), rtol=1e-10)


def test_gradients_of_dirichlet_means() -> None:
    """E f(x) differentiated through the samples: of f = x_0, d/da of a_0 / sum a."""
    alpha = penlight.tensor([0.5, 1.5, 3.0], dtype=penlight.float64, requires_grad=True)
    x = penlight.distributions.Dirichlet(alpha).rsample((20_000,))
    (grad,) = penlight.autograd.grad(x[:, 0].mean(), alpha)
    mean = alpha[0] / alpha.sum()
    (expected,) = penlight.autograd.grad(mean, alpha)
    np.testing.assert_allclose(grad.numpy(), expected.numpy(), atol=3e-3)


@pytest.mark.parametrize("a", [1e-4, 0.05, 0.7, 1.0, 6.0, 500.0])
def test_gamma_samples(a: float) -> None:
    """Mean and variance within 5 standard errors, and ln x where x is all but 0."""
    n = 20_000
    x = implicit.gamma_sample(np.full(n, a), np.random.default_rng(0))
    assert (x >= np.finfo(np.float64).tiny).all()
    assert abs(x.mean() - a) < 5 * math.sqrt(a / n)
    fourth = 3 * a * a + 6 * a
    assert abs(x.var() - a) < 5 * math.sqrt((fourth - a * a) / n) + 1e-3 * a


def test_dirichlet_samples_of_tiny_concentrations_are_one_hot() -> None:
    x = implicit.dirichlet_sample(np.full((2000, 3), 1e-5, np.float32), np.random.default_rng(0))
    assert x.dtype == np.float32
    assert (x.max(-1) > 0.99).mean() > 0.99
    np.testing.assert_allclose(np.bincount(x.argmax(-1)) / 2000, 1 / 3, atol=0.05)


def test_samples_do_not_depend_on_threads() -> None:
    alpha = np.random.default_rng(0).gamma(2, 2, 5000)
    x = implicit.gamma_sample(alpha, np.random.default_rng(1))
    once = implicit.gamma_grad(alpha, x)
    threads = penlight.get_num_threads()
    penlight.set_num_threads(1)
    try:
        np.testing.assert_array_equal(once, implicit.gamma_grad(alpha, x))
    finally:
        penlight.set_num_threads(threads)


def test_strange_input() -> None:
    empty = np.empty((0, 3), np.float32)
    assert implicit.gamma_grad(empty, empty).shape == (0, 3)
    assert implicit.gamma_sample(empty, np.random.default_rng(0)).shape == (0, 3)
    assert implicit.dirichlet_sample(empty, np.random.default_rng(0)).shape == (0, 3)
    assert implicit.gamma_grad(np.array(2.0), np.array(1.0)).shape == ()
    assert np.isnan(implicit.gamma_sample(np.array([np.nan]), np.random.default_rng(0)))
    assert np.isnan(implicit.gamma_grad(np.array([np.nan, 1]), np.array([1, np.nan]))).all()
    with pytest.raises(RuntimeError, match="must not be negative"):
        penlight._standard_gamma(penlight.tensor([-1.0]))
    with pytest.raises(RuntimeError, match="must not be negative"):
        penlight._sample_dirichlet(penlight.tensor([-1.0, 1.0]))
    with pytest.raises(NotImplementedError):
        penlight._standard_gamma(penlight.tensor([1, 2]))


def test_second_derivatives_of_samples_are_refused() -> None:
    alpha = penlight.tensor([1.0, 2.0], requires_grad=True)
    for sample in (penlight._standard_gamma(alpha), penlight._sample_dirichlet(alpha)):
        (grad,) = penlight.autograd.grad(sample.square().sum(), alpha, create_graph=True)
        with pytest.raises(NotImplementedError, match="not implemented"):
            grad.sum().backward()


# -- the incomplete gamma function ---------------------------------------------------------------


@pytest.mark.parity
def test_incomplete_gamma_is_pytorchs(torch: Any) -> None:
    rng = np.random.default_rng(0)
    a = 10 ** rng.uniform(-3, 4, 3000)
    x = a * np.exp(rng.normal(0, 2, 3000) / np.sqrt(np.maximum(a, 0.3)))
    for name in ("gammainc", "gammaincc"):
        ours = getattr(penlight.special, name)(penlight.tensor(a), penlight.tensor(x)).numpy()
        theirs = getattr(torch.special, name)(torch.tensor(a), torch.tensor(x)).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-250)


@pytest.mark.parity
def test_incomplete_gamma_at_the_ends(torch: Any) -> None:
    ends = [0.0, -1.0, math.inf, 1.0, 1e6]
    a, x = (v.reshape(-1) for v in np.meshgrid(ends, ends))
    for name in ("gammainc", "gammaincc"):
        ours = getattr(penlight.special, name)(penlight.tensor(a), penlight.tensor(x)).numpy()
        theirs = getattr(torch.special, name)(torch.tensor(a), torch.tensor(x)).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, err_msg=name)
        nan = penlight.tensor([math.nan, 1.0]), penlight.tensor([1.0, math.nan])
        assert bool(getattr(penlight.special, name)(*nan).isnan().all())


def test_incomplete_gamma_of_whole_numbers() -> None:
    """P(n, x) = 1 - e^-x sum_{k<n} x^k / k!."""
    for n in (1, 2, 5):
        for x in (0.1, 1.0, 5.0, 20.0):
            upper = math.exp(-x) * sum(x**k / math.factorial(k) for k in range(n))
            of = penlight.tensor(float(n)), penlight.tensor(x)
            assert penlight.special.gammaincc(*of).item() == pytest.approx(upper, rel=1e-5)
            assert penlight.special.gammainc(*of).item() == pytest.approx(1 - upper, rel=1e-5)


def test_gradients_of_incomplete_gamma() -> None:
    a = penlight.tensor([0.3, 1.0, 4.0], dtype=penlight.float64, requires_grad=True)
    x = penlight.tensor(
        [[0.2, 0.9, 3.0], [1.4, 2.0, 9.0]], dtype=penlight.float64, requires_grad=True
    )
    for function in (penlight.special.gammainc, penlight.special.gammaincc):
        assert penlight.autograd.gradcheck(function, (a, x))
        assert penlight.autograd.gradgradcheck(lambda x, f=function: f(a.detach(), x), (x,))


def test_incomplete_gamma_takes_floats_alone() -> None:
    with pytest.raises(NotImplementedError):
        penlight.special.gammainc(penlight.tensor([1]), penlight.tensor([2]))
