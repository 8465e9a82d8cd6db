"""Settings of PyTorch that programs make at their start. Here they hold already, or change nothing."""

from __future__ import annotations

from typing import Any

__all__ = [
    "are_deterministic_algorithms_enabled", "compile", "get_deterministic_debug_mode",
    "get_float32_matmul_precision", "get_num_interop_threads",
    "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled",
    "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal",
    "set_num_interop_threads", "set_warn_always", "use_deterministic_algorithms",
]  # fmt: skip

_PRECISIONS = ("highest", "high", "medium")
_DEBUG_MODES = ("default", "warn", "error")
_chosen: dict[str, Any] = {
    "deterministic": False, "warn_only": False, "precision": "highest", "interop": 1, "warn_always": False,
}  # fmt: skip


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Note that the same bits are wanted every time: for one number of threads they always are."""
    _chosen["deterministic"], _chosen["warn_only"] = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was last told."""
    return bool(_chosen["deterministic"])


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether :func:`use_deterministic_algorithms` was told to warn only."""
    return bool(_chosen["warn_only"])


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """The same as a number or name: 0 "default", 1 "warn", 2 "error".

    Raises:
        RuntimeError: for another.
    """
    names = (*_DEBUG_MODES, 0, 1, 2)
    if debug_mode not in names:
        raise RuntimeError(
            f"set_deterministic_debug_mode: expected 0, 1, 2 or one of {_DEBUG_MODES}, got {debug_mode!r}"
        )
    mode = names.index(debug_mode) % 3
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode() -> int:
    """What :func:`set_deterministic_debug_mode` was last told, as a number."""
    return (1 if _chosen["warn_only"] else 2) if _chosen["deterministic"] else 0


def set_warn_always(b: bool, /) -> None:
    """Accepted: how often a warning is shown is for Python's ``warnings`` filters to say."""
    _chosen["warn_always"] = bool(b)


def is_warn_always_enabled() -> bool:
    """What :func:`set_warn_always` was last told."""
    return bool(_chosen["warn_always"])


def set_flush_denormal(mode: bool) -> bool:
    """False: NumPy keeps denormal numbers, which can't be changed here."""
    return False


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
