"""Reductions over random dimensions, against NumPy and PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import penlight

SHAPES = [(), (1,), (4,), (2, 3), (3, 1, 2), (2, 3, 4), (0, 3), (2, 0, 3)]
NUMPY: dict[str, Any] = {
    "sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "var": lambda x, **k: np.var(x, ddof=1, **k),
    "std": lambda x, **k: np.std(x, ddof=1, **k), "norm": lambda x, **k: np.sqrt(np.sum(x * x, **k)),
    "logsumexp": lambda x, **k: np.log(np.sum(np.exp(x), **k)), "all": np.all, "any": np.any,
    "nansum": np.nansum, "count_nonzero": None,
}  # fmt: skip


@st.composite
def cases(draw: Any) -> tuple[tuple[int, ...], Any, bool]:
    """A shape, one or several of its dimensions (from either end), keepdim."""
    shape = draw(st.sampled_from(SHAPES))
    ndim = len(shape)
    if not ndim or draw(st.booleans()):
        return shape, draw(st.sampled_from([None, *range(-ndim, ndim)])), draw(st.booleans())
    axes = draw(st.lists(st.integers(0, ndim - 1), min_size=1, unique=True))
    signed = tuple(a - ndim if draw(st.booleans()) else a for a in axes)
    return shape, signed, draw(st.booleans())


@given(cases(), st.sampled_from([n for n, f in NUMPY.items() if f]))
def test_values_are_numpys(case: Any, name: str) -> None:
    shape, dim, keepdim = case
    x = np.asarray(np.random.default_rng(0).standard_normal(shape), np.float64)
    empty = x.size == 0 and name in ("amax", "amin")
    if name == "logsumexp" and dim is None:
        return
    if name in ("amax", "amin") and dim is None:
        dim = ()
    call = getattr(penlight, name)
    if name == "norm":
        call = lambda x, dim, keepdim: penlight.norm(x, 2, dim, keepdim)  # noqa: E731
    axis = None if dim == () else dim
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = NUMPY[name](x, axis=axis, keepdims=keepdim)
        except ValueError:  # NumPy, too, has no extremum of nothing
            assert empty
            with pytest.raises((IndexError, RuntimeError)):
                call(penlight.from_numpy(x), dim, keepdim=keepdim)
            return
        y = call(penlight.from_numpy(x), dim, keepdim=keepdim)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-9, atol=1e-12)
    assert y.shape == np.shape(expected)


@pytest.mark.parity
@settings(max_examples=400)
@given(
    case=cases(),
    name=st.sampled_from(
        ["sum", "mean", "amax", "amin", "var", "std", "norm", "logsumexp", "nansum", "all", "any",
         "count_nonzero", "prod", "argmax", "max", "min", "median", "cumsum", "cumprod", "softmax",
         "logcumsumexp", "sort", "topk", "cummax", "quantile", "mode", "kthvalue", "aminmax", "unbind",
         "nanmedian", "flip", "squeeze", "diff"]
    ),
)  # fmt: skip
def test_pytorch_gives_the_same(torch: Any, case: Any, name: str) -> None:
    """Values, gradients, shapes; and that both refuse."""
    shape, dim, keepdim = case
    x = np.asarray(np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) - 2.3)
    arguments: tuple[Any, ...] = (dim, keepdim)
    if name in (
        "cumsum",
        "cumprod",
        "softmax",
        "logcumsumexp",
        "sort",
        "cummax",
        "unbind",
        "flip",
        "squeeze",
    ):
        arguments = (dim,)
    named: dict[str, Any] = {}
    if name in ("var", "std"):
        arguments, named = (dim,), {"keepdim": keepdim}
    if name == "count_nonzero":
        arguments = (dim,)
    if name == "flip" and isinstance(dim, int):
        arguments = ((dim,),)
    if name == "norm":
        arguments = (2, dim, keepdim)
    if name in ("topk", "kthvalue"):
        arguments = (1, dim)
    if name == "quantile":
        arguments = (0.4, dim, keepdim)
    if name == "aminmax":
        arguments, named = (), {"dim": dim, "keepdim": keepdim}
    if name == "diff":
        arguments = (1, dim)
    if dim is None and name not in (
        "sum",
        "mean",
        "nansum",
        "count_nonzero",
        "var",
        "std",
        "norm",
        "quantile",
        "aminmax",
    ):
        return
    results = []
    for lib in (penlight, torch):
        leaf = lib.from_numpy(x.copy()).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                y = getattr(lib, name)(leaf, *arguments, **named)
            except (RuntimeError, IndexError, TypeError, ValueError) as error:
                results.append(type(error).__name__)
                continue
        outputs = list(y) if isinstance(y, (tuple, list)) else [y]
        total = sum((t * (i + 1)).sum() for i, t in enumerate(outputs) if t.requires_grad)
        if not isinstance(total, int):
            total.backward()
        results.append([t.detach().numpy() for t in outputs])
        results[-1].append(None if leaf.grad is None else leaf.grad.numpy())
    ours, theirs = results
    if theirs == "TypeError":  # a tuple where PyTorch takes one dimension alone
        return
    if isinstance(ours, str) or isinstance(theirs, str):
        assert type(ours) is type(theirs), f"{name}{arguments}: {ours}, PyTorch {theirs}"
        return
    for a, b in zip(ours, theirs, strict=True):
        assert (a is None) == (b is None)
        if b is not None:
            assert (a.shape, a.dtype) == (b.shape, b.dtype), (name, arguments, named)
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)


AXIS: dict[str, tuple[Any, ...]] = {
    "sum": (), "mean": (), "nansum": (), "all": (), "count_nonzero": (), "prod": (), "var": (), "std": (),
    "quantile": (0.5,), "logsumexp": (), "cumsum": (), "cumprod": (), "cummax": (), "diff": (), "amax": (),
    "max": (), "argmin": (), "median": (), "sort": (), "argsort": (), "topk": (1,), "kthvalue": (1,),
    "mode": (), "chunk": (2,), "tensor_split": (2,), "unbind": (), "squeeze": (), "unsqueeze": (),
    "softmax": (), "log_softmax": (), "repeat_interleave": (2,),
}  # fmt: skip


@pytest.mark.parametrize("name", AXIS)
def test_numpys_names_are_taken(name: str) -> None:
    x = penlight.randn(2, 3)
    call = getattr(penlight, name)
    ours, theirs = call(x, *AXIS[name], dim=1), call(x, *AXIS[name], axis=1)
    method = getattr(x, name)(*AXIS[name], axis=1)
    for a, b, c in zip(_flat(ours), _flat(theirs), _flat(method), strict=True):
        assert a.equal(b)
        assert a.equal(c)
    with pytest.raises(TypeError, match="both"):
        call(x, *AXIS[name], dim=1, axis=1)


@pytest.mark.parity
@pytest.mark.parametrize("name", AXIS)
def test_pytorch_takes_them_too(name: str, torch: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(torch, name)(torch.randn(2, 3), *AXIS[name], axis=1)


def _flat(y: Any) -> list[Any]:
    return list(y) if isinstance(y, tuple) else [y]


def test_keepdims_and_joining() -> None:
    x = penlight.randn(2, 3)
    assert x.sum(axis=1, keepdims=True).shape == (2, 1)
    assert x.max(axis=-1, keepdims=True).indices.shape == (2, 1)
    assert penlight.cat([x, x], axis=1).shape == (2, 6)
    assert penlight.stack([x, x], axis=2).shape == (2, 3, 2)
    assert x.index_select(axis=1, index=penlight.tensor([0])).shape == (2, 1)


KINKS: dict[str, Any] = {
    "deviation of a constant": lambda t, x: t.std(x * 0 + 1.5, 1).sum() + t.std(x[:, :1].expand(2, 3), 1).sum(),
    "norms of zero": lambda t, x: sum(t.norm(x * 0, p, 1).sum() for p in (1, 2, 3, float("inf"))),
    "fmax with nan": lambda t, x: t.fmax(x, x.detach() * float("nan")).sum() + t.fmin(x.detach() * float("nan"), x).sum(),
    "ties of amax": lambda t, x: t.amax(x * 0, 1).sum() + (x * 0).max() + (x * 0).min(1).values.sum(),
    "ties of maximum": lambda t, x: t.maximum(x, x.detach()).sum() + t.minimum(x.detach(), x).sum(),
    "clamp at its bounds": lambda t, x: x.clamp(0.5, 2.0).sum() + (x * 0 + 1).clamp(1, 1).sum(),
    "powers of zero": lambda t, x: ((x * 0) ** 2).sum() + ((x * 0) ** 0).sum() + ((x * 0) ** x.abs()).sum(),
    "abs and sign at zero": lambda t, x: (x * 0).abs().sum() + (x * 0).sign().sum() + (x * 0).relu().sum(),
    "logsumexp of -inf": lambda t, x: t.logsumexp(t.cat([x * 0, x[:, :1] * 0 - float("inf")], 1), 1).sum(),
    "prod with zeros": lambda t, x: (x * t.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])).prod(1).sum(),
    "cumprod with zeros": lambda t, x: (x * t.tensor([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]])).cumprod(1).sum(),
    "sqrt at zero": lambda t, x: t.where(x > -9, x, 0).mul(0).add(4).sqrt().sum(),
    "hypot at zero": lambda t, x: t.hypot(x, x * 0).sum(),
    "atan2 on the axes": lambda t, x: t.atan2(x * 0, x).sum() + t.atan2(x, x * 0 + 1).sum(),
    "xlogy": lambda t, x: t.xlogy(x * 0, x.abs() + 1).sum(),
    "sort of ties": lambda t, x: (x * 0).sort(dim=1, stable=True).values[:, 0].sum(),
    "median of ties": lambda t, x: x.round().median(1).values.sum(),
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("name", KINKS)
def test_gradients_at_kinks_and_ties_are_pytorchs(name: str, torch: Any) -> None:
    results = []
    for lib in (penlight, torch):
        x = lib.tensor([[1.5, -2.0, 0.5], [2.0, 3.0, -1.0]], requires_grad=True)
        y = KINKS[name](lib, x)
        y.backward()
        results.append((y.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_flat_places_have_gradient_zero_not_nan() -> None:
    for f in (
        lambda x: x.std(), lambda x: x.norm(), lambda x: x.norm(3), lambda x: penlight.linalg.vector_norm(x, 1.5),
        lambda x: penlight.dist(x, x.detach()), lambda x: penlight.cdist(x[None], x.detach()[None]).sum(),
    ):  # fmt: skip
        x = penlight.zeros(3, requires_grad=True)
        f(x).backward()
        assert x.grad.tolist() == [0, 0, 0]
