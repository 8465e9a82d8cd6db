"""What the table of families can't say: angles, correlations, mixtures, wholes made of parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import distributions as d

float64 = penlight.float64


def test_von_mises_samples_have_its_direction_and_spread() -> None:
    loc, k = penlight.tensor([0.5, -3.0, 2.0, 0.0]), penlight.tensor([0.3, 2.0, 60.0, 1e-6])
    made = d.VonMises(loc, k)
    x = np.array(made.sample((20_000,)).double())
    assert (np.abs(x) <= math.pi + 1e-6).all()
    z = np.exp(1j * x).mean(0)
    np.testing.assert_allclose(1 - np.abs(z), np.array(made.variance), atol=0.02)
    apart = np.angle(z[:3] * np.exp(-1j * np.array(loc[:3])))
    assert (np.abs(apart) < 0.05).all()


@pytest.mark.parametrize("k", [1e-6, 0.5, 2.0, 10.0, 200.0])
def test_von_mises_samples_follow_their_density(k: float) -> None:
    """Kolmogorov and Smirnov, as for the families of the table."""
    n, made = (
        10_000,
        d.VonMises(penlight.tensor(0.0, dtype=float64), penlight.tensor(k, dtype=float64)),
    )
    x = np.sort(np.array(made.sample((n,))))
    grid = np.linspace(-math.pi, math.pi, 20_001)
    density = np.array(made.log_prob(penlight.tensor(grid)).exp())
    cdf = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2) * (grid[1] - grid[0])])
    steps = np.arange(n + 1) / n
    f = np.interp(x, grid, cdf)
    assert max((f - steps[:-1]).max(), (steps[1:] - f).max()) * math.sqrt(n) < 2


@pytest.mark.parametrize("k", [0.01, 1.0, 3.7, 3.8, 50.0])
def test_von_mises_density_integrates_to_one(k: float) -> None:
    made = d.VonMises(penlight.tensor(1.0, dtype=float64), penlight.tensor(k, dtype=float64))
    x = penlight.linspace(-math.pi, math.pi, 4001, dtype=float64)
    assert abs(np.trapezoid(np.array(made.log_prob(x).exp()), np.array(x)) - 1) < 1e-6


@pytest.mark.parametrize("concentration", [0.7, 1.0, 4.0])
@pytest.mark.parametrize("dim", [2, 4])
def test_lkj_correlations_are_beta_distributed(dim: int, concentration: float) -> None:
    """All r_ij alike, (r + 1) / 2 beta distributed with a = concentration + (dim - 2) / 2."""
    lower = d.LKJCholesky(dim, concentration).sample((20_000,))
    assert bool(penlight.distributions.constraints.corr_cholesky.check(lower).all())
    r = np.array(lower @ lower.mT)[:, *np.tril_indices(dim, -1)]
    a = concentration + (dim - 2) / 2
    variance = 1 / (2 * a + 1)
    assert (np.abs(r.mean(0)) < 5 * math.sqrt(variance / 20_000)).all()
    np.testing.assert_allclose(r.var(0), variance, rtol=0.05)


def test_lkj_density_integrates_to_one() -> None:
    """For two rows L_21 = r alone is free."""
    r = np.linspace(-1, 1, 20_001)[1:-1]
    lower = np.zeros((len(r), 2, 2))
    lower[:, 0, 0], lower[:, 1, 0], lower[:, 1, 1] = 1, r, np.sqrt(1 - r * r)
    made = d.LKJCholesky(2, penlight.tensor(2.5, dtype=float64))
    # the density is that of L, of which one entry follows from the other: dL = dr / L_22 on the arc
    density = np.exp(np.array(made.log_prob(penlight.tensor(lower))))
    assert abs(np.trapezoid(density, r) - 1) < 1e-3


def test_geometric_probabilities_sum_to_one_and_samples_have_them() -> None:
    p = penlight.tensor([0.2, 0.9, 1.0])
    made = d.Geometric(p)
    k = penlight.arange(200.0).unsqueeze(-1)
    chances = made.log_prob(k).exp()
    np.testing.assert_allclose(np.array(chances.sum(0)), 1, rtol=1e-5)
    x = made.sample((20_000,))
    shares = np.array((x == 0).float().mean(0))
    np.testing.assert_allclose(shares, np.array(p), atol=0.02)


def test_kumaraswamy_mode_is_where_the_density_is_largest() -> None:
    made = d.Kumaraswamy(penlight.tensor(2.5, dtype=float64), penlight.tensor(3.0, dtype=float64))
    x = penlight.linspace(0.01, 0.99, 9801, dtype=float64)
    assert abs(x[made.log_prob(x).argmax()].item() - made.mode.item()) < 1e-3
    assert d.Kumaraswamy(0.5, 2.0).mode.isnan().item()


def test_categorical_samples_have_their_probabilities() -> None:
    probs = penlight.tensor([[0.1, 0.0, 0.9], [0.5, 0.25, 0.25]])
    x = np.array(d.Categorical(probs).sample((20_000,)))
    for row, wanted in zip(x.T, np.array(probs), strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=3) / 20_000, wanted, atol=0.02)


def test_categorical_entropy_of_impossible_categories() -> None:
    for made in (
        d.Categorical(probs=penlight.tensor([0.5, 0.5, 0.0])),
        d.Categorical(logits=penlight.tensor([0.0, 0.0, -math.inf]), validate_args=False),
    ):
        assert made.entropy().item() == pytest.approx(math.log(2), rel=1e-5)


def test_straight_through_samples_have_the_gradient_of_the_probabilities() -> None:
    probs = penlight.tensor([0.2, 0.3, 0.5], requires_grad=True)
    x = d.OneHotCategoricalStraightThrough(probs).rsample()
    assert sorted(x.tolist()) == pytest.approx([0, 0, 1])
    w = penlight.tensor([1.0, 2.0, 4.0])
    (grad,) = penlight.autograd.grad((w * x).sum(), probs)
    (expected,) = penlight.autograd.grad((w * (probs / probs.sum())).sum(), probs)
    np.testing.assert_allclose(grad.numpy(), expected.numpy(), rtol=1e-6)


def test_entropies_of_exponential_families_have_gradients() -> None:
    """The general formula, by the log-normaliser, against the normal distribution's own."""
    scale = penlight.tensor([0.5, 2.0], dtype=float64, requires_grad=True)
    made = d.Normal(penlight.zeros(2, dtype=float64), scale)
    general = d.ExponentialFamily.entropy(made)
    np.testing.assert_allclose(general.detach().numpy(), made.entropy().detach().numpy())
    (grad,) = penlight.autograd.grad(general.sum(), scale)
    np.testing.assert_allclose(grad.numpy(), 1 / scale.detach().numpy())


