"""Names that say or do little: the same answers as PyTorch's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.testing.specs.programs import is_tensor

X = np.float32([[0.3, -0.6], [0.9, 0.1]])
ABOVE = np.float32([[1.3, 2.6], [1.9, 4.1]])
SIGNS = np.array([[True, False], [False, True]])


def inplace(name: str, x: Any, *arguments: Any) -> Any:
    """A copy, changed by the method of that name."""
    return getattr(x.clone(), name)(*arguments)


def questions(x: Any) -> list[Any]:
    """What a plain tensor says of itself."""
    return [
        x.element_size(), x.nbytes, x.ndimension(), x.nelement(), x.get_device(), x.is_conj(), x.is_cpu,
        x.is_distributed(), x.is_ipu, x.is_maia, x.is_meta, x.is_mkldnn, x.is_mps, x.is_mtia, x.is_neg(),
        x.is_nested, x.is_quantized, x.is_sparse, x.is_sparse_csr, x.is_vulkan, x.is_xla, x.is_xpu,
        x.is_shared(), x.is_set_to(x), x.is_set_to(x.clone()), x.is_same_size(x.T), x[0, 0].is_nonzero(),
        x.const_data_ptr() == x.data_ptr(), x.data_ptr() == x.to_dense().data_ptr(),
    ]  # fmt: skip


def settings(t: Any) -> list[Any]:
    """Each setting as it is, changed, and put back."""
    found = [
        t.get_deterministic_debug_mode(), t.are_deterministic_algorithms_enabled(),
        t.is_deterministic_algorithms_warn_only_enabled(), t.get_float32_matmul_precision(),
        t.is_warn_always_enabled(), t.get_default_dtype() == t.float32, str(t.get_default_device()),
        t.is_storage(t.ones(2)), t.typename(t.ones(2, dtype=t.int64)), t.typename("text"),
    ]  # fmt: skip
    t.set_deterministic_debug_mode("warn")
    found += [t.get_deterministic_debug_mode(), t.is_deterministic_algorithms_warn_only_enabled()]
    t.use_deterministic_algorithms(False)
    t.set_float32_matmul_precision("high")
    found.append(t.get_float32_matmul_precision())
    t.set_float32_matmul_precision("highest")
    t.set_warn_always(True)
    found.append(t.is_warn_always_enabled())
    t.set_warn_always(False)
    t.set_default_device("cpu")
    return found


def linear_functions(t: Any, of: Callable[[np.ndarray], Any]) -> list[Any]:
    def f(x: Any) -> Any:
        return (x.sin() * x).sum()

    x = of(X)
    value, push = t.func.linearize(f, x)
    return [
        *t.func.grad_and_value(f)(x), t.func.jacfwd(t.sin)(x), t.func.jacrev(t.sin)(x), value, push(x),
        t.func.functionalize(f)(x),
    ]  # fmt: skip


def ensembles(t: Any, of: Callable[[np.ndarray], Any]) -> list[Any]:
    models = [t.nn.Sequential(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2)) for _ in range(2)]
    for scale, model in enumerate(models, 1):
        for p in model.parameters():
            p.data.fill_(0.1 * scale)
    params, buffers = t.func.stack_module_state(models)
    changed = t.func.replace_all_batch_norm_modules_(models[0])
    return [*params.values(), *buffers.values(), changed[1].running_mean is None]


CALLS: dict[str, Callable[[Any, Callable[[np.ndarray], Any]], Any]] = {
    "aliases": lambda t, of: [
        of(X).absolute(), of(X).arccos(), of(ABOVE).arccosh(), of(X).arcsin(), of(X).arcsinh(),
        of(X).arctan(), of(X).arctanh(), of(X).fix(), of(X).true_divide(2), of(X).conj_physical(),
        of(X).resolve_neg(), t.resolve_neg(of(X)), t.conj_physical(of(X)), t.is_conj(of(X)),
        t.is_nonzero(of(X)[0, 0]), of(X).cfloat(), of(X).cdouble(), of(X).view_as(of(ABOVE)),
        of(X).reshape_as(of(ABOVE)[:1].T.expand(2, 2)),
    ],
    "in place": lambda t, of: [
        inplace("arccosh_", of(ABOVE)), inplace("arcsinh_", of(X)), inplace("arctanh_", of(X)),
        inplace("arctan2_", of(X), of(ABOVE)), inplace("negative_", of(X)),
        inplace("divide_", of(X), 2.0), inplace("multiply_", of(X), 3.0),
        inplace("true_divide_", of(X), 2.0), inplace("logical_not_", of(SIGNS)),
        inplace("logical_and_", of(SIGNS), of(SIGNS).T), inplace("logical_or_", of(SIGNS), of(SIGNS).T),
        inplace("logical_xor_", of(SIGNS), of(SIGNS).T), inplace("igamma_", of(ABOVE), of(ABOVE)),
        inplace("igammac_", of(ABOVE), of(ABOVE)),
        inplace("index_reduce_", of(X), 0, of(np.array([1, 1])), of(ABOVE), "amax"),
        inplace("module_load", of(X), of(ABOVE)),
    ],
    "truth": lambda t, of: [of(SIGNS).logical_not(), t.logical_not(of(X))],
    "incomplete gamma": lambda t, of: [
        t.igamma(of(ABOVE), of(ABOVE).T), t.igammac(of(ABOVE), of(ABOVE).T), of(ABOVE).igamma(of(ABOVE)),
        of(ABOVE).igammac(of(ABOVE)),
    ],
    "questions": lambda t, of: questions(of(X)),
    "settings": lambda t, of: settings(t),
    "dtypes": lambda t, of: [
        str(t.promote_types(t.int32, t.float16)), t.can_cast(t.float64, t.int32),
        t.can_cast(t.int32, t.float16),
    ],
    "windows": lambda t, of: [
        make(7, periodic=periodic)
        for make in (t.bartlett_window, t.blackman_window, t.hamming_window, t.hann_window, t.kaiser_window)
        for periodic in (True, False)
    ],
    "products": lambda t, of: t.linalg.multi_dot([of(X), of(ABOVE), of(X)[:, :1]]),
    "linear functions": linear_functions,
    "ensembles": ensembles,
}  # fmt: skip


def answers(t: Any, name: str) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = CALLS[name](t, lambda array: t.from_numpy(array.copy()))
    return [*found] if isinstance(found, (list, tuple)) else [found]


@pytest.mark.parity
@pytest.mark.parametrize("name", CALLS)
def test_answers_are_pytorchs(name: str, torch: Any) -> None:
    ours, theirs = answers(penlight, name), answers(torch, name)
    assert len(ours) == len(theirs)
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        where = f"{name}, answer {i}"
        if is_tensor(b):
            assert str(a.dtype) == str(b.dtype), where
            np.testing.assert_allclose(
                a.detach().resolve_conj().numpy(), b.detach().resolve_conj().numpy(),
                rtol=2e-5, atol=1e-6, err_msg=where,
            )  # fmt: skip
        else:
            assert a == b, where


@pytest.mark.parity
def test_low_rank_factors_give_the_matrix_back(torch: Any) -> None:
    a = np.outer(np.arange(1.0, 6), np.arange(1.0, 4)).astype(np.float32)
    for t in (penlight, torch):
        u, s, v = t.svd_lowrank(t.from_numpy(a), q=2)
        np.testing.assert_allclose((u * s @ v.T).numpy(), a, rtol=1e-4)
