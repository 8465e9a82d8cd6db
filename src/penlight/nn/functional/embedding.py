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
        sparse: accepted; the gradient is dense here, with zeros where PyTorch's has no rows.

    Returns:
        y, (*S, D).

    Raises:
        IndexError: if an integer is out of range.
        TypeError: if ``input`` is no Tensor.
        RuntimeError: if ``input`` does not hold int64 or int32, or ``weight`` is no matrix.
        AssertionError: if ``padding_idx`` is out of range.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"embedding: input must be a Tensor, not {type(input).__name__}")
    index = input._array
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(
            "embedding: Expected input to hold indices of one of the scalar types Long, Int (int64, "
            f"int32), but got {input.dtype} instead"
        )
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, got shape {list(weight.shape)}")
    rows = weight._array.shape[0]
    if index.size and (index.min() < 0 or index.max() >= rows):
        wrong = index[(index < 0) | (index >= rows)][0]
        raise IndexError(
            f"embedding: index out of range in input: {wrong} must lie in 0..{rows - 1}, for "
            f"num_embeddings (={rows}) rows of weight"
        )
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(
                f"embedding: Padding_idx (={padding_idx}) must be within num_embeddings (={rows})"
            )
        padding_idx %= rows
    if max_norm is not None:
        _shorten(weight, np.unique(index), max_norm, norm_type)
    return Embedding.apply(weight, input, padding_idx, scale_grad_by_freq)


def _shorten(weight: Tensor, used: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Scale the used rows that are longer than ``max_norm`` down to it, in place."""
    with no_grad():
        rows = weight.detach()[used]
        norms = rows.norm(norm_type, 1, keepdim=True)
        scale = (max_norm / (norms + 1e-7)).where(norms > max_norm, 1.0)
        weight[used] = rows * scale


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Integers as rows of zeros with a one: (*S) to (*S, num_classes), int64.

    Args:
        tensor: integers in [0, num_classes), int64, any shape S.
        num_classes: default: the largest integer plus one.

    Raises:
        RuntimeError: if ``tensor`` is not int64, an integer is out of range, or ``num_classes`` is
            to be worked out from an empty tensor.
    """
    index = tensor._array
    if index.dtype != np.int64:
        raise RuntimeError(
            f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}"
        )
    low, high = (int(index.min()), int(index.max())) if index.size else (0, -1)
    if num_classes == -1:
        if not index.size:
            raise RuntimeError(
                "one_hot: Can not infer total number of classes from empty tensor; give num_classes"
            )
        num_classes = high + 1
    if low < 0:
        raise RuntimeError(f"one_hot: Class values must be non-negative, got {low}")
    if high >= num_classes or num_classes < 1:
        raise RuntimeError(
            f"one_hot: Class values must be smaller than num_classes (={num_classes}), got {high}"
        )
    return wrap(Tensor, (index[..., None] == np.arange(num_classes)).astype(np.int64))
