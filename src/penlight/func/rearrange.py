"""``rearrange``: reshaping and reordering by a pattern that names the dimensions.

Source: Rogozhnikov, "Einops: Clear and Reliable Tensor Manipulations with Einstein-like Notation", 2022.
"""

from __future__ import annotations

import math
import re

from penlight.ops.joining import stack
from penlight.tensor import Tensor

__all__ = ["rearrange"]

REST = "..."  # stands for any number of dimensions
TOKEN = re.compile(r"\s*(\.\.\.|[A-Za-z_]\w*|\d+|[()])")

Group = list[str]  # the names that make up one dimension


def rearrange(
    tensor: Tensor | list[Tensor] | tuple[Tensor, ...], pattern: str, **axes_lengths: int
) -> Tensor:
    """The elements of a tensor in another shape and order.

    Args:
        tensor: a tensor, or several of one shape, which are stacked along a new first dimension.
        pattern: names of the dimensions before and after, as in ``"n c h w -> n (h w) c"``. Parentheses
            join names into one dimension, ``1`` is a dimension of size one, ``...`` all that are not named.
        axes_lengths: the sizes of names that are parts of a dimension; one of each may be left out.

    Raises:
        ValueError: for a pattern that can't be read or does not fit.

    Example:
        >>> rearrange(torch.zeros(2, 6, 3), "n (h w) c -> n c h w", h=2).shape
        torch.Size([2, 3, 2, 3])
    """
    x = tensor if isinstance(tensor, Tensor) else stack(list(tensor))
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError(
            f"rearrange: Pattern must contain a single '->' separator, got {pattern!r}"
        )
    left, right = (_read(side, pattern) for side in sides)
    names, result = _names(left), _names(right)
    if REST in result and REST not in names:
        raise ValueError(
            f"rearrange: Ellipsis found in right side, but not left side of a pattern {pattern}"
        )
    if set(names) != set(result):
        raise ValueError(
            "rearrange: Identifiers only on one side of rearrange expression (should be on both): "
            f"{sorted(set(names) ^ set(result))}"
        )
    unknown = set(axes_lengths) - set(names)
    if unknown:
        raise ValueError(
            f"rearrange: Identifiers not found in rearrange expression: {sorted(unknown)}"
        )
    sizes = _sizes(left, x.shape, axes_lengths)
    places: dict[str, list[int]] = {}
    flat: list[int] = []
    for name in names:
        places[name] = list(range(len(flat), len(flat) + len(sizes[name])))
        flat += sizes[name]
    y = x.reshape(flat).permute([place for name in result for place in places[name]])
    return y.reshape([n for group in right for n in _shape_of(group, sizes)])


def _read(side: str, pattern: str) -> list[Group]:
    """The dimensions on one side of a pattern."""
    groups: list[Group] = []
    inside: Group | None = None
    at, end = 0, len(side.rstrip())
    while at < end:
        match = TOKEN.match(side, at)
        if match is None:
            raise ValueError(
                f"rearrange: Unknown character {side[at:].strip()[0]!r} in {pattern!r}"
            )
        token, at = match.group(1), match.end()
        if token == "(":
            if inside is not None:
                raise ValueError(
                    "rearrange: Axis composition is one-level (brackets inside brackets not allowed)"
                )
            inside = []
        elif token == ")":
            if inside is None:
                raise ValueError(f"rearrange: Imbalanced parentheses in {pattern!r}")
            groups.append(inside)
            inside = None
        elif token.isdigit():
            if token != "1":
                raise ValueError("rearrange: only supports unnamed axes of size 1")
            if inside is None:
                groups.append([])
        elif inside is None:
            groups.append([token])
        else:
            inside.append(token)
    if inside is not None:
        raise ValueError(f"rearrange: Imbalanced parentheses in {pattern!r}")
    names = _names(groups)
    repeated = sorted({n for n in names if names.count(n) > 1})
    if repeated:
        raise ValueError(f"rearrange: Indexing expression contains duplicate dimension {repeated}")
    return groups


def _names(groups: list[Group]) -> list[str]:
    return [name for group in groups for name in group]


def _sizes(
    groups: list[Group], shape: tuple[int, ...], known: dict[str, int]
) -> dict[str, list[int]]:
    """The sizes of the dimensions that each name stands for: one, but for ``...``."""
    if any(REST in group and len(group) > 1 for group in groups):
        raise ValueError("rearrange: Ellipsis in parentheses on the left side is not allowed")
    open_ended = [REST] in groups
    rest = len(shape) - len(groups) + open_ended
    if rest < 0 or (rest and not open_ended):
        raise ValueError(
            f"rearrange: Number of dimensions in pattern ({len(groups) - open_ended}) must "
            f"{'not exceed' if open_ended else 'be equal to'} the number of dimensions in the tensor "
            f"({len(shape)})"
        )
    sizes: dict[str, list[int]] = {}
    at = 0
    for group in groups:
        if group == [REST]:
            sizes[REST] = list(shape[at : at + rest])
            at += rest
            continue
        _divide(group, shape[at], known, sizes)
        at += 1
    return sizes


def _divide(group: Group, size: int, known: dict[str, int], sizes: dict[str, list[int]]) -> None:
    """Divide a dimension among the names in it."""
    open_names = [name for name in group if name not in known]
    product = math.prod(known[name] for name in group if name in known)
    if len(open_names) > 1:
        raise ValueError(
            f"rearrange: cannot infer the sizes of {open_names} at once; give all but one"
        )
    fits = product == size if not open_names else (product > 0 and size % product == 0)
    if not fits:
        raise ValueError(
            f"rearrange: a dimension of size {size} does not divide into ({' '.join(group)}) with "
            f"{ {n: known[n] for n in group if n in known} }"
        )
    for name in group:
        sizes[name] = [known[name] if name in known else size // product]


def _shape_of(group: Group, sizes: dict[str, list[int]]) -> list[int]:
    """The size of a dimension made of names; ``...`` by itself keeps its dimensions."""
    if group == [REST]:
        return sizes[REST]
    return [math.prod(n for name in group for n in sizes[name])]
