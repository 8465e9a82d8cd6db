"""Looking up rows by integer."""

from __future__ import annotations

import numpy as np

from penlight.autograd.base import wrap
from penlight.autograd.grad_mode import no_grad
from penlight.ops.embedding import Embedding
from penlight.tensor import Tensor

__all__ = ["embedding", "one_hot"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """y = weight[input]: a row for each integer.

    Args:
        input: integers in [0, V), any shape S.
        weight: (V, D).
        padding_idx: a row that gets no gradient.
        max_norm: rows looked up that are longer are scaled down to it first, in place.
        norm_type: p of that norm. Default: 2.
        scale_grad_by_freq: divide each row's gradient by how often it was looked up.
        sparse: not supported; gradients are dense.

    Returns:
        y, (*S, D).

    Raises:
        IndexError: if an integer is out of range.
        RuntimeError: if ``input`` does not hold integers.
    """
    if sparse:
        raise NotImplementedError("embedding: sparse=True is not supported; gradients are dense")
    index = input.detach().numpy()
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            f"embedding: Expected tensor for argument #1 'indices' to have one of the following "
            f"scalar types: Long, Int; but got {input.dtype} instead"
        )
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, got {list(weight.shape)}")
    rows = weight.shape[0]
    if index.size and (index.min() < 0 or index.max() >= rows):
        raise IndexError(
            f"index out of range in self: input holds {index.min()}..{index.max()}, weight has "
            f"num_embeddings (={rows}) rows"
        )
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(
                f"Padding_idx must be within num_embeddings (={rows}), got {padding_idx}"
            )
        padding_idx %= rows
    if max_norm is not None:
        _shorten(weight, np.unique(index), max_norm, norm_type)
    return Embedding.apply(
        weight, index, -1 if padding_idx is None else padding_idx, scale_grad_by_freq
    )  # type: ignore[no-any-return]


def _shorten(weight: Tensor, used: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the used rows that are longer than ``max_norm`` down to it, in place."""
    with no_grad():
        rows = weight.detach()[used]
        norms = rows.norm(norm_type, 1, keepdim=True)
        scale = (max_norm / (norms + 1e-7)).where(norms > max_norm, 1.0)
        weight[used] = rows * scale


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Integers as rows of zeros with a one: (S) to (*S, num_classes), int64.

    Args:
        num_classes: default: the largest integer plus one.

    Raises:
        RuntimeError: if an integer is negative or not below ``num_classes``.
    """
    index = tensor.detach().numpy()
    if index.dtype != np.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}"
        )
    if not index.size and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if index.size and index.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    highest = int(index.max()) if index.size else -1
    if num_classes == -1:
        num_classes = highest + 1
    elif highest >= num_classes:
        raise RuntimeError(
            f"Class values must be smaller than num_classes (={num_classes}), got {highest}."
        )
    return wrap(Tensor, (index[..., None] == np.arange(num_classes)).astype(np.int64))  # type: ignore[no-any-return]
