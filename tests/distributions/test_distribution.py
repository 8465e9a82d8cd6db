"""What all distributions share: checks, texts, subclasses, expansion; the same in both libraries."""

from __future__ import annotations

from typing import Any

import pytest

import penlight


def bad_calls(lib: Any) -> list[tuple[Any, type[Exception], str | None]]:
    D, T = lib.distributions, lib.tensor
    normal = D.Normal(T([0.0, 1.0]), 1.0)
    return [
        (lambda: D.Normal(0.0, -1.0), ValueError, r"Expected parameter scale .* GreaterThan\(lower_bound=0.0\)"),
        (lambda: D.Normal("a", 1.0), ValueError, "must all be instances of Number"),
        (lambda: D.Normal(float("nan"), 1.0), ValueError, "Expected parameter loc"),
        (lambda: normal.log_prob(1.0), ValueError, "must be a Tensor"),
        (lambda: normal.log_prob(T([1.0, 2, 3])), ValueError, "not broadcastable"),
        (lambda: normal.cdf(T([float("nan"), 0])), ValueError, "within the support"),
        (lambda: D.Uniform(1.0, 0.0), ValueError, r"LessThan\(upper_bound=0.0\)"),
        (lambda: D.Uniform(0.0, 1.0).log_prob(T(3.0)), ValueError, "within the support"),
        (lambda: D.Bernoulli(), ValueError, "Either `probs` or `logits`"),
        (lambda: D.Bernoulli(T(0.5), T(0.5)), ValueError, "not both"),
        (lambda: D.Bernoulli(0.3).log_prob(T(0.5)), ValueError, r"Boolean\(\)"),
        (lambda: D.ContinuousBernoulli(1.3, validate_args=True), ValueError, "probs has invalid values"),
        (lambda: D.Geometric(0.0), ValueError, "to be positive"),
        (lambda: D.Categorical(T(1.0)), ValueError, "`probs` parameter must be at least one-dim"),
        (lambda: D.Categorical(logits=T(1.0)), ValueError, "`logits` parameter must be at least"),
        (lambda: D.Categorical(T([-1.0, 2.0])), ValueError, "Expected parameter probs"),
        (lambda: D.Categorical(lib.ones(3)).log_prob(T(5)), ValueError, r"IntegerInterval\(lower_bound=0, upper_bound=2\)"),
        (lambda: D.Dirichlet(T(1.0)), ValueError, "at least one-dimensional"),
        (lambda: D.Dirichlet(lib.ones(3)).log_prob(T([0.2, 0.3, 0.6])), ValueError, r"Simplex\(\)"),
        (lambda: D.Dirichlet(lib.ones(3)).log_prob(lib.ones(2)), ValueError, "right-most size of value"),
        (lambda: D.Multinomial(T(3), lib.ones(3)), NotImplementedError, "inhomogeneous total_count"),
        (lambda: D.Multinomial(3, lib.ones(3)).log_prob(T([1.0, 1, 3])), ValueError, r"Multinomial\(\)"),
        (lambda: D.Binomial(T(3.0)), ValueError, "Either `probs` or `logits`"),
        (lambda: D.Binomial(T(3.5), T(0.5)), ValueError, "total_count"),
        (lambda: D.Binomial(T([3.0, 4.0]), T(0.5)).enumerate_support(), NotImplementedError, "Inhomogeneous"),
        (lambda: D.Binomial(T([3.0, 4.0]), T(0.5)).entropy(), NotImplementedError, "Inhomogeneous"),
        (lambda: D.MultivariateNormal(lib.zeros(2)), ValueError, "Exactly one of"),
        (lambda: D.MultivariateNormal(T(0.0), lib.eye(2)), ValueError, "loc must be at least one-dim"),
        (lambda: D.MultivariateNormal(lib.zeros(2), T(1.0)), ValueError, "covariance_matrix must be at least two"),
        (lambda: D.MultivariateNormal(lib.zeros(2), scale_tril=T(1.0)), ValueError, "scale_tril matrix must be"),
        (lambda: D.LowRankMultivariateNormal(T(0.0), lib.ones(2, 1), lib.ones(3)), ValueError, "loc must be"),
        (lambda: D.LowRankMultivariateNormal(lib.zeros(2), T(1.0), lib.ones(2)), ValueError, "cov_factor must be"),
        (lambda: D.LowRankMultivariateNormal(lib.zeros(2), lib.ones(3, 1), lib.ones(2)), ValueError, "2 x m"),
        (lambda: D.LowRankMultivariateNormal(lib.zeros(2), lib.ones(2, 1), lib.ones(3)), ValueError, "cov_diag must be"),
        (lambda: D.Wishart(T(1.0), lib.eye(2)), ValueError, "expected to be greater than ndim - 1"),
        (lambda: D.Wishart(T(3.0), T(1.0)), ValueError, "at least two-dimensional"),
        (lambda: D.Wishart(3.0), AssertionError, "Exactly one of"),
        (lambda: D.LKJCholesky(1), ValueError, "greater than or equal to 2"),
        (lambda: D.TransformedDistribution(normal, 3), ValueError, "must be a Transform or list"),
        (lambda: D.TransformedDistribution(normal, [3]), ValueError, "list of Transforms"),
        (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform()), ValueError, "at least 1"),
        (lambda: D.Bernoulli(0.3).cdf(T(1.0)), NotImplementedError, None),
        (lambda: D.Bernoulli(0.3).icdf(T(1.0)), NotImplementedError, None),
        (lambda: D.Bernoulli(0.3).rsample(), NotImplementedError, None),
        (lambda: normal.enumerate_support(), NotImplementedError, None),
        (lambda: D.ContinuousBernoulli(0.3).mode, NotImplementedError, "does not implement mode"),
        (lambda: normal.expand((3,)), RuntimeError, None),
        (lambda: D.Distribution.set_default_validate_args(3), ValueError, None),
    ]  # fmt: skip


