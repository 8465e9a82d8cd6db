"""``copy.deepcopy`` and ``pickle`` of tensors."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.autograd.base import wrap


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
@pytest.mark.parametrize(
    "t",
    [
        penlight.rand(2, 3),
        penlight.rand(2, 3).t(),
        penlight.rand(4, 4)[1:3, ::2],
        penlight.rand(1).expand(3),
        penlight.empty(0, 3),
        penlight.empty(3, 0)[1:],
        penlight.tensor(2.5),
        penlight.tensor([True, False]),
        wrap(penlight.Tensor, np.arange(3.0)[::-1]),
        wrap(penlight.Tensor, np.arange(3, dtype=">i4")),
    ],
    ids=lambda t: f"{t.dtype}{list(t.shape)}",
)
def test_values_shape_and_dtype_are_kept_in_memory_of_its_own(copied, t):
    c = copied(t)
    assert type(c) is type(t)
    assert (c.shape, c.dtype) == (t.shape, t.dtype)
    np.testing.assert_array_equal(c.numpy(), t.numpy())
    assert not np.shares_memory(c.numpy(), t.numpy())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_attributes_and_requires_grad_are_kept(copied):
    t = penlight.rand(2).requires_grad_()
    t.note = ["a"]
    c = copied(t)
    assert c.requires_grad
    assert c.is_leaf
    assert c.note == ["a"]
    assert c.note is not t.note
    p = copied(nn.Parameter(penlight.rand(2), requires_grad=False))
    assert type(p) is nn.Parameter
    assert not p.requires_grad
    b = copied(nn.Buffer(penlight.rand(2), persistent=False))
    assert type(b) is nn.Buffer
    assert b.persistent is False


def test_deepcopy_keeps_strides_and_the_gradient_of_a_tensor():
    t = penlight.rand(3, 2).t()
    assert copy.deepcopy(t).stride() == t.stride()
    assert copy.deepcopy(penlight.rand(1).expand(3)).stride() == (0,)
    x = penlight.rand(2).requires_grad_()
    x.sum().backward()
    c = copy.deepcopy(x)
    np.testing.assert_array_equal(c.grad.numpy(), [1, 1])
    assert c.grad is not x.grad


def test_deepcopy_keeps_sharing():
    base = penlight.rand(4, 3)
    a, row, same, flipped = copy.deepcopy([base, base[1], base, base.t()])
    assert a is same
    a[1, 2] = 9.0
    assert row[2].item() == 9.0
    assert flipped[2, 1].item() == 9.0
    assert (base != 9.0).all()


def test_deepcopy_of_a_computed_tensor_is_refused():
    y = penlight.rand(2).requires_grad_() * 2
    with pytest.raises(RuntimeError, match=r"graph leaves.*MulBackward0.*detach"):
        copy.deepcopy(y)


def test_a_tied_parameter_stays_tied():
    module = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    module[1].weight = module[0].weight
    for c in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert c[0].weight is c[1].weight
        assert c[0].weight is not module[0].weight


def test_generators_resume_where_they_were():
    generator = penlight.Generator().manual_seed(3)
    penlight.rand(5, generator=generator)
    for c in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
        assert c is not generator
        state = generator.get_state()
        expected = penlight.rand(5, generator=generator).tolist()
        assert penlight.rand(5, generator=c).tolist() == expected
        generator.set_state(state)


def test_generator_state_is_a_byte_tensor():
    generator = penlight.Generator().manual_seed(2**63 + 1)
    state = generator.get_state()
    assert state.dtype is penlight.uint8
    assert state.ndim == 1
    first = penlight.randn(3, generator=generator).tolist()
    other = penlight.Generator()
    other.set_state(state)
    assert penlight.randn(3, generator=other).tolist() == first
    assert other.initial_seed() == generator.initial_seed()
    assert other.get_state().shape == penlight.Generator().get_state().shape


def test_default_generator_state_and_fork():
    state = penlight.get_rng_state()
    first = penlight.rand(3).tolist()
    penlight.set_rng_state(state)
    with penlight.random.fork_rng():
        assert penlight.rand(3).tolist() == first
        penlight.manual_seed(5)
    assert penlight.rand(3).tolist() == first
    with penlight.random.fork_rng(enabled=False):
        penlight.manual_seed(5)
    assert penlight.initial_seed() == 5


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ([1], TypeError),
        (penlight.zeros(3), TypeError),
        (penlight.zeros(3, dtype=penlight.uint8), RuntimeError),
    ],
)
def test_a_wrong_generator_state_is_refused(state, error):
    generator = penlight.Generator().manual_seed(1)
    before = generator.get_state().tolist()
    with pytest.raises(error, match="set_state"):
        generator.set_state(state)
    assert generator.get_state().tolist() == before
