"""Neural networks: modules, their functions, initialisation, utilities."""

from penlight.nn import functional
from penlight.nn.parameter import Buffer, Parameter

__all__ = ["Buffer", "Parameter", "functional"]