@pytest.mark.parametrize(
    "made",
    [d.Normal(0.3, 1.2), d.Beta(2.0, 3.0), d.Gamma(2.0, 3.0), d.Exponential(2.0), d.Bernoulli(0.3),
     d.Dirichlet(penlight.tensor([1.0, 2.0, 0.5])), d.ContinuousBernoulli(0.3),
     d.Wishart(penlight.tensor(4.0), penlight.tensor([[2.0, 0.5], [0.5, 1.0]]))],
    ids=lambda made: type(made).__name__,
)  # fmt: skip
def test_log_normalizers_belong_to_natural_parameters(made: Any) -> None:
    """KL between two of a family by the Bregman divergence of the log-normaliser; 0 to itself."""
    from penlight.distributions.kl.composed import _exponential_family

    assert abs(_exponential_family(made, made).item()) < 1e-6
    wider = type(made)(*(p.detach() * 0.9 for p in _parameters(made)))
    value = made.sample((200_000,) if type(made) is not d.Wishart else (20_000,))
    estimate = (made.log_prob(value) - wider.log_prob(value)).mean().item()
    assert _exponential_family(made, wider).item() == pytest.approx(estimate, rel=0.1, abs=3e-3)


def _parameters(made: Any) -> list[Any]:
    return [getattr(made, n) for n in type(made).__init__.__code__.co_varnames[1:] if n in (
        "loc", "scale", "concentration1", "concentration0", "concentration", "rate", "probs", "df",
        "covariance_matrix")]  # fmt: skip


# -- made of others ------------------------------------------------------------------------------


def test_independent_sums_over_its_event(lib: Any) -> None:
    base = lib.distributions.Normal(lib.zeros(4, 3, 2), 1.0)
    made = lib.distributions.Independent(base, 2)
    assert (made.batch_shape, made.event_shape) == ((4,), (3, 2))
    x = made.rsample((5,))
    assert x.shape == (5, 4, 3, 2)
    assert lib.allclose(made.log_prob(x), base.log_prob(x).sum((-1, -2)))
    assert lib.allclose(made.entropy(), base.entropy().sum((-1, -2)))
    assert repr(made).startswith("Independent(Normal(loc: torch.Size([4, 3, 2])")
    assert repr(made.support) == "IndependentConstraint(Real(), 2)"
    assert made.expand((6, 4)).log_prob(x[0]).shape == (6, 4)
    with pytest.raises(ValueError, match="reinterpreted_batch_ndims"):
        lib.distributions.Independent(base, 4)
    flat = lib.distributions.Independent(lib.distributions.Bernoulli(0.5), 0)
    assert flat.enumerate_support().tolist() == [0, 1]
    deep = lib.distributions.Independent(lib.distributions.Bernoulli(lib.ones(2) / 2), 1)
    assert not deep.has_enumerate_support
    with pytest.raises(NotImplementedError):
        deep.enumerate_support()


