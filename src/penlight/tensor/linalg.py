"""Linear algebra as methods, read when the first of them is called: it is large, and rarely needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["LinearAlgebraMethods"]


class _Later:
    """The function of its own name in a room of ``ops``, which takes its place when asked for."""

    def __init__(self, room: str) -> None:
        self.room = room

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        function = getattr(import_module(f"penlight.ops.{self.room}"), self.name)
        setattr(self.owner, self.name, function)
        return function if instance is None else function.__get__(instance)


class LinearAlgebraMethods:
    """They are the functions themselves, which take the tensor first."""

    __slots__ = ()

    inverse, matrix_power = _Later("solving"), _Later("solving")
    cholesky, cholesky_solve = _Later("older_linalg"), _Later("solving")
    cholesky_inverse, triangular_solve = _Later("solving"), _Later("older_linalg")
    det, logdet, slogdet = _Later("older_linalg"), _Later("determinant"), _Later("older_linalg")
    qr, svd, pinverse = _Later("older_linalg"), _Later("older_linalg"), _Later("singular")
    geqrf, orgqr, ormqr = _Later("reflections"), _Later("reflections"), _Later("reflections")
    lu, lu_solve = _Later("older_linalg"), _Later("older_linalg")
    matrix_exp = _Later("matrix_functions")
