"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penlight.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from penlight.nn.modules.container import ModuleList
from penlight.nn.modules.module import Module
from penlight.nn.utils.stateless import call_with
from penlight.ops.joining import stack
from penlight.tensor import Tensor

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with other parameters and buffers than its own.

    What the call assigns to the names given, such as running statistics, is found in the dictionary.

    Args:
        module: it has its own parameters and buffers again afterwards.
        parameter_and_buffer_dicts: tensors by their paths, as in ``state_dict``; in one dictionary or
            several. The others are the module's own.
        args: a tuple of arguments, or one that is no tuple.
        kwargs: keyword arguments.
        tie_weights: replace all names of a parameter that has several. Default: True.
        strict: refuse names that are missing or that the module does not have. Default: False.

    Raises:
        ValueError: if a name is given twice.
        TypeError: if a value is no tensor.
        RuntimeError: with ``strict``.

    Example:
        >>> params = dict(model.named_parameters())
        >>> grad(lambda p: functional_call(model, p, (x,)).sum())(params)
    """
    given: Any = parameter_and_buffer_dicts
    if isinstance(given, dict):
        tensors: dict[str, Any] = given
    elif isinstance(given, (list, tuple)):
        if not all(isinstance(d, dict) for d in given):
            raise ValueError(
                "Expected all elements of parameter_and_buffer_dicts to be dictionaries"
            )
        names = [name for d in given for name in d]
        repeated = sorted({n for n in names if names.count(n) > 1})
        if repeated:
            raise ValueError(
                f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous"
            )
        tensors = {name: value for d in given for name, value in d.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    return call_with(module, tensors, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(
    models: Sequence[Module] | ModuleList,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models of one kind, those of a name stacked.

    With ``vmap`` over the first dimension an ensemble runs as one model.

    Returns:
        Two dictionaries; the stacked parameters are new leaves.

    Raises:
        RuntimeError: if there are no models, or they differ in class or mode.

    Example:
        >>> params, buffers = stack_module_state(models)
        >>> vmap(lambda p, b, x: functional_call(models[0], (p, b), (x,)), (0, 0, None))(params, buffers, x)
    """
    members: list[Any] = list(models)
    if not members:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(m.training != members[0].training for m in members):
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if any(type(m) is not type(members[0]) for m in members):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    parameters = _stacked([dict(m.named_parameters()) for m in members])
    return parameters, _stacked([dict(m.named_buffers()) for m in members])


def _stacked(tables: list[dict[str, Any]]) -> dict[str, Any]:
    stacked = {}
    for name in tables[0]:
        column = [table[name] for table in tables]
        wanted = [x.requires_grad for x in column]
        if len(set(wanted)) > 1:
            raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
        stacked[name] = stack([x.detach() for x in column]).requires_grad_(wanted[0])
    return stacked


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let all batch norms in ``root`` use the batch's own statistics and keep none, so that ``vmap``
    meets no change in place of what all samples share. In place; returns ``root``.
    """
    for module in root.modules():
        if isinstance(module, (BatchNorm1d, BatchNorm2d, BatchNorm3d)):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