def mixture(lib: Any, events: int) -> Any:
    loc = lib.tensor(np.arange(12.0).reshape(2, 3, 2) if events else np.arange(6.0).reshape(2, 3))
    weights = lib.tensor([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]], dtype=lib.float64)
    base = lib.distributions.Normal(loc, lib.ones_like(loc) / 2)
    parts = lib.distributions.Independent(base, 1) if events else base
    return lib.distributions.MixtureSameFamily(lib.distributions.Categorical(weights), parts)


@pytest.mark.parity
@pytest.mark.parametrize("events", [0, 1])
def test_mixtures(events: int, torch: Any) -> None:
    ours, theirs = mixture(penlight, events), mixture(torch, events)
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    x = np.random.default_rng(0).normal(3, 2, (5, 2, 2) if events else (5, 2))
    for ask in (
        lambda m, x: m.log_prob(x), lambda m, x: m.mean, lambda m, x: m.variance,
        lambda m, x: m.expand((3, 2)).log_prob(x[:, None]),
        lambda m, x: m.mean if events else m.cdf(x),
    ):  # fmt: skip
        a, b = ask(ours, penlight.tensor(x)).numpy(), ask(theirs, torch.tensor(x)).numpy()
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("events", [0, 1])
def test_samples_of_mixtures(events: int) -> None:
    made = mixture(penlight, events)
    x = np.array(made.sample((20_000,)))
    assert x.shape == (20_000, *made.batch_shape, *made.event_shape)
    variance = np.array(made.variance)
    assert (np.abs(x.mean(0) - np.array(made.mean)) < 5 * np.sqrt(variance / 20_000)).all()
    np.testing.assert_allclose(x.var(0), variance, rtol=0.05)
    assert made.sample((2, 3)).shape == (2, 3, *made.batch_shape, *made.event_shape)
    with pytest.raises(NotImplementedError):
        made.rsample()


def test_mixtures_check_their_parts(lib: Any) -> None:
    D = lib.distributions
    weights = D.Categorical(lib.ones(3))
    with pytest.raises(ValueError, match=r"Categorical"):
        D.MixtureSameFamily(D.Normal(0.0, 1.0), D.Normal(0.0, 1.0))
    with pytest.raises(ValueError, match=r"Component"):
        D.MixtureSameFamily(weights, 3)
    with pytest.raises(ValueError, match=r"does not equal"):
        D.MixtureSameFamily(weights, D.Normal(lib.zeros(2), 1.0))
    with pytest.raises(ValueError, match=r"not compatible"):
        D.MixtureSameFamily(D.Categorical(lib.ones(2, 3)), D.Normal(lib.zeros(4, 3), 1.0))
    made = D.MixtureSameFamily(weights, D.Uniform(lib.zeros(3), lib.ones(3)))
    with pytest.raises(ValueError, match="within the support"):
        made.log_prob(lib.tensor(2.0))


def test_singular_matrices_are_told(lib: Any) -> None:
    D = lib.distributions
    with pytest.raises(ValueError, match="PositiveDefinite"):
        D.MultivariateNormal(lib.zeros(2), -lib.eye(2))
    with pytest.raises(ValueError, match="LowerCholesky"):
        D.MultivariateNormal(lib.zeros(2), scale_tril=lib.ones(2, 2))


@pytest.mark.parity
def test_one_matrix_serves_many_means(torch: Any) -> None:
    rng = np.random.default_rng(0)
    loc, matrix = rng.normal(size=(4, 1, 3)), np.eye(3) + 0.2
    x = rng.normal(size=(5, 4, 2, 3))
    for batch in ((), (2,), (4, 2), (4, 1)):
        outcome = []
        for lib in (penlight, torch):
            made = lib.distributions.MultivariateNormal(
                lib.tensor(loc), lib.tensor(np.broadcast_to(matrix, (*batch, 3, 3)).copy())
            )
            outcome.append(
                [made.log_prob(lib.tensor(x)), made.entropy(), made.variance, made.precision_matrix]
            )
        for a, b in zip(*outcome, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-12)
