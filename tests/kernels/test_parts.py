"""Arrays that lie side by side in memory: made so, recognised, and joined without copying."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight.kernels.memory import empty_parts, rejoined


def heads(x, n):
    return [p.reshape(2, 5, 3, 4).transpose(0, 2, 1, 3) for p in np.split(x, n, 2)]


def test_new_parts_lie_as_the_old_ones_do():
    x = np.zeros((2, 5, 36), np.float32)
    parts = heads(x, 3)
    made = empty_parts(*parts)
    for i, part in enumerate(made):
        assert part.shape == parts[i].shape
        assert part.strides == parts[i].strides
        part[...] = i
    back = tuple(p.transpose(0, 2, 1, 3).reshape(2, 5, 12) for p in made)
    joined = rejoined(back, 2)
    assert np.shares_memory(joined, made[0])
    np.testing.assert_array_equal(joined, np.concatenate(back, 2))


def test_what_is_no_whole_gets_no_parts():
    x = np.zeros((2, 5, 36), np.float32)
    a, b, c = heads(x, 3)
    for parts in [(a, b), (b, c, a), (a, a, a), (a, b, c.copy()), (a[:1], b[:1], c[:1]), (a, b, b)]:
        made = empty_parts(*parts)
        assert made is None or not np.shares_memory(made[0], made[1])
    assert empty_parts(a, a, a) is None
    assert empty_parts(a, b, c.copy()) is None
    assert empty_parts(x[:, :4], x[:, 1:]) is None  # they overlap
    assert empty_parts(*np.split(x[:, :0], 3, 2)) is None


def test_parts_that_are_apart_or_out_of_order_are_not_joined():
    x = np.arange(24.0).reshape(4, 6)
    a, b, c = np.split(x, 3, 1)
    np.testing.assert_array_equal(rejoined((a, b, c), 1), x)
    np.testing.assert_array_equal(rejoined((b, c), 1), x[:, 2:])
    np.testing.assert_array_equal(rejoined((x[:1], x[1:]), 0), x)
    for parts in [(b, a), (a, c), (a, a), (a, b.copy()), (a.copy(), b)]:
        assert rejoined(parts, 1) is None
    assert rejoined((x[::-1][:2], x[::-1][2:]), 0) is None


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gradient_of_a_split_whose_parts_come_back_together(axis):
    """The joined gradient is nobody else's: adding to it leaves the sources alone."""
    x = penlight.randn(4, 6, 2, requires_grad=True)
    y = x * 2
    g = penlight.randn(4, 6, 2)
    before = g.clone()
    halves = y.split(y.shape[axis] // 2, axis)
    grads = g.split(y.shape[axis] // 2, axis)
    for _ in range(2):
        penlight.autograd.backward(halves, grads, retain_graph=True)
    assert penlight.equal(x.grad, 4 * before)
    assert penlight.equal(g, before)
    leaf = penlight.randn(4, 2, requires_grad=True)
    penlight.autograd.backward(leaf.split(2), g[:, 0].split(2))
    leaf.grad += 1
    assert penlight.equal(g, before)
