"""Penlight: PyTorch's nn and optim in NumPy that you can read.

``import penlight as torch`` runs ordinary PyTorch programs on NumPy alone. Every gradient is derived
by hand beside its forward pass in :mod:`penlight.ops`.
"""

# ruff: noqa: E402, F401, F403 - the public names, gathered; warnings are filtered before they arise

from penlight._core import allocator as _allocator, warnings as _warnings

_allocator.keep_freed_memory()
_warnings.ignore_floating_point_warnings()

import typing as _typing
from math import (
    e as e,
    inf as inf,
    nan as nan,
    pi as pi,
)

from penlight import autograd as autograd
from penlight._core import return_types as return_types
from penlight._core.device import device as device
from penlight._core.dtypes import (
    bool_ as bool,
    can_cast as can_cast,
    complex64 as complex64,
    complex128 as complex128,
    dtype as dtype,
    finfo as finfo,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    get_default_dtype as get_default_dtype,
    iinfo as iinfo,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    promote_types as promote_types,
    set_default_dtype as set_default_dtype,
    uint8 as uint8,
)
from penlight._core.layouts import (
    channels_last as channels_last,
    channels_last_3d as channels_last_3d,
    contiguous_format as contiguous_format,
    layout as layout,
    memory_format as memory_format,
    preserve_format as preserve_format,
    strided as strided,
)
from penlight._core.random import (
    Generator as Generator,
    default_generator as default_generator,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
)
from penlight._core.size import Size as Size
from penlight._core.threads import (
    get_num_threads as get_num_threads,
    set_num_threads as set_num_threads,
)
from penlight._core.version import __version__ as __version__
from penlight.autograd import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled,
    is_anomaly_enabled as is_anomaly_enabled,
    is_grad_enabled as is_grad_enabled,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from penlight.ops.activation import (
    erf as erf,
    erfc as erfc,
    relu as relu,
    sigmoid as sigmoid,
    tanh as tanh,
)
from penlight.ops.arithmetic import *
from penlight.ops.bessel import i0 as i0
from penlight.ops.bits import *
from penlight.ops.comparison import *
from penlight.ops.complex import *
from penlight.ops.counting import *
from penlight.ops.differences import *
from penlight.ops.einsum import *
from penlight.ops.exponential import *
from penlight.ops.extrema import *
from penlight.ops.implicit import (
    dirichlet_grad as _dirichlet_grad,
    sample_dirichlet as _sample_dirichlet,
    standard_gamma as _standard_gamma,
    standard_gamma_grad as _standard_gamma_grad,
)
from penlight.ops.incomplete_gamma import igamma as igamma, igammac as igammac
from penlight.ops.joining import *
from penlight.ops.masking import *
from penlight.ops.matmul import (
    bmm as bmm,
    chain_matmul as chain_matmul,
    dot as dot,
    matmul as matmul,
    mm as mm,
    mv as mv,
    vdot as vdot,
)
from penlight.ops.norms import *
from penlight.ops.products import *
from penlight.ops.promotion import result_type as result_type
from penlight.ops.queries import *
from penlight.ops.reduction import *
from penlight.ops.repeating import *
from penlight.ops.rounding import *
from penlight.ops.rows import *
from penlight.ops.running import *
from penlight.ops.scatter import *
from penlight.ops.segments import *
from penlight.ops.selection import *
from penlight.ops.shape import *
from penlight.ops.softmax import (
    log_softmax as log_softmax,
    softmax as softmax,
)
from penlight.ops.sorting import *
from penlight.ops.special import *
from penlight.ops.spectral import *
from penlight.ops.splitting import *
from penlight.ops.statistics import *
from penlight.ops.strides import *
from penlight.ops.triangles import *
from penlight.ops.trigonometry import *
from penlight.ops.weight_norm import (
    _weight_norm as _weight_norm,
    norm_except_dim as norm_except_dim,
)
from penlight.tensor import Tensor as Tensor, random as random
from penlight.tensor.creation import *
from penlight.tensor.dlpack import *
from penlight.tensor.functions import *
from penlight.tensor.legacy import *
from penlight.tensor.out import (
    TOP_LEVEL as _TAKE_OUT,
    accept_out as _accept_out,
    with_out as _with_out,
)
from penlight.tensor.printing import set_printoptions as set_printoptions
from penlight.tensor.random import *
from penlight.tensor.ranges import *
from penlight.tensor.settings import *
from penlight.tensor.windows import *

_accept_out(globals(), _TAKE_OUT)

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
newaxis = None

