"""Keep NumPy's floating-point warnings out of what PyTorch users see.

PyTorch says nothing when ``log(0)`` gives ``-inf`` or ``0/0`` gives NaN. NumPy warns. Entering
``np.errstate`` costs more than a small op, and ``np.seterr`` would silence the user's own NumPy
code. So the warnings are filtered by the module that raised them: Penlight's own, no other.
"""

from __future__ import annotations

import warnings

__all__ = ["ignore_floating_point_warnings"]


def ignore_floating_point_warnings() -> None:
    """Install the filter, once, when the package is imported."""
    message = r"(divide by zero|overflow|underflow|invalid value) encountered"
    warnings.filterwarnings("ignore", message, RuntimeWarning, r"penlight\.")
