"""Penlight: PyTorch's nn and optim in NumPy that you can read.

``import penlight as torch`` runs ordinary PyTorch programs on NumPy alone. Every gradient is derived
by hand beside its forward pass in :mod:`penlight.ops`.
"""

from penlight._core.warnings import ignore_floating_point_warnings

ignore_floating_point_warnings()

from penlight import autograd, nn, optim, serialization, utils  # noqa: E402
from penlight._core.device import device  # noqa: E402
from penlight._core.dtypes import bool_ as bool  # noqa: E402
from penlight._core.dtypes import (  # noqa: E402
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
from penlight._core.random import Generator, initial_seed, manual_seed, seed  # noqa: E402
from penlight._core.size import Size  # noqa: E402
from penlight.autograd import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from penlight.ops.activation import erf, erfc, relu, sigmoid, tanh  # noqa: E402
from penlight.ops.arithmetic import *  # noqa: F403, E402
from penlight.ops.bits import *  # noqa: F403, E402
from penlight.ops.comparison import *  # noqa: F403, E402
from penlight.ops.counting import *  # noqa: F403, E402
from penlight.ops.norms import *  # noqa: F403, E402
from penlight.ops.running import *  # noqa: F403, E402
from penlight.ops.special import *  # noqa: F403, E402
from penlight.ops.complex import *  # noqa: F403, E402
from penlight.ops.exponential import *  # noqa: F403, E402
from penlight.ops.extrema import *  # noqa: F403, E402
from penlight.ops.joining import *  # noqa: F403, E402
from penlight.ops.masking import *  # noqa: F403, E402
from penlight.ops.einsum import *  # noqa: F403, E402
from penlight.ops.matmul import (  # noqa: E402
    bmm,
    chain_matmul,
    dot,
    matmul,
    matrix_power,
    mm,
    mv,
    vdot,
)
from penlight.ops.triangles import *  # noqa: F403, E402
from penlight.ops.products import *  # noqa: F403, E402
from penlight.ops.promotion import result_type  # noqa: E402
from penlight.ops.reduction import *  # noqa: F403, E402
from penlight.ops.repeating import *  # noqa: F403, E402
from penlight.ops.rounding import *  # noqa: F403, E402
from penlight.ops.rows import *  # noqa: F403, E402
from penlight.ops.scatter import *  # noqa: F403, E402
from penlight.ops.selection import *  # noqa: F403, E402
from penlight.ops.shape import *  # noqa: F403, E402
from penlight.ops.softmax import log_softmax, softmax  # noqa: E402
from penlight.ops.sorting import *  # noqa: F403, E402
from penlight.ops.splitting import *  # noqa: F403, E402
from penlight.ops.statistics import *  # noqa: F403, E402
from penlight.ops.strides import *  # noqa: F403, E402
from penlight.ops.trigonometry import *  # noqa: F403, E402
from penlight.serialization import load, save  # noqa: E402
from penlight.tensor import Tensor  # noqa: E402
from penlight.tensor import random as random  # noqa: E402
from penlight.tensor.creation import *  # noqa: F403, E402
from penlight.tensor.printing import set_printoptions  # noqa: E402
from penlight.tensor.ranges import *  # noqa: F403, E402
from penlight.tensor.random import *  # noqa: F403, E402

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
