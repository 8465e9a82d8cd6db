"""A softmax over many classes whose cost follows how frequent they are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from penlight.nn import functional as F
from penlight.nn.modules.container import ModuleList, Sequential
from penlight.nn.modules.linear import Linear
from penlight.nn.modules.module import Module
from penlight.ops.joining import cat
from penlight.tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """ln p(y | x) for classes sorted by frequency: the frequent ones directly, the others by cluster.

    The head tells the classes below the first cutoff and the clusters apart; a rare class has
    ln p(cluster | x) + ln p(y | cluster, x). Each further cluster sees x in a smaller dimension.

    Args:
        in_features: D, the size of x.
        n_classes: of all.
        cutoffs: increasing, the first classes of the clusters.
        div_value: cluster i = 0, 1, ... sees D / div_value^(i + 1) numbers. Default: 4.
        head_bias: a bias for the head. Default: False.

    Shape:
        input (N, D) or (D), target (N) or (); output ln p(target) of the target's shape, loss their
        negative mean.

    Raises:
        ValueError: if the cutoffs don't increase, or lie outside of [1, n_classes - 1].

    Source: Grave, Joulin, Cissé, Grangier & Jégou, "Efficient softmax approximation for GPUs", 2017.
    """

    in_features: int
    n_classes: int
    cutoffs: list[int]
    div_value: float
    head_bias: bool
    head: Linear
    tail: ModuleList

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of length larger than 0")  # fmt: skip
        if (
            any(b <= a for a, b in pairwise(cutoffs))
            or min(cutoffs) <= 0
            or max(cutoffs) > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers "
                f"sorted in an increasing order, each between 1 and n_classes - 1 (={n_classes - 1}), got "
                f"{cutoffs}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            size = int(in_features // div_value ** (i + 1))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, size, bias=False, **options),
                    Linear(size, classes, bias=False, **options),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for narrow, wide in self.tail:
            narrow.reset_parameters()
            wide.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        single = target_.ndim == 0
        self._check(input_, target_)
        x = input_.unsqueeze(0) if single else input_
        target = np.atleast_1d(target_.detach().numpy())
        head = F.log_softmax(self.head(x), 1)
        # which entry of the head: the class itself, or its cluster
        cluster = np.searchsorted(self.cutoffs, target, side="right")
        entry = np.where(cluster == 0, target, self.shortlist_size + cluster - 1)
        output = head[np.arange(len(target)), entry]
        for i, tail in enumerate(self.tail):
            rows = np.flatnonzero(cluster == i + 1)
            if rows.size:
                within = F.log_softmax(tail(x[rows]), 1)
                place = target[rows] - self.cutoffs[i]
                rare = within[np.arange(rows.size), place]
                output = output.index_add(0, output.new_tensor(rows, dtype=target_.dtype), rare)
        loss = (-output).mean()
        return _ASMoutput(output.squeeze(0) if single else output, loss)

    def _check(self, x: Tensor, target: Tensor) -> None:
        name = "AdaptiveLogSoftmaxWithLoss"
        if target.ndim > 1:
            raise RuntimeError(f"{name}: 0D or 1D target tensor expected, multi-target not supported, got {target.ndim}D")  # fmt: skip
        if x.ndim != target.ndim + 1:
            raise RuntimeError(f"{name}: {target.ndim}D target tensor expects {target.ndim + 1}D input tensors, but found {x.ndim}D")  # fmt: skip
        if target.ndim and x.shape[0] != target.shape[0]:
            raise RuntimeError(
                f"{name}: Input and target should have the same size in the batch dimension, got "
                f"{x.shape[0]} and {target.shape[0]}"
            )
        labels = target._array
        if labels.size and not (labels.min() >= 0 and labels.max() < self.n_classes):
            raise RuntimeError(
                f"{name}: Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{labels.min()}, {labels.max()}] were found."
            )

    def log_prob(self, input: Tensor) -> Tensor:
        """ln p of all classes, (N, n_classes)."""
        return self._full(input, F.log_softmax(self.head(input), 1))

    def _full(self, x: Tensor, head: Tensor) -> Tensor:
        parts = [head[:, : self.shortlist_size]]
        for i, tail in enumerate(self.tail):
            entry = self.shortlist_size + i
            parts.append(F.log_softmax(tail(x), 1) + head[:, entry : entry + 1])
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each row, (N); clusters are only opened where they win."""
        head = F.log_softmax(self.head(input), 1)
        best = head.argmax(1)
        in_clusters = best._array >= self.shortlist_size
        if not in_clusters.any():
            return best
        rows = np.flatnonzero(in_clusters)
        best[rows] = self._full(input[rows], head[rows]).argmax(1)
        return best
