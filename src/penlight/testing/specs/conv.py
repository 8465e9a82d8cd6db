"""Rows for convolutions, transposed convolutions, unfold and fold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, normal

_ones = lambda *shape: np.ones(shape, np.float32)  # noqa: E731


def _geometry(rng: np.random.Generator, n: int, transposed: bool) -> dict[str, Any]:
    """Random options of a convolution in n dimensions, small enough for numerical gradients."""
    pick = lambda *choices: tuple(int(c) for c in rng.choice(choices, n))  # noqa: E731
    options: dict[str, Any] = {
        "stride": pick(1, 1, 2, 3),
        "dilation": pick(1, 1, 2),
        "padding": pick(0, 1, 2),
        "groups": int(rng.choice([1, 1, 2, 3])),
    }
    if transposed:
        most = [max(s, d) for s, d in zip(options["stride"], options["dilation"], strict=True)]
        options["output_padding"] = tuple(int(rng.integers(0, m)) for m in most)
    return options


def _least(k: int, s: int, p: int, d: int, transposed: bool) -> int:
    """The smallest size with an output."""
    extent = d * (k - 1) + 1
    return 1 + max(-(-(2 * p - extent + 1) // s), 0) if transposed else max(extent - 2 * p, 1)


def random_convolutions(n: int, count: int, transposed: bool = False) -> Any:
    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for i in range(count):
            options = _geometry(rng, n, transposed)
            groups = options["groups"]
            kernel = [int(k) for k in rng.integers(1, 4, n)]
            c, f = (groups * int(m) for m in rng.integers(1, 3, 2))
            size = [
                _least(*one, transposed) + int(rng.integers(0, 3))
                for one in zip(
                    kernel, options["stride"], options["padding"], options["dilation"], strict=True
                )
            ]
            batch = [] if i % 5 == 4 else [int(rng.integers(1, 3))]
            x = normal(rng, *batch, c, *size)
            if i % 4 == 3:  # not contiguous
                x = normal(rng, *x.shape[::-1]).T
            w = normal(rng, f, c // groups, *kernel)
            if transposed:
                w = normal(rng, c, f // groups, *kernel)
            bias = normal(rng, f) if rng.random() < 0.7 else None
            yield Sample(x, w, bias, **options)

    return samples


def _conv2d(rng: np.random.Generator) -> Iterator[Sample]:
    yield from random_convolutions(2, 30)(rng)
    yield Sample(normal(rng, 0, 2, 4, 4), normal(rng, 3, 2, 3, 3), normal(rng, 3))
    yield Sample(normal(rng, 1, 1, 1, 1), normal(rng, 1, 1, 1, 1), normal(rng, 1))
    yield Sample(normal(rng, 2, 3, 2, 2), normal(rng, 2, 3, 1, 1))
    yield Sample(normal(rng, 2, 2, 7, 6), normal(rng, 3, 2, 1, 1), normal(rng, 3))
    yield Sample(normal(rng, 1, 3, 4, 4), normal(rng, 3, 1, 3, 3), normal(rng, 3), groups=3)
    yield Sample(normal(rng, 1, 2, 4, 4), normal(rng, 4, 1, 3, 3), None, 1, 1, 1, 2)
    yield Sample(normal(rng, 1, 2, 4, 5), normal(rng, 2, 2, 3, 1), normal(rng, 2), padding="same")
    yield Sample(normal(rng, 1, 2, 4, 5), normal(rng, 2, 2, 3, 3), None, padding="same", dilation=2)
    yield Sample(normal(rng, 1, 2, 4, 5), normal(rng, 2, 2, 3, 3), None, padding="valid", stride=2)
    yield Sample(normal(rng, 2, 3, 4, 4)[:, :, ::2, ::2], normal(rng, 2, 3, 2, 2))
    yield Sample(normal(rng, 2, 3, 3, 3), normal(rng, 3, 3, 2, 2).transpose(1, 0, 3, 2))


_x, _w = _ones(2, 4, 5, 5), _ones(6, 4, 3, 3)
_common = [
    Bad(RuntimeError, "3D .unbatched. or 4D", (_ones(5, 5), _w)),
    Bad(RuntimeError, "3D .unbatched. or 4D", (_ones(1, 1, 4, 5, 5), _w)),
    Bad(RuntimeError, "weight", (_x, _ones(6, 4, 3))),
    Bad(RuntimeError, "channels", (_ones(2, 3, 5, 5), _w)),
    Bad(RuntimeError, "bias to be 1-dimensional", (_x, _w, _ones(5))),
    Bad(RuntimeError, "bias to be 1-dimensional", (_x, _w, _ones(6, 1))),
    Bad(RuntimeError, "stride", (_x, _w), {"stride": 0}),
    Bad(RuntimeError, "stride", (_x, _w), {"stride": (1, 1, 1)}),
    Bad(TypeError, "stride", (_x, _w), {"stride": 1.5}),
    Bad(RuntimeError, "dilation", (_x, _w), {"dilation": 0}),
    Bad(RuntimeError, "padding", (_x, _w), {"padding": -1}),
    Bad(RuntimeError, "groups", (_x, _w), {"groups": 0}),
    Bad(RuntimeError, "groups=4, expected weight", (_x, _w), {"groups": 4}),
    Bad(RuntimeError, "dtype", (_x, _w.astype("d"))),
    Bad(RuntimeError, "dtype", (_x, _w, np.ones(6))),
    Bad(NotImplementedError, "bool", (_x > 0, _w > 0)),
]
OpSpec(
    "F.conv2d",
    lambda torch, *a, **k: torch.nn.functional.conv2d(*a, **k),
    _conv2d,
    errors=[
        *_common,
        Bad(RuntimeError, "channels", (_x, _w), {"groups": 2}),
        Bad(RuntimeError, "greater than actual input size", (_x, _ones(6, 4, 6, 3))),
        Bad(RuntimeError, "greater than actual input size", (_x, _w), {"dilation": (1, 3)}),
        Bad(RuntimeError, "kernel_size", (_x, _ones(6, 4, 0, 3))),
        Bad(RuntimeError, "Invalid padding string", (_x, _w), {"padding": "full"}),
        Bad(RuntimeError, "strided", (_x, _w), {"padding": "same", "stride": 2}),
    ],
)
OpSpec(
    "F.conv1d",
    lambda torch, *a, **k: torch.nn.functional.conv1d(*a, **k),
    lambda rng: [
        *random_convolutions(1, 16)(rng),
        Sample(normal(rng, 0, 2, 4), normal(rng, 3, 2, 3), normal(rng, 3)),
        Sample(normal(rng, 2, 2, 5), normal(rng, 2, 2, 3), padding="same"),
        Sample(normal(rng, 2, 2, 1), normal(rng, 2, 2, 1), normal(rng, 2)),
        Sample(normal(rng, 1, 2, 40), normal(rng, 2, 1, 3), normal(rng, 2), groups=2),
    ],
    errors=[
        Bad(RuntimeError, "2D .unbatched. or 3D", (_ones(5), _ones(2, 3, 2))),
        Bad(RuntimeError, "channels", (_ones(1, 2, 5), _ones(2, 3, 2))),
        Bad(RuntimeError, "greater than actual input size", (_ones(1, 3, 5), _ones(2, 3, 6))),
    ],
)
OpSpec(
    "F.conv_transpose2d",
    lambda torch, *a, **k: torch.nn.functional.conv_transpose2d(*a, **k),
    lambda rng: [
        *random_convolutions(2, 16, transposed=True)(rng),
        Sample(normal(rng, 0, 2, 3, 3), normal(rng, 2, 3, 2, 2), normal(rng, 3)),
        Sample(normal(rng, 1, 2, 1, 1), normal(rng, 2, 1, 1, 1)),
        # every output beyond the windows: output_padding with dilation but no stride
        Sample(normal(rng, 1, 2, 3, 3), normal(rng, 2, 1, 2, 2), None, 1, 0, 1, 1, 2),
    ],
    errors=[
        Bad(RuntimeError, "channels", (_ones(2, 3, 5, 5), _w)),
        Bad(RuntimeError, "bias to be 1-dimensional", (_ones(2, 6, 5, 5), _w, _ones(6))),
        Bad(RuntimeError, "output padding must be smaller", (_ones(2, 6, 5, 5), _w),
            {"output_padding": 1}),
        Bad(RuntimeError, "output_padding", (_ones(2, 6, 5, 5), _w), {"output_padding": -1}),
        Bad(RuntimeError, "too small", (_ones(2, 6, 1, 1), _w), {"padding": 2}),
        Bad(RuntimeError, "groups", (_ones(2, 6, 5, 5), _w), {"groups": 4}),
        Bad(TypeError, "padding", (_ones(2, 6, 5, 5), _w), {"padding": "same"}),
    ],
)  # fmt: skip
OpSpec(
    "F.conv_transpose1d",
    lambda torch, *a, **k: torch.nn.functional.conv_transpose1d(*a, **k),
    random_convolutions(1, 10, transposed=True),
    errors=[Bad(RuntimeError, "channels", (_ones(2, 3, 5), _ones(2, 3, 2)))],
)
OpSpec(
    "F.unfold",
    lambda torch, *a, **k: torch.nn.functional.unfold(*a, **k),
    lambda rng: [
        Sample(normal(rng, 2, 2, 4, 5), 2),
        Sample(normal(rng, 2, 4, 5), (2, 3), dilation=(2, 1), padding=(1, 0), stride=(1, 2)),
        Sample(normal(rng, 0, 2, 4, 5), 2),
        Sample(normal(rng, 5, 4, 2, 1).T, 3, 1, 1),
        Sample(normal(rng, 1, 1, 1, 1), 1),
    ],
    errors=[
        Bad(RuntimeError, "sliding blocks", (_x, 6)),
        Bad(RuntimeError, "kernel_size", (_x, (2, 2, 2))),
        Bad(RuntimeError, "stride", (_x, 2), {"stride": 0}),
        Bad(RuntimeError, "padding", (_x, 2), {"padding": -1}),
        Bad(RuntimeError, "3D or 4D", (_ones(1, 1, 1, 4, 4), 2)),
        Bad(IndexError, "Dimension out of range", (_ones(4, 4), 2)),
    ],
)
OpSpec(
    "F.fold",
    lambda torch, *a, **k: torch.nn.functional.fold(*a, **k),
    lambda rng: [
        Sample(normal(rng, 2, 8, 12), (4, 5), 2),
        Sample(normal(rng, 12, 4), (4, 5), (2, 3), dilation=(2, 1), padding=(1, 0), stride=(2, 2)),
        Sample(normal(rng, 0, 4, 9), 4, 2),
        Sample(normal(rng, 9, 4, 1).T, 4, 2),
    ],
    errors=[
        Bad(RuntimeError, "divisible by the product", (_ones(2, 13, 9), (4, 4), 2)),
        Bad(RuntimeError, "sliding blocks", (_ones(2, 12, 8), (4, 4), 2)),
        Bad(RuntimeError, "sliding blocks", (_ones(2, 12, 8), (1, 1), 2)),
        Bad(RuntimeError, "2D or 3D", (_ones(2, 12, 9, 1), (4, 4), 2)),
        Bad(RuntimeError, "output_size", (_ones(2, 12, 9), (4, 4, 4), 2)),
    ],
)

# -- modules -----------------------------------------------------------------------------------

_image = lambda rng: [Sample(normal(rng, 1, 2, 4, 3)), Sample(normal(rng, 2, 3, 3))]  # noqa: E731
_signal = lambda rng: [Sample(normal(rng, 2, 2, 4)), Sample(normal(rng, 2, 5))]  # noqa: E731

ModuleSpec(
    "nn.Conv2d",
    lambda torch: torch.nn.Conv2d(2, 3, 3),
    _image,
    errors=[
        Bad(RuntimeError, "channels", (_ones(2, 3, 5, 5),)),
        Bad(RuntimeError, "3D .unbatched. or 4D", (_ones(5, 5),)),
        Bad(ValueError, "groups", (lambda torch: torch.nn.Conv2d(4, 4, 3, groups=0),)),
        Bad(
            ValueError,
            r"in_channels \(=6\) must be divisible by groups \(=4\)",
            (lambda torch: torch.nn.Conv2d(6, 4, 3, groups=4),),
        ),
        Bad(ValueError, "out_channels", (lambda torch: torch.nn.Conv2d(4, 6, 3, groups=4),)),
        Bad(ValueError, "padding string", (lambda torch: torch.nn.Conv2d(4, 6, 3, padding="all"),)),
        Bad(
            ValueError,
            "strided",
            (lambda torch: torch.nn.Conv2d(4, 6, 3, stride=2, padding="same"),),
        ),
        Bad(
            ValueError,
            "padding_mode",
            (lambda torch: torch.nn.Conv2d(4, 6, 3, padding_mode="mirror"),),
        ),
    ],
)
for _name, _build in {
    "Conv2d options": lambda torch: torch.nn.Conv2d(2, 4, (3, 2), (2, 1), (1, 2), (1, 2), 2, False),
    "Conv2d depthwise": lambda torch: torch.nn.Conv2d(2, 4, 3, padding=1, groups=2),
    "Conv2d pointwise": lambda torch: torch.nn.Conv2d(2, 3, 1),
    "Conv2d same": lambda torch: torch.nn.Conv2d(2, 1, 3, padding="same", dilation=2),
    "Conv2d valid": lambda torch: torch.nn.Conv2d(2, 3, (2, 3), padding="valid"),
    "Conv2d reflect": lambda torch: torch.nn.Conv2d(2, 1, 3, 2, 2, padding_mode="reflect"),
    "Conv2d replicate": lambda torch: torch.nn.Conv2d(
        2, 1, 3, padding=(0, 2), padding_mode="replicate"
    ),
    "Conv2d circular same": lambda torch: torch.nn.Conv2d(
        2, 1, (3, 2), padding="same", padding_mode="circular"
    ),
    "Conv2d reflect valid": lambda torch: torch.nn.Conv2d(
        2, 1, 3, padding="valid", padding_mode="reflect"
    ),
    "ConvTranspose2d options": lambda torch: torch.nn.ConvTranspose2d(
        2, 2, (3, 2), (2, 1), (1, 0), (1, 1), 2, False, (1, 2)
    ),
}.items():
    ModuleSpec(f"nn.{_name}", _build, _image)
ModuleSpec("nn.Conv1d", lambda torch: torch.nn.Conv1d(2, 3, 3, padding=1), _signal)
ModuleSpec(
    "nn.Conv1d options",
    lambda torch: torch.nn.Conv1d(2, 2, 3, 2, 2, 2, 2, False, "circular"),
    _signal,
)
ModuleSpec(
    "nn.ConvTranspose2d",
    lambda torch: torch.nn.ConvTranspose2d(2, 3, 2, stride=2),
    lambda rng: [
        Sample(normal(rng, 1, 2, 2, 3)),
        Sample(normal(rng, 2, 2, 1)),
        Sample(normal(rng, 1, 2, 1, 2), output_size=(3, 4)),
        Sample(normal(rng, 1, 2, 1, 2), output_size=(1, 3, 2, 5)),
    ],
    errors=[
        Bad(ValueError, "valid sizes range", (_ones(1, 2, 3, 3),), {"output_size": (20, 20)}),
        Bad(ValueError, "must have 2 or 4", (_ones(1, 2, 3, 3),), {"output_size": (3, 7, 7)}),
        Bad(RuntimeError, "channels", (_ones(1, 3, 3, 3),)),
        Bad(
            ValueError,
            "zeros",
            (lambda torch: torch.nn.ConvTranspose2d(4, 3, 2, padding_mode="reflect"),),
        ),
        Bad(ValueError, "groups", (lambda torch: torch.nn.ConvTranspose2d(4, 3, 2, groups=2),)),
    ],
)
ModuleSpec(
    "nn.ConvTranspose1d",
    lambda torch: torch.nn.ConvTranspose1d(2, 3, 3, stride=2, padding=1, output_padding=1),
    _signal,
)
ModuleSpec(
    "nn.Unfold",
    lambda torch: torch.nn.Unfold(2, 1, (1, 0), 2),
    _image,
    errors=[Bad(RuntimeError, "sliding blocks", (_ones(1, 2, 3, 1),))],
)
ModuleSpec(
    "nn.Fold",
    lambda torch: torch.nn.Fold((4, 5), (2, 2), padding=1, stride=2),
    lambda rng: [Sample(normal(rng, 2, 4, 9)), Sample(normal(rng, 4, 9))],
    errors=[Bad(RuntimeError, "sliding blocks", (_ones(1, 4, 8),))],
)
