"""``Size``: a tuple of integers that stays one."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import numpy as np
import pytest


def test_is_a_tuple(lib: Any) -> None:
    s = lib.Size([2, 3, 4])
    assert s == (2, 3, 4)
    assert hash(s) == hash((2, 3, 4))
    assert repr(s) == str(s) == f"{s}" == "torch.Size([2, 3, 4])"
    assert (s.numel(), s[-1], s.index(3), s.count(2)) == (24, 4, 1, 1)
    assert lib.Size() == ()
    assert lib.Size().numel() == 1
    assert lib.Size([2, 0]).numel() == 0


def test_operations_give_sizes(lib: Any) -> None:
    s, one = lib.Size([2, 3]), (1,)
    for result, expected in [
        (s[1:], (3,)), (s[::-1], (3, 2)), (s + one, (2, 3, 1)), (one + s, (1, 2, 3)),
        (s + s, (2, 3, 2, 3)), (s * 2, (2, 3, 2, 3)), (2 * s, (2, 3, 2, 3)),
    ]:  # fmt: skip
        assert type(result) is lib.Size
        assert result == expected
    assert type(s[0]) is int


def test_copies(lib: Any) -> None:
    s = lib.Size([2, 3])
    for other in (pickle.loads(pickle.dumps(s)), copy.deepcopy(s), copy.copy(s)):
        assert type(other) is lib.Size
        assert other == s


def test_holds_integers_alone(lib: Any) -> None:
    assert type(lib.Size([lib.tensor(2)])[0]) is int
    assert lib.Size([np.int64(3)]) == (3,)
    for bad in ([1.5], ["a"], [2, None]):
        with pytest.raises(TypeError, match="takes an iterable of 'int'"):
            lib.Size(bad)
    with pytest.raises(TypeError):
        lib.Size(3)
    with pytest.raises(TypeError, match="can only concatenate tuple"):
        operator.add(lib.Size([1]), [2])


def test_shape_of_a_tensor(lib: Any) -> None:
    x = lib.ones(2, 3)
    assert type(x.shape) is type(x.size()) is lib.Size
    assert x.shape[1:].numel() == 3
    assert lib.zeros(x.shape[::-1]).shape == (3, 2)
