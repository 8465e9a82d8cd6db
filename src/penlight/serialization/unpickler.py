"""An unpickler that runs nothing: it builds data, and tensors through functions of our own.

Pickle is a small stack language. Most of its instructions push data; those that import a name, call
it or change an object could run anything, so here they know only the names in
:mod:`penlight.serialization.names` and what the user has allowed. Memory and time stay in proportion
to the file's size: what copies its arguments or hashes them has a budget.

Source: the Python standard library, ``pickletools``: the instructions and their arguments.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from penlight.serialization import names
from penlight.serialization.instructions import INSTRUCTIONS
from penlight.serialization.safe_calls import CALLS
from penlight.serialization.storage import short

__all__ = ["SafeUnpickler"]

_MAX_KEY = 1000  # values nested in one key of a dictionary; hashing looks at them all
_DAMAGE = (
    IndexError, KeyError, ValueError, TypeError, AttributeError, OverflowError, struct.error,
)  # fmt: skip


class SafeUnpickler:
    """Reads one pickled object out of bytes.

    Args:
        data: the bytes.
        persistent_load: makes a storage of the tuple that stands for it.
        encoding: how strings of Python 2 are decoded; ``"bytes"`` leaves them.
        start: the first byte of the pickle in ``data``.

    Attributes:
        at: the byte after what has been read.
    """

    def __init__(
        self,
        data: bytes,
        persistent_load: Callable[[Any], Any],
        encoding: str = "utf-8",
        start: int = 0,
    ) -> None:
        self.data, self.persistent_load, self.encoding, self.at = (
            data, persistent_load, encoding, start,
        )  # fmt: skip
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # what was on the stack at each mark
        self.memo: dict[int, Any] = {}
        self.budget = 2 * len(data)
        self.user_values = {id(value) for value in names.user_globals().values()}

    def load(self) -> Any:
        """The object.

        Raises:
            UnpicklingError: if the pickle is damaged, or wants more than data.
        """
        start = self.at
        try:
            while True:
                start = self.at
                opcode = self.take(1)
                if opcode == pickle.STOP:
                    return self.pop()
                instruction = INSTRUCTIONS.get(opcode)
                if instruction is None:
                    raise UnpicklingError(f"instruction {opcode!r} is not one of a data file")
                instruction(self)
        except UnpicklingError as error:
            raise UnpicklingError(f"at byte {start} of its pickle: {error}") from error.__cause__
        except _DAMAGE as error:
            raise UnpicklingError(
                f"at byte {start} of its pickle, which is damaged ({type(error).__name__}: {error})"
            ) from error

    # -- reading ---------------------------------------------------------------------------------

    def take(self, n: int) -> bytes:
        """The next ``n`` bytes."""
        left = len(self.data) - self.at
        if not 0 <= n <= left:
            raise UnpicklingError(f"expected {n} more bytes, found {left}")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, form: str) -> Any:
        """The next number, in ``struct``'s notation."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self) -> str:
        """The text up to the end of the line."""
        end = self.data.index(b"\n", self.at)
        return str(self.take(end + 1 - self.at)[:-1], "utf-8")

    # -- the stack -------------------------------------------------------------------------------

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        return self.stack.pop()

    def mark(self) -> None:
        """Lay the stack aside; what follows is collected on a new one."""
        self.below.append(self.stack)
        self.stack = []

    def pop_to_mark(self) -> list[Any]:
        """The values since the last mark."""
        values = self.stack
        self.stack = self.below.pop()
        return values

    # -- limits ----------------------------------------------------------------------------------

    def spend(self, n: int) -> None:
        """Account for ``n`` values copied out of others.

        A file writes out each value that it has copied, at most twice; only one that is made to
        blow up copies the same values again and again.
        """
        self.budget -= n
        if self.budget < 0:
            raise UnpicklingError(f"the file of {len(self.data)} bytes blows up to a lot more")

    def check_key(self, key: Any) -> Any:
        """Refuse keys that nest so much that hashing them would take for ever."""
        count, waiting = 0, [key]
        while waiting:
            value = waiting.pop()
            count += 1
            if isinstance(value, (tuple, frozenset)):
                waiting.extend(value if len(value) <= _MAX_KEY else (None,) * _MAX_KEY)
            if count > _MAX_KEY:
                raise UnpicklingError(f"a key of more than {_MAX_KEY} values")
        return key

    # -- instructions that could do more than make data ------------------------------------------

    def find(self, module: str, name: str) -> Any:
        """What a name stands for.

        Raises:
            UnpicklingError: naming it, if it is not allowed.
        """
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        full = f"{module}.{name}"
        found = names.find(full)
        if found is None:
            raise UnpicklingError(names.refusal(full))
        return found

    def call(self, function: Any, arguments: Any) -> Any:
        """``function(*arguments)`` for what the user allows; for the rest our own safe version."""
        if not isinstance(arguments, tuple):
            raise UnpicklingError(f"arguments must be a tuple, got {type(arguments).__name__}")
        if id(function) in self.user_values:
            return function(*arguments)
        safe = CALLS.get(id(function))
        if safe is None:
            raise UnpicklingError(
                f"a call of {short(getattr(function, '__qualname__', function))}, which is not "
                "one of the functions that a data file may call"
            )
        return safe(self, *arguments)

    def new(self, cls: Any, arguments: Any, options: Any) -> Any:
        """``cls.__new__(cls, ...)``, of classes that the user allows."""
        if id(cls) not in self.user_values or not isinstance(cls, type):
            return self.call(cls, arguments)
        return cls.__new__(cls, *arguments, **options)

    def build(self, instance: Any, state: Any) -> None:
        """Give an instance its state; only OrderedDicts and what the user allows have any."""
        cls = type(instance)
        if cls is OrderedDict:
            if not isinstance(state, dict) or not all(type(name) is str for name in state):
                raise UnpicklingError("the attributes of an OrderedDict must be a dict by name")
            instance.__dict__.update(state)
        elif id(cls) not in self.user_values:
            raise UnpicklingError(
                f"a {cls.__module__}.{cls.__qualname__} is to be changed (BUILD); only instances "
                "of OrderedDict and of what add_safe_globals allows may be"
            )
        elif hasattr(instance, "__setstate__"):
            instance.__setstate__(state)
        else:
            slots: Any = None
            if isinstance(state, tuple) and len(state) == 2:
                state, slots = state
            instance.__dict__.update(state or {})
            for name, value in (slots or {}).items():
                setattr(instance, name, value)

    def set_items(self, target: Any, items: list[Any]) -> None:
        if type(target) not in (dict, OrderedDict, Counter) and not self._allowed(target):
            raise UnpicklingError(f"items are to be set in a {type(target).__name__}, no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[self.check_key(key)] = value

    def extend(self, target: Any, items: list[Any]) -> None:
        if type(target) is not list and not self._allowed(target):
            raise UnpicklingError(f"values are to be appended to a {type(target).__name__}")
        target.extend(items)

    def add(self, target: Any, items: list[Any]) -> None:
        if type(target) is not set and not self._allowed(target):
            raise UnpicklingError(f"values are to be added to a {type(target).__name__}, no set")
        target.update(map(self.check_key, items))

    def _allowed(self, target: Any) -> bool:
        return id(type(target)) in self.user_values

    def storage(self, identifier: Any) -> Any:
        """The storage that a persistent id names."""
        kind = identifier[0] if isinstance(identifier, tuple) and identifier else None
        if not isinstance(kind, (str, bytes)) or kind not in ("storage", b"storage"):
            raise UnpicklingError(
                "a persistent id must be a tuple ('storage', type, key, location, length), got "
                f"{short(identifier)}"
            )
        return self.persistent_load(identifier)
