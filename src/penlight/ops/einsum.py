"""Sums of products over named indices."""

from __future__ import annotations

import functools
import string
from typing import TYPE_CHECKING, Any

import numpy as np

from penlight._core.arguments import normalize_axis
from penlight.autograd.base import TensorBase
from penlight.autograd.op import Op
from penlight.kernels.contraction import contract
from penlight.ops.complex import conjugate
from penlight.ops.promotion import promoted
from penlight.ops.strides import Diagonal

if TYPE_CHECKING:
    from penlight.tensor import Tensor

__all__ = ["einsum", "tensordot"]


class Einsum(Op):
    """y[out] = the sum over all other indices of the product of the operands.

    The gradient of one operand is an einsum of dy with the other operands; indices that only it
    had come back by multiplying with ones.
    """

    @staticmethod
    def forward(ctx: Any, inputs: tuple[str, ...], output: str, *xs: np.ndarray) -> Any:
        ctx.save(*xs)
        ctx.inputs, ctx.output = inputs, output
        if len(xs) == 2:
            return contract(xs[0], inputs[0], xs[1], inputs[1], output)
        return np.array(np.einsum(f"{','.join(inputs)}->{output}", *xs, optimize=len(xs) > 1))

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        xs = ctx.saved
        grads: list[Any] = [None, None]
        for i, (x, indices) in enumerate(zip(xs, ctx.inputs, strict=True)):
            if not ctx.edges[i + 2]:
                grads.append(None)
                continue
            others = [(ctx.inputs[j], conjugate(o)) for j, o in enumerate(xs) if j != i]
            known = set(ctx.output).union(*(names for names, _ in others))
            lost = "".join(n for n in indices if n not in known)
            if lost:
                sizes = dict(zip(indices, x.shape, strict=True))
                others.append((lost, np.ones([sizes[n] for n in lost], x_dtype(x))))
            names = (ctx.output, *(n for n, _ in others))
            grads.append(Einsum.apply(names, indices, dy, *(o for _, o in others)))
        return tuple(grads)


def x_dtype(x: Any) -> np.dtype[Any]:
    """The NumPy dtype of an ndarray or Tensor."""
    return x._array.dtype if isinstance(x, TensorBase) else x.dtype


@functools.lru_cache(maxsize=1024)
def _plain_equation(equation: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Index names without ellipsis, blanks or an implicit output."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    _check_subscripts(left, output)
    inputs = left.split(",")
    if len(inputs) != len(ndims):
        raise RuntimeError(
            f"einsum(): the equation names {len(inputs)} operands but {len(ndims)} were given: {equation!r}"
        )
    free = [c for c in string.ascii_letters if c not in equation]
    widest = 0
    for i, (names, ndim) in enumerate(zip(inputs, ndims, strict=True)):
        hidden = ndim - len(names.replace("...", ""))
        if hidden < 0 or (hidden and "..." not in names):
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(names.replace('...', ''))}) does "
                f"not match the number of dimensions ({ndim}) for operand {i}"
            )
        if "..." in names:
            widest = max(widest, hidden)
            inputs[i] = names.replace("...", "".join(free[:hidden][::-1]))
    dots = "".join(free[:widest][::-1])
    if arrow:
        output = output.replace("...", dots)
    else:
        every = left.replace(",", "").replace("...", "")
        output = dots + "".join(sorted(c for c in set(every) if every.count(c) == 1))
    return tuple(inputs), output


def _check_subscripts(inputs: str, output: str) -> None:
    """Refuse signs that are no letters, and an output that names an index twice."""
    for c in (inputs + output).replace("...", "").replace(",", ""):
        if c not in string.ascii_letters:
            raise RuntimeError(
                f"einsum(): invalid subscript given, subscripts must be in [a-zA-Z], got {c!r}"
            )
    for c in output.replace(".", ""):
        if output.count(c) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {c} appears more than once in the output"
            )


