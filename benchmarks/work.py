"""How much a program computes and moves, to compare its speed with what the machine can do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.workloads import Program, Workload

__all__ = ["Work", "count_work"]


class Work(NamedTuple):
    """One unit of work: floating-point operations in products, and bytes of layers' arrays."""

    flops: int
    bytes: int


def count_work(program: Program, workload: Workload) -> Work:
    """The products' arithmetic and the layers' memory traffic; nothing for a program without model.

    A product of an (n, k) and a (k, m) matrix is 2 n k m operations, a convolution the same as the
    product with unfolded windows, whatever algorithm computes it. Each layer reads its input and
    weights and writes its output once. Training does as much again twice: products give the output,
    the weights' gradient and the input's, and as many arrays are passed over for each. (The first
    layer's input needs no gradient; that small part is counted too.) What stands in the models
    outside of layers, and the optimizer, count nothing.
    """
    if program.model is None:
        return Work(0, 0)
    flops = moved = 0

    def note(module: Any, args: Any, output: Any) -> None:
        nonlocal flops, moved
        flops += _layer_flops(module, args[0], output)
        if not list(module.children()):
            arrays = [*_tensors(args), *_tensors(output), *module.parameters()]
            moved += sum(t.numel() * t.element_size() for t in arrays)

    handles = [m.register_forward_hook(note) for m in program.model.modules()]
    try:
        program.run()
    finally:
        for handle in handles:
            handle.remove()
    passes = 3 if program.model.training else 1
    products = flops // program.unit_count + workload.extra_flops
    return Work(passes * products, passes * (moved // program.unit_count))


def _tensors(value: Any) -> Iterator[Any]:
    """The tensors among a layer's arguments or results."""
    if isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif hasattr(value, "element_size"):
        yield value


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
