"""Rows for looking up rows by integer."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, normal

_index = np.array([[0, 2], [3, 2]])
_table = np.ones((4, 3), np.float32)


def _embedding(torch, i, w, **options):
    w = w.clone()  # which max_norm changes
    return torch.nn.functional.embedding(i, w, **options), w.detach().clone()


OpSpec(
    "F.embedding",
    lambda torch, i, w, **options: torch.nn.functional.embedding(i, w, **options),
    lambda rng: [
        Sample(_index, normal(rng, 4, 3)),
        Sample(np.array(3), normal(rng, 4, 3)),
        Sample(np.array([1, 3, 1], np.int32), normal(rng, 4, 3)),
        Sample(np.zeros((0,), np.int64), normal(rng, 4, 3)),
        Sample(np.zeros((2, 0), np.int64), normal(rng, 0, 3)),
        Sample(_index.T, normal(rng, 3, 4).T),
    ],
    errors=[
        Bad(IndexError, r"4 must lie in 0\.\.3", (np.array([1, 4]), _table)),
        Bad(IndexError, "-1 must lie", (np.array([-1]), _table)),
        Bad(RuntimeError, "Long, Int", (np.ones(2, "f"), _table)),
        Bad(RuntimeError, "Long, Int", (np.ones(2, np.int16), _table)),
        Bad(RuntimeError, "Long, Int", (np.ones(2, bool), _table)),
        Bad(RuntimeError, "weight", (np.ones(2, int), np.ones(4, "f"))),
        Bad(AssertionError, "adding_idx", (np.ones(2, int), _table), {"padding_idx": 4}),
        Bad(AssertionError, "adding_idx", (np.ones(2, int), _table), {"padding_idx": -5}),
        Bad(TypeError, "must be .*Tensor", ([0, 1], _table)),
    ],
)  # fmt: skip
OpSpec(
    "F.embedding with another gradient",
    lambda torch, i, w, **options: torch.nn.functional.embedding(i, w, **options),
    lambda rng: [
        Sample(_index, normal(rng, 4, 3), padding_idx=2),
        Sample(_index, normal(rng, 4, 3), padding_idx=-1),
        Sample(_index, normal(rng, 4, 3), scale_grad_by_freq=True),
        Sample(_index, normal(rng, 4, 3), scale_grad_by_freq=True, padding_idx=0),
    ],
    numerical=False,
    note="the padding row gets no gradient, frequent rows less",
)
OpSpec(
    "F.embedding with max_norm",
    _embedding,
    lambda rng: [
        Sample(_index, normal(rng, 4, 3), max_norm=0.8),
        Sample(_index, normal(rng, 4, 3), max_norm=0.8, norm_type=1.0),
        Sample(_index, normal(rng, 4, 3), max_norm=100.0, padding_idx=2),
        Sample(_index[:0], normal(rng, 4, 3), max_norm=0.8),
    ],
    numerical=False,
    note="the rows are shortened in place",
)
OpSpec(
    "F.one_hot",
    lambda torch, i, *a: torch.nn.functional.one_hot(i, *a),
    lambda rng: [
        Sample(np.array([0, 1, 3])),
        Sample(np.array([[0, 1, 3]]), 6),
        Sample(np.array(2)),
        Sample(np.zeros((2, 0), int), 3),
    ],
    gradient=False,
    errors=[
        Bad(RuntimeError, r"num_classes \(=3\), got 3", (np.array([0, 1, 3]), 3)),
        Bad(RuntimeError, "num_classes", (np.array([0]), 0)),
        Bad(RuntimeError, "num_classes", (np.array([0]), -2)),
        Bad(RuntimeError, "non-negative, got -1", (np.array([1, -1]),)),
        Bad(RuntimeError, "LongTensor", (np.array([1], np.int32),)),
        Bad(RuntimeError, "infer", (np.zeros(0, int),)),
    ],
)
ModuleSpec(
    "nn.Embedding",
    lambda torch: torch.nn.Embedding(5, 3),
    lambda rng: [Sample(np.array([[0, 2], [4, 2]])), Sample(np.array(1))],
    errors=[
        Bad(IndexError, "5 must lie", (np.array([5]),)),
        Bad(AssertionError, "adding_idx", (lambda torch: torch.nn.Embedding(3, 2, 3),)),
        Bad(AssertionError, "adding_idx", (lambda torch: torch.nn.Embedding(3, 2, -4),)),
        Bad(AssertionError, "shape of weight", (
            lambda torch: torch.nn.Embedding(3, 2, _weight=torch.ones(2, 2)),
        )),
        Bad(AssertionError, "2-dim", (
            lambda torch: torch.nn.Embedding.from_pretrained(torch.ones(2)),
        )),
    ],
)  # fmt: skip
ModuleSpec(
    "nn.Embedding with all options",
    lambda torch: torch.nn.Embedding(
        5, 3, padding_idx=-3, max_norm=1.2, norm_type=1.0, scale_grad_by_freq=True
    ),
    lambda rng: [Sample(np.array([[0, 2], [4, 4]]))],
    numerical=False,
    note="the padding row gets no gradient, frequent rows less",
)
ModuleSpec(
    "nn.Embedding from_pretrained",
    lambda torch: torch.nn.Sequential(
        torch.nn.Embedding.from_pretrained(torch.ones(5, 3), padding_idx=1), torch.nn.Linear(3, 2)
    ),
    lambda rng: [Sample(np.array([[0, 2], [4, 2]]))],
)
ModuleSpec(
    "nn.Embedding from_pretrained to be learned",
    lambda torch: torch.nn.Embedding.from_pretrained(torch.ones(5, 3), freeze=False),
    lambda rng: [Sample(np.array([[0, 2], [4, 2]]))],
)
