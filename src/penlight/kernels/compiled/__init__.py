"""Twins of kernels, as plain loops that Numba compiles: the same names, arguments and results.

The NumPy kernels are the reference. A twin takes contiguous arrays of float32 or float64, and hands
everything else to its original. Importing this package imports Numba; ``penlight.backends.numba`` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from penlight.kernels import (
    activations as plain_activations,
    norms as plain_norms,
    pointwise as plain_pointwise,
    pooling as plain_pooling,
    pooling_places,
    scatter as plain_scatter,
    special,
    updates as plain_updates,
)
from penlight.kernels.compiled import (
    activations,
    depthwise,
    exponentials,
    norms,
    pointwise,
    pooling,
    recurrent,
    scatter,
    updates,
    winograd,
)
from penlight.kernels.conv import costs, dispatch, winograd as plain_winograd
from penlight.kernels.recurrent import lstm

__all__ = ["ORIGINALS", "TWINS", "put_back", "put_in"]

# which function of which module is replaced by which
TWINS: list[tuple[ModuleType, str, Callable[..., Any]]] = [
    (plain_pooling, "max_pool", pooling.max_pool),
    (pooling_places, "scatter_at", pooling.scatter_at),
    (plain_pooling, "sum_pool", pooling.sum_pool),
    (plain_pooling, "spread_windows", pooling.spread_windows),
    (plain_norms, "affine", norms.affine),
    (plain_norms, "batch_norm", norms.batch_norm),
    (plain_norms, "batch_norm_backward", norms.batch_norm_backward),
    (plain_norms, "row_norm", norms.row_norm),
    (plain_norms, "row_norm_backward", norms.row_norm_backward),
    (plain_norms, "group_norm_backward", norms.group_norm_backward),
    (plain_activations, "gelu", activations.gelu),
    (plain_activations, "gelu_gradient", activations.gelu_gradient),
    (plain_activations, "gelu_tanh", activations.gelu_tanh),
    (plain_activations, "gelu_tanh_gradient", activations.gelu_tanh_gradient),
    (plain_activations, "sigmoid_gradient", activations.sigmoid_gradient),
    (plain_activations, "silu", activations.silu),
    (plain_activations, "silu_gradient", activations.silu_gradient),
    (plain_activations, "tanh_gradient", activations.tanh_gradient),
    (plain_pointwise, "gated", pointwise.gated),
    (plain_pointwise, "logistic", exponentials.logistic),
    (plain_scatter, "add_rows", scatter.add_rows),
    (lstm, "factors", recurrent.factors),
    (lstm, "pass_gates", recurrent.pass_gates),
    (plain_updates, "adam", updates.adam),
    (plain_updates, "momentum", updates.momentum),
    (special, "normal_cdf", exponentials.normal_cdf),
    (dispatch, "forward", depthwise.forward),
    (dispatch, "input_grad", depthwise.input_grad),
    (dispatch, "weight_grad", depthwise.weight_grad),
    (plain_winograd, "forward", winograd.forward),
    (plain_winograd, "weight_grad", winograd.weight_grad),
]
ORIGINALS = [getattr(module, name) for module, name, _ in TWINS]


def put_in() -> None:
    """Let every module of the package that holds an original hold its twin."""
    costs.compile_transforms(True)
    _exchange({original: twin for original, (*_, twin) in zip(ORIGINALS, TWINS, strict=True)})


def put_back() -> None:
    """The inverse of :func:`put_in`."""
    costs.compile_transforms(False)
    _exchange({twin: original for original, (*_, twin) in zip(ORIGINALS, TWINS, strict=True)})


def _exchange(others: dict[Any, Any]) -> None:
    """Names may have been imported from a kernel's module, so all modules are looked through."""
    for module in _modules():
        for name, value in list(vars(module).items()):
            if type(value) is FunctionType and value in others:
                setattr(module, name, others[value])


def _modules() -> Iterator[ModuleType]:
    """The package's modules but these, which call the originals."""
    for name, module in list(sys.modules.items()):
        if name.startswith("penlight.") and not name.startswith(__name__):
            yield module
