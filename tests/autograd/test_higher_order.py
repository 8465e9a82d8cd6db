"""Derivatives of derivatives, of networks too."""

from __future__ import annotations

import math
from typing import Any

import pytest


def scalar(lib: Any, value: float) -> Any:
    return lib.tensor(value, dtype=lib.float64, requires_grad=True)


FUNCTIONS = {
    "x^5": (lambda x: x**5, lambda x, n: math.prod(range(5, 5 - n, -1)) * x ** (5 - n)),
    "exp": (lambda x: x.exp(), lambda x, n: math.exp(x)),
    "sin": (lambda x: x.sin(), lambda x, n: math.sin(x + n * math.pi / 2)),
    "1/x": (lambda x: 1 / x, lambda x, n: (-1) ** n * math.factorial(n) / x ** (n + 1)),
    "log": (lambda x: x.log(), lambda x, n: (-1) ** (n - 1) * math.factorial(n - 1) / x**n),
    "sqrt": (
        lambda x: x.sqrt(),
        lambda x, n: math.prod(0.5 - k for k in range(n)) * x ** (0.5 - n),
    ),
    "x x x x": (
        lambda x: x * x * x * x,
        lambda x, n: math.prod(range(4, 4 - n, -1)) * x ** (4 - n),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_to_fourth_derivative(lib: Any, name: str) -> None:
    f, derivative = FUNCTIONS[name]
    x = scalar(lib, 1.7)
    y = f(x)
    for n in range(1, 5):
        (y,) = lib.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(derivative(1.7, n), rel=1e-9)


def test_third_order_of_a_network(lib: Any) -> None:
    """u''' of a small network u(x), and the gradient of its square with respect to the weights."""
    lib.manual_seed(0)
    w1 = (lib.arange(4, dtype=lib.float64).reshape(4, 1) * 0.3 - 0.4).requires_grad_()
    w2 = (lib.arange(4, dtype=lib.float64).reshape(1, 4) * -0.2 + 0.5).requires_grad_()
    x = lib.linspace(-1, 1, 5, dtype=lib.float64).reshape(5, 1).requires_grad_()
    u = lib.nn.functional.linear(lib.tanh(lib.nn.functional.linear(x, w1)), w2)
    for _ in range(3):
        (u,) = lib.autograd.grad(u.sum(), x, create_graph=True)
    (u * u).mean().backward()

    def third(w: float, x: float) -> float:
        t = math.tanh(w * x)
        return w**3 * (1 - t * t) * (6 * t * t - 2)

    expected = [
        sum(b * third(a, x0) for a, b in zip(w1.reshape(-1).tolist(), w2.reshape(-1).tolist(), strict=True))
        for x0 in x.reshape(-1).tolist()
    ]  # fmt: skip
    assert u.reshape(-1).tolist() == pytest.approx(expected, rel=1e-9)
    assert w1.grad.abs().sum() > 0
    assert x.grad is not None


def test_gradient_penalty(lib: Any) -> None:
    x = lib.tensor([3.0, 4.0], dtype=lib.float64, requires_grad=True)
    w = lib.tensor([1.0, 2.0], dtype=lib.float64, requires_grad=True)
    y = (x * x * w).sum()
    (g,) = lib.autograd.grad(y, x, create_graph=True)
    loss = (g.norm() - 1) ** 2
    loss.backward()
    norm = math.hypot(6.0, 16.0)
    factor = 2 * (norm - 1) / norm
    assert w.grad.tolist() == pytest.approx([factor * 6 * 6, factor * 16 * 8])
    assert x.grad.tolist() == pytest.approx([factor * 6 * 2, factor * 16 * 4])


def test_meta_learning_step(lib: Any) -> None:
    """The gradient through an update of gradient descent."""
    w = lib.tensor([1.0, -2.0], dtype=lib.float64, requires_grad=True)
    (g,) = lib.autograd.grad((w**4).sum(), w, create_graph=True)
    updated = w - 0.1 * g
    (updated**2).sum().backward()
    assert w.grad.tolist() == pytest.approx(
        [2 * (v - 0.4 * v**3) * (1 - 1.2 * v * v) for v in (1.0, -2.0)]
    )


def test_second_order_through_views_and_changes(lib: Any) -> None:
    x = lib.tensor([1.0, 2.0, 3.0], dtype=lib.float64, requires_grad=True)
    y = x * x
    y[1:].mul_(x[1:])
    y[0] = x[2] ** 2
    (g,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [0.0, 12.0, 27.0 + 6.0]
    (h,) = lib.autograd.grad(g.sum(), x)
    assert h.tolist() == [0.0, 12.0, 18.0 + 2.0]


def test_what_does_not_depend_has_no_history(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    (g,) = lib.autograd.grad((x * 3).sum(), x, create_graph=True)
    assert not g.requires_grad
    with pytest.raises(RuntimeError, match="does not require grad"):
        lib.autograd.grad(g.sum(), x)
