"""Initial values of parameters: each function fills a tensor in place, unrecorded, and returns it.

A layer y = W x with fan_in inputs keeps the variance of its signal if Var(w) = gain^2 / fan_in, and
that of its gradient if Var(w) = gain^2 / fan_out; ``gain`` makes up for what the nonlinearity takes
away (:func:`calculate_gain`). A uniform distribution on (-a, a) has variance a^2 / 3.

All functions that draw take ``generator=``. Default: the one behind ``manual_seed``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from penlight._core.random import Generator, numpy_generator
from penlight.autograd.inplace import bump_version
from penlight.tensor import Tensor

__all__ = [
    "calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal",
    "kaiming_normal_", "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_",
    "orthogonal", "orthogonal_", "sparse", "sparse_", "trunc_normal_", "uniform", "uniform_",
    "xavier_normal", "xavier_normal_", "xavier_uniform", "xavier_uniform_", "zeros_",
]  # fmt: skip


def _fill(tensor: Tensor, values: Any) -> Tensor:
    """Write ``values`` into the tensor's memory, unseen by autograd but for the version."""
    bump_version(tensor)
    tensor._array[...] = values
    return tensor


def _drawing_dtype(owner: str, tensor: Tensor) -> Any:
    """float64 to fill float64 with, else float32.

    Raises:
        NotImplementedError: for integers, which would lose the fraction.
    """
    if tensor._array.dtype.kind != "f":
        raise NotImplementedError(
            f"{owner}: not implemented for a tensor of dtype {tensor.dtype}; it must be floating"
        )
    return np.float64 if tensor._array.dtype == np.float64 else np.float32


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor that keeps a signal's size through a nonlinearity.

    ========================================  =============================
    linear, conv*, sigmoid                    1
    tanh                                      5/3 (an empirical value)
    relu                                      sqrt(2)
    leaky_relu, with slope ``param``          sqrt(2 / (1 + param^2))
    selu                                      3/4 (an empirical value)
    ========================================  =============================

    Args:
        nonlinearity: the name, as in ``nn.functional``.
        param: the slope of leaky_relu. Default: 0.01.

    Raises:
        ValueError: if the name is unknown, or ``param`` is no number.

    Source: He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", 2015, equations 10 and 15.
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param!r} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3 / 4
    raise ValueError(
        f"calculate_gain: unsupported nonlinearity {nonlinearity!r}; expected one of "
        f"{', '.join((*_LINEAR, 'sigmoid', 'tanh', 'relu', 'leaky_relu', 'selu'))}"
    )


_LINEAR = (
    "linear", "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
)  # fmt: skip


