"""What can go wrong with a run through no fault of the code; the command shows these in one line.

ValueError
├── ConfigError   a setting that can't be
└── RunError      a file of a run is damaged or does not fit
ArithmeticError
└── Diverged      the loss became NaN or infinite
KeyboardInterrupt
└── Interrupted   a signal asked training to stop
"""

from __future__ import annotations

import signal

__all__ = ["ConfigError", "Diverged", "Interrupted", "RunError"]


class ConfigError(ValueError):
    """A setting that can't be: the message names it, what is allowed and what came."""


class RunError(ValueError):
    """A file of a run is damaged or does not fit: the message names it."""


class Diverged(ArithmeticError):
    """The loss became NaN or infinite."""


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop (Ctrl-C, SIGTERM) and did so after a whole step."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number
