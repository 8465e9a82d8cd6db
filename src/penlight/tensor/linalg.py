"""Linear algebra as methods."""

from __future__ import annotations

from penlight.ops import (
    determinant,
    matrix_functions,
    older_linalg as older,
    reflections,
    singular,
    solving,
)

__all__ = ["LinearAlgebraMethods"]


class LinearAlgebraMethods:
    """They are the functions themselves, which take the tensor first."""

    __slots__ = ()

    inverse, matrix_power = solving.inverse, solving.matrix_power
    cholesky, cholesky_solve = older.cholesky, solving.cholesky_solve
    cholesky_inverse, triangular_solve = solving.cholesky_inverse, older.triangular_solve
    det, logdet, slogdet = older.det, determinant.logdet, older.slogdet
    qr, svd, pinverse = older.qr, older.svd, singular.pinverse
    geqrf, orgqr, ormqr = reflections.geqrf, reflections.orgqr, reflections.ormqr
    lu, lu_solve, matrix_exp = older.lu, older.lu_solve, matrix_functions.matrix_exp
