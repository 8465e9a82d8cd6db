"""Every row of the optimizer table: against PyTorch, against a naive reference, on functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
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
each_bad = pytest.mark.parametrize(("name", "options", "error", "match"), BAD_OPTIONS)
TOLERANCE = {"float32": 2e-6, "float64": 1e-12}


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
    assert public == {row.name for row in OPTIMIZERS}


# -- against PyTorch -----------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_row
def test_same_as_pytorch(row: OptimizerRow, dtype: str, torch: Any) -> None:
    """Twelve steps on parameters of all shapes; parameters, states and their dtypes agree."""
    runs = []
    for lib in (penlight, torch):
        params = make_parameters(lib, dtype)
        optimizer = row.build(lib, params)
        for step in range(12):
            set_gradients(lib, params, step)
            optimizer.step()
        states = [optimizer.state[p] for p in params]
        runs.append((params, states))
    (ours, our_states), (theirs, their_states) = runs
    assert_close(values(ours), values(theirs), TOLERANCE[dtype])
    for a, b in zip(our_states, their_states, strict=True):
        assert list(a) == list(b)
        assert_close(values(list(a.values())), values(list(b.values())), TOLERANCE[dtype])


@pytest.mark.parity
@each_row
def test_groups_same_as_pytorch(row: OptimizerRow, torch: Any) -> None:
    """Groups with options of their own, and gradients that come and go."""
    runs = []
    for lib in (penlight, torch):
        params = make_parameters(lib)
        groups = [
            {"params": params[:3]},
            {"params": params[3:6], "lr": row.lr / 3, "weight_decay": 0.2},
            {"params": params[6:], "maximize": not row.options.get("maximize", False)},
        ]
        optimizer = row.build(lib, groups)
        for step in range(12):
            set_gradients(lib, params, step, skip=(-1, 2, 4) if step in (3, 4, 8) else (-1,))
            optimizer.step()
        runs.append((params, optimizer))
    (ours, optimizer), (theirs, reference) = runs
    assert_close(values(ours), values(theirs), TOLERANCE["float32"])
    assert repr(optimizer) == repr(reference)


@pytest.mark.parity
@each_row
def test_complex_parameters_same_as_pytorch(row: OptimizerRow, torch: Any) -> None:
    """Real and imaginary parts are updated as two numbers."""
    rng = np.random.default_rng(0)
    start, *gradients = rng.standard_normal((9, 2, 3)) + 1j * rng.standard_normal((9, 2, 3))
    runs = []
    for lib in (penlight, torch):
        p = parameter(lib, start.T.copy().T.astype(np.complex64))
        optimizer = row.build(lib, [p])
        for g in gradients:
            p.grad = lib.from_numpy(g.astype(np.complex64))
            optimizer.step()
        runs.append([p, *(v for k, v in optimizer.state[p].items() if k != "step")])
    assert_close(values(runs[0]), values(runs[1]), TOLERANCE["float32"])


@pytest.mark.parity
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_options_as_tensors(name: str, torch: Any) -> None:
    """A tensor is read at each step, so that it may be changed in place."""
    runs = []
    for lib in (penlight, torch):
        params = make_parameters(lib)
        lr = lib.tensor(0.1)
        more = {"betas": (lib.tensor(0.8), lib.tensor(0.9))} if "Adam" in name else {}
        optimizer = getattr(lib.optim, name)(params, lr=lr, **more)
        for step in range(6):
            set_gradients(lib, params, step)
            optimizer.step()
            lr.mul_(0.5)
        assert optimizer.param_groups[0]["lr"] is lr
        runs.append(params)
    assert_close(values(runs[0]), values(runs[1]), TOLERANCE["float32"])


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
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_defaults_are_pytorchs(name: str, torch: Any) -> None:
    ours, theirs = (getattr(lib.optim, name)(make_parameters(lib)) for lib in (penlight, torch))
    assert ours.defaults == theirs.defaults
    assert list(ours.param_groups[0]) == list(theirs.param_groups[0])
    assert repr(ours) == repr(theirs)


# -- against a naive reference -------------------------------------------------------------------


def sgd(p, gradients, lr, momentum=0.0, dampening=0.0, nesterov=False):  # type: ignore[no-untyped-def]
    b = None
    for g in gradients:
        d = g(p)
        b = d if b is None else momentum * b + (1 - dampening) * d
        p = p - lr * (d + momentum * b if nesterov else b if momentum else d)
    return p


def adam(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, shrink=0.0):  # type: ignore[no-untyped-def]
    m = v = largest = 0.0
    for t, g in enumerate(gradients, 1):
        p = p - lr * shrink * p
        d = g(p / (1 - lr * shrink))
        m = betas[0] * m + (1 - betas[0]) * d
        v = betas[1] * v + (1 - betas[1]) * d**2
        largest = max(largest, v)
        root = ((largest if amsgrad else v) / (1 - betas[1] ** t)) ** 0.5
        p = p - lr * (m / (1 - betas[0] ** t)) / (root + eps)
    return p


def rmsprop(p, gradients, lr, alpha=0.99, eps=1e-8, momentum=0.0, centered=False):  # type: ignore[no-untyped-def]
    v = a = b = 0.0
    for g in gradients:
        d = g(p)
        v = alpha * v + (1 - alpha) * d**2
        a = alpha * a + (1 - alpha) * d
        b = momentum * b + d / ((v - a**2 if centered else v) ** 0.5 + eps)
        p = p - lr * b
    return p


def adagrad(p, gradients, lr, lr_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):  # type: ignore[no-untyped-def]
    s = initial_accumulator_value
    for t, g in enumerate(gradients, 1):
        d = g(p)
        s = s + d**2
        p = p - lr / (1 + (t - 1) * lr_decay) * d / (s**0.5 + eps)
    return p


REFERENCES = {"SGD": sgd, "Adam": adam, "AdamW": adam, "RMSprop": rmsprop, "Adagrad": adagrad}


def reference(row: OptimizerRow, start: float, gradients: list[float]) -> float:
    """One number through the formulas of the papers, in double precision."""
    options = dict(row.options)
    sign = -1 if options.pop("maximize", False) else 1
    decay = options.pop("weight_decay", 0.01 if row.name == "AdamW" else 0.0)
    if options.pop("decoupled_weight_decay", row.name == "AdamW"):
        options["shrink"], decay = decay, 0.0
    functions = [lambda p, g=g: sign * g + decay * p for g in gradients]
    return float(REFERENCES[row.name](start, functions, row.lr, **options))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_row
def test_formula(row: OptimizerRow, dtype: str) -> None:
    rng = np.random.default_rng(1)
    starts, gradients = rng.standard_normal(7), rng.standard_normal((20, 7))
    p = parameter(penlight, starts.astype(dtype))
    other = parameter(penlight, np.ones(3, dtype))  # company, so that the two make a bundle
    optimizer = row.build(penlight, [p, other])
    for g in gradients:
        p.grad = penlight.from_numpy(g.astype(dtype))
        other.grad = penlight.ones(3, dtype=getattr(penlight, dtype))
        optimizer.step()
    expected = [reference(row, s, list(g)) for s, g in zip(starts, gradients.T, strict=True)]
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(values([p])[0], expected, rtol=tolerance, atol=tolerance)


# -- on functions --------------------------------------------------------------------------------


def minimize(row: OptimizerRow, function: Any, start: list[float], steps: int) -> Any:
    x = parameter(penlight, np.array(start, np.float64))
    optimizer = row.build(penlight, [x], weight_decay=0)
    sign = -1 if row.options.get("maximize") else 1

    def closure() -> Any:
        optimizer.zero_grad()
        loss = sign * function(x)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return x.detach()


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

    slow = OptimizerRow(row.name, row.lr / (4 if row.name == "SGD" else 1), row.options)
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


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_differentiable_is_refused(name: str) -> None:
    params = make_parameters(penlight)
    with pytest.raises(ValueError, match="differentiable"):
        getattr(penlight.optim, name)(params, differentiable=True)
    with pytest.raises(ValueError, match="differentiable"):
        getattr(penlight.optim, name)([{"params": params, "differentiable": True}])


@pytest.mark.parametrize("options", [{"foreach": True}, {"foreach": False}, {"capturable": True}])
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
