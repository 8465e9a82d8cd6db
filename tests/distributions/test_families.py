"""Each family of the table: parity with PyTorch, shapes, and what holds of all."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import distributions as d
from tests.distributions.table import IDS, ROWS, Row

SHAPES = [(), (4,), (2, 1, 3)]
PROPERTIES = ("mean", "mode", "variance", "stddev")
NUMBERS = ("entropy", "perplexity", "enumerate_support")


def rows_that(can: Callable[[Row, Any], Any]) -> Any:
    """The rows for which ``can`` raises no NotImplementedError and is not False."""
    chosen = []
    for row, name in zip(ROWS, IDS, strict=True):
        try:
            if can(row, row.build(penlight, row.arrays(0, ()))[0]) is not False:
                chosen.append(pytest.param(row, id=name))
        except NotImplementedError:
            pass
    return pytest.mark.parametrize("row", chosen)


HALF = penlight.tensor(0.5, dtype=penlight.float64)

every_row = pytest.mark.parametrize("row", ROWS, ids=IDS)
with_moments = rows_that(
    lambda row, made: (
        (made.mean, made.variance)
        if row.name not in ("Categorical", "VonMises") and not row.heavy
        else False
    )
)
with_quantiles = rows_that(lambda row, made: made.cdf(made.icdf(HALF)))
with_cdf = rows_that(lambda row, made: made.cdf(made.sample()))
with_noise = rows_that(lambda row, made: made.has_rsample and row.noise)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def sampled(row: Row, arrays: dict[str, np.ndarray], shape: tuple[int, ...] = ()) -> np.ndarray:
    """Values of the family's support, for both libraries."""
    penlight.manual_seed(1)
    return np.array(row.build(penlight, arrays)[0].sample(shape))


def result(call: Any) -> Any:
    """What a call gives as an array, or the type of what it raises."""
    try:
        return call().detach().numpy()
    except (NotImplementedError, RuntimeError, ValueError) as error:
        return NotImplementedError if isinstance(error, NotImplementedError) else type(error)


def assert_same(ours: Any, theirs: Any, what: str, tolerance: float = 1e-9) -> None:
    """The same type of error, or arrays alike: float32 ones to 1e-5 of the largest."""
    if isinstance(theirs, type) or isinstance(ours, type):
        assert ours is theirs, what
        return
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} {theirs.shape}"
    assert ours.dtype == theirs.dtype, f"{what}: {ours.dtype} {theirs.dtype}"
    near = 1e-10
    if theirs.dtype == np.float32:
        tolerance, near = 1e-4, 1e-5 * max(1, np.abs(theirs[np.isfinite(theirs)]).max(initial=0))
    np.testing.assert_allclose(ours, theirs, tolerance, near, err_msg=what)


# -- parity --------------------------------------------------------------------------------------


@pytest.mark.parity
@every_row
@every_shape
def test_moments_entropies_and_texts(row: Row, shape: tuple[int, ...], torch: Any) -> None:
    arrays = row.arrays(0, shape)
    (ours, _), (theirs, _) = row.build(penlight, arrays), row.build(torch, arrays)
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    for name in ("has_rsample", "has_enumerate_support"):
        if row.name != "RelaxedBernoulli":
            assert getattr(ours, name) == getattr(theirs, name), name
    if shape != ():  # 0-d arrays print in full, and digits may differ
        assert repr(ours) == repr(theirs)
    assert repr(ours.support).split("=")[0] == repr(theirs.support).split("=")[0]
    for name in PROPERTIES:
        if name not in row.absent:
            of_ours = result(lambda name=name: getattr(ours, name))
            assert_same(
                of_ours, result(lambda name=name: getattr(theirs, name)), name, row.tolerance
            )
    for name in NUMBERS:
        of_ours = result(lambda name=name: getattr(ours, name)())
        # PyTorch computes the ln n! of multinomial entropies in float32
        assert_same(of_ours, result(lambda name=name: getattr(theirs, name)()), name, 1e-7)


