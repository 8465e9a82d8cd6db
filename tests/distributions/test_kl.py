"""Divergences: every pair of the table against PyTorch, and against means over samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight import distributions as d
from penlight.distributions import kl
from penlight.distributions.kl import registry
from tests.distributions.table import ROWS, Row

ROW_OF: dict[str, Row] = {}
for _row in ROWS:
    ROW_OF.setdefault(_row.name, _row)
COMPOSED = {"ExponentialFamily", "Independent", "TransformedDistribution"}
PAIRS = sorted(
    (p.__name__, q.__name__)
    for p, q in registry._registry
    if not {p.__name__, q.__name__} & COMPOSED
)
INFINITE = {(p.__name__, q.__name__) for p, qs in kl.across._BEYOND.items() for q in qs}


FINITE = [pair for pair in PAIRS if pair not in INFINITE]

# so that q has all values that p has
UNIFORM_P = {"low": 0.1, "high": 0.9}
UNIFORM_Q = {"low": -1.0, "high": 2.0}
PARETO_Q = 0.05


def arrays_of(name: str, shape: tuple[int, ...], first: bool) -> dict[str, np.ndarray]:
    arrays = ROW_OF[name].arrays(0 if first else 1, shape, "float64")
    if name == "Uniform":
        return {n: np.full(shape, v) for n, v in (UNIFORM_P if first else UNIFORM_Q).items()}
    if name == "Pareto" and not first:
        arrays["scale"] = np.full(shape, PARETO_Q)
    return arrays


def pair_of(
    lib: Any, pair: tuple[str, str], p_shape: Any = (), q_shape: Any = ()
) -> tuple[Any, Any]:
    shapes = ((p_shape, True), (q_shape, False))
    p, q = (
        ROW_OF[name].build(lib, arrays_of(name, shape, first))[0]
        for name, (shape, first) in zip(pair, shapes, strict=True)
    )
    return p, q


@pytest.mark.parity
def test_the_table_is_pytorchs(torch: Any) -> None:
    ours = {(p.__name__, q.__name__) for p, q in registry._registry}
    theirs = {(p.__name__, q.__name__) for p, q in torch.distributions.kl._KL_REGISTRY}
    assert ours == theirs


@pytest.mark.parity
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_divergences_are_pytorchs(pair: tuple[str, str], torch: Any) -> None:
    ours = d.kl_divergence(*pair_of(penlight, pair, (2, 3), (2, 3)))
    theirs = torch.distributions.kl_divergence(*pair_of(torch, pair, (2, 3), (2, 3)))
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-8, atol=1e-10)
    assert bool(ours.isinf().any()) == (pair in INFINITE)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_batches_broadcast(pair: tuple[str, str]) -> None:
    """As PyTorch's do where it does not stumble over masks of another shape."""
    p, q = pair_of(penlight, pair, (2, 1), (3,))
    expanded = d.kl_divergence(p.expand((2, 3)), q.expand((2, 3)))
    result = d.kl_divergence(p, q)
    assert result.shape == (2, 3)
    np.testing.assert_allclose(result.numpy(), expanded.numpy(), rtol=1e-12)


@pytest.mark.parametrize("pair", FINITE, ids="-".join)
def test_divergences_are_means_over_samples(pair: tuple[str, str]) -> None:
    """The mean of ln p(x) - ln q(x) over samples of p, within 6 standard errors."""
    p, q = pair_of(penlight, pair)
    x = p.sample((20_000,))
    difference = np.array(p.log_prob(x) - q.log_prob(x))
    error = 6 * difference.std() / np.sqrt(len(difference)) + 1e-9
    assert abs(difference.mean() - d.kl_divergence(p, q).item()) < error


@pytest.mark.parametrize("pair", FINITE, ids="-".join)
def test_divergences_have_gradients(pair: tuple[str, str]) -> None:
    """Of p's parameters, against differences along a random direction."""
    row, arrays = ROW_OF[pair[0]], arrays_of(pair[0], (), True)
    _, q = pair_of(penlight, pair)
    p, tensors = row.build(penlight, arrays, grad=True)
    d.kl_divergence(p, q).backward()
    rng, h = np.random.default_rng(0), 1e-6
    for name, a in arrays.items():
        if name == "total_count":
            continue
        way = rng.normal(size=a.shape)
        if name == "covariance_matrix":
            way = way + way.T

        def at(step: float, name: str = name, a: Any = a, way: Any = way) -> float:
            moved, _ = row.build(penlight, {**arrays, name: a + step * way}, validate_args=False)
            return d.kl_divergence(moved, q).item()

        slope = (at(h) - at(-h)) / (2 * h)
        grad = float((np.array(tensors[name].grad) * way).sum())
        assert abs(slope - grad) < 1e-5 * max(1, abs(slope)), name


