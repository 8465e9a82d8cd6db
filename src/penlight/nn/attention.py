"""``torch.nn.attention``: which kernel attention takes. Here one does for all."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(enum.IntEnum):
    """PyTorch's kernels of scaled dot-product attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[None]:
    """Accepted: attention computes the same with the one kernel that is here.

    Raises:
        AssertionError: if ``backends`` is neither a :class:`SDPBackend` nor a list of them.
    """
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    known = isinstance(chosen, list) and all(isinstance(b, SDPBackend) for b in chosen)
    assert known, (
        f"sdpa_kernel: Backend must be an instance of SDPBackend or a list of them, got {backends!r}"
    )
    yield
