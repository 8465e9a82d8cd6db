"""The orthogonal parametrization: its three maps, assignment, shapes, gradients."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import penlight

MAPS = ["matrix_exp", "cayley", "householder"]
SIZES = [(3, 3), (5, 2), (2, 5), (1, 4)]


def array(t: Any) -> np.ndarray:
    return t.detach().numpy()


def orthogonal(lib: Any, *args: Any, **kwargs: Any) -> Any:
    module = importlib.import_module(f"{lib.__name__}.nn.utils.parametrizations")
    return module.orthogonal(*args, **kwargs)


def deviation(w: np.ndarray) -> float:
    """How far W^T W (or W W^T) is from the identity."""
    w = np.swapaxes(w, -1, -2) if w.shape[-1] > w.shape[-2] else w
    return float(np.abs(np.swapaxes(w, -1, -2).conj() @ w - np.eye(w.shape[-1])).max())


@pytest.mark.parametrize("trivialized", [True, False])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", MAPS)
def test_the_weight_is_orthogonal_and_stays_so(
    lib: Any, kind: str, size: Any, trivialized: bool
) -> None:
    module = orthogonal(
        lib, lib.nn.Linear(*size), orthogonal_map=kind, use_trivialization=trivialized
    )
    assert deviation(array(module.weight)) < 1e-5
    original = module.parametrizations.weight.original
    sgd = lib.optim.SGD([original], lr=0.5)
    before = array(module.weight).copy()
    target = lib.arange(float(module.weight.numel())).reshape(module.weight.shape)
    for _ in range(3):
        sgd.zero_grad()
        (module.weight * target).sum().backward()
        sgd.step()
    assert deviation(array(module.weight)) < 1e-5
    if size != (3, 3) or kind != "householder":
        assert np.abs(array(module.weight) - before).max() > 1e-3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", MAPS)
def test_an_orthogonal_matrix_can_be_assigned(lib: Any, kind: str, size: Any) -> None:
    module = orthogonal(lib, lib.nn.Linear(*size), orthogonal_map=kind)
    wanted = np.linalg.qr(np.random.default_rng(0).normal(size=(max(size), min(size))))[0]
    wanted = wanted.astype(np.float32).reshape(max(size), min(size))
    wanted = wanted if size[1] >= size[0] else wanted.T
    module.weight = lib.tensor(np.ascontiguousarray(wanted))
    reached = array(module.weight)
    # PyTorch and we make Q of Q R with a positive diagonal, which is the matrix itself
    np.testing.assert_allclose(reached, wanted, atol=1e-5)
    assert list(module.state_dict()) == [
        "bias", "parametrizations.weight.original", "parametrizations.weight.0.base",
    ]  # fmt: skip


def test_householder_without_a_base_can_be_assigned(lib: Any) -> None:
    module = orthogonal(
        lib, lib.nn.Linear(2, 4), orthogonal_map="householder", use_trivialization=False
    )
    wanted = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 2)))[0].astype(np.float32)
    module.weight = lib.tensor(np.ascontiguousarray(wanted))
    np.testing.assert_allclose(array(module.weight), wanted, atol=1e-5)
    for kind in ("matrix_exp", "cayley"):
        module = orthogonal(lib, lib.nn.Linear(2, 4), orthogonal_map=kind, use_trivialization=False)
        with pytest.raises(NotImplementedError, match="use_trivialization=False"):
            module.weight = lib.tensor(wanted)


def test_batches_of_matrices_and_complex_ones(lib: Any) -> None:
    class Holder(lib.nn.Module):
        def __init__(self, weight: Any) -> None:
            super().__init__()
            self.weight = lib.nn.Parameter(weight)

    module = orthogonal(lib, Holder(lib.randn(2, 3, 4)))
    assert deviation(array(module.weight)) < 1e-5
    values = lib.randn(3, 3) + 1j * lib.randn(3, 3)
    module = orthogonal(lib, Holder(values))
    assert deviation(array(module.weight)) < 1e-5
    with pytest.raises(ValueError, match="complex"):
        orthogonal(lib, Holder(values), orthogonal_map="householder")


def test_a_wrong_shape_is_refused(lib: Any) -> None:
    module = orthogonal(lib, lib.nn.Linear(3, 4))
    with pytest.raises(ValueError, match="Expected a matrix or batch of matrices of shape"):
        module.weight = lib.eye(3)


@pytest.mark.parity
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", MAPS)
def test_values_and_gradients_are_pytorchs(torch: Any, kind: str, size: Any) -> None:
    rng = np.random.default_rng(2)
    stored = rng.normal(size=size[::-1])
    if kind == "householder":
        np.fill_diagonal(stored, np.sign(np.diagonal(stored)))
    results = []
    for lib in (penlight, torch):
        module = lib.nn.Linear(*size).double()
        orthogonal(lib, module, orthogonal_map=kind, use_trivialization=False)
        original = module.parametrizations.weight.original
        with lib.no_grad():
            original.copy_(lib.tensor(stored))
        y = module.weight
        (y * lib.arange(float(y.numel()), dtype=lib.float64).reshape(y.shape)).sum().backward()
        results.append([array(y), array(original.grad)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
