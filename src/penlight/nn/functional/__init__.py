"""Functions of ``penlight.nn``: arguments are checked here, formulas stand in ``penlight.ops``."""

from penlight.nn.functional.activation import *  # noqa: F403
from penlight.nn.functional.linear import *  # noqa: F403
