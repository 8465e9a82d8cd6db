"""How much other programs computed meanwhile: figures from a busy machine are worth little."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["OtherLoad"]


class OtherLoad:
    """Watches the processor from its creation on."""

    def __init__(self) -> None:
        self._start = _reading()

    def share(self) -> float | None:
        """The part of all cores' time that went to others than this process and its children.

        None where the system does not tell. Time that a hypervisor took counts as used by others.
        """
        end = _reading()
        if self._start is None or end is None:
            return None
        busy, own, wall = (b - a for a, b in zip(self._start, end, strict=True))
        return max(0.0, (busy - own) / max(wall * (os.cpu_count() or 1), 1e-9))


def _reading() -> tuple[float, float, float] | None:
    """Seconds so far: computed by all; by this process and its finished children; of the clock."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0]
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(int, line.split()[1:])
    ticks = user + nice + system + irq + softirq + steal
    own = os.times()
    computed = own.user + own.system + own.children_user + own.children_system
    return ticks / os.sysconf("SC_CLK_TCK"), computed, time.perf_counter()
