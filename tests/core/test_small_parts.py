"""Argument normalisers, hook handles, shared errors and the filter of NumPy's warnings."""

from __future__ import annotations

import gc
import warnings

import numpy as np
import pytest

import penlight
from penlight._core.arguments import normalize_axes, normalize_axis, ntuple, shape_argument
from penlight._core.errors import broadcast_error
from penlight._core.hooks import HookTable, RemovableHandle


def test_ntuple() -> None:
    assert ntuple(3, 2, "stride") == ntuple((3,), 2, "stride") == (3, 3)
    assert ntuple([1, np.int64(2)], 2, "stride") == (1, 2)
    with pytest.raises(RuntimeError, match=r"stride must be an int or a tuple of 2 ints"):
        ntuple((1, 2, 3), 2, "stride")
    for bad in (1.5, "ab", (1, 2.5)):
        with pytest.raises(TypeError, match="stride"):
            ntuple(bad, 2, "stride")


def test_axes() -> None:
    assert normalize_axis(-1, 3) == 2
    assert normalize_axis(-1, 0) == normalize_axis(0, 0) == 0
    with pytest.raises(IndexError, match=r"expected dim in \[-3, 2\], got 3"):
        normalize_axis(3, 3)
    assert normalize_axes(None, 3) is None
    assert normalize_axes((0, -1), 3) == (0, 2)
    assert normalize_axes([1], 3) == normalize_axes(1, 3) == (1,)
    with pytest.raises(RuntimeError, match="twice"):
        normalize_axes((0, -3), 3)


def test_shape_argument() -> None:
    assert (
        shape_argument((2, 3)) == shape_argument(((2, 3),)) == shape_argument(([2, 3],)) == (2, 3)
    )
    assert shape_argument(()) == ()
    with pytest.raises(TypeError, match="size"):
        shape_argument((2.5,))


def test_handles() -> None:
    table: HookTable = HookTable()
    kept: dict[int, int] = {}

    class Companion(dict):  # a plain dict can't be referred to weakly
        pass

    companion = Companion(kept)
    handle = RemovableHandle.register(table, print)
    both = RemovableHandle(table, companion)
    table[both.id] = companion[both.id] = len  # type: ignore[assignment]
    assert list(table.values()) == [print, len]
    both.remove()
    both.remove()
    assert not companion
    with handle:
        assert list(table.values()) == [print]
    assert not table


def test_a_handle_does_not_keep_the_hooks_alive() -> None:
    table: HookTable = HookTable()
    handle = RemovableHandle.register(table, print)
    del table
    gc.collect()
    assert handle._tables[0]() is None
    handle.remove()


def test_broadcast_error_names_the_dimension() -> None:
    error = broadcast_error("add", [(2, 3), (4,)])
    assert "tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1" in str(
        error
    )
    assert "add" in str(error)


def test_numpys_warnings_stay_numpys() -> None:
    x = penlight.tensor([0.0, -1.0], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        penlight._core.warnings.ignore_floating_point_warnings()
        (penlight.log(x) + 1 / x).sum().backward()
        assert x.grad is not None
        with pytest.raises(RuntimeWarning):
            np.log(np.zeros(1))
