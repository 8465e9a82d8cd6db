"""Methods that PyTorch also has as functions: copies, memory, and the in-place forms."""

from __future__ import annotations

from typing import Any

from penlight._core.device import as_device, cpu, device
from penlight.tensor.conversion import clone
from penlight.tensor.queries import UntypedStorage
from penlight.tensor.tensor import Tensor

__all__ = [
    "abs_", "acos_", "acosh_", "addmv_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_",
    "arctanh_", "as_strided_", "asin_", "asinh_", "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_",
    "clamp_min_", "clip_", "clone", "conj_physical_", "cos_", "cosh_", "deg2rad_", "detach",
    "detach_", "erf_", "erfc_", "exp2_", "exp_", "expm1_", "fill", "fill_", "fix_", "floor_", "frac_",
    "gcd_", "get_default_device", "i0_", "index_put_", "is_storage", "lcm_", "ldexp_", "log10_", "log1p_", "log2_", "log_",
    "logit_", "nan_to_num_", "neg_", "negative_", "rad2deg_", "reciprocal_", "relu_", "round_",
    "rsqrt_", "set_default_device", "sigmoid_", "sin_", "sinc_", "sinh_", "sqrt_", "square_", "tan_",
    "tanh_", "trunc_", "typename", "xlogy_", "zero_",
]  # fmt: skip

abs_, ceil_, floor_, round_ = Tensor.abs_, Tensor.ceil_, Tensor.floor_, Tensor.round_
acos_, acosh_, asin_, asinh_ = Tensor.acos_, Tensor.acosh_, Tensor.asin_, Tensor.asinh_
atan_, atanh_, cos_, cosh_ = Tensor.atan_, Tensor.atanh_, Tensor.cos_, Tensor.cosh_
arccos_, arccosh_, arcsin_, arcsinh_ = acos_, acosh_, asin_, asinh_
arctan_, arctanh_ = atan_, atanh_
sin_, sinc_, sinh_, tan_, tanh_ = Tensor.sin_, Tensor.sinc_, Tensor.sinh_, Tensor.tan_, Tensor.tanh_
exp_, exp2_, expm1_ = Tensor.exp_, Tensor.exp2_, Tensor.expm1_
log_, log2_, log10_, log1p_ = Tensor.log_, Tensor.log2_, Tensor.log10_, Tensor.log1p_
sqrt_, rsqrt_, square_, reciprocal_ = (
    Tensor.sqrt_, Tensor.rsqrt_, Tensor.square_, Tensor.reciprocal_,
)  # fmt: skip
trunc_, frac_, neg_ = Tensor.trunc_, Tensor.frac_, Tensor.neg_
fix_, negative_ = trunc_, neg_
clamp_, clamp_min_, clamp_max_ = Tensor.clamp_, Tensor.clamp_min_, Tensor.clamp_max_
clip_ = clamp_
erf_, erfc_, relu_, sigmoid_ = Tensor.erf_, Tensor.erfc_, Tensor.relu_, Tensor.sigmoid_
deg2rad_, rad2deg_, logit_, xlogy_ = Tensor.deg2rad_, Tensor.rad2deg_, Tensor.logit_, Tensor.xlogy_
i0_ = Tensor.i0_
gcd_, lcm_, ldexp_, nan_to_num_ = Tensor.gcd_, Tensor.lcm_, Tensor.ldexp_, Tensor.nan_to_num_
addmv_, conj_physical_, index_put_ = Tensor.addmv_, Tensor.conj_physical_, Tensor.index_put_
as_strided_, fill_, zero_ = Tensor.as_strided_, Tensor.fill_, Tensor.zero_
detach, detach_ = Tensor.detach, Tensor.detach_


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of ``input``'s shape and dtype with one value everywhere."""
    return input.clone().fill_(value)


def is_storage(obj: Any, /) -> bool:
    """Whether ``obj`` is the memory of a tensor, as ``tensor.untyped_storage()`` gives."""
    return isinstance(obj, UntypedStorage)


def typename(obj: Any, /) -> str:
    """The name of a tensor's type, such as "torch.FloatTensor", or of an object's class."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = obj if isinstance(obj, type) else type(obj)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def get_default_device() -> device:
    """Where tensors are made: the CPU."""
    return cpu


def set_default_device(device: Any) -> None:
    """Accept the CPU; any other device raises."""
    as_device(device)
