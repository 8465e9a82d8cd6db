"""Checkpoints give the gradients that the plain program gives; for either library."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture
def ckpt(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.utils.checkpoint")


def model(lib: Any, p: float = 0.0) -> Any:
    nn = lib.nn
    lib.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 8), nn.Tanh(), nn.Dropout(p), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 2)
    )


@pytest.mark.parametrize("use_reentrant", [True, False])
@pytest.mark.parametrize("p", [0.0, 0.5])
def test_gradients_are_those_of_the_plain_call(
    lib: Any, ckpt: Any, use_reentrant: bool, p: float
) -> None:
    net = model(lib, p)
    x = lib.randn(5, 3, requires_grad=True)
    wanted = [x, *net.parameters()]
    lib.manual_seed(1)
    net(x).square().sum().backward()
    expected = [w.grad.clone() for w in wanted]
    for w in wanted:
        w.grad = None
    lib.manual_seed(1)
    y = ckpt.checkpoint(net, x, use_reentrant=use_reentrant)
    after = lib.rand(3)
    loss = y.square().sum()
    state = lib.get_rng_state()
    loss.backward()
    assert all(lib.allclose(w.grad, e) for w, e in zip(wanted, expected, strict=True))
    assert lib.equal(lib.get_rng_state(), state), "backward leaves the random numbers alone"
    assert after.shape == (3,)


def test_the_function_runs_once_more_in_backward_and_keeps_nothing(lib: Any, ckpt: Any) -> None:
    calls = []

    def function(x: Any, *, scale: Any) -> Any:
        calls.append(lib.is_grad_enabled())
        return (x * scale).exp().sin()

    x = lib.ones(3, requires_grad=True)
    y = ckpt.checkpoint(function, x, scale=2.0, use_reentrant=False)
    assert calls == [True]
    y.sum().backward(retain_graph=True)
    assert calls == [True, True]
    y.sum().backward()
    expected = 2 * 2 * lib.exp(lib.tensor(2.0)) * lib.cos(lib.exp(lib.tensor(2.0)))
    assert lib.allclose(x.grad, expected.expand(3))


def test_second_derivatives_and_several_results(lib: Any, ckpt: Any) -> None:
    x = lib.tensor([0.5, 1.0], requires_grad=True)
    a, b = ckpt.checkpoint(lambda x: (x**3, x.sin()), x, use_reentrant=False)
    (g,) = lib.autograd.grad((a * b).sum(), x, create_graph=True)
    (h,) = lib.autograd.grad(g.sum(), x)
    v = x.detach()
    expected = 6 * v * v.sin() + 2 * 3 * v**2 * v.cos() - v**3 * v.sin()
    assert lib.allclose(h, expected)


def test_checkpoints_nest(lib: Any, ckpt: Any) -> None:
    inner = lambda x: ckpt.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)  # noqa: E731
    x = lib.tensor([0.5, 1.0], requires_grad=True)
    ckpt.checkpoint(lambda x: inner(x * 2).tanh(), x, use_reentrant=False).sum().backward()
    z = lib.tensor([0.5, 1.0], requires_grad=True)
    (z * 2).exp().sin().tanh().sum().backward()
    assert lib.allclose(x.grad, z.grad)


def test_sequential(lib: Any, ckpt: Any) -> None:
    net = model(lib)
    x = lib.randn(4, 3, requires_grad=True)
    y = ckpt.checkpoint_sequential(net, 3, x, use_reentrant=False)
    assert lib.equal(y, net(x))
    y.sum().backward()
    assert net[0].weight.grad is not None
    with pytest.raises(ValueError, match="Unexpected keyword"):
        ckpt.checkpoint_sequential(net, 3, x, use_reentrant=False, foo=1)


def test_another_second_call_is_refused(lib: Any, ckpt: Any) -> None:
    calls: list[int] = []

    def fickle(x: Any) -> Any:
        calls.append(1)
        return x.exp() if len(calls) > 1 else x.exp().sin() * x

    x = lib.ones(2, requires_grad=True)
    y = ckpt.checkpoint(fickle, x, use_reentrant=False)
    with pytest.raises(ckpt.CheckpointError, match="saved"):
        y.sum().backward()
    calls.clear()
    shorter = lambda x: (calls.append(1), (x[:1] if len(calls) > 1 else x).exp())[1]  # noqa: E731
    y = ckpt.checkpoint(shorter, x, use_reentrant=False)
    with pytest.raises(ckpt.CheckpointError):
        y.sum().backward()


def test_warnings_and_bad_keywords(lib: Any, ckpt: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="use_reentrant"):
        ckpt.checkpoint(lib.exp, x)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        ckpt.checkpoint(lambda z: z * x, x.detach(), use_reentrant=True)
    with pytest.raises(ValueError, match="Unexpected keyword arguments"):
        ckpt.checkpoint(lib.exp, x, use_reentrant=True, foo=1)
    with lib.no_grad():
        assert not ckpt.checkpoint(lib.exp, x, use_reentrant=False).requires_grad
