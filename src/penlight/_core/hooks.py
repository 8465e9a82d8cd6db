"""Handles that remove a hook again."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

__all__ = ["HookTable", "RemovableHandle"]

HookTable = OrderedDict[int, Callable[..., Any]]
_next_id = itertools.count().__next__


class RemovableHandle:
    """What ``register_*_hook`` returns: ``remove()`` it, or use it in a ``with`` block.

    Args:
        table: where the hook stands.
        companions: tables beside it with an entry of the same key, to be removed together.
    """

    def __init__(self, table: Any, *companions: Any) -> None:
        self.id = _next_id()
        self._tables: list[weakref.ref[Any]] = [weakref.ref(t) for t in (table, *companions)]

    @classmethod
    def register(cls, table: HookTable, hook: Callable[..., Any]) -> RemovableHandle:
        """Append ``hook`` to ``table``."""
        handle = cls(table)
        table[handle.id] = hook
        return handle

    def remove(self) -> None:
        """Take the hook away; removing it twice is harmless."""
        for reference in self._tables:
            table = reference()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self) -> tuple[int, list[Any]]:
        """The tables themselves, so that a copy's handle is one of the copied tables."""
        return self.id, [reference() for reference in self._tables]

    def __setstate__(self, state: tuple[int, list[Any]]) -> None:
        global _next_id
        self.id, tables = state
        self._tables = [weakref.ref(t) for t in tables if t is not None]
        _next_id = itertools.count(max(_next_id(), self.id + 1)).__next__

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()
