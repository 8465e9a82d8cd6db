"""Checks of gradients, for Penlight's own tests and for users' ops."""

from penlight.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from penlight.testing.comparison import assert_close
from penlight.testing.directions import gradient_error

__all__ = ["GradcheckError", "assert_close", "gradcheck", "gradgradcheck", "gradient_error"]
