"""Rows for ``penlight.ops.arithmetic`` and ``penlight.ops.exponential``."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, OpSpec, Sample, binary, normal, positive, unary

F32 = np.ones(3, np.float32)


def _add(rng):
    yield from binary()(rng)
    yield Sample(normal(rng, 2, 3), normal(rng, 3), alpha=2.5)
    yield Sample(normal(rng, 3), np.arange(3))
    yield Sample(np.arange(3), 2)
    yield Sample(np.arange(3), 0.5)
    yield Sample(np.arange(3, dtype=np.int32), np.array(2.0, np.float64))
    yield Sample(np.array([True, False]), np.array([1, 2], np.uint8))


_mismatch = Bad(RuntimeError, "shape|broadcast|size", (np.ones((2, 3), "f"), np.ones((2, 4), "f")))
_not_a_tensor = Bad(TypeError, "expected a Tensor or a number", (F32, "one"))

OpSpec(
    "torch.add",
    lambda torch, a, b, **kw: torch.add(a, b, **kw),
    _add,
    covers=("Tensor.add", "Tensor.__add__"),
    errors=[_mismatch, _not_a_tensor],
)
OpSpec(
    "torch.sub",
    lambda torch, a, b, **kw: torch.sub(a, b, **kw),
    binary(),
    covers=("Tensor.sub", "torch.subtract"),
    errors=[_mismatch, Bad(RuntimeError, "bool", (np.array([True]), np.array([False])))],
)
OpSpec("torch.mul", lambda torch, a, b: torch.mul(a, b), binary(), errors=[_mismatch])
OpSpec(
    "torch.div",
    lambda torch, a, b, **kw: torch.div(a, b, **kw),
    binary(normal, positive),
    errors=[Bad(RuntimeError, "rounding_mode", (F32, F32), {"rounding_mode": "up"})],
)
OpSpec("torch.neg", lambda torch, x: torch.neg(x), unary())
OpSpec("torch.reciprocal", lambda torch, x: torch.reciprocal(x), unary(positive))
OpSpec("torch.square", lambda torch, x: torch.square(x), unary())
OpSpec("torch.pow", lambda torch, a, b: torch.pow(a, b), binary(positive, normal))
OpSpec(
    "torch.pow number",
    lambda torch, x, p: torch.pow(x, p),
    lambda rng: [Sample(positive(rng, 2, 3), p) for p in (0, 1, 2, 3, 0.5, -1, -0.5, 2.7)],
)
OpSpec(
    "reversed operators",
    lambda torch, x: (1 - x, 2 / x, 2**x, 3 + x, 4 * x),
    unary(positive),
    covers=("Tensor.__rsub__", "Tensor.__rtruediv__", "Tensor.__rpow__"),
)

OpSpec("torch.exp", lambda torch, x: torch.exp(x), unary())
OpSpec("torch.log", lambda torch, x: torch.log(x), unary(positive))
OpSpec("torch.sqrt", lambda torch, x: torch.sqrt(x), unary(positive))
