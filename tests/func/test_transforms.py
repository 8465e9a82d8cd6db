"""``grad``, ``vjp``, ``jvp``, Jacobians and Hessians as functions, nested and batched, against PyTorch's."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import penlight

# PyTorch's forward mode imports what warns
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 3)).astype(np.float32)
MANY = RNG.normal(size=(4, 3)).astype(np.float32)
W = RNG.normal(size=(3, 3)).astype(np.float32)


def func(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.func")


def leaves(tree: Any) -> list[np.ndarray]:
    if isinstance(tree, dict):
        return [leaf for k in tree for leaf in leaves(tree[k])]
    if isinstance(tree, (list, tuple)):
        return [leaf for part in tree for leaf in leaves(part)]
    return [np.asarray(tree.detach() + 0)]  # PyTorch has zeros that are no arrays


# each a function of tensors that returns tensors
FUNCTIONS = {
    "scalar": lambda t, a, b: (t.sin(a) * b**2).sum(),
    "vector": lambda t, a, b: t.stack([a[0] * b[1], t.exp(a[2]) * b[0]]),
    "matrix": lambda t, a, b: t.outer(a, b.tanh()) @ t.outer(b, a),
    "tree": lambda t, a, b: {"p": (a * b).sin(), "q": [a.sum() * b[0], b]},
    "linear": lambda t, a, b: t.nn.functional.linear(a, t.tensor(W), b).relu(),
    "softmax": lambda t, a, b: t.nn.functional.log_softmax(a * b, 0),
    "norm": lambda t, a, b: t.nn.functional.layer_norm(a, (3,), b),
    "choice": lambda t, a, b: t.where(a > 0, a * b, a.exp()).cumsum(0),
    "sorted": lambda t, a, b: a.sort().values * b.max(),
    "index": lambda t, a, b: a[t.tensor([2, 0])].prod() * b[[1]],
    "inplace": lambda t, a, b: (a * 1).mul_(b).sin_().add_(a),
    "constant": lambda t, a, b: a * 0 + t.ones(3),
    "unused": lambda t, a, b: b.sin(),
}
# what to do with them: (func, t, f) -> a nest of tensors
PROGRAMS = {
    "vjp": lambda F, t, f: [
        F.vjp(f, t.tensor(A), t.tensor(B))[0],
        F.vjp(f, t.tensor(A), t.tensor(B))[1](like(t, f(t.tensor(A), t.tensor(B)))),
    ],
    "jvp": lambda F, t, f: F.jvp(f, (t.tensor(A), t.tensor(B)), (t.tensor(B), t.tensor(A))),
    "linearize": lambda F, t, f: F.linearize(f, t.tensor(A), t.tensor(B))[1](t.tensor(B), t.tensor(A)),
    "jacrev": lambda F, t, f: F.jacrev(f)(t.tensor(A), t.tensor(B)),
    "jacrev of both": lambda F, t, f: F.jacrev(f, (1, 0))(t.tensor(A), t.tensor(B)),
    "jacrev in chunks": lambda F, t, f: F.jacrev(f, 1, chunk_size=2)(t.tensor(A), t.tensor(B)),
    "jacfwd": lambda F, t, f: F.jacfwd(f)(t.tensor(A), t.tensor(B)),
    "jacfwd of both": lambda F, t, f: F.jacfwd(f, (0, 1))(t.tensor(A), t.tensor(B)),
    "jacfwd of jacrev": lambda F, t, f: F.jacfwd(F.jacrev(f, 1))(t.tensor(A), t.tensor(B)),
    "jacrev of jacfwd": lambda F, t, f: F.jacrev(F.jacfwd(f), 1)(t.tensor(A), t.tensor(B)),
    "jacrev of jacrev": lambda F, t, f: F.jacrev(F.jacrev(f), 0)(t.tensor(A), t.tensor(B)),
    "jacfwd of jacfwd": lambda F, t, f: F.jacfwd(F.jacfwd(f, 1), 1)(t.tensor(A), t.tensor(B)),
    "hessian": lambda F, t, f: F.hessian(f, (0, 1))(t.tensor(A), t.tensor(B)),
    "vmap of jacrev": lambda F, t, f: F.vmap(F.jacrev(f), (0, None))(t.tensor(MANY), t.tensor(B)),
    "vmap of jacfwd": lambda F, t, f: F.vmap(F.jacfwd(f, 1), (0, None))(t.tensor(MANY), t.tensor(B)),
    "vmap of jvp": lambda F, t, f: F.vmap(
        lambda a: F.jvp(lambda b: f(a, b), (t.tensor(B),), (a,))
    )(t.tensor(MANY)),
    "vmap of hessian": lambda F, t, f: F.vmap(F.hessian(f), (None, 0))(t.tensor(A), t.tensor(MANY)),
    "jacrev of vmap": lambda F, t, f: F.jacrev(F.vmap(f, (0, None)))(t.tensor(MANY), t.tensor(B)),
    "jacfwd of vmap": lambda F, t, f: F.jacfwd(F.vmap(f, (0, None)), 1)(t.tensor(MANY), t.tensor(B)),
    "vmap of vmap of jacrev": lambda F, t, f: F.vmap(
        F.vmap(F.jacrev(f), (0, None)), (None, 0)
    )(t.tensor(MANY), t.tensor(MANY[:2])),
}  # fmt: skip


def like(t: Any, result: Any) -> Any:
    """Cotangents nested as a result is."""
    if isinstance(result, dict):
        return {k: like(t, v) for k, v in result.items()}
    if isinstance(result, (list, tuple)):
        return type(result)(like(t, v) for v in result)
    return t.arange(1.0, result.numel() + 1).reshape(result.shape)


# forward over reverse, PyTorch 2.13's layer norm forgets that the mean moves; reverse over reverse agrees
WRONG_IN_PYTORCH = {("norm", "hessian"), ("norm", "jacfwd of jacrev")}


@pytest.mark.parity
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_parity(function: str, program: str, torch: Any) -> None:
    if (function, program) in WRONG_IN_PYTORCH:
        pytest.skip("PyTorch's result is wrong")
    results = []
    for lib in (torch, penlight):
        f = FUNCTIONS[function]

        def call(a: Any, b: Any, f: Any = f, lib: Any = lib) -> Any:
            return f(lib, a, b)

        try:
            results.append(PROGRAMS[program](func(lib), lib, call))
        except (RuntimeError, NotImplementedError) as error:
            if lib is torch:
                pytest.skip(f"PyTorch: {error}")
            raise
    expected, ours = map(leaves, results)
    assert len(ours) == len(expected)
    for y, z in zip(ours, expected, strict=True):
        assert y.shape == z.shape
        assert y.dtype == z.dtype
        np.testing.assert_allclose(y, z, rtol=2e-4, atol=2e-5)


# -- structure and options -----------------------------------------------------------------------


def test_grad_of_several_arguments_and_nests(lib: Any) -> None:
    F = func(lib)
    a, b = lib.tensor(A), lib.tensor(B)
    f = lambda u, v, k=1: (u * v).sum() * k  # noqa: E731
    assert lib.equal(F.grad(f)(a, b), b)
    assert lib.equal(F.grad(f, argnums=1)(a, b, k=2), 2 * a)
    assert lib.equal(F.grad(f, argnums=-1)(a, b), a)
    both = F.grad(f, argnums=(1, 0))(a, b)
    assert isinstance(both, tuple)
    assert lib.equal(both[0], a)
    assert lib.equal(both[1], b)
    nest = F.grad(lambda d: (d["u"] * d["v"][0]).sum())({"u": a, "v": [b, a]})
    assert lib.equal(nest["u"], b)
    assert lib.equal(nest["v"][0], a)
    assert not nest["v"][1].any()


def test_values_and_aux(lib: Any) -> None:
    F = func(lib)
    a = lib.tensor(A)
    f = lambda u: ((u * u).sum(), {"twice": u * 2})  # noqa: E731
    gradient, (value, aux) = F.grad_and_value(f, has_aux=True)(a)
    assert lib.equal(gradient, 2 * a)
    assert lib.equal(value, (a * a).sum())
    assert lib.equal(aux["twice"], 2 * a)
    gradient, aux = F.grad(f, has_aux=True)(a)
    assert lib.equal(gradient, aux["twice"])
    assert F.grad_and_value(lambda u: u.sum())(a)[1].item() == pytest.approx(
        float(A.sum()), abs=1e-5
    )
    value, pull, aux = F.vjp(f, a, has_aux=True)
    assert lib.equal(
        pull(lib.tensor(1.0))[0]
        if isinstance(pull(lib.tensor(1.0)), tuple)
        else pull(lib.tensor(1.0)),
        2 * a,
    )
    assert lib.equal(F.jvp(f, (a,), (a,), has_aux=True)[2]["twice"], 2 * a)
    jacobian, aux = F.jacrev(lambda u: (u * 2, u), has_aux=True)(a)
    assert lib.equal(jacobian, 2 * lib.eye(3))
    assert lib.equal(aux, a)
    jacobian, aux = F.jacfwd(lambda u: (u * 2, u), has_aux=True)(a)
    assert lib.equal(jacobian, 2 * lib.eye(3))


def test_vjp_of_several_arguments(lib: Any) -> None:
    F = func(lib)
    a, b = lib.tensor(A), lib.tensor(B)
    value, pull = F.vjp(lambda u, v: (u * v, u.sum()), a, b)
    assert isinstance(value, tuple)
    du, dv = pull((lib.ones(3), lib.tensor(2.0)))
    assert lib.allclose(du, b + 2)
    assert lib.allclose(dv, a)
    assert lib.equal(pull((lib.ones(3), lib.tensor(2.0)))[0], du)  # again


# -- graphs around transforms ----------------------------------------------------------------------


def test_results_belong_to_no_graph_unless_one_leads_beyond(lib: Any) -> None:
    F = func(lib)
    a = lib.tensor(A)
    for result in (
        F.grad(lambda u: (u**3).sum())(a),
        F.vjp(lambda u: u**2, a)[0],
        F.vjp(lambda u: u**2, a)[1](a),
        F.jvp(lambda u: u**2, (a,), (a,)),
        F.jacrev(lambda u: u**2)(a),
        F.jacfwd(lambda u: u**2)(a),
        F.hessian(lambda u: (u**3).sum())(a),
    ):
        many = result if isinstance(result, tuple) else (result,)
        assert not any(y.requires_grad for y in many)


def test_gradients_can_be_differentiated_outside(lib: Any) -> None:
    F = func(lib)
    a = lib.tensor(A, requires_grad=True)
    w = lib.tensor(2.0, requires_grad=True)
    F.grad(lambda u: (u**3 * w).sum())(a).sum().backward()
    np.testing.assert_allclose(np.asarray(a.grad), 12 * A, rtol=1e-5)
    assert w.grad.item() == pytest.approx(float((3 * A**2).sum()), rel=1e-5)
    w.grad = None
    _, product = F.jvp(lambda u: u**2 * w, (lib.tensor(A),), (lib.tensor(B),))
    product.sum().backward()
    assert w.grad.item() == pytest.approx(float((2 * A * B).sum()), rel=1e-4)
    w.grad = None
    F.jacrev(lambda u: u**2 * w)(lib.tensor(A)).sum().backward()
    assert w.grad.item() == pytest.approx(float((2 * A).sum()), rel=1e-4)


def test_arguments_keep_their_gradients(lib: Any) -> None:
    a = lib.tensor(A, requires_grad=True)
    func(lib).grad(lambda u: (u * u).sum())(a)
    assert a.grad is None


def test_under_no_grad(lib: Any) -> None:
    F = func(lib)
    a = lib.tensor(A, requires_grad=True)
    with lib.no_grad():
        y = F.grad(lambda u: (u**2).sum())(a)
    assert lib.allclose(y, 2 * a)
    assert not y.requires_grad

    def f(u: Any) -> Any:
        with lib.no_grad():
            c = u * 2
        return (u * c).sum()

    assert lib.allclose(F.grad(f)(lib.tensor(A)), 2 * lib.tensor(A))


def test_perturbations_are_not_confused(lib: Any) -> None:
    """d/dx (x d/dy (x + y)) = 1, and not 2."""
    F = func(lib)
    y = F.grad(lambda x: x * F.grad(lambda y: x + y)(lib.tensor(1.0)))(lib.tensor(1.0))
    assert y.item() == 1
    y = F.jvp(
        lambda x: x * F.jvp(lambda y: x * y, (lib.tensor(2.0),), (lib.tensor(1.0),))[1],
        (lib.tensor(3.0),),
        (lib.tensor(1.0),),
    )[1]
    assert y.item() == 6  # d/dx x x


def test_higher_derivatives(lib: Any) -> None:
    F, f = func(lib), lambda x: x**5
    for expected in (5 * 16, 20 * 8, 60 * 4, 120 * 2, 120):
        f = F.grad(f)
        assert f(lib.tensor(2.0)).item() == expected


def test_functionalize_changes_nothing(lib: Any) -> None:
    F = func(lib)

    def f(u: Any) -> Any:
        v = u.clone()
        v.add_(1)
        return v

    assert F.functionalize(f)(lib.zeros(2)).tolist() == [1, 1]
    assert F.functionalize(f, remove="mutations_and_views")(lib.zeros(2)).tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="remove"):
        F.functionalize(f, remove="all")(lib.zeros(2))


# -- errors --------------------------------------------------------------------------------------

ERRORS = [
    (lambda F, t: F.grad(lambda u: u * 2)(t.ones(2)), RuntimeError, "scalar Tensor"),
    (lambda F, t: F.grad(lambda u: 3)(t.ones(2)), RuntimeError, "(?i)expected f.* to return"),
    (lambda F, t: F.grad(lambda u: u.sum(), has_aux=True)(t.ones(2)), RuntimeError, "has_aux"),
    (lambda F, t: F.grad(lambda u: u.sum(), argnums=2)(t.ones(2)), RuntimeError, "argnum=2"),
    (lambda F, t: F.grad(lambda u: u.sum(), argnums=(0, 0))(t.ones(2)), RuntimeError, "unique"),
    (lambda F, t: F.vjp(lambda u: u, t.ones(2))[1](t.ones(3)), RuntimeError, "shape"),
    (lambda F, t: F.vjp(lambda u: u, t.ones(2))[1]((t.ones(2),)), RuntimeError, "structure"),
    (lambda F, t: F.vjp(lambda u: 3, t.ones(2)), RuntimeError, "tensors"),
    (lambda F, t: F.jvp(lambda u: u, t.ones(2), (t.ones(2),)), RuntimeError, "primals to be a tuple"),
    (lambda F, t: F.jvp(lambda u: u, (t.ones(2),), t.ones(2)), RuntimeError, "tangents"),
    (lambda F, t: F.jvp(lambda u: u, (t.ones(2),), (t.ones(3),)), RuntimeError, ""),
    (lambda F, t: F.jvp(lambda u: u, (t.ones(2),), (t.ones(2),) * 2), RuntimeError, "structure"),
    (lambda F, t: F.jacrev(lambda u: u, chunk_size=0)(t.ones(2)), ValueError, "chunk_size"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), ERRORS)
def test_errors(lib: Any, call: Any, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call(func(lib), lib)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_hessian_is_the_jacobian_of_the_jacobian_in_any_mode(function: str) -> None:
    F, a, b = func(penlight), penlight.tensor(A).double(), penlight.tensor(B).double()

    def f(u: Any, v: Any) -> Any:
        return FUNCTIONS[function](penlight, u, v)

    if function == "linear":
        a, b = a.float(), b.float()
    rows = leaves(F.jacrev(F.jacrev(f, (0, 1)), (0, 1))(a, b))
    for other in (F.hessian(f, (0, 1)), F.jacfwd(F.jacfwd(f, (0, 1)), (0, 1)),
                  F.jacrev(F.jacfwd(f, (0, 1)), (0, 1))):  # fmt: skip
        for x, y in zip(rows, leaves(other(a, b)), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-6)
