"""``state_dict``: PyTorch's layout, to PyTorch and back, and resuming with the same bits."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import penlight
from tests.optim.table import (
    OPTIMIZERS,
    OptimizerRow,
    parameter,
    values,
)
from tests.optim.test_contract import ones
from tests.optim.test_optimizers import TOLERANCE, assert_close

each_row = pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in OPTIMIZERS])


def train(row: OptimizerRow, lib: Any, params: list[Any], optimizer: Any, steps: range) -> None:
    for step in steps:
        row.set_gradients(lib, params, step)
        optimizer.step()


def converted(lib: Any, value: Any) -> Any:
    """Tensors of the other library as tensors of ``lib``, through all dicts and lists."""
    if isinstance(value, dict):
        return {k: converted(lib, v) for k, v in value.items()}
    if isinstance(value, list):
        return [converted(lib, v) for v in value]
    return lib.from_numpy(np.array(value.numpy())) if hasattr(value, "numpy") else value


def assert_same_layout(a: Any, b: Any) -> None:
    """The same keys in the same order, the same types, shapes and dtypes."""
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same_layout(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same_layout(x, y)
    elif hasattr(a, "requires_grad"):
        assert (tuple(a.shape), str(a.dtype)) == (tuple(b.shape), str(b.dtype))
        assert a.requires_grad == b.requires_grad
    else:
        assert a == b


def copies(lib: Any, params: list[Any]) -> list[Any]:
    """New parameters of the same values, for ``lib``."""
    return [parameter(lib, v) for v in values(params)]


@pytest.mark.parity
@pytest.mark.parametrize("steps", [0, 1, 5])
@each_row
def test_layout_is_pytorchs(row: OptimizerRow, steps: int, torch: Any) -> None:
    found = []
    for lib in (penlight, torch):
        params = row.parameters(lib)
        optimizer = row.build(lib, [{"params": params[:2]}, {"params": params[2:], "lr": 1e-3}])
        train(row, lib, params, optimizer, range(steps))
        found.append(optimizer.state_dict())
    assert_same_layout(*found)


@pytest.mark.parity
@pytest.mark.parametrize("direction", ["to PyTorch", "from PyTorch"])
@each_row
def test_other_library_goes_on(row: OptimizerRow, direction: str, torch: Any) -> None:
    """Mid-training the state moves to the other library, and both take the same next steps."""
    here, there = (penlight, torch) if direction == "to PyTorch" else (torch, penlight)
    params = row.parameters(here)
    optimizer = row.build(here, params)
    train(row, here, params, optimizer, range(5))
    others = copies(there, params)
    other = getattr(there.optim, row.name)(others, lr=99)
    other.load_state_dict(converted(there, optimizer.state_dict()))
    train(row, here, params, optimizer, range(5, 10))
    train(row, there, others, other, range(5, 10))
    assert_close(values(others), values(params), TOLERANCE["float32"] * row.imprecision[0])
    assert_same_layout(other.state_dict()["state"], optimizer.state_dict()["state"])


@each_row
def test_resumed_training_has_the_same_bits(row: OptimizerRow) -> None:
    params = row.parameters(penlight)
    optimizer = row.build(penlight, params)
    train(row, penlight, params, optimizer, range(4))
    saved = copy.deepcopy(optimizer.state_dict())
    others = copies(penlight, params)
    other = row.build(penlight, others, lr=99)
    other.load_state_dict(saved)
    train(row, penlight, params, optimizer, range(4, 9))
    train(row, penlight, others, other, range(4, 9))
    for a, b in zip(values(params), values(others), strict=True):
        assert a.tobytes() == b.tobytes()
    assert repr(other) == repr(optimizer)


@each_row
def test_training_does_not_change_a_loaded_state_dict(row: OptimizerRow) -> None:
    params = row.parameters(penlight)
    optimizer = row.build(penlight, params)
    train(row, penlight, params, optimizer, range(3))
    saved = optimizer.state_dict()
    before = [values(list(s.values())) for s in saved["state"].values()]
    others = copies(penlight, params)
    other = row.build(penlight, others)
    other.load_state_dict(saved)
    train(row, penlight, others, other, range(3, 6))
    for s, kept in zip(saved["state"].values(), before, strict=True):
        for a, b in zip(values(list(s.values())), kept, strict=True):
            assert a.tobytes() == b.tobytes()


def test_numbering_over_groups(lib: Any) -> None:
    p, q, r = ones(lib, 1), ones(lib, 2), ones(lib, 3)
    optimizer = lib.optim.SGD([{"params": [p, q]}, {"params": r}], lr=0.1, momentum=0.9)
    optimizer.step()
    state = optimizer.state_dict()
    assert [g["params"] for g in state["param_groups"]] == [[0, 1], [2]]
    assert {k: list(v["momentum_buffer"].shape) for k, v in state["state"].items()} == {
        0: [1], 1: [2], 2: [3],
    }  # fmt: skip
    assert state["param_groups"][0] is not optimizer.param_groups[0]


@pytest.mark.parametrize(
    ("groups", "match"),
    [([[0], [1]], "different number of parameter groups"), ([[0]], "doesn't match the size")],
)
def test_state_of_another_model(lib: Any, groups: list[list[int]], match: str) -> None:
    optimizer = lib.optim.SGD([ones(lib, 1), ones(lib, 1)])
    saved = {"state": {}, "param_groups": [{"params": g} for g in groups]}
    with pytest.raises(ValueError, match=match):
        optimizer.load_state_dict(saved)


@pytest.mark.parametrize("missing", ["state", "param_groups"])
def test_incomplete_state_dict(lib: Any, missing: str) -> None:
    optimizer = lib.optim.SGD([ones(lib, 1)])
    saved = optimizer.state_dict()
    del saved[missing]
    with pytest.raises(KeyError, match=missing):
        optimizer.load_state_dict(saved)


@pytest.mark.parametrize("others", [1, 0], ids=["in company", "alone"])
def test_state_of_another_shape(lib: Any, others: int) -> None:
    optimizer = lib.optim.Adam([ones(lib, 2), *(ones(lib, 3) for _ in range(others))])
    optimizer.step()
    saved = optimizer.state_dict()
    saved["state"][0]["exp_avg"] = lib.ones(5)
    optimizer.load_state_dict(saved)
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"size of tensor|exp_avg.*float32\[2\], got.*\[5\]"):
            optimizer.step()


def test_casts_and_foreign_entries(lib: Any) -> None:
    """States take the parameter's dtype, except ``step``; what is not known is kept."""
    p = lib.nn.Parameter(lib.ones(2).double())
    p.grad = lib.ones(2).double()
    optimizer = lib.optim.Adam([p])
    saved = optimizer.state_dict()
    saved["state"] = {
        0: {
            "step": lib.tensor(3.0),
            "exp_avg": lib.ones(2),
            "exp_avg_sq": lib.ones(2).long(),
            "nested": {"a": lib.ones(1)},
            "mine": 5,
        },
        "of nobody": {"a": 1},
    }
    optimizer.load_state_dict(saved)
    state = optimizer.state[p]
    kinds = [str(t.dtype) for t in (*list(state.values())[:3], state["nested"]["a"])]
    assert kinds == ["torch.float32"] + ["torch.float64"] * 3
    assert state["mine"] == 5
    assert optimizer.state["of nobody"] == {"a": 1}
    optimizer.step()
    assert state["step"].item() == 4


