"""Leaves and what is none: flags, ``.grad``, ``detach``, ``.data``."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import penlight


def test_who_is_a_leaf(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    y = x * 2
    constant = lib.ones(2) * 2
    assert (x.is_leaf, y.is_leaf, constant.is_leaf) == (True, False, True)
    assert (x.grad_fn, constant.grad_fn) == (None, None)
    assert y.grad_fn is not None
    assert y.output_nr == 0


def test_requires_grad_flags(lib: Any) -> None:
    x = lib.ones(2)
    assert x.requires_grad_() is x
    assert x.requires_grad
    y = x * 2
    assert y.requires_grad_() is y
    with pytest.raises(RuntimeError, match="only change requires_grad flags of leaf"):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match="only change requires_grad flags of leaf"):
        y.requires_grad = False
    x.requires_grad = False
    assert not (x * 2).requires_grad
    with pytest.raises(RuntimeError):
        x.requires_grad = "yes"


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8"])
def test_integers_have_no_gradients(lib: Any, dtype: str) -> None:
    i = lib.ones(2, dtype=getattr(lib, dtype))
    with pytest.raises(RuntimeError, match="floating point"):
        i.requires_grad_()
    with pytest.raises(RuntimeError, match="floating point"):
        i.requires_grad = True
    with pytest.raises(RuntimeError, match="floating point"):
        lib.ones(2, dtype=getattr(lib, dtype), requires_grad=True)
    i.requires_grad = False
    assert not (lib.ones(2, requires_grad=True) * 3 > 1).requires_grad


# -- .grad -----------------------------------------------------------------------------------------


def test_grad_of_what_is_no_leaf_warns(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    y = x * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert x.grad is None
        y.retain_grad()
        assert y.grad is None
        assert lib.ones(2).grad is None


def test_assigning_grad(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    g = lib.tensor([1.0, 2.0])
    x.grad = g
    assert x.grad is g
    (x * 3).sum().backward()
    assert g.tolist() == [4.0, 5.0]  # added to the tensor that was assigned
    del x.grad
    assert x.grad is None
    with pytest.raises(TypeError, match="expected to be a Tensor or None"):
        x.grad = 3
    for wrong in (lib.ones(3), lib.ones(2).double(), x):
        with pytest.raises(RuntimeError):
            x.grad = wrong
    assert x.grad is None


# -- detach and data -------------------------------------------------------------------------------


def test_detach_shares_memory_and_version(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    y = x * 2
    d = y.detach()
    assert (d.requires_grad, d.is_leaf, d._is_view()) == (False, True, False)
    d.add_(1)
    assert y.tolist() == [3.0, 3.0, 3.0]
    assert (d._version, y._version) == (1, 1)
    z = (y * y).sum()
    d.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.backward()


def test_data_is_not_watched(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    y.data.mul_(10)
    assert y.tolist() == [20.0] * 3
    assert y._version == 0
    z.backward()
    assert x.grad.tolist() == [80.0] * 3  # with the changed values: that is what .data is for


def test_replacing_data(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    x.data = lib.zeros(2).double()
    assert x.shape == (2,)
    assert x.dtype is lib.float64
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(TypeError, match="has to be a tensor"):
        x.data = 3


def test_saved_values_outlive_the_data() -> None:
    """Gradients are those of the values that were used. (PyTorch takes the new values of a leaf.)"""
    x = penlight.ones(2, requires_grad=True)
    loss = (x * x * x).sum()
    x.data = penlight.tensor([5.0, 6.0])
    (g,) = penlight.autograd.grad(loss, x, create_graph=True)
    assert g.tolist() == [3.0, 3.0]
    (second,) = penlight.autograd.grad(g.sum(), x)
    assert second.tolist() == [6.0, 6.0]


def test_detach_in_place(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    y = x * 2
    view = y[0:1]
    assert y.detach_() is y
    assert (y.requires_grad, y.is_leaf) == (False, True)
    assert (view * 2).requires_grad  # made before, its history stays
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        view.detach_()
    y.requires_grad_()
    (y * 5).sum().backward()
    assert y.grad.tolist() == [5.0, 5.0, 5.0]
    assert x.grad is None


def test_stopped_gradients(lib: Any) -> None:
    """``x * x.detach()``: the second factor is a constant, in first and in second order."""
    for f, first, second in [
        (lambda x: x * x.detach(), [2.0, 3.0], [0.0, 0.0]),
        (lambda x: x.detach() * x, [2.0, 3.0], [0.0, 0.0]),
        (lambda x: x * x.data, [2.0, 3.0], [0.0, 0.0]),
        (lambda x: x.data * x, [2.0, 3.0], [0.0, 0.0]),
        (lambda x: x * x * x.data, [8.0, 12.0 + 6.0], [4.0, 6.0]),
        (lambda x: x / x.detach(), [0.5, 1 / 3], [0.0, 0.0]),
        (lambda x: lib.addcmul(x, x.detach(), x), [3.0, 4.0], [0.0, 0.0]),
    ]:
        x = lib.tensor([2.0, 3.0], requires_grad=True)
        (g,) = lib.autograd.grad(f(x).sum(), x, create_graph=True)
        assert g.detach().tolist() == pytest.approx(first, rel=1e-6)
        if g.requires_grad:
            (h,) = lib.autograd.grad(g.sum(), x, materialize_grads=True)
            assert h.tolist() == pytest.approx(second, abs=1e-6)
        else:
            assert second == [0.0, 0.0]


def test_two_tensors_on_one_array(lib: Any) -> None:
    """Tensors made from the same memory are told apart, in the gradient's gradient too."""
    memory = lib.tensor([2.0, 3.0])
    w, constant = lib.nn.Parameter(memory), memory
    for f in (
        lambda: w * constant * w,
        lambda: constant * w * w,
        lambda: lib.addcmul(w, w * w, constant) - w,
    ):
        (g,) = lib.autograd.grad(f().sum(), w, create_graph=True)
        assert g.tolist() == [8.0, 18.0]
        (h,) = lib.autograd.grad(g.sum(), w)
        assert h.tolist() == [4.0, 6.0]


def test_accumulation_raises_the_version_of_grad(lib: Any) -> None:
    x = lib.tensor([2.0, 3.0], requires_grad=True)
    w = lib.ones(2, requires_grad=True)
    (x * x).sum().backward()
    used = (w * x.grad).sum()
    before = x.grad._version
    (x * x).sum().backward()
    assert x.grad._version == before + 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        used.backward()
