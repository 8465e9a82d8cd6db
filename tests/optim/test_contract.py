"""Groups, gradients, steps, hooks, copies: what a program may expect of any optimizer."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import penlight
from tests.optim.table import OPTIMIZERS, OptimizerRow, values

each_row = pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in OPTIMIZERS])


def ones(lib: Any, *shape: int, grad: bool = True) -> Any:
    p = lib.nn.Parameter(lib.ones(*shape))
    if grad:
        p.grad = lib.ones(*shape)
    return p


# -- groups --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        (lambda lib, p: p, TypeError, "iterable of Tensors"),
        (lambda lib, p: [], ValueError, "empty parameter list"),
        (lambda lib, p: iter([]), ValueError, "empty parameter list"),
        (lambda lib, p: None, TypeError, "iterable"),
        (lambda lib, p: [1], TypeError, "one of the params is int"),
        (lambda lib, p: {"params": [p]}, TypeError, "one of the params is str"),
        (lambda lib, p: [p, {"params": p}], TypeError, "one of the params is dict"),
        (lambda lib, p: [{"params": p}, 3], TypeError, "param_group must be a dict"),
        (lambda lib, p: [{"lr": 1}], KeyError, "params"),
        (lambda lib, p: [{"params": {p}}], TypeError, "ordered collections"),
        (lambda lib, p: [p * 2], ValueError, "non-leaf"),
        (lambda lib, p: [{"params": p}, {"params": [p]}], ValueError, "more than one"),
        (lambda lib, p: [("a", p), ones(lib, 3)], ValueError, "with/without names"),
        (lambda lib, p: [ones(lib, 3), ("a", p)], ValueError, "with/without names"),
        (lambda lib, p: [{"params": ("a", p)}], TypeError, "one of the params is str"),
        (
            lambda lib, p: [{"params": [("a", p)]}, {"params": ones(lib, 3)}],
            ValueError,
            "with/without names",
        ),
        (
            lambda lib, p: [{"params": ones(lib, 3)}, {"params": [("a", p)]}],
            ValueError,
            "with/without names",
        ),
    ],
)
def test_bad_parameters(lib: Any, params: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        lib.optim.SGD(params(lib, ones(lib, 2)))


def test_duplicates_in_a_group(lib: Any) -> None:
    """Allowed with a warning; each step then updates the parameter twice, over and over."""
    p = ones(lib, 2)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optimizer = lib.optim.SGD([p, p], lr=0.25)
    optimizer.step()
    optimizer.step()
    optimizer.step()
    assert p.tolist() == [-0.5, -0.5]


def test_groups_and_defaults(lib: Any) -> None:
    p, q, r = (ones(lib, n) for n in (1, 2, 3))
    own = {"params": (x for x in [q]), "lr": 0.5, "mine": "kept"}
    optimizer = lib.optim.SGD([{"params": p}, own], lr=0.1, momentum=0.9)
    optimizer.add_param_group({"params": r, "momentum": 0})
    groups = optimizer.param_groups
    assert [[list(t.shape) for t in g["params"]] for g in groups] == [[[1]], [[2]], [[3]]]
    assert [g["lr"] for g in groups] == [0.1, 0.5, 0.1]
    assert [g["momentum"] for g in groups] == [0.9, 0.9, 0]
    assert groups[1] is own
    assert groups[1]["mine"] == "kept"
    assert optimizer.defaults["lr"] == 0.1


def test_refused_group_changes_nothing(lib: Any) -> None:
    p = ones(lib, 2)
    optimizer = lib.optim.SGD([p])
    for bad in ({"params": [p]}, {"params": [3]}, {"params": [p * 2]}, {"params": [("a", p)]}, 3):
        with pytest.raises((TypeError, ValueError)):
            optimizer.add_param_group(bad)
    assert len(optimizer.param_groups) == 1


def test_named_parameters(lib: Any) -> None:
    model = lib.nn.Linear(2, 1)
    optimizer = lib.optim.SGD(model.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][1] is model.bias
    assert "    param_names: ['weight', 'bias']\n" in repr(optimizer)
    optimizer.add_param_group({"params": [("extra", ones(lib, 1))]})
    assert optimizer.state_dict()["param_groups"][1]["param_names"] == ["extra"]


def test_computed_tensor_that_retains_its_gradient(lib: Any) -> None:
    y = ones(lib, 2) * 2
    y.retain_grad()
    (y * y).sum().backward()
    lib.optim.SGD([y], lr=0.25).step()
    assert y.tolist() == [1, 1]


def test_repr(lib: Any) -> None:
    first = {"params": ones(lib, 1), "zeta": 3, "lr": lib.tensor(0.5)}
    optimizer = lib.optim.SGD([first, {"params": ones(lib, 1)}], lr=0.25)
    assert repr(optimizer) == REPR


REPR = """SGD (
Parameter Group 0
    dampening: 0
    differentiable: False
    foreach: None
    fused: None
    lr: 0.5
    maximize: False
    momentum: 0
    nesterov: False
    weight_decay: 0
    zeta: 3

Parameter Group 1
    dampening: 0
    differentiable: False
    foreach: None
    fused: None
    lr: 0.25
    maximize: False
    momentum: 0
    nesterov: False
    weight_decay: 0
)"""


# -- gradients -----------------------------------------------------------------------------------


def test_zero_grad(lib: Any) -> None:
    p, q = ones(lib, 2), ones(lib, 2, grad=False)
    optimizer = lib.optim.SGD([p, q])
    grad = p.grad
    assert optimizer.zero_grad(set_to_none=False) is None
    assert p.grad is grad
    assert p.grad.tolist() == [0, 0]
    assert q.grad is None
    optimizer.zero_grad()
    assert p.grad is None


def test_zero_grad_cuts_the_gradients_graph(lib: Any) -> None:
    p = ones(lib, 2, grad=False)
    p.grad = ones(lib, 2) * 2
    lib.optim.SGD([p]).zero_grad(set_to_none=False)
    assert p.grad.grad_fn is None
    assert not p.grad.requires_grad


@each_row
def test_parameters_without_gradient_stay(row: OptimizerRow) -> None:
    p = ones(penlight, 1, 2, grad=False)
    optimizer = row.build(penlight, [p])
    optimizer.step()
    assert p.tolist() == [[1, 1]]
    assert p._version == 0


@each_row
def test_gradients_stay_as_they_are(row: OptimizerRow) -> None:
    params = row.parameters(penlight)
    row.set_gradients(penlight, params, 0)
    grads = [p.grad for p in params if p.grad is not None]
    before = values(grads)
    optimizer = row.build(penlight, params)
    for _ in range(3):
        optimizer.step()
    for a, b in zip(before, values(grads), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("shape", [(2,), (200, 100)], ids=["small", "large"])
def test_version_rises_so_that_stale_graphs_are_refused(lib: Any, shape: tuple[int, ...]) -> None:
    p, q = ones(lib, *shape), ones(lib, 3)
    optimizer = lib.optim.Adam([p, q])
    for _ in range(3):
        loss = (p * p).sum()
        version = p._version
        optimizer.step()
        assert p._version > version
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


@pytest.mark.parametrize("data", [lambda lib: lib.ones(3), lambda lib: lib.ones(2).double()])
def test_gradient_that_does_not_fit(lib: Any, data: Any) -> None:
    p = ones(lib, 2)
    p.data = data(lib)
    with pytest.raises(RuntimeError):
        lib.optim.Adam([p]).step()


def test_message_for_gradient_that_does_not_fit() -> None:
    p = ones(penlight, 2)
    p.data = penlight.ones(2).double()
    match = r"SGD: the gradient .* expected float64\[2\], got float32\[2\]; call zero_grad"
    with pytest.raises(RuntimeError, match=match):
        penlight.optim.SGD([p]).step()


# -- the step ------------------------------------------------------------------------------------


def test_closure(lib: Any) -> None:
    p = ones(lib, 2, grad=False)
    optimizer = lib.optim.SGD([p], lr=0.25)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with lib.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 2
    assert p.tolist() == [0.5, 0.5]
    assert optimizer.step(closure=lambda: "anything") == "anything"
    assert optimizer.step() is None


def test_step_hooks(lib: Any) -> None:
    p = ones(lib, 1)
    optimizer = lib.optim.SGD([p], lr=0.25)
    seen: list[Any] = []

    def before(optimizer: Any, args: Any, kwargs: Any) -> None:
        seen.append(("before", p.item(), args[0] is optimizer, len(args), sorted(kwargs)))

    def after(optimizer: Any, args: Any, kwargs: Any) -> None:
        seen.append(("after", p.item(), args[0] is optimizer, len(args), sorted(kwargs)))

    handle = optimizer.register_step_pre_hook(before)
    optimizer.register_step_post_hook(after)
    optimizer.step(lambda: 0)
    assert seen == [("before", 1.0, True, 2, []), ("after", 0.75, True, 2, [])]
    handle.remove()
    optimizer.step(closure=lambda: 0)
    assert seen[2:] == [("after", 0.5, True, 1, ["closure"])]


def test_step_pre_hook_replaces_arguments(lib: Any) -> None:
    optimizer = lib.optim.SGD([ones(lib, 1)])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((*args, lambda: 7), kwargs))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()


def test_hook_after_an_error(lib: Any) -> None:
    optimizer = lib.optim.SGD([ones(lib, 1)])
    seen: list[int] = []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))

    def fails() -> None:
        raise ValueError("from the closure")

    with pytest.raises(ValueError, match="from the closure"):
        optimizer.step(fails)
    assert seen == []
    optimizer.step()
    assert seen == [1]


def test_optimizer_written_as_in_pytorch(lib: Any) -> None:
    """All in ``step``; hooks, groups and state come from the base."""

    class Signs(lib.optim.Optimizer):  # type: ignore[misc]
        def __init__(self, params: Any, lr: float = 0.25) -> None:
            super().__init__(params, {"lr": lr})

        @lib.no_grad()
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["count"] = self.state[p].get("count", 0) + 1
                    p.sub_(lib.sign(p.grad), alpha=group["lr"])
            return "done"

    p = ones(lib, 2)
    optimizer = Signs([p])
    seen: list[int] = []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    assert optimizer.step() == "done"
    assert p.tolist() == [0.75, 0.75]
    assert seen == [1]
    assert optimizer.state_dict()["state"] == {0: {"count": 1}}
    again = Signs([ones(lib, 2)])
    again.load_state_dict(optimizer.state_dict())
    assert again.state_dict() == optimizer.state_dict()
    assert repr(optimizer) == "Signs (\nParameter Group 0\n    lr: 0.25\n)"


def test_hooks_run_once_when_step_calls_super() -> None:
    class Loud(penlight.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    optimizer = Loud([ones(penlight, 1)])
    seen: list[int] = []
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    optimizer.step()
    assert seen == [1]


class Normed(penlight.optim.Optimizer):
    """p <- p - lr g / |g|: needs each parameter as a whole."""

    def init_state(self, parameter: Any, group: Any) -> dict[str, Any]:
        return {"norms": penlight.zeros(2)}

    def update(self, p: Any, g: Any, state: Any, group: Any) -> None:
        p -= group["lr"] * g / np.linalg.norm(g)
        state["norms"][...] = np.linalg.norm(g), g.ndim


def test_optimizer_written_as_update() -> None:
    """Without the promise to work by element, ``update`` gets whole parameters in their shape."""
    p, q = ones(penlight, 2, 2), penlight.nn.Parameter(penlight.ones(3, 3).t()[:, :1])
    q.grad = penlight.full((3, 1), 4.0)
    optimizer = Normed([p, q], {"lr": 1.0})
    for _ in range(3):
        optimizer.step()
    np.testing.assert_allclose(values([p])[0], 1 - 3 / 2)
    np.testing.assert_allclose(values([q])[0], 1 - 3 / 3**0.5)
    assert optimizer.state[p]["norms"].tolist() == [2, 2]


def test_optimizer_without_update() -> None:
    optimizer = penlight.optim.Optimizer([ones(penlight, 1)], {})
    with pytest.raises(NotImplementedError, match="update"):
        optimizer.step()


def test_options_changed_after_the_first_step(lib: Any) -> None:
    optimizer = lib.optim.Adam([ones(lib, 2), ones(lib, 3)])
    for _ in range(3):
        optimizer.step()
    optimizer.param_groups[0]["amsgrad"] = True
    with pytest.raises(KeyError, match="max_exp_avg_sq"):
        optimizer.step()


# -- copies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
@each_row
def test_copies_go_on_alike(row: OptimizerRow, copied: Any) -> None:
    """A copy has parameters of its own, the same state, and no hooks."""
    params = row.parameters(penlight)
    optimizer = row.build(penlight, params)
    for step in range(3):
        row.set_gradients(penlight, params, step)
        optimizer.step()
    seen: list[int] = []
    optimizer.__dict__["_optimizer_step_post_hooks"].clear()
    optimizer.register_step_post_hook(_Recorder(seen))
    other = copied(optimizer)
    others = other.param_groups[0]["params"]
    assert all(p is not q for p, q in zip(params, others, strict=True))
    assert repr(other) == repr(optimizer)
    for step in range(3, 7):
        row.set_gradients(penlight, params, step)
        row.set_gradients(penlight, others, step)
        optimizer.step()
        other.step()
    assert len(seen) == 4
    for a, b in zip(values(params), values(others), strict=True):
        assert a.tobytes() == b.tobytes()


class _Recorder:
    def __init__(self, seen: list[int]) -> None:
        self.seen = seen

    def __call__(self, *_: Any) -> None:
        self.seen.append(1)
