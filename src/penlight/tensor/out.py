"""The argument ``out=``: results go into a tensor that is there already.

The result is computed first and then copied, so ``out`` may be one of the arguments; what it saves
is not time but a name for memory that several places share.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from penlight._core.dtypes import can_cast
from penlight.autograd import is_grad_enabled, no_grad
from penlight.autograd.inplace import bump_version, check_inplace
from penlight.tensor.older_calls import older_order
from penlight.tensor.tensor import Tensor

__all__ = ["TOP_LEVEL", "accept_out", "with_out"]

# functions of the main namespace that take it
TOP_LEVEL = """
    abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr all amax amin aminmax angle any
    arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax argmin asin asinh atan atan2 atanh
    baddbmm bernoulli bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
    bitwise_xor bmm bucketize cat ceil chain_matmul clamp clamp_max clamp_min clip column_stack complex
    concat concatenate conj_physical copysign cos cosh cross cummax cummin cumprod cumsum deg2rad diag
    diff digamma div divide dot dstack empty eq erf erfc erfinv exp exp2 expm1 eye fix float_power floor
    floor_divide fmax fmin fmod frac frexp full gather gcd ge ger greater greater_equal gt heaviside
    histc igamma igammac histogram hstack hypot i0 index_add index_copy index_reduce index_select inner isin isneginf
    isposinf kron kthvalue lcm ldexp le lerp less less_equal lgamma linspace log log10 log1p log2
    log_softmax logaddexp logaddexp2 logcumsumexp logical_and logical_not logical_or logical_xor logit
    logspace logsumexp lt masked_select matmul matrix_power max maximum mean median min minimum mm mode
    msort mul multinomial multiply mv mvlgamma nan_to_num nanmean nanmedian nanquantile nansum
    narrow_copy ne neg negative nextafter nonzero norm normal not_equal ones outer polar polygamma pow
    prod quantile rad2deg rand randint randn randperm range reciprocal remainder renorm round row_stack
    rsqrt scatter scatter_add scatter_reduce searchsorted sgn sigmoid sign signbit sin sinc sinh
    slice_scatter softmax sort sqrt square stack std sub subtract sum take take_along_dim tan tanh
    tensordot topk tril triu true_divide trunc var vdot vstack where xlogy zeros
    cholesky cholesky_inverse cholesky_solve geqrf inverse lu_solve lu_unpack orgqr ormqr qr svd
    triangular_solve
"""


def accept_out(namespace: dict[str, Any], names: str) -> None:
    """Let functions of a module, named in a text, take ``out=``."""
    for name in names.split():
        if name in namespace:
            namespace[name] = with_out(namespace[name])


@functools.cache  # second names stay the same functions
def with_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, taking ``out=``."""
    name, original = function.__name__, function
    function = older_order(function)

    @functools.wraps(function)
    def wrapped(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is None:
            return function(*args, **kwargs)
        if isinstance(out, Tensor) and "dtype" in inspect.signature(original).parameters:
            kwargs.setdefault("dtype", out.dtype)
        y = function(*args, **kwargs)
        return _fill(name, out, y)

    wrapped.__wrapped__ = _Shown(original)
    return wrapped


class _Shown:
    """What ``inspect.signature`` is shown in a function's place: worked out only when it asks."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self.function)
        if "out" in signature.parameters:  # in another place
            return signature
        parameters = list(signature.parameters.values())
        last = len(parameters) - (parameters[-1].kind is inspect.Parameter.VAR_KEYWORD)
        new = inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)
        parameters.insert(last, new)
        return signature.replace(parameters=parameters)


def _fill(name: str, out: Any, y: Any) -> Any:
    """``out``, holding the results ``y``."""
    if isinstance(y, Tensor):
        _fill_one(name, out, y)
        return out
    if not isinstance(out, (tuple, list)) or len(out) != len(y):
        raise TypeError(
            f"{name}(): argument 'out' must be tuple of {len(y)} Tensors, not {type(out).__name__}"
        )
    for target, result in zip(out, y, strict=True):
        _fill_one(name, target, result)
    return type(y)(*out) if hasattr(y, "_fields") else tuple(out)


def _fill_one(name: str, out: Any, y: Tensor) -> None:
    if not isinstance(out, Tensor):
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    if y.requires_grad or (out.requires_grad and is_grad_enabled()):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, but "
            "one of the arguments requires grad."
        )
    if not can_cast(y.dtype, out.dtype):
        raise RuntimeError(
            f"{name}(): result type {y.dtype} can't be cast to the desired output type {out.dtype}"
        )
    if out.shape != y.shape:
        _resize(name, out, y.shape)
    with no_grad():
        out.copy_(y)


def _resize(name: str, out: Tensor, shape: Any) -> None:
    """New memory of another shape."""
    if out.numel():
        warnings.warn(
            f"An output with one or more elements was resized since it had shape {list(out.shape)}, "
            f"which does not match the required output shape {list(shape)}. Give {name} an output of "
            "that shape, or an empty one: out=torch.empty(0).",
            UserWarning,
            stacklevel=5,
        )
    check_inplace(out)
    bump_version(out)
    out._array = np.empty(shape, out._array.dtype)
