"""Modules as functions: per-sample gradients, ensembles, modules under vmap."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.func import functional_call, grad, stack_module_state, vmap
from penlight.kernels.outer import outer_products

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def func(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.func")


def array(t: Any) -> np.ndarray:
    return np.asarray(t.detach())


NETWORKS = {
    "mlp": (
        lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 3)),
        (6,),
    ),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, groups=2),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(6, 3),
        ),
        (2, 8, 8),
    ),
    "strided and dilated": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, bias=False), nn.GroupNorm(2, 4), nn.SiLU(),
            nn.Conv2d(4, 2, 2, dilation=2), nn.Flatten(), nn.LayerNorm(2), nn.Linear(2, 3),
        ),
        (2, 7, 7),
    ),
    "transposed": (
        lambda: nn.Sequential(
            nn.ConvTranspose2d(2, 3, 2, stride=2), nn.GELU(), nn.ConvTranspose2d(3, 2, 2, groups=1),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(8, 3),
        ),
        (2, 3, 3),
    ),
    "one dimension": (
        lambda: nn.Sequential(
            nn.Conv1d(2, 4, 3), nn.InstanceNorm1d(4, affine=True), nn.Softplus(), nn.Flatten(),
            nn.Linear(16, 3),
        ),
        (2, 6),
    ),
    "three dimensions": (
        lambda: nn.Sequential(nn.Conv3d(1, 2, 2), nn.PReLU(), nn.Flatten(), nn.Linear(16, 3)),
        (1, 3, 3, 3),
    ),
    "batch norm of one": (
        lambda: nn.Sequential(nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 3)).eval(),
        (2, 3, 3),
    ),
    "attention": (
        lambda: nn.Sequential(
            nn.Flatten(), nn.Unflatten(1, (3, 4)), nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True),
            nn.Flatten(), nn.Linear(12, 3),
        ),
        (12,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("single", [True, False], ids=["one by one", "batches of two"])
@pytest.mark.parametrize("name", NETWORKS)
def test_per_sample_gradients(name: str, single: bool) -> None:
    """vmap(grad(loss)) over the data, against a backward pass for each sample."""
    make, shape = NETWORKS[name]
    model = make().double()
    rows = 1 if single else 2
    x = penlight.randn(4, rows, *shape, dtype=penlight.float64)
    t = penlight.randint(0, 3, (4, rows))
    parameters = {k: p.detach() for k, p in model.named_parameters()}

    def loss(p: Any, x: Any, t: Any) -> Any:
        return nn.functional.cross_entropy(functional_call(model, p, (x,)), t)

    found = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, t)
    for i in range(4):
        model.zero_grad()
        nn.functional.cross_entropy(model(x[i]), t[i]).backward()
        for k, p in model.named_parameters():
            np.testing.assert_allclose(array(found[k][i]), array(p.grad), rtol=1e-9, atol=1e-11)
    assert all(found[k].dtype is penlight.float64 for k in found)


@pytest.mark.parity
def test_per_sample_gradients_are_pytorchs(torch: Any) -> None:
    results = []
    rng = np.random.default_rng(0)
    w, v = (rng.normal(size=s).astype(np.float32) for s in ((4, 2, 3, 3), (3, 16)))
    x, t = rng.normal(size=(5, 2, 6, 6)).astype(np.float32), rng.integers(0, 3, 5)
    for lib in (penlight, torch):
        F = func(lib)
        f = lib.nn.functional

        def loss(p: Any, x: Any, t: Any, f: Any = f) -> Any:
            y = f.avg_pool2d(f.relu(f.conv2d(x[None], p["w"])), 2)
            return f.cross_entropy(f.linear(y.flatten(1), p["v"]), t[None])

        p = {"w": lib.tensor(w), "v": lib.tensor(v)}
        found = F.vmap(F.grad(loss), in_dims=(None, 0, 0))(p, lib.tensor(x), lib.tensor(t))
        second = F.vmap(F.grad(lambda *a: F.grad(loss)(*a)["w"].square().sum()), (None, 0, 0))  # noqa: B023
        again = second(p, lib.tensor(x), lib.tensor(t))
        results.append([array(found[k]) for k in "wv"] + [array(again[k]) for k in "wv"])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("same_data", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_ensembles(name: str, same_data: bool) -> None:
    make, shape = NETWORKS[name]
    models = [make() for _ in range(3)]
    parameters, buffers = stack_module_state(models)
    x = penlight.randn(2, *shape) if same_data else penlight.randn(3, 2, *shape)

    def run(p: Any, b: Any, x: Any) -> Any:
        return functional_call(models[0], (p, b), (x,))

    y = vmap(run, in_dims=(0, 0, None if same_data else 0))(parameters, buffers, x)
    y.square().sum().backward()
    for i, model in enumerate(models):
        expected = model(x if same_data else x[i])
        np.testing.assert_allclose(array(y[i]), array(expected), rtol=1e-4, atol=1e-5)
        expected.square().sum().backward()
        for k, p in model.named_parameters():
            np.testing.assert_allclose(
                array(parameters[k].grad[i]), array(p.grad), rtol=2e-3, atol=2e-4
            )


def test_stack_module_state(lib: Any) -> None:
    F, models = func(lib), [lib.nn.BatchNorm1d(3) for _ in range(2)]
    parameters, buffers = F.stack_module_state(models)
    assert {k: tuple(p.shape) for k, p in parameters.items()} == {"weight": (2, 3), "bias": (2, 3)}
    assert all(p.requires_grad and p.is_leaf for p in parameters.values())
    assert sorted(buffers) == ["num_batches_tracked", "running_mean", "running_var"]
    for bad, text in (
        ([], "at least one model"),
        ([lib.nn.ReLU(), lib.nn.Tanh()], "same class"),
        ([lib.nn.ReLU(), lib.nn.ReLU().eval()], "training/eval"),
    ):
        with pytest.raises(RuntimeError, match=text):
            F.stack_module_state(bad)


def test_functional_call_takes_several_dictionaries(lib: Any) -> None:
    F, model = func(lib), lib.nn.Linear(2, 1)
    w, b = {"weight": lib.ones(1, 2)}, {"bias": lib.ones(1)}
    assert F.functional_call(model, (w, b), lib.ones(1, 2)).item() == 3
    assert F.functional_call(model, w | b, (lib.ones(1, 2),)).item() == 3
    with pytest.raises(ValueError, match="multiple dictionaries"):
        F.functional_call(model, (w, w), lib.ones(1, 2))
    with pytest.raises(ValueError, match="to be dictionaries"):
        F.functional_call(model, (w, 3), lib.ones(1, 2))
    with pytest.raises(ValueError, match="dict"):
        F.functional_call(model, 3, lib.ones(1, 2))


def test_batch_norm_that_keeps_statistics_is_refused_and_replaced(lib: Any) -> None:
    F = func(lib)
    model = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4))
    x = lib.randn(5, 2, 3)
    before = model[1].running_mean.clone()
    with pytest.raises(RuntimeError, match=r"in ?place"):
        F.vmap(model)(x)
    assert lib.equal(model[1].running_mean, before)
    assert F.replace_all_batch_norm_modules_(model) is model
    assert not list(model.buffers())
    y = F.vmap(model)(x)
    for i in range(5):
        assert lib.allclose(y[i], model(x[i]), atol=1e-5)
    alone = lib.nn.BatchNorm2d(2)
    assert F.replace_all_batch_norm_modules_(alone) is alone
    assert not alone.track_running_stats


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers(name: str) -> None:
    layer = getattr(nn, name)(3, 4, batch_first=True).double()
    x = penlight.randn(5, 2, 6, 3, dtype=penlight.float64)
    y = vmap(lambda u: layer(u)[0])(x)
    for i in range(5):
        np.testing.assert_allclose(array(y[i]), array(layer(x[i])[0]), rtol=1e-9)


def test_embeddings_have_per_sample_gradients() -> None:
    w = penlight.randn(7, 3, dtype=penlight.float64)
    i = penlight.randint(0, 7, (4, 5))
    for padding in (None, 2):
        f = grad(lambda w, i: nn.functional.embedding(i, w, padding).square().sum())  # noqa: B023
        found = vmap(f, (None, 0))(w, i)
        for k in range(4):
            np.testing.assert_allclose(array(found[k]), array(f(w, i[k])))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 4, 5), (0, 4, 5), (40, 160, 180), (2, 20, 160, 180)])
def test_outer_products(shape: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    *stack, m, k = shape
    a, b = rng.normal(size=(*stack, m)).astype(dtype), rng.normal(size=(*stack, k)).astype(dtype)
    y = outer_products(a, b)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, a[..., None] * b[..., None, :])
