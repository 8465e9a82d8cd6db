"""Jacobians, Hessians and their products, against what they are by hand and in PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

import penlight


def tensor(lib: Any, values: Any, **options: Any) -> Any:
    return lib.tensor(values, dtype=lib.float64, **options)


def listed(value: Any) -> Any:
    return tuple(map(listed, value)) if isinstance(value, tuple) else value.tolist()


def test_jacobian_of_one_input_and_output(lib: Any) -> None:
    jacobian = lib.autograd.functional.jacobian
    x = tensor(lib, [[1.0, 2.0], [3.0, 4.0]])
    j = jacobian(lambda x: (x * x).sum(1), x)
    assert j.shape == (2, 2, 2)
    assert j.tolist() == [[[2.0, 4.0], [0.0, 0.0]], [[0.0, 0.0], [6.0, 8.0]]]
    assert jacobian(lambda x: (x * x).sum(), x).tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert jacobian(lambda x: (x * x).sum(1), x, vectorize=True).tolist() == j.tolist()
    assert x.grad is None
    assert not x.requires_grad
    assert not j.requires_grad


def test_jacobian_of_several(lib: Any) -> None:
    jacobian = lib.autograd.functional.jacobian
    x, y = tensor(lib, [1.0, 2.0]), tensor(lib, [5.0])
    assert listed(jacobian(lambda x, y: x * y, (x, y))) == (
        [[5.0, 0.0], [0.0, 5.0]], [[1.0], [2.0]],
    )  # fmt: skip
    assert listed(jacobian(lambda x, y: (x * 2, y.sum()), (x, y))) == (
        ([[2.0, 0.0], [0.0, 2.0]], [[0.0], [0.0]]), ([0.0, 0.0], [1.0]),
    )  # fmt: skip
    assert listed(jacobian(lambda x: (x.sum(),), x)) == ([1.0, 1.0],)
    assert listed(jacobian(lambda x: x.sum(), (x,))) == ([1.0, 1.0],)


def test_jacobian_in_a_graph(lib: Any) -> None:
    jacobian = lib.autograd.functional.jacobian
    x = tensor(lib, [1.0, 2.0], requires_grad=True)
    j = jacobian(lambda x: x**3, x, create_graph=True)
    (g,) = lib.autograd.grad(j.sum(), x)
    assert g.tolist() == [6.0, 12.0]
    assert x.grad is None
    assert not jacobian(lambda x: x**3, x).requires_grad
    with lib.no_grad():
        assert jacobian(lambda x: x * 2, x).tolist() == [[2.0, 0.0], [0.0, 2.0]]


def test_empty_jacobian() -> None:
    x = tensor(penlight, [1.0, 2.0])
    assert penlight.autograd.functional.jacobian(lambda x: x[:0], x).shape == (0, 2)


def test_strict(lib: Any) -> None:
    f = lib.autograd.functional
    x, y = tensor(lib, [1.0, 2.0]), tensor(lib, [5.0])
    constant = tensor(lib, [1.0, 2.0])
    assert f.jacobian(lambda x: constant, x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="strict mode"):
        f.jacobian(lambda x: constant, x, strict=True)
    with pytest.raises(RuntimeError, match="independent of input 1"):
        f.jacobian(lambda x, y: x * 1, (x, y), strict=True)
    with pytest.raises(RuntimeError, match="independent of input 0"):
        f.jacobian(lambda x: x * 2, x, strict=True, create_graph=True)
    with pytest.raises(RuntimeError, match="strict=True"):
        f.jacobian(lambda x: x * 2, x, strict=True, vectorize=True)
    with pytest.raises(RuntimeError, match="strict mode"):
        f.hessian(lambda x: x.sum(), x, strict=True)
    assert f.hessian(lambda x: x.sum(), x).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_hessian(lib: Any) -> None:
    hessian = lib.autograd.functional.hessian
    x, y = tensor(lib, [1.0, 2.0]), tensor(lib, [3.0])
    assert hessian(lambda x: (x**3).sum(), x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    assert listed(hessian(lambda x, y: (x * x * y).sum(), (x, y))) == (
        ([[6.0, 0.0], [0.0, 6.0]], [[2.0], [4.0]]), ([[2.0, 4.0]], [[0.0]]),
    )  # fmt: skip
    assert hessian(lambda x: (x**3).sum().reshape(1, 1), x).shape == (2, 2)
    assert hessian(lambda x: (x**3).sum(), x, create_graph=True).requires_grad
    assert listed(hessian(lambda x: (x**3).sum(), (x,), vectorize=True)) == (
        ([[6.0, 0.0], [0.0, 12.0]],),
    )
    for bad in (lambda x: x**3, lambda x: (x.sum(),)):
        with pytest.raises(RuntimeError, match="single"):
            hessian(bad, x)


NAMES = ["vjp", "jvp", "vhp", "hvp"]


def cube(name: str) -> Any:
    return (lambda x: x**3) if name in ("vjp", "jvp") else (lambda x: (x**3).sum())


@pytest.mark.parametrize("name", NAMES)
def test_products(lib: Any, name: str) -> None:
    product = getattr(lib.autograd.functional, name)
    x, v = tensor(lib, [1.0, 2.0]), tensor(lib, [1.0, -1.0])
    output, result = product(cube(name), x, v)
    expected = [3.0, -12.0] if name in ("vjp", "jvp") else [6.0, -12.0]
    assert output.tolist() == cube(name)(x).tolist()
    assert result.tolist() == expected
    assert not output.requires_grad
    assert not result.requires_grad
    _, (inside,) = product(cube(name), (x,), (v,)) if name != "jvp" else (0, (result,))
    assert inside.tolist() == expected
    output, result = product(cube(name), x, v, create_graph=True)
    assert output.requires_grad
    assert result.requires_grad


@pytest.mark.parametrize("name", NAMES)
def test_products_of_several(lib: Any, name: str) -> None:
    product = getattr(lib.autograd.functional, name)
    x, y = tensor(lib, [1.0, 2.0]), tensor(lib, [3.0])
    v, w = tensor(lib, [1.0, -1.0]), tensor(lib, [2.0])
    if name in ("vjp", "jvp"):
        _, result = product(lambda x, y: (x * y, y * 3), (x, y), (v, w))
        assert listed(result) == (
            ([3.0, -3.0], [1.0 - 2.0 + 6.0]) if name == "vjp" else ([5.0, 1.0], [6.0])
        )
    else:
        _, result = product(lambda x, y: (x * x * y).sum(), (x, y), (v, w))
        assert listed(result) == ([6.0 + 4.0, -6.0 + 8.0], [2.0 - 4.0])


@pytest.mark.parametrize("name", NAMES)
def test_vectors_must_fit(lib: Any, name: str) -> None:
    product = getattr(lib.autograd.functional, name)
    x, v = tensor(lib, [1.0, 2.0]), tensor(lib, [1.0, -1.0])
    for bad in (None, tensor(lib, [1.0]), (v, v)):
        with pytest.raises(RuntimeError):
            product(cube(name), x, bad)
    one = tensor(lib, [2.0])
    _, result = product(lambda x: (x**3).sum(), one)  # a single element needs no vector
    assert result.tolist() == ([12.0] if name == "vjp" else 12.0 if name == "jvp" else [12.0])


@pytest.mark.parametrize("name", NAMES)
def test_products_of_constants(lib: Any, name: str) -> None:
    product = getattr(lib.autograd.functional, name)
    x, v = tensor(lib, [1.0, 2.0]), tensor(lib, [1.0, -1.0])
    v = tensor(lib, 1.0) if name == "vjp" else v
    _, result = product(lambda x: tensor(lib, 2.0), x, v)
    assert not result.any()
    with pytest.raises(RuntimeError, match="strict mode"):
        product(lambda x: tensor(lib, 2.0), x, v, strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_of_products(lib: Any, name: str) -> None:
    product = getattr(lib.autograd.functional, name)
    x = tensor(lib, [1.0, 2.0], requires_grad=True)
    v = tensor(lib, [1.0, -1.0], requires_grad=True)
    f = (lambda x: x**3) if name in ("vjp", "jvp") else (lambda x: (x**4).sum())
    _, result = product(f, x, v, create_graph=True)
    dx, dv = lib.autograd.grad(result.sum(), (x, v))
    if name in ("vjp", "jvp"):
        assert (dx.tolist(), dv.tolist()) == ([6.0, -12.0], [3.0, 12.0])
    else:
        assert (dx.tolist(), dv.tolist()) == ([24.0, -48.0], [12.0, 48.0])
    assert x.grad is None


@pytest.mark.parametrize("name", [*NAMES, "jacobian", "hessian"])
def test_arguments_must_be_tensors(lib: Any, name: str) -> None:
    f = getattr(lib.autograd.functional, name)
    with pytest.raises(TypeError, match="Tensor"):
        f(lambda x: x, 3)
    with pytest.raises(TypeError, match="Tensor"):
        f(lambda x: x, [tensor(lib, [1.0])])
    for bad in (lambda x: 3, lambda x: [x]):
        with pytest.raises(TypeError, match="Tensor"):
            f(bad, tensor(lib, [1.0]))
