"""Embeddings: what they start with, what is not learned, what may not change meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def test_the_padding_row_starts_at_zero_and_stays_there(lib: Any) -> None:
    m = lib.nn.Embedding(4, 3, padding_idx=-2)
    assert m.padding_idx == 2
    assert m.weight[2].tolist() == [0.0] * 3
    m(lib.tensor([[2, 1], [2, 3]])).sum().backward()
    assert m.weight.grad.tolist() == [[0.0] * 3, [1.0] * 3, [0.0] * 3, [1.0] * 3]
    m.weight.data.fill_(5)
    m.reset_parameters()
    assert m.weight[2].tolist() == [0.0] * 3


def test_pretrained_vectors_are_shared_and_frozen(lib: Any) -> None:
    table = lib.ones(4, 3)
    m = lib.nn.Embedding.from_pretrained(table, max_norm=2.0)
    assert (m.num_embeddings, m.embedding_dim, m.max_norm) == (4, 3, 2.0)
    assert not m.weight.requires_grad
    table[0] = 7
    assert m.weight[0].tolist() == [7.0] * 3
    assert lib.nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad


def test_gradients_add_up_or_are_averaged(lib: Any) -> None:
    index = lib.tensor([1, 1, 1, 0])
    for by_frequency, expected in ((False, [1.0, 3.0]), (True, [1.0, 1.0])):
        m = lib.nn.Embedding(2, 1, scale_grad_by_freq=by_frequency)
        m(index).sum().backward()
        assert m.weight.grad.flatten().tolist() == expected


def test_long_rows_that_are_used_are_shortened_in_place(lib: Any) -> None:
    m = lib.nn.Embedding(3, 2, max_norm=1.0)
    with lib.no_grad():
        m.weight.copy_(lib.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]]))
    before = m.weight._version
    y = m(lib.tensor([0, 1]))
    np.testing.assert_allclose(y.detach().numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)
    np.testing.assert_allclose(m.weight[2].detach().numpy(), [6, 8])
    assert m.weight._version > before
    y.sum().backward()
    assert m.weight.grad is not None


def test_many_rows_and_repeats(lib: Any) -> None:
    rng = np.random.default_rng(0)
    index = rng.integers(0, 300, (40, 50))
    m = lib.nn.Embedding(300, 4)
    weights = rng.standard_normal((40, 50, 4)).astype(np.float32)
    (m(lib.from_numpy(index)) * lib.from_numpy(weights)).sum().backward()
    expected = np.zeros((300, 4))
    np.add.at(expected, index, weights.astype(np.float64))
    np.testing.assert_allclose(m.weight.grad.numpy(), expected, rtol=1e-4, atol=1e-5)


def test_indices_may_not_change_before_backward(lib: Any) -> None:
    index = lib.tensor([0, 1])
    y = lib.nn.Embedding(3, 2)(index).sum()
    index.fill_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
