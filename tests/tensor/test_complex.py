"""Complex tensors: values, and gradients by PyTorch's convention dL/dx + i dL/dy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight

UNARY = {
    name: (lambda t, z, name=name: getattr(t, name)(z))
    for name in (
        "neg", "reciprocal", "square", "exp", "log", "sqrt", "rsqrt", "sin", "cos", "tan", "sinh",
        "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "abs", "angle", "conj",
        "sgn", "exp2", "expm1", "log2", "log10", "log1p", "sigmoid", "view_as_real", "real", "imag",
        "sinc",
    )
}  # fmt: skip
OTHERS: dict[str, Any] = {
    "add": lambda t, z, w, r: z + w * 2 + r,
    "sub": lambda t, z, w, r: r - z - w,
    "mul": lambda t, z, w, r: z * w * r * 3j,
    "div": lambda t, z, w, r: z / w + r / z + z / 2,
    "pow": lambda t, z, w, r: z**2 + z**3 + z**1.5 + w**z + r.abs() ** z + z**r,
    "sums": lambda t, z, w, r: z.sum(0) * w.mean() + z.cumsum(1)[0],
    "prod": lambda t, z, w, r: z.prod(1) + z.cumprod(0)[0, :2],
    "matmul": lambda t, z, w, r: z @ w.T + z.mm(w.mH) + (z @ w[0])[:, None] + z[0].dot(w[1]),
    "mixed": lambda t, z, w, r: t.mm(z, t.complex(r, r * 2).T),
    "vdot": lambda t, z, w, r: t.vdot(z[0], w[0]) + t.linalg.vecdot(z, w).sum(),
    "einsum": lambda t, z, w, r: t.einsum("ij,kj->ik", z, w) + t.einsum("ij,ij->i", z, w),
    "norms": lambda t, z, w, r: t.linalg.vector_norm(z) + t.linalg.vector_norm(w, 1) + t.linalg.vector_norm(z, 3, 1),
    "var": lambda t, z, w, r: t.var(z, 1) + t.std(w),
    "parts": lambda t, z, w, r: t.polar(z.abs(), w.angle()) * t.complex(z.real, w.imag),
    "views": lambda t, z, w, r: t.view_as_complex(t.view_as_real(z).flip(0).contiguous()) * w,
    "where": lambda t, z, w, r: t.where(r > 0, z, w) + z.masked_fill(r > 0, 2j),
    "index": lambda t, z, w, r: z[[0, 0, 1], [1, 1, 2]] * w[1:, :].conj(),
    "lerp": lambda t, z, w, r: t.lerp(z, w, 0.3) + t.addcmul(z, w, w, value=0.5),
    "scatter": lambda t, z, w, r: z.scatter_add(1, t.tensor([[0, 0, 2]]), w[:1]),
    "in place": lambda t, z, w, r: (z * 1).mul_(w).add_(r).conj_physical_(),
    "linear": lambda t, z, w, r: t.nn.functional.linear(z, w),
    "outer": lambda t, z, w, r: t.outer(z[0], w[0]) + t.kron(z[:1], w[:1].T),
    "to real": lambda t, z, w, r: (z.conj() * z).real + t.view_as_real(w).sum(-1),
    "diagonal": lambda t, z, w, r: z.diagonal().flip(0) * w.tril().triu(-1).sum(0)[:2],
    "nan_to_num": lambda t, z, w, r: t.cat([z, w]).roll(1, 0).repeat(2, 1),
}  # fmt: skip
CASES = {**{k: (lambda t, z, w, r, f=f: f(t, z)) for k, f in UNARY.items()}, **OTHERS}


def _numbers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)

    def draw() -> np.ndarray:
        return rng.standard_normal((2, 3)) * 0.4 + 1j * rng.standard_normal((2, 3)) * 0.4

    return draw() + (1.5 + 0.5j), draw() - 0.3, rng.standard_normal((2, 3))


def _leaves(lib: Any) -> list[Any]:
    return [lib.from_numpy(a.copy()).requires_grad_() for a in _numbers()]


def _loss(lib: Any, case: Any, leaves: list[Any]) -> Any:
    """A real number that depends on all parts of the result."""
    y = case(lib, *leaves)
    if not y.is_complex():
        return (y * y).sum() + y.sum()
    return (y.real * 0.7).sum() + (y.imag * y.real).sum() + (y.imag**2).sum()


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_that_of_the_two_real_parts(name: str) -> None:
    leaves = _leaves(penlight)
    _loss(penlight, CASES[name], leaves).backward()
    eps = 1e-6
    for i, leaf in enumerate(leaves):
        expected = np.zeros(leaf.shape, leaf.numpy(force=True).dtype)
        for place in np.ndindex(*leaf.shape):
            for unit in (1, 1j) if leaf.is_complex() else (1,):
                moved = [leaf.detach().clone() for leaf in leaves]
                moved[i].numpy()[place] += eps * unit
                up = _loss(penlight, CASES[name], moved).item()
                moved[i].numpy()[place] -= 2 * eps * unit
                down = _loss(penlight, CASES[name], moved).item()
                expected[place] += (up - down) / (2 * eps) * unit
        actual = np.zeros_like(expected) if leaf.grad is None else leaf.grad.numpy()
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5, err_msg=f"{name}, {i}")


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_pytorchs(name: str, torch: Any) -> None:
    results = []
    for lib in (penlight, torch):
        leaves = _leaves(lib)
        y = CASES[name](lib, *leaves)
        _loss(lib, CASES[name], leaves).backward()
        results.append([y.detach().resolve_conj().numpy(), *(x.grad for x in leaves)])
    ours, theirs = results
    assert (ours[0].shape, ours[0].dtype) == (theirs[0].shape, theirs[0].dtype)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-10, atol=1e-12)
    for a, b in zip(ours[1:], theirs[1:], strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            np.testing.assert_allclose(a.numpy(), b.resolve_conj().numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", ["mul", "div", "pow", "matmul", "exp", "einsum", "abs", "parts"])
def test_second_order_is_that_of_the_first(name: str) -> None:
    """The gradient of |gradient|^2 by differences of gradients."""
    leaves = _leaves(penlight)

    def squared_gradient(leaves: list[Any]) -> Any:
        grads = penlight.autograd.grad(
            _loss(penlight, CASES[name], leaves), leaves, create_graph=True, materialize_grads=True
        )
        return sum((g.abs() ** 2).sum() for g in grads)

    squared_gradient(leaves).backward()
    eps, place, unit = 1e-6, (1, 2), 1j
    moved = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    values = []
    for step in (eps, -2 * eps):
        moved[0].detach().numpy()[place] += step * unit
        values.append(squared_gradient(moved).item())
    slope = (values[0] - values[1]) / (2 * eps)
    assert leaves[0].grad[place].imag.item() == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_real_and_imaginary_parts_are_views() -> None:
    z = penlight.zeros(3, dtype=penlight.complex64)
    z.real.add_(2)
    z.imag[1] = 5
    assert z.tolist() == [2, 2 + 5j, 2]
    pairs = penlight.view_as_real(z)
    pairs[0, 1] = 7
    assert z[0].item() == 2 + 7j
    penlight.view_as_complex(pairs)[2] = 1j
    assert z[2].item() == 1j
    z.real = penlight.tensor([1.0, 1.0, 1.0])
    z.imag = 0
    assert z.tolist() == [1, 1, 1]
    assert penlight.view_as_real(z[::2]).stride() == (4, 1)
    assert penlight.view_as_real(penlight.tensor(1 + 2j)).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda t: t.imag(t.ones(1)), "non-complex"),
        (lambda t: t.view_as_real(t.ones(1)), "non-complex"),
        (lambda t: t.view_as_complex(t.ones(3)), "size 2"),
        (lambda t: t.view_as_complex(t.ones(2, 2).t()), "stride 1"),
        (lambda t: t.view_as_complex(t.ones(2, dtype=t.int64)), "int64"),
        (lambda t: t.complex(t.ones(1), t.ones(1, dtype=t.float64)), "dtype"),
        (lambda t: t.polar(t.ones(1, dtype=t.int64), t.ones(1, dtype=t.int64)), "float"),
        (lambda t: t.zeros(1).copy_(t.ones(1)).mul_(1j), "can't be cast"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call: Any, match: str) -> None:
    with pytest.raises(RuntimeError, match=match):
        call(penlight)