# -- simple distributions and constants ------------------------------------------------------


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw from the uniform distribution on [a, b)."""
    if a > b:
        raise RuntimeError(f"uniform_ expects a (={a}) <= b (={b})")
    return _fill(tensor, _uniform(tensor, a, b, generator))


def _uniform(tensor: Tensor, a: float, b: float, generator: Generator | None) -> np.ndarray:
    dtype = _drawing_dtype("uniform_", tensor)
    values: Any = numpy_generator(generator).random(tensor._array.shape, dtype)
    values *= b - a
    values += a
    return values


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw from the normal distribution N(mean, std^2)."""
    if std < 0:
        raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
    dtype = _drawing_dtype("normal_", tensor)
    values = numpy_generator(generator).standard_normal(tensor._array.shape, dtype)
    return _fill(tensor, values * std + mean)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Draw from N(mean, std^2) cut off to [a, b].

    Values outside are drawn again; where less than a quarter of the mass lies inside, by rejection
    from the uniform distribution on [a, b] instead, accepted with p(x) / max p.

    Source: Robert, "Simulation of truncated normal variables", 1995.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            f"mean (={mean}) is more than 2 std (={std}) from [a, b] = [{a}, {b}] in "
            "nn.init.trunc_normal_. The distribution of values may be incorrect.",
            stacklevel=2,
        )
    if a > b:
        raise RuntimeError(f"trunc_normal_ expects a (={a}) <= b (={b})")
    _drawing_dtype("trunc_normal_", tensor)
    rng = numpy_generator(generator)

    def cdf(x: float) -> float:
        return (1 + math.erf((x - mean) / (std * math.sqrt(2)))) / 2

    if std == 0 or a == b:
        return _fill(tensor, min(max(mean, a), b))
    common = cdf(b) - cdf(a) > 0.25
    nearest = min(max(mean, a), b)  # where the density on [a, b] is highest
    values = np.empty(tensor._array.size)
    missing = np.arange(values.size)
    while missing.size:
        if common:
            drawn = rng.normal(mean, std, missing.size)
            kept = (a <= drawn) & (drawn <= b)
        else:
            drawn = rng.uniform(a, b, missing.size)
            log_ratio = ((nearest - mean) ** 2 - (drawn - mean) ** 2) / (2 * std**2)
            kept = rng.random(missing.size) < np.exp(log_ratio)
        values[missing[kept]] = drawn[kept]
        missing = missing[~kept]
    # rounding to float32 may leave [a, b] by half a unit in the last place
    narrow = values.reshape(tensor._array.shape).astype(tensor._array.dtype)
    return _fill(tensor, np.clip(narrow, a, b))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``."""
    return _fill(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return _fill(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return _fill(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity (as far as it goes, where it is not square)."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: tensor must have 2 dimensions, got {tensor.ndim}")
    return _fill(tensor, np.eye(*tensor._array.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight the identity: output channel i is input channel i of its group.

    Args:
        tensor: (O, I, k...), of 3 to 5 dimensions.
        groups: of the convolution; each gets an identity of its own.

    Raises:
        ValueError: if the tensor has another rank, or ``groups`` does not divide O.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: tensor must have 3, 4, or 5 dimensions, got {tensor.ndim}")
    outputs, inputs, *kernel = tensor._array.shape
    if outputs % groups:
        raise ValueError(f"dirac_: dim 0 (={outputs}) must be divisible by groups (={groups})")
    centre = tuple(k // 2 for k in kernel)
    _fill(tensor, 0)
    per_group = outputs // groups
    for i in range(min(per_group, inputs)):
        tensor._array[(slice(i, None, per_group), i, *centre)] = 1
    return tensor


# -- variance that keeps the signal's size ---------------------------------------------------


def _fans(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (O, I, k...): how many inputs feed an output, and the reverse."""
    if tensor.ndim < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got "
            f"shape {list(tensor.shape)}"
        )
    outputs, inputs, *kernel = tensor._array.shape
    receptive_field = math.prod(kernel)
    return inputs * receptive_field, outputs * receptive_field


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Draw from U(-a, a) with a = gain sqrt(6 / (fan_in + fan_out)).

    The variance 2 gain^2 / (fan_in + fan_out) is a compromise between signal and gradient.

    Source: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010, equation 16.
    """
    fan_in, fan_out = _fans(tensor)
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return _fill(tensor, _uniform(tensor, -bound, bound, generator))


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Draw from N(0, std^2) with std = gain sqrt(2 / (fan_in + fan_out)).

    Source: Glorot & Bengio, 2010, equation 12.
    """
    fan_in, fan_out = _fans(tensor)
    return normal_(tensor, 0, gain * math.sqrt(2 / (fan_in + fan_out)), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """gain / sqrt(fan)."""
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _fans(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _is_empty(tensor: Tensor) -> bool:
    if 0 not in tensor._array.shape:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw from U(-bound, bound) with bound = gain sqrt(3 / fan).

    Args:
        tensor: the weight, (O, I, k...).
        a: the slope of the leaky ReLU that follows (0: ReLU).
        mode: ``"fan_in"`` keeps the size of the signal, ``"fan_out"`` that of the gradient.
        nonlinearity: what follows, for :func:`calculate_gain`.
        generator: where to draw from.

    Source: He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", 2015, section 2.2.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return _fill(tensor, _uniform(tensor, -bound, bound, generator))


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw from N(0, std^2) with std = gain / sqrt(fan); arguments as :func:`kaiming_uniform_`.

    Source: He, Zhang, Ren & Sun, "Delving Deep into Rectifiers", 2015, section 2.2.
    """
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


# -- structured weights ----------------------------------------------------------------------


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Make the tensor, seen as a matrix (O, rest), a random (semi-)orthogonal one times ``gain``.

    Q of the QR decomposition of a normal matrix; the signs of R's diagonal are moved into Q, so
    that all orthogonal matrices are equally likely.

    Source: Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks", 2013; Mezzadri, "How to generate random matrices from the classical
    compact groups", 2007, section 5.
    """
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: tensor needs 2 or more dimensions, got {tensor.ndim}")
    if not tensor._array.size:
        return tensor
    rows = tensor._array.shape[0]
    columns = tensor._array.size // rows
    dtype = _drawing_dtype("orthogonal_", tensor)
    tall = numpy_generator(generator).standard_normal((rows, columns), dtype)
    if rows < columns:
        tall = tall.T
    q, r = np.linalg.qr(tall)
    q = q * np.sign(np.diagonal(r)) * gain
    if rows < columns:
        q = q.T
    return _fill(tensor, q.reshape(tensor._array.shape))


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Draw a matrix from N(0, std^2) and zero the fraction ``sparsity`` (rounded up) of each column.

    Source: Martens, "Deep learning via Hessian-free optimization", 2010, section 5.
    """
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: tensor must have 2 dimensions, got {tensor.ndim}")
    rows, columns = tensor._array.shape
    normal_(tensor, 0, std, generator)
    rng = numpy_generator(generator)
    zeros = math.ceil(sparsity * rows)
    for column in range(columns):
        tensor._array[rng.permutation(rows)[:zeros], column] = 0
    return tensor


# -- PyTorch's old names ---------------------------------------------------------------------


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``function`` under its name without the underscore, with a warning."""
    new = function.__name__
    old = new[:-1]

    @wraps(function)
    def renamed(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    renamed.__name__ = renamed.__qualname__ = old
    renamed.__doc__ = f"The old name of :func:`{new}`."
    return renamed


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
