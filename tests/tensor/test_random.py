"""Random numbers: repeatable, of the right dtype and distribution, refused where they make no sense."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import penlight

N = 20_000

# each: what is drawn, its mean, its variance (None: it has none)
DISTRIBUTIONS: dict[str, tuple[Any, float, float | None]] = {
    "rand": (lambda t, **k: t.rand(N, **k), 0.5, 1 / 12),
    "randn": (lambda t, **k: t.randn(N, **k), 0, 1),
    "randint": (lambda t, **k: t.randint(-2, 5, (N,), **k).float(), 1, 4),
    "randperm": (lambda t, **k: t.randperm(N, **k).float() / N, 0.5, 1 / 12),
    "normal numbers": (lambda t, **k: t.normal(2.0, 3.0, (N,), **k), 2, 9),
    "normal tensors": (lambda t, **k: t.normal(t.full((N,), 1.0), t.full((1,), 2.0), **k), 1, 4),
    "normal_": (lambda t, **k: t.zeros(N).normal_(-1, 0.5, **k), -1, 0.25),
    "uniform_": (lambda t, **k: t.zeros(N).uniform_(-1, 3, **k), 1, 16 / 12),
    "bernoulli": (lambda t, **k: t.bernoulli(t.full((N,), 0.3), **k), 0.3, 0.21),
    "bernoulli p": (lambda t, **k: t.bernoulli(t.zeros(N), 0.3, **k), 0.3, 0.21),
    "bernoulli_": (lambda t, **k: t.zeros(N).bernoulli_(0.3, **k), 0.3, 0.21),
    "bernoulli_ tensor": (lambda t, **k: t.zeros(N).bernoulli_(t.tensor([0.3]), **k), 0.3, 0.21),
    "exponential_": (lambda t, **k: t.zeros(N).exponential_(2, **k), 0.5, 0.25),
    "geometric_": (lambda t, **k: t.zeros(N).geometric_(0.25, **k), 4, 12),
    "log_normal_": (lambda t, **k: t.zeros(N).log_normal_(0.5, 0.3, **k).log(), 0.5, 0.09),
    "cauchy_": (lambda t, **k: t.zeros(N).cauchy_(1, 2, **k).sub(1).div(2).atan(), 0, math.pi**2 / 12),
    "random_": (lambda t, **k: t.zeros(N).random_(2, 9, **k), 5, 4),
    "random_ one": (lambda t, **k: t.zeros(N).random_(7, **k), 3, 4),
    "poisson": (lambda t, **k: t.poisson(t.full((N,), 3.0), **k), 3, 3),
    "binomial": (lambda t, **k: t.binomial(t.full((N,), 10.0), t.full((N,), 0.3), **k), 3, 2.1),
    "rand_like": (lambda t, **k: t.rand_like(t.zeros(N), **k), 0.5, 1 / 12),
    "randn_like": (lambda t, **k: t.randn_like(t.zeros(N), **k), 0, 1),
    "randint_like": (lambda t, **k: t.randint_like(t.zeros(N), 1, 4, **k), 2, 2 / 3),
    "multinomial": (
        lambda t, **k: t.multinomial(t.tensor([1.0, 2.0, 1.0]), N, True, **k).float(), 1, 0.5,
    ),
}  # fmt: skip
each = pytest.mark.parametrize("name", DISTRIBUTIONS)


@each
def test_mean_and_variance(name: str) -> None:
    """Within six standard errors; the seed is fixed, so it passes or fails always."""
    draw, mean, variance = DISTRIBUTIONS[name]
    x = draw(penlight, generator=penlight.Generator().manual_seed(1)).double()
    assert x.shape == (N,)
    assert abs(x.mean().item() - mean) < 6 * math.sqrt((variance or 1) / N)
    assert x.var().item() == pytest.approx(variance, rel=0.1)


@each
def test_same_seed_same_bits(name: str) -> None:
    draw = DISTRIBUTIONS[name][0]

    def once() -> bytes:
        generator = penlight.Generator().manual_seed(5)
        return draw(penlight, generator=generator).numpy().tobytes()  # type: ignore[no-any-return]

    state = penlight.get_rng_state()
    assert once() == once()
    assert penlight.equal(penlight.get_rng_state(), state), "the default generator was used"
    penlight.manual_seed(7)
    first = draw(penlight)
    penlight.manual_seed(7)
    assert penlight.equal(first, draw(penlight))
    assert not penlight.equal(first, draw(penlight))


@pytest.mark.parity
@each
def test_shape_dtype_and_moments_are_pytorchs(name: str, torch: Any) -> None:
    draw, mean, variance = DISTRIBUTIONS[name]
    torch.manual_seed(0)
    theirs, ours = draw(torch), draw(penlight)
    assert (tuple(ours.shape), str(ours.dtype)) == (tuple(theirs.shape), str(theirs.dtype))
    assert abs(theirs.double().mean().item() - mean) < 8 * math.sqrt((variance or 1) / N)
    assert theirs.double().var().item() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize("d", ["float16", "float32", "float64", "complex64"])
def test_floating_dtypes(d: str) -> None:
    dtype = getattr(penlight, d)
    assert penlight.randn(3, dtype=dtype).dtype is dtype
    x = penlight.rand(N, dtype=dtype)
    assert x.dtype is dtype
    if dtype.is_floating_point:
        assert 0 <= x.min().item() <= x.max().item() < 1
        assert penlight.zeros(3, dtype=dtype).uniform_(2, 3).dtype is dtype
    else:
        z = penlight.randn(N, dtype=dtype)
        assert z.abs().square().mean().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("d", ["int8", "uint8", "int16", "int32", "int64", "bool"])
def test_integer_dtypes(d: str) -> None:
    dtype = getattr(penlight, d)
    x = penlight.zeros(1000, dtype=dtype).random_()
    assert x.dtype is dtype
    if d == "bool":
        assert x.unique().tolist() == [False, True]
    else:
        half = penlight.iinfo(dtype).max / 2
        assert 0 <= x.min().item() < half < x.max().item()
    assert penlight.zeros(9, dtype=dtype).bernoulli_(0.5).dtype is dtype
    assert penlight.randint(0, 2, (3,), dtype=dtype).dtype is dtype


def test_multinomial_without_replacement_draws_each_once() -> None:
    w = penlight.tensor([[0.1, 0.0, 0.5, 0.4], [1.0, 1.0, 1.0, 1.0]])
    x = penlight.multinomial(w, 3)
    assert sorted(x[0].tolist()) == [0, 2, 3]
    assert len(set(x[1].tolist())) == 3
    assert w[0].multinomial(1).shape == (1,)
    first = [penlight.multinomial(w[0], 2)[0].item() for _ in range(2000)]
    assert np.mean(np.array(first) == 2) == pytest.approx(0.5, abs=0.05)


def test_multinomial_never_draws_weight_zero() -> None:
    w = penlight.tensor([0.0, 1.0, 0.0, 2.0, 0.0])
    assert set(penlight.multinomial(w, 5000, True).unique().tolist()) == {1, 3}


def test_in_place_numbers_have_zero_gradient() -> None:
    leaf = penlight.ones(3, requires_grad=True)
    y = leaf * 2
    y.normal_()
    (y.sum() + leaf.sum()).backward()
    assert leaf.grad.tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.uniform_()
    with penlight.no_grad():
        assert leaf.uniform_() is leaf


def test_fork_rng_leaves_no_trace() -> None:
    state = penlight.get_rng_state()
    with penlight.random.fork_rng():
        penlight.randn(10)
    assert penlight.equal(penlight.get_rng_state(), state)


def test_what_is_no_generator_is_refused() -> None:
    with pytest.raises(TypeError, match="Generator"):
        penlight.rand(2, generator=3)


def test_categories_that_cannot_be_are_never_drawn_by_rounding() -> None:
    """1 + (1 - 2^-53) rounds to 2, where the next row begins; the category stays the row's last."""
    from penlight.tensor.distributions import _inverted

    u = np.array([[1 - 2.0**-53, 0.0], [1 - 2.0**-53, 0.6], [1 - 2.0**-53, 0.3]])
    rows = np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 0.0], [3.0, 0.0, 0.0]])
    np.testing.assert_array_equal(_inverted(rows, u), [[2, 1], [1, 1], [0, 0]])
