"""Rows for losses of numbers and of probabilities."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, Constant, ModuleSpec, OpSpec, Sample, distinct, normal

_zeros = np.zeros((3, 4), np.float32)
REDUCTIONS = ("mean", "sum", "none")


def probabilities(rng, *shape):
    return np.asarray(rng.uniform(0.1, 0.9, shape), np.float32)


def function(name):
    """A call of ``nn.functional``."""
    return lambda torch, *args, **kwargs: getattr(torch.nn.functional, name)(*args, **kwargs)


def shifted(rng, *shape):
    """Values whose differences from ``distinct`` ones lie off the kinks at 0, 0.3, 0.4 and 1."""
    return np.asarray(distinct(rng, *shape) + np.float32(0.11))


def _pairs(**options):
    def samples(rng):
        for reduction in REDUCTIONS:
            yield Sample(distinct(rng, 2, 3), shifted(rng, 2, 3), reduction=reduction)
        yield Sample(distinct(rng), shifted(rng))
        yield Sample(distinct(rng, 0, 3), shifted(rng, 0, 3))
        yield Sample(distinct(rng, 3, 2).T, Constant(shifted(rng, 2, 3)))
        if options:
            yield Sample(distinct(rng, 4), shifted(rng, 4), **options)

    return samples


def _weighted(rng):
    weight = Constant(np.float32([[1, 2, 0], [3, 0.5, 1]]))
    for reduction in REDUCTIONS:
        yield Sample(distinct(rng, 2, 3), shifted(rng, 2, 3), weight=weight, reduction=reduction)


_pair = (_zeros, _zeros)
_integers = Bad(NotImplementedError, "dtype torch.int64", (np.ones(2, int), np.ones(2, int)))
_errors = [
    Bad(ValueError, "reduction", _pair, {"reduction": "average"}),
    Bad(RuntimeError, "must match the size", (_zeros, np.zeros((3, 1), "f")[:2])),
]
_weight_errors = [Bad(ValueError, "same size", _pair, {"weight": np.ones(4, "f")})]
OpSpec(
    "F.mse_loss",
    function("mse_loss"),
    lambda rng: [*_pairs()(rng), *_weighted(rng)],
    errors=[_errors[0], _integers, *_weight_errors],
)
OpSpec(
    "F.l1_loss",
    function("l1_loss"),
    lambda rng: [*_pairs()(rng), *_weighted(rng)],
    errors=[
        _errors[0],
        *_weight_errors,
        Bad(RuntimeError, "mean", (np.ones(2, int), np.ones(2, int))),
    ],
)
OpSpec(
    "F.smooth_l1_loss",
    function("smooth_l1_loss"),
    lambda rng: [*_pairs(beta=0.3)(rng), Sample(distinct(rng, 4), shifted(rng, 4), beta=0)],
    errors=[_errors[0], _integers, Bad(RuntimeError, "beta", _pair, {"beta": -1.0})],
)
OpSpec(
    "F.huber_loss",
    function("huber_loss"),
    lambda rng: [*_pairs(delta=0.3)(rng), *_weighted(rng)],
    errors=[
        _errors[0], _integers, *_weight_errors, Bad(RuntimeError, "delta", _pair, {"delta": 0.0}),
    ],
)  # fmt: skip
OpSpec(
    "losses at the kink",
    lambda torch, x, t: tuple(
        getattr(torch.nn.functional, n)(x, t.detach(), reduction="none")
        for n in ("l1_loss", "smooth_l1_loss", "huber_loss", "mse_loss")
    ),
    lambda rng: [Sample(np.float32([-1, 0, 1, 2]), np.float32([0, 0, 0, 2]))],
    numerical=False,
    note="there is no derivative there",
)
OpSpec(
    "losses of mixed dtypes",  # which PyTorch's backward refuses
    lambda torch, x, t: tuple(
        getattr(torch.nn.functional, n)(x.detach(), t.detach(), reduction=r)
        for n in (
            "mse_loss",
            "l1_loss",
            "smooth_l1_loss",
            "huber_loss",
            "binary_cross_entropy_with_logits",
        )
        for r in ("mean", "none")
    ),
    lambda rng: [
        Sample(distinct(rng, 2, 3), shifted(rng, 2, 3).astype("d")),
        Sample(distinct(rng, 2, 3).astype("d"), shifted(rng, 2, 3)),
    ],
    gradient=False,
)
OpSpec(
    "losses that overflow",
    lambda torch, x: (
        torch.nn.functional.binary_cross_entropy_with_logits(x, (x.detach() > 0).float()),
        torch.nn.functional.binary_cross_entropy_with_logits(x, (x.detach() < 0).float()),
        torch.nn.functional.smooth_l1_loss(x, -x.detach(), reduction="none"),
        torch.nn.functional.huber_loss(x, -x.detach(), reduction="none"),
        torch.nn.functional.mse_loss(x, -x.detach(), reduction="none"),
        torch.nn.functional.binary_cross_entropy(
            (x > 0).float(), (x.detach() < 0).float(), reduction="none"
        ),
    ),
    lambda rng: [Sample(np.float32([1e4, -1e4, 1e20, -1e20, 60, -60]))],
    numerical=False,
    note="float32's range is the point",
)
OpSpec(
    "losses of NaN",
    lambda torch, x: tuple(
        getattr(torch.nn.functional, n)(x, x.detach() * 0 + 0.5, reduction="none")
        for n in (
            "mse_loss",
            "l1_loss",
            "smooth_l1_loss",
            "huber_loss",
            "binary_cross_entropy_with_logits",
        )
    ),
    lambda rng: [Sample(np.float32([np.nan, 1.0]))],
    numerical=False,
    note="NaN",
)
OpSpec(
    "F.binary_cross_entropy",
    function("binary_cross_entropy"),
    lambda rng: [
        *(
            Sample(probabilities(rng, 2, 3), probabilities(rng, 2, 3), reduction=r)
            for r in REDUCTIONS
        ),
        Sample(
            probabilities(rng, 2, 3),
            Constant(probabilities(rng, 2, 3)),
            weight=Constant(np.float32([1, 2, 3])),
        ),
        Sample(probabilities(rng, 0, 3), probabilities(rng, 0, 3)),
        Sample(probabilities(rng), probabilities(rng)),
    ],
    errors=[
        Bad(RuntimeError, "elements of input", (_zeros + 2, _zeros)),
        Bad(RuntimeError, "elements of input", (_zeros * np.nan, _zeros)),
        Bad(RuntimeError, "elements of target", (_zeros, _zeros - 1)),
        Bad(ValueError, "target size", (_zeros, _zeros[:2])),
        Bad(RuntimeError, "dtype", (_zeros, _zeros.astype("d"))),
        Bad(RuntimeError, "dtype", (_zeros, _zeros.astype(int))),
        _errors[0],
    ],
)
OpSpec(
    "F.binary_cross_entropy at 0 and 1",
    function("binary_cross_entropy"),
    lambda rng: [Sample(np.float32([0, 1, 0, 1]), Constant(np.float32([0, 1, 1, 0])))],
    numerical=False,
    note="the logarithm is held there",
)
OpSpec(
    "F.binary_cross_entropy_with_logits",
    function("binary_cross_entropy_with_logits"),
    lambda rng: [
        *(Sample(normal(rng, 2, 3), probabilities(rng, 2, 3), reduction=r) for r in REDUCTIONS),
        Sample(
            normal(rng, 2, 3),
            Constant(probabilities(rng, 2, 3)),
            weight=Constant(np.float32([1, 2, 3])),
            pos_weight=Constant(np.float32([3, 1, 2])),
        ),
        Sample(normal(rng, 0, 3), probabilities(rng, 0, 3)),
        Sample(normal(rng), probabilities(rng)),
    ],
    errors=[
        Bad(ValueError, "Target size", (_zeros, _zeros[:2])),
        Bad(RuntimeError, "floating", (_zeros, _zeros.astype(int))),
        _errors[0],
    ],
)
OpSpec(
    "weight of positives with a gradient",
    function("binary_cross_entropy_with_logits"),
    lambda rng: [
        Sample(normal(rng, 2, 3), probabilities(rng, 2, 3), pos_weight=np.float32([3, 1, 2]))
    ],
    parity=False,
    note="PyTorch has no gradient for it",
)
OpSpec(
    "F.kl_div of negative targets",
    function("kl_div"),
    lambda rng: [Sample(normal(rng, 2), Constant(np.float32([-1, 0.5])), reduction="none")],
    numerical=False,
    note="NaN",
)
OpSpec(
    "F.kl_div",
    function("kl_div"),
    lambda rng: [
        *(
            Sample(normal(rng, 2, 3), probabilities(rng, 2, 3), reduction=r)
            for r in ("batchmean", "sum", "none")
        ),
        Sample(normal(rng, 2, 3), normal(rng, 2, 3), reduction="batchmean", log_target=True),
        Sample(normal(rng, 2, 2), Constant(np.float32([[0, 1], [0.5, 0.5]])), reduction="sum"),
        Sample(normal(rng), probabilities(rng), reduction="batchmean"),
    ],
    errors=[_errors[0]],
)
OpSpec(
    "F.poisson_nll_loss",
    function("poisson_nll_loss"),
    lambda rng: [
        *(
            Sample(normal(rng, 2, 3), Constant(np.float32([[0, 1, 4], [2, 0, 1]])), reduction=r)
            for r in REDUCTIONS
        ),
        Sample(normal(rng, 3), Constant(np.float32([0, 2, 5])), full=True),
        Sample(probabilities(rng, 3), Constant(np.float32([0, 1, 5])), log_input=False, eps=0.1),
    ],
    errors=[_errors[0]],
)
OpSpec(
    "F.gaussian_nll_loss",
    lambda torch, x, t, v, **options: torch.nn.functional.gaussian_nll_loss(x, t, v, **options),
    lambda rng: [
        *(
            Sample(normal(rng, 2, 3), normal(rng, 2, 3), probabilities(rng, 2, 3), reduction=r)
            for r in REDUCTIONS
        ),
        Sample(normal(rng, 2, 3), normal(rng, 2, 3), probabilities(rng, 2, 1), full=True),
        Sample(normal(rng, 2, 3), normal(rng, 2, 3), probabilities(rng, 2)),
        Sample(normal(rng, 2, 3), normal(rng, 2, 3), 2.0),
    ],
    errors=[
        Bad(ValueError, "incorrect size", (_zeros, _zeros, np.ones(2, "f"))),
        Bad(ValueError, "negative", (_zeros, _zeros, _zeros - 1)),
        Bad(ValueError, "reduction", (_zeros, _zeros, _zeros + 1), {"reduction": "average"}),
    ],
)
OpSpec(
    "F.gaussian_nll_loss at a small variance",
    lambda torch, x, t, v: torch.nn.functional.gaussian_nll_loss(x, t, v, eps=0.5),
    lambda rng: [Sample(normal(rng, 3), normal(rng, 3), np.float32([0, 0.2, 0.7]))],
    numerical=False,
    note="the gradient passes as if the variance were not held",
)

for _name, _arguments in [
    ("MSELoss", ""),
    ("L1Loss", "reduction='sum'"),
    ("SmoothL1Loss", "beta=0.3"),
    ("HuberLoss", "delta=0.3"),
    ("KLDivLoss", "reduction='batchmean'"),
    ("KLDivLoss", "reduction='sum', log_target=True"),
    ("BCEWithLogitsLoss", ""),
    ("BCEWithLogitsLoss", "torch.tensor([1., 2, 3]), pos_weight=torch.tensor([2., 1, 0])"),
    ("PoissonNLLLoss", "full=True"),
    ("PoissonNLLLoss", "reduction='none'"),
]:
    ModuleSpec(
        f"nn.{_name}({_arguments})",
        lambda torch, name=_name, a=_arguments: eval(f"torch.nn.{name}({a})", {"torch": torch}),
        lambda rng: [Sample(distinct(rng, 2, 3), probabilities(rng, 2, 3))],
        covers=(f"nn.{_name}",),
        errors=[
            Bad(ValueError, "reduction", (
                lambda torch, name=_name: getattr(torch.nn, name)(reduction="average")(
                    torch.ones(2), torch.ones(2)
                ),
            ))
        ],
    )  # fmt: skip
ModuleSpec(
    "nn.BCELoss",
    lambda torch: torch.nn.BCELoss(torch.tensor([1.0, 2, 3])),
    lambda rng: [Sample(probabilities(rng, 2, 3), probabilities(rng, 2, 3))],
    errors=[Bad(ValueError, "target size", (_zeros, _zeros[:2]))],
)
ModuleSpec(
    "nn.GaussianNLLLoss",
    lambda torch: torch.nn.GaussianNLLLoss(full=True, eps=1e-3, reduction="sum"),
    lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 2, 3), probabilities(rng, 2, 1))],
    errors=[Bad(ValueError, "negative", (_zeros, _zeros, _zeros - 1))],
)
