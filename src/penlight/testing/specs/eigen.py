"""Rows for eigenvalues."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.matrices import (
    NANS,
    ONE,
    as_real,
    half_refused,
    hermitian,
    not_square,
    of_complex,
    pairs,
    projectors,
    square,
    squares,
    symmetrized,
)
from penlight.testing.specs.spec import Bad, OpSpec, Sample, normal

OpSpec(
    "linalg.eigh",
    lambda torch, a: (
        torch.linalg.eigh(hermitian(a))[0], torch.linalg.eigvalsh(hermitian(a), "U"),
        projectors(torch.linalg.eigh(hermitian(a), UPLO="U")[1]),
    ),
    squares,
    covers=("linalg.eigvalsh",),
    errors=[
        Bad(RuntimeError, "non-finite|converge", (NANS,)),
    ],
    rtol=1e-3,
    atol=1e-4,
    note="vectors have no definite sign",
)  # fmt: skip
OpSpec(
    "linalg.eigh as it is called",
    lambda torch, a, *uplo: (torch.linalg.eigh(a, *uplo)[0], projectors(torch.linalg.eigh(a, *uplo)[1]),
                             torch.linalg.eigvalsh(a, *uplo)),
    lambda rng: [Sample(symmetrized(square(rng, 3, 3))), Sample(symmetrized(square(rng, 2, 2)), "U")],
    numerical=False,
    errors=[*not_square(), half_refused(), Bad(RuntimeError, "UPLO", (ONE, "X"))],
    rtol=1e-3,
    atol=1e-4,
    note="only one triangle is read, while the gradient is symmetric",
)  # fmt: skip
OpSpec(
    "linalg.eigh complex",
    of_complex(
        lambda torch, a: (
            torch.linalg.eigh(hermitian(a))[0], projectors(torch.linalg.eigh(hermitian(a))[1])
        )
    ),
    pairs,
    rtol=1e-3,
    atol=1e-4,
)  # fmt: skip


def _sorted(torch, w, *more):
    """In an order that both libraries give."""
    order = (w.real + 0.01 * w.imag).argsort(-1)
    return [w.gather(-1, order)] + [
        x.gather(-3, order[..., None, None].expand(x.shape)) for x in more
    ]


def _eig(torch, a):
    w, v = torch.linalg.eig(a)
    return [as_real(torch, y) for y in _sorted(torch, w, projectors(v))]


OpSpec(
    "linalg.eig",
    _eig,
    lambda rng: [
        Sample(square(rng, 3, 3)), Sample(square(rng, 2, 2, 2)), Sample(np.array([[0, 1], [-2, 1]], "f")),
        Sample(square(rng, 0, 0)), Sample(square(rng, 0, 2, 2)), Sample(square(rng, 1, 1)),
    ],
    errors=[*not_square(), half_refused(), Bad(RuntimeError, "infs or NaNs", (NANS,))],
    rtol=1e-3,
    atol=1e-4,
    note="vectors have no definite phase",
)  # fmt: skip
OpSpec(
    "linalg.eigvals",
    lambda torch, a: [as_real(torch, y) for y in _sorted(torch, torch.linalg.eigvals(a))],
    lambda rng: [
        Sample(square(rng, 3, 3)),
        Sample(square(rng, 2, 2, 2)),
        Sample(square(rng, 0, 2, 2)),
    ],
    errors=not_square(),
    rtol=1e-3,
    atol=1e-4,
)
OpSpec(
    "linalg.eig complex",
    of_complex(lambda torch, a: _eig(torch, a)),
    lambda rng: [Sample(square(rng, 3, 3), normal(rng, 3, 3))],
    rtol=1e-3,
    atol=1e-4,
)