def test_impossible_values_make_it_infinite(lib: Any) -> None:
    D, T = lib.distributions, lib.tensor
    KL = D.kl_divergence
    assert KL(D.Bernoulli(T([0.0, 1.0, 0.5])), D.Bernoulli(T([1.0, 1.0, 0.0]))).tolist() == [
        float("inf"), 0.0, float("inf"),
    ]  # fmt: skip
    assert KL(D.Categorical(T([0.5, 0.5, 0.0])), D.Categorical(T([1.0, 0.0, 0.0]))).isinf().item()
    finite = KL(D.Categorical(T([1.0, 0.0, 0.0])), D.Categorical(T([0.5, 0.5, 0.0])))
    assert finite.item() == pytest.approx(np.log(2), rel=1e-5)
    assert KL(D.Uniform(0.0, 2.0), D.Uniform(0.0, 1.0)).isinf().item()
    assert KL(D.Uniform(-1.0, 2.0), D.Exponential(1.0)).isinf().item()
    assert KL(D.Uniform(0.0, 2.0), D.Beta(1.0, 1.0)).isinf().item()
    assert KL(D.Beta(1.0, 1.0), D.Uniform(0.5, 2.0)).isinf().item()
    assert KL(D.Pareto(1.0, 2.0), D.Pareto(2.0, 2.0)).isinf().item()
    assert KL(D.Pareto(1.0, 0.5), D.Exponential(1.0)).isinf().item()
    assert KL(D.Binomial(4, T(0.5)), D.Binomial(3, T(0.5))).isinf().item()
    with pytest.raises(NotImplementedError, match="total_count"):
        KL(D.Binomial(3, T(0.5)), D.Binomial(4, T(0.5)))
    with pytest.raises(ValueError, match="different event shapes"):
        KL(
            D.MultivariateNormal(lib.zeros(2), lib.eye(2)),
            D.MultivariateNormal(lib.zeros(3), lib.eye(3)),
        )


def test_composed_divergences(lib: Any) -> None:
    D = lib.distributions
    KL = D.kl_divergence
    p, q = D.Normal(lib.zeros(2, 3), 1.0), D.Normal(lib.ones(2, 3), 2.0)
    both = KL(D.Independent(p, 1), D.Independent(q, 1))
    assert lib.allclose(both, KL(p, q).sum(-1))
    with pytest.raises(NotImplementedError):
        KL(D.Independent(p, 1), D.Independent(q, 2))
    assert lib.allclose(
        KL(D.LogNormal(0.0, 1.0), D.LogNormal(1.0, 2.0)), KL(D.Normal(0.0, 1.0), D.Normal(1.0, 2.0))
    )
    with pytest.raises(NotImplementedError):
        KL(
            D.TransformedDistribution(p, D.ExpTransform()),
            D.TransformedDistribution(q, D.TanhTransform()),
        )
    chi = KL(D.Chi2(3.0), D.Chi2(5.0))
    assert lib.allclose(chi, KL(D.Gamma(1.5, 0.5), D.Gamma(2.5, 0.5)))
    with pytest.raises(NotImplementedError, match="p type Normal and q type Categorical"):
        KL(D.Normal(0.0, 1.0), D.Categorical(lib.ones(3)))
    a, b = (D.Wishart(lib.tensor(df), lib.eye(2)) for df in (3.0, 4.0))
    assert KL(a, a).abs().item() < 1e-5
    assert KL(a, b).item() > 0


@pytest.mark.parity
def test_divergences_of_wishart_distributions_are_pytorchs(torch: Any) -> None:
    values = []
    for lib in (penlight, torch):
        eye = lib.eye(3, dtype=lib.float64)
        p = lib.distributions.Wishart(lib.tensor(4.0, dtype=lib.float64), eye * 2)
        q = lib.distributions.Wishart(lib.tensor(5.5, dtype=lib.float64), eye + 0.3)
        values.append(lib.distributions.kl_divergence(p, q).item())
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_the_nearest_classes_decide(lib: Any) -> None:
    D = lib.distributions

    class Left(D.Normal):
        pass

    class LeftLeft(Left):
        pass

    def constant(value: float) -> Any:
        return lambda p, q: lib.tensor(value)

    table = registry._registry if lib is penlight else lib.distributions.kl._KL_REGISTRY
    memory = registry._found if lib is penlight else lib.distributions.kl._KL_MEMOIZE
    before = dict(table)
    try:
        D.register_kl(Left, D.Normal)(constant(1.0))
        D.register_kl(D.Normal, Left)(constant(2.0))
        p, left, normal = LeftLeft(0.0, 1.0), Left(0.0, 1.0), D.Normal(0.0, 1.0)
        assert D.kl_divergence(p, normal).item() == 1
        assert D.kl_divergence(normal, left).item() == 2
        with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(LeftLeft, Left\)"):
            assert D.kl_divergence(p, left).item() == 1
        D.register_kl(Left, Left)(constant(3.0))
        assert D.kl_divergence(p, left).item() == 3
    finally:
        table.clear()
        table.update(before)
        memory.clear()
    with pytest.raises(TypeError):
        D.register_kl(3, D.Normal)
