"""Neural networks: modules, their functions, initialisation, utilities."""

from typing import TYPE_CHECKING

from penlight.nn import functional as functional
from penlight.nn import init as init
from penlight.nn import modules as modules
from penlight.nn import utils as utils
from penlight.nn.modules import *  # noqa: F403
from penlight.nn.parameter import Buffer as Buffer
from penlight.nn.parameter import Parameter as Parameter

if not TYPE_CHECKING:  # which reads the imports above
    __all__ = ["Buffer", "Parameter", "functional", "init", "modules", "utils", *modules.__all__]
