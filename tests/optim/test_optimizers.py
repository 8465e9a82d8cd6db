"""Every row of the optimizer table: against PyTorch, against a naive reference, on functions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import penlight
from tests.optim.references import reference
from tests.optim.table import (
    BAD_OPTIONS,
    OPTIMIZERS,
    OptimizerRow,
    make_parameters,
    parameter,
    set_gradients,
    values,
)

each_row = pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in OPTIMIZERS])
NAMES = sorted({r.name for r in OPTIMIZERS})


def options_of(name: str) -> list[str]:
    return list(inspect.signature(getattr(penlight.optim, name)).parameters)


each_bad = pytest.mark.parametrize(("name", "options", "error", "match"), BAD_OPTIONS)
TOLERANCE = {"float32": 2e-6, "float64": 1e-12}


@pytest.fixture
def exact_numbers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Numbers in states in double precision for tests in it: their dtype is the default one."""
    params = request.node.callspec.params
    libs = [penlight, request.getfixturevalue("torch")] if "torch" in request.fixturenames else []
    for lib in libs or [penlight]:
        lib.set_default_dtype(getattr(lib, params["dtype"]))
    yield
    for lib in libs or [penlight]:
        lib.set_default_dtype(lib.float32)


def assert_close(ours: list[np.ndarray], theirs: list[np.ndarray], tolerance: float) -> None:
    """Equal shapes and dtypes, and values up to a part of the array's largest."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        scale = max(np.abs(b).max(initial=0), 1)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def test_every_optimizer_has_a_row() -> None:
    base = penlight.optim.Optimizer
    public = {
        name
        for name, value in vars(penlight.optim).items()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    }
    assert public == {row.name for row in OPTIMIZERS} | {"LBFGS"}  # which has tests of its own


# -- against PyTorch -----------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_row
def test_same_as_pytorch(row: OptimizerRow, dtype: str, torch: Any, exact_numbers: None) -> None:
    """Twelve steps on parameters of all shapes; parameters, states and their dtypes agree."""
    runs = []
    for lib in (penlight, torch):
        params = row.parameters(lib, dtype)
        optimizer = row.build(lib, params)
        for step in range(12):
            row.set_gradients(lib, params, step)
            optimizer.step()
        states = [optimizer.state[p] for p in params]
        runs.append((params, states))
    (ours, our_states), (theirs, their_states) = runs
    imprecision = row.imprecision[dtype == "float64"]
    assert_close(values(ours), values(theirs), TOLERANCE[dtype] * imprecision)
    for a, b in zip(our_states, their_states, strict=True):
        assert list(a) == list(b)
        for name in a:
            kind = str(getattr(b[name], "dtype", dtype)).removeprefix("torch.")
            assert_close(values([a[name]]), values([b[name]]), TOLERANCE[kind])


@pytest.mark.parity
@each_row
def test_groups_same_as_pytorch(row: OptimizerRow, torch: Any) -> None:
    """Groups with options of their own, and gradients that come and go."""
    runs = []
    for lib in (penlight, torch):
        params = row.parameters(lib)
        groups = [
            {"params": params[:3]},
            {"params": params[3:6], "lr": row.lr / 3, "weight_decay": 0.2},
            {"params": params[6:], "maximize": not row.options.get("maximize", False)},
        ]
        optimizer = row.build(lib, groups)
        for step in range(12):
            row.set_gradients(lib, params, step, (-1, 2, 4) if step in (3, 4, 8) else (-1,))
            optimizer.step()
        runs.append((params, optimizer))
    (ours, optimizer), (theirs, reference) = runs
    assert_close(values(ours), values(theirs), TOLERANCE["float32"] * row.imprecision[0])
    assert repr(optimizer) == repr(reference)


@pytest.mark.parity
@each_row
def test_complex_parameters_same_as_pytorch(row: OptimizerRow, torch: Any) -> None:
    """Real and imaginary parts are updated as two numbers."""
    if not row.takes_complex:
        return
    rng = np.random.default_rng(0)
    start, *gradients = rng.standard_normal((9, 2, 3)) + 1j * rng.standard_normal((9, 2, 3))
    runs = []
    for lib in (penlight, torch):
        p = parameter(lib, start.T.copy().T.astype(np.complex64))
        optimizer = row.build(lib, [p])
        for g in gradients:
            p.grad = lib.from_numpy(g.astype(np.complex64))
            optimizer.step()
        states = optimizer.state[p].values()
        runs.append([p, *(v for v in states if v.is_complex())])
    assert_close(values(runs[0]), values(runs[1]), TOLERANCE["float32"])


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_options_as_tensors(name: str, torch: Any) -> None:
    """A tensor is read at each step, so that it may be changed in place."""
    runs = []
    row = next(r for r in OPTIMIZERS if r.name == name)
    for lib in (penlight, torch):
        params = row.parameters(lib)
        lr = lib.tensor(0.1)
        more = {"betas": (lib.tensor(0.8), lib.tensor(0.9))} if name in ("Adam", "AdamW") else {}
        optimizer = getattr(lib.optim, name)(params, lr=lr, **more)
        for step in range(6):
            row.set_gradients(lib, params, step)
            optimizer.step()
            lr.mul_(0.5)
        assert optimizer.param_groups[0]["lr"] is lr
        runs.append(params)
    assert_close(values(runs[0]), values(runs[1]), TOLERANCE["float32"] * row.imprecision[0])


@pytest.mark.parity
def test_momentum_switched_on_later(torch: Any) -> None:
    runs = []
    for lib in (penlight, torch):
        params = make_parameters(lib)
        optimizer = lib.optim.SGD(params, lr=0.1, dampening=0.3)
        for step in range(6):
            optimizer.param_groups[0]["momentum"] = 0.9 if step > 2 else 0
            set_gradients(lib, params, step)
            optimizer.step()
        runs.append(params)
    assert_close(values(runs[0]), values(runs[1]), TOLERANCE["float32"])


@pytest.mark.parity
@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_pytorchs(name: str, torch: Any) -> None:
    row = next(r for r in OPTIMIZERS if r.name == name)
    ours, theirs = (getattr(lib.optim, name)(row.parameters(lib)) for lib in (penlight, torch))
    assert ours.defaults == theirs.defaults
    assert list(ours.param_groups[0]) == list(theirs.param_groups[0])
    assert repr(ours) == repr(theirs)


# -- against a naive reference -------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7,), (4, 3), (3, 5)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_row
def test_formula(
    row: OptimizerRow, dtype: str, shape: tuple[int, ...], exact_numbers: None
) -> None:
    if row.name == "Muon" and len(shape) == 1:
        return
    rng = np.random.default_rng(1)
    start, gradients = rng.standard_normal(shape), rng.standard_normal((20, *shape))
    if row.sparse:
        gradients[rng.random((20, shape[0])) < 0.5] = 0
    p = parameter(penlight, start.astype(dtype))
    other = parameter(penlight, np.ones((3, 1), dtype))  # company, so that the two make a bundle
    optimizer = row.build(penlight, [p, other])
    for g in gradients:
        p.grad = penlight.from_numpy(g.astype(dtype))
        other.grad = penlight.ones(3, 1, dtype=getattr(penlight, dtype))
        optimizer.step()
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    expected = reference(row, start, gradients)
    np.testing.assert_allclose(values([p])[0], expected, rtol=tolerance, atol=tolerance)


# -- on functions --------------------------------------------------------------------------------


def minimize(row: OptimizerRow, function: Any, start: list[float], steps: int) -> Any:
    shape = (1, -1) if row.name == "Muon" else (-1,)
    x = parameter(penlight, np.array(start, np.float64).reshape(shape))
    has_decay = "weight_decay" in options_of(row.name)
    optimizer = row.build(penlight, [x], **({"weight_decay": 0} if has_decay else {}))
    sign = -1 if row.options.get("maximize") else 1

    def closure() -> Any:
        optimizer.zero_grad()
        loss = sign * function(x.reshape(-1))
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return x.detach().reshape(-1)


@each_row
def test_convex_function(row: OptimizerRow) -> None:
    scale = penlight.tensor([0.5, 1.0, 5.0], dtype=penlight.float64)

    def bowl(x: Any) -> Any:
        return (scale * (x - 1) ** 2).sum()

    start = [3.0, -2.0, 2.0]
    end = minimize(row, bowl, start, 400)
    assert bowl(end).item() < 1e-3 * bowl(penlight.tensor(start)).item()


@each_row
def test_banana_function(row: OptimizerRow) -> None:
    """Rosenbrock's valley, milder than usual: down into it, and along it."""

    def banana(x: Any) -> Any:
        return (1 - x[0]) ** 2 + 5 * (x[1] - x[0] ** 2) ** 2

    slow = OptimizerRow(row.name, row.lr / (4 if "SGD" in row.name else 1), row.options)
    end = minimize(slow, banana, [-1.0, 1.5], 700)
    assert banana(end).item() < 0.1  # 5.25 at the start


