"""Rows for distances and for losses that ask for a margin."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.loss import REDUCTIONS, function
from penlight.testing.specs.spec import Bad, Constant, ModuleSpec, OpSpec, Sample, distinct, normal

_x = np.ones((2, 3), np.float32)
_unknown = {"reduction": "average"}


def _signs(rng, *shape):
    return Constant(np.float32(rng.integers(0, 2, shape) * 2 - 1))


# -- distances -----------------------------------------------------------------------------------

OpSpec(
    "F.cosine_similarity",
    function("cosine_similarity"),
    lambda rng: [
        Sample(normal(rng, 2, 3), normal(rng, 2, 3)),
        Sample(normal(rng, 2, 3), normal(rng, 3), dim=-1),
        Sample(normal(rng, 2, 1, 3), normal(rng, 4, 3), dim=2),
        Sample(normal(rng, 3), normal(rng, 3), 0, 0.5),
        Sample(normal(rng, 0, 3), normal(rng, 0, 3)),
    ],
    errors=[
        Bad(RuntimeError, "floating", (_x.astype(int), _x.astype(int))),
        Bad(IndexError, "range", (_x, _x, 2)),
    ],
)
OpSpec(
    "F.cosine_similarity of short vectors",
    lambda torch, x, y: torch.nn.functional.cosine_similarity(x.detach(), y, eps=2.0),
    lambda rng: [
        Sample(np.zeros((2, 3), "f"), normal(rng, 2, 3, scale=3)),
        Sample(np.float32([[0.1, 0, 0]]), normal(rng, 1, 3, scale=0.3)),
    ],
    numerical=False,
    note="the gradient passes as if the length were not held",
)
OpSpec(
    "F.pairwise_distance",
    function("pairwise_distance"),
    lambda rng: [
        Sample(distinct(rng, 2, 3), normal(rng, 2, 3, scale=0.1)),
        Sample(distinct(rng, 2, 3), normal(rng, 3, scale=0.1), p=1.0, keepdim=True),
        Sample(distinct(rng, 2, 3), normal(rng, 2, 3, scale=0.1), p=float("inf")),
        Sample(distinct(rng, 2, 3), normal(rng, 2, 3, scale=0.1), p=3.0, eps=0.01),
        Sample(distinct(rng, 3), normal(rng, 3, scale=0.1)),
    ],
    rtol=1e-4,
    errors=[Bad(RuntimeError, "must match the size", (_x, _x[:, :2]))],
)
ModuleSpec(
    "nn.CosineSimilarity",
    lambda torch: torch.nn.CosineSimilarity(dim=0, eps=1e-3),
    lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 2, 3))],
    errors=[Bad(RuntimeError, "floating", (_x.astype(int), _x.astype(int)))],
)
ModuleSpec(
    "nn.PairwiseDistance",
    lambda torch: torch.nn.PairwiseDistance(p=1, keepdim=True),
    lambda rng: [Sample(distinct(rng, 2, 3), normal(rng, 2, 3, scale=0.1))],
    errors=[Bad(RuntimeError, "must match the size", (_x, _x[:, :2]))],
)

# -- pairs and triplets --------------------------------------------------------------------------

OpSpec(
    "F.hinge_embedding_loss",
    function("hinge_embedding_loss"),
    lambda rng: [
        *(Sample(distinct(rng, 2, 3), _signs(rng, 2, 3), reduction=r) for r in REDUCTIONS),
        Sample(distinct(rng, 3), _signs(rng, 3), 2.0),
        Sample(distinct(rng, 3), Constant(np.float32([0, 1, 2]))),
    ],
    errors=[Bad(ValueError, "reduction", (_x, _x), _unknown)],
)
OpSpec(
    "F.margin_ranking_loss",
    function("margin_ranking_loss"),
    lambda rng: [
        *(
            Sample(distinct(rng, 4), normal(rng, 4, scale=0.01), _signs(rng, 4), reduction=r)
            for r in REDUCTIONS
        ),
        Sample(distinct(rng, 2, 3), normal(rng, 2, 1, scale=0.01), _signs(rng, 2, 3), 0.5),
    ],
    errors=[
        Bad(RuntimeError, "same dimension", (_x, _x[0], _x)),
        Bad(ValueError, "reduction", (_x, _x, _x), _unknown),
    ],
)
OpSpec(
    "F.cosine_embedding_loss",
    function("cosine_embedding_loss"),
    lambda rng: [
        *(
            Sample(normal(rng, 4, 3), normal(rng, 4, 3), _signs(rng, 4), 0.2, reduction=r)
            for r in REDUCTIONS
        ),
        Sample(normal(rng, 3), normal(rng, 3), Constant(np.ones((), "f"))),
    ],
    errors=[
        Bad(RuntimeError, "1D target", (_x[0], _x[0], _x[0])),
        Bad(RuntimeError, "2D target", (_x, _x, _x)),
        Bad(ValueError, "reduction", (_x, _x, _x[:, 0]), _unknown),
    ],
)
OpSpec(
    "F.soft_margin_loss",
    function("soft_margin_loss"),
    lambda rng: [
        *(Sample(normal(rng, 2, 3), _signs(rng, 2, 3), reduction=r) for r in REDUCTIONS),
        Sample(normal(rng, 2, 3), _signs(rng, 3)),
    ],
    errors=[Bad(ValueError, "reduction", (_x, _x), _unknown)],
)


def _triplets(rng, **options):
    return Sample(
        distinct(rng, 4, 3), normal(rng, 4, 3, scale=2), normal(rng, 4, 3, scale=2), **options
    )


_triplet_errors = [
    Bad(ValueError, "margin", (_x, _x, _x), {"margin": 0.0}),
    Bad(RuntimeError, "number of dimensions", (_x, _x, _x[0])),
    Bad(ValueError, "reduction", (_x, _x, _x), _unknown),
]
OpSpec(
    "F.triplet_margin_loss",
    function("triplet_margin_loss"),
    lambda rng: [
        *(_triplets(rng, reduction=r) for r in REDUCTIONS),
        _triplets(rng, margin=2.0, p=1.0, swap=True, eps=0.01),
        Sample(distinct(rng, 3), normal(rng, 3), normal(rng, 3)),
    ],
    rtol=1e-4,
    errors=_triplet_errors,
)
OpSpec(
    "F.triplet_margin_with_distance_loss",
    lambda torch, a, p, n, **options: torch.nn.functional.triplet_margin_with_distance_loss(
        a, p, n, distance_function=lambda x, y: (x - y).square().sum(-1), **options
    ),
    lambda rng: [
        *(_triplets(rng, reduction=r) for r in REDUCTIONS),
        _triplets(rng, margin=2.0, swap=True),
    ],
    rtol=1e-4,
    errors=_triplet_errors,
)

# -- classes -------------------------------------------------------------------------------------

_classes = np.array([0, 2])
OpSpec(
    "F.multi_margin_loss",
    function("multi_margin_loss"),
    lambda rng: [
        *(Sample(distinct(rng, 2, 3), _classes, margin=0.7, reduction=r) for r in REDUCTIONS),
        Sample(distinct(rng, 2, 3), _classes, 2, 0.7, Constant(np.float32([1, 2, 3]))),
        Sample(distinct(rng, 3), np.array(1), margin=0.7),
    ],
    errors=[
        Bad(RuntimeError, "target 3 is out of range", (_x, np.array([0, 3]))),
        Bad(ValueError, "p ==", (_x, _classes, 3)),
        Bad(RuntimeError, "target", (_x, np.array([0]))),
        Bad(RuntimeError, "input", (_x[None], np.array([0]))),
        Bad(RuntimeError, "weight", (_x, _classes), {"weight": np.ones(2, "f")}),
    ],
)
_lists = np.array([[0, 2, -1, 1], [1, -1, 0, 0], [-1, 0, 1, 2]])
_scores = np.ones((3, 4), np.float32)
OpSpec(
    "F.multilabel_margin_loss",
    function("multilabel_margin_loss"),
    lambda rng: [
        *(Sample(distinct(rng, 3, 4) * 0.9, _lists, reduction=r) for r in REDUCTIONS),
        Sample(distinct(rng, 4) * np.float32(0.9), _lists[0]),
    ],
    errors=[
        Bad(RuntimeError, "target 4 is out of range", (_scores, _lists + 2)),
        Bad(RuntimeError, "target size", (_scores, _lists[:2])),
    ],
)
OpSpec(
    "F.multilabel_soft_margin_loss",
    function("multilabel_soft_margin_loss"),
    lambda rng: [
        *(
            Sample(normal(rng, 2, 3), Constant(np.float32([[0, 1, 1], [1, 0, 1]])), reduction=r)
            for r in REDUCTIONS
        ),
        Sample(
            normal(rng, 2, 3),
            Constant(np.float32([0, 1, 1])),
            weight=Constant(np.float32([1, 2, 3])),
        ),
    ],
    errors=[Bad(ValueError, "reduction", (_x, _x), _unknown)],
)

_samples = {
    "pairs": lambda rng: [
        Sample(distinct(rng, 2, 3), Constant(np.float32([[1, -1, 1], [-1, -1, 1]])))
    ],
    "two": lambda rng: [Sample(distinct(rng, 2), normal(rng, 2, scale=0.01), np.array([1, -1]))],
    "vectors": lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 2, 3), np.array([1, -1]))],
    "triplets": lambda rng: [_triplets(rng)],
    "classes": lambda rng: [Sample(distinct(rng, 2, 3), _classes)],
    "lists": lambda rng: [Sample(distinct(rng, 3, 4) * 0.9, _lists)],
}  # fmt: skip
for _name, _arguments, _kind in [
    ("HingeEmbeddingLoss", "margin=0.7", "pairs"),
    ("MarginRankingLoss", "margin=0.3, reduction='sum'", "two"),
    ("CosineEmbeddingLoss", "margin=0.1", "vectors"),
    ("SoftMarginLoss", "reduction='none'", "pairs"),
    ("TripletMarginLoss", "margin=3.0, p=1, swap=True", "triplets"),
    ("TripletMarginWithDistanceLoss", "margin=3.0", "triplets"),
    ("TripletMarginWithDistanceLoss", "distance_function=torch.nn.PairwiseDistance(1)", "triplets"),
    ("MultiMarginLoss", "2, 0.7, torch.tensor([1.0, 2, 3])", "classes"),
    ("MultiLabelMarginLoss", "reduction='sum'", "lists"),
    ("MultiLabelSoftMarginLoss", "torch.tensor([1.0, 2, 3])", "pairs"),
]:
    ModuleSpec(
        f"nn.{_name}({_arguments})",
        lambda torch, name=_name, a=_arguments: eval(f"torch.nn.{name}({a})", {"torch": torch}),
        _samples[_kind],
        covers=(f"nn.{_name}",),
        parity=_name != "SoftMarginLoss",
        note="PyTorch has no gradient of the target",
        errors={
            "MultiMarginLoss": [
                Bad(ValueError, "p ==", (lambda torch: torch.nn.MultiMarginLoss(p=3),)),
                Bad(ValueError, "weight", (
                    lambda torch: torch.nn.MultiMarginLoss(weight=torch.ones(2, 2)),
                )),
            ],
            "TripletMarginLoss": [
                Bad(ValueError, "margin", (lambda torch: torch.nn.TripletMarginLoss(-1.0),)),
            ],
            "TripletMarginWithDistanceLoss": [
                Bad(ValueError, "margin", (
                    lambda torch: torch.nn.TripletMarginWithDistanceLoss(margin=0.0),
                )),
            ],
            "MultiLabelMarginLoss": [Bad(RuntimeError, "target 4", (_scores, _lists + 2))],
        }.get(_name, []),
    )  # fmt: skip