def test_options_of_older_versions_get_defaults() -> None:
    optimizer = penlight.optim.Adam([ones(penlight, 2)], betas=(0.5, 0.6))
    optimizer.load_state_dict({"state": {}, "param_groups": [{"lr": 7.0, "params": [0]}]})
    group = optimizer.param_groups[0]
    assert (group["lr"], group["betas"], group["amsgrad"]) == (7.0, (0.5, 0.6), False)
    optimizer.step()


def test_count_of_older_versions_is_a_number(lib: Any) -> None:
    optimizer = lib.optim.Adam([ones(lib, 2), ones(lib, 3)])
    optimizer.step()
    saved = optimizer.state_dict()
    for s in saved["state"].values():
        s["step"] = 5
    optimizer.load_state_dict(saved)
    optimizer.step()
    optimizer.step()
    steps = [s["step"] for s in optimizer.state_dict()["state"].values()]
    assert [s.item() for s in steps] == [7, 7]


def test_momentum_buffer_of_older_versions_is_none(lib: Any) -> None:
    optimizer = lib.optim.SGD([ones(lib, 2)], lr=0.25, momentum=0.5)
    saved = optimizer.state_dict()
    saved["state"] = {0: {"momentum_buffer": None}}
    optimizer.load_state_dict(saved)
    optimizer.step()
    optimizer.step()
    (p,) = optimizer.param_groups[0]["params"]
    assert p.tolist() == [0.375, 0.375]


def test_parameter_names(lib: Any) -> None:
    """Loaded names replace one's own; loading never looks at them."""

    def build(*names: str | None) -> Any:
        params = [ones(lib, 1) for _ in names]
        return lib.optim.SGD(params if None in names else list(zip(names, params, strict=True)))

    named = build("a", "b")
    named.load_state_dict(build("c", "d").state_dict())
    assert named.param_groups[0]["param_names"] == ["c", "d"]
    named.load_state_dict(build(None, None).state_dict())
    assert named.param_groups[0]["param_names"] == ["c", "d"]


def test_hooks(lib: Any) -> None:
    optimizer = lib.optim.SGD([ones(lib, 1)], lr=0.5)
    seen: list[Any] = []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append(o is optimizer))
    optimizer.register_state_dict_post_hook(lambda o, s: {**s, "order": [*s.get("order", []), 1]})
    optimizer.register_state_dict_post_hook(
        lambda o, s: {**s, "order": [*s.get("order", []), 0]}, prepend=True
    )
    saved = optimizer.state_dict()
    assert seen == [True]
    assert saved["order"] == [0, 1]

    def before(o: Any, s: Any) -> Any:
        assert s is not saved
        s["param_groups"] = [{**s["param_groups"][0], "lr": 9}]
        return s

    handle = optimizer.register_load_state_dict_pre_hook(before)
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict(saved)
    assert seen == [True, 9]
    assert saved["param_groups"][0]["lr"] == 0.5
    handle.remove()
    optimizer.load_state_dict(saved)
    assert seen == [True, 9, 0.5]


@pytest.mark.parity
def test_dtype_of_the_count(torch: Any) -> None:
    """float64 where that is the default dtype, else float32, whatever the parameter."""
    found = []
    for lib in (penlight, torch):
        kinds = []
        for default in (lib.float64, lib.float32):
            lib.set_default_dtype(default)
            try:
                p = lib.nn.Parameter(lib.ones(2, dtype=lib.float64))
                p.grad = lib.ones(2, dtype=lib.float64)
                optimizer = lib.optim.Adam([p])
                optimizer.step()
            finally:
                lib.set_default_dtype(lib.float32)
            kinds.append(str(optimizer.state[p]["step"].dtype))
        found.append(kinds)
    assert found[0] == found[1]