# -- refused -------------------------------------------------------------------------------------


@each_bad
def test_bad_options_are_refused(
    name: str, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        getattr(penlight.optim, name)(make_parameters(penlight), **options)


@pytest.mark.parity
@each_bad
def test_pytorch_refuses_them_too(
    name: str, options: dict[str, Any], error: type[Exception], match: str, torch: Any
) -> None:
    with pytest.raises(error):
        getattr(torch.optim, name)(make_parameters(torch), **options)


def test_lr_tensor_of_several_elements(lib: Any) -> None:
    with pytest.raises(ValueError, match="1-element"):
        lib.optim.SGD(make_parameters(lib), lr=lib.tensor([0.1, 0.2]))


def test_tensor_options_and_foreach(lib: Any) -> None:
    with pytest.raises(ValueError, match="lr as a Tensor"):
        lib.optim.Adam(make_parameters(lib), lr=lib.tensor(0.1), foreach=True)
    betas = (lib.tensor(0.9), lib.tensor(0.9))
    with pytest.raises(ValueError, match="betas"):
        lib.optim.Adam(make_parameters(lib), betas=betas, foreach=True)
    with pytest.raises(ValueError, match="betas"):
        lib.optim.Adam(make_parameters(lib), betas=(lib.tensor(0.9), 0.9))


@pytest.mark.parametrize("name", [n for n in NAMES if "capturable" in options_of(n)])
def test_capturable_is_for_accelerators(name: str, lib: Any) -> None:
    params = make_parameters(lib)
    set_gradients(lib, params, 0)
    optimizer = getattr(lib.optim, name)(params, capturable=True)
    with pytest.raises(AssertionError, match="capturable=True"):
        optimizer.step()


@pytest.mark.parametrize("options", [{"foreach": True}, {"foreach": False}, {"fused": True}])
def test_choices_of_implementation_change_nothing(options: dict[str, Any]) -> None:
    runs = []
    for more in ({}, options):
        params = make_parameters(penlight)
        optimizer = penlight.optim.Adam(params, **more)
        for step in range(3):
            set_gradients(penlight, params, step)
            optimizer.step()
        assert {k: optimizer.param_groups[0][k] for k in more} == more
        runs.append(values(params))
    assert_close(runs[0], runs[1], 0)
