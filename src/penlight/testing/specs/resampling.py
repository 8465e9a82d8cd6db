"""Rows for images and signals of another size, and for shuffled pixels and channels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, integers, normal

_MODES = {
    1: ("nearest", "nearest-exact", "linear", "area"),
    2: ("nearest", "nearest-exact", "bilinear", "bicubic", "area", "lanczos"),
    3: ("nearest", "nearest-exact", "trilinear", "area"),
}


def _random(n: int, count: int) -> Any:
    """Random sizes, factors and options in turns of the modes."""

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for i in range(count):
            mode = _MODES[n][i % len(_MODES[n])]
            old = [int(m) for m in rng.integers(1, (12, 7, 4)[n - 1], n)]
            options: dict[str, Any] = {"mode": mode}
            if rng.random() < 0.5:
                options["size"] = tuple(int(m) for m in rng.integers(2, (20, 9, 6)[n - 1], n))
            else:
                factors = [float(rng.choice([1.6, 2, 2.3, 3, 3.7])) for _ in range(n)]
                options["scale_factor"] = tuple(factors)
                options["recompute_scale_factor"] = [None, True, False][i % 3]
            if "linear" in mode or mode == "bicubic":
                options["align_corners"] = [None, True, False][i % 3]
            if mode == "lanczos" or (mode in ("bilinear", "bicubic") and i % 2):
                options["antialias"] = True
                options.pop("align_corners", None)
            shape = (int(rng.integers(1, 3)), 2, *old)
            x = normal(rng, *shape[::-1]).T if i % 5 == 4 else normal(rng, *shape)
            yield Sample(x, **options)

    return samples


def _call(torch: Any, *args: Any, **kwargs: Any) -> Any:
    return torch.nn.functional.interpolate(*args, **kwargs)


_x = np.ones((1, 2, 4, 4), np.float32)
_bytes = np.ones((1, 2, 4), np.uint8)
_smooth = {"mode": "bilinear"}

OpSpec(
    "F.interpolate",
    _call,
    lambda rng: [
        *_random(1, 12)(rng), *_random(2, 30)(rng), *_random(3, 10)(rng),
        Sample(normal(rng, 2, 3, 4, 4), scale_factor=2),
        Sample(normal(rng, 2, 3, 3, 5), scale_factor=(3, 1)),
        Sample(normal(rng, 2, 3, 3, 5), size=(3, 5)),
        Sample(normal(rng, 2, 3, 3, 5), size=[3, 5], **_smooth),
        Sample(normal(rng, 2, 3, 3, 5), scale_factor=[1.1, 1], **_smooth),
        Sample(normal(rng, 1, 1, 2, 70), size=(2, 33), **_smooth),
        Sample(normal(rng, 1, 1, 70, 3), size=(40, 2), mode="bilinear", antialias=True),
        Sample(normal(rng, 1, 2, 9), size=1, mode="linear", align_corners=True),
        Sample(normal(rng, 0, 2, 3, 3), size=5, **_smooth),
        Sample(normal(rng, 0, 2, 3, 3), scale_factor=2),
        Sample(normal(rng, 1, 1, 1, 1), size=3, mode="bicubic"),
    ],
    rtol=1e-4,
    atol=1e-5,
    errors=[
        Bad(ValueError, "align_corners", (_x, 2), {"align_corners": True}),
        Bad(ValueError, "neither", (_x,)),
        Bad(ValueError, "both", (_x, 2, 2)),
        Bad(ValueError, "recompute_scale_factor", (_x, 2), {"recompute_scale_factor": True}),
        Bad(ValueError, "size=", (_x, (2,))),
        Bad(ValueError, "scale_factor=", (_x,), {"scale_factor": (2, 2, 2)}),
        Bad(ValueError, "antialias", (_x, 2), {"antialias": True}),
        Bad(ValueError, "antialias", (_x[0], 2), {"antialias": True, "mode": "linear"}),
        Bad(ValueError, "lanczos", (_x, 2), {"mode": "lanczos"}),
        Bad(ValueError, "lanczos", (_x, 2), {"mode": "lanczos", "align_corners": True, "antialias": True}),
        Bad(TypeError, "size", (_x, 2.5)),
        Bad(TypeError, "size", (_x, (2.0, 2.0))),
        Bad(TypeError, "size", (_x, True)),
        Bad(TypeError, "scale_factor", (_x,), {"scale_factor": "2"}),
        Bad(RuntimeError, "scale_factor", (_x,), {"scale_factor": float("nan")}),
        Bad(RuntimeError, "greater than 0", (_x, 0)),
        Bad(RuntimeError, "greater than 0", (_x,), {"scale_factor": 0.1}),
        Bad(RuntimeError, "greater than 0", (_x[:, :, :0], 3), _smooth),
        Bad(RuntimeError, "non-empty", (_x[:, :0], 3)),
        Bad(NotImplementedError, "4D input", (_x[0], 2), _smooth),
        Bad(NotImplementedError, "3D input", (_x, 2), {"mode": "linear"}),
        Bad(NotImplementedError, "5D input", (_x, 2), {"mode": "trilinear"}),
        Bad(NotImplementedError, "'cubic'", (_x, 2), {"mode": "cubic"}),
        Bad(NotImplementedError, "got 2D", (_x[0, 0], 2)),
        Bad(NotImplementedError, "int64", (np.ones((1, 1, 2, 2), np.int64), 2)),
        Bad(NotImplementedError, "int64", (np.ones((1, 1, 2, 2), np.int64), 2), _smooth),
        Bad(NotImplementedError, "uint8", (_bytes, 2), {"mode": "linear"}),
    ],
)  # fmt: skip
OpSpec(
    "F.interpolate of bytes",
    _call,
    lambda rng: [
        Sample(rng.integers(0, 256, shape, np.uint8), size=size, mode=mode, antialias=antialias)
        for shape, size in [((2, 3, 9, 11), (5, 20)), ((1, 5, 8, 8), (16, 16)), ((1, 1, 4, 4), (4, 4))]
        for mode, antialias in [
            ("nearest", False), ("nearest-exact", False), ("bilinear", False), ("bilinear", True),
            ("bicubic", True), ("lanczos", True),
        ]
    ],
    gradient=False,
)  # fmt: skip
OpSpec(
    "F.interpolate of halves",
    lambda torch, x, **k: torch.nn.functional.interpolate(x.detach().half(), **k),
    lambda rng: [
        Sample(normal(rng, 1, 2, 5, 5), scale_factor=2),
        Sample(normal(rng, 1, 2, 5, 5), size=(7, 4), mode="bilinear"),
    ],
    gradient=False,
    rtol=1e-3,
    atol=1e-3,
)


def _deprecated(torch: Any, x: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            torch.nn.functional.upsample(x, None, 2, "bilinear", True),
            torch.nn.functional.upsample_nearest(x, scale_factor=2),
            torch.nn.functional.upsample_bilinear(x, size=(3, 5)),
        )


OpSpec(
    "F.upsample",
    _deprecated,
    lambda rng: [Sample(normal(rng, 1, 2, 3, 2))],
    covers=("F.upsample_nearest", "F.upsample_bilinear"),
)

for _name, _options in {
    "nn.Upsample": {"scale_factor": 2, "mode": "bicubic", "align_corners": True},
    "nn.Upsample of one size": {"size": 7},
    "nn.Upsample by two factors": {"scale_factor": (1.5, 2), "recompute_scale_factor": True},
    "nn.UpsamplingNearest2d": {"scale_factor": 3},
    "nn.UpsamplingBilinear2d": {"size": (4, 9)},
}.items():
    ModuleSpec(
        _name,
        lambda torch, name=_name, options=_options: getattr(torch.nn, name.split()[0][3:])(
            **options
        ),
        lambda rng: [Sample(normal(rng, 2, 2, 4, 3))],
    )

# -- permutations --------------------------------------------------------------------------------

OpSpec(
    "F.pixel_shuffle",
    lambda torch, *a: torch.nn.functional.pixel_shuffle(*a),
    lambda rng: [
        Sample(normal(rng, 2, 8, 3, 2), 2),
        Sample(normal(rng, 9, 2, 2), 3),
        Sample(normal(rng, 2, 3, 4, 2, 1), 2),
        Sample(normal(rng, 2, 4, 1, 3).transpose(0, 1, 3, 2), 1),
        Sample(integers(rng, 0, 9, 1, 4, 2, 2), 2),
    ],
    errors=[
        Bad(RuntimeError, "3 dimensions", (_x[0, 0], 2)),
        Bad(RuntimeError, r"input.size\(-3\) \(=2\)", (_x, 2)),
        Bad(RuntimeError, "positive upscale_factor", (_x, 0)),
        Bad(TypeError, "upscale_factor", (_x, 2.0)),
    ],
)
OpSpec(
    "F.pixel_unshuffle",
    lambda torch, *a: torch.nn.functional.pixel_unshuffle(*a),
    lambda rng: [
        Sample(normal(rng, 2, 3, 4, 6), 2),
        Sample(normal(rng, 1, 3, 3), 3),
        Sample(normal(rng, 2, 3, 1, 2, 2), 2),
        Sample(normal(rng, 6, 4).T[None], 2),
    ],
    errors=[
        Bad(RuntimeError, "3 dimensions", (_x[0, 0], 2)),
        Bad(RuntimeError, "height", (_x[:, :, :3], 2)),
        Bad(RuntimeError, "width", (_x[..., :3], 2)),
        Bad(RuntimeError, "positive downscale_factor", (_x, -1)),
        Bad(TypeError, "downscale_factor", (_x, "2")),
    ],
)
OpSpec(
    "F.channel_shuffle",
    lambda torch, *a: torch.nn.functional.channel_shuffle(*a),
    lambda rng: [
        Sample(normal(rng, 2, 6, 2, 2), 2),
        Sample(normal(rng, 2, 6, 3), 3),
        Sample(normal(rng, 2, 4, 1, 2, 2), 1),
        Sample(normal(rng, 3, 4, 2).T, 4),
        Sample(integers(rng, 0, 9, 1, 4, 2), 2),
    ],
    errors=[
        Bad(RuntimeError, "2 dimensions", (_x[0, 0], 2)),
        Bad(RuntimeError, r"groups \(=3\)", (_x, 3)),
        Bad(RuntimeError, "positive", (_x, 0)),
        Bad(TypeError, "groups", (_x, 2.0)),
    ],
)
OpSpec(
    "F.pixel_shuffle of nothing",
    lambda torch, x, name, n: getattr(torch.nn.functional, name)(x, n),
    lambda rng: [
        Sample(normal(rng, 0, 4, 2, 2), "pixel_shuffle", 2),
        Sample(normal(rng, 0, 1, 2, 2), "pixel_unshuffle", 2),
        Sample(normal(rng, 0, 4, 2, 2), "channel_shuffle", 2),
        Sample(normal(rng, 2, 0, 2, 2), "channel_shuffle", 2),
    ],
    parity=False,
    note="PyTorch leaves an empty input's shape as it is, and its gradients fail",
)
for _name, _argument, _shape in (
    ("PixelShuffle", 2, (2, 4, 2, 3)),
    ("PixelUnshuffle", 2, (2, 1, 2, 4)),
    ("ChannelShuffle", 2, (2, 4, 3, 1)),
):
    ModuleSpec(
        f"nn.{_name}",
        lambda torch, name=_name, argument=_argument: getattr(torch.nn, name)(argument),
        lambda rng, shape=_shape: [Sample(normal(rng, *shape))],
    )
