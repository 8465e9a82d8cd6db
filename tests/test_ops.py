"""Every row of the op table, against central differences and against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight.testing import gradcheck, gradgradcheck
from penlight.testing.specs import SPECS, OpSpec, Sample, op_program
from penlight.testing.specs.programs import tensors
from tests.comparison import (
    array,
    assert_same,
    assert_same_gradients,
    backward_through,
)

CASES = [
    pytest.param(spec, sample, id=f"{spec.name}[{sample!r}]")
    for spec in SPECS.values()
    for sample in spec.cases()
]
ERRORS = [
    pytest.param(spec, bad, id=f"{spec.name}-{i}")
    for spec in SPECS.values()
    for i, bad in enumerate(spec.errors)
]
each_case = pytest.mark.parametrize(("spec", "sample"), CASES)


@each_case
def test_gradient_is_numerical_gradient(spec: OpSpec, sample: Sample) -> None:
    function, wanted = op_program(penlight, spec, sample)
    if not spec.gradient or not wanted:
        assert not any(y.requires_grad for y in function()), f"{spec.name} has a gradient after all"
        return
    if not spec.numerical:
        pytest.skip(spec.note)
    assert gradcheck(function, tuple(wanted))


@each_case
def test_second_order_gradient(spec: OpSpec, sample: Sample) -> None:
    function, wanted = op_program(penlight, spec, sample)
    if not (spec.gradient and spec.numerical and spec.second_order and wanted):
        pytest.skip("no second derivative")
    assert gradgradcheck(function, tuple(wanted))


@each_case
def test_inputs_stay_and_results_repeat(spec: OpSpec, sample: Sample) -> None:
    """The same bits twice, inputs unchanged unless the op is in-place, float32 kept float32."""
    results = []
    for _ in range(2):
        penlight.manual_seed(0)
        args, kwargs = sample.bind(penlight)
        outputs = spec.call(penlight, *args, **kwargs)
        backward_through(outputs)
        leaves = [t for t in tensors((args, list(kwargs.values()))) if t.requires_grad]
        results.append([array(y).copy() for y in tensors(outputs)])
        results[-1] += [array(t.grad).copy() for t in leaves if t.grad is not None]
        for before, after in zip(
            tensors(sample.bind(penlight)), tensors((args, kwargs)), strict=True
        ):
            if after.requires_grad:
                np.testing.assert_array_equal(array(before), array(after))
    for a, b in zip(*results, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parity
@each_case
def test_parity_with_pytorch(spec: OpSpec, sample: Sample, torch: Any) -> None:
    if not spec.parity:
        pytest.skip(spec.note)
    ours, our_kwargs = sample.bind(penlight)
    theirs, their_kwargs = sample.bind(torch)
    y, expected = (
        spec.call(penlight, *ours, **our_kwargs),
        spec.call(torch, *theirs, **their_kwargs),
    )
    assert_same(y, expected, spec.rtol, spec.atol, spec.name)
    backward_through(y)
    backward_through(expected)
    assert_same_gradients(
        [t for t in tensors((ours, our_kwargs)) if t.is_leaf],
        [t for t in tensors((theirs, their_kwargs)) if t.is_leaf],
        spec.rtol * 10, spec.atol * 10, spec.name,
    )  # fmt: skip


@pytest.mark.parametrize(("spec", "bad"), ERRORS)
def test_bad_input_is_refused(spec: OpSpec, bad: Any) -> None:
    args, kwargs = Sample(*bad.args, **bad.kwargs).bind(penlight)
    with pytest.raises(bad.error, match=bad.match):
        spec.call(penlight, *args, **kwargs)


@pytest.mark.parity
@pytest.mark.parametrize(("spec", "bad"), ERRORS)
def test_pytorch_refuses_it_too(spec: OpSpec, bad: Any, torch: Any) -> None:
    if not bad.torch_raises:
        pytest.skip("PyTorch accepts it")
    args, kwargs = Sample(*bad.args, **bad.kwargs).bind(torch)
    with pytest.raises(bad.error):
        spec.call(torch, *args, **kwargs)
