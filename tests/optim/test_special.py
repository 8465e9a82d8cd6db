"""What single optimizers do that their rows don't show; hooks of all optimizers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.optim.muon import orthogonal
from tests.optim.table import OPTIMIZERS, parameter, values
from tests.optim.test_contract import ones

NAN, INF = float("nan"), float("inf")
ROWS = [
    next(r for r in OPTIMIZERS if r.name == name) for name in sorted({r.name for r in OPTIMIZERS})
]


def base_of(lib: Any) -> Any:
    """The module that ``Optimizer`` is from."""
    return sys.modules[lib.optim.Optimizer.__module__]


# -- extreme gradients ---------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
@pytest.mark.parametrize(
    "gradient",
    [[NAN, 1.0], [INF, 1.0], [-INF, 1.0], [0.0, 0.0], [1e-30, 1e30], [1e-45, -1e-45], [3e38, 1.0]],
    ids=str,
)
def test_extreme_gradients(row: Any, gradient: list[float], torch: Any) -> None:
    """NaN, infinity and what becomes them stand in the same places as in PyTorch."""
    found = []
    for lib in (penlight, torch):
        p = lib.nn.Parameter(lib.tensor([[0.5, -2.0]]))
        optimizer = row.build(lib, [p])
        for g in ([[1.0, -1.0]], [gradient], [[1.0, 1.0]]):
            p.grad = lib.tensor(g)
            if row.sparse and lib is torch:
                p.grad = p.grad.to_sparse(1)
            optimizer.step()
        found.append(p.detach().numpy())
    tolerance = 1e-2 if row.name == "Muon" else 1e-5
    np.testing.assert_allclose(found[0], found[1], rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_half_precision(row: Any) -> None:
    """It stays half, and gives about what single precision gives."""
    results = []
    for dtype in (penlight.float32, penlight.float16):
        p = penlight.nn.Parameter(penlight.tensor([[0.5, -2.0, 1.0]], dtype=dtype))
        optimizer = row.build(penlight, [p])
        for g in ([1.0, -0.5, 0.25], [0.5, 2.0, 1.0], [-1.0, 0.0, 0.5]):
            p.grad = penlight.tensor([g], dtype=dtype)
            optimizer.step()
        assert p.dtype is dtype
        results.append(p.detach().float().numpy())
    np.testing.assert_allclose(results[0], results[1], rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_empty_parameters(row: Any, shape: tuple[int, ...]) -> None:
    if row.name == "Muon" and len(shape) != 2:
        return
    p = ones(penlight, *shape)
    optimizer = row.build(penlight, [p])
    optimizer.step()
    assert p.shape == shape


@pytest.mark.parametrize("name", ["Adafactor", "Muon", "SparseAdam"])
def test_complex_parameters_are_refused(name: str, lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2, 2, dtype=lib.complex64))
    p.grad = lib.ones(2, 2, dtype=lib.complex64)
    with pytest.raises((RuntimeError, ValueError), match="complex parameters"):
        getattr(lib.optim, name)([p]).step()


# -- single ones ---------------------------------------------------------------------------------


def test_adafactor_keeps_rows_and_columns(lib: Any) -> None:
    p = ones(lib, 5, 4, 3)
    optimizer = lib.optim.Adafactor([p])
    optimizer.step()
    state = optimizer.state[p]
    assert {k: list(v.shape) for k, v in state.items()} == {
        "step": [], "row_var": [5, 4, 1], "col_var": [5, 1, 3],
    }  # fmt: skip


def test_adafactor_of_no_gradient(lib: Any) -> None:
    """The mean of the rows' averages is 0 then, and the limit of it divides."""
    p = lib.nn.Parameter(lib.ones(2, 3))
    p.grad = lib.zeros(2, 3)
    lib.optim.Adafactor([p], lr=0.5, weight_decay=0.5).step()
    assert p.tolist() == [[0.75] * 3] * 2


@pytest.mark.parametrize(
    "shape", [(6, 6), (3, 8), (8, 3), (1, 4), (4, 1), (40, 60), (251, 307)], ids=str
)
def test_orthogonal_matrix_of_muon(shape: tuple[int, int]) -> None:
    """Singular vectors stay, and values come near 1 (not nearer than the coefficients lead)."""
    b = np.random.default_rng(0).standard_normal(shape)
    o = orthogonal(b, (3.4445, -4.775, 2.0315), 5, 1e-7)
    u, s, vt = np.linalg.svd(b, full_matrices=False)
    diagonal = u.T @ o @ vt.T
    np.testing.assert_allclose(diagonal, np.diag(np.diag(diagonal)), atol=1e-10)
    large = s > 0.02 * np.linalg.norm(s)
    assert np.all((np.diag(diagonal)[large] > 0.65) & (np.diag(diagonal)[large] < 1.25))
    exact = orthogonal(b, (1.5, -0.5, 0.0), 60, 1e-7)  # converges
    np.testing.assert_allclose(exact, u @ vt, atol=1e-8)


def test_muon_of_no_gradient(lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2, 3))
    p.grad = lib.zeros(2, 3)
    lib.optim.Muon([p], lr=0.5, weight_decay=0.5).step()
    assert p.tolist() == [[0.75] * 3] * 2


@pytest.mark.parametrize(
    ("options", "match"),
    [({"ns_steps": 100}, "100|steps"), ({"ns_coefficients": (1.0, 2.0)}, "(?i)coefficients")],
)
def test_bad_iterations_of_muon(options: dict[str, Any], match: str, lib: Any) -> None:
    with pytest.raises(ValueError, match=match):
        lib.optim.Muon([ones(lib, 2, 3)], **options).step()


