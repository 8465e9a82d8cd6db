"""Rows for losses and embeddings."""

from __future__ import annotations

import numpy as np

from tests.specs.spec import Bad, ModuleSpec, OpSpec, Sample, distinct, integers, normal

_logits = np.zeros((3, 4), np.float32)
_classes = np.array([0, 1, 3])
REDUCTIONS = ("mean", "sum", "none")


def _probabilities(rng, *shape):  # type: ignore[no-untyped-def]
    return np.asarray(rng.uniform(0.1, 0.9, shape), np.float32)


def _distribution(rng, n, c):  # type: ignore[no-untyped-def]
    p = rng.uniform(0.1, 1, (n, c))
    return np.asarray(p / p.sum(1, keepdims=True), np.float32)


class _Constant:
    """An array that becomes a tensor without gradient: targets and weights."""

    def __init__(self, array):  # type: ignore[no-untyped-def]
        self.array = array

    def __repr__(self) -> str:
        return f"const{list(self.array.shape)}".replace(" ", "")


def _function(name):  # type: ignore[no-untyped-def]
    def call(torch, x, *args, **kwargs):  # type: ignore[no-untyped-def]
        def convert(v):  # type: ignore[no-untyped-def]
            return torch.from_numpy(v.array.copy()).to(x.dtype) if isinstance(v, _Constant) else v

        return getattr(torch.nn.functional, name)(
            x, *map(convert, args), **{k: convert(v) for k, v in kwargs.items()}
        )

    return call


def _class_losses(rng):  # type: ignore[no-untyped-def]
    weight = _Constant(np.float32([0.5, 2, 1, 3]))
    for reduction in REDUCTIONS:
        yield Sample(normal(rng, 3, 4), integers(rng, 0, 4, 3), reduction=reduction)
        yield Sample(normal(rng, 3, 4), integers(rng, 0, 4, 3), weight=weight, reduction=reduction)
        yield Sample(
            normal(rng, 2, 4, 3), integers(rng, 0, 4, 2, 3), ignore_index=1, reduction=reduction
        )
    yield Sample(normal(rng, 4), np.array(2))
    yield Sample(normal(rng, 2, 1), np.array([0, 0]))
    yield Sample(normal(rng, 3, 4), np.array([0, -100, 3]), weight=weight)


def _cross_entropy(rng):  # type: ignore[no-untyped-def]
    yield from _class_losses(rng)
    weight = _Constant(np.float32([0.5, 2, 1, 3]))
    for reduction in REDUCTIONS:
        yield Sample(
            normal(rng, 3, 4), np.array([1, 1, 2]), label_smoothing=0.1, reduction=reduction
        )
        yield Sample(
            normal(rng, 3, 4),
            np.array([1, -100, 2]),
            weight=weight,
            label_smoothing=0.3,
            reduction=reduction,
        )
        yield Sample(
            normal(rng, 3, 4),
            _distribution(rng, 3, 4),
            weight=weight,
            label_smoothing=0.2,
            reduction=reduction,
        )
    yield Sample(normal(rng, 4), _distribution(rng, 1, 4)[0])
    yield Sample(normal(rng, 3, 4, scale=1000), np.array([1, 1, 2]))


_bad_classes = [
    Bad(IndexError, "Target 4 is out of bounds", (_logits, np.array([0, 1, 4]))),
    Bad(IndexError, "out of bounds", (_logits, np.array([0, 1, -1]))),
    Bad(ValueError, "batch_size", (_logits, np.array([0, 1]))),
    Bad(RuntimeError, "weight", (_logits, _classes, np.ones(3, "f"))),
]
OpSpec(
    "F.cross_entropy",
    _function("cross_entropy"),
    _cross_entropy,
    errors=[
        *_bad_classes,
        Bad(RuntimeError, "label_smoothing", (_logits, _classes), {"label_smoothing": 1.5}),
        Bad(RuntimeError, "Long", (_logits, _classes.astype("i4"))),
    ],
)
OpSpec("F.nll_loss", _function("nll_loss"), _class_losses, errors=_bad_classes)
OpSpec(
    "empty batches",
    lambda torch, x, t: (
        torch.nn.functional.cross_entropy(x, t),
        torch.nn.functional.cross_entropy(x, t, reduction="sum"),
        torch.nn.functional.mse_loss(x, x.detach()),
    ),
    lambda rng: [Sample(np.zeros((0, 4), "f"), np.zeros((0,), np.int64))],
)
OpSpec(
    "all ignored",
    lambda torch, x, t: torch.nn.functional.cross_entropy(x.detach(), t),
    lambda rng: [Sample(_logits, np.array([-100] * 3))],
    gradient=False,
)


def _pairs(make=distinct, other=distinct):  # type: ignore[no-untyped-def]
    def samples(rng):  # type: ignore[no-untyped-def]
        for reduction in REDUCTIONS:
            yield Sample(make(rng, 2, 3), other(rng, 2, 3) + np.float32(0.11), reduction=reduction)
        yield Sample(make(rng), other(rng) + np.float32(0.11))

    return samples


