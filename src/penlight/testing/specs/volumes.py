"""Rows for what slides over volumes: convolution, pooling and padding in three dimensions."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.conv import random_convolutions
from penlight.testing.specs.pooling import (
    adaptive_maxima,
    chosen,
    maxima,
    random_windows,
    unpooled,
)
from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, distinct, normal

_ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731
_nan, _inf = float("nan"), float("inf")


def _call(name):
    return lambda torch, *a, **k: getattr(torch.nn.functional, name)(*a, **k)


# -- convolution -------------------------------------------------------------------------------

_x, _w = _ones(1, 4, 5, 5, 5), _ones(6, 4, 3, 3, 3)
OpSpec(
    "F.conv3d",
    _call("conv3d"),
    lambda rng: [
        *random_convolutions(3, 10)(rng),
        Sample(normal(rng, 0, 2, 3, 3, 3), normal(rng, 3, 2, 2, 2, 2), normal(rng, 3)),
        Sample(normal(rng, 1, 2, 3, 2, 3), normal(rng, 2, 2, 3, 1, 3), None, padding="same"),
        Sample(normal(rng, 1, 2, 2, 2, 3), normal(rng, 2, 2, 1, 1, 1), normal(rng, 2)),
        Sample(normal(rng, 1, 2, 2, 3, 3), normal(rng, 4, 1, 2, 2, 2), None, groups=2),
    ],
    errors=[
        Bad(RuntimeError, "4D .unbatched. or 5D", (_ones(4, 5, 5), _w)),
        Bad(RuntimeError, "weight", (_x, _ones(6, 4, 3, 3))),
        Bad(RuntimeError, "channels", (_ones(1, 3, 5, 5, 5), _w)),
        Bad(RuntimeError, "greater than actual input size", (_x, _ones(6, 4, 6, 3, 3))),
        Bad(RuntimeError, "stride", (_x, _w), {"stride": (1, 1)}),
        Bad(RuntimeError, "dtype", (_x, _w.astype("d"))),
    ],
)
OpSpec(
    "F.conv_transpose3d",
    _call("conv_transpose3d"),
    lambda rng: [
        *random_convolutions(3, 6, transposed=True)(rng),
        Sample(normal(rng, 0, 2, 2, 2, 2), normal(rng, 2, 3, 2, 2, 2), normal(rng, 3)),
        Sample(normal(rng, 1, 2, 2, 1, 2), normal(rng, 2, 1, 2, 2, 2), None, 2, 1, 1),
    ],
    errors=[
        Bad(RuntimeError, "channels", (_x, _w)),
        Bad(RuntimeError, "output padding", (_x, _w.swapaxes(0, 1)), {"output_padding": 1}),
    ],
)
OpSpec(
    "F.conv_tbc",
    _call("conv_tbc"),
    lambda rng: [
        Sample(normal(rng, 4, 2, 3), normal(rng, 2, 3, 2), normal(rng, 2)),
        Sample(normal(rng, 4, 2, 3), normal(rng, 3, 3, 2), normal(rng, 2), 1),
        Sample(normal(rng, 4, 2, 3), normal(rng, 1, 3, 1), normal(rng, 1), pad=2),
    ],
    errors=[
        Bad(TypeError, "bias", (_ones(4, 2, 3), _ones(2, 3, 2), None)),
        Bad(RuntimeError, "input", (_ones(4, 3), _ones(2, 3, 2), _ones(2))),
        Bad(RuntimeError, "weight", (_ones(4, 2, 3), _ones(3, 2), _ones(2))),
        Bad(RuntimeError, "bias", (_ones(4, 2, 3), _ones(2, 3, 2), _ones(2, 1))),
        Bad(RuntimeError, "bias", (_ones(4, 2, 3), _ones(2, 3, 2), _ones(3))),
        Bad(RuntimeError, "channels", (_ones(4, 2, 2), _ones(2, 3, 2), _ones(2))),
        Bad(TypeError, "padding", (_ones(4, 2, 3), _ones(2, 3, 2), _ones(2), 1.5)),
    ],
)

# -- pooling -----------------------------------------------------------------------------------

_v = _ones(1, 2, 4, 4, 4)
_misfits = [
    Bad(RuntimeError, "at most half", (_v, 2), {"padding": 2}),
    Bad(RuntimeError, "too small", (_v, 5)),
    Bad(RuntimeError, "4D or 5D", (_ones(4, 4, 4), 2)),
    Bad(RuntimeError, "4D or 5D", (_ones(1, 1, 2, 4, 4, 4), 2)),
    Bad(RuntimeError, "4D or 5D", (_ones(1, 0, 4, 4, 4), 2)),
    Bad(RuntimeError, "4D or 5D", (_ones(1, 1, 4, 0, 4), 2)),
    Bad(RuntimeError, "kernel_size", (_v, (2, 2))),
    Bad(RuntimeError, "stride", (_v, 2), {"stride": 0}),
]
OpSpec(
    "F.max_pool3d",
    maxima("max_pool3d"),
    lambda rng: [
        *random_windows(3, 8, True, distinct)(rng),
        Sample(distinct(rng, 0, 2, 4, 4, 4), 2),
        Sample(distinct(rng, 1, 1, 4, 3, 5), (2, 1, 3), 1),
    ],
    covers=("F.max_pool3d_with_indices",),
    errors=_misfits,
)
OpSpec(
    "F.max_pool3d of ties and NaN",
    chosen("max_pool3d"),
    lambda rng: [
        Sample(np.round(normal(rng, 1, 2, 5, 5, 5)), 3, 2, 1),
        Sample(np.where(normal(rng, 1, 2, 5, 5, 5) > 1, _nan, 1).astype("f"), 3, 2, 1),
        Sample(np.where(normal(rng, 1, 2, 4, 4, 4) > 1, _inf, -_inf).astype("f"), 2, 1),
    ],
    gradient=False,
    note="not differentiable at ties; PyTorch's choice is compared",
)
OpSpec(
    "F.avg_pool3d",
    _call("avg_pool3d"),
    lambda rng: [
        *random_windows(3, 8, False, normal, inside=True)(rng),
        Sample(normal(rng, 0, 2, 4, 4, 4), 2),
        Sample(normal(rng, 1, 1, 3, 3, 3), 3, 2, 1, divisor_override=5),
        Sample(normal(rng, 1, 1, 3, 4, 3), (2, 4, 1), 2, 0, True, False),
    ],
    errors=[
        *_misfits,
        Bad(RuntimeError, "divisor", (_v, 2), {"divisor_override": 0}),
        Bad(RuntimeError, "kernel_size", (_v, (2, 5, 2)), {"padding": 1}),
    ],
)
OpSpec(
    "F.max_unpool3d",
    unpooled(3),
    lambda rng: [
        Sample(distinct(rng, 1, 2, 4, 2, 4), 2),
        Sample(distinct(rng, 2, 5, 4, 2), 2, (5, 4, 2)),
    ],
)
_sizes = [((4, 2, 6), (2, 1, 3)), ((5, 3, 4), (3, 2, 2)), ((2, 3, 1), (3, 4, 2)), ((3, 4, 2), 2)]
_adaptive_errors = [
    Bad(RuntimeError, "4D or 5D", (_ones(4, 4, 4), 2)),
    Bad(RuntimeError, "output_size", (_v, (2, 2))),
    Bad(RuntimeError, "output_size|negative", (_v, -1)),
    Bad(RuntimeError, "non-zero size", (_ones(1, 4, 0, 4, 4), 2)),
    Bad(RuntimeError, "non-zero size", (_ones(1, 0, 4, 4, 4), 2)),
    Bad(NotImplementedError, "not implemented", (np.ones((1, 1, 4, 4, 4), int), 2)),
]
OpSpec(
    "F.adaptive_avg_pool3d",
    _call("adaptive_avg_pool3d"),
    lambda rng: [
        *(Sample(normal(rng, 1, 2, *size), output) for size, output in _sizes),
        Sample(normal(rng, 2, 3, 2, 4), (None, 2, 3)),
        Sample(normal(rng, 0, 2, 3, 2, 4), 2),
        Sample(normal(rng, 0, 3, 2, 4), 2),
    ],
    errors=_adaptive_errors,
)
OpSpec(
    "F.adaptive_max_pool3d",
    adaptive_maxima(3),
    lambda rng: [
        *(Sample(distinct(rng, 1, 2, *size), output) for size, output in _sizes),
        Sample(distinct(rng, 2, 3, 2, 4), (None, 2, 3)),
        Sample(distinct(rng, 0, 2, 3, 2, 4), 2),
    ],
    covers=("F.adaptive_max_pool3d_with_indices",),
    errors=_adaptive_errors,
)


def _fractional(n: int):
    """With the random numbers given, which makes it the same function in both libraries."""

    def call(torch, x, u, kernel, output=None, ratio=None, indices=True):
        name = f"fractional_max_pool{n}d"
        function = getattr(torch.nn.functional, name + "_with_indices")
        y, places = function(x, kernel, output, ratio, _random_samples=u.detach())
        alone = getattr(torch.nn.functional, name)(x, kernel, output, ratio, False, u.detach())
        return y, places, alone

    return call


def _uniform(rng, *shape):
    return rng.random(shape).astype(np.float32)


for _n in (2, 3):
    _size = (6, 5, 5)[:_n]
    _image = _ones(1, 2, *(5,) * _n)
    _u = np.zeros((1, 2, _n), np.float32)
    OpSpec(
        f"F.fractional_max_pool{_n}d",
        _fractional(_n),
        lambda rng, n=_n, size=_size: [
            Sample(distinct(rng, 2, 3, *size), _uniform(rng, 2, 3, n), 2, 3),
            Sample(distinct(rng, 2, *size), _uniform(rng, 1, 2, n), (3, 2, 1)[:n], (3, 2, 4)[:n]),
            Sample(distinct(rng, 1, 2, *size), _uniform(rng, 3, 2, n), 2, None, (0.6,) * n),
            Sample(distinct(rng, *size[::-1], 2, 1).T, _uniform(rng, 1, 2, n), 2, 2),
            Sample(distinct(rng, 0, 2, *size), _uniform(rng, 0, 2, n), 2, 2),
            Sample(distinct(rng, 1, 1, *size), _uniform(rng, 1, 1, n), 1, 1),
        ],
        covers=(f"F.fractional_max_pool{_n}d_with_indices",),
        errors=[
            Bad(ValueError, "output_size", (_image, _u, 2)),
            Bad(RuntimeError, "too large", (_image, _u, 2, 5)),
            Bad(RuntimeError, "too large", (_image, _u, 6, 1)),
            Bad(RuntimeError, "output_size", (_image, _u, 2, (1,) * (_n + 1))),
            Bad(RuntimeError, "kernel_size", (_image, _u, (1,) * (_n + 1), 2)),
            Bad(RuntimeError, f"{_n + 1}D or {_n + 2}D", (_image[None], _u, 2, 2)),
            Bad(RuntimeError, "non-zero", (_image[:, :0], _u, 2, 2)),
            Bad(RuntimeError, "_random_samples", (_image, _u[..., 1:], 2, 2)),
            Bad(RuntimeError, "_random_samples", (_image, _u[:, 1:], 2, 2)),
            Bad(RuntimeError, "_random_samples", (_image, _u[0], 2, 2)),
            Bad(RuntimeError, "_random_samples", (_image, _u.astype("d"), 2, 2)),
        ],
    )
    OpSpec(
        f"F.fractional_max_pool{_n}d of ties and NaN",
        lambda torch, x, u, n=_n: chosen(f"fractional_max_pool{n}d")(
            torch, x, 2, 3, None, _random_samples=u.detach()
        ),
        lambda rng, n=_n, size=_size: [
            Sample(np.round(distinct(rng, 1, 2, *size) / 99), _uniform(rng, 1, 2, n)),
            Sample(
                np.where(normal(rng, 1, 2, *size) > 1, _nan, 1).astype("f"), _uniform(rng, 1, 2, n)
            ),
            Sample(np.full((1, 2, *size), -_inf, "f"), _uniform(rng, 1, 2, n)),
        ],
        gradient=False,
        note="not differentiable at ties; PyTorch's choice is compared",
    )

# -- modules -----------------------------------------------------------------------------------

_volume = lambda rng: [Sample(distinct(rng, 1, 2, 4, 3, 4)), Sample(distinct(rng, 2, 3, 4, 4))]  # noqa: E731
for _name, _build in {
    "Conv3d": lambda torch: torch.nn.Conv3d(2, 2, 2),
    "Conv3d options": lambda torch: torch.nn.Conv3d(
        2, 2, (3, 2, 2), (2, 1, 1), (1, 2, 0), (1, 2, 1), 2, False
    ),
    "Conv3d circular same": lambda torch: torch.nn.Conv3d(
        2, 1, (3, 2, 1), padding="same", padding_mode="circular"
    ),
    "ConvTranspose3d": lambda torch: torch.nn.ConvTranspose3d(2, 2, 2),
    "ConvTranspose3d options": lambda torch: torch.nn.ConvTranspose3d(
        2, 2, (3, 2, 1), (2, 1, 1), (1, 0, 0), (1, 0, 0), 2, False, (1, 2, 1)
    ),
    "MaxPool3d": lambda torch: torch.nn.MaxPool3d(2),
    "MaxPool3d options": lambda torch: torch.nn.MaxPool3d((3, 2, 1), 2, (1, 0, 0), 1, True, True),
    "AvgPool3d": lambda torch: torch.nn.AvgPool3d((3, 2, 2), 2, (1, 0, 1), True, False),
    "AvgPool3d divisor": lambda torch: torch.nn.AvgPool3d(2, divisor_override=3),
    "LPPool3d": lambda torch: torch.nn.LPPool3d(2, 2, ceil_mode=True),
    "AdaptiveAvgPool3d": lambda torch: torch.nn.AdaptiveAvgPool3d((None, 2, 3)),
    "AdaptiveMaxPool3d": lambda torch: torch.nn.AdaptiveMaxPool3d((2, 3, 1), True),
    "FractionalMaxPool3d": lambda torch: torch.nn.FractionalMaxPool3d(
        (1, 2, 1), output_ratio=0.5, _random_samples=torch.full((2, 2, 3), 0.7)
    ),
    "ZeroPad3d": lambda torch: torch.nn.ZeroPad3d((1, 0, 2, 1, 0, 1)),
    "ConstantPad3d": lambda torch: torch.nn.ConstantPad3d(1, 1.5),
    "ReflectionPad3d": lambda torch: torch.nn.ReflectionPad3d((1, 0, 2, 1, 0, 1)),
    "ReplicationPad3d": lambda torch: torch.nn.ReplicationPad3d(1),
    "CircularPad3d": lambda torch: torch.nn.CircularPad3d((1, 0, 2, 1, 0, -1)),
}.items():
    ModuleSpec(f"nn.{_name}", _build, _volume)
ModuleSpec(
    "nn.FractionalMaxPool2d",
    lambda torch: torch.nn.FractionalMaxPool2d(
        2, (2, 1), _random_samples=torch.full((2, 2, 2), 0.7)
    ),
    lambda rng: [Sample(distinct(rng, 2, 2, 4, 5)), Sample(distinct(rng, 2, 4, 4))],
)
_at = np.array([[[[[0, 3]]], [[[5, 6]]]]])
ModuleSpec(
    "nn.MaxUnpool3d",
    lambda torch: torch.nn.MaxUnpool3d((1, 2, 2)),
    lambda rng: [Sample(normal(rng, 1, 2, 1, 1, 2), _at)],
)
for _n in (2, 3):
    _build = lambda *a, n=_n: (  # noqa: E731
        lambda torch: getattr(torch.nn, f"FractionalMaxPool{n}d")(*a)
    )
    ModuleSpec(
        f"nn.FractionalMaxPool{_n}d drawn",
        _build(2, 3, None, True),
        lambda rng, n=_n: [Sample(distinct(rng, 2, 2, *(5, 6, 6)[:n]))],
        parity=False,
        note="random",
        errors=[
            Bad(ValueError, "either", (_build(2),)),
            Bad(ValueError, "only one", (_build(2, 2, 0.5),)),
            Bad(ValueError, "between 0 and 1", (_build(2, None, 1.0),)),
            Bad(IndexError, f"{_n + 1}D", (_ones(*(4,) * _n),)),
        ],
    )
OpSpec(
    "F.native_channel_shuffle",
    lambda torch, x, g: torch.nn.functional.native_channel_shuffle(x.detach(), g),
    lambda rng: [Sample(normal(rng, 2, 4, 3), 2), Sample(normal(rng, 1, 6, 1, 2), 3)],
    errors=[
        Bad(RuntimeError, "divisible", (_ones(1, 4, 2), 3)),
        Bad(RuntimeError, "more than 2", (_ones(4, 4), 2)),
        Bad(RuntimeError, "positive", (_ones(1, 4, 2), 0)),
    ],
    gradient=False,
    note="PyTorch's has no gradient",
)
