"""Other parameters and states in a ``with`` block."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.optim.test_contract import ones


def trained(lib: Any, steps: int = 3) -> Any:
    """An optimizer with two groups that has made some steps."""
    params = [ones(lib, n) for n in (2, 3, 4)]
    optimizer = lib.optim.Adam([{"params": params[:2]}, {"params": params[2], "lr": 0.5}], lr=0.25)
    for _ in range(steps):
        optimizer.step()
    return optimizer


def swap(lib: Any, optimizer: Any, params: Any, state: Any) -> Any:
    return lib.optim.swap_in_optimizer_params_and_state(optimizer, params, state)


def everything(optimizer: Any) -> Any:
    state = copy.deepcopy(optimizer.state_dict())
    state["values"] = [p.tolist() for g in optimizer.param_groups for p in g["params"]]
    return repr(state)


def copies(lib: Any) -> tuple[dict[str, Any], Any]:
    params = {str(n): ones(lib, n) for n in (2, 3, 4)}
    return params, copy.deepcopy(trained(lib, 1).state_dict())


def test_step_changes_the_others(lib: Any) -> None:
    optimizer = trained(lib)
    before = everything(optimizer)
    params, state = copies(lib)
    state["param_groups"][1]["lr"] = 0.75
    with swap(lib, optimizer, params, state):
        assert optimizer.param_groups[0]["params"][1] is params["3"]
        assert optimizer.param_groups[1]["lr"] == 0.75
        for _ in range(3):
            optimizer.step()
    assert everything(optimizer) == before
    assert params["2"].tolist() == pytest.approx([0.25] * 2, abs=1e-5)
    assert params["4"].tolist() == pytest.approx([1 - 3 * 0.75] * 4, abs=1e-5)
    assert state["state"][0]["step"].item() == 4
    optimizer.step()
    assert optimizer.param_groups[0]["params"][0].tolist() == pytest.approx([0, 0], abs=1e-5)


def test_own_ones_come_back_after_an_error(lib: Any) -> None:
    optimizer = trained(lib)
    before = everything(optimizer)
    with pytest.raises(ZeroDivisionError), swap(lib, optimizer, *copies(lib)):
        raise ZeroDivisionError
    assert everything(optimizer) == before


def without(key: str) -> Any:
    def change(params: Any, state: Any) -> Any:
        del state["param_groups"][0][key]
        return params, state

    return change


def replaced(**entries: Any) -> Any:
    return lambda params, state: (params, {**state, **entries})


BAD = {
    "no dict": lambda params, state: (params, [state]),
    "no state": replaced(state=None),
    "state of a parameter": lambda p, s: (p, {**s, "state": {p["2"]: {}}}),
    "state that is a number": replaced(state={0: 3}),
    "state of nobody": replaced(state={9: {}}),
    "no groups": replaced(param_groups=None),
    "one group": lambda p, s: (p, {**s, "param_groups": s["param_groups"][:1]}),
    "groups that are numbers": replaced(param_groups=[1, 2]),
    "group without parameters": without("params"),
    "group without an option": without("lr"),
    "fewer numbers": lambda p, s: (p, {**s, "param_groups": [
        {**s["param_groups"][0], "params": [0]}, s["param_groups"][1]]}),
    "fewer parameters": lambda p, s: ({"2": p["2"]}, s),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str, lib: Any) -> None:
    optimizer = trained(lib)
    before = everything(optimizer)
    with pytest.raises(RuntimeError), swap(lib, optimizer, *BAD[name](*copies(lib))):
        pass
    assert everything(optimizer) == before


def test_needs_a_state(lib: Any) -> None:
    with pytest.raises(RuntimeError, match="state"), swap(lib, trained(lib, 0), *copies(lib)):
        pass
