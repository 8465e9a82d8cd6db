"""Pickle's instructions, as far as data files need them: each takes the unpickler and changes it.

Protocols 2 to 5; the textual instructions of the older two are left out, and PyTorch writes none.

Source: the Python standard library, ``pickletools``.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from penlight.serialization.storage import short

if TYPE_CHECKING:
    from penlight.serialization.unpickler import SafeUnpickler

__all__ = ["INSTRUCTIONS"]


def _text(form: str) -> Callable[[SafeUnpickler], None]:
    return lambda vm: vm.push(str(vm.take(vm.number(form)), "utf-8", "surrogatepass"))


def _octets(form: str) -> Callable[[SafeUnpickler], None]:
    return lambda vm: vm.push(vm.take(vm.number(form)))


def _python2_string(form: str) -> Callable[[SafeUnpickler], None]:
    def instruction(vm: SafeUnpickler) -> None:
        raw = vm.take(vm.number(form))
        vm.push(raw if vm.encoding == "bytes" else str(raw, vm.encoding))

    return instruction


def _integer(form: str) -> Callable[[SafeUnpickler], None]:
    return lambda vm: vm.push(int.from_bytes(vm.take(vm.number(form)), "little", signed=True))


def _number(form: str) -> Callable[[SafeUnpickler], None]:
    return lambda vm: vm.push(vm.number(form))


def _tuple(n: int) -> Callable[[SafeUnpickler], None]:
    def instruction(vm: SafeUnpickler) -> None:
        if len(vm.stack) < n:
            raise IndexError(f"{n} values were expected")
        vm.stack[-n:] = [tuple(vm.stack[-n:])]

    return instruction


def _get(form: str) -> Callable[[SafeUnpickler], None]:
    return lambda vm: vm.push(vm.memo[vm.number(form)])


def _put(form: str) -> Callable[[SafeUnpickler], None]:
    return lambda vm: vm.memo.update({vm.number(form): vm.stack[-1]})


def _protocol(vm: SafeUnpickler) -> None:
    protocol = vm.number("<B")
    if protocol > pickle.HIGHEST_PROTOCOL:
        raise UnpicklingError(f"pickle protocol {protocol} is not known")


def _dict(vm: SafeUnpickler) -> None:
    items = vm.pop_to_mark()
    vm.push({})
    vm.set_items(vm.stack[-1], items)


def _set_item(vm: SafeUnpickler) -> None:
    value, key = vm.pop(), vm.pop()
    vm.set_items(vm.stack[-1], [key, value])


def _set_items(vm: SafeUnpickler) -> None:
    items = vm.pop_to_mark()
    vm.set_items(vm.stack[-1], items)


def _append(vm: SafeUnpickler) -> None:
    value = vm.pop()
    vm.extend(vm.stack[-1], [value])


def _appends(vm: SafeUnpickler) -> None:
    values = vm.pop_to_mark()
    vm.extend(vm.stack[-1], values)


def _add_items(vm: SafeUnpickler) -> None:
    values = vm.pop_to_mark()
    vm.add(vm.stack[-1], values)


def _stack_global(vm: SafeUnpickler) -> None:
    name, module = vm.pop(), vm.pop()
    if not isinstance(name, str) or not isinstance(module, str):
        raise UnpicklingError(f"a global must be named by two strings, got {short(name)}")
    vm.push(vm.find(module, name))


def _reduce(vm: SafeUnpickler) -> None:
    arguments, function = vm.pop(), vm.pop()
    vm.push(vm.call(function, arguments))


def _new(vm: SafeUnpickler) -> None:
    arguments, cls = vm.pop(), vm.pop()
    vm.push(vm.new(cls, arguments, {}))


def _new_with_options(vm: SafeUnpickler) -> None:
    options, arguments, cls = vm.pop(), vm.pop(), vm.pop()
    vm.push(vm.new(cls, arguments, options))


def _build(vm: SafeUnpickler) -> None:
    state = vm.pop()
    vm.build(vm.stack[-1], state)


def _instance(vm: SafeUnpickler) -> None:
    cls = vm.find(vm.line(), vm.line())
    vm.push(vm.call(cls, tuple(vm.pop_to_mark())))


def _object(vm: SafeUnpickler) -> None:
    cls, *arguments = vm.pop_to_mark()
    vm.push(vm.call(cls, tuple(arguments)))


INSTRUCTIONS: dict[bytes, Callable[[SafeUnpickler], Any]] = {
    pickle.PROTO: _protocol,
    pickle.FRAME: lambda vm: vm.number("<Q"),
    pickle.MARK: lambda vm: vm.mark(),
    pickle.POP: lambda vm: vm.pop(),
    pickle.POP_MARK: lambda vm: vm.pop_to_mark(),
    pickle.DUP: lambda vm: vm.push(vm.stack[-1]),
    # constants, numbers and text
    pickle.NONE: lambda vm: vm.push(None),
    pickle.NEWTRUE: lambda vm: vm.push(True),
    pickle.NEWFALSE: lambda vm: vm.push(False),
    pickle.BININT: _number("<i"),
    pickle.BININT1: _number("<B"),
    pickle.BININT2: _number("<H"),
    pickle.BINFLOAT: _number(">d"),
    pickle.LONG1: _integer("<B"),
    pickle.LONG4: _integer("<I"),
    pickle.SHORT_BINUNICODE: _text("<B"),
    pickle.BINUNICODE: _text("<I"),
    pickle.BINUNICODE8: _text("<Q"),
    pickle.SHORT_BINBYTES: _octets("<B"),
    pickle.BINBYTES: _octets("<I"),
    pickle.BINBYTES8: _octets("<Q"),
    pickle.BYTEARRAY8: lambda vm: vm.push(bytearray(vm.take(vm.number("<Q")))),
    pickle.SHORT_BINSTRING: _python2_string("<B"),
    pickle.BINSTRING: _python2_string("<i"),
    # containers
    pickle.EMPTY_TUPLE: lambda vm: vm.push(()),
    pickle.TUPLE1: _tuple(1),
    pickle.TUPLE2: _tuple(2),
    pickle.TUPLE3: _tuple(3),
    pickle.TUPLE: lambda vm: vm.push(tuple(vm.pop_to_mark())),
    pickle.EMPTY_LIST: lambda vm: vm.push([]),
    pickle.LIST: lambda vm: vm.push(vm.pop_to_mark()),
    pickle.APPEND: _append,
    pickle.APPENDS: _appends,
    pickle.EMPTY_DICT: lambda vm: vm.push({}),
    pickle.DICT: _dict,
    pickle.SETITEM: _set_item,
    pickle.SETITEMS: _set_items,
    pickle.EMPTY_SET: lambda vm: vm.push(set()),
    pickle.ADDITEMS: _add_items,
    pickle.FROZENSET: lambda vm: vm.push(frozenset(map(vm.check_key, vm.pop_to_mark()))),
    # what was made before
    pickle.BINGET: _get("<B"),
    pickle.LONG_BINGET: _get("<I"),
    pickle.BINPUT: _put("<B"),
    pickle.LONG_BINPUT: _put("<I"),
    pickle.MEMOIZE: lambda vm: vm.memo.update({len(vm.memo): vm.stack[-1]}),
    # names, calls, changes, storages
    pickle.GLOBAL: lambda vm: vm.push(vm.find(vm.line(), vm.line())),
    pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: _reduce,
    pickle.NEWOBJ: _new,
    pickle.NEWOBJ_EX: _new_with_options,
    pickle.INST: _instance,
    pickle.OBJ: _object,
    pickle.BUILD: _build,
    pickle.BINPERSID: lambda vm: vm.push(vm.storage(vm.pop())),
}
