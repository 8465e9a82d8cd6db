"""Rows for pooling, adaptive pooling and unpooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, distinct, normal, positive

_ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731
_nan, _inf = float("nan"), float("inf")


def random_windows(n: int, count: int, dilated: bool, make: Any, inside: bool = False) -> Any:
    """Random windows that fit, over random shapes; no larger than these if ``inside``."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for i in range(count):
            kernel = tuple(int(k) for k in rng.integers(1, 4, n))
            options = {
                "stride": tuple(int(s) for s in rng.integers(1, 4, n)),
                "padding": tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel),
                "ceil_mode": bool(rng.integers(0, 2)),
            }
            dilation = [1] * n
            if dilated:
                dilation = [int(d) for d in rng.integers(1, 3, n)]
                options["dilation"] = tuple(dilation)
            else:
                options["count_include_pad"] = bool(rng.integers(0, 2))
            size = [
                max(d * (k - 1) + 1 - (0 if inside else 2 * p), d) + int(rng.integers(0, 3))
                for k, d, p in zip(kernel, dilation, options["padding"], strict=True)
            ]
            shape = [*([] if i % 5 == 4 else [int(rng.integers(1, 3))]), 2, *size]
            x = make(rng, *shape[::-1]).T if i % 4 == 3 else make(rng, *shape)
            yield Sample(x, kernel, **options)

    return samples


