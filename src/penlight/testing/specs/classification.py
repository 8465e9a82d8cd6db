"""Rows for losses of classes."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.loss import REDUCTIONS, function
from penlight.testing.specs.spec import Bad, Constant, ModuleSpec, OpSpec, Sample, integers, normal

_logits = np.zeros((3, 4), np.float32)
_image = np.zeros((3, 4, 2, 2), np.float32)
_classes = np.array([0, 1, 3])
_weight = Constant(np.float32([0.5, 2, 1, 3]))


def _distribution(rng, n, c):
    p = rng.uniform(0.1, 1, (n, c))
    return np.asarray(p / p.sum(1, keepdims=True), np.float32)


def _class_losses(rng):
    for reduction in REDUCTIONS:
        yield Sample(normal(rng, 3, 4), integers(rng, 0, 4, 3), reduction=reduction)
        yield Sample(normal(rng, 3, 4), integers(rng, 0, 4, 3), weight=_weight, reduction=reduction)
        yield Sample(
            normal(rng, 2, 4, 3), integers(rng, 0, 4, 2, 3), ignore_index=1, reduction=reduction
        )
        yield Sample(normal(rng, 4), np.array(2), weight=_weight, reduction=reduction)
    yield Sample(normal(rng, 2, 4, 2, 2), integers(rng, 0, 4, 2, 2, 2), weight=_weight)
    yield Sample(normal(rng, 1, 2, 2, 1, 2), integers(rng, 0, 2, 1, 2, 1, 2))
    yield Sample(normal(rng, 2, 1), np.array([0, 0]))
    yield Sample(normal(rng, 3, 4), np.array([0, -100, 3]), weight=_weight)
    yield Sample(normal(rng, 3, 4), np.array([0, 255, 3], np.uint8), ignore_index=255)
    yield Sample(normal(rng, 3, 4), np.array([0, 7, 3]), ignore_index=7)
    yield Sample(normal(rng, 4, 3).T, np.array([0, 2, 3]))
    yield Sample(normal(rng, 2, 3, 4).swapaxes(1, 2), integers(rng, 0, 4, 2, 3))


def _cross_entropy(rng):
    yield from _class_losses(rng)
    smoothed = {"label_smoothing": 0.3}
    for reduction in REDUCTIONS:
        yield Sample(normal(rng, 3, 4), np.array([1, 1, 2]), **smoothed, reduction=reduction)
        yield Sample(
            normal(rng, 3, 4),
            np.array([1, -100, 2]),
            weight=_weight,
            **smoothed,
            reduction=reduction,
        )
        yield Sample(
            normal(rng, 3, 4),
            _distribution(rng, 3, 4),
            weight=_weight,
            **smoothed,
            reduction=reduction,
        )
        yield Sample(normal(rng, 4), np.array(2), **smoothed, reduction=reduction)
    yield Sample(normal(rng, 2, 4, 3), integers(rng, 0, 4, 2, 3), **smoothed, ignore_index=1)
    yield Sample(normal(rng, 4), _distribution(rng, 1, 4)[0])
    yield Sample(normal(rng, 2, 3, 2), np.abs(normal(rng, 2, 3, 2)), reduction="none")
    yield Sample(normal(rng, 3, 4), np.array([1, 1, 2]), label_smoothing=1.0)
    yield Sample(normal(rng, 3, 4, scale=1000), np.array([1, 1, 2]))


_bad = [
    Bad(IndexError, r"Target 4 is out of bounds.* 0\.\.3 ", (_logits, np.array([0, 1, 4]))),
    Bad(IndexError, "Target -1 is out of bounds", (_logits, np.array([0, 1, -1]))),
    Bad(IndexError, "Target 9", (_image, np.full((3, 2, 2), 9)), {"ignore_index": 1}),
    Bad(ValueError, r"batch_size \(3\).* batch_size \(2\)", (_logits, np.array([0, 1]))),
    Bad(ValueError, r"batch_size \(0\)", (_logits[:1], np.array(0))),
    Bad(RuntimeError, r"target size \[3\].* got \[3, 1\]", (_logits, _classes[:, None])),
    Bad(RuntimeError, r"target size \[3, 2, 2\]", (_image, np.zeros((3, 3, 2), int))),
    Bad(RuntimeError, r"target size \[3, 2, 2\]", (_image, np.zeros(3, int))),
    Bad(RuntimeError, "weight", (_logits, _classes, np.ones(3, "f"))),
    Bad(RuntimeError, "weight", (_logits, _classes, np.ones(4, "d"))),
    Bad(RuntimeError, "Long or Byte", (_logits, _classes.astype("i4"))),
    Bad(RuntimeError, "Long or Byte", (_logits, _classes.astype("f4"))),
    Bad(RuntimeError, "Long or Byte", (_logits, _classes.astype(bool))),
    Bad(NotImplementedError, "dtype torch.int64", (_logits.astype(int), _classes)),
    Bad(ValueError, "reduction", (_logits, _classes), {"reduction": "batchmean"}),
]
OpSpec(
    "F.cross_entropy",
    function("cross_entropy"),
    _cross_entropy,
    errors=[
        *_bad,
        Bad(RuntimeError, "label_smoothing", (_logits, _classes), {"label_smoothing": 1.5}),
        Bad(RuntimeError, "floating point type for target", (_logits, _logits.astype(int))),
        Bad(RuntimeError, "ignore_index", (_logits, _logits), {"ignore_index": 1}),
        Bad(RuntimeError, "weight", (_logits, _logits, np.ones(3, "f"))),
    ],
)
OpSpec(
    "F.nll_loss",
    function("nll_loss"),
    _class_losses,
    errors=[b for b in _bad if b.error is not NotImplementedError],
)
OpSpec(
    "empty batches",
    lambda torch, x, t: (
        torch.nn.functional.cross_entropy(x, t),
        torch.nn.functional.cross_entropy(x, t, reduction="sum"),
        torch.nn.functional.cross_entropy(x, t, reduction="none"),
        torch.nn.functional.cross_entropy(x, t, label_smoothing=0.1),
        torch.nn.functional.cross_entropy(x, x.detach()),
        torch.nn.functional.nll_loss(x, t),
        torch.nn.functional.mse_loss(x, x.detach()),
    ),
    lambda rng: [
        Sample(np.zeros((0, 4), "f"), np.zeros((0,), np.int64)),
        Sample(np.zeros((2, 4, 0), "f"), np.zeros((2, 0), np.int64)),
        Sample(np.zeros((0, 4, 2, 2), "f"), np.zeros((0, 2, 2), np.int64)),
    ],
)
OpSpec(
    "nothing that counts",  # a batch of padding alone, weights of zero
    lambda torch, x, t: (
        torch.nn.functional.cross_entropy(x, t),
        torch.nn.functional.cross_entropy(x, t, label_smoothing=0.1, reduction="sum"),
        torch.nn.functional.cross_entropy(x, t, reduction="none"),
        torch.nn.functional.nll_loss(x, t),
        torch.nn.functional.nll_loss(x, t, reduction="sum"),
    ),
    lambda rng: [Sample(normal(rng, 3, 4), np.array([-100] * 3))],
    numerical=False,
    note="the mean of nothing is NaN",
)
OpSpec(
    "one target in a list",  # PyTorch accepts it, but its backward fails
    lambda torch, x, t: (
        torch.nn.functional.cross_entropy(x.detach(), t),
        torch.nn.functional.nll_loss(x.detach(), t),
    ),
    lambda rng: [Sample(normal(rng, 4), np.array([2]))],
    gradient=False,
)
OpSpec(
    "weights of zero",
    lambda torch, x, t, w: (
        torch.nn.functional.cross_entropy(x.detach(), t, w.detach()),
        torch.nn.functional.nll_loss(x.detach(), t, w.detach(), reduction="none"),
    ),
    lambda rng: [
        Sample(_logits, _classes, np.zeros(4, "f")),
        Sample(_logits * np.nan, _classes, np.zeros(4, "f")),
    ],
    gradient=False,
)
OpSpec(
    "cross-entropy of extreme logits",
    lambda torch, x, t: tuple(
        torch.nn.functional.cross_entropy(x, t, reduction="none", label_smoothing=s)
        for s in (0.0, 0.1)
    ),
    lambda rng: [
        Sample(np.float32([[1e4, 0, -1e4], [-1e4, 1e4, 0]]), np.array([0, 0])),
        Sample(np.float32([[-np.inf, 0, 1], [-np.inf, 0, 1]]), np.array([1, 0])),
        Sample(np.float32([[-np.inf] * 3, [np.inf, 0, 1], [np.nan, 0, 1]]), np.array([0, 0, 1])),
        Sample(np.float32([[np.nan] * 3, [1, 0, 1]]), np.array([-100, 0])),
    ],
    numerical=False,
    note="infinite",
)
OpSpec(
    "cross-entropy of extreme logits with probabilities",
    lambda torch, x, p: torch.nn.functional.cross_entropy(x, p.detach(), reduction="none"),
    lambda rng: [
        Sample(np.float32([[1e4, 0, -1e4], [-np.inf, 1, 0]]), np.float32([[0, 1, 0], [0, 1, 0]])),
    ],
    numerical=False,
    note="infinite",
)

for _arguments in (
    "",
    "torch.tensor([0.5, 2, 1, 3]), label_smoothing=0.1",
    "ignore_index=1, reduction='sum'",
):
    ModuleSpec(
        f"nn.CrossEntropyLoss({_arguments})",
        lambda torch, a=_arguments: eval(f"torch.nn.CrossEntropyLoss({a})", {"torch": torch}),
        lambda rng: [
            Sample(normal(rng, 3, 4), _classes),
            Sample(normal(rng, 1, 4, 3), _classes[None]),
        ],
        covers=("nn.CrossEntropyLoss",),
        errors=[Bad(IndexError, "Target 4", (_logits, _classes + 1))],
    )
ModuleSpec(
    "nn.NLLLoss",
    lambda torch: torch.nn.NLLLoss(torch.tensor([0.5, 2, 1, 3]), ignore_index=3),
    lambda rng: [Sample(normal(rng, 3, 4), _classes)],
    errors=[Bad(IndexError, "Target 4", (_logits, _classes + 1))],
)
