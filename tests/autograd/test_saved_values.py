"""No op, changed in place after its forward pass, gives a wrong gradient in silence.

For each row of the table each input and each output is overwritten between forward and backward. Then
backward must either raise, or give what it gives without the change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight.autograd.op import Op, ViewOp
from penlight.testing.specs import SPECS, OpSpec, Sample
from penlight.testing.specs.programs import tensors

CHANGED = "modified by an inplace operation"


def samples_of(spec: OpSpec) -> list[Sample]:
    """The first, a middle and the last sample: what is saved seldom depends on the shape."""
    cases = list(spec.cases())
    return [
        cases[i] for i in sorted({0, len(cases) // 2, len(cases) - 1}) if i < len(cases) and cases
    ]


ROWS = [spec for spec in SPECS.values() if spec.gradient]
each_row = pytest.mark.parametrize("spec", ROWS, ids=[spec.name for spec in ROWS])


class Run:
    """One forward pass on values that are no leaves, so that they may be changed."""

    def __init__(self, spec: OpSpec, sample: Sample) -> None:
        penlight.manual_seed(0)
        args, kwargs = sample.bind(penlight)
        self.leaves = [t for t in tensors((args, list(kwargs.values()))) if t.requires_grad]
        args, kwargs = _without_leaves(args), {k: _without_leaves(v) for k, v in kwargs.items()}
        self.inputs = tensors((args, list(kwargs.values())))
        self.outputs = tensors(spec.call(penlight, *args, **kwargs))

    def gradients(self) -> list[np.ndarray | None]:
        total = sum((y.sum() for y in self.outputs if y.requires_grad), penlight.zeros(()))
        if total.requires_grad:
            total.backward()
        return [None if t.grad is None else t.grad.numpy() for t in self.leaves]


def _without_leaves(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_without_leaves(v) for v in value)
    is_leaf = hasattr(value, "requires_grad") and value.requires_grad
    return value * 1 if is_leaf else value


def overwrite(t: Any) -> bool:
    """Zero (or, if all is zero, one) everywhere, unseen by the graph but counted."""
    try:
        t.detach().fill_(0 if t.detach().any() else 1)
    except RuntimeError:  # elements share memory
        return False
    return True


def same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return (a is None and b is None) or np.array_equal(a, b, equal_nan=True)  # type: ignore[arg-type]


@each_row
def test_changes_are_noticed_or_harmless(spec: OpSpec) -> None:
    for sample in samples_of(spec):
        plain = Run(spec, sample)
        places = [("inputs", i) for i in range(len(plain.inputs))]
        places += [("outputs", i) for i in range(len(plain.outputs))]
        expected = plain.gradients()
        for which, i in places:
            run = Run(spec, sample)
            if not overwrite(getattr(run, which)[i]):
                continue
            try:
                found = run.gradients()
            except RuntimeError as error:
                if CHANGED in str(error) or "has been modified inplace" in str(error):
                    continue
                raise
            assert all(map(same, found, expected)), f"{sample!r}: {which}[{i}] changed unnoticed"


def nodes_of(outputs: list[Any]) -> list[Op]:
    seen: dict[int, Op] = {}
    stack = [y.grad_fn for y in outputs if y.requires_grad]
    while stack:
        node = stack.pop()
        if isinstance(node, Op) and id(node) not in seen:
            seen[id(node)] = node
            stack += [n for n, _ in node.next_functions]
    return list(seen.values())


@each_row
def test_arrays_are_saved_where_they_can_be_freed(spec: OpSpec) -> None:
    """Arrays of a gradient's size go through ``ctx.save``, not into attributes of ``ctx``."""
    for sample in samples_of(spec):
        run = Run(spec, sample)
        nodes = nodes_of(run.outputs)
        run.gradients()
        for node in nodes:
            kept = [
                name
                for name, value in vars(node).items()
                if isinstance(value, np.ndarray) and value.dtype.kind in "fc" and value.size > 1
            ]
            assert not kept, f"{type(node).__name__} keeps {kept} after backward"
            assert not node._saved, f"{type(node).__name__} was not freed"


@each_row
def test_only_views_share_memory(spec: OpSpec) -> None:
    """What shares memory shares its version: no op returns its input, or what it saved, as it is."""
    for sample in samples_of(spec):
        run = Run(spec, sample)
        for y in run.outputs:
            for x in run.inputs:
                if np.may_share_memory(y._array, x._array) and y is not x:
                    assert y._counter is x._counter, f"{sample!r}: memory without a common version"
        outputs = {id(y): y._array for y in run.outputs}
        assert len({id(array) for array in outputs.values()}) == len(outputs)


def test_the_check_finds_an_unwatched_view() -> None:
    """An op that saves a view of its input, which the engine can't recognise."""

    class Careless(Op):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save(x.reshape(-1)[:])
            return x * x

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            (x,) = ctx.saved
            return dy * 2 * x.reshape(dy.shape)

    spec = OpSpec.__new__(OpSpec)
    vars(spec).update(
        name="careless", call=lambda lib, x: Careless.apply(x), gradient=True,
        samples=lambda rng: [Sample(np.ones((2, 2), np.float32))],
    )  # fmt: skip
    with pytest.raises(AssertionError, match="changed unnoticed"):
        test_changes_are_noticed_or_harmless(spec)


def test_view_ops_are_known() -> None:
    assert issubclass(ViewOp, Op)
    x = penlight.ones(2, 3)
    for view in (x[0], x.t(), x.view(-1), x.unsqueeze(0), x.expand(2, 2, 3), x.diagonal()):
        assert view._base is x
        assert view._counter is x._counter
