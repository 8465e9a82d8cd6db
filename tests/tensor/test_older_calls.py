"""Numbers by position, as programs of PyTorch's first years write them; for either library."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:.*This overload of:UserWarning")

CALLS = {
    "add": lambda t, x: (x.add(2, x * 3), t.add(x, 2, x * 3), x + 2 * (x * 3)),
    "add_": lambda t, x: (x.clone().add_(-0.5, x * 3), x - 0.5 * (x * 3)),
    "sub": lambda t, x: (t.sub(x, 2, x * 3), x.clone().sub_(2, x * 3), x - 2 * (x * 3)),
    "addcmul": lambda t, x: (x.addcmul(0.5, x, x), t.addcmul(x, 0.5, x, x), x + 0.5 * x * x),
    "addcdiv_": lambda t, x: (x.clone().addcdiv_(-0.5, x, x + 1), x - 0.5 * x / (x + 1)),
    "addmm": lambda t, x: (x.addmm(0.5, x, x), t.addmm(0.5, x, x, x), 0.5 * x + x @ x),
    "addmm_": lambda t, x: (
        x.clone().addmm_(0.5, 2, x, x),
        t.addmm(0.5, x, 2, x, x),
        0.5 * x + 2 * (x @ x),
    ),
    "addmv": lambda t, x: (x[0].addmv(0.5, 2, x, x[1]), 0.5 * x[0] + 2 * (x @ x[1])),
    "addr": lambda t, x: (x.addr(0.5, 2, x[0], x[1]), 0.5 * x + 2 * t.outer(x[0], x[1])),
    "baddbmm": lambda t, x: (x[None].baddbmm(0.5, x[None], x[None]), (0.5 * x + x @ x)[None]),
}


@pytest.mark.parametrize("name", CALLS)
def test_numbers_by_position(lib: Any, name: str) -> None:
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]])
    *results, expected = CALLS[name](lib, x)
    for result in results:
        assert lib.allclose(result, expected), result


def test_a_warning_names_the_new_form() -> None:
    import penlight as torch

    with pytest.warns(UserWarning, match=r"add\(..., alpha=-0.5\)"):
        torch.ones(2).add_(-0.5, torch.ones(2))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.add(2, 3, x),
        lambda x: x.add(x, x),
        lambda x: x.addcmul(2, 3, x, x),
    ],
)
def test_unclear_calls_are_refused(lib: Any, call: Any) -> None:
    with pytest.raises(TypeError):
        call(lib.ones(2))
