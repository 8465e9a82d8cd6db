"""Settings of PyTorch that programs make at their start. Here they hold already, or change nothing."""

from __future__ import annotations

from typing import Any

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_float32_matmul_precision",
    "get_num_interop_threads", "set_float32_matmul_precision", "set_num_interop_threads",
    "use_deterministic_algorithms",
]  # fmt: skip

_PRECISIONS = ("highest", "high", "medium")
_chosen: dict[str, Any] = {"deterministic": False, "precision": "highest", "interop": 1}


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Note that the same bits are wanted every time: for one number of threads they always are."""
    _chosen["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was last told."""
    return bool(_chosen["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """Allow less precise products of matrices: those of float32 stay exact to float32 here.

    Raises:
        RuntimeError: if it is not ``"highest"``, ``"high"`` or ``"medium"``.
    """
    if precision not in _PRECISIONS:
        raise RuntimeError(
            f"set_float32_matmul_precision: precision must be one of {_PRECISIONS}, got {precision!r}"
        )
    _chosen["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What :func:`set_float32_matmul_precision` was last told."""
    return str(_chosen["precision"])


def set_num_interop_threads(num_threads: int) -> None:
    """Accepted: operations run one after another here.

    Raises:
        RuntimeError: for a number that is not positive.
    """
    if num_threads <= 0:
        raise RuntimeError(
            f"set_num_interop_threads expects a positive number of threads, got {num_threads}"
        )
    _chosen["interop"] = int(num_threads)


def get_num_interop_threads() -> int:
    """What :func:`set_num_interop_threads` was last told."""
    return int(_chosen["interop"])


def compile(model: Any = None, **options: Any) -> Any:
    """``model`` (a module or function) as it is: there is nothing to compile.

    Usable as a decorator, with and without options.
    """
    return (lambda function: function) if model is None else model
