"""DLPack: sharing memory with other array libraries, without copying.

Source: the DLPack specification, https://dmlc.github.io/dlpack/latest/python_spec.html.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight._core.device import as_device
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


class _Writable:
    """The memory of an array that NumPy holds to be read-only, without that mark."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array  # keeps the memory
        address = array.__array_interface__["data"][0]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of another library's array (or of a DLPack capsule).

    Args:
        device: the CPU.
        copy: True for memory of its own, False to share it or raise. Default: share it.

    Raises:
        TypeError: if it does not speak DLPack, or its dtype has no counterpart here.
        BufferError: if its memory is not on the CPU.
    """
    as_device(device)
    if copy:
        return from_dlpack(ext_tensor).clone()
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.detach()
    capsule = ext_tensor if type(ext_tensor).__name__ == "PyCapsule" else _export(ext_tensor)
    says_read_only = "versioned" in repr(capsule)  # the older capsules can't say it
    array = np.from_dlpack(_Exporter(capsule))
    if not array.flags.writeable and not says_read_only:
        array = np.asarray(_Writable(array))
    dtype_of(array)
    return wrap(Tensor, array)


def _export(array: Any) -> Any:
    """The capsule of an array on the CPU."""
    if not hasattr(array, "__dlpack__"):
        raise TypeError(
            "from_dlpack: expected an object with __dlpack__ or a capsule, got "
            f"{type(array).__name__}"
        )
    kind, _ = array.__dlpack_device__()
    if int(kind) not in (1, 3):  # the CPU, or host memory pinned for CUDA
        raise BufferError(f"from_dlpack: the array lies on a device of kind {kind}, not on the CPU")
    try:
        return array.__dlpack__(max_version=(1, 0))
    except TypeError:  # an exporter of before versions
        return array.__dlpack__()


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the tensor's memory, to be taken by another library once."""
    return tensor.__dlpack__()
