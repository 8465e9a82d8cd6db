"""Making modules without spending time on their first values."""

from __future__ import annotations

import inspect
from typing import Any

from penlight._core.random import current_generator
from penlight.nn.modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: type, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters and buffers hold whatever was in memory.

    For weights that are loaded or initialised otherwise right afterwards. Its constructor runs as ever,
    so this saves no time here, but it does not use up random numbers: what follows a ``manual_seed`` is
    what it is in PyTorch.

    Args:
        module_cls: a class whose constructor takes ``device``.
        args, kwargs: for its constructor.

    Raises:
        RuntimeError: if it is no Module class, or takes no ``device``.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    generator = current_generator()
    state = generator.get_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        generator.set_state(state)
