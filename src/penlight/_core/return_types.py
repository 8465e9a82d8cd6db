"""What functions with several named results return: tuples that print as PyTorch prints them.

Each type is made when it is first asked for: they take longer to make than the rest of the import.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

_FIELDS = {
    "max": "values indices",
    "min": "values indices",
    "median": "values indices",
    "nanmedian": "values indices",
    "mode": "values indices",
    "kthvalue": "values indices",
    "sort": "values indices",
    "topk": "values indices",
    "cummax": "values indices",
    "cummin": "values indices",
    "aminmax": "min max",
    "frexp": "mantissa exponent",
    "histogram": "hist bin_edges",
    "histogramdd": "hist bin_edges",
    "qr": "Q R",
    "linalg_qr": "Q R",
    "svd": "U S V",
    "linalg_svd": "U S Vh",
    "slogdet": "sign logabsdet",
    "linalg_slogdet": "sign logabsdet",
    "linalg_eig": "eigenvalues eigenvectors",
    "linalg_eigh": "eigenvalues eigenvectors",
    "linalg_cholesky_ex": "L info",
    "linalg_inv_ex": "inverse info",
    "linalg_solve_ex": "result info",
    "linalg_lstsq": "solution residuals rank singular_values",
    "linalg_lu": "P L U",
    "lu_unpack": "P L U",
    "linalg_lu_factor": "LU pivots",
    "linalg_lu_factor_ex": "LU pivots info",
    "linalg_ldl_factor": "LD pivots",
    "linalg_ldl_factor_ex": "LD pivots info",
    "geqrf": "a tau",
    "triangular_solve": "solution cloned_coefficient",
    "_lu_with_info": "LU pivots info",
}

__all__ = sorted(name for name in _FIELDS if not name.startswith("_"))

_namedtuple: Any = namedtuple


def _make(name: str, *fields: str) -> Any:
    base = _namedtuple(name, fields)

    def __repr__(self: Any) -> str:
        items = ",\n".join(f"{f}={value!r}" for f, value in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{items})"

    attributes = {"__slots__": (), "__repr__": __repr__, "__module__": __name__}
    return type(name, (base,), attributes)


def __getattr__(name: str) -> Any:
    if name not in _FIELDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = _make(name, *_FIELDS[name].split())
    return made


def __dir__() -> list[str]:
    return [*globals(), *_FIELDS]
