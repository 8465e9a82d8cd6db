"""What the table of rows does not show of activation functions: size, memory, warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight.kernels import pointwise, special
from penlight.nn import functional

NAMES = [
    "relu", "relu6", "hardtanh", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid",
    "tanh", "softplus", "logsigmoid", "softsign", "tanhshrink", "hardsigmoid", "hardswish",
    "hardshrink", "softshrink", "rrelu",
]  # fmt: skip


def values_of_all_kinds(dtype: str, size: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(size) * rng.choice([0.1, 1, 10, 100], size)
    x[:7] = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, -1e-30]
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_large_arrays_take_another_way_to_the_same_values(name: str, dtype: str) -> None:
    x = values_of_all_kinds(dtype, 3 * pointwise._LARGE)
    results = []
    for parts in (1, 6):
        y, dx = [], []
        for part in np.split(x, parts):
            t = penlight.from_numpy(part.copy()).requires_grad_()
            out = getattr(functional, name)(t)
            out.sum().backward()
            y.append(out.detach().numpy())
            dx.append(t.grad.numpy())
        results.append((np.concatenate(y), np.concatenate(dx)))
    for whole, pieces in zip(*results, strict=True):
        np.testing.assert_allclose(whole, pieces, rtol=1e-6, atol=1e-30)


def test_the_error_function_is_exact_to_a_few_units_in_the_last_place() -> None:
    from math import erf

    for dtype, tolerance in (("float32", 5e-7), ("float64", 2e-14)):
        x = np.concatenate([np.linspace(-7, 7, 20001), [1e-20, -1e-20]]).astype(dtype)
        x = x[x != 0]
        expected = np.array([erf(float(v)) for v in x])
        np.testing.assert_allclose(special.erf(x), expected, rtol=tolerance)
        assert np.abs(special.erf(x)).max() <= 1
        for v, y in [(np.inf, 1), (-np.inf, -1), (0.0, 0), (np.nan, np.nan)]:
            np.testing.assert_array_equal(special.erf(np.array([v], dtype)), np.array([y], dtype))


def test_results_are_put_into_the_input(lib: Any) -> None:
    for name in ("relu", "leaky_relu", "elu", "selu", "celu", "hardtanh", "rrelu"):
        function, underscored = (getattr(lib.nn.functional, n) for n in (name, f"{name}_"))
        x = lib.tensor([-2.0, -0.5, 0.5, 2.0])
        expected = function(x)
        for call in (lambda t, f=function: f(t, inplace=True), underscored):
            t = x.clone()
            assert call(t) is t
            assert lib.equal(t, expected)
        with pytest.raises(RuntimeError, match="leaf"):
            function(x.clone().requires_grad_(), inplace=True)
    t = lib.tensor([-2.0, 2.0])
    assert lib.nn.functional.threshold_(t, 0.5, -7.0) is t
    assert t.tolist() == [-7.0, 2.0]


def test_slopes_of_rrelu_are_drawn_evenly(lib: Any) -> None:
    lib.manual_seed(0)
    y = lib.nn.functional.rrelu(lib.full((40000,), -1.0), 0.2, 0.6, training=True)
    slopes = -y.numpy()
    assert 0.2 <= slopes.min() < 0.2001
    assert 0.5999 < slopes.max() <= 0.6
    assert slopes.mean() == pytest.approx(0.4, abs=0.002)
    assert slopes.std() == pytest.approx(0.4 / 12**0.5, abs=0.002)
    x = lib.full((5,), -1.0, requires_grad=True)
    y = lib.nn.functional.rrelu(x, training=True)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), -y.detach().numpy())
    assert lib.nn.RReLU(0.2, 0.6).eval()(x).tolist() == pytest.approx([-0.4] * 5)


def test_softmax_without_a_dimension_warns_and_chooses(lib: Any) -> None:
    for shape, dim in [((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 2), 0), ((2, 3, 2, 1), 1)]:
        x = lib.arange(12.0)[: max(int(np.prod(shape)), 1)].reshape(shape)
        for name in ("softmax", "softmin", "log_softmax"):
            function = getattr(lib.nn.functional, name)
            with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
                y = function(x)
            assert lib.equal(y, function(x, dim))
            assert caught[0].filename == __file__, "the warning does not point at the caller"
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        lib.nn.Softmax()(lib.ones(2, 2))


def test_softmax_computes_in_the_dtype_asked_for(lib: Any) -> None:
    x = lib.tensor([1, 2, 3])
    for name in ("softmax", "softmin", "log_softmax"):
        y = getattr(lib.nn.functional, name)(x, dim=0, dtype=lib.float64)
        assert y.dtype == lib.float64
    assert float(lib.nn.functional.softmax(x.float(), 0, dtype=lib.float64).sum()) == pytest.approx(
        1
    )


def test_gumbel_softmax_draws_classes_as_often_as_their_probabilities(lib: Any) -> None:
    lib.manual_seed(0)
    p = lib.tensor([0.5, 0.3, 0.2])
    x = p.log().expand(20000, 3).clone().requires_grad_()
    y = lib.nn.functional.gumbel_softmax(x, tau=0.5, hard=True)
    assert set(np.unique(y.detach().numpy().round(5))) == {0.0, 1.0}
    assert y.detach().mean(0).tolist() == pytest.approx(p.tolist(), abs=0.015)
    (y * lib.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert float(x.grad.abs().sum()) > 0, "the gradient of the soft sample passes"
    soft = lib.nn.functional.gumbel_softmax(x.detach())
    np.testing.assert_allclose(soft.sum(1).numpy(), 1, rtol=1e-5)


def test_hardtanh_knows_its_old_names(lib: Any) -> None:
    with pytest.warns(FutureWarning, match="min_val"):
        m = lib.nn.Hardtanh(min_value=-2.0, max_val=3.0)
    assert repr(m) == "Hardtanh(min_val=-2.0, max_val=3.0)"
    for bounds in ((1.0, 1.0), (2.0, 1.0)):
        with pytest.raises(AssertionError, match="max_val"):
            lib.nn.Hardtanh(*bounds)


def test_mish_of_halves_does_not_overflow() -> None:
    x = penlight.tensor([-3.0, 0.0, 4.0, 12.0, 200.0], dtype=penlight.float16)
    expected = functional.mish(x.float())
    np.testing.assert_allclose(functional.mish(x).numpy(), expected.numpy(), rtol=2e-3)