def einsum(equation: str, *operands: Any) -> Tensor:
    """Products of operands summed over the indices that the output does not name.

    Args:
        equation: such as ``"bij,bjk->bik"``; ``...`` stands for leading dimensions that broadcast.

    Example:
        >>> torch.einsum("ij,j->i", torch.ones(2, 3), torch.ones(3))
        tensor([3., 3.])
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists(equation, *operands)
    elif len(operands) == 1 and not isinstance(operands[0], TensorBase):
        operands = tuple(operands[0])
    for i, x in enumerate(operands):
        if not isinstance(x, TensorBase):
            raise TypeError(f"einsum(): operand {i} must be a Tensor, not {type(x).__name__}")
    if not operands:
        raise ValueError("einsum(): must specify the equation and at least one operand")
    xs: Any = promoted(*operands, owner="einsum")
    inputs, output = _plain_equation(equation, tuple(x._array.ndim for x in xs))
    if any(len(set(names)) < len(names) for names in inputs):
        xs, inputs = _without_repeats(xs, inputs)
    sizes: dict[str, int] = {}
    for names, x in zip(inputs, xs, strict=True):
        for n, size in zip(names, x._array.shape, strict=True):
            if sizes.setdefault(n, size) not in (1, size) and size != 1:
                raise RuntimeError(
                    f"einsum(): index {n!r} has sizes {sizes[n]} and {size} that do not broadcast"
                )
            sizes[n] = max(sizes[n], size) if 0 not in (sizes[n], size) else 0
    if missing := [n for n in output if n not in sizes]:
        raise RuntimeError(
            f"einsum(): output subscript {missing[0]!r} does not appear in any input"
        )
    expanded = [
        x.expand([sizes[n] for n in names])
        if x._array.shape != tuple(sizes[n] for n in names)
        else x
        for names, x in zip(inputs, xs, strict=True)
    ]
    return Einsum.apply(inputs, output, *expanded)


def _from_sublists(*arguments: Any) -> tuple[str, tuple[Any, ...]]:
    """``einsum(x, [0, 1], y, [1, 2], [0, 2])`` as an equation and its operands."""

    def letters(sublist: Any) -> str:
        return "".join("..." if i is ... else string.ascii_letters[i] for i in sublist)

    pairs = len(arguments) // 2 * 2
    inputs = ",".join(letters(s) for s in arguments[1:pairs:2])
    output = f"->{letters(arguments[-1])}" if len(arguments) % 2 else ""
    return inputs + output, arguments[:pairs:2]


def _without_repeats(xs: Any, names_of: tuple[str, ...]) -> tuple[list[Any], tuple[str, ...]]:
    """Operands that name an index twice, as in ``"ii->i"``, become their diagonals."""
    xs, inputs = list(xs), list(names_of)
    for i, names in enumerate(inputs):
        while len(set(names)) < len(names):
            n = next(c for c in names if names.count(c) > 1)
            a = names.index(n)
            b = names.index(n, a + 1)
            xs[i] = Diagonal.apply(xs[i], 0, a, b)
            names = names[:a] + names[a + 1 : b] + names[b + 1 :] + n
        inputs[i] = names
    return xs, tuple(inputs)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: None = None) -> Tensor:
    """Products summed over pairs of dimensions: the last of ``a`` with the first of ``b``, or lists."""
    n, m = a._array.ndim, b._array.ndim
    if isinstance(dims, int):
        left, right = list(range(n - dims, n)), list(range(dims))
    else:
        left = [normalize_axis(d, n) for d in dims[0]]
        right = [normalize_axis(d, m) for d in dims[1]]
    for i, j in zip(left, right, strict=True):
        if a._array.shape[i] != b._array.shape[j]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a._array.shape[i]} in dim {i} and "
                f"second has size {b._array.shape[j]} in dim {j}"
            )
    letters = iter(string.ascii_letters)
    names_a = [next(letters) for _ in range(n)]
    names_b = [next(letters) for _ in range(m)]
    for i, j in zip(left, right, strict=True):
        names_b[j] = names_a[i]
    kept = [c for k, c in enumerate(names_a) if k not in left] + [
        c for k, c in enumerate(names_b) if k not in right
    ]
    return einsum(f"{''.join(names_a)},{''.join(names_b)}->{''.join(kept)}", a, b)
