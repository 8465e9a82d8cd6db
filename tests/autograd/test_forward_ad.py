"""Forward-mode derivatives: dual tensors."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def forward(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.autograd.forward_ad")


def array(t: Any) -> np.ndarray:
    return np.asarray(t.detach())


def test_tangents_of_results(lib: Any) -> None:
    fw, x, v = forward(lib), lib.tensor([1.0, 2.0]), lib.tensor([3.0, -1.0])
    with fw.dual_level():
        d = fw.make_dual(x, v)
        assert fw.unpack_dual(d).tangent.tolist() == [3, -1]
        y = fw.unpack_dual(d * d + lib.ones(2))
        assert isinstance(y, tuple)
        assert y.primal.tolist() == [2, 5]
        assert y.tangent.tolist() == [6, -4]
        assert not y.primal.requires_grad
        assert not y.tangent.requires_grad
        assert lib.equal(fw.unpack_dual(x).primal, x)
        assert fw.unpack_dual(x).tangent is None
        assert fw.unpack_dual(d.detach()).tangent is None
        e = fw.make_dual(lib.tensor([2.0, 2.0]), lib.tensor([1.0, 0.0]))
        assert fw.unpack_dual((d * e).sum()).tangent.item() == 3 * 2 - 2 + 1
    assert fw.unpack_dual(d).tangent is None


def test_nothing_need_be_recorded_outside(lib: Any) -> None:
    fw = forward(lib)
    with lib.no_grad(), fw.dual_level():
        d = fw.make_dual(lib.tensor([0.5]), lib.tensor([2.0]))
        with lib.no_grad():
            y = fw.unpack_dual(d.sin())
    np.testing.assert_allclose(array(y.tangent), [2 * np.cos(0.5)], rtol=1e-6)
    assert (lib.ones(1, requires_grad=True) * 2).requires_grad


def test_tangents_have_gradients(lib: Any) -> None:
    fw, w = forward(lib), lib.tensor([1.0, 2.0], requires_grad=True)
    with fw.dual_level():
        d = fw.make_dual(lib.tensor([3.0, 4.0]), lib.tensor([5.0, 6.0]))
        z = fw.unpack_dual(d * w * w)
        z.tangent.sum().backward()
        assert w.grad.tolist() == [10, 24]
        e = fw.make_dual(w, lib.ones(2))
        w.grad = None
        fw.unpack_dual(e**3).tangent.sum().backward()
        assert w.grad.tolist() == [6, 12]


def test_changes_in_place(lib: Any) -> None:
    fw, x = forward(lib), lib.tensor([1.0, 2.0])
    with fw.dual_level():
        d = fw.make_dual(x, lib.ones(2))
        d.mul_(2)
        assert fw.unpack_dual(d).tangent.tolist() == [2, 2]
        assert x.tolist() == [2, 4]


def test_a_network(lib: Any) -> None:
    fw, model = (
        forward(lib),
        lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2)),
    )
    x, v, h = lib.ones(1, 3), lib.tensor([[1.0, -1.0, 2.0]]), 1e-3
    with fw.dual_level():
        y = fw.unpack_dual(model(fw.make_dual(x, v)))
    expected = (model(x + h * v) - model(x - h * v)) / (2 * h)
    np.testing.assert_allclose(array(y.tangent), array(expected), atol=2e-3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda t, f, x: f.make_dual(x, t.ones(3)), RuntimeError, "different size"),
        (lambda t, f, x: f.make_dual(t.ones(2).long(), x), ValueError, "Expected primal to be floating"),
        (lambda t, f, x: f.make_dual(x, t.ones(2).long()), ValueError, "Expected tangent to be floating"),
        (lambda t, f, x: f.enter_dual_level(), RuntimeError, "Nested forward mode"),
    ],
)  # fmt: skip
def test_errors(lib: Any, call: Any, error: type, text: str) -> None:
    fw = forward(lib)
    with fw.dual_level(), pytest.raises(error, match=text):
        call(lib, fw, lib.ones(2))


def test_errors_outside_of_a_level(lib: Any) -> None:
    fw = forward(lib)
    with pytest.raises(RuntimeError, match="no level exists"):
        fw.make_dual(lib.ones(2), lib.ones(2))
    with pytest.raises(RuntimeError):
        fw.exit_dual_level()
