"""Data parallelism, of which one device is left: the CPU, whose cores the kernels share among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from penlight.nn.modules.module import Module

__all__ = ["DataParallel", "data_parallel"]

T = TypeVar("T", bound=Module)


class DataParallel(Module, Generic[T]):
    """Calls ``module`` as it is, as PyTorch's does where there are no GPUs.

    Programs that wrap their model in it run, and their files fit: the names of the state begin with
    ``module.``.

    Args:
        module: the module to call.
        device_ids, output_device, dim: of GPUs, which there are none of: not used.
    """

    module: T

    def __init__(
        self,
        module: T,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[Any] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: Any = None,
) -> Any:
    """``module(*inputs, **module_kwargs)``; see :class:`DataParallel`."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))
