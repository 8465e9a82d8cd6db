"""Random index expressions: reading, gradients and writing, against NumPy and PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import penlight

SHAPES = [(4,), (3, 4), (2, 3, 4), (1, 3), (2, 0, 3), ()]


def _axis_index(n: int) -> st.SearchStrategy[Any]:
    """An index of one dimension of size n: integers, slices, lists, arrays, masks."""
    bound = st.none() | st.integers(-n - 1, n + 1)
    slices = st.builds(slice, bound, bound, st.none() | st.integers(1, 3))
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda m: np.array(m, np.bool_))
    if not n:
        return slices | masks
    valid = st.integers(-n, n - 1)
    vectors = st.lists(valid, min_size=2, max_size=2).map(np.array)
    column = st.lists(valid, min_size=2, max_size=2).map(lambda v: np.array(v).reshape(2, 1))
    one = valid.map(lambda i: np.array(i))
    return st.one_of(valid, slices, vectors, column, one, vectors.map(lambda v: v.tolist()), masks)


@st.composite
def cases(draw: Any) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """A shape and an index that fits it."""
    shape = draw(st.sampled_from(SHAPES))
    used = draw(st.integers(0, len(shape)))
    front = draw(st.booleans())
    dims = shape[:used] if front else shape[len(shape) - used :]
    items = [draw(_axis_index(n)) for n in dims]
    if not front:
        items.insert(0, ...)
    elif draw(st.booleans()):
        items.append(...)
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    return shape, tuple(items)


def _reference(x: np.ndarray, index: tuple[Any, ...]) -> np.ndarray:
    """NumPy's answer after PyTorch's first step: integers, slices and ``None`` make a view."""
    basic, rest = [], []
    for item in index:
        chooses = isinstance(item, list) or (isinstance(item, np.ndarray) and item.ndim)
        if chooses:
            basic.append(slice(None))
            rest.append(np.asarray(item))
        elif item is ...:
            basic.append(...)
            rest.append(...)
        else:
            basic.append(int(item) if isinstance(item, np.ndarray) else item)
            if item is None or isinstance(item, slice):
                rest.append(slice(None))
    view = x[tuple(basic)]
    return view if all(r is ... or isinstance(r, slice) for r in rest) else view[tuple(rest)]


def _as_tensors(torch: Any, index: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(torch.from_numpy(i.copy()) if isinstance(i, np.ndarray) else i for i in index)


def _numbers(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)


def _fits(x: np.ndarray, index: tuple[Any, ...]) -> bool:
    try:
        _reference(x, index)
    except IndexError:
        return False
    return True


@given(cases())
def test_reading(case: Any) -> None:
    shape, index = case
    x = _numbers(shape)
    if not _fits(x, index):
        with pytest.raises(IndexError):
            penlight.from_numpy(x)[_as_tensors(penlight, index)]
        return
    y = penlight.from_numpy(x)[_as_tensors(penlight, index)]
    np.testing.assert_array_equal(y.numpy(), _reference(x, index))


@given(cases())
def test_gradient_counts_how_often_each_element_is_read(case: Any) -> None:
    shape, index = case
    x = penlight.from_numpy(_numbers(shape)).requires_grad_()
    if not _fits(x.detach().numpy(), index):
        return
    y = x[_as_tensors(penlight, index)]
    weights = np.random.default_rng(0).standard_normal(tuple(y.shape)).astype(np.float32)
    (y * penlight.from_numpy(weights)).sum().backward()
    expected = np.zeros(shape, np.float32)
    places = _reference(np.arange(expected.size).reshape(shape), index)
    np.add.at(expected.reshape(-1), np.ravel(places), np.ravel(weights))
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-5, atol=1e-6)


@given(cases(), st.sampled_from(["number", "tensor", "broadcast"]))
def test_writing(case: Any, kind: str) -> None:
    """The value arrives, and the gradients of both say so; where places repeat any value may win."""
    shape, index = case
    x = _numbers(shape)
    if not _fits(x, index):
        return
    places = _reference(np.arange(x.size).reshape(shape), index)
    if kind == "tensor" and len(np.unique(places)) < places.size:
        return
    size = {"number": (), "tensor": places.shape, "broadcast": places.shape[-1:]}[kind]
    v = penlight.randn(size, requires_grad=True)
    if kind == "broadcast" and len(np.unique(places)) < places.size:
        v = penlight.randn((), requires_grad=True)
    leaf = penlight.from_numpy(x.copy()).requires_grad_()
    y = leaf * 1
    y[_as_tensors(penlight, index)] = v
    expected = x.copy().reshape(-1)
    expected[places] = v.detach().numpy()
    np.testing.assert_array_equal(y.detach().numpy(), expected.reshape(shape))
    y.sum().backward()
    untouched = np.ones(x.size)
    untouched[places] = 0
    np.testing.assert_array_equal(leaf.grad.numpy(), untouched.reshape(shape))
    if len(np.unique(places)) == places.size:
        assert v.grad.sum().item() == pytest.approx(places.size)


@pytest.mark.parity
@given(case=cases())
def test_pytorch_reads_and_writes_the_same(torch: Any, case: Any) -> None:
    shape, index = case
    results = []
    for lib in (penlight, torch):
        leaf = lib.from_numpy(_numbers(shape)).requires_grad_()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lists of lists are deprecated
            try:
                y = leaf[_as_tensors(lib, index)]
            except IndexError as error:
                results.append(type(error).__name__)
                continue
            z = leaf * 1
            z[_as_tensors(lib, index)] = 7.0
        ((y * y).sum() + (z * z).sum()).backward()
        results.append([y.detach().numpy(), z.detach().numpy(), leaf.grad.numpy()])
    ours, theirs = results
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    for a, b in zip(ours[:3], theirs[:3], strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b)


# -- what hypothesis does not reach -----------------------------------------------------------

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_integers_and_slices_are_views() -> None:
    x = penlight.from_numpy(X.copy())
    for index in (0, slice(1), (..., 1), (None, 0), penlight.tensor(1), np.int64(1), ()):
        assert np.may_share_memory(x[index].numpy(), x.numpy()), index
        assert x[index]._base is x
    for index in ([0], penlight.tensor([0]), x > 3, True):
        assert not np.may_share_memory(x[index].numpy(), x.numpy()), index


def test_booleans_make_a_dimension() -> None:
    x = penlight.from_numpy(X)
    assert x[True].shape == (1, 2, 3, 4)
    assert x[False].shape == (0, 2, 3, 4)
    assert x[penlight.tensor(True)].shape == (1, 2, 3, 4)
    assert x[0, True].shape == (1, 3, 4)
    assert x[True, [0, 1]].shape == (2, 3, 4)
    assert penlight.tensor(5.0)[penlight.tensor(True)].shape == (1,)


def test_bytes_are_masks_with_a_warning() -> None:
    x = penlight.from_numpy(X)
    with pytest.warns(UserWarning, match="uint8"):
        y = x[penlight.tensor([1, 0], dtype=penlight.uint8)]
    assert y.shape == (1, 3, 4)


def test_lists_of_lists_stand_for_tuples_with_a_warning() -> None:
    x = penlight.from_numpy(X)
    with pytest.warns(UserWarning, match="non-tuple"):
        assert x[[[0, 1], [1, 2]]].shape == (2, 4)


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (5, IndexError), ((0, 0, 0, 0), IndexError), ([0, 5], IndexError), (1.0, IndexError),
        (slice(None, None, -1), ValueError), (slice(None, None, 0), ValueError), ("a", IndexError),
        (np.array([True, False, True]), IndexError), (([0, 1], [0, 1, 2]), IndexError),
        (np.array([1.0]), IndexError), (np.array([0], np.int8), IndexError),
    ],
)  # fmt: skip
def test_bad_indices_are_refused(index: Any, error: Any) -> None:
    x = penlight.from_numpy(X)
    with pytest.raises(error):
        x[_as_tensors(penlight, (index,))[0] if isinstance(index, np.ndarray) else index]
    with pytest.raises(error):
        x[_as_tensors(penlight, (index,))[0] if isinstance(index, np.ndarray) else index] = 1.0


@pytest.mark.parametrize(
    ("value", "error", "match"),
    [
        (np.ones(4), TypeError, "ndarray"), ([1, 2], TypeError, "list"), ("a", TypeError, "str"),
        (None, TypeError, "None"), (1 + 2j, RuntimeError, "overflow"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(value: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        penlight.from_numpy(X.copy())[0] = value


def test_shapes_and_dtypes_of_values() -> None:
    x = penlight.from_numpy(X.copy())
    x[0:1] = penlight.ones(1, 1, 1, 3, 4)  # leading ones go
    x[0] = penlight.ones(3, 4, dtype=penlight.float64)  # slices cast
    with pytest.raises(RuntimeError, match=r"\[5\]"):
        x[0] = penlight.ones(5)
    with pytest.raises(RuntimeError, match="float64"):
        x[penlight.tensor([0])] = penlight.ones((), dtype=penlight.float64)
    small = penlight.zeros(2, dtype=penlight.uint8)
    small[0] = -1
    assert small.tolist() == [255, 0]
    with pytest.raises(RuntimeError, match="300"):
        small[0] = 300
    with pytest.raises(RuntimeError, match="overflow"):
        penlight.zeros(2, dtype=penlight.int64)[0] = float("nan")


def test_assignment_from_overlapping_memory() -> None:
    x = penlight.arange(5)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3]


def test_a_changed_index_is_noticed_in_backward() -> None:
    x = penlight.ones(3, requires_grad=True)
    i = penlight.tensor([0, 1])
    for read in (lambda: x[i], lambda: x.gather(0, i), lambda: x.index_select(0, i)):
        y = read()
        i.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace"):
            y.sum().backward()
        i.sub_(1)


def test_double_backward_through_reading_and_writing() -> None:
    def f(x: Any, v: Any) -> Any:
        y = x**2
        y[0, [1, 1, 2]] = (v**3).sum()
        return y[..., [0, 1, 1]] ** 2

    x = penlight.randn(2, 3, dtype=penlight.float64, requires_grad=True)
    v = penlight.randn(2, dtype=penlight.float64, requires_grad=True)
    from penlight.testing import gradcheck, gradgradcheck

    assert gradcheck(f, (x, v))
    assert gradgradcheck(f, (x, v))