@pytest.mark.parity
@every_row
@every_shape
def test_log_prob_and_its_gradients(row: Row, shape: tuple[int, ...], torch: Any) -> None:
    arrays = row.arrays(1, shape)
    value = sampled(row, arrays, (5,))
    outcome = []
    for lib in (penlight, torch):
        made, tensors = row.build(lib, arrays, grad=True)
        x = lib.tensor(value)
        x = x.requires_grad_() if x.is_floating_point() and made.has_rsample else x
        log_prob = made.log_prob(x)
        weights = lib.linspace(1, 2, log_prob.numel(), dtype=lib.float64).reshape(log_prob.shape)
        (log_prob * weights).sum().backward()
        grads = {n: t.grad for n, t in (*tensors.items(), ("value", x)) if t.grad is not None}
        outcome.append((log_prob.detach().numpy(), {n: g.numpy() for n, g in grads.items()}))
    (ours, our_grads), (theirs, their_grads) = outcome
    assert_same(ours, theirs, "log_prob", row.tolerance)
    assert our_grads.keys() == their_grads.keys()
    if row.label == "zero":  # PyTorch's gradient of a concentration of 0 is 0
        del our_grads["concentration"]
    for name, grad in our_grads.items():
        if name == "scale_tril":  # PyTorch has gradients above the diagonal, too
            their_grads[name] = np.tril(their_grads[name])
        assert_same(grad, their_grads[name], f"gradient of {name}", max(1e-7, row.tolerance))


@pytest.mark.parity
@every_row
def test_distribution_functions(row: Row, torch: Any) -> None:
    arrays = row.arrays(2, (4,))
    value, p = sampled(row, arrays, (5,)), np.linspace(0.02, 0.97, 20).reshape(5, 4)
    p = p.astype(row.dtype)
    (ours, _), (theirs, _) = row.build(penlight, arrays), row.build(torch, arrays)
    for name, x in (("cdf", value), ("icdf", p)):
        of_ours = result(lambda name=name, x=x: getattr(ours, name)(penlight.tensor(x)))
        of_theirs = result(lambda name=name, x=x: getattr(theirs, name)(torch.tensor(x)))
        assert_same(of_ours, of_theirs, name)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Singular sample")  # PyTorch's Wishart gives these at times
@every_row
def test_expanded(row: Row, torch: Any) -> None:
    arrays = row.arrays(3, (1, 3))
    value = sampled(row, arrays, (2,))
    made = []
    for lib in (penlight, torch):
        base, _ = row.build(lib, arrays)
        larger = base.expand((2, 5, 3))
        assert type(larger) is type(base)
        assert larger._validate_args == base._validate_args
        made.append((larger, larger.log_prob(lib.tensor(value[:, None])).numpy()))
    (ours, of_ours), (theirs, of_theirs) = made
    assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
    assert repr(ours) == repr(theirs)
    assert_same(of_ours, of_theirs, "log_prob", row.tolerance)
    assert ours.sample((7,)).shape == theirs.sample((7,)).shape
    for name in PROPERTIES:
        if name not in row.absent:
            of_ours = result(lambda name=name: getattr(ours, name))
            assert_same(
                of_ours, result(lambda name=name: getattr(theirs, name)), name, row.tolerance
            )


@pytest.mark.parity
def test_every_name_and_its_signature(torch: Any) -> None:
    theirs = torch.distributions
    assert set(d.__all__) == set(theirs.__all__)
    assert set(d.constraints.__all__) == set(theirs.constraints.__all__)
    assert set(d.transforms.__all__) == set(theirs.transforms.__all__)
    for name in d.__all__:
        if inspect.isclass(getattr(theirs, name)):
            mine, other = (inspect.signature(getattr(m, name)) for m in (d, theirs))
            described = [
                [(p.name, p.default, p.kind) for p in s.parameters.values()] for s in (mine, other)
            ]
            if name not in ("Distribution", "ExponentialFamily"):  # their Size is not ours
                assert described[0] == described[1], name
            public = {n for n in dir(getattr(theirs, name)) if not n.startswith("_")}
            assert not public - set(dir(getattr(d, name))) - {"arg_constraints"}, name


# -- what holds of all ---------------------------------------------------------------------------


@every_row
@every_shape
def test_shapes_and_dtypes_of_samples(row: Row, shape: tuple[int, ...]) -> None:
    arrays = {n: a.astype(np.float32) for n, a in row.arrays(4, shape).items()}
    made, tensors = row.build(penlight, arrays, grad=True)
    for sample_shape in ((), (2,), [3, 1]):
        sample = made.sample(sample_shape)
        assert sample.shape == (*sample_shape, *made.batch_shape, *made.event_shape)
        assert not sample.requires_grad
        expected = penlight.int64 if row.name == "Categorical" else penlight.float32
        assert sample.dtype == expected
        assert made.log_prob(sample).shape == (*sample_shape, *made.batch_shape)
        assert made.log_prob(sample).dtype == penlight.float32
    if made.has_rsample:
        sample = made.rsample((2,))
        assert sample.requires_grad
        assert sample.dtype == penlight.float32
        sample.square().sum().backward()
        assert any(bool((t.grad != 0).any()) for t in tensors.values())
    else:
        with pytest.raises(NotImplementedError):
            made.rsample()


