"""The functions that a data file may call, each in a version that only makes data.

They take the unpickler first, to account for what they copy.
"""

from __future__ import annotations

import codecs
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from penlight._core.device import device
from penlight._core.size import Size
from penlight.serialization import rebuild
from penlight.serialization.storage import are_counts, short

if TYPE_CHECKING:
    from penlight.serialization.unpickler import SafeUnpickler

__all__ = ["CALLS"]


def _elements(vm: SafeUnpickler, values: Any) -> Any:
    if not isinstance(values, (list, tuple)):
        raise UnpicklingError(f"expected a list, got {type(values).__name__}")
    vm.spend(len(values))
    return values


def _ordered_dict(vm: SafeUnpickler, pairs: Any = ()) -> OrderedDict[Any, Any]:
    result: OrderedDict[Any, Any] = OrderedDict()
    for key, value in _elements(vm, pairs):
        result[vm.check_key(key)] = value
    return result


def _counter(vm: SafeUnpickler, counts: Any = None) -> Counter[Any]:
    if counts is None:
        return Counter()
    if not isinstance(counts, dict):
        raise UnpicklingError(f"a Counter needs a dict, got {type(counts).__name__}")
    vm.spend(len(counts))
    return Counter(counts)


def _set(vm: SafeUnpickler, values: Any = ()) -> set[Any]:
    return set(map(vm.check_key, _elements(vm, values)))


def _frozenset(vm: SafeUnpickler, values: Any = ()) -> frozenset[Any]:
    return frozenset(map(vm.check_key, _elements(vm, values)))


def _encode(vm: SafeUnpickler, text: Any, encoding: Any = "latin1") -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise UnpicklingError(f"bytes must be written as latin1 text, got {short(encoding)}")
    vm.spend(len(text))
    return text.encode("latin1")


def _bytes(vm: SafeUnpickler, value: Any = b"", encoding: Any = None) -> bytes:
    if isinstance(value, str):
        return _encode(vm, value, encoding)
    if not isinstance(value, bytes):  # bytes(n) would be n bytes of memory
        raise UnpicklingError(f"expected bytes, got {type(value).__name__}")
    vm.spend(len(value))
    return value


def _bytearray(vm: SafeUnpickler, value: Any = b"", encoding: Any = None) -> bytearray:
    return bytearray(_bytes(vm, value, encoding))


def _complex(vm: SafeUnpickler, real: Any, imag: Any) -> complex:
    if not isinstance(real, (int, float)) or not isinstance(imag, (int, float)):
        raise UnpicklingError(f"expected two numbers, got {short(real)} and {short(imag)}")
    return complex(real, imag)


def _size(vm: SafeUnpickler, sizes: Any = ()) -> Size:
    if not are_counts(sizes):
        raise UnpicklingError(f"torch.Size needs integers from 0, got {short(sizes)}")
    return Size(sizes)


def _device(vm: SafeUnpickler, kind: Any, index: Any = None) -> device:
    if not isinstance(kind, str) or not (index is None or isinstance(index, int)):
        raise UnpicklingError(f"torch.device needs a name, got {short(kind)}, {short(index)}")
    return device(kind, index)


def _trusted(function: Callable[..., Any]) -> Callable[..., Any]:
    """One of ``rebuild``, which check their arguments themselves."""
    return lambda vm, *arguments: function(*arguments)


CALLS: dict[int, Callable[..., Any]] = {
    id(OrderedDict): _ordered_dict, id(Counter): _counter, id(set): _set,
    id(frozenset): _frozenset, id(codecs.encode): _encode, id(bytes): _bytes,
    id(bytearray): _bytearray, id(complex): _complex, id(Size): _size, id(device): _device,
}  # fmt: skip
CALLS |= {id(f): _trusted(f) for f in (getattr(rebuild, name) for name in rebuild.__all__)}
