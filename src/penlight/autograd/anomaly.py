"""Anomaly mode: find the operation, and the user's line, that made the first NaN or infinity."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from penlight.autograd.base import TensorBase

if TYPE_CHECKING:
    from penlight.autograd.node import Node

__all__ = [
    "check_gradients", "check_roots", "detect_anomaly", "enabled", "explain", "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled", "note", "set_detect_anomaly",
]  # fmt: skip

enabled = False
_check_nan = True
_PACKAGE = str(Path(__file__).resolve().parents[1])


class Trace(NamedTuple):
    """Where the user called an op, and what it made of finite inputs."""

    stack: list[traceback.FrameSummary]  # the user's frames, outermost first
    modules: str  # the modules whose forward was running: "Net > Sequential > Linear"
    made: str  # "NaN", "infinity", or "" if the outputs hold neither or an input did already

    def where(self) -> str:
        line = self.stack[-1]
        inside = f" (inside {self.modules})" if self.modules else ""
        return f"{line.filename}:{line.lineno} in {line.name}: {line.line}{inside}"


def is_anomaly_enabled() -> bool:
    """Whether anomaly mode is on."""
    return enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly mode, when on, looks for NaN and infinity."""
    return _check_nan


class set_detect_anomaly:
    """Turn anomaly mode on or off: at once as a call, for a block as a context manager.

    While it is on, each recorded op notes the user's line that called it (slow, for debugging).
    An error in ``backward`` then shows the lines of the forward pass it goes back to; and a value
    to start from or a gradient that is NaN or infinite is such an error, which also names the op
    and line that made the first NaN or infinity of the forward pass.

    Args:
        mode: on or off.
        check_nan: whether to look for NaN and infinity. Default: True.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        global enabled, _check_nan
        self._previous = enabled, _check_nan
        enabled, _check_nan = bool(mode), bool(check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        global enabled, _check_nan
        enabled, _check_nan = self._previous


class detect_anomaly:
    """``with detect_anomaly():`` turns anomaly mode on for the block."""

    def __init__(self, check_nan: bool = True) -> None:
        self._check_nan = check_nan

    def __enter__(self) -> None:
        self._mode = set_detect_anomaly(True, self._check_nan)

    def __exit__(self, *exception: object) -> None:
        self._mode.__exit__(*exception)


# -- while recording -------------------------------------------------------------------------


def note(node: Node, inputs: list[Any], outputs: tuple[Any, ...]) -> None:
    """Called for each recorded op while the mode is on."""
    made = ""
    if _check_nan and not any(map(_flaw, inputs)):
        made = next(filter(None, map(_flaw, outputs)), "")
    node._trace = Trace(*_user_stack(), made)


def _flaw(value: Any) -> str:
    """``"NaN"``, ``"infinity"``, or ``""`` for values without either."""
    array = getattr(value, "_array", value)
    if not isinstance(array, (np.ndarray, np.generic)) or array.dtype.kind not in "fc":
        return ""
    if np.isfinite(array).all():
        return ""
    return "NaN" if np.isnan(array).any() else "infinity"


def _user_stack() -> tuple[list[traceback.FrameSummary], str]:
    """The frames of the call stack that are not Penlight's, and the modules being called."""
    stack = []
    modules: list[str] = []
    frame: FrameType | None = sys._getframe()
    called: object = None
    while frame is not None:
        code = frame.f_code
        if code.co_name == "forward" and "self" in frame.f_locals:
            module = frame.f_locals["self"]
            if module is not called:
                modules.append(type(module).__name__)
            called = module
        if not code.co_filename.startswith(_PACKAGE):
            summary = traceback.FrameSummary(
                code.co_filename, frame.f_lineno, code.co_name, lookup_line=False
            )
            stack.append(summary)
        frame = frame.f_back
    return stack[::-1], " > ".join(modules[::-1])


# -- in backward -----------------------------------------------------------------------------


def check_roots(roots: list[TensorBase]) -> None:
    """Raise if what ``backward`` starts from is NaN or infinite."""
    for root in roots:
        flaw = _flaw(root) if _check_nan else ""
        if flaw:
            raise RuntimeError(
                f"backward was called on a tensor that holds {flaw}.{_culprit(root.grad_fn)}"
            )


def check_gradients(node: Node, gradients: tuple[Any, ...]) -> None:
    """Raise if a node's ``backward`` returned NaN or infinity."""
    for nr, g in enumerate(gradients):
        flaw = _flaw(g) if _check_nan else ""
        if flaw:
            kind = "nan" if flaw == "NaN" else "inf"
            error = RuntimeError(
                f"Function '{node._name()}' returned {kind} values in its {nr}th output."
                f"{_called_at(node)}{_culprit(node)}"
            )
            explain(error, node)
            raise error


def explain(error: Exception, node: Node) -> None:
    """Add to an error of a node's backward where its forward was called, if that was noted."""
    if node._trace is not None:
        lines = "".join(traceback.format_list(node._trace.stack)).rstrip()
        error.add_note(
            f"The forward call of {node._name()} whose backward failed (most recent call last):\n"
            f"{lines}"
        )


def _called_at(node: Node) -> str:
    return f" Its forward was called at {node._trace.where()}." if node._trace is not None else ""


def _culprit(last: Node | None) -> str:
    """In words, the first ops up to ``last`` that made NaN and infinity of finite inputs."""
    first: dict[str, Node] = {}
    seen: set[Node] = set()
    stack: list[Any] = [last]
    while stack:
        node = stack.pop()
        if node is None or isinstance(node, TensorBase) or node in seen:
            continue
        seen.add(node)
        stack += [edge[0] for edge in node._edges if edge is not None]
        made = "" if node._trace is None else node._trace.made
        if made and (made not in first or node._sequence < first[made]._sequence):
            first[made] = node
    return "".join(
        f" The first {made} of the forward pass was made by {node._name()}, called at "
        f"{node._trace.where()}."  # type: ignore[union-attr]
        for made, node in sorted(first.items(), key=lambda item: item[1]._sequence)
    )
