"""Every row of the module table, against central differences and against PyTorch."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.testing import gradcheck, gradgradcheck
from tests.comparison import (
    array,
    assert_same,
    assert_same_gradients,
    backward_through,
    flatten,
    is_tensor,
    tensors,
)
from tests.specs import MODULES, Bad, ModuleSpec, Sample

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


def fill(module: Any, seed: int = 0) -> Any:
    """Give a module of either library the same numbers, drawn in the order of its state dict."""
    rng = np.random.default_rng(seed)
    for name, t in module.state_dict().items():
        if not is_tensor(t) or not t.dtype.is_floating_point:
            continue  # counters and other state stay as they were built
        values = rng.standard_normal(tuple(t.shape)) / 2
        t.numpy()[...] = np.abs(values) + 0.5 if "var" in name else values
    return module


def built(spec: ModuleSpec, torch: Any, training: bool, seed: int = 0) -> Any:
    return fill(spec.build(torch), seed).train(training)


def run(module: Any, args: Any, kwargs: Any) -> Any:
    """Call on clones of the inputs, so that modules that work in place may be tested on leaves."""
    penlight.manual_seed(0)
    return module(*_clones(args), **{k: _clones(v) for k, v in kwargs.items()})


def _clones(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_clones(v) for v in value)
    return value.clone() if is_tensor(value) else value


def leaves(args: Any, kwargs: Any) -> list[Any]:
    """The inputs that require gradients."""
    return [t for t in tensors((args, list(kwargs.values()))) if t.requires_grad]


def _float64(spec: ModuleSpec, sample: Sample, training: bool) -> tuple[Any, list[Any]]:
    """The call as a function of its inputs and parameters, which are perturbed in place."""
    module = built(spec, penlight, training).double()
    args, kwargs = sample.bind(penlight, dtype="float64")

    def function(*_: Any) -> Any:
        return tuple(y for y in flatten(run(module, args, kwargs)) if is_tensor(y))

    return function, leaves(args, kwargs) + [p for p in module.parameters() if p.requires_grad]


@both_modes
@each_case
def test_gradient_is_numerical_gradient(spec: ModuleSpec, sample: Sample, training: bool) -> None:
    function, wanted = _float64(spec, sample, training)
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
    function, wanted = _float64(spec, sample, training)
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
        outputs = run(module, args, kwargs)
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
            flatten(run(fresh, args, kwargs)), flatten(run(other, args, kwargs)), strict=True
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
    y, expected = run(ours, our_args, our_kwargs), run(theirs, their_args, their_kwargs)
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
