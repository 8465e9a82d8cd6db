"""Pruning a module's parameter by name, and many parameters at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penlight.nn.utils.convert_parameters import parameters_to_vector
from penlight.nn.utils.prune.base import BasePruningMethod, PruningContainer
from penlight.nn.utils.prune.methods import (
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)
from penlight.tensor import Tensor
from penlight.tensor.creation import ones_like

__all__ = [
    "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
    "random_structured", "random_unstructured", "remove",
]  # fmt: skip


def identity(module: Any, name: str) -> Any:
    """Register a mask of ones for a parameter; see :class:`Identity`.

    Args:
        module: the owner, which is changed and returned.
        name: the parameter's name.
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: float) -> Any:
    """Prune elements of a parameter at random; see :class:`RandomUnstructured`.

    Args:
        module: the owner, which is changed and returned.
        name: the parameter's name.
        amount: how many elements, or which share of them as a float between 0 and 1.
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: float, importance_scores: Any = None) -> Any:
    """Prune the elements of smallest absolute value; see :class:`L1Unstructured`.

    Args:
        importance_scores: what decides instead of the values, of their shape.
        others: as for :func:`random_unstructured`.
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: float, dim: int) -> Any:
    """Prune slices along ``dim`` at random; see :class:`RandomStructured`.

    Args:
        module: the owner, which is changed and returned.
        name: the parameter's name.
        amount: how many slices, or which share of them as a float between 0 and 1.
        dim: the dimension.
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Any, name: str, amount: float, n: Any, dim: int, importance_scores: Any = None
) -> Any:
    """Prune the slices along ``dim`` of smallest norm; see :class:`LnStructured`.

    Args:
        n: the order of the norm.
        importance_scores: what decides instead of the values, of their shape.
        others: as for :func:`random_structured`.
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune a parameter by a given mask; see :class:`CustomFromMask`."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Any, pruning_method: type, importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prune several parameters as if they were one vector.

    Args:
        parameters: pairs (module, name).
        pruning_method: a class whose ``PRUNING_TYPE`` is ``"unstructured"``.
        importance_scores: a dict from pairs to what decides instead of the values.
        kwargs: for the class, such as ``amount``.

    Raises:
        TypeError: if an argument has the wrong type, or the method prunes slices.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = [(module, name) for module, name in parameters]
    present = [getattr(module, name) for module, name in pairs]
    masks = [
        getattr(module, f"{name}_mask", ones_like(tensor))
        for (module, name), tensor in zip(pairs, present, strict=True)
    ]
    deciding = [scores.get(pair, tensor) for pair, tensor in zip(pairs, present, strict=True)]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    container = PruningContainer()
    container._tensor_name = method._tensor_name = "temp"
    container.add_pruning_method(method)
    mask = container.compute_mask(
        parameters_to_vector(deciding).detach(), parameters_to_vector(masks)
    )
    start = 0
    for (module, name), tensor in zip(pairs, present, strict=True):
        end = start + tensor.numel()
        custom_from_mask(module, name, mask[start:end].reshape(tensor.shape))
        start = end


def remove(module: Any, name: str) -> Any:
    """Make the pruned values an ordinary parameter; what was pruned stays zero.

    Raises:
        ValueError: if the parameter is not pruned.
    """
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(
        f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
    )


def is_pruned(module: Any) -> bool:
    """Whether a parameter of ``module``, or of one below it, is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for _, below in module.named_modules()
        for hook in below._forward_pre_hooks.values()
    )
