"""Rows for derivatives of samples, segments, and parts replaced in memory."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import (
    Bad,
    Constant,
    OpSpec,
    Sample,
    distinct,
    integers,
    normal,
    positive,
)

_places = np.float32([0, 1, 4, 4.5])


def _gradient(torch, x, *places, **options):
    if places:
        options["spacing"] = places
    return torch.gradient(x, **options)


_square = np.ones((3, 4), np.float32)
OpSpec(
    "torch.gradient",
    _gradient,
    lambda rng: [
        Sample(normal(rng, 3, 4)), Sample(normal(rng, 5)), Sample(normal(rng, 3, 4), dim=1, spacing=0.5),
        Sample(normal(rng, 3, 4), edge_order=2), Sample(normal(rng, 3, 4), spacing=[2.0, 3.0]),
        Sample(normal(rng, 3, 4), dim=(1, 0), spacing=2), Sample(normal(rng, 2, 2)),
        Sample(normal(rng, 3, 4), Constant(_places), dim=1),
        Sample(normal(rng, 3, 4), Constant(_places[:3]), Constant(_places), edge_order=2),
        Sample(integers(rng, 0, 9, 3, 4)),
    ],
    errors=[
        Bad(RuntimeError, "edge_order=1", (_square,), {"edge_order": 3}),
        Bad(RuntimeError, "at least", (_square[:1],)),
        Bad(RuntimeError, "twice|multiple", (_square,), {"dim": (0, 0)}),
        Bad(RuntimeError, "spacing", (_square,), {"spacing": (1.0, 2.0, 3.0)}),
        Bad(IndexError, "out of range", (_square,), {"dim": 5}),
        Bad(RuntimeError, "bool", (_square > 0,)),
    ],
)  # fmt: skip


def _segments(torch, x, reduce, **options):
    return torch.segment_reduce(x, reduce, **options)


_lengths = np.array([2, 0, 3, 1])
_six = np.ones((6, 2), np.float32)
OpSpec(
    "torch.segment_reduce",
    _segments,
    lambda rng: [
        *(Sample(distinct(rng, 6, 2), r, lengths=_lengths[[0, 2, 3]]) for r in ("max", "min")),
        *(Sample(distinct(rng, 6), r, lengths=_lengths[[0, 2, 3]]) for r in ("mean", "prod")),
        *(
            Sample(distinct(rng, 6, 2), r, lengths=_lengths, initial=2)
            for r in ("sum", "mean", "max")
        ),
        Sample(distinct(rng, 6, 2), "sum", lengths=_lengths),
        Sample(distinct(rng, 6, 2), "sum", offsets=np.array([0, 2, 2, 6])),
        Sample(distinct(rng, 2, 6), "mean", lengths=np.array([[2, 4], [3, 3]]), axis=1),
        Sample(distinct(rng, 6, 2), "sum", lengths=np.array([2, 3]), unsafe=True),
    ],
    errors=[
        Bad(RuntimeError, "sum to", (_six, "sum"), {"lengths": np.array([2, 3])}),
        Bad(RuntimeError, "reduce", (_six, "median"), {"lengths": np.array([6])}),
        Bad(RuntimeError, "lengths or offsets", (_six, "sum")),
        Bad(RuntimeError, "negative", (_six, "sum"), {"lengths": np.array([7, -1])}),
        Bad(RuntimeError, "axis", (_six, "sum"), {"lengths": np.array([1, 1]), "axis": 1}),
        Bad(NotImplementedError, "int64", (_six.astype(int), "sum"), {"lengths": np.array([6])}),
        Bad(
            NotImplementedError,
            "integers|implemented",
            (_six, "sum"),
            {"lengths": Constant(np.float32([6]))},
        ),
    ],
    second_order=False,
    note="PyTorch has no second derivative either; of sums ours has",
)
OpSpec(
    "torch.histogramdd",
    lambda torch, x, bins, **options: (lambda y: (y.hist, *y.bin_edges))(
        torch.histogramdd(x, bins, **options)
    ),
    lambda rng: [
        Sample(Constant(normal(rng, 20, 2)), [2, 3]),
        Sample(Constant(normal(rng, 4, 5, 2)), 3, density=True),
        Sample(Constant(normal(rng, 20, 2)), [2, 3], weight=Constant(positive(rng, 20))),
        Sample(Constant(normal(rng, 20, 2)), 3, range=[-1.0, 1.0, -2.0, 2.0]),
        Sample(Constant(normal(rng, 20, 3)), [2, 3, 1]),
    ],
    errors=[
        Bad(RuntimeError, "at least 2", (np.ones(3, "f"), [3])),
        Bad(RuntimeError, "size of bins", (_six, [3])),
        Bad(RuntimeError, "weight", (_six, 3), {"weight": np.ones(4, "f")}),
        Bad(NotImplementedError, "int64", (_six.astype(int), 3)),
    ],
    gradient=False,
)
OpSpec(
    "torch.nonzero_static",
    lambda torch, x, **options: torch.nonzero_static(x, **options),
    lambda rng: [
        Sample(integers(rng, 0, 2, 3, 4), size=5), Sample(integers(rng, 0, 2, 4), size=9, fill_value=7),
        Sample(integers(rng, 0, 2, 4), size=0),
    ],
    covers=("Tensor.nonzero_static",),
    gradient=False,
    errors=[Bad(RuntimeError, "non-negative", (np.ones(3, int),), {"size": -1})],
)  # fmt: skip


def _strided_scatter(constant):
    def samples(rng):
        given = Constant if constant else np.asarray
        yield Sample(given(normal(rng, 3, 4)), normal(rng, 2, 2), (2, 2), (4, 2))
        yield Sample(given(normal(rng, 3, 4)), normal(rng, 2, 2), (2, 2), (1, 4), 2)
        yield Sample(given(normal(rng, 9)), normal(rng, 3), (3,), (3,), 1)

    return samples


OpSpec(
    "torch.as_strided_scatter",
    lambda torch, x, src, *a: torch.as_strided_scatter(x, src, *a),
    _strided_scatter(constant=True),
    covers=("Tensor.as_strided_scatter",),
    errors=[Bad(RuntimeError, "src", (_square, np.ones(3, "f"), (2, 2), (4, 2)))],
)
OpSpec(
    "torch.as_strided_scatter with the input's gradient",
    lambda torch, x, src, *a: torch.as_strided_scatter(x, src, *a),
    _strided_scatter(constant=False),
    parity=False,
    note="PyTorch 2.13 gives the input the gradient of the replaced places, where it has none",
)
