"""Memory for time: what a part of a model saves for backward is thrown away and computed again there."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from penlight.autograd import enable_grad, is_grad_enabled, no_grad
from penlight.autograd.graph import saved_tensors_hooks
from penlight.tensor import Tensor
from penlight.tensor.random import fork_rng, get_rng_state, set_rng_state

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential", "noop_context_fn"]


class CheckpointError(RuntimeError):
    """What was computed again is not what was computed first."""


def noop_context_fn() -> tuple[Any, Any]:
    """Contexts that do nothing, for forward and for computing again."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default", debug: bool = False, early_stop: bool = True, **kwargs: Any,
) -> Any:  # fmt: skip
    """``function(*args, **kwargs)``, which saves nothing; backward calls it once more.

    Random numbers are the same in both calls. Running statistics are updated in both, as in PyTorch.

    Args:
        function: what to call, such as a module.
        use_reentrant: of PyTorch's two ways there is one here, which is the newer. ``True`` still gives
            no gradients where no argument requires one.
        context_fn: gives two contexts, one for the first call and one for the second.
        determinism_check: ``"none"``: don't compare what is saved the second time.
        debug, early_stop: accepted.
        kwargs: for ``function``, but for ``preserve_rng_state`` (Default: ``True``).

    Raises:
        CheckpointError: in backward, if the second call saves other tensors than the first.

    Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant is None:
        _ask_for_use_reentrant("checkpoint")
    if use_reentrant in (None, True):
        if kwargs or context_fn is not noop_context_fn:
            names = ",".join(kwargs) or "context_fn"
            raise ValueError(
                f"checkpoint: Unexpected keyword arguments with use_reentrant: {names}"
            )
        if not any(isinstance(x, Tensor) and x.requires_grad for x in args):
            warnings.warn(
                "checkpoint: None of the inputs have requires_grad=True. Gradients will be None",
                UserWarning,
                stacklevel=2,
            )
            with no_grad():
                return function(*args)
    first, second = context_fn()
    if not is_grad_enabled():
        with first:
            return function(*args, **kwargs)
    state = get_rng_state() if preserve else None
    part = _Part(lambda: function(*args, **kwargs), second, state, determinism_check != "none")
    with first, saved_tensors_hooks(part.pack, part.unpack):
        return function(*args, **kwargs)


def _ask_for_use_reentrant(name: str) -> None:
    warnings.warn(
        f"{name}: pass use_reentrant explicitly; use_reentrant=False is recommended",
        UserWarning,
        stacklevel=3,
    )


class _Part:
    """One part of a graph: what it saved is known by number until backward computes it again."""

    def __init__(self, call: Callable[[], Any], context: Any, state: Any, check: bool) -> None:
        self.call, self.context, self.state, self.check = call, context, state, check
        self.forms: list[tuple[Any, Any]] = []
        self.values: dict[int, Tensor] = {}

    def pack(self, x: Tensor) -> int:
        self.forms.append((x.shape, x.dtype))
        return len(self.forms) - 1

    def unpack(self, number: int) -> Tensor:
        if number not in self.values:
            self.compute_again()
        return self.values.pop(number)

    def compute_again(self) -> None:
        again: list[Tensor] = []
        hooks = saved_tensors_hooks(again.append, lambda nothing: again[0])
        with fork_rng(enabled=self.state is not None), enable_grad(), self.context:
            if self.state is not None:
                set_rng_state(self.state)
            with hooks:
                self.call()
        forms = [(x.shape, x.dtype) for x in again]
        if len(forms) != len(self.forms) or (self.check and forms != self.forms):
            raise CheckpointError(
                "checkpoint: the second call saved other tensors than the first: "
                f"{len(forms)} instead of {len(self.forms)}"
                if len(forms) != len(self.forms)
                else "checkpoint: the second call saved tensors of other shapes or dtypes than the first: "
                + next(f"{b} instead of {a}" for a, b in zip(self.forms, forms, strict=True) if a != b)
            )  # fmt: skip
        self.values = dict(enumerate(again))


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A ``Sequential`` or list of functions in ``segments`` parts, each but the last a checkpoint.

    Raises:
        ValueError: for keywords other than ``preserve_rng_state``.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"checkpoint_sequential: Unexpected keyword arguments: {','.join(kwargs)}")
    if use_reentrant is None:
        _ask_for_use_reentrant("checkpoint_sequential")
        use_reentrant = True
    parts = list(functions.children() if hasattr(functions, "children") else functions)
    size = len(parts) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(
            _chain(parts[start : start + size]),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return _chain(parts[size * (segments - 1) :])(input)


def _chain(functions: Iterable[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    return run
