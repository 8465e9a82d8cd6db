"""The directional check: small errors for right derivatives, large ones for wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.autograd import Function
from penlight.models import LeNet
from penlight.nn import functional as F
from penlight.testing import gradient_error


def leaf(*shape):
    return penlight.randn(*shape, dtype=penlight.float64, requires_grad=True)


@pytest.mark.parametrize("order", [1, 2])
def test_right_derivatives(order):
    x, w = leaf(3, 4), leaf(4, 2)
    before = x.detach().clone()
    assert gradient_error(lambda: (penlight.tanh(x @ w), (x * x).sum()), [x, w], order=order) < 1e-8
    assert (x == before).all()


class Cube(Function):
    """y = x^3, with a derivative that is wrong by ``slip``, or whose own derivative is."""

    @staticmethod
    def forward(ctx, x, slip, second):
        ctx.save_for_backward(x)
        ctx.slip, ctx.second = slip, second
        return x**3

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        square = x.detach() * x if ctx.second else x * x
        return dy * 3 * square * (1 + ctx.slip), None, None


def test_wrong_derivatives_show():
    x = leaf(5)
    assert gradient_error(lambda: Cube.apply(x, 0.0, False), [x]) < 1e-8
    assert gradient_error(lambda: Cube.apply(x, 1e-3, False), [x]) > 1e-5
    assert gradient_error(lambda: Cube.apply(x, 0.0, True), [x]) < 1e-8
    assert gradient_error(lambda: Cube.apply(x, 0.0, False), [x], order=2) < 1e-7
    assert gradient_error(lambda: Cube.apply(x, 0.0, True), [x], order=2) > 1e-2


def test_linear_functions_have_no_second_derivative():
    x = leaf(3)
    assert gradient_error(lambda: x * 2, [x], order=2) == 0


def test_whole_lenet():
    model = LeNet().double()
    x = penlight.from_numpy(np.random.default_rng(1).standard_normal((4, 1, 28, 28)))
    y = penlight.tensor([1, 2, 3, 4])
    parameters = list(model.parameters())
    assert gradient_error(lambda: F.cross_entropy(model(x), y), parameters, eps=1e-8) < 1e-6
    assert (
        gradient_error(lambda: F.cross_entropy(model(x), y), parameters, order=2, eps=1e-7) < 1e-5
    )
    model.features[0].register_full_backward_hook(lambda m, gi, go: None)
    broken = nn.Parameter(parameters[0].detach().clone())
    broken.register_hook(lambda g: g * 1.001)
    model.features[0].weight = broken
    parameters[0] = broken
    assert gradient_error(lambda: F.cross_entropy(model(x), y), parameters, eps=1e-8) > 1e-5
