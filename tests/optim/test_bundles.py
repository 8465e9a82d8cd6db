"""Small parameters are updated as one; nobody may notice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight.optim import flat
from tests.optim.table import OPTIMIZERS, OptimizerRow, parameter, set_gradients, values

BUNDLED = [r for r in OPTIMIZERS if getattr(penlight.optim, r.name).elementwise]
each_row = pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in BUNDLED])


def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [np.asarray(rng.standard_normal(s), "float32") for s in [(), (5,), (4, 3), (0,), (9, 7)]]


def parameters() -> list[Any]:
    return [parameter(penlight, a) for a in arrays()]


def step(params: list[Any], optimizer: Any, seed: int, skip: tuple[int, ...] = ()) -> None:
    set_gradients(penlight, params, seed, skip)
    optimizer.step()


def is_bundled(optimizer: Any) -> bool:
    return any(b.layout is not None for b in optimizer._bundles.values())


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "SMALL", -1)


def assert_same_bits(a: list[Any], b: list[Any]) -> None:
    for x, y in zip(values(a), values(b), strict=True):
        assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize(
    ("block", "shared"),
    [(1 << 17, 1 << 20), (10, 1 << 20), (5, 1)],
    ids=["whole", "in blocks", "on threads"],
)
@each_row
def test_same_bits_as_one_by_one(
    row: OptimizerRow, block: int, shared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat, "BLOCK", block)
    monkeypatch.setattr(flat, "SHARED", shared)
    together = parameters()
    optimizer = row.build(penlight, together)
    for s in range(6):
        step(together, optimizer, s, skip=(1,) if s == 4 else ())
        assert is_bundled(optimizer) == (s in (1, 2, 3))
    one_by_one(monkeypatch)
    monkeypatch.setattr(flat, "SHARED", 1 << 20)
    apart = parameters()
    other = row.build(penlight, apart)
    for s in range(6):
        step(apart, other, s, skip=(1,) if s == 4 else ())
    assert not is_bundled(other)
    assert_same_bits(together, apart)
    for p, q in zip(together, apart, strict=True):
        assert_same_bits(list(optimizer.state[p].values()), list(other.state[q].values()))


def interference(name: str, params: list[Any], optimizer: Any) -> None:
    """What a program may do to parameters and states between two steps."""
    p = params[2]
    if name == "data":
        p.data = penlight.full((4, 3), 0.5)
    elif name == "in place":
        with penlight.no_grad():
            p.fill_(0.5)
    elif name == "state":
        optimizer.state[p]["exp_avg"] = penlight.full((4, 3), 0.25)
    elif name == "state in place":
        optimizer.state[p]["exp_avg"].fill_(0.25)
    elif name == "state data":
        optimizer.state[p]["exp_avg"].data = penlight.full((4, 3), 0.25)
    elif name == "states":
        optimizer.state[p] = {k: v.clone() for k, v in optimizer.state[params[2]].items()}
        optimizer.state[p]["exp_avg"].fill_(0.25)
    elif name == "steps":
        optimizer.state[p]["step"].fill_(9)
    elif name == "forget":
        optimizer.state.clear()
    elif name == "forget one":
        del optimizer.state[p]
    elif name == "extra":
        optimizer.state[p]["note"] = "mine"
    elif name == "load":
        optimizer.load_state_dict(optimizer.state_dict())
    elif name == "group":
        optimizer.add_param_group({"params": params[-1:], "lr": 1e-3})
    elif name == "split":
        group = optimizer.param_groups[0]
        optimizer.param_groups.append({**group, "params": group["params"][3:], "lr": 1e-3})
        group["params"] = group["params"][:3]
    else:
        assert name == "half"
        for q in params:
            q.data = q.data.half()
            q.grad = None
        optimizer.state.clear()


@pytest.mark.parametrize(
    "name",
    [
        "data", "in place", "state", "state in place", "state data", "states", "steps", "forget", "forget one",
        "extra", "load", "group", "split", "half",
    ],
)  # fmt: skip
def test_interference_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it, steps as one are still those one by one."""
    runs = []
    for small in (flat.SMALL, -1):
        monkeypatch.setattr(flat, "SMALL", small)
        params = parameters()
        optimizer = penlight.optim.Adam(params[:-1], lr=0.1)
        for s in range(3):
            step(params, optimizer, s)
        assert is_bundled(optimizer) == (small > 0)
        interference(name, params, optimizer)
        for s in range(3, 8):
            step(params, optimizer, s)
        runs.append(params)
    assert_same_bits(*runs)


def test_states_are_those_of_the_optimizer() -> None:
    """Tensors that a program took from the state go on showing it."""
    params = parameters()
    optimizer = penlight.optim.Adam(params)
    step(params, optimizer, 0)
    held = optimizer.state[params[1]]["exp_avg"], optimizer.state[params[1]]["step"]
    for s in range(1, 4):
        step(params, optimizer, s)
    assert is_bundled(optimizer)
    assert held[0] is optimizer.state[params[1]]["exp_avg"]
    assert held[1].item() == 4


@pytest.mark.parametrize("overlap", [0, 2], ids=["same memory", "in part"])
def test_parameters_that_share_memory(overlap: int) -> None:
    """Each update must see the one before, so they can't be done as one."""
    memory = np.ones(4, np.float32)
    p, q = parameter(penlight, memory[:3]), parameter(penlight, memory[overlap : overlap + 2])
    optimizer = penlight.optim.SGD([p, q], lr=0.25)
    for _ in range(3):
        p.grad, q.grad = penlight.ones(3), penlight.ones(2)
        optimizer.step()
    assert not is_bundled(optimizer)
    expected = np.array([0.25, 0.25, 0.25, 1])
    expected[overlap : overlap + 2] -= 0.75
    assert memory.tolist() == expected.tolist()


def test_dtypes_do_not_mix() -> None:
    params = [parameter(penlight, a.astype(t)) for a in arrays() for t in ("float32", "float64")]
    optimizer = penlight.optim.Adam(params)
    for s in range(4):
        step(params, optimizer, s)
    assert [b.layout.p.dtype.name for b in optimizer._bundles.values()] == ["float32", "float64"]
    assert [p.dtype for p in params] == [penlight.float32, penlight.float64] * 5


def test_large_parameters_stay_alone() -> None:
    params = [parameter(penlight, np.ones(n, "float32")) for n in (flat.SMALL, flat.SMALL + 1, 3)]
    optimizer = penlight.optim.SGD(params)
    for s in range(3):
        step(params, optimizer, s)
    assert [p.numel() for p in next(iter(optimizer._bundles.values())).parameters] == [
        flat.SMALL, 3,
    ]  # fmt: skip
