"""``Parameter`` and ``Buffer``: what they are made of, how they are shown, copied and converted."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn


def test_a_parameter_shares_its_data_and_wants_gradients(lib: Any) -> None:
    data = lib.zeros(2)
    p = lib.nn.Parameter(data)
    data[0] = 5
    assert p.tolist() == [5.0, 0.0]
    assert p.requires_grad
    assert p.is_leaf
    assert not lib.nn.Parameter(data, requires_grad=False).requires_grad
    assert lib.nn.Parameter().shape == (0,)
    assert lib.nn.Parameter(lib.ones(2, requires_grad=True) * 2).is_leaf
    assert type(p + 1) is lib.Tensor
    assert isinstance(p, lib.Tensor)


def test_integers_can_only_be_frozen_parameters(lib: Any) -> None:
    with pytest.raises(RuntimeError, match="floating point"):
        lib.nn.Parameter(lib.tensor([1, 2]))
    assert lib.nn.Parameter(lib.tensor([1, 2]), requires_grad=False).dtype == lib.int64


def test_representation(lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2))
    assert repr(p) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_copies_are_parameters_with_memory_of_their_own(lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2), requires_grad=False)
    for q in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert isinstance(q, lib.nn.Parameter)
        assert not q.requires_grad
        q.fill_(3)
    assert p.tolist() == [1.0, 1.0]
    p.grad = lib.ones(2)
    assert copy.deepcopy(p).grad is None  # as in PyTorch, though other leaves keep theirs


def test_a_buffer_knows_whether_it_is_persistent(lib: Any) -> None:
    b = lib.nn.Buffer(lib.ones(2))
    assert b.persistent
    assert not b.requires_grad
    b = lib.nn.Buffer(lib.ones(2), persistent=False)
    assert not b.persistent
    assert not copy.deepcopy(b).persistent
    assert lib.nn.Buffer().shape == (0,)


@pytest.mark.parametrize("kind", ["Parameter", "Buffer"])
def test_only_tensors_are_taken(kind: str) -> None:
    with pytest.raises(TypeError, match=f"{kind}: data must be a Tensor, got list"):
        getattr(nn, kind)([1.0, 2.0])
    with pytest.raises(TypeError, match="got ndarray"):
        getattr(nn, kind)(np.ones(2))


def test_an_empty_parameter_has_the_default_dtype() -> None:
    penlight.set_default_dtype(penlight.float64)
    try:
        assert nn.Parameter().dtype is penlight.float64
        assert nn.Buffer().dtype is penlight.float64
    finally:
        penlight.set_default_dtype(penlight.float32)