_pair = (_logits, _logits)
_unknown = Bad(ValueError, "reduction", _pair, {"reduction": "average"})
OpSpec("F.mse_loss", _function("mse_loss"), _pairs(), errors=[_unknown])
OpSpec("F.l1_loss", _function("l1_loss"), _pairs(), errors=[_unknown])
OpSpec(
    "F.smooth_l1_loss",
    _function("smooth_l1_loss"),
    lambda rng: [
        *_pairs()(rng),
        Sample(distinct(rng, 3), distinct(rng, 3) + np.float32(0.1), beta=0.4),
    ],
    errors=[Bad(RuntimeError, "beta", _pair, {"beta": -1.0})],
)
OpSpec(
    "F.huber_loss",
    _function("huber_loss"),
    lambda rng: [
        *_pairs()(rng),
        Sample(distinct(rng, 3), distinct(rng, 3) + np.float32(0.1), delta=0.4),
    ],
    errors=[Bad(RuntimeError, "delta", _pair, {"delta": 0.0})],
)
OpSpec(
    "F.binary_cross_entropy",
    _function("binary_cross_entropy"),
    lambda rng: [
        *(
            Sample(_probabilities(rng, 2, 3), _probabilities(rng, 2, 3), reduction=r)
            for r in REDUCTIONS
        ),
        Sample(
            _probabilities(rng, 2, 3),
            _Constant(_probabilities(rng, 2, 3)),
            weight=_Constant(np.float32([1, 2, 3])),
        ),
    ],
    errors=[
        Bad(RuntimeError, "between 0 and 1", (_logits + 2, _logits)),
        Bad(ValueError, "target size", (_logits, _logits[:2])),
    ],
)
OpSpec(
    "F.binary_cross_entropy_with_logits",
    _function("binary_cross_entropy_with_logits"),
    lambda rng: [
        *(Sample(normal(rng, 2, 3), _probabilities(rng, 2, 3), reduction=r) for r in REDUCTIONS),
        Sample(
            normal(rng, 2, 3),
            _Constant(_probabilities(rng, 2, 3)),
            weight=_Constant(np.float32([1, 2, 3])),
            pos_weight=_Constant(np.float32([3, 1, 2])),
        ),
    ],
    errors=[Bad(ValueError, "Target size", (_logits, _logits[:2]))],
)
OpSpec(
    "F.kl_div",
    _function("kl_div"),
    lambda rng: [
        *(
            Sample(normal(rng, 2, 3), _probabilities(rng, 2, 3), reduction=r)
            for r in ("batchmean", "sum", "none")
        ),
        Sample(normal(rng, 2, 3), normal(rng, 2, 3), reduction="batchmean", log_target=True),
        Sample(normal(rng, 2, 2), _Constant(np.float32([[0, 1], [0.5, 0.5]])), reduction="sum"),
    ],
)

OpSpec(
    "F.embedding",
    lambda torch, i, w, **k: torch.nn.functional.embedding(i, w, **k),
    lambda rng: [
        Sample(np.array([[0, 2], [2, 2]]), normal(rng, 4, 3)),
        Sample(np.array([1, 0, 1]), normal(rng, 4, 3), padding_idx=1),
        Sample(np.array(3), normal(rng, 4, 3)),
        Sample(np.zeros((0,), np.int64), normal(rng, 4, 3)),
    ],
    errors=[
        Bad(IndexError, "out of range", (np.array([4]), _logits[:, :2])),
        Bad(RuntimeError, "Long", (np.ones(2, "f"), _logits)),
    ],
)
OpSpec(
    "F.one_hot",
    lambda torch, i, *a: torch.nn.functional.one_hot(i, *a),
    lambda rng: [Sample(_classes), Sample(_classes, 6), Sample(np.array(2))],
    gradient=False,
    errors=[
        Bad(RuntimeError, "num_classes", (_classes, 3)),
        Bad(RuntimeError, "non-negative", (np.array([-1]),)),
    ],
)

for _name, _arguments in [
    ("MSELoss", ""),
    ("L1Loss", "reduction='sum'"),
    ("SmoothL1Loss", "beta=0.5"),
    ("HuberLoss", "delta=0.5"),
    ("KLDivLoss", "reduction='batchmean'"),
    ("BCEWithLogitsLoss", ""),
]:
    ModuleSpec(
        f"nn.{_name}",
        lambda torch, name=_name, a=_arguments: eval(f"torch.nn.{name}({a})", {"torch": torch}),
        lambda rng: [Sample(distinct(rng, 2, 3), _probabilities(rng, 2, 3))],
    )
ModuleSpec(
    "nn.BCELoss",
    lambda torch: torch.nn.BCELoss(),
    lambda rng: [Sample(_probabilities(rng, 2, 3), _probabilities(rng, 2, 3))],
)
ModuleSpec(
    "nn.CrossEntropyLoss",
    lambda torch: torch.nn.CrossEntropyLoss(torch.ones(4), label_smoothing=0.1),
    lambda rng: [Sample(normal(rng, 3, 4), _classes)],
)
ModuleSpec(
    "nn.NLLLoss",
    lambda torch: torch.nn.NLLLoss(),
    lambda rng: [Sample(normal(rng, 3, 4), _classes)],
)
ModuleSpec(
    "nn.Embedding",
    lambda torch: torch.nn.Embedding(5, 3),
    lambda rng: [Sample(np.array([[0, 2], [4, 2]]))],
)
ModuleSpec(
    "nn.Embedding padded",
    lambda torch: torch.nn.Embedding(5, 3, padding_idx=2),
    lambda rng: [Sample(np.array([[0, 2], [4, 1]]))],
    second_order=False,
    note="the padding row's gradient is dropped",
)