COUNT = len(bad_calls(penlight))


@pytest.mark.parametrize("nr", range(COUNT))
def test_bad_calls_are_refused(nr: int, lib: Any) -> None:
    call, error, match = bad_calls(lib)[nr]
    with pytest.raises(error, match=match):
        call()


def test_numbers_become_tensors(lib: Any) -> None:
    made = lib.distributions.Normal(0, 1)
    assert made.loc.dtype == lib.float32
    assert made.batch_shape == ()
    assert repr(made) == "Normal(loc: 0.0, scale: 1.0)"
    wide = lib.distributions.Normal(lib.zeros(3, dtype=lib.float64), 1)
    assert wide.scale.dtype == lib.float64
    assert repr(wide) == "Normal(loc: torch.Size([3]), scale: torch.Size([3]))"


def test_checks_can_be_switched_off(lib: Any) -> None:
    D = lib.distributions
    assert D.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    assert D.Uniform(0.0, 1.0, validate_args=False).log_prob(lib.tensor(3.0)).item() == -float(
        "inf"
    )
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
        with pytest.raises(ValueError, match="scale"):
            D.Normal(0.0, -1.0, validate_args=True)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_probabilities_and_logits_follow_from_each_other(lib: Any) -> None:
    made = lib.distributions.Bernoulli(logits=lib.tensor([0.0, 2.0]))
    assert "probs" not in vars(made)
    assert repr(made) == "Bernoulli(logits: torch.Size([2]))"
    probs = made.probs
    assert made.probs is probs
    assert lib.allclose(probs, lib.sigmoid(lib.tensor([0.0, 2.0])))
    assert repr(made) == "Bernoulli(probs: torch.Size([2]), logits: torch.Size([2]))"
    assert made.param_shape == (2,)
    certain = lib.distributions.Bernoulli(probs=lib.tensor([0.0, 1.0]))
    assert bool(lib.isfinite(certain.logits).all())


def test_lazy_properties_keep_their_graph_under_no_grad(lib: Any) -> None:
    probs = lib.tensor([0.3], requires_grad=True)
    made = lib.distributions.Bernoulli(probs)
    with lib.no_grad():
        assert made.logits.requires_grad


