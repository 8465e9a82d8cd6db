"""``out=``: every function that takes it fills it with what it would return."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.tensor import out as room
from penlight.testing.specs import SPECS, Sample
from penlight.testing.specs.programs import tensors
from tests.comparison import assert_same

TOP_LEVEL = room.TOP_LEVEL.split()
RANDOM = {"bernoulli", "multinomial", "normal", "rand", "randint", "randn", "randperm", "empty"}
# their rows call them with arguments in another order, or signs are free and PyTorch warns of them
OTHERWISE = {
    "chain_matmul", "column_stack", "diag", "histogram", "index_reduce", "mm", "nanquantile",
    "cholesky", "polygamma", "qr", "renorm", "svd", "tensordot", "triangular_solve",
}  # fmt: skip
CASES = [
    pytest.param(name, sample, id=f"{name}[{sample!r}]")
    for name in TOP_LEVEL
    if f"torch.{name}" in SPECS and name not in RANDOM | OTHERWISE
    for sample in list(SPECS[f"torch.{name}"].cases())[:3]
]
CREATION: list[tuple[str, tuple[Any, ...]]] = [
    ("arange", (5,)), ("zeros", (2, 3)), ("ones", (2,)), ("full", ((2, 2), 7.0)), ("eye", (3,)),
    ("linspace", (0, 1, 5)), ("logspace", (0, 1, 5)),
]  # fmt: skip


def filled(torch: Any, name: str, sample: Sample) -> tuple[Any, Any]:
    """The results without ``out``, and those in empty tensors given as ``out``."""
    function = getattr(torch, name)
    args, kwargs = sample.bind(torch, grad=False)
    expected = function(*args, **kwargs)
    empty = [torch.empty(0, dtype=y.dtype) for y in tensors(expected)]
    out = empty[0] if isinstance(expected, torch.Tensor) else tuple(empty)
    y = function(*args, **kwargs, out=out)
    for a, b in zip(tensors(y), tensors(out), strict=True):
        assert a is b
    return expected, y


def test_nearly_all_functions_are_tried() -> None:
    tried = {c.values[0] for c in CASES} | {name for name, _ in CREATION} | RANDOM | OTHERWISE
    assert len(tried) >= 0.6 * len(set(TOP_LEVEL)), sorted(set(TOP_LEVEL) - tried)


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_the_result_is_in_out(name: str, sample: Sample) -> None:
    expected, y = filled(penlight, name, sample)
    assert_same(y, expected, 0, 0, name)


@pytest.mark.parity
@pytest.mark.parametrize(("name", "sample"), CASES)
def test_pytorch_takes_it_too(name: str, sample: Sample, torch: Any) -> None:
    try:
        _, expected = filled(torch, name, sample)
    except TypeError as error:
        pytest.skip(f"not in this form of the call: {error}")
    _, y = filled(penlight, name, sample)
    spec = SPECS[f"torch.{name}"]
    assert_same(y, expected, spec.rtol, spec.atol, name)


@pytest.mark.parametrize("dtype", ["float64", "int64"])
@pytest.mark.parametrize(("name", "args"), CREATION)
def test_creation_takes_the_dtype_of_out(name: str, args: tuple[Any, ...], dtype: str) -> None:
    out = penlight.empty(0, dtype=getattr(penlight, dtype))
    assert getattr(penlight, name)(*args, out=out) is out
    np.testing.assert_array_equal(
        out.numpy(), getattr(penlight, name)(*args, dtype=out.dtype).numpy()
    )


def test_out_may_be_an_argument_and_a_view() -> None:
    x = penlight.arange(6.0)
    assert penlight.add(x[:3], x[3:], out=x[1:4]).tolist() == [3.0, 5.0, 7.0]
    assert x.tolist() == [0.0, 3.0, 5.0, 7.0, 4.0, 5.0]


def test_saved_values_changed_through_out_are_noticed() -> None:
    x = penlight.ones(3, requires_grad=True)
    y = x.exp()
    penlight.zeros(3, out=y.detach())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


REFUSED: list[tuple[type[Exception], str, Callable[[Any], Any]]] = [
    (RuntimeError, "can't be cast", lambda t: t.add(t.ones(2), 0.5, out=t.empty(2, dtype=t.int64))),
    (RuntimeError, "automatic differentiation",
     lambda t: t.exp(t.ones(2, requires_grad=True), out=t.empty(2))),
    (RuntimeError, "automatic differentiation",
     lambda t: t.exp(t.ones(2), out=t.empty(2, requires_grad=True))),
    (TypeError, "out", lambda t: t.exp(t.ones(2), out=3)),
    (TypeError, "tuple", lambda t: t.max(t.ones(2, 2), 0, out=t.empty(2))),
]  # fmt: skip


@pytest.mark.parametrize(("error", "text", "call"), REFUSED)
def test_refused(error: type[Exception], text: str, call: Callable[[Any], Any]) -> None:
    with pytest.raises(error, match=text):
        call(penlight)


@pytest.mark.parity
@pytest.mark.parametrize(("error", "text", "call"), REFUSED)
def test_pytorch_refuses_too(
    error: type[Exception], text: str, call: Callable[[Any], Any], torch: Any
) -> None:
    with pytest.raises(error, match=text):
        call(torch)


def test_several_results() -> None:
    values, indices = penlight.empty(0), penlight.empty(0, dtype=penlight.int64)
    y = penlight.max(penlight.tensor([[1.0, 3.0], [4.0, 2.0]]), 1, out=(values, indices))
    assert y.values is values
    assert (values.tolist(), indices.tolist()) == ([3.0, 4.0], [1, 0])


def test_functions_whose_rows_call_otherwise() -> None:
    a, b = penlight.ones(2, 3), penlight.ones(3, 2)
    out = penlight.empty(0)
    for y in (
        penlight.mm(a, b, out=out), penlight.chain_matmul(a, b, out=out),
        penlight.tensordot(a, b, 1, out=out),
    ):  # fmt: skip
        assert y is out
        assert y.tolist() == [[3.0, 3.0]] * 2
    assert penlight.polygamma(1, a, out=penlight.empty(2, 3)).shape == (2, 3)


def test_another_shape_warns_and_an_empty_tensor_does_not() -> None:
    out = penlight.empty(3)
    with pytest.warns(UserWarning, match=r"resized since it had shape \[3\]"):
        penlight.exp(penlight.ones(2), out=out)
    assert out.shape == (2,)


def test_signatures_show_it() -> None:
    assert str(inspect.signature(penlight.exp)) == "(input: 'Tensor', *, out=None) -> 'Tensor'"
