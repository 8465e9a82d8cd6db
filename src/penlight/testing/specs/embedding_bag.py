"""Rows for bags of embeddings."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, Constant, ModuleSpec, OpSpec, Sample, distinct, normal

_flat = np.array([1, 2, 4, 5, 4])
_offsets = np.array([0, 2, 2])
_pairs = np.array([[0, 2], [3, 3], [5, 2]])
_table = np.ones((6, 3), np.float32)


def _bag(torch, i, w, *rest, **options):
    return torch.nn.functional.embedding_bag(i, w, *rest, **options)


def _samples(rng):
    for mode in ("sum", "mean", "max"):
        yield Sample(_flat, distinct(rng, 6, 3), _offsets, mode=mode)
        yield Sample(_pairs, distinct(rng, 6, 3), mode=mode)
        yield Sample(
            _flat, distinct(rng, 6, 3), np.array([0, 3, 5]), mode=mode, include_last_offset=True
        )
        yield Sample(_flat[:0], distinct(rng, 6, 3), np.array([0, 0]), mode=mode)
    yield Sample(_flat, normal(rng, 6, 3), _offsets.astype(np.int32).astype(np.int64), mode="mean")
    weights = normal(rng, 5)
    yield Sample(_flat, normal(rng, 6, 3), _offsets, mode="sum", per_sample_weights=weights)
    yield Sample(_pairs, normal(rng, 6, 3), mode="sum", per_sample_weights=normal(rng, 3, 2))


def _other_gradient(rng):
    for mode in ("sum", "mean", "max"):
        yield Sample(_flat, distinct(rng, 6, 3), _offsets, mode=mode, padding_idx=4)
        yield Sample(np.array([[4, 4], [4, 1]]), distinct(rng, 6, 3), mode=mode, padding_idx=-2)
    # PyTorch takes other counts where a row follows a frequent one
    yield Sample(
        np.array([1, 2, 5, 4, 5]), normal(rng, 6, 3), _offsets, mode="sum", scale_grad_by_freq=True
    )
    yield Sample(
        np.array([1, 2, 5, 4, 5]), normal(rng, 6, 3), _offsets, mode="mean", scale_grad_by_freq=True
    )


_errors = [
    Bad(ValueError, "mode", (_flat, _table, _offsets), {"mode": "median"}),
    Bad(ValueError, "offsets", (_pairs, _table, _offsets)),
    Bad(ValueError, "offsets", (_flat, _table)),
    Bad(ValueError, "1D", (_flat, _table, _offsets[None])),
    Bad(ValueError, "1D or 2D", (_pairs[None], _table)),
    Bad(RuntimeError, r"offsets\[0\]", (_flat, _table, np.array([1, 2]))),
    Bad(RuntimeError, "length 5", (_flat, _table, np.array([0, 9]))),
    Bad(RuntimeError, "decrease", (_flat, _table, np.array([0, 3, 2])), torch_raises=False),
    Bad(RuntimeError, "value 6", (_flat + 2, _table, _offsets)),
    Bad(RuntimeError, "Long, Int", (_flat.astype("f"), _table, _offsets.astype("f"))),
    Bad(RuntimeError, "padding_idx", (_flat, _table, _offsets), {"padding_idx": 6}),
    Bad(ValueError, "same shape", (_flat, _table, _offsets),
        {"mode": "sum", "per_sample_weights": np.ones(4, "f")}),
    Bad(NotImplementedError, "mode='sum'", (_flat, _table, _offsets),
        {"per_sample_weights": np.ones(5, "f")}),
    Bad(ValueError, "scale", (_flat, _table, _offsets), {"mode": "max", "scale_grad_by_freq": True}),
]  # fmt: skip
OpSpec("F.embedding_bag", _bag, _samples, errors=_errors)
OpSpec(
    "F.embedding_bag with another gradient",
    _bag,
    _other_gradient,
    numerical=False,
    note="the padding row gets no gradient, frequent rows less",
)
OpSpec(
    "F.embedding_bag with max_norm",
    lambda torch, i, w, o, **options: _bag(torch, i, w.clone(), o, **options),
    lambda rng: [Sample(_flat, normal(rng, 6, 3), _offsets, max_norm=0.8, norm_type=1.0)],
    numerical=False,
    note="the rows are shortened in place",
)
ModuleSpec(
    "nn.EmbeddingBag",
    lambda torch: torch.nn.EmbeddingBag(6, 3),
    lambda rng: [Sample(_flat, _offsets), Sample(_pairs)],
    errors=[
        Bad(AssertionError, "padding_idx", (lambda torch: torch.nn.EmbeddingBag(4, 3, padding_idx=4),)),
        Bad(AssertionError, "weight", (lambda torch: torch.nn.EmbeddingBag(4, 3, _weight=torch.zeros(3, 3)),)),
        Bad(AssertionError, "2-dimensional", (lambda torch: torch.nn.EmbeddingBag.from_pretrained(torch.zeros(3)),)),
    ],
)  # fmt: skip
ModuleSpec(
    "nn.EmbeddingBag with weights",
    lambda torch: torch.nn.EmbeddingBag(6, 3, mode="sum"),
    lambda rng: [Sample(_flat, _offsets, Constant(normal(rng, 5)))],
)
ModuleSpec(
    "nn.EmbeddingBag of maxima with padding",
    lambda torch: torch.nn.EmbeddingBag(6, 3, mode="max", padding_idx=2, include_last_offset=True),
    lambda rng: [Sample(_flat, np.array([0, 3, 5]))],
    numerical=False,
    note="the padding row gets no gradient",
)
