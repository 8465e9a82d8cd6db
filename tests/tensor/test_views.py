"""Chains of views with in-place writes in between: values, shared memory, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import penlight
from penlight.testing import gradcheck

# each: what it needs, the view in both libraries, the same in NumPy
VIEWS: dict[str, tuple[Callable[[Any], bool], Callable[[Any], Any], Callable[[Any], Any]]] = {
    "row": (lambda x: x.ndim > 0 and len(x) > 1, lambda x: x[1], lambda x: x[1, ...]),
    "slice": (lambda x: x.ndim > 0, lambda x: x[::2], lambda x: x[::2]),
    "last": (lambda x: x.ndim > 0, lambda x: x[..., :-1], lambda x: x[..., :-1]),
    "T": (lambda x: x.ndim == 2, lambda x: x.t(), lambda x: x.T),
    "permute": (
        lambda x: x.ndim == 3, lambda x: x.permute(2, 0, 1), lambda x: x.transpose(2, 0, 1),
    ),
    "flat": (lambda x: x.flags.c_contiguous, lambda x: x.view(-1), lambda x: x.reshape(-1)),
    "unsqueeze": (lambda x: x.ndim < 4, lambda x: x.unsqueeze(0), lambda x: x[None]),
    "squeeze": (lambda x: True, lambda x: x.squeeze(), lambda x: x.squeeze()),
    "diagonal": (
        lambda x: x.ndim == 2, lambda x: x.diagonal(), lambda x: np.einsum("ii->i", x[: min(x.shape), : min(x.shape)]),
    ),
    "narrow": (
        lambda x: x.ndim > 0 and x.shape[0] > 1, lambda x: x.narrow(0, 1, 1), lambda x: x[1:2],
    ),
    "select": (
        lambda x: x.ndim > 1 and x.shape[1] > 0, lambda x: x.select(1, 0), lambda x: x[:, 0],
    ),
    "unfold": (
        lambda x: x.ndim > 0 and x.shape[-1] > 3, lambda x: x.unfold(-1, 2, 2),
        lambda x: x[..., : x.shape[-1] // 2 * 2].reshape(*x.shape[:-1], -1, 2)
        if x.flags.c_contiguous and x.shape[-1] % 2 == 0
        else np.lib.stride_tricks.as_strided(
            x, (*x.shape[:-1], (x.shape[-1] - 2) // 2 + 1, 2),
            (*x.strides[:-1], 2 * x.strides[-1], x.strides[-1])),
    ),
}  # fmt: skip
WRITES: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], None]]] = {
    "mul_": (lambda v: v.mul_(2.5), lambda a: np.multiply(a, 2.5, out=a)),
    "add_": (lambda v: v.add_(1), lambda a: np.add(a, 1, out=a)),
    "square_": (lambda v: v.square_(), lambda a: np.square(a, out=a)),
    "fill_": (lambda v: v.fill_(3), lambda a: a.fill(3)),
    "zero_": (lambda v: v.zero_(), lambda a: a.fill(0)),
    "none": (lambda v: v, lambda a: None),
}  # fmt: skip


@st.composite
def chains(draw: Any) -> tuple[tuple[int, ...], list[tuple[str, str]]]:
    """A shape, and pairs of a view that can be taken there and a write to it."""
    shape = draw(st.sampled_from([(3, 4), (2, 3, 4), (6,), (1, 4), (4, 4)]))
    x = np.zeros(shape)
    steps = []
    for _ in range(draw(st.integers(1, 4))):
        possible = [name for name, (fits, _, _) in VIEWS.items() if x.size and fits(x)]
        if not possible:
            break
        name = draw(st.sampled_from(possible))
        x = VIEWS[name][2](x)
        steps.append((name, draw(st.sampled_from(sorted(WRITES)))))
    return shape, steps


def _run(base: Any, steps: list[tuple[str, str]]) -> list[Any]:
    """The base and all views after all writes."""
    found = [base]
    for view, write in steps:
        found.append(VIEWS[view][1](found[-1]))
        WRITES[write][0](found[-1])
    return found


@given(chains())
def test_values_are_numpys(case: Any) -> None:
    shape, steps = case
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    expected = [x.copy()]
    for view, write in steps:
        expected.append(VIEWS[view][2](expected[-1]))
        WRITES[write][1](expected[-1])
    for a, b in zip(_run(penlight.from_numpy(x.copy()), steps), expected, strict=True):
        np.testing.assert_array_equal(a.numpy(), b)
        assert a.numpy().strides == b.strides or a.numel() < 2 or 1 in b.shape or a.ndim == 0


@given(chains())
def test_gradients_are_numerical(case: Any) -> None:
    shape, steps = case
    x = penlight.randn(shape, dtype=penlight.float64, requires_grad=True)

    def f(x: Any) -> Any:
        found = _run(x * 1, steps)
        return tuple(y * y for y in found)

    assert gradcheck(f, (x,))


@pytest.mark.parity
@given(case=chains())
def test_gradients_are_pytorchs(torch: Any, case: Any) -> None:
    shape, steps = case
    x = np.random.default_rng(1).standard_normal(shape)
    results = []
    for lib in (penlight, torch):
        leaf = lib.from_numpy(x.copy()).requires_grad_()
        found = _run(leaf * 1, steps)
        sum((y**2).sum() for y in found).backward()
        results.append([y.detach().numpy() for y in found] + [leaf.grad.numpy()])
        results[-1] += [y.stride() for y in found if y.numel() > 1 and 1 not in y.shape]
        results[-1] += [y.storage_offset() for y in found if y.numel()]
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# -- memory -----------------------------------------------------------------------------------


def test_stride_offset_and_pointer() -> None:
    x = penlight.zeros(3, 4)
    part = x[1:, ::2].t()
    assert part.stride() == (2, 4)
    assert (part.stride(0), part.stride(-1)) == (2, 4)
    assert part.storage_offset() == 4
    assert part.data_ptr() == x.data_ptr() + 16
    assert (part.element_size(), part.itemsize, part.nbytes) == (4, 4, 16)
    assert part.untyped_storage() == x.untyped_storage()
    assert x.untyped_storage().nbytes() == 48
    assert not part.is_contiguous()
    assert part.contiguous().is_contiguous()
    assert x.contiguous() is x
    assert part.is_set_to(x[1:, ::2].t())
    with pytest.raises(IndexError):
        x.stride(2)


def test_channels_last() -> None:
    x = penlight.zeros(2, 3, 4, 5)
    assert not x.is_contiguous(memory_format=penlight.channels_last)
    assert (
        x.permute(0, 2, 3, 1)
        .contiguous()
        .permute(0, 3, 1, 2)
        .is_contiguous(memory_format=penlight.channels_last)
    )
    with pytest.raises(TypeError, match="memory_format"):
        x.is_contiguous(memory_format="channels_last")


def test_view_refuses_what_reshape_copies() -> None:
    x = penlight.zeros(3, 4)
    with pytest.raises(RuntimeError, match="reshape"):
        x.t().view(-1)
    assert x.t().reshape(-1).shape == (12,)
    assert not np.may_share_memory(x.t().reshape(-1).numpy(), x.numpy())
    assert np.may_share_memory(x.reshape(-1).numpy(), x.numpy())
    with pytest.raises(RuntimeError, match="invalid for input"):
        x.view(5, -1)


def test_view_under_another_dtype() -> None:
    x = penlight.ones(2, 4)
    assert x.view(penlight.int32)[0, 0].item() == 0x3F800000
    assert x.view(penlight.float64).shape == (2, 2)
    assert x.view(penlight.float16).shape == (2, 8)
    assert x.view(dtype=penlight.uint8).shape == (2, 16)
    x.view(penlight.int32)[0] = 0
    assert x[0].tolist() == [0.0] * 4
    for bad in (penlight.tensor(1.0), x.t(), x[:, :3]):
        with pytest.raises(RuntimeError, match="different element sizes"):
            bad.view(penlight.float64)


def test_a_change_through_another_dtype_is_noticed() -> None:
    x = penlight.ones(2, requires_grad=True)
    y = x * 2
    z = y * y
    y.detach().view(penlight.int32).zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        z.sum().backward()


def test_expanded_tensors_take_one_value_but_not_several() -> None:
    x = penlight.zeros(1, 3).expand(4, 3)
    x[0] = 2.0
    assert x.tolist() == [[2.0] * 3] * 4
    x.zero_()
    assert x.sum().item() == 0
    for change in (lambda: x.add_(1), lambda: x.copy_(penlight.ones(4, 3)), lambda: x.relu_()):
        with pytest.raises(RuntimeError, match="single memory location"):
            change()
    assert x.clone().add_(1).sum().item() == 12


def test_read_only_memory_is_not_written() -> None:
    array = np.zeros(3, np.float32)
    array.flags.writeable = False
    with pytest.warns(UserWarning, match="not writable"):
        x = penlight.from_numpy(array)
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1)


def test_views_of_several_outputs_are_not_changed_in_place() -> None:
    x = penlight.ones(4, requires_grad=True)
    for split in (lambda y: y.split(2), lambda y: y.chunk(2), lambda y: y.unbind()):
        parts = split(x * 1)
        with pytest.raises(RuntimeError, match=r"multiple views|several outputs|is a view"):
            parts[0].add_(1)
    with penlight.no_grad():
        (x * 1).split(2)[0].add_(1)


def test_changing_ones_own_shape() -> None:
    x = penlight.arange(6).reshape(2, 3)
    assert x.t_() is x
    assert (x.shape, x.stride()) == ((3, 2), (1, 3))
    assert x.unsqueeze_(0).shape == (1, 3, 2)
    assert x.squeeze_().shape == (3, 2)
    assert x.transpose_(0, 1).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert x.as_strided_((2,), (1,)).tolist() == [0, 1]
    y = penlight.ones(2, 3, requires_grad=True) * 2
    y.t_().sum().backward()


@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 1)])
def test_views_of_few_elements(shape: tuple[int, ...]) -> None:
    x = penlight.zeros(shape)
    assert x.T.shape == shape[::-1] if len(shape) == 2 else True
    assert x.reshape(-1).shape == (x.numel(),)
    assert x.unsqueeze(0).shape == (1, *shape)
    assert x.squeeze().shape == tuple(n for n in shape if n != 1)
    assert x[None, ...].shape == (1, *shape)
    assert x.expand(3, *shape).shape == (3, *shape)
    assert x.flatten().shape == (max(x.numel(), 0) if shape else 1,)
    assert x.clone().add_(1).sum().item() == x.numel()


def test_transposes_of_other_than_matrices() -> None:
    x = penlight.zeros(2, 3, 4)
    with pytest.warns(UserWarning, match="deprecated"):
        assert x.T.shape == (4, 3, 2)
    assert x.mT.shape == (2, 4, 3)
    assert x.mH.shape == (2, 4, 3)
    with pytest.raises(RuntimeError, match="matrices"):
        _ = x.H
    with pytest.raises(RuntimeError, match="matrices"):
        _ = penlight.zeros(3).mT
