"""Random einsum equations, against NumPy and by their gradients."""

from __future__ import annotations

import string
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import penlight
from penlight.testing import gradcheck

SIZES = {"a": 2, "b": 3, "c": 1, "d": 4, "e": 0}


@st.composite
def equations(draw: Any) -> tuple[str, list[tuple[int, ...]]]:
    """One to three operands; names may repeat, in one operand too, or be broadcast by ``...``."""
    count = draw(st.integers(1, 3))
    letters = "abcd" if draw(st.booleans()) else "abe"
    inputs = ["".join(draw(st.lists(st.sampled_from(letters), max_size=3))) for _ in range(count)]
    shapes = [[SIZES[n] for n in names] for names in inputs]
    dots = draw(st.booleans())
    if dots:
        for i in range(count):
            lead = draw(st.sampled_from([[], [5], [1], [2, 5], [2, 1]]))
            shapes[i] = lead + shapes[i]
            inputs[i] = "..." + inputs[i]
    equation = ",".join(inputs)
    if draw(st.booleans()):
        known = sorted({n for names in inputs for n in names if n != "."})
        kept = [n for n in known if draw(st.booleans())]
        equation += "->" + ("..." if dots else "") + "".join(draw(st.permutations(kept)))
    return equation, [tuple(s) for s in shapes]


def _operands(shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [np.asarray(rng.standard_normal(s)) for s in shapes]


@given(equations())
def test_values_are_numpys(case: Any) -> None:
    equation, shapes = case
    arrays = _operands(shapes)
    y = penlight.einsum(equation, *map(penlight.from_numpy, arrays))
    np.testing.assert_allclose(y.numpy(), np.einsum(equation, *arrays), rtol=1e-9, atol=1e-9)
    assert y.numpy().base is None or y.numpy().flags.writeable


@given(equations())
def test_gradients_are_numerical(case: Any) -> None:
    equation, shapes = case
    xs = [penlight.from_numpy(a).requires_grad_() for a in _operands(shapes)]
    assert gradcheck(lambda *xs: penlight.einsum(equation, *xs), tuple(xs))


@pytest.mark.parity
@given(case=equations())
def test_pytorch_gives_the_same(torch: Any, case: Any) -> None:
    equation, shapes = case
    results = []
    for lib in (penlight, torch):
        xs = [lib.from_numpy(a.copy()).requires_grad_() for a in _operands(shapes)]
        y = lib.einsum(equation, *xs)
        (y * y).sum().backward()
        results.append([y.detach().numpy(), *(x.grad.numpy() for x in xs)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)


def test_sublists_stand_for_letters() -> None:
    a, b = penlight.randn(2, 3), penlight.randn(3, 4)
    assert penlight.einsum(a, [0, 1], b, [1, 2], [0, 2]).allclose(a @ b)
    assert penlight.einsum(a, [..., 0], a, [..., 0]).allclose((a * a).sum(1))
    assert penlight.einsum("ij,jk->ik", [a, b]).allclose(a @ b)


@pytest.mark.parametrize(
    ("equation", "shapes", "match"),
    [
        ("ij", [(2,)], "subscripts"), ("i,i", [(2,)], "operands"), ("i,i", [(2,), (3,)], "broadcast"),
        ("i->j", [(2,)], "output subscript"), ("i->ii", [(2,)], "more than once"), ("i$", [(2, 2)], r"\$"),
    ],
)  # fmt: skip
def test_bad_equations_are_refused(equation: str, shapes: Any, match: str) -> None:
    with pytest.raises(RuntimeError, match=match):
        penlight.einsum(equation, *(penlight.zeros(s) for s in shapes))


def test_what_is_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match="operand 1"):
        penlight.einsum("i,i", penlight.zeros(2), 1.0)
    with pytest.raises(ValueError, match="at least one"):
        penlight.einsum("i")


def test_contraction_of_many_axes() -> None:
    """All letters: batch, summed, free and lonely axes at once."""
    from penlight.kernels.contraction import contract

    rng = np.random.default_rng(0)
    for _ in range(30):
        names = [string.ascii_lowercase[i] for i in rng.permutation(7)]
        a, b = "".join(names[: rng.integers(0, 6)]), "".join(names[rng.integers(0, 5) :])
        sizes = {n: int(rng.integers(1, 4)) for n in names}
        x = rng.standard_normal([sizes[n] for n in a])
        y = rng.standard_normal([sizes[n] for n in b])
        out = "".join(n for n in rng.permutation(sorted({*a, *b})) if rng.random() < 0.5)
        np.testing.assert_allclose(
            contract(x, a, y, b, out), np.einsum(f"{a},{b}->{out}", x, y), rtol=1e-9, atol=1e-9
        )
