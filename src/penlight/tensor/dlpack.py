"""DLPack: sharing memory with other array libraries, without copying.

Source: the DLPack specification, https://dmlc.github.io/dlpack/latest/python_spec.html.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core.dtypes import dtype_of
from penlight.autograd.base import wrap
from penlight.tensor.tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


class _Exporter:
    """An object around a bare capsule, for those who ask objects."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **unused: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the CPU


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor on the memory of another library's array (or of a DLPack capsule).

    Raises:
        TypeError: if it does not speak DLPack, or its dtype has no counterpart here.
        BufferError: if its memory is not on the CPU.
    """
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.detach()
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Exporter(ext_tensor)
    elif not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(
            "from_dlpack: expected an object with __dlpack__ or a capsule, got "
            f"{type(ext_tensor).__name__}"
        )
    kind, _ = ext_tensor.__dlpack_device__()
    if int(kind) not in (1, 3):  # the CPU, or host memory pinned for CUDA
        raise BufferError(f"from_dlpack: the array lies on a device of kind {kind}, not on the CPU")
    array = np.from_dlpack(ext_tensor)
    dtype_of(array)
    return wrap(Tensor, array)


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the tensor's memory, to be taken by another library once."""
    return tensor.__dlpack__()