def test_subclasses_must_expand_what_they_add(lib: Any) -> None:
    D = lib.distributions

    class Shifted(D.Normal):
        def __init__(self, loc: Any, shift: Any) -> None:
            self.shift = shift
            super().__init__(loc + shift, 1.0)

    class Expanding(Shifted):
        def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
            new = self._get_checked_instance(Expanding, _instance)
            new.shift = self.shift.expand(batch_shape)
            return super().expand(batch_shape, _instance=new)

    class Plain(D.Normal):
        pass

    loc = lib.zeros(3)
    with pytest.raises(NotImplementedError, match=r"must also define a custom .expand"):
        Shifted(loc, loc).expand((2, 3))
    larger = Expanding(loc, loc).expand((2, 3))
    assert type(larger) is Expanding
    assert larger.shift.shape == larger.loc.shape == larger.batch_shape == (2, 3)
    assert type(Plain(loc, 1.0).expand((2, 3))) is Plain


def test_families_of_ones_own(lib: Any) -> None:
    D = lib.distributions

    class Triangular(D.Distribution):
        arg_constraints = {"top": D.constraints.positive}  # noqa: RUF012
        support = D.constraints.positive
        has_rsample = True

        def __init__(self, top: Any) -> None:
            self.top = top
            super().__init__(top.shape)

        def rsample(self, sample_shape: Any = ()) -> Any:
            return self.top * lib.rand(self._extended_shape(sample_shape)).sqrt()

        @property
        def variance(self) -> Any:
            return self.top.square() / 18

        def log_prob(self, value: Any) -> Any:
            if self._validate_args:
                self._validate_sample(value)
            return (2 * value / self.top.square()).log()

    made = Triangular(lib.tensor([1.0, 2.0]))
    assert made.sample((3,)).shape == (3, 2)
    assert lib.allclose(made.stddev, made.top / 18**0.5)
    assert repr(made) == "Triangular(top: torch.Size([2]))"
    with pytest.raises(ValueError, match="Expected parameter top"):
        Triangular(lib.tensor([-1.0]))
    with pytest.raises(ValueError, match="support"):
        made.log_prob(lib.tensor(-1.0))
    for missing in (
        lambda: made.mean,
        lambda: made.mode,
        made.entropy,
        lambda: made.expand((4, 2)),
    ):
        with pytest.raises(NotImplementedError):
            missing()
    assert D.Independent(made, 1).log_prob(lib.ones(2)).shape == ()


def test_families_without_constraints_warn(lib: Any) -> None:
    class Nothing(lib.distributions.Distribution):
        pass

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        made = Nothing()
    with pytest.warns(UserWarning, match="does not define `support`"):
        made._validate_sample(lib.tensor(1.0))
    with pytest.warns(FutureWarning, match="sample_n"):
        assert lib.distributions.Normal(0.0, 1.0).sample_n(3).shape == (3,)


def test_triangles_and_vectors(lib: Any) -> None:
    U = lib.distributions.utils
    for diag in (-2, -1, 0, 1):
        mat = lib.arange(16.0).reshape(4, 4).tril(diag)
        vec = U.tril_matrix_to_vec(mat, diag)
        assert lib.equal(U.vec_to_tril_matrix(vec, diag), mat)
    batch = lib.arange(12.0).reshape(2, 6)
    assert U.vec_to_tril_matrix(batch).shape == (2, 3, 3)
    with pytest.raises((ValueError, RuntimeError), match=r"cannot be expressed|shape mismatch"):
        U.vec_to_tril_matrix(lib.ones(4))
    with pytest.raises(ValueError, match="outside"):
        U.tril_matrix_to_vec(lib.ones(2, 2), 2)


def test_the_policy_gradient(lib: Any) -> None:
    """d/dlogits of -ln p(action) is p - onehot(action)."""
    logits = lib.tensor([[0.5, -1.0, 2.0]], requires_grad=True)
    made = lib.distributions.Categorical(logits=logits)
    action = lib.tensor([2])
    (-made.log_prob(action)).sum().backward()
    expected = made.probs.detach() - lib.nn.functional.one_hot(action, 3)
    assert lib.allclose(logits.grad, expected, atol=1e-6)
