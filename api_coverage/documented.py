"""Which names count: those that PyTorch lists as public, namespace by namespace."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

__all__ = ["NAMESPACES", "find", "names"]

# the functions of `torch`, under the headings of PyTorch's reference
TOP_LEVEL = {
    "Tensors": """
        is_tensor is_storage is_complex is_conj is_floating_point is_nonzero set_default_dtype
        get_default_dtype set_default_device get_default_device set_default_tensor_type numel
        set_printoptions set_flush_denormal""",
    "Creation": """
        tensor sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor sparse_bsc_tensor
        asarray as_tensor as_strided from_file from_numpy from_dlpack frombuffer zeros zeros_like ones
        ones_like arange range linspace logspace eye empty empty_like empty_strided full full_like
        quantize_per_tensor quantize_per_channel dequantize complex polar heaviside""",
    "Indexing, joining, slicing": """
        adjoint argwhere cat concat concatenate conj chunk dsplit column_stack dstack gather hsplit
        hstack index_add index_copy index_reduce index_select masked_select movedim moveaxis narrow
        narrow_copy nonzero permute reshape row_stack select scatter diagonal_scatter select_scatter
        slice_scatter scatter_add scatter_reduce segment_reduce split squeeze stack swapaxes swapdims t
        take take_along_dim tensor_split tile transpose unbind unravel_index unsqueeze vsplit vstack
        where""",
    "Random sampling": """
        Generator default_generator seed manual_seed initial_seed get_rng_state set_rng_state bernoulli
        multinomial normal poisson rand rand_like randint randint_like randn randn_like randperm""",
    "Serialization, threads, gradients": """
        save load get_num_threads set_num_threads get_num_interop_threads set_num_interop_threads
        no_grad enable_grad set_grad_enabled is_grad_enabled inference_mode is_inference_mode_enabled""",
    "Pointwise": """
        abs absolute acos arccos acosh arccosh add addcdiv addcmul angle asin arcsin asinh arcsinh atan
        arctan atanh arctanh atan2 arctan2 bitwise_not bitwise_and bitwise_or bitwise_xor
        bitwise_left_shift bitwise_right_shift ceil clamp clip conj_physical copysign cos cosh deg2rad
        div divide digamma erf erfc erfinv exp exp2 expm1 fake_quantize_per_channel_affine
        fake_quantize_per_tensor_affine fix float_power floor floor_divide fmod frac frexp gradient imag
        ldexp lerp lgamma log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or
        logical_xor logit hypot i0 igamma igammac mul multiply mvlgamma nan_to_num neg negative
        nextafter polygamma positive pow quantized_batch_norm quantized_max_pool1d quantized_max_pool2d
        rad2deg real reciprocal remainder round rsqrt sigmoid sign sgn signbit sin sinc sinh softmax
        sqrt square sub subtract tan tanh true_divide trunc xlogy""",
    "Reduction": """
        argmax argmin amax amin aminmax all any max min dist logsumexp mean nanmean median nanmedian
        mode norm nansum prod quantile nanquantile std std_mean sum unique unique_consecutive var
        var_mean count_nonzero hash_tensor""",
    "Comparison": """
        allclose argsort eq equal ge greater_equal gt greater isclose isfinite isin isinf isposinf
        isneginf isnan isreal kthvalue le less_equal lt less maximum minimum fmax fmin ne not_equal sort
        topk msort""",
    "Spectral": """
        stft istft bartlett_window blackman_window hamming_window hann_window kaiser_window""",
    "Other": """
        atleast_1d atleast_2d atleast_3d bincount block_diag broadcast_tensors broadcast_to
        broadcast_shapes bucketize cartesian_prod cdist clone combinations corrcoef cov cross cummax
        cummin cumprod cumsum diag diag_embed diagflat diagonal diff einsum flatten flip fliplr flipud
        kron rot90 gcd histc histogram histogramdd meshgrid lcm logcumsumexp ravel renorm
        repeat_interleave roll searchsorted tensordot trace tril tril_indices triu triu_indices
        unflatten vander view_as_real view_as_complex resolve_conj resolve_neg""",
    "BLAS and LAPACK": """
        addbmm addmm addmv addr baddbmm bmm chain_matmul cholesky cholesky_inverse cholesky_solve dot
        geqrf ger inner inverse det logdet slogdet lu lu_solve lu_unpack matmul matrix_power matrix_exp
        mm mv orgqr ormqr outer pinverse qr svd svd_lowrank pca_lowrank lobpcg trapz trapezoid
        cumulative_trapezoid triangular_solve vdot""",
    "Utilities": """
        compiled_with_cxx11_abi result_type can_cast promote_types use_deterministic_algorithms
        are_deterministic_algorithms_enabled is_deterministic_algorithms_warn_only_enabled
        set_deterministic_debug_mode get_deterministic_debug_mode set_float32_matmul_precision
        get_float32_matmul_precision set_warn_always get_device_module is_warn_always_enabled vmap
        typename""",
}  # fmt: skip

# the others: a module of that name, with all that it declares public
NAMESPACES = [
    "nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "nn.utils.parametrize",
    "nn.utils.parametrizations", "nn.utils.prune", "nn.utils.stateless",
    "optim", "optim.lr_scheduler", "optim.swa_utils",
    *(f"torch: {heading}" for heading in TOP_LEVEL), "Tensor",
    "linalg", "fft", "special", "func", "autograd", "autograd.functional", "distributions", "utils.data",
]  # fmt: skip
# public by their spelling, but no part of what users call: typing and the machinery around it
NOT_API = {
    "nn": {"factory_kwargs"},
    "nn.functional": {
        "assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function",
        "has_torch_function_unary", "has_torch_function_variadic",
    },
    "linalg": {"Tensor", "common_notes"}, "fft": {"Tensor"},
    "utils.data": {"_DatasetKind"},
}  # fmt: skip


def find(root: Any, namespace: str) -> Any:
    """The module or class of that name in a library; None if there is none."""
    if namespace.startswith("torch: "):
        return root
    found = root
    for part in namespace.split("."):
        found = getattr(found, part, None)
    if found is None:
        try:
            return importlib.import_module(f"{root.__name__}.{namespace}")
        except ImportError:
            return None
    return found


def names(torch: Any, namespace: str) -> list[str]:
    """PyTorch's public names in a namespace, sorted."""
    if namespace.startswith("torch: "):
        return sorted(TOP_LEVEL[namespace.removeprefix("torch: ")].split())
    room = find(torch, namespace)
    if namespace == "Tensor":
        found = [n for n in dir(room) if not n.startswith("_")]
    elif namespace == "nn.functional":  # declares nothing
        found = [n for n, v in vars(room).items() if not n.startswith("_") and inspect.isroutine(v)]
    else:
        found = getattr(room, "__all__", None) or _own(room)
    return sorted(set(found) - NOT_API.get(namespace, set()))


def _own(room: Any) -> list[str]:
    """Public functions and classes of PyTorch's in a module that declares nothing."""
    return [
        n for n, v in vars(room).items()
        if not n.startswith("_") and not isinstance(v, ModuleType) and callable(v)
        and (getattr(v, "__module__", None) or "").startswith("torch")
    ]  # fmt: skip
