"""What functions with several named results return: tuples that print as PyTorch prints them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

__all__ = [
    "aminmax", "cummax", "cummin", "frexp", "histogram", "kthvalue", "max", "median", "min", "mode",
    "nanmedian", "sort", "topk",
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
