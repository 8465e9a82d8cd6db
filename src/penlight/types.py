"""``torch.types``: names for annotations."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

from penlight._core.device import device
from penlight._core.dtypes import dtype
from penlight._core.size import Size
from penlight.tensor import Tensor

__all__ = ["Device", "FileLike", "Number"]

Device: TypeAlias = device | str | int | None
Number: TypeAlias = int | float | bool
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]

_bool, _int, _float, _complex = builtins.bool, builtins.int, builtins.float, builtins.complex
_dtype, _device = dtype, device
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_dispatchkey: TypeAlias = str | Any
