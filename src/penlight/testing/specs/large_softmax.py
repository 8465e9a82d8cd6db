"""Rows for losses of many classes."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, Constant, ModuleSpec, OpSpec, Sample, normal

_classes = np.array([0, 3, 1, 6, 3])
_places = np.arange(12).reshape(2, 3, 2) % 4


def _loss(torch, x, w, t, chunk=None, **options):
    if chunk is not None:
        options["options"] = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=chunk)
    return torch.nn.functional.linear_cross_entropy(x, w, t, **options)


def _samples(rng):
    x, w = normal(rng, 5, 4), normal(rng, 7, 4)
    for reduction in ("mean", "sum", "none"):
        yield Sample(x, w, _classes, reduction=reduction)
    yield Sample(x, w, _classes, linear_bias=normal(rng, 7), label_smoothing=0.1)
    yield Sample(x, w, _classes, ignore_index=3, weight=Constant(rng.random(7, np.float32)))
    yield Sample(x[0], w, np.array(3))
    yield Sample(x, w, Constant(rng.dirichlet(np.ones(7), 5).astype("f")))
    yield Sample(
        normal(rng, 2, 5), normal(rng, 4, 3, 2, 5), _places, linear_bias=normal(rng, 4, 3, 2)
    )


def _in_chunks(rng):
    x, w = normal(rng, 5, 4), normal(rng, 7, 4)
    for reduction in ("mean", "sum", "none"):
        yield Sample(x, w, _classes, 2, reduction=reduction)
    yield Sample(x, w, _classes, 3, linear_bias=normal(rng, 7))
    yield Sample(x, w, _classes, 2, ignore_index=3, weight=Constant(rng.random(7, np.float32)))
    yield Sample(100 * x, w, _classes, 9)


_x, _w = np.ones((5, 4), np.float32), np.ones((7, 4), np.float32)
_errors = [
    Bad(RuntimeError, "dimensionality", (_x[None], _w, _classes)),
    Bad(RuntimeError, "in_features", (_x, _w[:, :3], _classes)),
    Bad(RuntimeError, "batched", (_x[0], np.ones((7, 2, 4), "f"), _classes[:1])),
    Bad(RuntimeError, "linear_bias", (_x, _w, _classes), {"linear_bias": np.ones(3, "f")}),
    Bad(RuntimeError, "probabilities", (_x, _w, np.ones((5, 7), "f")), {"ignore_index": 1}),
]
OpSpec("F.linear_cross_entropy", _loss, _samples, errors=_errors)
OpSpec(
    "F.linear_cross_entropy in chunks",
    _loss,
    _in_chunks,
    errors=[
        Bad(ValueError, "batch_size", (_x, _w, _classes[:3], 2), torch_raises=False),
        Bad(IndexError, "out of bounds", (_x, _w, _classes + 1, 2), torch_raises=False),
        Bad(ValueError, "batch_chunk_size", (_x, _w, _classes, -1)),
    ],
)
ModuleSpec(
    "nn.LinearCrossEntropyLoss",
    lambda torch: torch.nn.LinearCrossEntropyLoss(4, 7, bias=True),
    lambda rng: [Sample(normal(rng, 5, 4), _classes)],
)
ModuleSpec(
    "nn.LinearCrossEntropyLoss of places",
    lambda torch: torch.nn.LinearCrossEntropyLoss(5, 4, out_features=(3, 2), reduction="sum"),
    lambda rng: [Sample(normal(rng, 2, 5), _places)],
)
ModuleSpec(
    "nn.LinearCrossEntropyOptions",
    lambda torch: torch.nn.LinearCrossEntropyLoss(
        4, 7, options=torch.nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio:2")
    ),
    lambda rng: [Sample(normal(rng, 5, 4), _classes)],
    errors=[
        Bad(ValueError, "chunking_method",
            (lambda torch: torch.nn.LinearCrossEntropyOptions(chunking_method="some"),)),
        Bad(ValueError, "acc_policy",
            (lambda torch: torch.nn.LinearCrossEntropyOptions(acc_policy="some"),)),
    ],
    second_order=False,
    note="PyTorch's printed options and ours are alike; second order is tested above",
)  # fmt: skip


def _adaptive(torch, **options):
    return torch.nn.AdaptiveLogSoftmaxWithLoss(8, 10, [2, 5, 7], div_value=2.0, **options)


ModuleSpec(
    "nn.AdaptiveLogSoftmaxWithLoss",
    _adaptive,
    lambda rng: [
        Sample(normal(rng, 6, 8), np.array([0, 2, 9, 5, 1, 6])),
        Sample(normal(rng, 2, 8), np.array([0, 1])),
        Sample(normal(rng, 8), np.array(7)),
    ],
    errors=[
        Bad(RuntimeError, "same size", (_wide := np.ones((3, 8), "f"), np.array([1, 2]))),
        Bad(RuntimeError, r"\[0, 9\]", (_wide, np.array([1, 2, 10]))),
        Bad(RuntimeError, r"\[0, 9\]", (_wide, np.array([1, -2, 1]))),
        Bad(RuntimeError, "1D input|2D", (_wide, np.array(1))),
        Bad(RuntimeError, "multi-target", (_wide, np.ones((3, 1), int))),
        Bad(ValueError, "larger than 0", (lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(8, 10, []),)),
        Bad(ValueError, "increasing", (lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(8, 10, [10]),)),
        Bad(ValueError, "increasing", (lambda torch: torch.nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 3]),)),
    ],
)  # fmt: skip
ModuleSpec(
    "nn.AdaptiveLogSoftmaxWithLoss with a bias",
    lambda torch: _adaptive(torch, head_bias=True),
    lambda rng: [Sample(normal(rng, 4, 8), np.array([4, 2, 9, 5]))],
)
OpSpec(
    "F.pdist",
    lambda torch, x, *a: torch.nn.functional.pdist(x, *a),
    lambda rng: [
        Sample(normal(rng, 4, 3)), Sample(normal(rng, 4, 3), 1.0), Sample(normal(rng, 4, 3), 3.0),
        Sample(normal(rng, 3, 4).T, float("inf")),
    ],
    errors=[
        Bad(RuntimeError, "2D", (np.ones(3, "f"),)),
        Bad(RuntimeError, "floating", (np.ones((3, 2), int),)),
        Bad(RuntimeError, "non-negative", (np.ones((3, 2), "f"), -1.0)),
    ],
)  # fmt: skip
OpSpec(
    "F.pdist at 0",
    lambda torch, x, *a: torch.nn.functional.pdist(x, *a),
    lambda rng: [Sample(np.float32([[1, 2], [1, 2], [3, 4]]), p) for p in (0.0, 1.0, 2.0)],
    numerical=False,
    note="kinks",
)
