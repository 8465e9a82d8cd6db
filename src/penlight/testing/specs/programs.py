"""Rows of the table as programs: a function, and the float64 leaves that it can be differentiated by.

The library is an argument (``torch``): the same program runs under Penlight and under PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight.testing.specs.spec import ModuleSpec, OpSpec, Sample

__all__ = [
    "built", "fill", "flatten", "is_tensor", "leaves", "module_program", "op_program", "run",
    "tensors",
]  # fmt: skip

Program = tuple[Callable[..., tuple[Any, ...]], list[Any]]


def is_tensor(value: Any) -> bool:
    """Whether it is a tensor of either library."""
    return hasattr(value, "requires_grad") and hasattr(value, "detach")


def flatten(value: Any) -> list[Any]:
    """All tensors and numbers in a nested result, in order."""
    if is_tensor(value):
        return [value]
    if isinstance(value, dict):
        return [leaf for k in sorted(value) for leaf in flatten(value[k])]
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in flatten(v)]
    return [value]


def tensors(value: Any) -> list[Any]:
    """All tensors in a nested result, in order."""
    return [v for v in flatten(value) if is_tensor(v)]


def leaves(args: Any, kwargs: Any) -> list[Any]:
    """The arguments that require gradients."""
    return [t for t in tensors((args, list(kwargs.values()))) if t.requires_grad]


def op_program(torch: Any, spec: OpSpec, sample: Sample) -> Program:
    """The call of an op as a function of its differentiable arguments, changed in place."""
    args, kwargs = sample.bind(torch, dtype="float64")

    def function(*_: Any) -> tuple[Any, ...]:
        torch.manual_seed(0)
        return tuple(tensors(spec.call(torch, *args, **kwargs)))

    return function, leaves(args, kwargs)


def module_program(torch: Any, spec: ModuleSpec, sample: Sample, training: bool) -> Program:
    """The call of a module as a function of its inputs and parameters, changed in place."""
    module = built(spec, torch, training).double()
    args, kwargs = sample.bind(torch, dtype="float64")

    def function(*_: Any) -> tuple[Any, ...]:
        return tuple(tensors(run(torch, module, args, kwargs)))

    return function, leaves(args, kwargs) + [p for p in module.parameters() if p.requires_grad]


def built(spec: ModuleSpec, torch: Any, training: bool, seed: int = 0) -> Any:
    """The module, with the same numbers in either library."""
    return fill(spec.build(torch), seed).train(training)


def fill(module: Any, seed: int = 0) -> Any:
    """Give a module of either library the same numbers, drawn in the order of its state dict."""
    rng = np.random.default_rng(seed)
    for name, t in module.state_dict().items():
        if not is_tensor(t) or not t.dtype.is_floating_point:
            continue  # counters and other state stay as they were built
        values = rng.standard_normal(tuple(t.shape)) / 2
        t.numpy()[...] = np.abs(values) + 0.5 if "var" in name else values
    return module


def run(torch: Any, module: Any, args: Any, kwargs: Any) -> Any:
    """Call on clones of the inputs, so that modules that work in place may be tested on leaves."""
    torch.manual_seed(0)
    return module(*_clones(args), **{k: _clones(v) for k, v in kwargs.items()})


def _clones(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_clones(v) for v in value)
    return value.clone() if is_tensor(value) else value
