"""Comparing Penlight's results with PyTorch's: value, dtype, shape, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.testing.specs.programs import flatten, is_tensor, tensors


def array(t: Any) -> np.ndarray:
    return np.asarray(t.detach().numpy())


def assert_same(ours: Any, theirs: Any, rtol: float, atol: float, what: str) -> None:
    """Equal structure, shapes, dtypes, and values within the tolerance."""
    a, b = flatten(ours), flatten(theirs)
    assert len(a) == len(b), f"{what}: {len(a)} results, PyTorch gives {len(b)}"
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        where = f"{what}, result {i}"
        if not is_tensor(y):
            assert x == y or (x != x and y != y), f"{where}: {x!r}, PyTorch gives {y!r}"
            continue
        assert str(x.dtype) == str(y.dtype), f"{where}: dtype {x.dtype}, PyTorch {y.dtype}"
        assert tuple(x.shape) == tuple(y.shape), f"{where}: {x.shape}, PyTorch {y.shape}"
        assert x.requires_grad == y.requires_grad, f"{where}: requires_grad {x.requires_grad}"
        np.testing.assert_allclose(
            array(x), array(y), rtol=rtol, atol=atol, equal_nan=True, err_msg=where
        )


def assert_same_gradients(
    ours: list[Any], theirs: list[Any], rtol: float, atol: float, what: str
) -> None:
    for i, (x, y) in enumerate(zip(ours, theirs, strict=True)):
        where = f"{what}, gradient of tensor {i}"
        assert (x.grad is None) == (y.grad is None), f"{where}: one of the two has none"
        if y.grad is not None:
            assert str(x.grad.dtype) == str(y.grad.dtype), where
            np.testing.assert_allclose(
                array(x.grad), array(y.grad), rtol=rtol, atol=atol, equal_nan=True, err_msg=where
            )


def backward_through(outputs: Any, seed: int = 0) -> None:
    """Backward from all differentiable outputs with the same random gradients in both libraries."""
    rng = np.random.default_rng(seed)
    total = None
    for y in tensors(outputs):
        weights = rng.standard_normal(tuple(y.shape))
        if y.requires_grad:
            term = (y * like(y, weights)).sum()
            total = term if total is None else total + term
    if total is not None:
        total.backward()


def like(y: Any, values: np.ndarray) -> Any:
    """``values`` as a tensor of y's library and dtype."""
    t = y.detach().clone()
    t.numpy()[...] = values  # shares memory in both libraries
    return t
