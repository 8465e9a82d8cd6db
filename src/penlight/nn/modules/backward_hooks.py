"""How a module's backward hooks learn of the gradients that enter and leave it.

The module's inputs and outputs pass through ``Boundary``, an identity whose node stands in the graph
only to call back when the gradients cross it. (A hook on an input tensor itself would see the sum of
the gradients from everything that uses the tensor, not this module's part.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.grad_mode import is_grad_enabled
from penlight.autograd.op import Op, mark_view

__all__ = ["BackwardHooks"]

Gradients = tuple[Any, ...]


class Boundary(Op):
    """y_i = x_i, sharing memory; dx = ``callback(dy)``."""

    materialize = False

    @staticmethod
    def forward(ctx: Any, callback: Callable[[Gradients], Gradients], *xs: Any) -> Any:
        ctx.callback = callback
        return tuple(x.view() for x in xs)

    @staticmethod
    def backward(ctx: Any, *dy: Any) -> Any:
        kind = TensorBase._result_type
        gradients = tuple(
            g if g is None or isinstance(g, TensorBase) else wrap(kind, g) for g in dy
        )
        results = ctx.callback(gradients)
        if not is_grad_enabled():
            results = tuple(None if g is None else g._array for g in results)
        return (None, *results)


def _through_boundary(
    values: tuple[Any, ...], callback: Callable[[Gradients], Gradients]
) -> tuple[Any, ...] | None:
    """``values`` with the tensors that require gradients passed through one boundary.

    The callback gets and returns one gradient per value, ``None`` for the others. Returns ``None``
    if no gradients are wanted.
    """
    watched = [i for i, v in enumerate(values) if isinstance(v, TensorBase) and v.requires_grad]
    if not watched or not is_grad_enabled():
        return None

    def spread(gradients: Gradients) -> Gradients:
        all_gradients: list[Any] = [None] * len(values)
        for i, g in zip(watched, gradients, strict=True):
            all_gradients[i] = g
        results = callback(tuple(all_gradients))
        return tuple(results[i] for i in watched)

    passed = list(values)
    inputs = [values[i] for i in watched]
    for i, x, y in zip(watched, inputs, Boundary.apply(spread, *inputs), strict=True):
        mark_view(y, x, None, "passed a module's backward hook")
        passed[i] = y
    return tuple(passed)


class BackwardHooks:
    """The backward hooks of one call of a module."""

    def __init__(
        self, module: Any, hooks: list[Callable[..., Any]], pre_hooks: list[Callable[..., Any]]
    ) -> None:
        self.module, self.hooks, self.pre_hooks = module, hooks, pre_hooks
        self.grad_outputs: Gradients | None = None
        self.number_of_inputs = 0
        self.inputs_watched = False

    def watch_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments to call ``forward`` with."""
        self.number_of_inputs = len(args)
        passed = _through_boundary(args, self.leave)
        self.inputs_watched = passed is not None
        return args if passed is None else passed

    def watch_outputs(self, output: Any) -> Any:
        """The output to give to the caller."""
        outputs = output if isinstance(output, tuple) else (output,)
        passed = _through_boundary(outputs, self.enter)
        if passed is None:
            return output
        return passed if isinstance(output, tuple) else passed[0]

    def enter(self, grad_outputs: Gradients) -> Gradients:
        """Gradients arrive at the outputs."""
        for hook in self.pre_hooks:
            result = hook(self.module, grad_outputs)
            grad_outputs = _replaced(grad_outputs, result, "Backward pre hook", "grad_output")
        self.grad_outputs = grad_outputs
        if not self.inputs_watched:
            nothing = (None,) * self.number_of_inputs
            for hook in self.hooks:
                result = hook(self.module, nothing, grad_outputs)
                given = result if isinstance(result, tuple) else (result,)
                if any(g is not None for g in given):
                    raise RuntimeError(
                        "Backward hook for Modules where no input requires gradient should always "
                        "return None or None for all gradients."
                    )
            self.grad_outputs = None
        return grad_outputs

    def leave(self, grad_inputs: Gradients) -> Gradients:
        """Gradients leave for the inputs, unless the outputs' never came: then hooks stay silent."""
        if self.grad_outputs is None:
            return grad_inputs
        for hook in self.hooks:
            result = hook(self.module, grad_inputs, self.grad_outputs)
            grad_inputs = _replaced(grad_inputs, result, "Backward hook", "grad_input")
        self.grad_outputs = None
        return grad_inputs


def _replaced(gradients: Gradients, result: Any, owner: str, name: str) -> Gradients:
    """The gradients that a hook returned, or the present ones if it returned nothing."""
    if result is None:
        return gradients
    given: Gradients = result if isinstance(result, tuple) else (result,)
    if len(given) != len(gradients):
        raise RuntimeError(
            f"{owner} returned an invalid number of {name}, got {len(given)}, but expected "
            f"{len(gradients)}"
        )
    return given
