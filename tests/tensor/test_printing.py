"""The text of tensors: frozen examples, and thousands of random tensors against PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import penlight

NAN, INF = float("nan"), float("inf")


@pytest.fixture(autouse=True)
def _default_options() -> Iterator[None]:
    yield
    penlight.set_printoptions(profile="default")


FROZEN = [
    (lambda t: t.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
    (lambda t: t.tensor([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda t: t.tensor([[1, -20], [3, 4]]), "tensor([[  1, -20],\n        [  3,   4]])"),
    (lambda t: t.tensor(3), "tensor(3)"),
    (lambda t: t.tensor(3.5), "tensor(3.5000)"),
    (lambda t: t.tensor([True, False]), "tensor([ True, False])"),
    (lambda t: t.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda t: t.tensor([1e9, 1.0]), "tensor([1.0000e+09, 1.0000e+00])"),
    (lambda t: t.tensor([1.5, 1499.0]), "tensor([   1.5000, 1499.0000])"),
    (lambda t: t.tensor([1.5, 1501.0]), "tensor([1.5000e+00, 1.5010e+03])"),
    (lambda t: t.tensor([NAN, INF, -INF, 1.0]), "tensor([nan, inf, -inf, 1.])"),
    (lambda t: t.tensor([NAN, 0.5]), "tensor([   nan, 0.5000])"),
    (lambda t: t.tensor([-0.0, 0.0]), "tensor([-0., 0.])"),
    (lambda t: t.zeros(0), "tensor([])"),
    (lambda t: t.zeros(0, 3), "tensor([], size=(0, 3))"),
    (lambda t: t.zeros(0, dtype=t.int64), "tensor([], dtype=torch.int64)"),
    (lambda t: t.zeros(2, 0, dtype=t.float64), "tensor([], size=(2, 0), dtype=torch.float64)"),
    (lambda t: t.ones(2, dtype=t.float64), "tensor([1., 1.], dtype=torch.float64)"),
    (lambda t: t.ones(1, dtype=t.float16), "tensor([1.], dtype=torch.float16)"),
    (lambda t: t.ones(1, dtype=t.uint8), "tensor([1], dtype=torch.uint8)"),
    (lambda t: t.tensor([1 + 2j, 3 - 0.5j]), "tensor([1.+2.0000j, 3.-0.5000j])"),
    (lambda t: t.ones(2, requires_grad=True), "tensor([1., 1.], requires_grad=True)"),
    (lambda t: t.ones(1, requires_grad=True) + 1, "tensor([2.], grad_fn=<AddBackward0>)"),
    (
        lambda t: t.nn.Parameter(t.ones(1, 2)),
        "Parameter containing:\ntensor([[1., 1.]], requires_grad=True)",
    ),
    (
        lambda t: t.ones(2, 1, 2),
        "tensor([[[1., 1.]],\n\n        [[1., 1.]]])",
    ),
    (
        lambda t: t.ones(1001),
        "tensor([1., 1., 1.,  ..., 1., 1., 1.])",
    ),
    (
        lambda t: t.ones(1002, 2).cumsum(0),
        "tensor([[1.0000e+00, 1.0000e+00],\n        [2.0000e+00, 2.0000e+00],\n"
        "        [3.0000e+00, 3.0000e+00],\n        ...,\n        [1.0000e+03, 1.0000e+03],\n"
        "        [1.0010e+03, 1.0010e+03],\n        [1.0020e+03, 1.0020e+03]])",
    ),
    (
        lambda t: t.ones(20),
        "tensor([1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,\n"
        "        1., 1.])",
    ),
    (
        lambda t: t.full((2, 8), 1234.5678, dtype=t.float64),
        "tensor([[1234.5678, 1234.5678, 1234.5678, 1234.5678, 1234.5678, 1234.5678,\n"
        "         1234.5678, 1234.5678],\n"
        "        [1234.5678, 1234.5678, 1234.5678, 1234.5678, 1234.5678, 1234.5678,\n"
        "         1234.5678, 1234.5678]], dtype=torch.float64)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "text"), FROZEN, ids=range(len(FROZEN)))
def test_frozen_examples(make: Any, text: str) -> None:
    assert repr(make(penlight)) == text
    assert str(make(penlight)) == text


@pytest.mark.parity
@pytest.mark.parametrize(("make", "text"), FROZEN, ids=range(len(FROZEN)))
def test_frozen_examples_are_pytorchs(make: Any, text: str, torch: Any) -> None:
    assert repr(make(torch)) == text


def test_options_change_the_text() -> None:
    x = penlight.tensor([1.23456, 2.0])
    penlight.set_printoptions(precision=2)
    assert repr(x) == "tensor([1.23, 2.00])"
    penlight.set_printoptions(sci_mode=True)
    assert repr(x) == "tensor([1.23e+00, 2.00e+00])"
    penlight.set_printoptions(profile="full")
    assert "..." not in repr(penlight.zeros(1001))
    penlight.set_printoptions(profile="short")
    assert repr(penlight.zeros(1001)) == "tensor([0., 0.,  ..., 0., 0.])"
    with pytest.raises(ValueError, match="profile"):
        penlight.set_printoptions(profile="long")


def test_default_dtype_needs_no_suffix() -> None:
    penlight.set_default_dtype(penlight.float64)
    try:
        assert repr(penlight.ones(1)) == "tensor([1.])"
        assert repr(penlight.ones(1, dtype=penlight.float32)) == "tensor([1.], dtype=torch.float32)"
    finally:
        penlight.set_default_dtype(penlight.float32)


def test_subclasses_print_their_name() -> None:
    class Labelled(penlight.Tensor):
        pass

    assert repr(Labelled([1.0, 2.0])) == "Labelled([1., 2.])"


def _shape(rng: np.random.Generator) -> tuple[int, ...]:
    """Mostly small; some just around the threshold of summaries."""
    kind = rng.random()
    if kind < 0.1:
        return (int(rng.integers(900, 1200)),)
    if kind < 0.2:
        return tuple(rng.integers(8, 40, 2))
    if kind < 0.3:
        return tuple(rng.integers(1, 15, 3))
    return tuple(rng.integers(0, 7, rng.integers(0, 5)))


def _array(rng: np.random.Generator) -> np.ndarray:
    """Whole and broken numbers of one or of many magnitudes, with some that are not finite."""
    shape = _shape(rng)
    kind = rng.choice(["f4", "f8", "f2", "i8", "i4", "u1", "?", "c8", "c16"])
    a = np.array(rng.standard_normal(shape) * 10.0 ** rng.integers(-6, 9))
    style = rng.random()
    if style < 0.3:
        a = np.array(np.round(a))
    elif style > 0.8:
        a = np.array(a * 10.0 ** rng.integers(-5, 5, shape))
    if a.size and kind[0] == "f" and rng.random() < 0.3:
        a.reshape(-1)[rng.integers(0, a.size)] = rng.choice([np.nan, np.inf, -np.inf, 0, -0.0])
    if kind[0] == "c":
        a = a + 1j * rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 4)
    if kind[0] == "u":
        a = np.abs(a) % 256
    with np.errstate(over="ignore"):
        return np.asarray(a).astype(kind)


@pytest.mark.parity
@pytest.mark.parametrize("seed", range(6))
def test_random_tensors_print_as_in_pytorch(torch: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    options: dict[str, Any] = {"profile": "default"}
    if seed >= 3:
        options = {
            "precision": int(rng.integers(0, 7)),
            "threshold": int(rng.choice([1000, 10, 100])),
            "edgeitems": int(rng.integers(0, 5)),
            "linewidth": int(rng.choice([40, 80, 120])),
            "sci_mode": [None, True, False][seed - 3],
        }
    penlight.set_printoptions(**options)
    torch.set_printoptions(**options)
    try:
        for _ in range(150):
            a = _array(rng)
            ours, theirs = penlight.from_numpy(a.copy()), torch.from_numpy(a.copy())
            if a.dtype.kind in "fc" and rng.random() < 0.3:
                ours.requires_grad_(), theirs.requires_grad_()
            if a.dtype.kind == "f" and rng.random() < 0.3:
                ours, theirs = ours + 1, theirs + 1
            assert repr(ours) == repr(theirs)
    finally:
        torch.set_printoptions(profile="default")
