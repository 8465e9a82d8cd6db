"""One table of specs drives the tests of all ops and modules: importing this package fills it.

A new file of rows needs no registration here: every module of the folder is imported.
"""

import importlib
import pkgutil

from penlight.testing.specs.programs import module_program, op_program
from penlight.testing.specs.spec import MODULES, SPECS, Bad, ModuleSpec, OpSpec, Sample

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = [
    "MODULES",
    "SPECS",
    "Bad",
    "ModuleSpec",
    "OpSpec",
    "Sample",
    "module_program",
    "op_program",
]
