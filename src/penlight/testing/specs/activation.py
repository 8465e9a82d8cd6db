"""Rows for activation functions."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, distinct, normal

_x = np.ones((2, 3), np.float32)
_integers = Bad(NotImplementedError, "dtype torch.int64", (np.ones(2, np.int64),))


def _inputs(make):
    return lambda rng: [
        Sample(make(rng, 2, 3)),
        Sample(make(rng)),
        Sample(make(rng, 0, 2)),
        Sample(make(rng, 4, 3).T),
    ]


_UNDERSCORED = {"relu", "hardtanh", "leaky_relu", "rrelu", "elu", "selu", "celu", "threshold"}


def _row(name, *option_sets, make=distinct, inplace=False, errors=()):
    def samples(rng):
        yield from _inputs(make)(rng)
        for options in option_sets:
            yield Sample(make(rng, 3, 2), **options)

    def call(torch, x, **options):
        function = getattr(torch.nn.functional, name)
        results = [function(x, **options)]
        if inplace:
            results.append(function(x.clone(), inplace=True, **options))
        if name in _UNDERSCORED:
            results.append(getattr(torch.nn.functional, f"{name}_")(x.clone(), **options))
        return tuple(results)

    covers = (f"F.{name}_",) if name in _UNDERSCORED else ()
    OpSpec(f"F.{name}", call, samples, covers=covers, errors=list(errors))


_row("relu", inplace=True, errors=[Bad(RuntimeError, "Boolean", (np.ones(2, bool),))])
_row("relu6", inplace=True)
_row(
    "hardtanh",
    {"min_val": -0.6, "max_val": 1.1},
    inplace=True,
    errors=[
        Bad(ValueError, "min_val", (_x,), {"min_val": 2.0, "max_val": 1.0}),
        Bad(RuntimeError, "min_val", (np.ones(2, np.uint8),)),
        Bad(RuntimeError, "Boolean", (np.ones(2, bool),)),
    ],
)
_row(
    "leaky_relu",
    {"negative_slope": 0.3},
    {"negative_slope": 1.5},
    {"negative_slope": 0.0},
    inplace=True,
    errors=[_integers],
)
_row("elu", {"alpha": 0.7}, inplace=True, errors=[_integers])
OpSpec(
    "negative slopes",  # which PyTorch can't differentiate in place
    lambda torch, x: (
        torch.nn.functional.leaky_relu(x, -0.3),
        torch.nn.functional.elu(x, -0.7),
        torch.nn.functional.celu(x, -2.0),
    ),
    _inputs(distinct),
)
_row("selu", inplace=True, errors=[_integers])
_row("celu", {"alpha": 0.7}, inplace=True, errors=[
    _integers, Bad(RuntimeError, "alpha", (_x,), {"alpha": 0.0}),
])  # fmt: skip
_row(
    "gelu",
    {"approximate": "tanh"},
    make=normal,
    errors=[_integers, Bad(RuntimeError, "approximate", (_x,), {"approximate": "x"})],
)
_row("silu", make=normal, inplace=True, errors=[_integers])
_row("mish", make=normal, inplace=True, errors=[_integers])
_row("sigmoid", make=normal)
_row("tanh", make=normal)
_row("softplus", {"beta": 2.0, "threshold": 1.0}, make=distinct, errors=[_integers])
_row("logsigmoid", make=normal, errors=[_integers])
_row("softsign")
_row("tanhshrink", make=normal)
_row("hardsigmoid", inplace=True, errors=[_integers])
_row("hardswish", inplace=True, errors=[_integers])
_row("hardshrink", {"lambd": 1.1}, errors=[_integers])
_row(
    "softshrink",
    {"lambd": 1.1},
    errors=[_integers, Bad(RuntimeError, "lambd", (_x,), {"lambd": -1.0})],
)
_row("rrelu", {"lower": 0.1, "upper": 0.4}, inplace=True, errors=[
    _integers, Bad(RuntimeError, "lower", (_x,), {"lower": 0.5, "upper": 0.1}),
])  # fmt: skip
OpSpec(
    "F.threshold",
    lambda torch, x: (
        torch.nn.functional.threshold(x, 0.1, 20.0),
        torch.nn.functional.threshold(x.clone(), -0.3, -7.0, inplace=True),
        torch.nn.functional.threshold_(x.clone(), 0.6, 1.0),
        torch.nn.functional.threshold(x.detach().long(), 1, 5),
    ),
    _inputs(distinct),
    covers=("F.threshold_",),
)
OpSpec(
    "activations of integers",
    lambda torch, x: (
        *(getattr(torch.nn.functional, n)(x) for n in ("relu", "relu6", "hardtanh")),
        *(getattr(torch.nn.functional, n)(x) for n in ("sigmoid", "tanh", "softsign")),
        torch.nn.functional.tanhshrink(x),
        torch.nn.functional.hardtanh(x, -1.7, 2.6),
        torch.nn.functional.softmax(x, 0, dtype=torch.float32),
    ),
    lambda rng: [Sample(np.arange(-3, 9)), Sample(np.arange(-3, 9).astype("i4"))],
    gradient=False,
)
OpSpec(
    "F.glu",
    lambda torch, x, d: torch.nn.functional.glu(x, d),
    lambda rng: [Sample(normal(rng, 2, 4), -1), Sample(normal(rng, 4, 3), 0)],
    errors=[
        Bad(RuntimeError, "even", (_x, 1)),
        Bad(RuntimeError, "dimension", (np.ones((), "f"), -1)),
        Bad(IndexError, "range", (_x, 2)),
        Bad(NotImplementedError, "dtype", (np.ones(2, np.int64), 0)),
    ],
)
OpSpec(
    "F.prelu",
    lambda torch, x, w: torch.nn.functional.prelu(x, w),
    lambda rng: [
        Sample(distinct(rng, 2, 3), normal(rng, 3)),
        Sample(distinct(rng, 2, 3, 2), normal(rng, 3)),
        Sample(distinct(rng, 4), normal(rng, 1)),
        Sample(distinct(rng), normal(rng, 1)),
        Sample(distinct(rng, 2, 3), normal(rng)),
        Sample(distinct(rng, 0, 3), normal(rng, 3)),
    ],
    errors=[
        Bad(RuntimeError, "parameter numbers = 2", (_x, np.ones(2, "f"))),
        Bad(RuntimeError, "weight", (_x, np.ones((1, 3), "f"))),
        Bad(RuntimeError, "same dtype", (_x, np.ones(3, "d"))),
    ],
)
OpSpec(
    "F.softmax",
    lambda torch, x, d: tuple(
        getattr(torch.nn.functional, n)(x, dim=d) for n in ("softmax", "log_softmax", "softmin")
    ),
    lambda rng: [
        Sample(normal(rng, 2, 3), 1),
        Sample(normal(rng, 2, 3, 2), 1),
        Sample(normal(rng, 3, 2).T, 0),
        Sample(normal(rng, 0, 3), 1),
        Sample(normal(rng, 2, 0), 1),
        Sample(normal(rng), 0),
        Sample(normal(rng, 1), -1),
    ],
    covers=("F.log_softmax", "F.softmin"),
    errors=[
        Bad(IndexError, "range", (_x, 2)),
        Bad(NotImplementedError, "dtype", (np.ones(2, int), 0)),
    ],
)
OpSpec(
    "softmax of extreme values",
    lambda torch, x: tuple(
        getattr(torch.nn.functional, n)(x.detach(), dim=-1)
        for n in ("softmax", "log_softmax", "softmin")
    ),
    lambda rng: [
        Sample(np.float32([[1e4, 0, -1e4], [-1e4, -1e4, -1e4]])),
        Sample(np.float32([[-np.inf, 0, 1], [-np.inf, -np.inf, 3]])),  # attention masks
        Sample(np.float32([[-np.inf] * 3, [np.inf, 0, 1], [np.nan, 0, 1]])),
    ],
    gradient=False,
)
OpSpec(
    "F.gumbel_softmax",
    lambda torch, x, **options: torch.nn.functional.gumbel_softmax(x, **options),
    lambda rng: [Sample(normal(rng, 2, 3)), Sample(normal(rng, 3, 2), tau=0.5, dim=0)],
    parity=False,
    note="random numbers differ from PyTorch's",
)
_EXTREME = np.float32(
    [-np.inf, -1e30, -100, -20.5, -1e-20, 0, 1e-20, 20.5, 100, 1e30, np.inf, np.nan]
)
OpSpec(
    "extreme activations",
    lambda torch, x: tuple(
        getattr(torch.nn.functional, n)(x.detach())
        for n in (
            "relu",
            "elu",
            "sigmoid",
            "tanh",
            "softplus",
            "logsigmoid",
            "selu",
            "hardtanh",
            "leaky_relu",
            "relu6",
            "celu",
            "silu",
            "mish",
            "softsign",
            "tanhshrink",
            "hardsigmoid",
            "hardswish",
            "hardshrink",
            "softshrink",
            "rrelu",
        )
    ),
    lambda rng: [Sample(_EXTREME)],
    gradient=False,
    atol=1e-30,
)
OpSpec(
    "extreme gelu",
    lambda torch, x: (
        torch.nn.functional.gelu(x.detach()),
        torch.nn.functional.gelu(x.detach(), approximate="tanh"),
    ),
    lambda rng: [Sample(_EXTREME[:-2])],  # PyTorch's vectorised form gives NaN for infinity
    gradient=False,
)

_modules = {
    "ReLU": "", "ReLU6": "", "LeakyReLU": "0.2", "ELU": "0.5", "SELU": "", "CELU": "0.5", "GELU": "'tanh'", "SiLU": "", "Mish": "",
    "Sigmoid": "", "LogSigmoid": "", "Tanh": "", "Softplus": "2.0, 3.0", "Softsign": "", "Tanhshrink": "", "Hardsigmoid": "", "Hardswish": "",
    "Hardshrink": "1.1", "Softshrink": "1.1", "Threshold": "0.1, 2.0", "GLU": "0", "Hardtanh": "-1.1, 1.2", "PReLU": "3", "Softmax": "1",
    "Softmin": "0", "LogSoftmax": "1"
}  # fmt: skip
for _name, _arguments in _modules.items():
    ModuleSpec(
        f"nn.{_name}",
        lambda torch, name=_name, a=_arguments: eval(f"torch.nn.{name}({a})", {"torch": torch}),
        lambda rng: [Sample(distinct(rng, 4, 3))],
    )
ModuleSpec(
    "nn.RReLU",
    lambda torch: torch.nn.RReLU(0.1, 0.3),
    lambda rng: [Sample(distinct(rng, 4, 3))],
    train_mode=False,
    note="random numbers differ from PyTorch's",
)
ModuleSpec(
    "nn.Softmax2d",
    lambda torch: torch.nn.Softmax2d(),
    lambda rng: [Sample(normal(rng, 2, 3, 2, 2)), Sample(normal(rng, 3, 2, 2))],
    errors=[Bad(ValueError, "3D or 4D", (np.ones((2, 3), "f"),))],
)
ModuleSpec(
    "nn.ReLU in place",
    lambda torch: torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(inplace=True)),
    lambda rng: [Sample(distinct(rng, 4, 3))],
)
