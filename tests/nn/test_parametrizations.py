"""Weights of given length, of largest singular value one, orthogonal; the older ways by hooks."""

from __future__ import annotations

import copy
import importlib
import warnings
from typing import Any

import numpy as np
import pytest

import penlight


def array(t: Any) -> np.ndarray:
    return t.detach().numpy()


def ready(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.nn.utils.parametrizations")


def old(lib: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """An old function of nn.utils, without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return getattr(lib.nn.utils, name)(*args, **kwargs)


def layers(lib: Any) -> list[Any]:
    return [
        lib.nn.Linear(4, 3),
        lib.nn.Conv2d(2, 3, 3),
        lib.nn.ConvTranspose1d(2, 3, 3),
        lib.nn.LSTM(2, 3),
    ]


# -- weight norm ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "dim"), [((3, 4, 5), 1), ((3, 4, 5), -1), ((3, 4), 0), ((3, 4), -2), ((3,), 0)]
)
@pytest.mark.parametrize("order", [2, 3, 1])
def test_norm_except_dim(lib: Any, shape: Any, dim: int, order: int) -> None:
    v = lib.randn(shape)
    axes = tuple(a for a in range(len(shape)) if a != dim % len(shape))
    axes = tuple(range(len(shape))) if dim == -1 else axes
    expected = (np.abs(array(v)) ** order).sum(axes, keepdims=dim != -1) ** (1 / order)
    result = lib.norm_except_dim(v, order, dim)
    assert result.shape == expected.shape
    np.testing.assert_allclose(array(result), expected, rtol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_weight_norm_and_its_gradients_are_pytorchs(torch: Any, dim: int) -> None:
    results = []
    for lib in (penlight, torch):
        v = lib.arange(-5.0, 7).reshape(3, 4).requires_grad_()
        g = (
            lib.ones(1) if dim == -1 else lib.norm_except_dim(v.detach(), 2, dim) + 1
        ).requires_grad_()
        y = lib._weight_norm(v, g, dim)
        (y * y.detach() * lib.arange(12.0).reshape(3, 4)).sum().backward()
        results.append([array(y), array(v.grad), array(g.grad)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("index", range(4))
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_keeps_the_weight_and_splits_it(lib: Any, index: int, dim: Any) -> None:
    module = layers(lib)[index]
    name = "weight_ih_l0" if index == 3 else "weight"
    weight = array(getattr(module, name)).copy()
    ready(lib).weight_norm(module, name, dim=dim)
    np.testing.assert_allclose(array(getattr(module, name)), weight, rtol=1e-5, atol=1e-6)
    parts = module.parametrizations[name]
    assert lib.equal(
        parts.original0, lib.norm_except_dim(parts.original1, 2, -1 if dim is None else dim)
    )
    with lib.no_grad():
        parts.original0.mul_(2)
    np.testing.assert_allclose(array(getattr(module, name)), 2 * weight, rtol=1e-5, atol=1e-6)


def test_weight_norm_reads_checkpoints_of_the_old_one(lib: Any) -> None:
    a = old(lib, "weight_norm", lib.nn.Linear(3, 2))
    b = ready(lib).weight_norm(lib.nn.Linear(3, 2))
    assert list(a.state_dict()) == ["bias", "weight_g", "weight_v"]
    b.load_state_dict(a.state_dict())
    a(lib.ones(1, 3))
    assert lib.allclose(a.weight, b.weight)


def test_the_old_weight_norm(lib: Any) -> None:
    module = lib.nn.Linear(3, 2)
    weight = module.weight.detach().clone()
    with pytest.warns(FutureWarning, match=r"parametrizations\.weight_norm"):
        assert lib.nn.utils.weight_norm(module) is module
    assert not isinstance(module.weight, lib.nn.Parameter)
    assert lib.allclose(module.weight, weight)
    with lib.no_grad():
        module.weight_g.mul_(3)
    module(lib.ones(1, 3)).sum().backward()
    assert lib.allclose(module.weight, 3 * weight)
    assert module.weight_g.grad is not None
    with pytest.raises(RuntimeError, match="two weight_norm hooks"):
        old(lib, "weight_norm", module)
    assert old(lib, "remove_weight_norm", module) is module
    assert isinstance(module.weight, lib.nn.Parameter)
    assert lib.allclose(module.weight, 3 * weight)
    assert sorted(n for n, _ in module.named_parameters()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
        old(lib, "remove_weight_norm", module)


# -- spectral norm -------------------------------------------------------------------------------


def largest_singular_value(weight: Any, dim: int = 0) -> float:
    matrix = np.moveaxis(array(weight), dim, 0)
    return float(np.linalg.svd(matrix.reshape(len(matrix), -1), compute_uv=False)[0])


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("index", range(3))
def test_spectral_norm_finds_the_largest_singular_value(lib: Any, index: int, new: bool) -> None:
    module = layers(lib)[index]
    x = [lib.ones(1, 4), lib.ones(1, 2, 5, 5), lib.ones(1, 2, 5)][index]
    options = {"n_power_iterations": 30}
    if new:
        ready(lib).spectral_norm(module, **options)
    else:
        old(lib, "spectral_norm", module, **options)
    for _ in range(20):
        module(x)
    assert largest_singular_value(module.weight, int(index == 2)) == pytest.approx(1, abs=1e-3)
    module.eval()
    u = module.parametrizations.weight[0]._u if new else module.weight_u
    before = u.clone()
    module(x)
    assert lib.equal(u, before)


def test_spectral_norm_can_be_used_twice_before_backward(lib: Any) -> None:
    for module in (
        ready(lib).spectral_norm(lib.nn.Linear(3, 3)),
        old(lib, "spectral_norm", lib.nn.Linear(3, 3)),
    ):
        (module(lib.ones(1, 3)).sum() + module(lib.ones(1, 3)).sum()).backward()


@pytest.mark.parity
def test_spectral_norm_and_its_gradient_are_pytorchs(torch: Any) -> None:
    results = []
    weight = np.linspace(-1, 2, 12, dtype=np.float32).reshape(3, 4)
    u, v = np.float32([0.6, 0.0, 0.8]), np.float32([0.5, 0.5, -0.5, 0.5])
    for lib in (penlight, torch):
        new, older = lib.nn.Linear(4, 3), lib.nn.Linear(4, 3)
        ready(lib).spectral_norm(new, n_power_iterations=2)
        old(lib, "spectral_norm", older, n_power_iterations=2)
        state = {"bias": lib.zeros(3)}
        new.load_state_dict(state | {
            "parametrizations.weight.original": lib.tensor(weight),
            "parametrizations.weight.0._u": lib.tensor(u),
            "parametrizations.weight.0._v": lib.tensor(v),
        })  # fmt: skip
        older.load_state_dict(state | {
            "weight_orig": lib.tensor(weight), "weight_u": lib.tensor(u), "weight_v": lib.tensor(v),
        })  # fmt: skip
        for module in (new, older):
            y = module(lib.arange(8.0).reshape(2, 4))
            (y * y).sum().backward()
        results.append(
            [array(y), array(new.parametrizations.weight.original.grad),
             array(older.weight_orig.grad), array(older.weight_u)]
        )  # fmt: skip
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


def test_the_old_spectral_norm_in_a_state_dict(lib: Any) -> None:
    module = old(lib, "spectral_norm", lib.nn.Linear(3, 2))
    state = module.state_dict()
    assert list(state) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert state._metadata[""] == {"version": 1, "spectral_norm": {"weight.version": 1}}
    module.eval()
    module(lib.ones(1, 3))
    weight = module.weight.detach().clone()
    assert old(lib, "remove_spectral_norm", module) is module
    assert lib.allclose(module.weight, weight)
    assert sorted(module.state_dict()) == ["bias", "weight"]
    assert "spectral_norm" not in module.state_dict()._metadata[""]
    with pytest.raises(ValueError, match="not found"):
        old(lib, "remove_spectral_norm", module)


def test_state_of_the_oldest_spectral_norm_is_read(lib: Any) -> None:
    a, b = (old(lib, "spectral_norm", lib.nn.Linear(3, 2)) for _ in range(2))
    for _ in range(50):
        a(lib.ones(1, 3))
    state = copy.copy(a.state_dict())
    state["weight"] = a.eval().weight.detach()
    a(lib.ones(1, 3))
    state["weight"] = a.weight.detach().clone()
    del state["weight_v"], state._metadata[""]["spectral_norm"]
    b.load_state_dict(state)
    b.eval()(lib.ones(1, 3))
    assert lib.allclose(b.weight, a.weight, atol=1e-5)
    with pytest.raises(RuntimeError, match="weight_u"):
        b.load_state_dict({"bias": lib.zeros(2), "weight": lib.zeros(2, 3)})


def test_spectral_norm_of_vectors(lib: Any) -> None:
    module = ready(lib).spectral_norm(lib.nn.Linear(3, 4), "bias")
    assert module.bias.norm().item() == pytest.approx(1)
    assert list(module.state_dict()) == ["weight", "parametrizations.bias.original"]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda lib, m: ready(lib).spectral_norm(m, "x"), ValueError, "name 'x'"),
        (lambda lib, m: ready(lib).spectral_norm(m, dim=4), IndexError, "Dimension out of range"),
        (lambda lib, m: ready(lib).spectral_norm(m, n_power_iterations=0), ValueError, "positive"),
        (lambda lib, m: old(lib, "spectral_norm", m, n_power_iterations=0), ValueError, "positive"),
        (
            lambda lib, m: old(lib, "spectral_norm", old(lib, "spectral_norm", m)),
            RuntimeError,
            "two spectral_norm hooks",
        ),
        (lambda lib, m: ready(lib).weight_norm(m, "x"), ValueError, "name 'x'"),
        (lambda lib, m: ready(lib).orthogonal(m, "x"), ValueError, "name 'x'"),
        (lambda lib, m: ready(lib).orthogonal(m, "bias"), ValueError, "Expected a matrix"),
        (lambda lib, m: ready(lib).orthogonal(m, orthogonal_map="x"), ValueError, "one of"),
    ],
)
def test_errors(lib: Any, call: Any, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call(lib, lib.nn.Linear(3, 4))
