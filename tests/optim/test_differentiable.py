"""``differentiable=True``: gradients through steps, against numerical ones."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.autograd import gradcheck
from tests.optim.table import OPTIMIZERS, OptimizerRow

ROWS = [
    r
    for r in OPTIMIZERS
    if "differentiable" in inspect.signature(getattr(penlight.optim, r.name)).parameters
]
each_row = pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in ROWS])
REFUSED = sorted({r.name for r in OPTIMIZERS} - {r.name for r in ROWS})


def steps(row: OptimizerRow, start: Any, slopes: Any, count: int = 4, **options: Any) -> Any:
    """Where steps lead from ``start``, with gradients computed from ``slopes``."""
    p = start.clone()
    optimizer = row.build(penlight, [p], differentiable=True, **options)
    for t in range(count):
        p.grad = slopes * (1 + t) ** 0.5
        optimizer.step()
    return p


def tensors(*shape: int) -> list[Any]:
    rng = np.random.default_rng(0)
    return [penlight.tensor(rng.standard_normal(shape), requires_grad=True) for _ in range(2)]


@each_row
def test_gradients_through_steps(row: OptimizerRow) -> None:
    assert gradcheck(lambda start, slopes: steps(row, start, slopes), tensors(2, 3))


@pytest.mark.parametrize("shape", [(), (0,), (1,)], ids=str)
@each_row
def test_values_are_those_of_other_steps(row: OptimizerRow, shape: tuple[int, ...]) -> None:
    start, slopes = tensors(*shape)
    p = penlight.nn.Parameter(start.detach().clone())
    optimizer = row.build(penlight, [p])
    for t in range(4):
        p.grad = slopes.detach() * (1 + t) ** 0.5
        optimizer.step()
    np.testing.assert_allclose(
        steps(row, start, slopes).detach().numpy(), p.detach().numpy(), 1e-12
    )


@pytest.mark.parametrize("row", [r for r in ROWS if r.takes_complex], ids=lambda r: r.id)
def test_complex_parameters(row: OptimizerRow) -> None:
    rng = np.random.default_rng(0)
    start, slopes = (
        penlight.tensor(rng.standard_normal(3) + 1j * rng.standard_normal(3), requires_grad=True)
        for _ in range(2)
    )
    p = penlight.nn.Parameter(start.detach().clone())
    optimizer = row.build(penlight, [p])
    for t in range(4):
        p.grad = slopes.detach() * (1 + t) ** 0.5
        optimizer.step()
    end = steps(row, start, slopes)
    np.testing.assert_allclose(end.detach().numpy(), p.detach().numpy(), rtol=1e-6)
    end.real.sum().backward()
    assert start.grad is not None


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adamax", "NAdam",
                                  "RAdam", "Adadelta"])  # fmt: skip
def test_gradient_of_the_learning_rate(name: str) -> None:
    row = next(r for r in ROWS if r.name == name)
    start, slopes = tensors(3)
    lr = penlight.tensor(0.1, dtype=penlight.float64, requires_grad=True)
    assert gradcheck(lambda lr: steps(row, start, slopes, lr=lr), [lr])


def test_gradient_of_betas() -> None:
    start, slopes = tensors(3)
    row = OptimizerRow("Adam", 0.1)
    betas = [penlight.tensor(b, dtype=penlight.float64, requires_grad=True) for b in (0.8, 0.95)]
    assert gradcheck(lambda *betas: steps(row, start, slopes, betas=betas), betas)


def test_leaves_are_refused_in_step(lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2))
    p.grad = lib.ones(2)
    optimizer = lib.optim.SGD([p], differentiable=True)
    with pytest.raises(RuntimeError, match="leaf"):
        optimizer.step()


def test_computed_tensors_are_taken(lib: Any) -> None:
    w = lib.ones(2, requires_grad=True)
    lib.optim.Adam([w * 2], differentiable=True)
    with pytest.raises(ValueError, match="non-leaf"):
        lib.optim.Adam([w * 2])


def test_records_also_under_no_grad(lib: Any) -> None:
    w = lib.ones(2, requires_grad=True)
    p = w * 2
    p.grad = w * w
    with lib.no_grad():
        lib.optim.SGD([p], lr=0.5, differentiable=True).step()
    p.sum().backward()
    assert w.grad.tolist() == [1, 1]


@pytest.mark.parametrize("name", REFUSED)
def test_others_have_no_such_option(name: str, lib: Any) -> None:
    with pytest.raises(TypeError):
        getattr(lib.optim, name)([lib.nn.Parameter(lib.ones(2, 2))], differentiable=True)


@pytest.mark.parity
@each_row
def test_same_gradients_as_pytorch(row: OptimizerRow, torch: Any) -> None:
    """Of one step, from the starting point; PyTorch forgets g's part in SGD's momentum."""
    found = []
    for lib in (penlight, torch):
        start = lib.tensor([0.5, -1.0, 2.0], dtype=lib.float64, requires_grad=True)
        slopes = lib.tensor([1.0, -0.5, 3.0], dtype=lib.float64, requires_grad=True)
        p = start.clone()
        p.grad = slopes * slopes
        row.build(lib, [p], differentiable=True).step()
        (p**3).sum().backward()
        found.append(
            [t.grad.tolist() if t.grad is not None else [0.0] * 3 for t in (start, slopes)]
        )
    kept = 1 if row.options.get("momentum") and row.name == "SGD" else 2
    if kept == 1 and row.options.get("weight_decay"):
        return
    assert np.allclose(found[0][:kept], found[1][:kept], rtol=1e-5)
