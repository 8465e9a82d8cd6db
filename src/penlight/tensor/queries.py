"""What a tensor is, as methods and attributes; its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.device import cpu, device
from penlight._core.layouts import layout, strided
from penlight.autograd.primitives import SumTo
from penlight.kernels.memory import memory_of
from penlight.ops import queries

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["QueryMethods", "UntypedStorage"]


class UntypedStorage:
    """The memory that a tensor and all its views share, as bytes."""

    def __init__(self, array: np.ndarray) -> None:
        self._root, _ = memory_of(array)

    device = cpu

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return int(self._root.__array_interface__["data"][0])

    def nbytes(self) -> int:
        """The number of bytes."""
        return self._root.nbytes

    size = __len__ = nbytes

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        return list(self._root.tobytes("A"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and other.data_ptr() == self.data_ptr()

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __repr__(self) -> str:
        return f"torch.storage.UntypedStorage(device=cpu) of size {self.nbytes()}"


class QueryMethods:
    """Questions with short answers."""

    __slots__ = ()

    is_floating_point, is_complex = queries.is_floating_point, queries.is_complex
    is_signed, is_same_size = queries.is_signed, queries.is_same_size
    is_conj, is_neg = queries.is_conj, queries.is_neg

    is_cpu = True
    is_cuda = is_mps = is_xpu = is_meta = False
    is_ipu = is_maia = is_mtia = is_vulkan = is_xla = False
    is_sparse = is_sparse_csr = is_quantized = is_mkldnn = is_nested = False

    @property
    def device(self: Any) -> device:
        """Where the elements lie: always the CPU."""
        return cpu

    @property
    def layout(self: Any) -> layout:
        """How the elements lie: always strided."""
        return strided

    def get_device(self: Any) -> int:
        """The GPU's number: -1, the CPU."""
        return -1

    def is_distributed(self: Any) -> bool:
        """False: there is one process."""
        return False

    def is_pinned(self: Any, device: Any = None) -> bool:
        """Whether the memory is pinned for a GPU: never."""
        return False

    def is_shared(self: Any) -> bool:
        """Whether the memory is shared between processes: never."""
        return False

    def is_set_to(self: Any, tensor: Tensor) -> bool:
        """Whether both are the same view of the same memory."""
        mine, other = self._array, tensor._array
        return (
            mine.__array_interface__["data"][0] == other.__array_interface__["data"][0]
            and mine.shape == other.shape
            and mine.strides == other.strides
        )

    def untyped_storage(self: Any) -> UntypedStorage:
        """The memory that this tensor and all its views share."""
        return UntypedStorage(self._array)

    def sum_to_size(self: Any, *size: Any) -> Tensor:
        """The sum over the dimensions along which ``size`` would be broadcast to this shape."""
        shape = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
        have = self._array.shape
        extra = len(have) - len(shape)
        if extra < 0 or any(n not in (1, m) for n, m in zip(shape, have[extra:], strict=True)):
            raise RuntimeError(f"size {list(shape)} is not expandable to size {list(have)}.")
        return SumTo.apply(self, tuple(int(n) for n in shape))
