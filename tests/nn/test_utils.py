"""``nn.utils``: clipping gradients, and parameters as one vector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn

NORMS = [2.0, 1.0, 3.0, 0.5, 0.0, math.inf, -math.inf]


def parameters(lib: Any, *grads: Any) -> list[Any]:
    """Parameters with these gradients; ``None`` is one that has none."""
    made = []
    for g in grads:
        p = lib.nn.Parameter(lib.zeros(2 if g is None else len(g)))
        p.grad = None if g is None else lib.tensor(g)
        made.append(p)
    return made


def values(made: list[Any]) -> list[Any]:
    return [None if p.grad is None else p.grad.tolist() for p in made]


def vector_norm(x: Any, p: float) -> float:
    return float(np.linalg.norm(np.asarray(x, np.float64), p))


# -- by norm -------------------------------------------------------------------------------------


@pytest.mark.parametrize("foreach", [None, True, False])
@pytest.mark.parametrize("p", NORMS)
def test_gradients_are_scaled_to_the_norm(lib: Any, p: float, foreach: Any) -> None:
    ps = parameters(lib, [3.0, -4.0], None, [1.0, 0.5, 2.0])
    flat = [3.0, -4.0, 1.0, 0.5, 2.0]
    norm = lib.nn.utils.clip_grad_norm_(ps, 0.4, p, foreach=foreach)
    # the norm of norms is not that of all elements for p = 0 and -inf, but it is what PyTorch takes
    parts = [vector_norm(flat[:2], p), vector_norm(flat[2:], p)]
    expected = vector_norm(parts, p)
    assert norm.item() == pytest.approx(expected, rel=1e-6)
    assert norm.shape == ()
    factor = min(0.4 / (expected + 1e-6), 1)
    np.testing.assert_allclose(ps[0].grad.numpy(), np.array([3, -4]) * factor, rtol=1e-6)
    np.testing.assert_allclose(ps[2].grad.numpy(), np.array([1, 0.5, 2]) * factor, rtol=1e-6)
    assert ps[1].grad is None


def test_small_gradients_stay_as_they_are(lib: Any) -> None:
    ps = parameters(lib, [3.0, 4.0])
    assert lib.nn.utils.clip_grad_norm_(ps, 6.0).item() == 5.0
    assert values(ps) == [[3.0, 4.0]]


def test_what_may_be_given(lib: Any) -> None:
    clip = lib.nn.utils.clip_grad_norm_
    assert clip(parameters(lib, [3.0, 4.0])[0], 1.0).item() == 5.0
    assert clip((p for p in parameters(lib, [3.0, 4.0], [0.0])), 1.0, norm_type=2).item() == 5.0
    assert clip(parameters(lib, None), 1.0).item() == 0.0
    assert clip([], 1.0).item() == 0.0
    with pytest.warns(UserWarning, match="empty generator"):
        assert clip((p for p in ()), 1.0).item() == 0.0
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        assert lib.nn.utils.clip_grad_norm(parameters(lib, [3.0, 4.0]), 1.0).item() == 5.0


def test_zero_gradients_and_empty_parameters(lib: Any) -> None:
    ps = parameters(lib, [0.0, 0.0], [])
    assert lib.nn.utils.clip_grad_norm_(ps, 1.0).item() == 0.0
    assert values(ps) == [[0.0, 0.0], []]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("p", [2.0, math.inf])
def test_gradients_that_are_not_finite(lib: Any, bad: float, p: float) -> None:
    ps = parameters(lib, [1.0, bad], [2.0])
    with pytest.raises(RuntimeError, match=r"total norm of order .* is non-finite"):
        lib.nn.utils.clip_grad_norm_(ps, 1.0, p, error_if_nonfinite=True)
    assert values(ps)[1] == [2.0], "the gradients were changed before the error"
    norm = lib.nn.utils.clip_grad_norm_(ps, 1.0, p)
    assert math.isnan(norm.item()) if math.isnan(bad) else norm.item() == math.inf
    after = values(ps)
    assert math.isnan(after[0][1])
    assert after[1] == [0.0] if math.isinf(bad) else math.isnan(after[1][0])


def test_the_norm_alone_and_scaling_by_a_norm(lib: Any) -> None:
    ps = parameters(lib, [3.0, 4.0], [12.0])
    norm = lib.nn.utils.get_total_norm([p.grad for p in ps])
    assert norm.item() == 13.0
    assert lib.nn.utils.get_total_norm(ps[0].grad).item() == 5.0
    assert lib.nn.utils.get_total_norm([]).item() == 0.0
    assert values(ps) == [[3.0, 4.0], [12.0]]
    lib.nn.utils.clip_grads_with_norm_(ps, 6.5, norm)
    np.testing.assert_allclose(ps[0].grad.numpy(), [1.5, 2], rtol=1e-6)
    np.testing.assert_allclose(ps[1].grad.numpy(), [6], rtol=1e-6)
    with pytest.raises(RuntimeError, match="non-finite"):
        lib.nn.utils.get_total_norm([lib.tensor([math.nan])], error_if_nonfinite=True)


def test_the_parameters_keep_their_gradients_dtype_and_memory(lib: Any) -> None:
    p = lib.nn.Parameter(lib.zeros(2, dtype=lib.float64))
    g = p.grad = lib.full((2,), 3.0, dtype=lib.float64)
    norm = lib.nn.utils.clip_grad_norm_([p], 1.0)
    assert norm.dtype == lib.float64
    assert p.grad is g
    assert g.dtype == lib.float64
    assert float(g.norm()) == pytest.approx(1, abs=1e-6)


def test_halves_do_not_overflow() -> None:
    p = nn.Parameter(penlight.zeros(4, dtype=penlight.float16))
    p.grad = penlight.full((4,), 300.0, dtype=penlight.float16)
    assert nn.utils.clip_grad_norm_([p], 1.0).item() == 600.0
    assert p.grad.dtype is penlight.float16
    np.testing.assert_allclose(p.grad.numpy(), 0.5, rtol=1e-3)


# -- by value ------------------------------------------------------------------------------------


@pytest.mark.parametrize("foreach", [None, True, False])
def test_gradients_are_clipped_to_the_value(lib: Any, foreach: Any) -> None:
    ps = parameters(lib, [3.0, -4.0, 0.5, math.nan, math.inf], None)
    g = ps[0].grad
    assert lib.nn.utils.clip_grad_value_(ps, 1, foreach=foreach) is None
    assert ps[0].grad is g
    np.testing.assert_array_equal(g.numpy(), np.float32([1, -1, 0.5, math.nan, 1]))
    lib.nn.utils.clip_grad_value_(ps[0], 0.25)
    np.testing.assert_array_equal(g.numpy(), np.float32([0.25, -0.25, 0.25, math.nan, 0.25]))


# -- one vector ----------------------------------------------------------------------------------


def test_parameters_as_a_vector_and_back(lib: Any) -> None:
    lib.manual_seed(0)
    a, b = lib.nn.Linear(3, 2), lib.nn.Linear(3, 2)
    vector = lib.nn.utils.parameters_to_vector(a.parameters())
    assert vector.shape == (8,)
    assert vector[:6].tolist() == a.weight.flatten().tolist()
    vector.sum().backward()
    assert a.weight.grad.tolist() == [[1.0] * 3] * 2, "gradients flow through the vector"
    weight = b.weight
    lib.nn.utils.vector_to_parameters(vector, b.parameters())
    assert b.weight is weight
    assert b.weight.is_leaf
    assert b.weight.tolist() == a.weight.tolist()
    assert b.bias.tolist() == a.bias.tolist()
    flat = lib.zeros(8)
    lib.nn.utils.vector_to_parameters(flat, b.parameters())
    flat.fill_(7)
    assert b.bias.tolist() == [7.0, 7.0], "the parameters share the vector's memory"


def test_a_vector_that_does_not_fit(lib: Any) -> None:
    with pytest.raises(TypeError, match=r"Tensor"):
        lib.nn.utils.vector_to_parameters([1.0], lib.nn.Linear(1, 1).parameters())
    with pytest.raises(RuntimeError, match=r"elements|invalid for input of size"):
        lib.nn.utils.vector_to_parameters(lib.zeros(2), lib.nn.Linear(3, 1).parameters())
