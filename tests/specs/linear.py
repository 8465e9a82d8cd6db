"""Rows for linear maps."""

from __future__ import annotations

import numpy as np

from tests.specs.spec import Bad, ModuleSpec, OpSpec, Sample, normal


def _linear(rng):  # type: ignore[no-untyped-def]
    yield Sample(normal(rng, 4, 3), normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 3), normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 2, 1, 3), normal(rng, 5, 3))
    yield Sample(normal(rng, 0, 3), normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 3, 4).T, normal(rng, 2, 3), normal(rng, 2))
    yield Sample(normal(rng, 4, 3), normal(rng, 3))


_x = np.ones((4, 3), np.float32)
OpSpec("F.linear", lambda torch, *args: torch.nn.functional.linear(*args), _linear,
       errors=[Bad(RuntimeError, "in_features", (_x, np.ones((2, 4), "f"))),
               Bad(RuntimeError, "same dtype", (_x, np.ones((2, 3), "d")))])

ModuleSpec("nn.Linear", lambda torch: torch.nn.Linear(3, 2), lambda rng: [
    Sample(normal(rng, 4, 3)), Sample(normal(rng, 2, 5, 3)), Sample(normal(rng, 3))])
ModuleSpec("nn.Linear without bias", lambda torch: torch.nn.Linear(3, 2, bias=False),
           lambda rng: [Sample(normal(rng, 4, 3))])
