"""Every row of the op table under vmap: what it computes for a batch is what it computes for each sample.

The samples of a batch are the row's own arguments with their elements shifted cyclically, so that they
stay in the op's domain.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.func import grad, vjp, vmap
from penlight.func.trees import flatten
from penlight.testing.specs import SPECS, OpSpec, Sample

SIZE = 3
SAMPLES = 2  # of each row: the others differ in shapes, which the ops' own tests cover

# rows that refuse batches, as PyTorch does, and why
REFUSED = {
    "torch.istft": "looks whether a window is zero",
    "torch.cov": "looks whether weights are negative",
    "torch.as_strided": "reads the memory of the whole batch where samples are taken one by one",
    "torch.as_strided_scatter": "as as_strided",
}
INPLACE = "inplace arithmetic|data-dependent|requires_grad_\\(\\)|can't be differentiated"
WITHOUT_SECOND_ORDER = {"F.ctc_loss"}  # whose gradient takes no batches of gradients

ROWS = [
    pytest.param(spec, id=spec.name)
    for spec in SPECS.values()
    if spec.parity and not any(spec.name.startswith(name) for name in REFUSED)
]
each_row = pytest.mark.parametrize("spec", ROWS)


def is_tensor(value: Any) -> bool:
    return isinstance(value, penlight.Tensor)


def batch_of(x: Any) -> Any:
    """SIZE versions of x."""
    flat = x.numpy().ravel()
    return penlight.tensor(np.stack([np.roll(flat, k).reshape(x.shape) for k in range(SIZE)]))


class Row:
    """A call of an op as a function of its tensors, by their numbers among the arguments."""

    def __init__(self, spec: OpSpec, sample: Sample, dtype: str | None = None) -> None:
        self.spec = spec
        args, kwargs = sample.bind(penlight, dtype=dtype, grad=False)
        self.leaves, self.structure = flatten((args, kwargs))
        wanted = flatten(sample.bind(penlight, dtype=dtype))[0]
        self.tensors = [i for i, x in enumerate(self.leaves) if is_tensor(x)]
        self.floating = [i for i in self.tensors if wanted[i].requires_grad]

    def call(self, values: dict[int, Any]) -> tuple[Any, ...]:
        leaves = [values.get(i, x) for i, x in enumerate(self.leaves)]
        args, kwargs = self.structure.fill(leaves)
        penlight.manual_seed(0)
        result = self.spec.call(penlight, *args, **kwargs)
        return tuple(y for y in flatten(result)[0] if is_tensor(y))

    def loss(self, values: dict[int, Any], constants: dict[int, Any]) -> Any:
        """A sum of all results, each element with a weight of its own."""
        total = penlight.zeros((), dtype=penlight.float64)
        for y in self.call({**values, **constants}):
            if y.dtype.is_floating_point:
                weights = penlight.arange(1.0, y.numel() + 1, dtype=y.dtype).reshape(y.shape)
                total = total + (y * weights).sum()
        return total

    def own(self, numbers: list[int]) -> dict[int, Any]:
        return {i: self.leaves[i] for i in numbers}

    def batches(self, numbers: list[int]) -> dict[int, Any]:
        return {i: batch_of(self.leaves[i]) for i in numbers}


def of_sample(batches: dict[int, Any], k: int) -> dict[int, Any]:
    return {i: x[k].clone() for i, x in batches.items()}


def one_by_one(function: Callable[[int], Any]) -> Any:
    """The results of all samples, or None where a shifted sample is not valid."""
    try:
        return [function(k) for k in range(SIZE)]
    except (RuntimeError, IndexError, ValueError):
        return None


def assert_stacked(batch: Any, samples: Any, rtol: float, atol: float) -> None:
    for y, *parts in zip(flatten(batch)[0], *(flatten(s)[0] for s in samples), strict=True):
        expected = np.stack([np.asarray(p.detach()) for p in parts])
        assert y.shape == expected.shape
        assert y.numpy().dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(y.detach()), expected, rtol=rtol, atol=atol)


def rows(spec: OpSpec, dtype: str | None = None) -> list[Row]:
    return [Row(spec, sample, dtype) for sample in islice(spec.cases(), SAMPLES)]


@each_row
def test_a_batch_is_its_samples(spec: OpSpec) -> None:
    for row in rows(spec):
        for numbers in (row.tensors, row.tensors[:1], row.tensors[1:2]):
            batches = row.batches(numbers)
            samples = one_by_one(lambda k: row.call(of_sample(batches, k)))  # noqa: B023
            if not numbers or not samples or not samples[0]:
                continue
            if any(len({y.shape for y in column}) > 1 for column in zip(*samples, strict=True)):
                continue  # results that can't be stacked
            try:
                result = vmap(row.call, randomness="same")(batches)
            except RuntimeError as error:
                if not re.search(INPLACE, str(error)):
                    raise
                continue
            assert_stacked(result, samples, 1e-4, 1e-5)


def gradients(row: Row, values: dict[int, Any], constants: dict[int, Any]) -> Any:
    return grad(row.loss)(values, constants)


@each_row
def test_gradients_of_a_batch_are_those_of_its_samples(spec: OpSpec) -> None:
    """Inside (vmap of grad), and around (grad of vmap)."""
    if not spec.gradient:
        pytest.skip("no gradient")
    for row in rows(spec, "float64"):
        batches = row.batches(row.floating)
        constants = row.batches([i for i in row.tensors if i not in row.floating])
        samples = one_by_one(
            lambda k: gradients(row, of_sample(batches, k), of_sample(constants, k))  # noqa: B023
        )
        if not row.floating or not samples:
            continue
        inside = vmap(grad(row.loss), randomness="same")
        around = grad(lambda b, c: vmap(row.loss, randomness="same")(b, c).sum())  # noqa: B023
        for compute in (inside, around):
            try:
                result = compute(batches, constants)
            except RuntimeError as error:
                if "inplace arithmetic" not in str(error):
                    raise
                continue
            assert_stacked(result, samples, 1e-6, 1e-8)


@each_row
def test_per_sample_gradients_of_what_is_one_for_all(spec: OpSpec) -> None:
    if not spec.gradient:
        pytest.skip("no gradient")
    for row in rows(spec, "float64"):
        data = row.batches([i for i in row.tensors if i not in row.floating] or row.floating[:1])
        shared = row.own([i for i in row.floating if i not in data])
        samples = one_by_one(lambda k: gradients(row, shared, of_sample(data, k)))  # noqa: B023
        if not shared or not data or not samples:
            continue
        try:
            result = vmap(grad(row.loss), (None, 0), randomness="same")(shared, data)
        except RuntimeError as error:
            if "inplace arithmetic" not in str(error):
                raise
            continue
        assert_stacked(result, samples, 1e-6, 1e-8)


@each_row
def test_batches_of_gradients_pass_through_the_graph_of_one_sample(spec: OpSpec) -> None:
    """v^T J for all unit vectors v: the rows of the Jacobian."""
    if not spec.gradient or any(spec.name.startswith(n) for n in WITHOUT_SECOND_ORDER):
        pytest.skip("no gradient, or none of batches")
    for row in rows(spec, "float64"):
        if not row.floating:
            continue
        i = row.floating[0]
        y, pull = vjp(lambda x: row.call({i: x})[0], row.leaves[i])  # noqa: B023
        if not 0 < y.numel() <= 30 or y.dtype is not penlight.float64:
            continue
        units = penlight.eye(y.numel(), dtype=y.dtype).reshape(y.numel(), *y.shape)
        assert_stacked(vmap(pull)(units), [pull(unit) for unit in units], 1e-6, 1e-8)
