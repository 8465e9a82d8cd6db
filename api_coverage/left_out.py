"""Public names of PyTorch that Penlight leaves out, and why."""

from __future__ import annotations

import fnmatch

__all__ = ["reason"]

QUANTIZED = "quantized tensors"
SPARSE = "sparse tensors"
BFLOAT16 = "NumPy has no bfloat16"
DEVICES = "other devices than the CPU"
STORAGE = "storage apart from arrays; use the tensor or `.numpy()`"
SCRIPT = "compilation and export"

# by namespace ("torch" for all its headings); patterns as of file names
LEFT_OUT: dict[str, dict[str, str]] = {
    "torch": {
        "sparse_*": SPARSE,
        "*quantize*": QUANTIZED,
        "compiled_with_cxx11_abi": "no C++",
    },
    "Tensor": {
        "*sparse*": SPARSE,
        "*_indices": SPARSE,
        "coalesce": SPARSE,
        "is_coalesced": SPARSE,
        "dense_dim": SPARSE,
        "smm": SPARSE,
        "sspaddmm": SPARSE,
        "q_*": QUANTIZED,
        "qscheme": QUANTIZED,
        "dequantize": QUANTIZED,
        "int_repr": QUANTIZED,
        "bfloat16": BFLOAT16,
    },
}  # fmt: skip


def reason(namespace: str, name: str) -> str:
    """Why it is left out; empty if it should be there."""
    table = LEFT_OUT.get(namespace.partition(":")[0], {})
    return next((why for pattern, why in table.items() if fnmatch.fnmatch(name, pattern)), "")
