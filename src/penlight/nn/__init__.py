"""Neural networks: modules, their functions, initialisation, utilities."""

from typing import TYPE_CHECKING

from penlight.nn import functional as functional, init as init, modules as modules, utils as utils
from penlight.nn.modules import *  # noqa: F403
from penlight.nn.parallel import DataParallel as DataParallel
from penlight.nn.parameter import (
    Buffer as Buffer,
    Parameter as Parameter,
    UninitializedBuffer as UninitializedBuffer,
    UninitializedParameter as UninitializedParameter,
)

if not TYPE_CHECKING:  # which reads the imports above
    __all__ = [
        "Buffer", "DataParallel", "Parameter", "UninitializedBuffer", "UninitializedParameter",
        "functional", "init", "modules", "utils", *modules.__all__,
    ]  # fmt: skip
