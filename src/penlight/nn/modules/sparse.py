"""Embeddings."""

from __future__ import annotations

from typing import Any

from penlight.autograd.grad_mode import no_grad
from penlight.nn import functional as F, init
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter
from penlight.tensor import Tensor
from penlight.tensor.creation import empty

__all__ = ["Embedding", "EmbeddingBag"]


def within(owner: str, padding_idx: int, rows: int) -> int:
    """The padding row counted from the front."""
    if not -rows <= padding_idx < rows:
        raise AssertionError(
            f"{owner}: padding_idx (={padding_idx}) must be within num_embeddings (={rows})"
        )
    return padding_idx % rows


def check_table(owner: str, weight: Tensor, rows: int, columns: int) -> None:
    """Raise unless a given weight has the shape that was asked for."""
    if tuple(weight.shape) != (rows, columns):
        raise AssertionError(
            f"{owner}: shape of weight {list(weight.shape)} does not match num_embeddings and "
            f"embedding_dim ({rows}, {columns})"
        )


def check_matrix(owner: str, embeddings: Tensor) -> None:
    """Raise unless given vectors are the rows of a matrix."""
    if embeddings.ndim != 2:
        raise AssertionError(
            f"{owner}.from_pretrained: embeddings is expected to be 2-dimensional, got "
            f"{embeddings.ndim}"
        )


class Embedding(Module):
    """A learned vector for each of the integers 0 to V - 1.

    Args:
        num_embeddings: V.
        embedding_dim: D, the size of each vector.
        padding_idx: a row that starts at zero and is not learned.
        max_norm: rows looked up that are longer are scaled down to this norm.
        norm_type: p of that norm. Default: 2.
        scale_grad_by_freq: divide each row's gradient by its count in the batch.
        sparse: accepted; the gradient is dense here, which :class:`penlight.optim.SparseAdam` takes.

    Shape:
        input (S) of integers, output (*S, D).

    Parameters:
        weight: (V, D), standard normal at the start.

    Raises:
        AssertionError: if ``padding_idx`` is out of range, or ``_weight`` has another shape.

    Source: Bengio, Ducharme, Vincent & Jauvin, "A Neural Probabilistic Language Model", 2003.
    """

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None
    max_norm: float | None
    norm_type: float
    scale_grad_by_freq: bool
    sparse: bool
    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        if padding_idx is not None:
            padding_idx = within("Embedding", padding_idx, num_embeddings)
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            table = empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            self.weight = Parameter(table, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            check_table("Embedding", _weight, num_embeddings, embedding_dim)
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw the vectors anew; the padding row is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An embedding with the given (V, D) vectors, whose memory it shares.

        Args:
            embeddings: the vectors.
            freeze: whether they are not to be learned. Default: True.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: as for the class.

        Raises:
            AssertionError: if ``embeddings`` is no matrix.
        """
        check_matrix("Embedding", embeddings)
        rows, columns = embeddings.shape
        return cls(
            rows,
            columns,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight=embeddings,
            _freeze=freeze,
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2.0}
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        text += ", scale_grad_by_freq=True" if self.scale_grad_by_freq else ""
        return text + (", sparse=True" if self.sparse else "")


class EmbeddingBag(Module):
    """The sum, mean or maximum of learned vectors for the integers in each bag.

    Args:
        num_embeddings: V.
        embedding_dim: D, the size of each vector.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for :class:`Embedding`.
        mode: ``"sum"``, ``"mean"`` (the default) or ``"max"``.
        include_last_offset: ``offsets`` tells the end of the last bag as well.
        padding_idx: a row that counts as not there, starts at zero and is not learned.

    Shape:
        input (B, N), or (sum of sizes,) with offsets (B,); output (B, D).

    Parameters:
        weight: (V, D), standard normal at the start.

    Source: Joulin, Grave, Bojanowski & Mikolov, "Bag of Tricks for Efficient Text Classification", 2017.
    """

    num_embeddings: int
    embedding_dim: int
    max_norm: float | None
    norm_type: float
    scale_grad_by_freq: bool
    mode: str
    sparse: bool
    include_last_offset: bool
    padding_idx: int | None
    weight: Tensor

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        if padding_idx is not None:
            padding_idx = within("EmbeddingBag", padding_idx, num_embeddings)
        self.padding_idx = padding_idx
        if _weight is None:
            self.weight = Parameter(
                empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
            )
            self.reset_parameters()
        else:
            check_table("EmbeddingBag", _weight, num_embeddings, embedding_dim)
            self.weight = Parameter(_weight)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    def reset_parameters(self) -> None:
        """Draw the vectors anew; the padding row is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """Bags of the given (V, D) vectors, whose memory they share; as :meth:`Embedding.from_pretrained`."""
        check_matrix("EmbeddingBag", embeddings)
        rows, columns = embeddings.shape
        bag = cls(
            rows,
            columns,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            _weight=embeddings,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        bag.weight.requires_grad = not freeze
        return bag

    def forward(
        self,
        input: Tensor,
        offsets: Tensor | None = None,
        per_sample_weights: Tensor | None = None,
    ) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        defaults = {"max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        text += f", mode={self.mode!r}"
        return text + (f", padding_idx={self.padding_idx}" if self.padding_idx is not None else "")
