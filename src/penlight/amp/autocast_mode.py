"""``autocast``: programs for mixed precision run, and keep full precision."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available", "is_autocast_enabled"]

_DEVICES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla",
    "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip


class _State(threading.local):
    """Whether this thread stands in an enabled block."""

    def __init__(self) -> None:
        self.enabled = False


_state = _State()


class autocast:
    """A block, or decorated function, in which PyTorch computes products in half precision.

    There is no bfloat16 in NumPy, and float16 is slower there than float32, so **here nothing is
    cast**: results have the dtype, and the precision, that they have outside. A warning says so where
    PyTorch would cast.

    Args:
        device_type: for any but ``"cpu"`` the block is disabled, as in PyTorch where the device is missing.
        dtype, cache_enabled: accepted.
        enabled: ``False``: the block does nothing, in PyTorch too.

    Raises:
        ValueError: if ``device_type`` is no string.
        RuntimeError: if it is no kind of device.
    """

    def __init__(
        self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(device_type, str):
            raise ValueError(
                f"autocast: Expected `device_type` of type `str`, got: `{type(device_type)}`"
            )
        if device_type not in _DEVICES:
            raise RuntimeError(
                f"autocast: expected device_type to be one of {', '.join(_DEVICES)}, got {device_type!r}"
            )
        if enabled and device_type != "cpu":
            warnings.warn(
                f"autocast: {device_type} is not available. Disabling autocast.", UserWarning, stacklevel=2
            )  # fmt: skip
            enabled = False
        elif enabled:
            warnings.warn(
                "autocast: Penlight casts nothing; results keep their dtype and full precision",
                UserWarning,
                stacklevel=2,
            )
        self.device, self.fast_dtype = device_type, dtype
        self._enabled = enabled
        self._before: list[bool] = []

    def __enter__(self) -> autocast:
        self._before.append(_state.enabled)
        if self.device == "cpu":
            _state.enabled = self._enabled
        return self

    def __exit__(self, *exception: object) -> None:
        _state.enabled = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return decorated


def is_autocast_available(device_type: str) -> bool:
    """Whether PyTorch has it on that kind of device."""
    return device_type in ("cpu", "cuda", "xpu", "mps", "hpu", "mtia", "maia", "xla", "ipu")


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether the program stands in an enabled block for that kind of device."""
    return device_type == "cpu" and _state.enabled


def custom_fwd(fwd: Any = None, *, device_type: str, cast_inputs: Any = None) -> Any:
    """Decorator of ``forward`` of an ``autograd.Function``: there is nothing to cast."""
    return (lambda function: function) if fwd is None else fwd


def custom_bwd(bwd: Any = None, *, device_type: str) -> Any:
    """Decorator of ``backward`` of an ``autograd.Function``: there is nothing to cast."""
    return (lambda function: function) if bwd is None else bwd
