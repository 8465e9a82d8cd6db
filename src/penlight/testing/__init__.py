"""Checks of gradients, for Penlight's own tests and for users' ops."""

from penlight.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
from penlight.testing.directions import gradient_error

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck", "gradient_error"]
