"""Pruning: parts of a parameter are held at zero by a mask.

``weight`` becomes the parameter ``weight_orig`` times the buffer ``weight_mask``, computed before each
forward; :func:`remove` makes that product the parameter again. The classes choose the mask, by size or at
random, single elements or whole slices; the functions prune a module's parameter with one of them.

Source: LeCun, Denker & Solla, "Optimal Brain Damage", 1990; Han et al., "Learning both Weights and
Connections for Efficient Neural Networks", 2015.
"""

from penlight.nn.utils.prune.base import BasePruningMethod, PruningContainer
from penlight.nn.utils.prune.functions import (
    custom_from_mask,
    global_unstructured,
    identity,
    is_pruned,
    l1_unstructured,
    ln_structured,
    random_structured,
    random_unstructured,
    remove,
)
from penlight.nn.utils.prune.methods import (
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity",
    "is_pruned", "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip
