"""LBFGS: against PyTorch step by step, as a minimiser, and its line search against the conditions."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.optim.line_search import Point, strong_wolfe
from tests.optim.table import parameter, values
from tests.optim.test_state_dict import converted

SEARCHES = [None, "strong_wolfe"]
pytestmark = pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True")
each_search = pytest.mark.parametrize("search", SEARCHES)


def banana(params: list[Any]) -> Any:
    """Rosenbrock's valley in the first parameter, a bowl in the others."""
    x, *others = params
    loss = (1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2
    for p in others:
        loss = loss + (p * p.conj()).real.sum() if p.is_complex() else loss + ((p - 1) ** 4).sum()
    return loss


def build(lib: Any, dtype: str = "float64", **options: Any) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(0)
    complex_dtype = np.complex128 if dtype == "float64" else np.complex64
    table = rng.standard_normal((2, 3))  # PyTorch can't flatten it when transposed
    table = table.T if lib is penlight else table.T.copy()
    arrays = [np.array([-1.0, 1.5]), table, np.float64(0.5), np.ones((0, 2))]
    params = [parameter(lib, np.asarray(a, dtype)) for a in arrays]
    params.append(parameter(lib, np.array([1 + 2j, 3 - 1j], complex_dtype)))
    return params, lib.optim.LBFGS(params, **options)


def closure_of(params: list[Any], optimizer: Any, calls: list[float]) -> Any:
    def closure() -> Any:
        optimizer.zero_grad()
        loss = banana(params)
        loss.backward()
        calls.append(float(loss.detach()))
        return loss

    return closure


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.3, "max_iter": 4},
        {"max_iter": 7, "max_eval": 5},
        {"history_size": 2, "max_iter": 25},
        {"tolerance_grad": 0.1},
        {"tolerance_change": 0.01},
        {"max_iter": 1},
    ],
    ids=str,
)
@each_search
def test_same_as_pytorch(search: str | None, options: dict[str, Any], torch: Any) -> None:
    """The same points are tried, in the same order; near the minimum rounding decides on them."""
    runs = []
    for lib in (penlight, torch):
        params, optimizer = build(lib, line_search_fn=search, **options)
        calls: list[float] = []
        for _ in range(4):
            if len(calls) < 15:
                optimizer.step(closure_of(params, optimizer, calls))
        runs.append((calls, params, optimizer.state_dict(), repr(optimizer)))
    ours, theirs = runs
    assert ours[0] == pytest.approx(theirs[0], rel=1e-6, abs=1e-9)
    for a, b in zip(values(ours[1]), values(theirs[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    assert ours[3] == theirs[3]
    (state,), (reference,) = ours[2]["state"].values(), theirs[2]["state"].values()
    assert set(state) == set(reference)
    for name in ("func_evals", "n_iter"):
        assert state[name] == reference[name]
    for name in ("old_dirs", "old_stps", "ro", "al"):
        assert len(state.get(name, [])) == len(reference.get(name, []))


@pytest.mark.parity
@pytest.mark.parametrize("direction", ["to PyTorch", "from PyTorch"])
@each_search
def test_other_library_goes_on(search: str | None, direction: str, torch: Any) -> None:
    here, there = (penlight, torch) if direction == "to PyTorch" else (torch, penlight)
    params, optimizer = build(here, line_search_fn=search, max_iter=3)
    for _ in range(2):
        optimizer.step(closure_of(params, optimizer, []))
    others, other = build(there, lr=99)
    with there.no_grad():
        for p, q in zip(params, others, strict=True):
            q.copy_(there.from_numpy(np.array(p.detach().numpy())))
    other.load_state_dict(converted(there, optimizer.state_dict()))
    for group, mine in ((params, optimizer), (others, other)):
        mine.step(closure_of(group, mine, []))
    for a, b in zip(values(params), values(others), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


@each_search
def test_finds_the_minimum(search: str | None) -> None:
    params, optimizer = build(penlight, "float32", line_search_fn=search, max_iter=60)
    calls: list[float] = []
    for _ in range(3):
        optimizer.step(closure_of(params, optimizer, calls))
    assert calls[-1] < 1e-4
    np.testing.assert_allclose(values(params)[0], [1, 1], atol=1e-2)
    assert len(calls) < 120


@each_search
def test_resumed_with_the_same_bits(search: str | None) -> None:
    params, optimizer = build(penlight, line_search_fn=search, max_iter=3)
    optimizer.step(closure_of(params, optimizer, []))
    others, other = copy.deepcopy((params, optimizer.state_dict()))
    resumed = penlight.optim.LBFGS(others)
    resumed.load_state_dict(other)
    for group, mine in ((params, optimizer), (others, resumed)):
        mine.step(closure_of(group, mine, []))
    for a, b in zip(values(params), values(others), strict=True):
        assert a.tobytes() == b.tobytes()


def test_parameters_without_gradient(lib: Any) -> None:
    """They count as having the gradient zero."""
    p, q = (lib.nn.Parameter(lib.ones(2)) for _ in range(2))
    optimizer = lib.optim.LBFGS([p, q])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert q.tolist() == [1, 1]
    assert abs(p).max() < 1e-3


def test_step_needs_a_closure(lib: Any) -> None:
    with pytest.raises(TypeError):
        lib.optim.LBFGS([lib.nn.Parameter(lib.ones(2))]).step()


def test_one_group_alone(lib: Any) -> None:
    p, q = (lib.nn.Parameter(lib.ones(2)) for _ in range(2))
    with pytest.raises(ValueError, match="parameter groups"):
        lib.optim.LBFGS([{"params": p}, {"params": q}])


def test_unknown_line_search(lib: Any) -> None:
    params, optimizer = build(lib, line_search_fn="armijo")
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(closure_of(params, optimizer, []))


def test_at_the_minimum_nothing_happens(lib: Any) -> None:
    p = lib.nn.Parameter(lib.zeros(2))
    optimizer = lib.optim.LBFGS([p])
    calls: list[int] = []

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        calls.append(1)
        return loss

    assert optimizer.step(closure).item() == 0
    assert len(calls) == 1
    assert optimizer.state_dict()["state"] == {0: {"func_evals": 1, "n_iter": 0}}


def test_moves_raise_versions() -> None:
    params, optimizer = build(penlight)
    version = params[0]._version
    optimizer.step(closure_of(params, optimizer, []))
    assert params[0]._version > version


# -- the line search -----------------------------------------------------------------------------

FUNCTIONS = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "quartic": (lambda t: (t - 1) ** 4 - t, lambda t: 4 * (t - 1) ** 3 - 1),
    "flat far out": (lambda t: -1 / (1 + (t - 9) ** 2), lambda t: 2 * (t - 9) / (1 + (t - 9) ** 2) ** 2),
    "two waves": (
        lambda t: 0.7 * np.sin(5.3 * t) - 1.9 * np.sin(2.3 * t) - t,
        lambda t: 3.71 * np.cos(5.3 * t) - 4.37 * np.cos(2.3 * t) - 1,
    ),
    "waves": (lambda t: np.sin(3 * t) - t + t * t / 8, lambda t: 3 * np.cos(3 * t) - 1 + t / 4),
}  # fmt: skip


FIRST = [1e-3, 0.3, 1.0, 30.0]


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_wolfe_conditions(name: str, first: float) -> None:
    f, df = FUNCTIONS[name]
    sign = -np.sign(df(0.0))  # the direction that leads down
    tried: list[float] = []

    def evaluate(t: float) -> Point:
        tried.append(t)
        return Point(t, float(f(sign * t)), np.zeros(1), float(sign * df(sign * t)))

    start = evaluate(0.0)
    point, calls = strong_wolfe(evaluate, start, first, 1.0)
    assert calls == len(tried) - 1 <= 26
    assert point.f <= start.f + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)


@pytest.mark.parity
@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("c2", [0.9, 0.1, 1e-3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_same_points_as_pytorch(name: str, c2: float, first: float, torch: Any) -> None:
    f, df = FUNCTIONS[name]
    sign = -np.sign(df(0.0))
    ours: list[float] = []
    theirs: list[float] = []

    def evaluate(t: float) -> Point:
        ours.append(t)
        return Point(t, float(f(sign * t)), np.zeros(1), float(sign * df(sign * t)))

    def objective(x: Any, t: Any, d: Any) -> Any:
        theirs.append(float(t))
        return float(f(sign * float(t))), torch.tensor([df(sign * float(t))], dtype=torch.float64)

    search = importlib.import_module("torch.optim.lbfgs")._strong_wolfe
    start = evaluate(0.0)
    point, calls = strong_wolfe(evaluate, start, first, 1.0, c2=c2)
    d = torch.tensor([sign], dtype=torch.float64)
    value, g = objective(None, 0.0, d)
    _, _, t, reference = search(objective, None, first, d, value, g, g.dot(d), c2=c2)
    assert calls == reference
    assert ours == pytest.approx(theirs)
    assert point.t == pytest.approx(float(t))


def test_line_without_end() -> None:
    """A straight line has no such point: the search goes far, and stops."""
    point, calls = strong_wolfe(
        lambda t: Point(t, -t, np.zeros(1), -1.0), Point(0, 0.0, np.zeros(1), -1.0), 1.0, 1.0,
        max_steps=6,
    )  # fmt: skip
    assert (point.t, calls) == (1e6, 7)
