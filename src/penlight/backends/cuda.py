"""Switches of NVIDIA's GPUs: they may be set, and change nothing."""

from __future__ import annotations

__all__ = ["is_built", "matmul"]


class _Matmul:
    """Switches of products of matrices."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    fp32_precision = "none"


matmul = _Matmul()


def is_built() -> bool:
    """Always False."""
    return False
