"""Checks of gradients, for Penlight's own tests and for users' ops."""

from penlight.testing.directions import gradient_error
from penlight.testing.gradcheck import (
    GradcheckError,
    gradcheck,
    gradgradcheck,
    numerical_jacobian,
    relative_error,
)

__all__ = [
    "GradcheckError",
    "gradcheck",
    "gradgradcheck",
    "gradient_error",
    "numerical_jacobian",
    "relative_error",
]