if _typing.TYPE_CHECKING:
    from penlight import (
        accelerator as accelerator,
        amp as amp,
        backends as backends,
        compiler as compiler,
        cuda as cuda,
        datasets as datasets,
        distributed as distributed,
        distributions as distributions,
        fft as fft,
        func as func,
        jit as jit,
        linalg as linalg,
        models as models,
        mps as mps,
        nn as nn,
        optim as optim,
        plots as plots,
        profiler as profiler,
        serialization as serialization,
        special as special,
        studies as studies,
        testing as testing,
        training as training,
        transforms as transforms,
        types as types,
        utils as utils,
        version as version,
        xpu as xpu,
    )
    from penlight.amp import autocast as autocast
    from penlight.amp.autocast_mode import is_autocast_enabled as is_autocast_enabled
    from penlight.func.vmap import vmap as vmap
    from penlight.ops.determinant import logdet as logdet
    from penlight.ops.factorization import lu_unpack as lu_unpack
    from penlight.ops.matrix_functions import matrix_exp as matrix_exp
    from penlight.ops.matrix_norms import *
    from penlight.ops.older_linalg import *
    from penlight.ops.reflections import geqrf as geqrf, orgqr as orgqr, ormqr as ormqr
    from penlight.ops.singular import pinverse as pinverse
    from penlight.ops.solving import (
        cholesky_inverse as cholesky_inverse,
        cholesky_solve as cholesky_solve,
        inverse as inverse,
        matrix_power as matrix_power,
    )
    from penlight.serialization import load as load, save as save
    from penlight.tensor.lowrank import *
else:
    _ROOMS = {
        "accelerator", "amp", "backends", "compiler", "cuda", "datasets", "distributed", "distributions",
        "fft", "func", "jit", "linalg", "models", "mps", "nn", "optim", "plots", "profiler",
        "serialization", "special", "studies", "testing", "training", "transforms", "types", "utils", "version", "xpu",
    }  # fmt: skip
    _FUNCTIONS = {"autocast": "amp", "is_autocast_enabled": "amp.autocast_mode", "load": "serialization",
                  "save": "serialization", "vmap": "func"}  # fmt: skip

    _LINEAR_ALGEBRA = {
        "ops.determinant": "logdet",
        "ops.factorization": "lu_unpack",
        "ops.matrix_functions": "matrix_exp",
        "ops.matrix_norms": "frobenius_norm nuclear_norm",
        "ops.older_linalg": "cholesky det lu lu_solve qr slogdet svd triangular_solve",
        "ops.reflections": "geqrf orgqr ormqr",
        "ops.singular": "pinverse",
        "ops.solving": "cholesky_inverse cholesky_solve inverse matrix_power",
        "tensor.lowrank": "lobpcg pca_lowrank svd_lowrank",
    }
    _FUNCTIONS |= {n: room for room, names in _LINEAR_ALGEBRA.items() for n in names.split()}
    # lazily from nn.functional.top_level
    _OF_NETWORKS = """
        adaptive_avg_pool1d adaptive_max_pool1d alpha_dropout alpha_dropout_ avg_pool1d
        batch_norm bilinear binary_cross_entropy_with_logits celu celu_ channel_shuffle
        constant_pad_nd conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d
        conv_transpose3d cosine_embedding_loss cosine_similarity ctc_loss dropout dropout_
        embedding feature_alpha_dropout feature_alpha_dropout_ feature_dropout feature_dropout_
        group_norm gru gru_cell hardshrink hinge_embedding_loss instance_norm kl_div layer_norm
        lstm lstm_cell margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d
        max_pool3d native_channel_shuffle pairwise_distance pixel_shuffle pixel_unshuffle
        poisson_nll_loss prelu rms_norm rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell rrelu
        rrelu_ selu selu_ threshold threshold_ triplet_margin_loss
    """

    def __getattr__(name: str) -> object:
        """Import the other rooms when a program first names them: ``import penlight`` stays quick."""
        from importlib import import_module

        if name in _ROOMS:
            value = import_module(f"penlight.{name}")
        elif name in _OF_NETWORKS.split():
            value = import_module("penlight.nn.functional.top_level").NAMES[name]
        elif name in _FUNCTIONS:
            value = getattr(import_module(f"penlight.{_FUNCTIONS[name]}"), name)
            value = _with_out(value) if name in _TAKE_OUT.split() else value
        else:
            raise AttributeError(f"module 'penlight' has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_ROOMS, *_FUNCTIONS, *_OF_NETWORKS.split()})


def _heed_environment() -> None:
    import os

    if os.environ.get("PENLIGHT_KERNELS"):
        from penlight.backends import numba

        numba.heed_environment()


_heed_environment()
