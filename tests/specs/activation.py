"""Rows for activation functions."""

from __future__ import annotations

import numpy as np

from tests.specs.spec import Bad, ModuleSpec, OpSpec, Sample, distinct, normal

_x = np.ones((2, 3), np.float32)


def _inputs(make):  # type: ignore[no-untyped-def]
    return lambda rng: [
        Sample(make(rng, 2, 3)),
        Sample(make(rng)),
        Sample(make(rng, 0, 2)),
        Sample(make(rng, 4, 3).T),
    ]


def _row(name, *option_sets, make=distinct, inplace=False, errors=()):  # type: ignore[no-untyped-def]
    def samples(rng):  # type: ignore[no-untyped-def]
        yield from _inputs(make)(rng)
        for options in option_sets:
            yield Sample(make(rng, 3, 2), **options)

    def call(torch, x, **options):  # type: ignore[no-untyped-def]
        function = getattr(torch.nn.functional, name)
        results = [function(x, **options)]
        if inplace:
            results.append(function(x.clone(), inplace=True, **options))
        return tuple(results)

    OpSpec(f"F.{name}", call, samples, errors=list(errors))


_row("relu", inplace=True)
_row("relu6", inplace=True)
_row(
    "hardtanh",
    {"min_val": -0.6, "max_val": 1.1},
    inplace=True,
    errors=[Bad(ValueError, "min_val", (_x, 2.0, 1.0))],
)
_row("leaky_relu", {"negative_slope": 0.3}, inplace=True)
_row("elu", {"alpha": 0.7}, inplace=True)
_row("selu", inplace=True)
_row("celu", {"alpha": 0.7}, inplace=True)
_row(
    "gelu",
    {"approximate": "tanh"},
    make=normal,
    errors=[Bad(RuntimeError, "approximate", (_x,), {"approximate": "x"})],
)
_row("silu", make=normal, inplace=True)
_row("mish", make=normal, inplace=True)
_row("sigmoid", make=normal)
_row("tanh", make=normal)
_row("softplus", {"beta": 2.0, "threshold": 1.0}, make=distinct)
_row("logsigmoid", make=normal)
_row("softsign")
_row("tanhshrink", make=normal)
_row("hardsigmoid", inplace=True)
_row("hardswish", inplace=True)
_row("hardshrink", {"lambd": 1.1})
_row("softshrink", {"lambd": 1.1}, errors=[Bad(RuntimeError, "lambda", (_x, -1.0))])
OpSpec(
    "F.threshold", lambda torch, x: torch.nn.functional.threshold(x, 0.1, 20.0), _inputs(distinct)
)
OpSpec(
    "F.glu",
    lambda torch, x, d: torch.nn.functional.glu(x, d),
    lambda rng: [Sample(normal(rng, 2, 4), -1), Sample(normal(rng, 4, 3), 0)],
    errors=[Bad(RuntimeError, "even", (_x, 1))],
)
OpSpec(
    "F.prelu",
    lambda torch, x, w: torch.nn.functional.prelu(x, w),
    lambda rng: [
        Sample(distinct(rng, 2, 3), normal(rng, 3)),
        Sample(distinct(rng, 2, 3, 2), normal(rng, 3)),
        Sample(distinct(rng, 4), normal(rng, 1)),
    ],
    errors=[Bad(RuntimeError, "weight|parameter", (_x, np.ones(2, "f")))],
)
OpSpec(
    "F.softmax",
    lambda torch, x, d: tuple(
        getattr(torch.nn.functional, n)(x, dim=d) for n in ("softmax", "log_softmax", "softmin")
    ),
    lambda rng: [
        Sample(normal(rng, 2, 3), 1),
        Sample(normal(rng, 2, 3, 2), 1),
        Sample(normal(rng, 0, 3), 1),
    ],
    covers=("F.log_softmax", "F.softmin"),
    errors=[Bad(IndexError, "range", (_x, 2))],
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
            "gelu",
            "sigmoid",
            "tanh",
            "softplus",
            "logsigmoid",
            "selu",
            "hardtanh",
            "leaky_relu",
        )
    ),
    lambda rng: [Sample(_EXTREME)],
    gradient=False,
    atol=1e-30,
)

_modules = {
    "ReLU": "", "ReLU6": "", "LeakyReLU": "0.2", "ELU": "0.5", "SELU": "", "CELU": "0.5", "GELU": "'tanh'", "SiLU": "", "Mish": "",
    "Sigmoid": "", "LogSigmoid": "", "Tanh": "", "Softplus": "2.0, 3.0", "Softsign": "", "Tanhshrink": "", "Hardsigmoid": "", "Hardswish": "",
    "Hardshrink": "1.1", "Softshrink": "1.1", "Threshold": "0.1, 2.0", "GLU": "0", "Hardtanh": "-1.1, 1.2", "PReLU": "3", "Softmax": "1",
    "Softmin": "0", "LogSoftmax": "1",
}  # fmt: skip
for _name, _arguments in _modules.items():
    ModuleSpec(
        f"nn.{_name}",
        lambda torch, name=_name, a=_arguments: eval(f"torch.nn.{name}({a})", {"torch": torch}),
        lambda rng: [Sample(distinct(rng, 4, 3))],
    )
ModuleSpec(
    "nn.Softmax2d",
    lambda torch: torch.nn.Softmax2d(),
    lambda rng: [Sample(normal(rng, 2, 3, 2, 2)), Sample(normal(rng, 3, 2, 2))],
)
ModuleSpec(
    "nn.ReLU in place",
    lambda torch: torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(inplace=True)),
    lambda rng: [Sample(distinct(rng, 4, 3))],
)