@every_row
def test_samples_lie_in_the_support(row: Row) -> None:
    made, _ = row.build(penlight, row.arrays(5, (3,)))
    value = made.sample((200,))
    assert bool(made.support.check(value).all())


@with_moments
def test_moments_of_samples(row: Row) -> None:
    """The mean of n samples lies within 5 standard errors, the variance within a few percent."""
    n = 20_000
    made, _ = row.build(penlight, row.arrays(6, (2,), "float64"))
    mean, variance = np.array(made.mean), np.array(made.variance)
    x = np.array(made.sample((n,)))
    assert (np.abs(x.mean(0) - mean) <= 5 * np.sqrt(variance / n) + 1e-12).all()
    np.testing.assert_allclose(x.var(0), variance, rtol=0.15)


@with_cdf
def test_samples_follow_the_distribution_function(row: Row) -> None:
    """Kolmogorov and Smirnov: sqrt(n) max |F_n - F| exceeds 2 with a probability of 7e-4."""
    n = 4000
    made, _ = row.build(penlight, row.arrays(7, (), "float64"))
    f = np.array(made.cdf(made.sample((n,)).sort().values))
    steps = np.arange(n + 1) / n
    distance = max((f - steps[:-1]).max(), (steps[1:] - f).max())
    assert distance * math.sqrt(n) < 2


@with_quantiles
def test_quantiles_invert_the_distribution_function(row: Row) -> None:
    made, _ = row.build(penlight, row.arrays(8, (3,), "float64"))
    p = penlight.linspace(0.05, 0.95, 7, dtype=penlight.float64).unsqueeze(-1)
    back = made.cdf(made.icdf(p))
    np.testing.assert_allclose(np.array(back), np.array(p.expand(7, 3)), rtol=1e-9)


@with_quantiles
def test_densities_integrate_to_the_distribution_function(row: Row) -> None:
    made, _ = row.build(penlight, row.arrays(9, (), "float64"))
    ends = [made.icdf(penlight.tensor(p, dtype=penlight.float64)).item() for p in (0.2, 0.7)]
    x = penlight.linspace(*ends, 2001, dtype=penlight.float64)
    density = np.array(made.log_prob(x).exp())
    assert abs(np.trapezoid(density, np.array(x)) - 0.5) < 1e-5


@with_noise
def test_gradients_of_samples_numerically(row: Row) -> None:
    """The same seed gives the same noise; parameters moved a little move the samples a little."""
    arrays = row.arrays(10, (2,), "float64")

    def total(moved: dict[str, np.ndarray], grad: bool = False) -> Any:
        penlight.manual_seed(3)
        made, tensors = row.build(penlight, moved, grad, validate_args=False)
        return made.rsample((3,)).sin().sum(), tensors

    y, tensors = total(arrays, True)
    y.backward()
    rng, h = np.random.default_rng(0), 1e-6
    for name, a in arrays.items():
        way = rng.normal(size=a.shape)
        if name in ("covariance_matrix", "precision_matrix"):
            way = way + np.swapaxes(way, -1, -2)
        ends = [total({**arrays, name: a + s * h * way})[0].item() for s in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * h)
        grad = np.zeros(a.shape) if tensors[name].grad is None else np.array(tensors[name].grad)
        assert abs(slope - (grad * way).sum()) < 1e-5 * max(1, abs(slope)), name


@every_row
def test_seeds_decide_samples(row: Row) -> None:
    made, _ = row.build(penlight, row.arrays(11, (3,)))
    samples = []
    for seed in (0, 0, 1):
        penlight.manual_seed(seed)
        samples.append(np.array(made.sample((50,))))
    np.testing.assert_array_equal(samples[0], samples[1])
    assert (samples[0] != samples[2]).any()


@every_row
def test_distributions_are_picklable_and_copyable(row: Row) -> None:
    made, _ = row.build(penlight, row.arrays(12, (2,)))
    value = made.sample()
    expected = np.array(made.log_prob(value))
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(np.array(again.log_prob(value)), expected)


def test_every_family_has_a_row() -> None:
    families = {
        n for n in d.__all__
        if isinstance(getattr(d, n), type) and issubclass(getattr(d, n), d.Distribution)
    }  # fmt: skip
    composed = {
        "Distribution", "ExponentialFamily", "Independent", "MixtureSameFamily", "TransformedDistribution",
    }  # fmt: skip
    assert families - composed == {row.name for row in ROWS}
