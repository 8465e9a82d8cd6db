"""Penlight: PyTorch's nn and optim in NumPy that you can read.

``import penlight as torch`` runs ordinary PyTorch programs on NumPy alone. Every gradient is derived
by hand beside its forward pass in :mod:`penlight.ops`.
"""

# ruff: noqa: E402, F401, F403 - the public names, gathered; warnings are filtered before they arise

from penlight._core import warnings as _warnings

_warnings.ignore_floating_point_warnings()

from math import e, inf, nan, pi
from typing import TYPE_CHECKING as _TYPE_CHECKING

from penlight import autograd
from penlight._core import return_types
from penlight._core.device import device
from penlight._core.dtypes import bool_ as bool
from penlight._core.dtypes import (
    can_cast,
    complex64,
    complex128,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
)
from penlight._core.layouts import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from penlight._core.random import Generator, default_generator, initial_seed, manual_seed, seed
from penlight._core.size import Size
from penlight._core.threads import get_num_threads, set_num_threads
from penlight.autograd import (
    enable_grad,
    inference_mode,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from penlight.ops.activation import erf, erfc, relu, sigmoid, tanh
from penlight.ops.arithmetic import *
from penlight.ops.bits import *
from penlight.ops.comparison import *
from penlight.ops.complex import *
from penlight.ops.counting import *
from penlight.ops.einsum import *
from penlight.ops.exponential import *
from penlight.ops.extrema import *
from penlight.ops.joining import *
from penlight.ops.masking import *
from penlight.ops.matmul import bmm, chain_matmul, dot, matmul, matrix_power, mm, mv, vdot
from penlight.ops.norms import *
from penlight.ops.products import *
from penlight.ops.promotion import result_type
from penlight.ops.queries import *
from penlight.ops.reduction import *
from penlight.ops.repeating import *
from penlight.ops.rounding import *
from penlight.ops.rows import *
from penlight.ops.running import *
from penlight.ops.scatter import *
from penlight.ops.selection import *
from penlight.ops.shape import *
from penlight.ops.softmax import log_softmax, softmax
from penlight.ops.sorting import *
from penlight.ops.special import *
from penlight.ops.splitting import *
from penlight.ops.statistics import *
from penlight.ops.strides import *
from penlight.ops.triangles import *
from penlight.ops.trigonometry import *
from penlight.tensor import Tensor
from penlight.tensor import random as random
from penlight.tensor.creation import *
from penlight.tensor.dlpack import *
from penlight.tensor.functions import *
from penlight.tensor.legacy import *
from penlight.tensor.printing import set_printoptions
from penlight.tensor.random import *
from penlight.tensor.ranges import *

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
newaxis = None

if _TYPE_CHECKING:
    from penlight import linalg, nn, optim, serialization, special, utils
    from penlight.serialization import load, save
else:
    _LATER = {
        "linalg": "", "nn": "", "optim": "", "serialization": "", "special": "", "utils": "",
        "load": "serialization", "save": "serialization",
    }  # fmt: skip

    def __getattr__(name):
        """Import the other rooms when a program first names them: ``import penlight`` stays quick."""
        from importlib import import_module

        if name not in _LATER:
            raise AttributeError(f"module 'penlight' has no attribute {name!r}")
        room = _LATER[name]
        value = getattr(import_module(f"penlight.{room}"), name) if room else None
        globals()[name] = value or import_module(f"penlight.{name}")
        return globals()[name]

    def __dir__():
        return sorted({*globals(), *_LATER})