def maxima(name: str) -> Any:
    def call(torch: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        function = getattr(torch.nn.functional, name)
        return function(x, *args, **kwargs), function(x, *args, return_indices=True, **kwargs)

    return call


def chosen(name: str) -> Any:
    """The results, and which inputs the gradient chose, as numbers: for points without a derivative."""

    def call(torch: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        x = x.detach().requires_grad_()
        y, places = getattr(torch.nn.functional, name)(x, *args, return_indices=True, **kwargs)
        weights = torch.arange(y.numel()).reshape(y.shape).to(y.dtype)
        (dx,) = torch.autograd.grad(y, x, weights)
        return y.detach(), places, dx

    return call


_x = _ones(1, 2, 4, 4)
OpSpec(
    "F.max_pool2d",
    maxima("max_pool2d"),
    lambda rng: [
        *random_windows(2, 12, True, distinct)(rng),
        Sample(distinct(rng, 0, 2, 4, 4), 2),
        Sample(distinct(rng, 1, 1, 1, 1), 1),
        Sample(distinct(rng, 2, 1, 5, 5), 2),
        Sample(distinct(rng, 1, 2, 6, 6), 3, 2, 1),
    ],
    covers=("F.max_pool2d_with_indices",),
    errors=[
        Bad(RuntimeError, "at most half", (_x, 2), {"padding": 2}),
        Bad(RuntimeError, "at most half", (_ones(1, 1, 9, 9), 2), {"padding": 2, "dilation": 3}),
        Bad(RuntimeError, "padding", (_x, 3), {"padding": -1}),
        Bad(RuntimeError, "too small", (_x, 5)),
        Bad(RuntimeError, "3D or 4D", (_ones(4, 4), 2)),
        Bad(RuntimeError, "3D or 4D", (_ones(1, 0, 4, 4), 2)),
        Bad(RuntimeError, "3D or 4D", (_ones(1, 1, 0, 4), 2)),
        Bad(RuntimeError, "kernel_size", (_x, 0)),
        Bad(RuntimeError, "kernel_size", (_x, (2, 2, 2))),
        Bad(RuntimeError, "stride", (_x, 2), {"stride": 0}),
        Bad(RuntimeError, "dilation", (_x, 2), {"dilation": 0}),
    ],
)
OpSpec(
    "F.max_pool2d of ties and NaN",
    chosen("max_pool2d"),
    lambda rng: [
        Sample(np.round(normal(rng, 2, 2, 7, 7)), 3, 2, 1),
        Sample(np.maximum(normal(rng, 2, 2, 6, 6), 0), 2),
        Sample(np.where(normal(rng, 2, 2, 7, 7) > 1, _nan, 1).astype("f"), 3, 2, 1),
        Sample(np.where(normal(rng, 2, 2, 7, 7) < 1, -_inf, 1).astype("f"), 3, 2, 1),
        Sample(np.where(normal(rng, 2, 2, 7, 7) > 1, _inf, -_inf).astype("f"), 2, 1),
        Sample(np.full((1, 1, 3, 3), -_inf, "f"), 3, 2, 1),
    ],
    gradient=False,
    note="not differentiable at ties; PyTorch's choice is compared",
)
OpSpec(
    "F.max_pool1d",
    maxima("max_pool1d"),
    lambda rng: [
        *random_windows(1, 7, True, distinct)(rng),
        Sample(distinct(rng, 0, 2, 4), 2),
        Sample(distinct(rng, 2, 5), 2),
    ],
    covers=("F.max_pool1d_with_indices",),
    errors=[
        Bad(RuntimeError, "at most half", (_ones(1, 1, 4), 2), {"padding": 2}),
        Bad(RuntimeError, "too small", (_ones(1, 1, 4), 5)),
        Bad(RuntimeError, "2D or 3D", (_ones(4), 2)),
        Bad(RuntimeError, "2D or 3D", (_ones(2, 0, 4), 2)),
        Bad(RuntimeError, "kernel_size", (_ones(1, 1, 4), 0)),
        Bad(RuntimeError, "stride", (_ones(1, 1, 4), 2), {"stride": 0}),
        Bad(RuntimeError, "dilation", (_ones(1, 1, 4), 2), {"dilation": 0}),
    ],
)
OpSpec(
    "F.avg_pool2d",
    lambda torch, *a, **k: torch.nn.functional.avg_pool2d(*a, **k),
    lambda rng: [
        *random_windows(2, 12, False, normal)(rng),
        Sample(normal(rng, 0, 2, 4, 4), 2),
        Sample(normal(rng, 1, 1, 1, 1), 1),
        Sample(normal(rng, 2, 3, 4, 4), 4),
        Sample(normal(rng, 2, 1, 5, 5), 3, 2, 1, divisor_override=5),
        Sample(normal(rng, 2, 1, 5, 5), 2, 2, 0, True, False),
    ],
    errors=[
        Bad(RuntimeError, "at most half", (_x, 2), {"padding": 2}),
        Bad(RuntimeError, "too small", (_x, 5)),
        Bad(RuntimeError, "divisor_override", (_x, 2), {"divisor_override": 0}),
        Bad(RuntimeError, "kernel_size", (_x, (2, 2, 2))),
        Bad(RuntimeError, "stride", (_x, 2), {"stride": 0}),
        Bad(RuntimeError, "3D or 4D", (_ones(1, 0, 4, 4), 2)),
        Bad(IndexError, "3D or 4D", (_ones(4, 4), 2)),
    ],
)
OpSpec(
    "F.avg_pool1d",
    lambda torch, *a, **k: torch.nn.functional.avg_pool1d(*a, **k),
    lambda rng: [
        *random_windows(1, 7, False, normal)(rng),
        Sample(normal(rng, 0, 2, 4), 2),
        Sample(normal(rng, 2, 5), 5),
    ],
    errors=[
        Bad(RuntimeError, "at most half", (_ones(1, 1, 4), 2), {"padding": 2}),
        Bad(RuntimeError, "too small", (_ones(1, 1, 4), 5)),
        Bad(RuntimeError, "2D or 3D", (_ones(4), 2)),
    ],
)
_huge = np.array([[[[1e38, 3e38, _inf, 1], [1, 2, 3, _nan], [1, 2, 3, 4], [5, 6, 7, 8]]]], "f")
OpSpec(
    "F.avg_pool2d of extreme values",
    lambda torch, x, *a, **k: torch.nn.functional.avg_pool2d(x.detach(), *a, **k),
    lambda rng: [Sample(_huge, 2), Sample(_huge, 3, 1, 1, count_include_pad=False)],
    gradient=False,
    note="infinities have no numerical gradient",
)
OpSpec(
    "F.avg_pool2d of integers",
    lambda torch, x, *a, **k: torch.nn.functional.avg_pool2d(x, *a, **k),
    lambda rng: [Sample(rng.integers(-9, 9, (2, 1, 4, 4)), 2)],
    gradient=False,
)
for _n in (1, 2, 3):
    OpSpec(
        f"F.lp_pool{_n}d",
        lambda torch, x, *a, name=f"lp_pool{_n}d", **k: getattr(torch.nn.functional, name)(
            x, *a, **k
        ),
        lambda rng, n=_n: [
            Sample(positive(rng, 2, 2, *(5, 4, 3)[:n]), 2, 2),
            Sample(positive(rng, 2, *(5, 4, 3)[:n]), 3, 2, 1, True),
            Sample(normal(rng, 1, 2, *(5, 4, 3)[:n]), 2, 2),
            Sample(distinct(rng, 1, 2, *(5, 4, 3)[:n]), _inf, 2),
            Sample(distinct(rng, 1, 2, *(5, 4, 3)[:n]), -_inf, 2),
        ],
        rtol=1e-4,
        errors=[Bad(RuntimeError, "too small", (_ones(1, *(2,) * _n), 2, 3))],
    )

# -- adaptive ----------------------------------------------------------------------------------

_sizes = [((4, 6), (2, 3)), ((5, 7), (3, 2)), ((2, 3), (5, 4)), ((4, 4), (None, 1)), ((3, 5), 1)]
_adaptive_errors = [
    Bad(RuntimeError, "3D or 4D", (_ones(1, 4), 2)),
    Bad(RuntimeError, "output_size", (_ones(1, 4, 4, 4), (2, 2, 2))),
    Bad(RuntimeError, "output_size|negative", (_ones(1, 4, 4, 4), -1)),
    Bad(RuntimeError, "non-zero size", (_ones(1, 4, 0, 4), 2)),
]
OpSpec(
    "F.adaptive_avg_pool2d",
    lambda torch, *a: torch.nn.functional.adaptive_avg_pool2d(*a),
    lambda rng: [
        *(Sample(normal(rng, 2, 1, *size), output) for size, output in _sizes),
        Sample(normal(rng, 2, 5, 4), 3),
        Sample(normal(rng, 0, 2, 5, 4), 3),
        Sample(normal(rng, 5, 4, 1, 2).T, (3, 2)),
    ],
    errors=_adaptive_errors,
)
OpSpec(
    "F.adaptive_avg_pool1d",
    lambda torch, *a: torch.nn.functional.adaptive_avg_pool1d(*a),
    lambda rng: [
        *(Sample(normal(rng, 2, 2, n), o) for n, o in [(6, 3), (7, 3), (3, 5), (1, 1)]),
        Sample(normal(rng, 2, 7), 2),
    ],
    errors=[
        Bad(RuntimeError, "2D or 3D|2 to 3", (_ones(4), 1)),
        Bad(NotImplementedError, "not implemented", (np.arange(4).reshape(1, 1, 4), 2)),
    ],
)


def adaptive_maxima(n: int) -> Any:
    def call(torch: Any, x: Any, size: Any) -> Any:
        function = getattr(torch.nn.functional, f"adaptive_max_pool{n}d")
        return function(x, size), function(x, size, return_indices=True)

    return call


OpSpec(
    "F.adaptive_max_pool2d",
    adaptive_maxima(2),
    lambda rng: [
        *(Sample(distinct(rng, 2, 1, *size), output) for size, output in _sizes),
        Sample(distinct(rng, 2, 5, 4), 3),
        Sample(distinct(rng, 0, 2, 5, 4), 3),
        Sample(distinct(rng, 5, 4, 1, 2).T, (3, 2)),
    ],
    covers=("F.adaptive_max_pool2d_with_indices",),
    errors=_adaptive_errors,
)
OpSpec(
    "F.adaptive_max_pool2d of ties and NaN",
    chosen("adaptive_max_pool2d"),
    lambda rng: [
        Sample(np.round(normal(rng, 2, 2, 7, 7)), 3),
        Sample(np.where(normal(rng, 2, 2, 7, 7) > 1, _nan, 1).astype("f"), (3, 2)),
        Sample(np.where(normal(rng, 2, 2, 6, 6) > 1, _nan, 1).astype("f"), (3, 2)),
    ],
    gradient=False,
    note="not differentiable at ties; PyTorch's choice is compared",
)
OpSpec(
    "F.adaptive_max_pool1d",
    adaptive_maxima(1),
    lambda rng: [
        *(Sample(distinct(rng, 2, 2, n), o) for n, o in [(6, 3), (7, 3), (3, 5), (1, 1)]),
        Sample(distinct(rng, 2, 7), 2),
    ],
    covers=("F.adaptive_max_pool1d_with_indices",),
    errors=[
        Bad(RuntimeError, "2D or 3D|2 to 3", (_ones(4), 1)),
        Bad(NotImplementedError, "not implemented", (np.arange(4).reshape(1, 1, 4), 1)),
    ],
)

# -- unpooling ---------------------------------------------------------------------------------


def unpooled(n: int) -> Any:
    def call(torch: Any, x: Any, kernel: Any, size: Any = None, **options: Any) -> Any:
        F = torch.nn.functional
        pool, unpool = getattr(F, f"max_pool{n}d"), getattr(F, f"max_unpool{n}d")
        y, places = pool(x, kernel, return_indices=True, **options)
        return unpool(y * y, places, kernel, output_size=size, **options)

    return call


_at = np.zeros((1, 1, 2, 2), np.int64)
OpSpec(
    "F.max_unpool2d",
    unpooled(2),
    lambda rng: [
        Sample(distinct(rng, 2, 2, 4, 4), 2),
        Sample(distinct(rng, 2, 5, 4), (2, 1), (5, 4)),
        Sample(distinct(rng, 1, 1, 5, 6), 2, (1, 1, 5, 6), stride=3, padding=1),
    ],
)
OpSpec("F.max_unpool1d", unpooled(1), lambda rng: [Sample(distinct(rng, 2, 2, 5), 2, (5,))])
OpSpec(
    "F.max_unpool2d, bad arguments",
    lambda torch, *a, **k: torch.nn.functional.max_unpool2d(*a, **k),
    lambda rng: [Sample(normal(rng, 1, 1, 2, 2), np.array([[[[0, 2], [8, 15]]]]), 2)],
    errors=[
        Bad(RuntimeError, "shape of indices", (_ones(1, 1, 2, 2), _at[:, :, :1], 2)),
        Bad(RuntimeError, "invalid max index", (_ones(1, 1, 2, 2), _at + 16, 2)),
        Bad(ValueError, "output_size", (_ones(1, 1, 2, 2), _at, 2), {"output_size": (9, 9)}),
        Bad(ValueError, "output_size", (_ones(1, 1, 2, 2), _at, 2), {"output_size": (4,)}),
    ],
)

# -- modules -----------------------------------------------------------------------------------

_image = lambda rng: [Sample(distinct(rng, 2, 2, 5, 4)), Sample(distinct(rng, 2, 4, 5))]  # noqa: E731
_signal = lambda rng: [Sample(distinct(rng, 2, 2, 5)), Sample(distinct(rng, 2, 6))]  # noqa: E731
for _name, _build, _samples in [
    ("MaxPool2d", lambda torch: torch.nn.MaxPool2d(2), _image),
    ("MaxPool2d options", lambda torch: torch.nn.MaxPool2d((3, 2), 2, 1, 1, True, True), _image),
    ("MaxPool1d", lambda torch: torch.nn.MaxPool1d(2, ceil_mode=True), _signal),
    ("AvgPool2d", lambda torch: torch.nn.AvgPool2d(2), _image),
    ("AvgPool2d options", lambda torch: torch.nn.AvgPool2d((3, 2), 2, (1, 0), True, False), _image),
    ("AvgPool2d divisor", lambda torch: torch.nn.AvgPool2d(2, divisor_override=3), _image),
    ("AvgPool1d", lambda torch: torch.nn.AvgPool1d(3, 2, 1, True, False), _signal),
    ("LPPool2d", lambda torch: torch.nn.LPPool2d(2, 2, ceil_mode=True), _image),
    ("LPPool1d", lambda torch: torch.nn.LPPool1d(2, 2, stride=1), _signal),
    ("AdaptiveAvgPool2d", lambda torch: torch.nn.AdaptiveAvgPool2d((None, 3)), _image),
    ("AdaptiveAvgPool2d to 1", lambda torch: torch.nn.AdaptiveAvgPool2d(1), _image),
    ("AdaptiveAvgPool1d", lambda torch: torch.nn.AdaptiveAvgPool1d(3), _signal),
    ("AdaptiveMaxPool2d", lambda torch: torch.nn.AdaptiveMaxPool2d((2, 3)), _image),
    ("AdaptiveMaxPool1d", lambda torch: torch.nn.AdaptiveMaxPool1d(3, True), _signal),
]:
    ModuleSpec(f"nn.{_name}", _build, _samples)
_wide = np.array([[[[0, 3], [9, 10]]]])
ModuleSpec(
    "nn.MaxUnpool2d",
    lambda torch: torch.nn.MaxUnpool2d(2, stride=2),
    lambda rng: [
        Sample(normal(rng, 1, 1, 2, 2), _wide),
        Sample(normal(rng, 1, 1, 2, 2), _wide, output_size=(5, 4)),
    ],
)
ModuleSpec(
    "nn.MaxUnpool1d",
    lambda torch: torch.nn.MaxUnpool1d(2),
    lambda rng: [Sample(normal(rng, 1, 1, 2), np.array([[[0, 3]]]))],
)
