"""Converting a module's parameters and buffers to another dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from penlight._core import dtypes
from penlight._core.device import as_device, device
from penlight.autograd.grad_mode import no_grad
from penlight.nn.parameter import Parameter, is_lazy
from penlight.tensor import Tensor
from penlight.tensor.creation import empty_like

__all__ = ["ConversionMethods"]


class ConversionMethods:
    """The part of Module that converts.

    Parameters and their gradients are converted in place: an optimizer that holds them keeps
    holding the module's own.
    """

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the value of each parameter, gradient and buffer by ``fn`` of it."""
        if recurse:
            for module in self._modules.values():
                if module is not None:
                    module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    parameter.data = fn(parameter.data)
                    if parameter.grad is not None:
                        parameter.grad.data = fn(parameter.grad.data)
            for name, buffer in self._buffers.items():
                if is_lazy(buffer):
                    buffer.data = fn(buffer.data)  # type: ignore[union-attr]
                elif buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating-point parameters and buffers: ``to(dtype)``, ``to("cpu", dtype)``,
        ``to(tensor)``; others keep their dtype.

        Args:
            device: only the CPU.
            dtype: a floating-point or complex dtype.
            tensor: a tensor whose dtype to take.
            non_blocking, memory_format: accepted for PyTorch's sake.

        Returns:
            The module itself.

        Raises:
            TypeError: if the dtype is neither floating-point nor complex.
        """
        wanted = kwargs.pop("dtype", None)
        as_device(kwargs.pop("device", None))
        for unused in ("non_blocking", "memory_format"):
            kwargs.pop(unused, None)
        if "tensor" in kwargs:
            args = (*args, kwargs.pop("tensor"))
        if kwargs:
            raise TypeError(f"to() got an unexpected keyword argument {next(iter(kwargs))!r}")
        for argument in args:
            if isinstance(argument, Tensor):
                wanted = argument.dtype
            elif isinstance(argument, (str, device)):
                as_device(argument)
            elif argument is not None and not isinstance(argument, bool):
                wanted = dtypes.as_dtype(argument, "to")
        if wanted is not None:
            wanted = dtypes.as_dtype(wanted, "to")
            if not (wanted.is_floating_point or wanted.is_complex):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                    f"dtype={wanted}"
                )
            converted = wanted
            self._apply(lambda t: t.to(converted) if t.dtype.category >= dtypes.FLOATING else t)
        return self

    def _convert(self, wanted: dtypes.dtype) -> Self:
        return self._apply(lambda t: t.to(wanted) if t.dtype.is_floating_point else t)

    def float(self) -> Self:
        """Floating-point parameters and buffers as float32."""
        return self._convert(dtypes.float32)

    def double(self) -> Self:
        """Floating-point parameters and buffers as float64."""
        return self._convert(dtypes.float64)

    def half(self) -> Self:
        """Floating-point parameters and buffers as float16."""
        return self._convert(dtypes.float16)

    def bfloat16(self) -> Self:
        """Refused: NumPy has no such dtype.

        Raises:
            TypeError: always.
        """
        raise TypeError("Module.bfloat16: NumPy has no bfloat16; use float(), or half() for files")

    def type(self, dst_type: Any) -> Self:
        """All parameters and buffers in ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def cpu(self) -> Self:
        """The module itself."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Refused: there is only the CPU."""
        as_device("cuda")
        return self

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Give all parameters and buffers fresh, uninitialised memory."""
        as_device(device)
        return self._apply(empty_like, recurse)
