"""How much arithmetic a program needs, to compare its speed with what the machine can do."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.workloads import Program, Workload

__all__ = ["count_flops"]


def count_flops(program: Program, workload: Workload) -> int:
    """Floating-point operations in the products of one unit of work; 0 for a program without model.

    A product of an (n, k) and a (k, m) matrix is 2 n k m operations, a convolution the same as the
    product with unfolded windows, whatever algorithm computes it. Training needs three products for
    each in the forward pass: the output, the weights' gradient and the input's. (The first layer's
    input needs none; that small part is counted too.) Everything elementwise counts nothing.
    """
    if program.model is None:
        return 0
    total = 0

    def note(module: Any, args: Any, output: Any) -> None:
        nonlocal total
        total += _layer_flops(module, args[0], output)

    handles = [m.register_forward_hook(note) for m in program.model.modules()]
    try:
        program.run()
    finally:
        for handle in handles:
            handle.remove()
    passes = 3 if program.model.training else 1
    return passes * (total // program.unit_count + workload.extra_flops)


def _layer_flops(module: Any, x: Any, output: Any) -> int:
    """Operations of the layer's own products in the forward pass."""
    kind = type(module).__name__
    if kind == "Linear":
        return 2 * math.prod(output.shape) * int(module.in_features)
    if kind == "Conv2d":
        window = math.prod(module.kernel_size) * module.in_channels // module.groups
        return 2 * math.prod(output.shape) * window
    if kind == "LSTM":
        n, length, _ = x.shape
        return 2 * n * length * 4 * module.hidden_size * (module.input_size + module.hidden_size)
    return 0
