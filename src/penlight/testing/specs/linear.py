"""Rows for linear maps."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, normal


def _linear(rng):
    yield Sample(normal(rng, 4, 3), normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 3), normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 2, 1, 3), normal(rng, 5, 3))
    yield Sample(normal(rng, 0, 3), normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 3, 4).T, normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 4, 3), normal(rng, 3))
    for bias in [(1,), (), (4, 2), (1, 2)]:
        yield Sample(normal(rng, 4, 3), normal(rng, 2, 3), normal(rng, *bias))
    yield Sample(normal(rng, 2, 0), normal(rng, 3, 0), normal(rng, 3))
    yield Sample(normal(rng, 2, 3), normal(rng, 0, 3), normal(rng, 0))


_x = np.ones((4, 3), np.float32)
OpSpec(
    "F.linear",
    lambda torch, *args: torch.nn.functional.linear(*args),
    _linear,
    errors=[
        Bad(RuntimeError, "in_features", (_x, np.ones((2, 4), "f"))),
        Bad(RuntimeError, "in_features", (np.ones((), "f"), np.ones((2, 3), "f"))),
        Bad(RuntimeError, "weight", (_x, np.ones((2, 3, 3), "f"))),
        Bad(RuntimeError, "bias", (_x, np.ones((2, 3), "f"), np.ones(3, "f"))),
        Bad(RuntimeError, "bias", (_x, np.ones((2, 3), "f"), np.ones((3, 4, 2), "f"))),
        Bad(RuntimeError, "same dtype", (_x, np.ones((2, 3), "d"))),
        Bad(RuntimeError, "same dtype", (_x, np.ones((2, 3), "f"), np.ones(2, "d"))),
    ],
)

ModuleSpec(
    "nn.Linear",
    lambda torch: torch.nn.Linear(3, 2),
    lambda rng: [Sample(normal(rng, 4, 3)), Sample(normal(rng, 2, 5, 3)), Sample(normal(rng, 3))],
    errors=[
        Bad(RuntimeError, "in_features", (np.ones((2, 4), "f"),)),
        Bad(RuntimeError, "same dtype", (np.ones((2, 3), "d"),)),
    ],
)
ModuleSpec(
    "nn.Linear without bias",
    lambda torch: torch.nn.Linear(3, 2, bias=False),
    lambda rng: [Sample(normal(rng, 4, 3))],
)


def _bilinear(rng):
    yield Sample(normal(rng, 4, 3), normal(rng, 4, 2), normal(rng, 5, 3, 2), normal(rng, 5))
    yield Sample(normal(rng, 3), normal(rng, 2), normal(rng, 1, 3, 2))
    yield Sample(normal(rng, 2, 2, 1), normal(rng, 2, 2, 3), normal(rng, 2, 1, 3), normal(rng, 2))
    yield Sample(normal(rng, 0, 3), normal(rng, 0, 2), normal(rng, 2, 3, 2), normal(rng, 2))
    yield Sample(normal(rng, 3, 4).T, normal(rng, 4, 2), normal(rng, 2, 2, 3).swapaxes(1, 2))


_z, _a = np.ones((4, 2), np.float32), np.ones((5, 3, 2), np.float32)
OpSpec(
    "F.bilinear",
    lambda torch, *args: torch.nn.functional.bilinear(*args),
    _bilinear,
    errors=[
        Bad(RuntimeError, "leading sizes", (_x, _z[0], _a)),
        Bad(RuntimeError, "leading sizes", (_x, _z[:1], _a)),
        Bad(RuntimeError, "I1, I2", (_x, _x, _a)),
        Bad(RuntimeError, "I1, I2", (_z, _z, _a)),
        Bad(RuntimeError, "bias", (_x, _z, _a, np.ones(4, "f"))),
        Bad(RuntimeError, "same dtype", (_x, _z.astype("d"), _a)),
        Bad(IndexError, "weight", (_x, _z, _a[:, :, 0])),
    ],
)

ModuleSpec(
    "nn.Bilinear",
    lambda torch: torch.nn.Bilinear(3, 2, 4),
    lambda rng: [
        Sample(normal(rng, 5, 3), normal(rng, 5, 2)),
        Sample(normal(rng, 3), normal(rng, 2)),
    ],
    errors=[
        Bad(ValueError, "in1_features", (lambda torch: torch.nn.Bilinear(0, 2, 4),)),
        Bad(RuntimeError, "I1, I2", (_z, _z)),
    ],
)
ModuleSpec(
    "nn.Bilinear without bias",
    lambda torch: torch.nn.Bilinear(2, 1, 1, bias=False),
    lambda rng: [Sample(normal(rng, 2, 3, 2), normal(rng, 2, 3, 1))],
)
ModuleSpec(
    "nn.Identity",
    lambda torch: torch.nn.Identity(54, unused=True),
    lambda rng: [Sample(normal(rng, 2, 3)), Sample(normal(rng))],
)
ModuleSpec(
    "nn.Flatten",
    lambda torch: torch.nn.Flatten(),
    lambda rng: [
        Sample(normal(rng, 2, 3, 4)),
        Sample(normal(rng, 2, 3)),
        Sample(normal(rng, 0, 3, 2)),
    ],
    errors=[Bad(IndexError, "Dimension out of range", (np.ones(2, "f"),))],
)
ModuleSpec(
    "nn.Flatten some",
    lambda torch: torch.nn.Flatten(0, -2),
    lambda rng: [Sample(normal(rng, 2, 3, 4)), Sample(normal(rng, 4, 3, 2).T)],
)
ModuleSpec(
    "nn.Unflatten",
    lambda torch: torch.nn.Unflatten(1, (2, -1)),
    lambda rng: [Sample(normal(rng, 3, 4)), Sample(normal(rng, 3, 2, 2))],
    errors=[
        Bad(RuntimeError, "6|multiply", (np.ones((2, 5), "f"),)),
        Bad(IndexError, "Dimension out of range", (np.ones(4, "f"),)),
        Bad(TypeError, "unflattened_size", (lambda torch: torch.nn.Unflatten(1, 4),)),
        Bad(TypeError, "pos 1", (lambda torch: torch.nn.Unflatten(1, (2, 2.5)),)),
    ],
)
ModuleSpec(
    "nn.Sequential",
    lambda torch: torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(6, 3), torch.nn.Sequential(torch.nn.Linear(3, 2))
    ),
    lambda rng: [Sample(normal(rng, 2, 3, 2))],
    covers=("nn.Module",),
)


def _grouped(torch, a, b, ends=None, **options):
    offsets = None if ends is None else torch.tensor(ends, dtype=torch.int32)
    return torch.nn.functional.grouped_mm(a, b, offs=offsets, **options)


_batch, _rows = np.ones((3, 8, 16), np.float32), np.ones((6, 8), np.float32)
OpSpec(
    "F.grouped_mm",
    _grouped,
    lambda rng: [
        Sample(normal(rng, 6, 8), normal(rng, 3, 8, 16), [2, 3, 6]),
        Sample(normal(rng, 6, 8), normal(rng, 3, 8, 16), [2, 2, 6]),
        Sample(normal(rng, 3, 4, 8), normal(rng, 3, 8, 16)),
        Sample(normal(rng, 3, 4, 8), normal(rng, 8, 8), [2, 4, 8]),
        Sample(normal(rng, 4, 8), normal(rng, 8, 16), [2, 4, 8]),
    ],
    errors=[
        Bad(RuntimeError, "offsets", (_rows, _batch)),
        Bad(RuntimeError, "batch sizes", (_rows, _batch, [2, 6])),
        Bad(RuntimeError, "Bias", (_rows, _batch, [2, 3, 6]), {"bias": np.ones(16, "f")}),
    ],
    atol=1e-5,
)
