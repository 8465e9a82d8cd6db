"""Every row of the module table, against central differences and against PyTorch."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.testing import gradcheck, gradgradcheck
from penlight.testing.specs import MODULES, Bad, ModuleSpec, Sample, module_program
from penlight.testing.specs.programs import built, fill, flatten, is_tensor, leaves, run, tensors
from tests.comparison import (
    array,
    assert_same,
    assert_same_gradients,
    backward_through,
)

CASES = [
    pytest.param(spec, sample, id=f"{spec.name}[{sample!r}]")
    for spec in MODULES.values()
    for sample in spec.cases()
]
ERRORS = [
    pytest.param(spec, bad, id=f"{spec.name}-{i}")
    for spec in MODULES.values()
    for i, bad in enumerate(spec.errors)
]
each_spec = pytest.mark.parametrize("spec", [pytest.param(s, id=s.name) for s in MODULES.values()])
each_case = pytest.mark.parametrize(("spec", "sample"), CASES)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


@both_modes
@each_case
def test_gradient_is_numerical_gradient(spec: ModuleSpec, sample: Sample, training: bool) -> None:
    function, wanted = module_program(penlight, spec, sample, training)
    if not wanted:
        pytest.skip("neither inputs nor parameters have gradients")
    if not spec.numerical:
        pytest.skip(spec.note)
    assert gradcheck(function, tuple(wanted))


@both_modes
@each_case
def test_second_order_gradient(spec: ModuleSpec, sample: Sample, training: bool) -> None:
    if not spec.second_order or not spec.numerical:
        pytest.skip(spec.note)
    function, wanted = module_program(penlight, spec, sample, training)
    if not wanted:
        pytest.skip("neither inputs nor parameters have gradients")
    assert gradgradcheck(function, tuple(wanted))


@both_modes
@each_case
def test_inputs_stay_and_results_repeat(spec: ModuleSpec, sample: Sample, training: bool) -> None:
    results = []
    for _ in range(2):
        module = built(spec, penlight, training)
        args, kwargs = sample.bind(penlight)
        outputs = run(penlight, module, args, kwargs)
        backward_through(outputs)
        found = [*tensors(outputs), *(t.grad for t in leaves(args, kwargs))]
        found += [p.grad for p in module.parameters()] + list(module.buffers())
        results.append([array(t).copy() for t in found if t is not None])
        before, after = tensors(sample.bind(penlight)), tensors((args, kwargs))
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(array(a), array(b))
    for a, b in zip(*results, strict=True):
        assert a.tobytes() == b.tobytes()


@both_modes
@each_case
def test_copies_compute_the_same(spec: ModuleSpec, sample: Sample, training: bool) -> None:
    """A deepcopy and a pickled copy give the same outputs, and have a memory of their own."""
    module = built(spec, penlight, training)
    args, kwargs = sample.bind(penlight)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        fresh = built(spec, penlight, training)
        for a, b in zip(
            flatten(run(penlight, fresh, args, kwargs)),
            flatten(run(penlight, other, args, kwargs)),
            strict=True,
        ):
            if is_tensor(a):
                assert a.dtype is b.dtype
                np.testing.assert_array_equal(array(a), array(b))
        for p, q in zip(module.parameters(), other.parameters(), strict=True):
            assert not np.may_share_memory(array(p), array(q))


@pytest.mark.parity
@both_modes
@each_case
def test_parity_with_pytorch(spec: ModuleSpec, sample: Sample, training: bool, torch: Any) -> None:
    """Outputs, gradients of inputs and parameters, and the buffers afterwards."""
    if not spec.parity or (training and not spec.train_mode):
        pytest.skip(spec.note or "random in training mode")
    ours, theirs = built(spec, penlight, training), built(spec, torch, training)
    our_args, our_kwargs = sample.bind(penlight)
    their_args, their_kwargs = sample.bind(torch)
    y, expected = (
        run(penlight, ours, our_args, our_kwargs),
        run(torch, theirs, their_args, their_kwargs),
    )
    assert_same(y, expected, spec.rtol, spec.atol, spec.name)
    backward_through(y)
    backward_through(expected)
    grad_tolerances = spec.rtol * 10, spec.atol * 10
    assert_same_gradients(
        leaves(our_args, our_kwargs), leaves(their_args, their_kwargs), *grad_tolerances, spec.name
    )
    names = [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in ours.named_parameters()] == names
    assert_same_gradients(
        list(ours.parameters()), list(theirs.parameters()), *grad_tolerances,
        f"{spec.name}, parameters {names}",
    )  # fmt: skip
    names = [name for name, _ in theirs.named_buffers()]
    assert [name for name, _ in ours.named_buffers()] == names
    assert_same(
        list(ours.buffers()), list(theirs.buffers()), spec.rtol, spec.atol,
        f"{spec.name}, buffers {names} afterwards",
    )  # fmt: skip


@pytest.mark.parity
@both_modes
@each_spec
def test_structure_is_pytorchs(spec: ModuleSpec, training: bool, torch: Any) -> None:
    """``repr``, and the state dict's keys, shapes, dtypes and versions."""
    ours, theirs = built(spec, penlight, training), built(spec, torch, training)
    assert repr(ours) == repr(theirs)
    assert _described(ours) == _described(theirs)
    assert dict(ours.state_dict()._metadata) == dict(theirs.state_dict()._metadata)
    assert [m.training for m in ours.modules()] == [m.training for m in theirs.modules()]


def _described(module: Any) -> list[Any]:
    return [(k, tuple(t.shape), str(t.dtype)) for k, t in module.state_dict().items()]


@pytest.mark.parity
@each_spec
def test_state_passes_to_pytorch_and_back(spec: ModuleSpec, torch: Any) -> None:
    theirs, ours = fill(spec.build(torch), seed=1), spec.build(penlight)
    ours.load_state_dict(_converted(theirs.state_dict(), penlight))
    back = spec.build(torch)
    back.load_state_dict(_converted(ours.state_dict(), torch))
    for t, expected in zip(back.state_dict().values(), theirs.state_dict().values(), strict=True):
        np.testing.assert_array_equal(t.numpy(), expected.numpy())


def _converted(state: Any, torch: Any) -> Any:
    return {k: torch.from_numpy(np.array(t.numpy())) for k, t in state.items()}


def _refused(spec: ModuleSpec, bad: Bad, torch: Any) -> None:
    if len(bad.args) == 1 and callable(bad.args[0]):
        bad.args[0](torch)
    else:
        args, kwargs = Sample(*bad.args, **bad.kwargs).bind(torch)
        built(spec, torch, True)(*args, **kwargs)


@pytest.mark.parametrize(("spec", "bad"), ERRORS)
def test_bad_input_is_refused(spec: ModuleSpec, bad: Bad) -> None:
    with pytest.raises(bad.error, match=bad.match):
        _refused(spec, bad, penlight)


@pytest.mark.parity
@pytest.mark.parametrize(("spec", "bad"), ERRORS)
def test_pytorch_refuses_it_too(spec: ModuleSpec, bad: Bad, torch: Any) -> None:
    if not bad.torch_raises:
        pytest.skip("PyTorch accepts it")
    with pytest.raises(bad.error):
        _refused(spec, bad, torch)
