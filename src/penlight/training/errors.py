"""What can go wrong with a run through no fault of the code; the command shows these in one line.

ValueError
├── ConfigError   a setting that can't be
└── RunError      a file of a run is damaged or does not fit
    └── FolderInUse   another process works in the folder
ArithmeticError
└── Diverged      the loss became NaN or infinite
KeyboardInterrupt
└── Interrupted   a signal asked training to stop
"""

from __future__ import annotations

import signal

__all__ = ["ConfigError", "Diverged", "FolderInUse", "Interrupted", "RunError", "first_line"]


class ConfigError(ValueError):
    """A setting that can't be: the message names it, what is allowed and what came."""


class RunError(ValueError):
    """A file of a run is damaged or does not fit: the message names it."""


class FolderInUse(RunError):
    """Another process works in the folder."""


class Diverged(ArithmeticError):
    """The loss became NaN or infinite."""


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop (Ctrl-C, SIGTERM).

    Attributes:
        signal_number: by which signal.
        between_steps: it stopped after a whole step, so that its state is worth keeping; False if a
            second signal stopped it at once.
    """

    def __init__(self, signal_number: int, between_steps: bool = True) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number, self.between_steps = signal_number, between_steps


def first_line(error: Exception) -> str:
    """What an error says, without the lists that may follow."""
    return str(error).partition("\n")[0]
