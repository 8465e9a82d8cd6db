"""``GradScaler``: losses scaled up so that small gradients of half precision don't vanish."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from penlight.autograd import no_grad
from penlight.optim import Optimizer
from penlight.tensor import Tensor

__all__ = ["GradScaler"]


class GradScaler:
    """Scale the loss; unscale gradients before the step; skip steps with gradients that overflowed.

    The scale s grows by ``growth_factor`` after ``growth_interval`` steps in a row without infinity
    or NaN, and shrinks by ``backoff_factor`` after each step with one.

    Args:
        device: with ``"cuda"``, the default, it is disabled, with a warning, as in PyTorch without a GPU.

    Source: Micikevicius et al., "Mixed Precision Training", ICLR 2018.
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
        backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        if enabled and device != "cpu":
            warnings.warn(
                f"GradScaler is enabled, but {device} is not available. Disabling.", UserWarning, stacklevel=2
            )  # fmt: skip
            enabled = False
        self._device, self._enabled = device, enabled
        if enabled:
            assert growth_factor > 1.0, "GradScaler: the growth factor must be > 1.0."
            assert backoff_factor < 1.0, "GradScaler: the backoff factor must be < 1.0."
            self._init_scale, self._growth_factor = init_scale, growth_factor
            self._backoff_factor, self._growth_interval = backoff_factor, growth_interval
            self._growth_tracker = 0
            self._scale: float | None = None
            self._stages: dict[int, str] = {}
            self._found_inf: dict[int, bool] = {}

    def scale(self, outputs: Any) -> Any:
        """The loss, or an iterable of them, times the scale.

        Raises:
            ValueError: for anything else than tensors.
        """
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._scale = float(self._init_scale)
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if not isinstance(outputs, Iterable):
            raise ValueError("GradScaler: outputs must be a Tensor or an iterable of Tensors")
        scaled = [self.scale(y) for y in outputs]
        return scaled if isinstance(outputs, list) else tuple(scaled)

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of the optimizer's parameters by the scale, as before clipping.

        Raises:
            RuntimeError: if they are already, or after the step.
        """
        if not self._enabled:
            return
        scale, stage = self._checked("unscale_"), self._stages.get(id(optimizer))
        if stage == "unscaled":
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if stage == "stepped":
            raise RuntimeError("unscale_() is being called after step().")
        gradients = _gradients(optimizer)
        if any(g.element_size() < 4 for g in gradients):
            raise ValueError("GradScaler: Attempting to unscale FP16 gradients.")
        with no_grad():
            finite = [bool(g.mul_(1.0 / scale).isfinite().all()) for g in gradients]
        if finite:
            self._found_inf[id(optimizer)] = not all(finite)
        self._stages[id(optimizer)] = "unscaled"

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step(*args, **kwargs)`` with unscaled gradients, unless one is not finite.

        Raises:
            RuntimeError: for a closure, and for a second step before ``update()``.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._checked("step")
        stage = self._stages.get(id(optimizer))
        if stage == "stepped":
            raise RuntimeError("step() has already been called since the last update().")
        if stage is None:
            self.unscale_(optimizer)
        assert id(optimizer) in self._found_inf, "No inf checks were recorded for this optimizer."
        result = None if self._found_inf[id(optimizer)] else optimizer.step(*args, **kwargs)
        self._stages[id(optimizer)] = "stepped"
        return result

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adjust the scale after the steps of all optimizers, or set it."""
        if not self._enabled:
            return
        scale = self._checked("update")
        if new_scale is not None:
            self._scale = float(new_scale)
        else:
            assert self._found_inf, "No inf checks were recorded prior to update."
            self._adjust(scale, any(self._found_inf.values()))
        self._stages, self._found_inf = {}, {}

    def _adjust(self, scale: float, overflow: bool) -> None:
        self._growth_tracker = 0 if overflow else self._growth_tracker + 1
        if overflow:
            self._scale = scale * self._backoff_factor
        elif self._growth_tracker == self._growth_interval:
            self._scale, self._growth_tracker = scale * self._growth_factor, 0

    def _checked(self, name: str) -> float:
        assert self._scale is not None, (
            f"Attempted {name} but _scale is None. This may indicate your script did not use "
            "scaler.scale(loss or outputs) earlier in the iteration."
        )
        return self._scale

    def get_scale(self) -> float:
        """The scale now; 1.0 if disabled."""
        if not self._enabled:
            return 1.0
        return float(self._init_scale) if self._scale is None else self._scale

    def get_growth_factor(self) -> float:
        """By what the scale grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Change by what the scale grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """By what the scale shrinks."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Change by what the scale shrinks."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Change after how many good steps the scale grows."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it does anything."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Scale and settings; empty if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(), "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor, "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what :meth:`state_dict` gave.

        Raises:
            RuntimeError: if it is empty.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale = float(self._init_scale)
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]


def _gradients(optimizer: Optimizer) -> list[Any]:
    return [
        p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None
    ]
