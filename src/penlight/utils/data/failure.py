"""Exceptions on their way from a worker to the main thread."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

__all__ = ["Failure"]


class Failure:
    """An exception that a worker sends instead of a batch.

    Its type, arguments and attributes arrive; the worker's traceback, which can't leave a process,
    arrives as text in a note on the exception. An exception that refuses to be pickled arrives as
    one of the same type with the same message, and if its type refuses, too, as a RuntimeError.

    Args:
        error: the exception.
        where: the worker, for the note; empty for threads, from which the traceback itself comes.
    """

    def __init__(self, error: BaseException, where: str = "") -> None:
        self.error = error
        if where:
            text = "".join(traceback.format_exception(error))
            error.add_note(f"Raised in {where}:\n\n{text}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpack, (_pack(self.error),)


def _pack(error: BaseException) -> bytes:
    """The best form of ``error`` that survives pickling."""
    notes = list(getattr(error, "__notes__", []))
    same_type = _Remade(type(error), str(error), notes)
    other_type = _Remade(RuntimeError, f"{type(error).__name__}: {error}", notes)
    for form in (error, same_type):
        try:
            packed = pickle.dumps(form)
            pickle.loads(packed)
        except Exception:
            continue
        return packed
    return pickle.dumps(other_type)


def _unpack(packed: bytes) -> Failure:
    return Failure(pickle.loads(packed))


class _Remade:
    """Pickles to an exception made without its ``__init__``, which may ask for other arguments."""

    def __init__(self, cls: type[BaseException], message: str, notes: list[str]) -> None:
        self.parts = cls, message, notes

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, self.parts


def _remake(cls: type[BaseException], message: str, notes: list[str]) -> BaseException:
    error = cls.__new__(cls)
    error.args = (message,)
    for note in notes:
        error.add_note(note)
    return error
