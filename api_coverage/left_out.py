"""Public names of PyTorch that Penlight leaves out, and why."""

from __future__ import annotations

import fnmatch

__all__ = ["reason"]

# reason -> names, by namespace ("torch" for all its headings); patterns as of file names
LEFT_OUT: dict[str, dict[str, str]] = {
    "torch": {
        "sparse tensors": "sparse_*",
        "quantized tensors": "*quantize* quantized_*",
        "no C++": "compiled_with_cxx11_abi",
        "other devices than the CPU": "get_device_module",
        "NumPy's integers of 64 bits without sign are no dtype here": "hash_tensor",
    },
    "Tensor": {
        "sparse tensors": """
            to_sparse* sparse_* resize_as_sparse_ *_indices indices values coalesce is_coalesced dense_dim smm sspaddmm""",
        "quantized tensors": "q_* qscheme dequantize int_repr",
        "NumPy has no such dtype": "bfloat16 chalf",
        "NumPy's integers of 64 bits without sign are no dtype here": "hash_tensor",
        "other devices than the CPU": "ipu mtia xpu record_stream pin_memory",
        "memory is an array: `.numpy()` or `untyped_storage()`": "storage storage_type",
        "removed: raises in PyTorch": "eig lstsq solve symeig reinforce resize resize_as volatile",
        "nested and MKL-DNN tensors, named dimensions": "to_padded_tensor to_mkldnn index name",
        "gradients have their tensor's dtype": "grad_dtype",
        "internal": "slice_inverse",
    },
    "nn.functional": {"8-bit floats, on other devices than the CPU": "scaled_mm scaled_grouped_mm"},
    "autograd": {
        "strides of gradients are NumPy's": "enforce_grad_layout_policy",
    },
    "utils.data": {
        "DataPipes, which PyTorch gives up": """
            *DataPipe DataChunk functional_datapipe argument_validation runtime_validation*
            non_deterministic guaranteed_datapipes_determinism""",
    },
}


def reason(namespace: str, name: str) -> str:
    """Why it is left out; empty if it should be there."""
    for why, patterns in LEFT_OUT.get(namespace.partition(":")[0], {}).items():
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns.split()):
            return why
    return ""
