"""What functions with several named results return: tuples that print as PyTorch prints them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "geqrf", "histogram", "histogramdd", "kthvalue", "linalg_cholesky_ex",
    "linalg_eig", "linalg_eigh", "linalg_inv_ex", "linalg_ldl_factor", "linalg_ldl_factor_ex",
    "linalg_lstsq", "linalg_lu", "linalg_lu_factor", "linalg_lu_factor_ex", "linalg_qr",
    "linalg_slogdet", "linalg_solve_ex", "linalg_svd", "lu_unpack", "max", "median", "min", "mode",
    "nanmedian", "qr", "slogdet", "sort", "svd", "topk", "triangular_solve",
]  # fmt: skip


_namedtuple: Any = namedtuple


def _make(name: str, *fields: str) -> Any:
    base = _namedtuple(name, fields)

    def __repr__(self: Any) -> str:
        items = ",\n".join(f"{f}={value!r}" for f, value in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{items})"

    attributes = {"__slots__": (), "__repr__": __repr__, "__module__": __name__}
    return type(name, (base,), attributes)


_VALUES = ("values", "indices")
max, min = _make("max", *_VALUES), _make("min", *_VALUES)
median, nanmedian = _make("median", *_VALUES), _make("nanmedian", *_VALUES)
mode, kthvalue = _make("mode", *_VALUES), _make("kthvalue", *_VALUES)
sort, topk = _make("sort", *_VALUES), _make("topk", *_VALUES)
cummax, cummin = _make("cummax", *_VALUES), _make("cummin", *_VALUES)
aminmax = _make("aminmax", "min", "max")
frexp = _make("frexp", "mantissa", "exponent")
histogram = _make("histogram", "hist", "bin_edges")
histogramdd = _make("histogramdd", "hist", "bin_edges")

qr, linalg_qr = _make("qr", "Q", "R"), _make("linalg_qr", "Q", "R")
svd, linalg_svd = _make("svd", "U", "S", "V"), _make("linalg_svd", "U", "S", "Vh")
_SLOGDET, _EIGEN = ("sign", "logabsdet"), ("eigenvalues", "eigenvectors")
slogdet, linalg_slogdet = _make("slogdet", *_SLOGDET), _make("linalg_slogdet", *_SLOGDET)
linalg_eig, linalg_eigh = _make("linalg_eig", *_EIGEN), _make("linalg_eigh", *_EIGEN)
linalg_cholesky_ex = _make("linalg_cholesky_ex", "L", "info")
linalg_inv_ex, linalg_solve_ex = (
    _make("linalg_inv_ex", "inverse", "info"), _make("linalg_solve_ex", "result", "info"),
)  # fmt: skip
linalg_lstsq = _make("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_lu, lu_unpack = _make("linalg_lu", "P", "L", "U"), _make("lu_unpack", "P", "L", "U")
linalg_lu_factor = _make("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = _make("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_ldl_factor = _make("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = _make("linalg_ldl_factor_ex", "LD", "pivots", "info")
geqrf = _make("geqrf", "a", "tau")
triangular_solve = _make("triangular_solve", "solution", "cloned_coefficient")
_lu_with_info = _make("_lu_with_info", "LU", "pivots", "info")
