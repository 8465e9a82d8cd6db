"""Transforms: values, inverses, Jacobians, domains, caches; the registry; transformed distributions."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import distributions as d

real, positive, unit = (0.0, 1.0), (0.3, 2.0), (0.1, 0.9)


def composed(D: Any, T: Any) -> Any:
    return D.ComposeTransform(
        [D.AffineTransform(T(0.5), T(-1.5)), D.SigmoidTransform(), D.ExpTransform()]
    )


def mixed(D: Any, T: Any) -> Any:
    """Of numbers, then of vectors."""
    return D.ComposeTransform([D.TanhTransform(), D.StickBreakingTransform()])


TRANSFORMS: dict[str, Any] = {
    "exp": (lambda D, T: D.ExpTransform(), real, (2, 3)),
    "exp inverse": (lambda D, T: D.ExpTransform().inv, positive, (2, 3)),
    "sigmoid": (lambda D, T: D.SigmoidTransform(), real, (2, 3)),
    "tanh": (lambda D, T: D.TanhTransform(), real, (2, 3)),
    "softplus": (lambda D, T: D.SoftplusTransform(), real, (2, 3)),
    "power": (lambda D, T: D.PowerTransform(T([2.0, -0.5, 3.0])), positive, (2, 3)),
    "power number": (lambda D, T: D.PowerTransform(2), positive, (2, 3)),
    "affine": (lambda D, T: D.AffineTransform(T([1.0, 2, 3]), T([-2.0, 0.5, 1])), real, (2, 3)),
    "affine numbers": (lambda D, T: D.AffineTransform(1, -2.5), real, (2, 3)),
    "affine events": (lambda D, T: D.AffineTransform(0.5, 2.0, event_dim=1), real, (2, 3)),
    "cdf": (lambda D, T: D.CumulativeDistributionTransform(D.Normal(T(0.5), T(2.0))), real, (2, 3)),
    "stick breaking": (lambda D, T: D.StickBreakingTransform(), real, (2, 3)),
    "correlation": (lambda D, T: D.CorrCholeskyTransform(), real, (2, 6)),
    "reshape": (lambda D, T: D.ReshapeTransform((2, 3), (3, 2, 1)), real, (4, 2, 3)),
    "independent": (lambda D, T: D.IndependentTransform(D.ExpTransform(), 1), real, (2, 3)),
    "composed": (composed, real, (2, 3)),
    "composed inverse": (lambda D, T: composed(D, T).inv, (1.1, 2.6), (2, 3)),
    "mixed": (mixed, real, (2, 3)),
    "identity": (lambda D, T: D.identity_transform, real, (2, 3)),
    "cat": (lambda D, T: D.CatTransform([D.ExpTransform(), D.TanhTransform()], 1, [1, 2]), real, (2, 3)),
    "stack": (lambda D, T: D.StackTransform([D.ExpTransform(), D.TanhTransform()], 0), real, (2, 3)),
}  # fmt: skip
ONTO = {
    "abs": (lambda D, T: D.AbsTransform(), real, (2, 3)),
    "softmax": (lambda D, T: D.SoftmaxTransform(), real, (2, 3)),
    "lower cholesky": (lambda D, T: D.LowerCholeskyTransform(), real, (2, 3, 3)),
    "positive definite": (lambda D, T: D.PositiveDefiniteTransform(), real, (2, 3, 3)),
}  # fmt: skip
ALL = {**TRANSFORMS, **ONTO}


def case(name: str, lib: Any) -> tuple[Any, Any]:
    """The transform and points of its domain."""
    make, (low, high), shape = ALL[name]
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, shape) if (low, high) == real else rng.uniform(low, high, shape)
    return make(lib.distributions, lambda v: lib.tensor(v, dtype=lib.float64)), lib.tensor(x)


@pytest.mark.parity
@pytest.mark.parametrize("name", ALL)
def test_transforms_are_pytorchs(name: str, torch: Any) -> None:
    (ours, x), (theirs, z) = case(name, penlight), case(name, torch)
    y, w = ours(x), theirs(z)
    np.testing.assert_allclose(y.numpy(), w.numpy(), rtol=1e-10)
    np.testing.assert_allclose(ours.inv(y).numpy(), theirs.inv(w).numpy(), rtol=1e-7, atol=1e-12)
    assert ours.bijective == theirs.bijective
    assert repr(ours) == repr(theirs)
    assert repr(ours.inv) == repr(theirs.inv)
    assert repr(ours.domain) == repr(theirs.domain)
    assert repr(ours.codomain) == repr(theirs.codomain)
    assert ours.domain.event_dim == theirs.domain.event_dim
    assert ours.codomain.event_dim == theirs.codomain.event_dim
    assert tuple(ours.forward_shape(x.shape)) == tuple(theirs.forward_shape(z.shape))
    assert tuple(ours.inverse_shape(y.shape)) == tuple(theirs.inverse_shape(w.shape))
    if ours.bijective:
        a, b = ours.log_abs_det_jacobian(x, y), theirs.log_abs_det_jacobian(z, w)
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-10)
    try:
        sign = torch.as_tensor(theirs.sign).numpy()
    except NotImplementedError:
        with pytest.raises(NotImplementedError):
            _ = ours.sign
    else:
        np.testing.assert_array_equal(penlight.as_tensor(ours.sign).numpy(), sign)


@pytest.mark.parametrize("name", ALL)
def test_inverses_lead_back(name: str) -> None:
    t, x = case(name, penlight)
    y = t(x)
    back = t.inv(y)
    np.testing.assert_allclose(t(back).numpy(), y.numpy(), rtol=1e-8, atol=1e-12)
    if t.bijective:
        np.testing.assert_allclose(back.numpy(), x.numpy(), rtol=1e-7, atol=1e-9)
        det = t.log_abs_det_jacobian(x, y).numpy()
        np.testing.assert_allclose(-t.inv.log_abs_det_jacobian(y, x).numpy(), det, rtol=1e-12)
    assert t.inv.inv is t
    assert bool(t.codomain.check(y).all())


@pytest.mark.parametrize("name", TRANSFORMS)
def test_jacobians_by_differentiation(name: str) -> None:
    """ln |det| of the matrix that autograd finds; of a stick, without the last share of the rest."""
    t, x = case(name, penlight)
    events = t.domain.event_dim
    batch = x.shape[: x.dim() - events]
    size = x[(0,) * len(batch)].numel() if batch else x.numel()
    det = t.log_abs_det_jacobian(x, t(x))
    rows = []
    for row in x.reshape(-1, *x.shape[len(batch) :]):
        if len(batch) and events == 0:
            break
        jacobian = penlight.autograd.functional.jacobian(t, row).numpy()
        matrix = jacobian.reshape(-1, size)
        if name == "correlation":
            below = np.tril_indices(4, -1)
            matrix = jacobian[below]
        elif matrix.shape[0] == size + 1:
            matrix = matrix[:-1]
        rows.append(np.linalg.slogdet(matrix)[1])
    if rows:
        np.testing.assert_allclose(det.numpy().reshape(-1), rows, rtol=1e-8, atol=1e-10)
    else:
        x = x.detach().requires_grad_()
        (slope,) = penlight.autograd.grad(t(x).sum(), x)
        np.testing.assert_allclose(
            det.numpy(), np.log(np.abs(slope.numpy())), rtol=1e-8, atol=1e-10
        )


@pytest.mark.parametrize("name", ALL)
def test_caches_and_copies(name: str) -> None:
    t, x = case(name, penlight)
    cached = t.with_cache()
    assert cached._cache_size == 1
    assert cached.with_cache() is cached
    y = cached(x)
    if name != "identity" and not name.endswith("inverse"):
        assert cached.inv(y) is x
        assert cached(x) is y
    np.testing.assert_array_equal(y.numpy(), t(x).numpy())
    assert t.with_cache(0) is t
    for again in (copy.deepcopy(cached), pickle.loads(pickle.dumps(cached))):
        np.testing.assert_array_equal(again(x).numpy(), y.numpy())
    inverse = t.inv
    del t
    gc.collect()
    np.testing.assert_allclose(inverse.inv(x).numpy(), y.numpy())


def test_a_cache_gives_back_what_rounding_lost(lib: Any) -> None:
    x = lib.tensor([20.0])
    plain, cached = lib.distributions.TanhTransform(), lib.distributions.TanhTransform(cache_size=1)
    assert plain.inv(plain(x)).isinf().item()
    assert cached.inv(cached(x)).item() == 20


def test_equality(lib: Any) -> None:
    D, T = lib.distributions, lib.tensor
    assert D.ExpTransform() == D.ExpTransform()
    assert D.ExpTransform().inv == D.ExpTransform().inv
    assert D.ExpTransform() != D.TanhTransform()
    assert D.AffineTransform(T(1.0), 2.0) == D.AffineTransform(1.0, T(2.0))
    assert D.AffineTransform(1.0, 2.0) != D.AffineTransform(1.0, 3.0)
    assert D.PowerTransform(T(2.0)) == D.PowerTransform(T(2.0))
    assert D.PowerTransform(T(2.0)) != D.PowerTransform(T(3.0))
    pair = [D.ExpTransform(), D.AffineTransform(0.0, 1.0)]
    assert D.ComposeTransform(pair) == D.ComposeTransform(list(pair))
    assert D.ComposeTransform(pair) != D.ComposeTransform(pair[:1])


def test_bad_transforms(lib: Any) -> None:
    D = lib.distributions
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        D.ExpTransform(cache_size=2)
    with pytest.raises(ValueError, match="different numbers of elements"):
        D.ReshapeTransform((2, 3), (5,))
    with pytest.raises(ValueError, match="Shape mismatch"):
        D.ReshapeTransform((2,), (1, 2)).forward_shape((3,))
    with pytest.raises(ValueError, match="Too few dimensions"):
        D.StickBreakingTransform().forward_shape(())
    with pytest.raises(ValueError, match="Too few dimensions"):
        D.IndependentTransform(D.ExpTransform(), 1)(lib.tensor(1.0))
    with pytest.raises(ValueError, match="flattened lower-diagonal"):
        D.CorrCholeskyTransform().forward_shape((4,))
    with pytest.raises(ValueError, match="not square"):
        D.CorrCholeskyTransform().inverse_shape((3, 4))
    with pytest.raises(ValueError, match=r"domain.event_dim"):
        _ = D.ReshapeTransform((2,), (1, 2)).event_dim
    with pytest.raises(AssertionError):
        D.StackTransform([3])
    with pytest.raises(AssertionError):
        D.CatTransform([D.ExpTransform()], lengths=[1, 2])
    with pytest.raises(AssertionError):
        D.CatTransform([D.ExpTransform()])(lib.ones(2))
    for missing in (lambda: D.Transform()(lib.ones(1)), lambda: D.AbsTransform().sign):
        with pytest.raises(NotImplementedError):
            missing()


# -- the registry --------------------------------------------------------------------------------

REGISTERED = {
    "real": lambda c: c.real, "real_vector": lambda c: c.real_vector, "positive": lambda c: c.positive,
    "nonnegative": lambda c: c.nonnegative, "greater_than": lambda c: c.greater_than(2.0),
    "less_than": lambda c: c.less_than(2.0), "unit_interval": lambda c: c.unit_interval,
    "interval": lambda c: c.interval(-1.0, 3.0), "half_open": lambda c: c.half_open_interval(0, 3),
    "simplex": lambda c: c.simplex, "corr_cholesky": lambda c: c.corr_cholesky,
    "lower_cholesky": lambda c: c.lower_cholesky, "positive_definite": lambda c: c.positive_definite,
    "positive_semidefinite": lambda c: c.positive_semidefinite,
    "cat": lambda c: c.cat([c.real, c.positive], -1, [1, 2]),
    "stack": lambda c: c.stack([c.real, c.positive, c.unit_interval], -1),
    "independent": lambda c: c.independent(c.positive, 1),
}  # fmt: skip


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", REGISTERED)
def test_registered_transforms_lead_into_the_constraint(name: str, registry: str, lib: Any) -> None:
    constraint = REGISTERED[name](lib.distributions.constraints)
    find = getattr(lib.distributions, registry)
    matrices = ("lower_cholesky", "positive_definite", "positive_semidefinite")
    if registry == "biject_to" and name in matrices:
        with pytest.raises(NotImplementedError, match="Cannot transform"):
            find(constraint)
        return
    t = find(constraint)
    lib.manual_seed(0)
    y = t(lib.randn(4, 3, 3, dtype=lib.float64))
    assert bool(constraint.check(y).all())
    if registry == "biject_to":
        assert t.bijective


@pytest.mark.parity
@pytest.mark.parametrize("name", REGISTERED)
def test_registered_transforms_are_pytorchs(name: str, torch: Any) -> None:
    for registry in ("biject_to", "transform_to"):
        texts = []
        for lib in (penlight, torch):
            try:
                constraint = REGISTERED[name](lib.distributions.constraints)
                texts.append(repr(getattr(lib.distributions, registry)(constraint)))
            except NotImplementedError as error:
                texts.append(str(error))
        assert texts[0] == texts[1]


def test_registering(lib: Any) -> None:
    c = lib.distributions.constraints

    class Even(c.Constraint):
        def check(self, value: Any) -> Any:
            return value % 2 == 0

    registry = type(lib.distributions.biject_to)()
    registry.register(Even, lambda constraint: lib.distributions.AffineTransform(0, 2))
    assert registry(Even())(lib.tensor(3.0)).item() == 6
    with pytest.raises(TypeError, match="Expected constraint to be either"):
        registry.register(3, lambda constraint: None)
    with pytest.raises(NotImplementedError, match="Cannot transform _Real constraints"):
        registry(c.real)
    with pytest.raises(NotImplementedError, match="Cannot transform"):
        lib.distributions.biject_to(c.dependent)


# -- transformed distributions -------------------------------------------------------------------


def transformed(lib: Any) -> dict[str, Any]:
    D, T = lib.distributions, lambda v: lib.tensor(v, dtype=lib.float64)
    normal = D.Normal(T([0.5, 1.0, -0.3]), T([1.0, 0.5, 2.0]))
    logistic = [D.SigmoidTransform().inv, D.AffineTransform(loc=1.0, scale=2.0)]
    return {
        "none": D.TransformedDistribution(normal, []),
        "one": D.TransformedDistribution(normal, D.ExpTransform()),
        "decreasing": D.TransformedDistribution(normal, [D.AffineTransform(1.0, T(-2.0)), D.ExpTransform()]),
        "logistic": D.TransformedDistribution(D.Uniform(T(0.0), T(1.0)), logistic),
        "squashed": D.TransformedDistribution(normal, D.TanhTransform(cache_size=1)),
        "wider batch": D.TransformedDistribution(normal, D.AffineTransform(T(np.zeros((2, 1))), T(np.ones((2, 1))))),
        "vectors": D.TransformedDistribution(normal, D.StickBreakingTransform()),
        "independent": D.TransformedDistribution(D.Independent(normal, 1), D.TanhTransform()),
        "reshaped": D.TransformedDistribution(normal, D.ReshapeTransform((3,), (3, 1))),
        "again": D.TransformedDistribution(D.LogNormal(T([0.0, 1.0]), T(1.0)), D.AffineTransform(0.0, T(3.0))),
        "cdf": D.TransformedDistribution(normal, D.CumulativeDistributionTransform(D.Normal(T(0.0), T(1.0)))),
    }  # fmt: skip


NAMES = list(transformed(penlight))


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_transformed_distributions_are_pytorchs(name: str, torch: Any) -> None:
    ours, theirs = transformed(penlight)[name], transformed(torch)[name]
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    assert ours.has_rsample == theirs.has_rsample
    assert repr(ours.support) == repr(theirs.support)
    value = ours.sample((5,)).numpy()
    of_ours, of_theirs = ours.log_prob(penlight.tensor(value)), theirs.log_prob(torch.tensor(value))
    assert of_ours.shape == of_theirs.shape
    np.testing.assert_allclose(of_ours.numpy(), of_theirs.numpy(), rtol=1e-9)
    larger = [
        made.expand((4, *made.batch_shape)).log_prob(lib.tensor(value[:, None]))
        for made, lib in ((ours, penlight), (theirs, torch))
    ]
    np.testing.assert_allclose(larger[0].numpy(), larger[1].numpy(), rtol=1e-9)
    if not ours.event_shape:
        of_ours, of_theirs = ours.cdf(penlight.tensor(value)), theirs.cdf(torch.tensor(value))
        np.testing.assert_allclose(of_ours.numpy(), of_theirs.numpy(), rtol=1e-9)
        p = np.full(ours.batch_shape, 0.3)
        of_ours, of_theirs = ours.icdf(penlight.tensor(p)), theirs.icdf(torch.tensor(p))
        np.testing.assert_allclose(of_ours.numpy(), of_theirs.numpy(), rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_transformed_samples(name: str) -> None:
    made = transformed(penlight)[name]
    shape = made.batch_shape + made.event_shape
    for sample_shape in ((), (5,), (2, 3)):
        assert made.rsample(sample_shape).shape == (*sample_shape, *shape)
    assert bool(made.support.check(made.sample((100,))).all())


def test_a_squashed_policy_trains() -> None:
    """Soft actor-critic's policy: tanh of a normal number, by its cache never infinite."""
    loc = penlight.tensor([12.0], requires_grad=True)
    policy = d.TransformedDistribution(d.Normal(loc, 1.0), d.TanhTransform(cache_size=1))
    action = policy.rsample((8,))
    log_prob = policy.log_prob(action)
    assert bool(log_prob.isfinite().all())
    log_prob.sum().backward()
    assert bool(loc.grad.isfinite().all())
