"""Functions of functions: derivatives, and functions of one sample made functions of many."""

from penlight.func.jacobians import hessian, jacfwd, jacrev
from penlight.func.modules import (
    functional_call,
    replace_all_batch_norm_modules_,
    stack_module_state,
)
from penlight.func.rearrange import rearrange
from penlight.func.transforms import (
    functionalize,
    grad,
    grad_and_value,
    jvp,
    linearize,
    vjp,
)
from penlight.func.variables import debug_unwrap
from penlight.func.vmap import vmap

__all__ = [
    "debug_unwrap", "functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev",
    "jvp", "linearize", "rearrange", "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
