"""Names in files: PyTorch's names for what is Penlight's, and what a file may name at all."""

from __future__ import annotations

import codecs
from collections import Counter, OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from penlight._core import dtypes
from penlight._core.device import device
from penlight._core.size import Size
from penlight.serialization import rebuild
from penlight.serialization.storage import STORAGE_TYPES
from penlight.tensor import Tensor
from penlight.tensor.pickling import kinds

__all__ = [
    "BUILTIN", "add_safe_globals", "clear_safe_globals", "find", "find_torch", "get_safe_globals",
    "refusal", "safe_globals", "torch_name", "user_globals",
]  # fmt: skip


def _torch_names() -> dict[str, Any]:
    names: dict[str, Any] = {
        "torch._utils._rebuild_tensor": rebuild.rebuild_tensor,
        "torch._utils._rebuild_tensor_v2": rebuild.rebuild_tensor_v2,
        "torch._utils._rebuild_parameter": rebuild.rebuild_parameter,
        "torch._utils._rebuild_parameter_with_state": rebuild.rebuild_parameter_with_state,
        "torch.tensor._rebuild_from_type_v2": rebuild.rebuild_from_type_v2,  # until PyTorch 1.8
        "torch._tensor._rebuild_from_type_v2": rebuild.rebuild_from_type_v2,
        "torch.Size": Size,
        "torch.device": device,
        "torch.Tensor": Tensor,
        "torch.bfloat16": dtypes.float32,  # as which its tensors are read
        "torch.storage.UntypedStorage": STORAGE_TYPES["ByteStorage"],
    }
    names |= {f"torch.cuda.{name}": kind for name, kind in STORAGE_TYPES.items()}
    names |= {f"torch.{name}": kind for name, kind in STORAGE_TYPES.items()}
    names |= {repr(kind.dtype): kind.dtype for kind in STORAGE_TYPES.values()}
    return names


_TORCH = _torch_names()
_NAME_OF = {id(value): name for name, value in _TORCH.items()}  # of several names the last

BUILTIN: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "_codecs.encode": codecs.encode,  # how protocol 2 writes bytes
    "builtins.bytearray": bytearray,
    "builtins.bytes": bytes,
    "builtins.complex": complex,
    "builtins.frozenset": frozenset,
    "builtins.set": set,
}
"""What weights_only files may name besides PyTorch's names and the user's."""


def find_torch(name: str) -> Any:
    """What Penlight has under PyTorch's full name, or ``None``."""
    module, _, last = name.rpartition(".")
    if module == "torch.nn.parameter" and last != "Buffer":
        return kinds.get(last)
    return _TORCH.get(name)


def torch_name(value: Any) -> tuple[str, str] | None:
    """PyTorch's module and name for a function, class or constant of Penlight's, if it has one."""
    for kind in ("UninitializedParameter", "UninitializedBuffer"):
        if value is kinds.get(kind):
            return "torch.nn.parameter", kind
    name = _NAME_OF.get(id(value))
    if name is None:
        return None
    module, _, last = name.rpartition(".")
    return module, last


# -- what the user allows ------------------------------------------------------------------------

_BLOCKED_MODULES = ("os", "sys", "posix", "nt")

_safe: tuple[Any, ...] = ()


def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Let files loaded with ``weights_only=True`` make instances of these classes, call these functions.

    Args:
        safe_globals: classes and functions, or pairs ``(class, "module.Name")`` for files that
            know one by another name.
    """
    global _safe
    for item in safe_globals:
        _named(item)
    _safe = (*_safe, *(item for item in safe_globals if item not in _safe))


def get_safe_globals() -> list[Any]:
    """What :func:`add_safe_globals` has allowed."""
    return list(_safe)


def clear_safe_globals() -> None:
    """Take back all that :func:`add_safe_globals` has allowed."""
    global _safe
    _safe = ()


class safe_globals:
    """``with safe_globals([Class]):`` allows as :func:`add_safe_globals` does, inside the block."""

    def __init__(self, safe_globals: Sequence[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self.safe_globals)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        global _safe
        _safe = tuple(self._before)


def user_globals() -> dict[str, Any]:
    """What the user allows, by full name."""
    return dict(_named(item) for item in _safe)


def _named(item: Any) -> tuple[str, Any]:
    if not isinstance(item, tuple):
        return f"{item.__module__}.{item.__qualname__}", item
    if len(item) != 2:
        raise ValueError(f"add_safe_globals: expected a pair (class, name), got {len(item)} values")
    value, name = item
    if not isinstance(name, str):
        raise TypeError(f"add_safe_globals: expected (class, 'module.Name'), got {item!r}")
    return name, value


def find(name: str) -> Any:
    """What a full name in a file stands for; ``None`` if it may not name that."""
    if is_blocked(name):
        return None
    for found in (find_torch(name), BUILTIN.get(name), user_globals().get(name)):
        if found is not None:
            return found
    return None


# -- refusals ------------------------------------------------------------------------------------


def is_blocked(name: str) -> bool:
    """Whether even the user can't allow it."""
    return name.partition(".")[0] in _BLOCKED_MODULES


def refusal(name: str) -> str:
    """Why a file may not name ``name`` under ``weights_only=True``, and what to do."""
    start = f"Unsupported global: GLOBAL {name} was not an allowed global by default"
    module, _, last = name.rpartition(".")
    if is_blocked(name):
        return f"{start}, and module {module} is blocked: the file means to run code"
    allow = name if module != "builtins" else last
    if module == "torch" or module.startswith("torch."):
        start += "; it is a part of PyTorch that Penlight has no counterpart of"
        allow = f'(a {last} of your own, "{name}")'
    return (
        f"{start}. If you trust the file's source, allow it with "
        f"penlight.serialization.add_safe_globals([{allow}]) or, for a while, `with "
        f"penlight.serialization.safe_globals([{allow}]):`; or load with weights_only=False, "
        "which runs whatever code the file holds"
    )
