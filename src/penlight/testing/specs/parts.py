"""Rows for views with strides, parts put in place of others, and reductions at index tensors."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, OpSpec, Sample, distinct, normal, positive

_x = np.ones((3, 4), np.float32)


def _method(name):
    return lambda torch, x, *a, **k: getattr(x, name)(*a, **k)


def _call(name):
    return lambda torch, *a, **k: getattr(torch, name)(*a, **k)


OpSpec(
    "torch.as_strided",
    lambda torch, x, *a: torch.as_strided(x, *a) * 2,
    lambda rng: [
        Sample(normal(rng, 3, 4), (2, 2), (1, 5)),
        Sample(normal(rng, 3, 4), (3, 3), (1, 1), 2),  # overlaps
        Sample(normal(rng, 4, 3).T, (2, 3), (3, 1)),
        Sample(normal(rng, 5), (), (), 3),
        Sample(normal(rng, 3, 4), (0, 2), (1, 1)),
    ],
    errors=[
        Bad(RuntimeError, "length", (_x, (2,), (1, 1))),
        Bad(RuntimeError, "memory of 12", (_x, (20,), (1,))),
        Bad(RuntimeError, "Negative", (_x, (2,), (-1,))),
    ],
)
OpSpec(
    "Tensor.unfold",
    lambda torch, x, *a: x.unfold(*a) * 2,
    lambda rng: [
        Sample(normal(rng, 3, 7), 1, 3, 1),
        Sample(normal(rng, 3, 7), -1, 2, 3),
        Sample(normal(rng, 5, 2), 0, 5, 1),
        Sample(normal(rng, 7, 3).T, 1, 3, 2),
        Sample(normal(rng), 0, 1, 1),
        Sample(normal(rng, 4), 0, 0, 1),
    ],
    errors=[
        Bad(RuntimeError, "size is 4", (_x, 0, 4, 1)),
        Bad(RuntimeError, "step is 0", (_x, 0, 1, 0)),
        Bad(IndexError, "dimension", (_x, 2, 1, 1)),
    ],
)
OpSpec(
    "torch.diagonal",
    lambda torch, x, *a: torch.diagonal(x, *a) * 2,
    lambda rng: [
        Sample(normal(rng, 3, 4)),
        Sample(normal(rng, 3, 4), 2),
        Sample(normal(rng, 3, 4), -1),
        Sample(normal(rng, 2, 3, 4), 0, 2, 0),
        Sample(normal(rng, 3, 3), 5),
    ],
    errors=[
        Bad(RuntimeError, "identical", (_x, 0, 0, 0)),
        Bad(IndexError, "dim2", (_x, 0, 0, 2)),
    ],
)
OpSpec(
    "torch.diag_embed",
    _call("diag_embed"),
    lambda rng: [
        Sample(normal(rng, 2, 3)), Sample(normal(rng, 2, 3), 1), Sample(normal(rng, 2, 3), -1, 0, 2),
    ],
)  # fmt: skip
OpSpec(
    "torch.diagflat",
    lambda torch, x: (torch.diagflat(x), torch.diagflat(x, 1)),
    lambda rng: [Sample(normal(rng, 2, 2)), Sample(normal(rng, 3))],
)
OpSpec(
    "torch.ravel",
    lambda torch, x: (
        torch.ravel(x), x.ravel(), torch.swapaxes(x, 0, 1), torch.swapdims(x, 0, -1), x.adjoint(),
        torch.adjoint(x), torch.moveaxis(x, 0, 1), torch.unflatten(x, 1, (2, -1)), x.H, x.mH,
        torch.broadcast_to(x, (2, 3, 4)), x.narrow_copy(0, 1, 2),
    ),
    lambda rng: [Sample(normal(rng, 3, 4)), Sample(normal(rng, 4, 3).T)],
    covers=(
        "torch.swapaxes", "torch.swapdims", "torch.adjoint", "torch.moveaxis", "torch.unflatten",
        "torch.broadcast_to", "torch.narrow_copy",
    ),
)  # fmt: skip
OpSpec(
    "torch.hsplit",
    lambda torch, x: (
        torch.hsplit(x, 2), torch.vsplit(x, [1, 3]), torch.dsplit(x, 3), x.hsplit([1]),
        torch.split_with_sizes(x, [1, 3], 1), torch.unsafe_chunk(x, 2), torch.unsafe_split(x, 1),
        torch.unsafe_split_with_sizes(x, [1, 1]), x.tensor_split((1, 2), dim=1),
    ),
    lambda rng: [Sample(normal(rng, 2, 4, 3))],
    covers=(
        "torch.vsplit", "torch.dsplit", "torch.split_with_sizes", "torch.unsafe_chunk",
        "torch.unsafe_split", "torch.unsafe_split_with_sizes",
    ),
    errors=[Bad(RuntimeError, "3 dimension", (_x,))],
)  # fmt: skip
OpSpec(
    "torch.column_stack",
    lambda torch, v, m: (torch.column_stack([v, m, v]), torch.row_stack([m, m])),
    lambda rng: [Sample(normal(rng, 3), normal(rng, 3, 2))],
    covers=("torch.row_stack",),
)
OpSpec(
    "torch.block_diag",
    lambda torch, *xs: torch.block_diag(*xs),
    lambda rng: [Sample(normal(rng, 2, 1), normal(rng, 3), normal(rng)), Sample(normal(rng, 1, 2))],
    errors=[Bad(RuntimeError, "dimensions", (np.ones((1, 1, 1), "f"),))],
)
OpSpec(
    "torch.cartesian_prod",
    lambda torch, a, b: (
        torch.cartesian_prod(a, b), torch.cartesian_prod(a), torch.combinations(a),
        torch.combinations(b, 3, with_replacement=True), torch.combinations(a, 0),
    ),
    lambda rng: [Sample(normal(rng, 3), normal(rng, 2))],
    covers=("torch.combinations",),
    errors=[Bad(RuntimeError, "1D vector", (_x, _x))],
)  # fmt: skip
OpSpec(
    "torch.vander",
    lambda torch, x: (torch.vander(x.detach()), torch.vander(x.detach(), 2, increasing=True)),
    lambda rng: [Sample(positive(rng, 3)), Sample(np.arange(3))],
    gradient=False,
    errors=[Bad(RuntimeError, "one-dim", (_x,))],
)
OpSpec(
    "expanded and cloned",
    lambda torch, x: (x.expand(2, 3, 4).clone(), x.expand(2, 3, 4).contiguous(), x.T.clone()),
    lambda rng: [Sample(normal(rng, 3, 4))],
)
OpSpec(
    "Tensor.sum_to_size",
    lambda torch, x: (x.sum_to_size(3, 1), x.sum_to_size((1,)), x.sum_to_size(2, 3, 4)),
    lambda rng: [Sample(normal(rng, 2, 3, 4))],
    errors=[Bad(RuntimeError, "expandable", (np.ones((2, 2, 4), "f"),))],
)

# -- parts replaced ----------------------------------------------------------------------------

OpSpec(
    "torch.select_scatter",
    _call("select_scatter"),
    lambda rng: [
        Sample(normal(rng, 3, 4), normal(rng, 4), 0, 1),
        Sample(normal(rng, 3, 4), normal(rng, 3), 1, -1),
    ],
    errors=[
        Bad(RuntimeError, "src", (_x, np.ones(3, "f"), 0, 1)),
        Bad(IndexError, "out of range", (_x, np.ones(4, "f"), 0, 3)),
    ],
)
OpSpec(
    "torch.slice_scatter",
    _call("slice_scatter"),
    lambda rng: [
        Sample(normal(rng, 3, 4), normal(rng, 1, 4), 0, 1, 2),
        Sample(normal(rng, 3, 4), normal(rng, 3, 2), 1, 0, 4, 2),
        Sample(normal(rng, 3, 4), normal(rng, 0, 4), 0, 3),
    ],
    errors=[Bad(RuntimeError, "src", (_x, _x, 0, 1, 2))],
)
OpSpec(
    "torch.diagonal_scatter",
    _call("diagonal_scatter"),
    lambda rng: [
        Sample(normal(rng, 3, 4), normal(rng, 3)),
        Sample(normal(rng, 3, 4), normal(rng, 2), -1),
        Sample(normal(rng, 2, 3, 3), normal(rng, 2, 3), 0, 1, 2),
    ],
    errors=[Bad(RuntimeError, "src", (_x, np.ones(2, "f")))],
)
OpSpec(
    "Tensor.put",
    lambda torch, x, i, s: (
        x.put(i, s), x.put(i, s, accumulate=True), x.clone().put_(i, s), torch.put(x, i, s),
    ),
    lambda rng: [Sample(normal(rng, 2, 3), np.array([[0, 5], [-2, 1]]), normal(rng, 2, 2))],
    covers=("torch.put",),
    errors=[
        Bad(IndexError, "out of range", (_x, np.array([12]), np.ones(1, "f"))),
        Bad(IndexError, "same number", (_x, np.array([1, 2]), np.ones(1, "f"))),
        Bad(RuntimeError, "dtype", (_x, np.array([1]), np.ones(1))),
    ],
)  # fmt: skip
OpSpec(
    "Tensor.fill_diagonal_",
    lambda torch, x, w: x.clone().fill_diagonal_(2.5, wrap=w),
    lambda rng: [
        Sample(normal(rng, 3, 4), False), Sample(normal(rng, 7, 2), True),
        Sample(normal(rng, 3, 3, 3), False),
    ],
    errors=[Bad(RuntimeError, "equal length", (np.ones((2, 2, 3), "f"), False))],
)  # fmt: skip
OpSpec(
    "rows in place",
    lambda torch, x, i, s: (
        x.clone().index_add_(1, i, s), x.clone().index_add_(1, i, s, alpha=-2),
        x.clone().index_copy_(1, i.flip(0)[:1], s[:, :1]), x.clone().index_fill_(1, i, 0.5),
        x.clone().index_put_((torch.tensor([0, 1]), i), s[0]), x.clone().scatter_(1, i[None], s[:1]),
        x.clone().index_put_((torch.tensor([0, 1]), i), s[0], accumulate=True),
        x.clone().scatter_add_(1, i[None], s[:1]), x.clone().masked_scatter_(x > 0, s.repeat(3, 3)),
    ),
    lambda rng: [Sample(normal(rng, 2, 3), np.array([2, 0]), normal(rng, 2, 2))],
)  # fmt: skip


def _reduce(rng):
    index = np.array([[0, 0, 2], [1, 1, 1]])
    for how in ("sum", "mean", "prod", "amax", "amin"):
        for with_self in (True, False):
            yield Sample(
                distinct(rng, 2, 4), 1, index, distinct(rng, 2, 3) + np.float32(0.1), how,
                include_self=with_self,
            )  # fmt: skip


OpSpec(
    "torch.scatter_reduce",
    _call("scatter_reduce"),
    _reduce,
    errors=[
        Bad(RuntimeError, "reduce", (_x, 0, np.array([[0]]), np.ones((1, 1), "f"), "median")),
        Bad(RuntimeError, "dtype", (_x, 0, np.array([[0]]), np.ones((1, 1)), "sum")),
    ],
    rtol=1e-4,
)
OpSpec(
    "products with zeros",
    lambda torch, x, i, s: torch.scatter_reduce(x, 0, i, s, "prod"),
    lambda rng: [Sample(np.float32([2, 3, 0]), np.array([0, 0, 1, 2]), np.float32([0, 5, 7, 4]))],
    second_order=False,
    note="PyTorch's formula and ours hold where the zeros stay zeros",
)
OpSpec(
    "integers scattered",
    lambda torch, x, i, s: [
        torch.scatter_reduce(x, 0, i, s, how, include_self=own)
        for how in ("sum", "mean", "prod", "amax", "amin")
        for own in (True, False)
    ],
    lambda rng: [Sample(np.array([5, -3, 2]), np.array([0, 0, 2]), np.array([7, 4, -1]))],
    gradient=False,
)
OpSpec(
    "torch.index_reduce",
    lambda torch, x, i, s, how, own: x.index_reduce(1, i, s, how, include_self=own),
    lambda rng: [
        Sample(distinct(rng, 2, 3), np.array([0, 2, 0]), distinct(rng, 2, 3) + np.float32(0.1), how, own)
        for how in ("prod", "mean", "amax", "amin")
        for own in (True, False)
    ],
    errors=[Bad(RuntimeError, "reduce", (_x, np.array([0]), np.ones((3, 1), "f"), "sum", True))],
    parity=False,
    note="PyTorch warns that it is in beta; scatter_reduce is compared",
    rtol=1e-4,
)  # fmt: skip
OpSpec(
    "torch.take_along_dim broadcast",
    lambda torch, x, i: (torch.take_along_dim(x, i, 1), torch.take_along_dim(x, i.reshape(-1))),
    lambda rng: [Sample(normal(rng, 3, 4), np.array([[2]]))],
)

# -- products -----------------------------------------------------------------------------------

OpSpec(
    "torch.kron",
    _call("kron"),
    lambda rng: [
        Sample(normal(rng, 2, 3), normal(rng, 2, 2)), Sample(normal(rng, 2), normal(rng, 1, 3)),
        Sample(normal(rng), normal(rng, 2)),
    ],
)  # fmt: skip
OpSpec(
    "torch.vdot",
    lambda torch, a, b: (torch.vdot(a, b), torch.inner(a, b), torch.dot(a, b)),
    lambda rng: [Sample(normal(rng, 3), normal(rng, 3))],
    errors=[Bad(RuntimeError, "dimensions|shapes", (_x, _x))],
)
OpSpec(
    "torch.matrix_power",
    _call("matrix_power"),
    lambda rng: (
        [Sample(normal(rng, 3, 3), n) for n in (1, 2, 5)] + [Sample(normal(rng, 2, 2, 2), 3)]
    ),
    errors=[Bad(RuntimeError, "square", (_x, 2))],
    rtol=1e-4,
    atol=1e-4,
)
OpSpec(
    "torch.chain_matmul",
    lambda torch, *ms: (torch.chain_matmul(*ms), torch.linalg.multi_dot(ms)),
    lambda rng: [
        Sample(normal(rng, 2, 5), normal(rng, 5, 1), normal(rng, 1, 4), normal(rng, 4, 2))
    ],
    parity=False,
    note="PyTorch warns that chain_matmul is deprecated; multi_dot is compared",
)
OpSpec(
    "linalg",
    lambda torch, a, b, v: (
        torch.linalg.multi_dot([v, a, b]), torch.linalg.multi_dot([a, b]),
        torch.linalg.vecdot(a, a + 1), torch.linalg.cross(a.T[:, :3], a.T[:, :3] + v),
        torch.linalg.diagonal(a), torch.linalg.matmul(a, b), torch.linalg.matrix_power(a @ b, 2),
        torch.linalg.vander(v),
    ),
    lambda rng: [Sample(normal(rng, 3, 4), normal(rng, 4, 3), normal(rng, 3))],
    rtol=1e-4, atol=1e-4,
)  # fmt: skip
OpSpec(
    "batched products in place",
    lambda torch, m, a, b: (
        m[0].clone().addmm_(a[0], b[0]), m.clone().baddbmm_(a, b, beta=2, alpha=0.5),
        m[0].clone().addbmm_(a, b), m[0, 0].clone().addmv_(m[1], m[0, 1]),
        m[0].clone().addr_(m[0, 0], m[0, 1]),
        m.clone().lerp_(m + 1, 0.3), m.clone().addcmul_(m, m, value=2), m.clone().addcdiv_(m, m * m + 1),
    ),
    lambda rng: [Sample(normal(rng, 2, 3, 3), normal(rng, 2, 3, 4), normal(rng, 2, 4, 3))],
)  # fmt: skip
OpSpec(
    "torch.cross dim",
    lambda torch, a, b: (torch.linalg.cross(a, b, dim=0), torch.cross(a, b, dim=0)),
    lambda rng: [
        Sample(normal(rng, 3, 2), normal(rng, 3, 2)),
        Sample(normal(rng, 3, 1), normal(rng, 3, 4)),
    ],
    errors=[Bad(RuntimeError, "length 3", (np.ones((2, 3), "f"), np.ones((2, 3), "f")))],
)
