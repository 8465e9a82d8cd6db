"""Nested tuples, lists and dictionaries: their leaves as a list, and back."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

__all__ = ["Structure", "broadcast_to", "flatten", "map_leaves", "map_tensors"]


class Structure:
    """What is left of a tree without its leaves."""

    def __init__(self, kind: Any, keys: Any, children: list[Structure]) -> None:
        self.kind, self.keys, self.children = kind, keys, children

    @property
    def is_leaf(self) -> bool:
        return self.kind is None

    @property
    def size(self) -> int:
        """The number of leaves."""
        return 1 if self.is_leaf else sum(child.size for child in self.children)

    def fill(self, leaves: Any) -> Any:
        """The tree with these leaves."""
        return self._fill(iter(leaves))

    def _fill(self, leaves: Any) -> Any:
        if self.is_leaf:
            return next(leaves)
        parts = [child._fill(leaves) for child in self.children]
        if self.keys is not None:
            pairs = zip(self.keys, parts, strict=True)
            return OrderedDict(pairs) if self.kind is OrderedDict else dict(pairs)
        if hasattr(self.kind, "_make"):
            return self.kind._make(parts)
        return self.kind(parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return NotImplemented
        return (self.kind, self.keys, self.children) == (other.kind, other.keys, other.children)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "*" if self.is_leaf else repr(self.fill(["*"] * self.size)).replace("'*'", "*")


LEAF = Structure(None, None, [])


def _parts(tree: Any) -> tuple[Any, Any, list[Any]] | None:
    """Kind, keys and parts of a node; None for a leaf."""
    if isinstance(tree, (dict, OrderedDict, defaultdict)):
        kind = OrderedDict if isinstance(tree, OrderedDict) else dict
        return kind, list(tree), list(tree.values())
    if type(tree) in (list, tuple) or (isinstance(tree, tuple) and hasattr(tree, "_make")):
        return type(tree), None, list(tree)
    if isinstance(tree, tuple):
        return tuple, None, list(tree)
    return None


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a tree from left to right, and its structure."""
    parts = _parts(tree)
    if parts is None:
        return [tree], LEAF
    kind, keys, children = parts
    leaves: list[Any] = []
    structures = []
    for child in children:
        found, structure = flatten(child)
        leaves += found
        structures.append(structure)
    return leaves, Structure(kind, keys, structures)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with ``function`` applied to its leaves."""
    leaves, structure = flatten(tree)
    return structure.fill(map(function, leaves))


def map_tensors(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with ``function`` applied to its Tensors."""
    return map_leaves(lambda x: function(x) if hasattr(x, "_array") else x, tree)


def broadcast_to(tree: Any, structure: Structure) -> list[Any] | None:
    """A leaf for each leaf of ``structure``, from a tree whose leaves may stand for whole branches.

    Returns:
        None if the tree does not fit.
    """
    parts = _parts(tree)
    if parts is None:
        return [tree] * structure.size
    if structure.is_leaf:
        return None
    kind, keys, children = parts
    same_kind = structure.kind is kind or {structure.kind, kind} <= {dict, OrderedDict}
    if not same_kind or structure.keys != keys or len(children) != len(structure.children):
        return None
    leaves: list[Any] = []
    for child, below in zip(children, structure.children, strict=True):
        found = broadcast_to(child, below)
        if found is None:
            return None
        leaves += found
    return leaves
