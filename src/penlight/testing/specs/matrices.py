"""What the rows of linear algebra share: samples, and programs for complex matrices.

Complex matrices come as two real ones, so that the rows' programs stay real functions. Where signs or
phases are free (vectors of eigenvalues and singular values), the programs use what does not depend on
them: products of the factors, absolute values, v v^H of a vector v.
"""

from __future__ import annotations

import warnings

import numpy as np

from penlight.testing.specs.spec import Bad, Sample, normal

INF = float("inf")
X = np.ones((3, 3), np.float32)
ONE = np.eye(3, dtype=np.float32)
WIDE = np.ones((2, 3), np.float32)
HALF = np.eye(3, dtype=np.float16)
INTS = np.eye(3, dtype=np.int64)
NANS = np.full((3, 3), np.nan, np.float32)
SECOND_BAD = np.stack([ONE, X])
VECTOR = np.ones(3, np.float32)


def square(rng, *shape):
    """Matrices that are far from singular, with distinct eigenvalues and singular values."""
    n = shape[-1]
    return normal(rng, *shape) * 0.4 + np.diag(np.arange(n, dtype=np.float32) + 2)


def squares(rng):
    for shape in [(3, 3), (1, 1), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 3, 3), (2, 0, 0)]:
        yield Sample(square(rng, *shape))
    yield Sample(square(rng, 4, 4).T)
    yield Sample(square(rng, 6, 6)[::2, ::2])


def pairs(rng):
    """Real and imaginary parts."""
    for shape in [(3, 3), (2, 2, 2), (0, 0)]:
        yield Sample(square(rng, *shape), normal(rng, *shape) * 0.5)


def matrices(rng):
    for shape in [(3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 2, 3), (0, 3), (3, 0), (0, 2, 3)]:
        x = normal(rng, *shape)
        k = min(shape[-2:])
        x[..., :k, :k] += np.diag(np.arange(k) + 2)
        yield Sample(x)
    yield Sample(square(rng, 4, 4)[:, :3].T)


def matrix_pairs(rng):
    for shape in [(3, 3), (3, 2), (2, 3), (2, 2, 2)]:
        x = normal(rng, *shape)
        k = min(shape[-2:])
        x[..., :k, :k] += np.diag(np.arange(k) + 2)
        yield Sample(x, normal(rng, *shape) * 0.5)


def as_real(torch, y):
    return torch.view_as_real(y.resolve_conj()) if y.is_complex() else y


def of_complex(function):
    """A program on complex matrices as one on their parts."""

    def call(torch, *parts, **options):
        matrices = [torch.complex(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        y = function(torch, *matrices, **options)
        return [as_real(torch, part) for part in (y if isinstance(y, (tuple, list)) else (y,))]

    return call


def positive_definite(a):
    """A Hermitian positive-definite matrix."""
    return a @ a.mH + a.mH @ a * 0.1


def hermitian(a):
    return a + a.mH


def quiet(function):
    """Without PyTorch's warnings of deprecation."""

    def call(torch, *args, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(torch, *args, **options)

    return call


def not_square(*more, **options):
    return [
        Bad(RuntimeError, "square", (WIDE, *more), options),
        Bad(RuntimeError, "at least 2", (VECTOR, *more), options),
        Bad(RuntimeError, "int64", (INTS, *more), options),
    ]


def half_refused(*more, **options):
    return Bad(RuntimeError, "float16", (HALF, *more), options)


def projectors(v):
    """v_j v_j^H for each column: they do not depend on signs and phases."""
    return v.mT.unsqueeze(-1) * v.mH.unsqueeze(-2)


def symmetrized(x):
    return x + np.swapaxes(x, -1, -2)