def test_muon_takes_matrices_alone() -> None:
    optimizer = penlight.optim.Muon([ones(penlight, 2, 3)])
    with pytest.raises(ValueError, match=r"matrices, got a parameter of shape \[3\]"):
        optimizer.add_param_group({"params": ones(penlight, 3)})
    assert len(optimizer.param_groups) == 1


def test_sparse_adam_leaves_other_rows_alone() -> None:
    """Their averages neither move them nor fade; Adam's do both."""
    p = parameter(penlight, np.ones((3, 2), np.float32))
    optimizer = penlight.optim.SparseAdam([p], lr=0.25)
    p.grad = penlight.ones(3, 2)
    optimizer.step()
    before, average = values([p])[0].copy(), optimizer.state[p]["exp_avg"].tolist()
    p.grad = penlight.tensor([[0.0, 0.0], [0.0, 1.0], [NAN, 0.0]])
    optimizer.step()
    assert p.tolist()[0] == before.tolist()[0]
    assert optimizer.state[p]["exp_avg"].tolist()[0] == average[0]
    assert p.tolist()[1][0] != before[1, 0]  # a row is used as a whole
    assert np.isnan(p.tolist()[2][0])
    assert optimizer.state[p]["step"] == 2


@pytest.mark.parity
def test_sparse_adam_on_an_embedding(torch: Any) -> None:
    """Dense gradients here, sparse ones there: the same tables."""
    start = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
    batches = np.random.default_rng(1).integers(0, 20, (12, 5))
    tables = []
    for lib in (penlight, torch):
        sparse = {"sparse": True} if lib is torch else {}
        table = lib.nn.Embedding.from_pretrained(lib.from_numpy(start.copy()), False, **sparse)
        optimizer = lib.optim.SparseAdam(table.parameters(), lr=0.1)
        for batch in batches:
            optimizer.zero_grad()
            (table(lib.from_numpy(batch)) ** 2).sum().backward()
            optimizer.step()
        tables.append(table.weight.detach().numpy())
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-5, atol=1e-6)


def test_average_of_asgd(lib: Any) -> None:
    """``ax`` is the parameter, and from one step after t0 on the mean of what followed."""
    p = lib.nn.Parameter(lib.zeros(1))
    optimizer = lib.optim.ASGD([p], lr=0.5, t0=2, lambd=0)
    seen = []
    for t in range(6):
        p.grad = lib.full((1,), float(t + 1))
        optimizer.step()
        seen.append(p.item())
        mean = seen[-1] if t < 3 else sum(seen[3:]) / len(seen[3:])
        assert optimizer.state[p]["ax"].item() == pytest.approx(mean)


# -- hooks, required options ---------------------------------------------------------------------


@pytest.fixture
def global_hooks(lib: Any) -> Iterator[list[Any]]:
    """What hooks of all optimizers saw: who, and when."""
    seen: list[Any] = []
    base = base_of(lib)
    handles = [
        base.register_optimizer_step_pre_hook(
            lambda o, a, k: seen.append(("all, before", type(o)))
        ),
        base.register_optimizer_step_post_hook(
            lambda o, a, k: seen.append(("all, after", type(o)))
        ),
    ]
    yield seen
    for handle in handles:
        handle.remove()
    optimizer = lib.optim.SGD([ones(lib, 1)])
    count = len(seen)
    optimizer.step()
    assert len(seen) == count


def test_hooks_of_all_optimizers(lib: Any, global_hooks: list[Any]) -> None:
    optimizer = lib.optim.SGD([ones(lib, 1)])
    optimizer.register_step_pre_hook(lambda o, a, k: global_hooks.append("own, before"))
    optimizer.register_step_post_hook(lambda o, a, k: global_hooks.append("own, after"))
    optimizer.step()
    kind = lib.optim.SGD
    assert global_hooks == [
        ("all, before", kind), "own, before", "own, after", ("all, after", kind),
    ]  # fmt: skip
    lib.optim.Adam([ones(lib, 1)]).step()
    assert global_hooks[4:] == [("all, before", lib.optim.Adam), ("all, after", lib.optim.Adam)]


def test_required_options(lib: Any) -> None:
    """The default ``required``, which older optimizers use, must be replaced in each group."""
    base = base_of(lib)

    class Plain(lib.optim.Optimizer):  # type: ignore[misc]
        def __init__(self, params: Any, lr: Any = base.required) -> None:
            super().__init__(params, {"lr": lr})

    assert repr(base.required) == "<required parameter>"
    Plain([{"params": ones(lib, 1), "lr": 0.1}])
    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Plain([ones(lib, 1)])


def test_step_in_a_hooked_form(lib: Any) -> None:
    """``profile_hook_step`` makes of a function what ``step`` is."""
    seen: list[int] = []
    optimizer = lib.optim.SGD([ones(lib, 1)])
    optimizer.register_step_post_hook(lambda *_: seen.append(1))
    assert lib.optim.Optimizer.profile_hook_step(lambda self: "done")(optimizer) == "done"
    assert seen == [1]


@pytest.mark.parity
@pytest.mark.parametrize("package", ["optim", "swa_utils"])
def test_no_public_name_is_missing(package: str, torch: Any) -> None:
    elsewhere = {"ipu", "mtia", "xpu", "T_destination", "dump_patches"}  # other devices; typing
    ours, theirs = (
        lib.optim if package == "optim" else lib.optim.swa_utils for lib in (penlight, torch)
    )
    for name in theirs.__all__:
        found, expected = getattr(ours, name), getattr(theirs, name)
        if isinstance(found, type):
            public = {n for n in dir(expected) if not n.startswith("_")}
            assert not public - set(dir(found)) - elsewhere, name
