"""Anomaly mode: find the operation, and the user's line, that made the first NaN or infinity."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from penlight.autograd.op import Op

__all__ = [
    "check_gradients", "check_roots", "detect_anomaly", "enabled", "is_anomaly_enabled", "note",
    "set_detect_anomaly",
]  # fmt: skip

enabled = False
_PACKAGE = str(Path(__file__).resolve().parents[1])


class Trace(NamedTuple):
    """Where the user called an op, and whether it turned finite inputs into NaN or infinity."""

    where: str
    made_non_finite: bool


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return enabled


class set_detect_anomaly:
    """Turn anomaly mode on or off: at once as a call, for a block as a context manager.

    While it is on, each recorded op notes the user's line that called it (slow, for debugging), and
    ``backward`` raises a ``RuntimeError`` that names it when a gradient, or the value that
    ``backward`` starts from, is NaN or infinite.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        global enabled
        self._previous = enabled
        self.check_nan = check_nan
        enabled = bool(mode) and check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        global enabled
        enabled = self._previous


class detect_anomaly(set_detect_anomaly):
    """``with detect_anomaly():`` is ``with set_detect_anomaly(True):``."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)


def _user_line() -> str:
    """The innermost line of the call stack that is not Penlight's own."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    summary = traceback.FrameSummary(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
    return f"{summary.filename}:{summary.lineno} in {summary.name}: {summary.line}"


def _is_finite(value: Any) -> bool:
    return (
        getattr(value, "dtype", None) is None
        or value.dtype.kind not in "fc"
        or bool(np.isfinite(value).all())
    )


def note(node: Op, inputs: list[Any], outputs: tuple[Any, ...]) -> None:
    """Called for each recorded op while the mode is on."""
    made = not all(map(_is_finite, outputs)) and all(map(_is_finite, inputs))
    node.trace = Trace(_user_line(), made)


def _culprit(nodes: list[Op]) -> str:
    """In words, the first op of the graph whose output was NaN or infinite for finite inputs."""
    made = [n for n in nodes if n.trace is not None and n.trace.made_non_finite]
    if not made:
        return ""
    first = min(made, key=lambda n: n.sequence)
    return (
        f" The first NaN or infinity of the forward pass was made by {first.name()}, called at "
        f"{first.trace.where}"  # type: ignore[union-attr]
    )


def check_roots(values: list[np.ndarray], nodes: list[Op]) -> None:
    """Raise if what ``backward`` starts from is NaN or infinite."""
    for value in values:
        if not _is_finite(value):
            raise RuntimeError(
                f"backward was called on a tensor that holds NaN or infinity.{_culprit(nodes)}"
            )


def check_gradients(node: Op, gradients: tuple[Any, ...], nodes: list[Op]) -> None:
    """Raise if a node's ``backward`` returned NaN or infinity."""
    for nr, gradient in enumerate(gradients):
        if gradient is None or _is_finite(getattr(gradient, "_array", gradient)):
            continue
        values = getattr(gradient, "_array", gradient)
        kind = "nan" if np.isnan(values).any() else "inf"
        where = f" It was called at {node.trace.where}." if node.trace else ""
        raise RuntimeError(
            f"Function '{node.name()}' returned {kind} values in its {nr}th output.{where}"
            f"{_culprit(nodes)}"
        )
