"""Rows for padding."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, normal

_ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731

OpSpec(
    "F.pad",
    lambda torch, *a, **k: torch.nn.functional.pad(*a, **k),
    lambda rng: [
        Sample(normal(rng, 2, 3), (1, 2)),
        Sample(normal(rng, 2, 3), (1, 0, 0, 2), value=1.5),
        Sample(normal(rng, 2, 3, 2).T, (0, 1, -1, 1, 2, 0)),
        Sample(normal(rng, 3), (-1, -1), "constant", 2),
        Sample(normal(rng, 2, 3), (-1, -2)),
        Sample(normal(rng, 0, 3), (1, 1)),
        Sample(normal(rng, 2, 0), (1, 2)),
        Sample(normal(rng, 2), ()),
        Sample(np.arange(4), (1, 1), value=1.5),
    ],
    errors=[
        Bad(RuntimeError, "divisible by 2", (_ones(1, 3, 4), (1,))),
        Bad(RuntimeError, "two times the input dimension", (_ones(4), (1, 1, 1, 1))),
        Bad(RuntimeError, "non-negative", (_ones(1, 3, 4), (-3, -2))),
        Bad(RuntimeError, "non-negative", (_ones(1, 3, 4), (-5, 3))),
        Bad(NotImplementedError, "Unrecognised padding mode", (_ones(1, 3, 4), (1, 1), "mirror")),
        Bad(TypeError, "tuple of ints", (_ones(1, 3, 4), 1)),
        Bad(TypeError, "tuple of ints", (_ones(1, 3, 4), (1.5, 1))),
    ],
)
_LARGE = {"reflect": (2, 1), "replicate": (5, 4), "circular": (3, 1)}
for _mode, _most in _LARGE.items():
    OpSpec(
        f"F.pad {_mode}",
        lambda torch, x, pad, mode=_mode, **k: torch.nn.functional.pad(x, pad, mode, **k),
        lambda rng, most=_most: [
            Sample(normal(rng, 2, 3), (1, 2)),
            Sample(normal(rng, 2, 2, 3), most),
            Sample(normal(rng, 2, 4, 3), (1, 0, 2, 3)),
            Sample(normal(rng, 2, 1, 4, 3), (2, 1, 0, 1)),
            Sample(normal(rng, 3, 4, 1, 2).T, (2, 1, 0, 1)),
            Sample(normal(rng, 2, 2, 3, 2), (1, 1, 0, 2, 1, 0)),
            Sample(normal(rng, 1, 2, 4), (-1, 2)),
            Sample(normal(rng, 1, 2, 4), (-1, -1)),
            Sample(normal(rng, 0, 2, 3), (1, 1)),
            Sample(np.arange(6).reshape(2, 3), (1, 2)),
        ],
        errors=[
            Bad(RuntimeError, "value", (_ones(1, 3, 4), (1, 1)), {"value": 1.0}),
            Bad(NotImplementedError, "not supported for 4D", (_ones(1, 3, 4, 4), (1, 1))),
            Bad(NotImplementedError, "not supported for 1D", (_ones(4), (1, 1))),
            *(
                [Bad(RuntimeError, "non-zero", (_ones(1, 0, 4), (1, 1)))]
                if _mode != "circular"
                else []
            ),
            *(
                [Bad(RuntimeError, "less than the corresponding", (_ones(1, 3, 4), (4, 1)))]
                if _mode == "reflect"
                else []
            ),
            *(
                [Bad(RuntimeError, "more than once", (_ones(1, 3, 4), (5, 1)))]
                if _mode == "circular"
                else []
            ),
        ],
    )

# -- modules -----------------------------------------------------------------------------------

_image = lambda rng: [Sample(normal(rng, 2, 2, 3, 4)), Sample(normal(rng, 2, 3, 3))]  # noqa: E731
_signal = lambda rng: [Sample(normal(rng, 2, 2, 3)), Sample(normal(rng, 2, 4))]  # noqa: E731
for _kind in ("ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad", "ConstantPad"):
    _more = (1.5,) if _kind == "ConstantPad" else ()
    for _n, _amounts, _samples in [
        (1, (1,), _signal),
        (1, ((2, 0),), _signal),
        (2, (1,), _image),
        (2, ((1, 2, 0, 1),), _image),
    ]:
        ModuleSpec(
            f"nn.{_kind}{_n}d{_amounts[0]}",
            lambda torch, name=f"{_kind}{_n}d", a=(*_amounts, *_more): getattr(torch.nn, name)(*a),
            _samples,
            covers=(f"nn.{_kind}{_n}d",),
        )
ModuleSpec(
    "nn.CircularPad2d",
    lambda torch: torch.nn.CircularPad2d((0, -1, 1, 0)),
    _image,
    errors=[Bad(ValueError, "3D or 4D", (_ones(3, 4),))],
)
ModuleSpec(
    "nn.ReflectionPad1d",
    lambda torch: torch.nn.ReflectionPad1d(2),
    _signal,
    errors=[Bad(RuntimeError, "less than the corresponding", (_ones(1, 1, 2),))],
)
