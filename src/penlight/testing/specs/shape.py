"""Rows for views, joining, splitting, indexing, gather and scatter, products."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, OpSpec, Sample, normal

_x = np.ones((2, 3), np.float32)
_i = np.array([[0, 2, 1], [1, 0, 0]])


def _call(name, *fixed):
    return lambda torch, x, *a, **k: getattr(torch, name)(x, *a, **k)


def _method(name):
    return lambda torch, x, *a, **k: getattr(x, name)(*a, **k)


def _rows(name, *argument_lists, shape=(2, 3), method=False, **options):
    def samples(rng):
        for arguments in argument_lists:
            yield Sample(normal(rng, *shape), *arguments)
        yield Sample(normal(rng, *shape[::-1]).T, *argument_lists[0])

    prefix = "Tensor" if method else "torch"
    OpSpec(f"{prefix}.{name}", (_method if method else _call)(name), samples, **options)


_rows(
    "reshape",
    ((3, 2),),
    ((-1,),),
    ((1, 6, 1),),
    errors=[
        Bad(RuntimeError, "invalid for input", (_x, (4, 2))),
        Bad(RuntimeError, "only one", (_x, (-1, -1))),
    ],
)
OpSpec(
    "Tensor.view",
    lambda torch, x: (x.view(3, 2), x.view(-1), x.view_as(x), x.reshape(-1, 2)),
    lambda rng: [Sample(normal(rng, 2, 3))],
)
_rows(
    "flatten",
    (),
    (0, 0),
    (1,),
    shape=(2, 3, 2),
    errors=[Bad(RuntimeError, "start_dim", (_x, 1, 0)), Bad(IndexError, "range", (_x, 3))],
)
_rows(
    "permute",
    ((1, 0),),
    errors=[Bad(RuntimeError, "dims", (_x, (0,))), Bad(RuntimeError, "twice", (_x, (0, 0)))],
)
_rows("transpose", (0, 1), (-1, 0), errors=[Bad(IndexError, "dim1", (_x, 0, 2))])
_rows("t", (), errors=[Bad(RuntimeError, "2 dimensions", (np.ones((1, 1, 1), "f"),))])
_rows("squeeze", (), (1,), ((0, 1),), shape=(2, 1, 3))
_rows("unsqueeze", (0,), (-1,), (1,), errors=[Bad(IndexError, "range", (_x, 4))])
_rows(
    "expand",
    (4, 2, 3),
    (-1, 3),
    (2, 3),
    shape=(2, 3),
    method=True,
    errors=[
        Bad(RuntimeError, "expanded size", (_x, 2, 4)),
        Bad(RuntimeError, "number of sizes", (_x, 3)),
    ],
)
_rows("movedim", (0, 1), ((0, 1), (1, 0)))
_rows("unflatten", (1, (3, 1)), (0, (-1, 2)))
_rows("roll", (1, 0), (2,), ((1, 2), (0, 1)))
_rows("flip", ((0,),), ((0, 1),))
_rows("rot90", (), (2,), (3,), (-1,))
_rows("tile", ((2,),), ((2, 1, 2),))
_rows("repeat", (2, 1), (2, 1, 3), method=True, errors=[Bad(RuntimeError, "repeat", (_x, 2))])
_rows("repeat_interleave", (2,), (2, 1), (np.array([1, 0, 2]), 1))
_rows("narrow", (1, 0, 2), (0, 1, 1), errors=[Bad(RuntimeError, "length", (_x, 1, 2, 2))])
_rows("select", (0, 1), (1, -1), errors=[Bad(IndexError, "out of range", (_x, 1, 3))])
_rows("unbind", (), (1,))
_rows(
    "split", (2, 1), ([1, 2], 1), (2,), errors=[Bad(RuntimeError, "sum exactly", (_x, [1, 1], 1))]
)
_rows("chunk", (2, 1), (5, 0), errors=[Bad(RuntimeError, "chunks", (_x, 0))])
_rows("tensor_split", (2, 1), ((1,), 1))
_rows("atleast_3d", ())
OpSpec(
    "torch.fliplr",
    lambda torch, x: (torch.fliplr(x), torch.flipud(x), torch.atleast_1d(x), torch.atleast_2d(x)),
    lambda rng: [Sample(normal(rng, 2, 3))],
    covers=("torch.flipud", "torch.atleast_1d", "torch.atleast_2d"),
)
OpSpec(
    "T",
    lambda torch, x: (x.T, x.mT, x.ravel(), x.reshape_as(x.T), x.expand_as(x)),
    lambda rng: [Sample(normal(rng, 2, 3))],
)

_mixed = (np.ones((2, 3), "f"), np.ones((2, 4), "f"))
OpSpec(
    "torch.cat",
    lambda torch, xs, *a: torch.cat(xs, *a),
    lambda rng: [
        Sample([normal(rng, 2, 3), normal(rng, 1, 3)]),
        Sample([normal(rng, 2, 3), normal(rng, 2, 1)], 1),
        Sample([normal(rng, 2, 3), np.arange(6).reshape(2, 3)], -1),
        Sample([normal(rng, 0), normal(rng, 2)]),
        Sample([normal(rng, 3, 2).T]),
    ],
    covers=("torch.concat", "torch.concatenate"),
    errors=[
        Bad(RuntimeError, "dimension", (list(_mixed),)),
        Bad(ValueError, "non-empty", ([],)),
        Bad(RuntimeError, "zero-dimensional", ([np.float32(1)[None][0:1].reshape(())],)),
    ],
)
OpSpec(
    "torch.stack",
    lambda torch, xs, *a: torch.stack(xs, *a),
    lambda rng: [Sample([normal(rng, 2, 3), normal(rng, 2, 3)], d) for d in (0, 1, -1)],
    errors=[Bad(RuntimeError, "equal size", (list(_mixed),))],
)
OpSpec(
    "torch.hstack",
    lambda torch, xs: (torch.hstack(xs), torch.vstack(xs), torch.dstack(xs)),
    lambda rng: [
        Sample([normal(rng, 3), normal(rng, 3)]),
        Sample([normal(rng, 2, 3), normal(rng, 2, 3)]),
    ],
    covers=("torch.vstack", "torch.dstack"),
)
OpSpec(
    "torch.broadcast_tensors",
    lambda torch, a, b: torch.broadcast_tensors(a, b),
    lambda rng: [Sample(normal(rng, 3, 1), normal(rng, 2))],
    errors=[Bad(RuntimeError, "shape", _mixed)],
)
OpSpec(
    "torch.meshgrid",
    lambda torch, a, b, how: torch.meshgrid(a, b, indexing=how),
    lambda rng: [Sample(normal(rng, 3), normal(rng, 2), how) for how in ("ij", "xy")],
)


def _index_rows():
    cases = [
        0, -1, slice(0, 2), slice(None, None, 2), (slice(None), 1), (..., 0), None, (0, None, slice(1, 3)),
        np.array([0, 2, 0]), (np.array([0, 1]), np.array([1, 1])), (slice(None), np.array([[0, 1], [3, 3]])),
        (np.array([0, 1]), slice(None), np.array([1, 0])), (0, 1, 2), [0, 2], np.array([True, False, True]),
        (slice(None), np.array([True, False, True, False])), (np.array([-1, -3]),), (..., np.array([0])),
    ]  # fmt: skip
    for i, index in enumerate(cases):
        OpSpec(
            f"getitem {i}",
            lambda torch, x, index: x[_as(torch, index)],
            lambda rng, index=index: [Sample(normal(rng, 3, 4, 3), _Hidden(index))],
            covers=("Tensor.__getitem__",),
        )
        OpSpec(
            f"setitem {i}",
            _set,
            lambda rng, index=index, i=i: (
                [
                    Sample(normal(rng, 3, 4, 3), _Hidden(index), normal(rng)),
                    Sample(normal(rng, 3, 4, 3), _Hidden(index), 2.5),
                ]
                if i not in (8, 10)
                else [Sample(normal(rng, 3, 4, 3), _Hidden(index), 2.5)]
            ),
            covers=("Tensor.__setitem__",),
        )


class _Hidden:
    """An index kept from becoming a tensor; printed in ids."""

    def __init__(self, index) -> None:
        self.index = index

    def __repr__(self) -> str:
        return str(self.index).replace("\n", "")


def _as(torch, hidden):
    def convert(i):
        return torch.from_numpy(i) if isinstance(i, np.ndarray) else i

    index = hidden.index
    return tuple(map(convert, index)) if isinstance(index, tuple) else convert(index)


def _set(torch, x, index, value):
    y = x * 2
    y[_as(torch, index)] = value
    return y


_index_rows()
OpSpec(
    "index errors",
    lambda torch, x, index: x[_as(torch, index)],
    lambda rng: [],
    errors=[
        Bad(IndexError, "out of bounds|out of range", (_x, _Hidden(5))),
        Bad(IndexError, "indices", (_x, _Hidden(np.ones(2, "f")))),
        Bad(ValueError, "step", (_x, _Hidden(slice(None, None, -1)))),
        Bad(IndexError, "too many", (_x, _Hidden((0, 0, 0)))),
        Bad(IndexError, "out of bounds|out of range", (_x, _Hidden(np.array([0, 7])))),
    ],
)

_out_of_range = np.array([[0, 3]])
OpSpec(
    "torch.gather",
    lambda torch, x, d, i: torch.gather(x, d, i),
    lambda rng: [
        Sample(normal(rng, 2, 3), 1, _i),
        Sample(normal(rng, 3, 3), 0, _i),
        Sample(normal(rng, 2, 3), 1, _i[:1, :2]),
    ],
    errors=[
        Bad(RuntimeError, "out of bounds", (_x, 1, _out_of_range)),
        Bad(RuntimeError, "int64", (_x, 1, _x)),
        Bad(RuntimeError, "dimensions", (_x, 1, np.array([0]))),
    ],
)
OpSpec(
    "torch.scatter",
    lambda torch, x, d, i, s: torch.scatter(x, d, i, s),
    lambda rng: [
        Sample(normal(rng, 2, 3), 1, np.array([[0, 2], [1, 0]]), normal(rng, 2, 2)),
        Sample(normal(rng, 2, 3), 1, np.array([[0], [1]]), normal(rng, 2, 1)),
        Sample(normal(rng, 2, 3), 0, np.array([[1, 0, 1]]), 1.5),
    ],
    errors=[Bad(RuntimeError, "out of bounds", (_x, 1, _out_of_range, 1.0))],
)
OpSpec(
    "torch.scatter_add",
    lambda torch, x, d, i, s: torch.scatter_add(x, d, i, s),
    lambda rng: [Sample(normal(rng, 2, 3), 1, np.array([[0, 0], [1, 2]]), normal(rng, 2, 2))],
)
OpSpec(
    "Tensor.scatter_ reduce",
    lambda torch, x, i: (
        x.scatter_(1, i, 2, reduce="add") * 1,
        x.scatter_(1, i, 2, reduce="multiply"),
    ),
    lambda rng: [Sample(np.arange(6).reshape(2, 3), np.array([[0, 0], [1, 2]]))],
    gradient=False,
)
OpSpec(
    "torch.index_select",
    lambda torch, x, d, i: torch.index_select(x, d, i),
    lambda rng: [
        Sample(normal(rng, 2, 3), 1, np.array([0, 2, 0])),
        Sample(normal(rng, 2, 3), 0, np.array([1])),
    ],
    errors=[
        Bad(IndexError, "out of bounds", (np.ones(3, "f"), 0, np.array([3]))),
        Bad(IndexError, "vector", (_x, 1, _i)),
    ],
)
OpSpec(
    "torch.index_add",
    lambda torch, x, d, i, s: (torch.index_add(x, d, i, s), torch.index_add(x, d, i, s, alpha=2)),
    lambda rng: [Sample(normal(rng, 2, 3), 1, np.array([0, 0]), normal(rng, 2, 2))],
)
OpSpec(
    "torch.index_copy",
    lambda torch, x, d, i, s: torch.index_copy(x, d, i, s),
    lambda rng: [Sample(normal(rng, 2, 3), 1, np.array([2, 0]), normal(rng, 2, 2))],
)
OpSpec(
    "torch.index_fill",
    lambda torch, x, d, i, v: torch.index_fill(x, d, i, v),
    lambda rng: [Sample(normal(rng, 2, 3), 1, np.array([2, 0]), 0.5)],
)
OpSpec(
    "torch.index_put",
    lambda torch, x, i, j, v: (x.index_put((i, j), v), x.index_put((i, j), v, accumulate=True)),
    lambda rng: [Sample(normal(rng, 2, 3), np.array([0, 1]), np.array([1, 2]), normal(rng, 2))],
)
OpSpec(
    "torch.masked_fill",
    lambda torch, x, m, v: (x.masked_fill(m, v), x.clone().masked_fill_(m, v)),
    lambda rng: [
        Sample(normal(rng, 2, 3), rng.random((2, 3)) < 0.5, -1.0),
        Sample(normal(rng, 2, 3), rng.random(3) < 0.5, normal(rng)),
    ],
    errors=[
        Bad(RuntimeError, "bool", (_x, _i, 0.0)),
        Bad(RuntimeError, "0-dim", (_x, _x > 0, np.ones(2, "f"))),
    ],
)
OpSpec(
    "torch.masked_select",
    lambda torch, x, m: torch.masked_select(x, m),
    lambda rng: [Sample(normal(rng, 2, 3), rng.random((2, 3)) < 0.6)],
)
OpSpec(
    "torch.masked_scatter",
    lambda torch, x, m, s: x.masked_scatter(m, s),
    lambda rng: [Sample(normal(rng, 2, 3), rng.random((2, 3)) < 0.6, normal(rng, 6))],
)
OpSpec(
    "torch.take",
    lambda torch, x, i: torch.take(x, i),
    lambda rng: [Sample(normal(rng, 2, 3), np.array([[0, 5], [1, 0]]))],
)
OpSpec(
    "torch.take_along_dim",
    lambda torch, x, i, *a: torch.take_along_dim(x, i, *a),
    lambda rng: [Sample(normal(rng, 2, 3), _i, 1)],
)
OpSpec(
    "torch.nonzero",
    lambda torch, x: (torch.nonzero(x), torch.argwhere(x), x.nonzero(as_tuple=True)),
    lambda rng: [Sample(np.array([[0, 1], [2, 0]]))],
    gradient=False,
    covers=("torch.argwhere",),
)

_mm = (np.ones((2, 3), "f"), np.ones((2, 3), "f"))
OpSpec(
    "torch.matmul",
    lambda torch, a, b: torch.matmul(a, b),
    lambda rng: (
        [
            Sample(normal(rng, *a), normal(rng, *b))
            for a, b in [
                ((3,), (3,)),
                ((2, 3), (3,)),
                ((3,), (3, 2)),
                ((2, 3), (3, 4)),
                ((2, 2, 3), (3, 2)),
                ((2, 2, 3), (2, 3, 1)),
                ((3,), (2, 3, 2)),
                ((2, 1, 2, 3), (3, 3, 2)),
                ((0, 3), (3, 2)),
            ]
        ]
        + [Sample(normal(rng, 3, 2).T, normal(rng, 2, 3).T)]
    ),
    errors=[
        Bad(RuntimeError, "cannot be multiplied", _mm),
        Bad(RuntimeError, "at least 1D", (np.ones((), "f"), np.ones(2, "f"))),
        Bad(RuntimeError, "same dtype", (_x, np.ones((3, 2)))),
    ],
)
OpSpec(
    "torch.mm",
    lambda torch, a, b, v: (
        torch.mm(a, b),
        torch.mv(a, v),
        torch.dot(v, v),
        torch.addmm(a, a, torch.mm(b, a)[:, :3], beta=2, alpha=3),
        torch.addmv(v[:2], a, v),
        torch.addr(a, v[:2], v),
    ),
    lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 3, 2), normal(rng, 3))],
    covers=("torch.mv", "torch.dot", "torch.addmm", "torch.addmv", "torch.addr"),
)
OpSpec(
    "torch.bmm",
    lambda torch, a, b: (torch.bmm(a, b), torch.baddbmm(a, a, b), torch.addbmm(a[0], a, b)),
    lambda rng: [Sample(normal(rng, 2, 3, 3), normal(rng, 2, 3, 3))],
    covers=("torch.baddbmm", "torch.addbmm"),
)
OpSpec(
    "torch.outer",
    lambda torch, a, b: (torch.outer(a, b), torch.inner(a, a), torch.cross(a, b[:3], dim=0)),
    lambda rng: [Sample(normal(rng, 3), normal(rng, 4))],
    covers=("torch.ger", "torch.inner", "torch.cross"),
)
OpSpec(
    "torch.tensordot",
    lambda torch, a, b: (torch.tensordot(a, b, 1), torch.tensordot(a, b, dims=([0, 1], [1, 0]))),
    lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 3, 2))],
)
OpSpec(
    "torch.einsum",
    lambda torch, eq, *xs: torch.einsum(eq, *xs),
    lambda rng: [
        Sample("ij,jk->ik", normal(rng, 2, 3), normal(rng, 3, 2)),
        Sample("ij->ji", normal(rng, 2, 3)),
        Sample("ij->i", normal(rng, 2, 3)),
        Sample("ij->", normal(rng, 2, 3)),
        Sample("bij,bjk", normal(rng, 2, 2, 3), normal(rng, 2, 3, 2)),
        Sample("...ij,...jk->...ik", normal(rng, 2, 1, 2, 3), normal(rng, 2, 3, 1)),
        Sample("ii->i", normal(rng, 3, 3)),
        Sample("ii", normal(rng, 3, 3)),
        Sample("i,j,ij->", normal(rng, 2), normal(rng, 3), normal(rng, 2, 3)),
        Sample("ij,ij->ij", normal(rng, 1, 3), normal(rng, 2, 3)),
    ],
    errors=[
        Bad(RuntimeError, "subscripts", ("ijk->i", _x)),
        Bad(RuntimeError, "broadcast", ("ij,jk->ik", *_mm)),
        Bad(RuntimeError, "operands", ("ij,jk->ik", _x)),
        Bad(RuntimeError, "output", ("ij->k", _x)),
    ],
)
OpSpec(
    "torch.diag",
    lambda torch, v, m: (
        torch.diag(v),
        torch.diag(v, 1),
        torch.diag(m),
        torch.diag(m, -1),
        torch.diagonal(m, 1),
        torch.diag_embed(m),
        torch.trace(m),
    ),
    lambda rng: [
        Sample(normal(rng, 3), normal(rng, 3, 3)),
        Sample(normal(rng, 2), normal(rng, 3, 2)),
    ],
    covers=("torch.diagonal", "torch.diag_embed", "torch.trace"),
)
OpSpec(
    "torch.tril",
    lambda torch, x: (torch.tril(x), torch.triu(x, 1)),
    lambda rng: [Sample(normal(rng, 3, 3)), Sample(normal(rng, 2, 2, 3))],
    covers=("torch.triu",),
)
