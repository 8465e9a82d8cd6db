"""Rows for normalisation by neighbouring channels."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, normal

_x = np.ones((2, 3, 4), np.float32)
_inf, _nan = float("inf"), float("nan")

OpSpec(
    "F.local_response_norm",
    lambda torch, *a: torch.nn.functional.local_response_norm(*a),
    lambda rng: [
        Sample(normal(rng, 2, 5, 3), 3, 0.5),
        Sample(normal(rng, 1, 4, 2, 2), 2, 1.5, 0.5, 2.0),
        Sample(normal(rng, 2, 3, 1, 2, 2), 4, 0.7, 1.3),
        Sample(normal(rng, 1, 3, 1, 2, 1, 2), 1, 0.7),
        Sample(normal(rng, 1, 2, 3), 9, 0.9, 0.75, 0.1),
        Sample(normal(rng, 3, 4, 2).T, 2, 0.6),
        Sample(normal(rng, 0, 4, 3), 3),
        Sample(normal(rng, 2, 4, 3), 5),
    ],
    errors=[
        Bad(ValueError, "3D or higher", (_x[0], 3)),
        Bad(RuntimeError, "size", (_x, 0)),
        Bad(RuntimeError, "size", (_x, -1)),
        Bad(TypeError, "size", (_x, 2.5)),
    ],
)
OpSpec(
    "F.local_response_norm of extreme values",
    lambda torch, x, *a: torch.nn.functional.local_response_norm(x.detach(), *a),
    lambda rng: [
        Sample(np.float32([[[1], [1e25], [2], [1e-30], [_inf], [0], [_nan], [3]]]), 3),
        Sample(np.float32([[[0], [1e-40], [2]]]), 2, 1.0, 0.75, 0.0),
        Sample(np.float32([[[1], [2], [3]]]), 2, -1.0, 0.75, 0.0),
    ],
    gradient=False,
    note="infinities have no numerical gradient",
)
ModuleSpec(
    "nn.LocalResponseNorm",
    lambda torch: torch.nn.LocalResponseNorm(3, 0.5, 0.75, 1.5),
    lambda rng: [Sample(normal(rng, 2, 4, 3)), Sample(normal(rng, 1, 4, 2, 2))],
    errors=[Bad(ValueError, "3D or higher", (_x[0],))],
)
for _size in (1, 2, 3, 6, 20):
    ModuleSpec(
        f"nn.CrossMapLRN2d({_size})",
        lambda torch, size=_size: torch.nn.CrossMapLRN2d(size, 0.5, 0.75, 2.0),
        lambda rng: [Sample(normal(rng, 2, 5, 1, 2))],
        parity=False,
        note="PyTorch's gradient is not that of its result; the results are compared elsewhere",
        errors=[Bad(ValueError, "4D", (_x,))],
    )
ModuleSpec(
    "nn.SyncBatchNorm",
    lambda torch: torch.nn.SyncBatchNorm(3),
    lambda rng: [
        Sample(normal(rng, 4, 3)),
        Sample(normal(rng, 2, 3, 4)),
        Sample(normal(rng, 2, 3, 2, 2, 1)),
    ],
    errors=[
        Bad(ValueError, "at least 2D", (np.ones(3, "f"),)),
        Bad(ValueError, "non-zero", (np.ones((2, 0, 3), "f"),)),
        Bad(ValueError, "more than 1 value", (np.ones((1, 3), "f"),)),
    ],
)
ModuleSpec(
    "nn.DataParallel",
    lambda torch: torch.nn.DataParallel(torch.nn.Linear(3, 2)),
    lambda rng: [Sample(normal(rng, 4, 3)), Sample(input=normal(rng, 2, 3))],
)
