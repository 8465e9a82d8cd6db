"""What all ways of pruning share: the mask, the hook that applies it, and several on one parameter."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor
from penlight.tensor.creation import ones_like

__all__ = ["BasePruningMethod", "PruningContainer"]


class BasePruningMethod(ABC):
    """A way of pruning, and the hook that applies its mask: subclasses define :meth:`compute_mask`.

    Attributes:
        PRUNING_TYPE: what :meth:`compute_mask` of a further pruning gets to see: the elements not pruned
            yet (``"unstructured"``), the slices along ``dim`` not wholly pruned (``"structured"``), or
            everything (``"global"``).
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The new mask.

        Args:
            t: what decides on it, of the parameter's shape: its values or the scores given.
            default_mask: the mask so far, which stays where it is zero.
        """

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask."""
        if getattr(self, "_tensor_name", None) is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, f"{self._tensor_name}_mask")
        original = getattr(module, f"{self._tensor_name}_orig")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(
        cls, module: Any, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter, further if it is pruned already, and register the hook.

        Args:
            module: the owner.
            name: the parameter's name.
            importance_scores: what decides instead of the values, of their shape.
            args, kwargs: for the method's constructor.

        Returns:
            The hook: a :class:`PruningContainer` where there are several.
        """
        earlier = _hook_of(module, name)
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        if earlier is not None:
            previous = module._forward_pre_hooks[earlier]
            several = previous if isinstance(previous, PruningContainer) else (previous,)
            method = PruningContainer(*several, method)
        present = getattr(module, name)
        if importance_scores is None:
            importance_scores = present
        elif importance_scores.shape != present.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got "
                f"{importance_scores.shape} vs {present.shape}"
            )
        if earlier is None:
            so_far = ones_like(present)
        else:
            so_far = getattr(module, f"{name}_mask").detach().clone()
        # the mask first: if it can't be made, nothing has changed
        mask = method.compute_mask(importance_scores.detach(), so_far)
        if earlier is None:
            module.register_parameter(f"{name}_orig", present)
            del module._parameters[name]
        else:
            del module._forward_pre_hooks[earlier]
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Any = None
    ) -> Tensor:
        """``t`` with what the method prunes set to zero; nothing is registered.

        Args:
            default_mask: an earlier mask. Default: ones.
            importance_scores: what decides instead of the values, of their shape.
        """
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        so_far = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(importance_scores, default_mask=so_far)

    def remove(self, module: Any) -> None:
        """Make the masked values the parameter; pruning itself is not undone."""
        name = getattr(self, "_tensor_name", None)
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        pruned = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original: Parameter = module._parameters[f"{name}_orig"]
        original.data = pruned.detach()
        del module._parameters[f"{name}_orig"]
        del module._buffers[f"{name}_mask"]
        setattr(module, name, original)


def _hook_of(module: Any, name: str) -> int | None:
    """The key of the module's pruning hook for a parameter."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key
    return None


class PruningContainer(BasePruningMethod):
    """Several prunings of one parameter: each new one chooses from what the earlier ones left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        for i, method in enumerate(args):
            if not i:
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Append a method.

        Raises:
            TypeError: if it is none.
            ValueError: if it prunes another parameter.
        """
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The last method's mask within what ``default_mask`` left."""
        method: Any = self._pruning_methods[-1]
        seen = _what_it_sees(method, t, default_mask)
        new = method.compute_mask(t[seen], default_mask=default_mask[seen])
        mask = default_mask.clone()
        mask[seen] = new.to(mask.dtype)
        return mask


def _what_it_sees(method: Any, t: Tensor, mask: Tensor) -> Any:
    """The index of what a method may choose from."""
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    everything: list[Any] = [slice(None)] * t.ndim
    if method.PRUNING_TYPE == "structured":
        if not hasattr(method, "dim"):
            raise AttributeError(
                "Pruning methods of PRUNING_TYPE 'structured' need to have the attribute `dim` defined."
            )
        dim = method.dim + t.ndim if method.dim < 0 else method.dim
        if dim >= t.ndim:
            raise IndexError(
                f"Index is out of bounds for tensor with dimensions {t.ndim}, got dim {method.dim}"
            )
        others = [d for d in range(t.ndim) if d != dim]
        everything[dim] = mask.sum(others) != 0
    elif method.PRUNING_TYPE != "global":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    return tuple(everything)
