"""Binary functions on random shapes that broadcast (or don't), against NumPy and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import penlight

PAIRS = mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)
FUNCTIONS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum,
    "atan2": np.arctan2, "hypot": np.hypot, "eq": np.equal, "lt": np.less, "logaddexp": np.logaddexp,
}  # fmt: skip


@given(PAIRS, st.sampled_from(sorted(FUNCTIONS)))
def test_values_and_gradients(shapes: Any, name: str) -> None:
    """Values are NumPy's; a broadcast operand's gradient is summed over what it was stretched along."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(s).astype(np.float32) for s in shapes.input_shapes)
    x, y = (penlight.from_numpy(np.asarray(v)).requires_grad_() for v in (a, b))
    z = getattr(penlight, name)(x, y)
    np.testing.assert_allclose(z.detach().numpy(), FUNCTIONS[name](a, b), rtol=1e-5, atol=1e-6)
    assert tuple(z.shape) == shapes.result_shape
    if name == "mul":
        z.sum().backward()
        for leaf, other in ((x, b), (y, a)):
            whole = np.broadcast_to(other, shapes.result_shape)
            extra = tuple(range(whole.ndim - leaf.ndim))
            ones = tuple(
                i + len(extra) for i, n in enumerate(leaf.shape)
                if n == 1 and whole.shape[i + len(extra)] != 1
            )  # fmt: skip
            expected = whole.sum(extra + ones, keepdims=True).reshape(leaf.shape)
            np.testing.assert_allclose(leaf.grad.numpy(), expected, rtol=1e-5, atol=1e-6)


@given(
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
)
def test_shapes_that_do_not_fit_are_refused(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    x, y = penlight.zeros(a), penlight.zeros(b)
    try:
        shape = np.broadcast_shapes(a, b)
    except ValueError:
        for function in (penlight.add, penlight.mul, penlight.eq, penlight.maximum, penlight.lerp):
            with pytest.raises(RuntimeError, match=r"size|shape"):
                function(x, y, *([0.5] if function is penlight.lerp else []))
        return
    assert (x + y).shape == shape == penlight.broadcast_shapes(a, b)
    if shape != a:
        with pytest.raises(RuntimeError, match="output with shape"):
            x.add_(y)


@pytest.mark.parity
@given(shapes=mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3))
def test_three_operands_as_in_pytorch(torch: Any, shapes: Any) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in shapes.input_shapes]
    results = []
    for lib in (penlight, torch):
        a, b, c = (lib.from_numpy(np.array(v)).requires_grad_() for v in arrays)
        y = (
            lib.where(a > b, a * c, b / (c * c + 1)).sum()
            + lib.lerp(a, b, c).sum() + lib.addcmul(a, b, c, value=0.3).sum()
            + lib.clamp(a, min=b.clamp(max=0)).sum()
        )  # fmt: skip
        y.backward()
        results.append([y.detach().numpy(), *(t.grad.numpy() for t in (a, b, c))])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
