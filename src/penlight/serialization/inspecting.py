"""What a file would have to be allowed, without loading it."""

from __future__ import annotations

import os
from typing import Any

from penlight.serialization.archive import Archive
from penlight.serialization.names import find

__all__ = ["get_unsafe_globals_in_checkpoint"]


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a file that ``load`` would refuse under ``weights_only=True``.

    Args:
        f: a path or a file object, of the zip format.

    Raises:
        RuntimeError: if the file is damaged or of another kind.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return get_unsafe_globals_in_checkpoint(file)
    archive = Archive(f, getattr(f, "name", f"<{type(f).__name__}>"))
    try:
        found = _globals(archive.read("data.pkl").tobytes())
    except (ValueError, KeyError, IndexError) as error:
        raise archive.error(f"its pickle is damaged ({error})") from error
    return sorted(name for name in found if find(name) is None)


def _globals(pickled: bytes) -> set[str]:
    """All names that a pickle refers to."""
    import pickletools

    names: set[str] = set()
    memo: dict[int, str] = {}
    pushed = ["", ""]  # the strings on the stack, roughly: a name is two in a row
    instruction: Any
    argument: Any
    for instruction, argument, _ in pickletools.genops(pickled):
        kind = instruction.name
        if kind in ("GLOBAL", "INST"):
            names.add(str(argument).replace(" ", "."))
        elif kind == "STACK_GLOBAL":
            names.add(".".join(pushed[-2:]))
        elif "GET" in kind:
            pushed.append(memo[argument])
        elif "PUT" in kind or kind == "MEMOIZE":
            memo[len(memo) if argument is None else argument] = pushed[-1]
        else:
            pushed.append(argument if isinstance(argument, str) else "?")
    return {name.replace("__builtin__.", "builtins.") for name in names}
