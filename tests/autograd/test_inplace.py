"""In-place changes: what is refused, versions of saved values, views and their bases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight

CHANGED = "modified by an inplace operation"


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values, requires_grad=True)


# -- leaves ----------------------------------------------------------------------------------------


def test_leaves_are_not_changed_while_recording(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    for change in (
        lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 1.0), lambda: x.copy_(x * 2),
        lambda: x.__imul__(2), lambda: x[0:2].add_(1), lambda: x[0:2].__setitem__(0, 1.0),
        lambda: x.view(3, 1).t().mul_(2),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match=r"leaf Variable that requires grad"):
            change()
    assert x.tolist() == [1.0, 1.0, 1.0]
    with lib.no_grad():
        x.add_(1)
        x[0] = 5.0
    assert x.tolist() == [5.0, 2.0, 2.0]
    assert x.is_leaf
    assert x.requires_grad


def test_constant_becomes_part_of_the_graph(lib: Any) -> None:
    c, p = lib.zeros(3), leaf(lib, 2.0)
    c[1:].add_(p)
    c.mul_(3)
    assert c.requires_grad
    c.sum().backward()
    assert p.grad.tolist() == [6.0]


# -- saved values ----------------------------------------------------------------------------------


def test_saved_input_changed(lib: Any) -> None:
    p = leaf(lib, 1.0, 2.0)
    for change in (
        lambda y: y.add_(1), lambda y: y.__setitem__(0, 1.0), lambda y: y[0:1].mul_(2), lambda y: y.detach().mul_(2),
        lambda y: y.view(1, 2).zero_(), lambda y: y.zero_(),
    ):  # fmt: skip
        y = p * 1
        z = (y * y).sum()
        change(y)
        with pytest.raises(RuntimeError, match=CHANGED):
            z.backward()


def test_view_of_what_was_saved(lib: Any) -> None:
    y = leaf(lib, 1.0, 2.0) * 1
    view = y[0:1]
    z = (y * y).sum()
    view.add_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        z.backward()
    y = leaf(lib, 1.0, 2.0) * 1
    view = y[0:1]
    z = (view * view).sum()
    y.add_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        z.backward()


def test_saved_output_changed(lib: Any) -> None:
    for f in (
        lambda x: x.exp(), lambda x: x.sigmoid(), lambda x: x.tanh(), lambda x: x.sqrt(), lambda x: lib.relu(x)
    ):  # fmt: skip
        y = f(leaf(lib, 1.0, 2.0))
        y.add_(1)
        with pytest.raises(RuntimeError, match=CHANGED):
            y.sum().backward()


def test_saved_output_of_an_inplace_change(lib: Any) -> None:
    y = leaf(lib, 1.0, 2.0) * 1
    y.exp_()
    y.sum().backward()
    y = leaf(lib, 1.0, 2.0) * 1
    y.sigmoid_()
    y.add_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        y.sum().backward()


def test_saved_values_are_watched_in_graphs_of_graphs(lib: Any) -> None:
    for make in (lambda p: p.exp(), lambda p: (p * 1).sigmoid()):
        p = leaf(lib, 1.0, 2.0)
        y = make(p)
        (g,) = lib.autograd.grad(y.sum(), p, create_graph=True)
        y.detach().add_(1)
        with pytest.raises(RuntimeError, match=CHANGED):
            lib.autograd.grad(g.sum(), p)


def test_saved_constants_are_watched_in_graphs_of_graphs(lib: Any) -> None:
    p, v, c = leaf(lib, 1.0, 2.0), leaf(lib, 1.0, 1.0), lib.ones(2)
    (g,) = lib.autograd.grad(p * c, p, v, create_graph=True)  # v c, which has saved c anew
    c.add_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        lib.autograd.grad(g.sum(), v)


def test_what_was_not_saved_may_change(lib: Any) -> None:
    p = leaf(lib, 1.0, 2.0)
    y = p * 1
    z = (y + 1).sum()  # a sum needs no values
    y.mul_(5)
    z.backward()
    assert p.grad.tolist() == [1.0, 1.0]
    p.grad = None
    y = p * 2
    q = y / 4  # the quotient's derivative needs the operands, not the quotient
    q += 1
    q.sum().backward()
    assert p.grad.tolist() == [0.5, 0.5]


def test_change_between_saving_and_another_use(lib: Any) -> None:
    p = leaf(lib, 2.0)
    y = p * 3
    y.mul_(y + 0)  # saves y's old value, of which it keeps a copy
    y.sum().backward()
    assert p.grad.tolist() == [36.0]
    y = p * 3
    y.mul_(y.detach())  # the same memory under another name
    with pytest.raises(RuntimeError, match=CHANGED):
        y.sum().backward()


def test_leaf_changed_by_a_step_between_forward_and_backward(lib: Any) -> None:
    p = leaf(lib, 2.0)
    loss = (p * p).sum()
    with lib.no_grad():
        p.sub_(1)
    with pytest.raises(RuntimeError, match=CHANGED):
        loss.backward()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_optimizers_raise_the_version(lib: Any, name: str) -> None:
    p = leaf(lib, 2.0, 3.0)
    optimizer = getattr(lib.optim, name)([p], lr=0.1)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    before = p._version
    optimizer.step()
    assert p._version > before
    with pytest.raises(RuntimeError, match=CHANGED):
        loss.backward()


def test_versions(lib: Any) -> None:
    x = lib.ones(3)
    view = x[0:2]
    assert (x._version, view._version) == (0, 0)
    x.add_(1)
    view.mul_(2)
    x[0] = 3.0
    x.zero_()
    assert x._version == view._version == x.detach()._version == 4
    assert x.clone()._version == 0
    assert x.data._version == 0


def test_the_error_says_what_and_which_version() -> None:
    y = leaf(penlight, 1.0, 2.0) * 1
    z = (y * y).sum()
    y.add_(1)
    with pytest.raises(
        RuntimeError,
        match=r"float32 \[2\], which is input 0 of \w+Backward0, is at version 1; expected version 0",
    ):
        z.backward()


def test_saved_indices_are_watched(lib: Any) -> None:
    x = lib.ones(3, 2, requires_grad=True)
    for pick in (
        lambda i: x[i], lambda i: x.index_select(0, i), lambda i: lib.nn.functional.embedding(i, x)
    ):  # fmt: skip
        i = lib.tensor([0, 2])
        y = pick(i).sum()
        i[0] = 1
        with pytest.raises(RuntimeError, match=CHANGED):
            y.backward()


# -- shapes and dtypes -----------------------------------------------------------------------------


def test_results_must_fit(lib: Any) -> None:
    x = lib.ones(2)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        x.add_(lib.ones(3, 2))
    with pytest.raises(RuntimeError, match="can't be cast"):
        lib.ones(2, dtype=lib.int64).add_(1.5)
    with pytest.raises(RuntimeError, match="can't be cast"):
        lib.ones(2, dtype=lib.int64).mul_(x)
    narrow = lib.ones(2, dtype=lib.uint8)
    narrow.add_(lib.ones(2, dtype=lib.int64))  # any integer fits into any
    assert narrow.tolist() == [2, 2]
    assert narrow.dtype is lib.uint8
    p = leaf(lib, 1.0, 2.0)
    y = p * 1
    y.mul_(lib.tensor([2.0, 3.0], dtype=lib.float64))
    assert y.dtype is lib.float32
    y.sum().backward()
    assert p.grad.tolist() == [2.0, 3.0]


def test_elements_that_share_memory(lib: Any) -> None:
    x = lib.ones(1, 3)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        x.expand(2, 3).add_(1)
    assert x.tolist() == [[1.0, 1.0, 1.0]]


def test_recorded_changes_of_overlapping_views_are_refused() -> None:
    """The gradients of elements in one place could not be told apart (PyTorch fails in backward)."""
    y = penlight.ones(1, 3, requires_grad=True) * 2
    for view in (y.expand(2, 3), y.view(3).unfold(0, 2, 1)):
        for change in (
            lambda v: v.mul_(2),
            lambda v: v.zero_(),
            lambda v: v.__setitem__(0, 1.0),
        ):
            with pytest.raises(RuntimeError, match="single memory location"):
                change(view)
    assert y.tolist() == [[2.0, 2.0, 2.0]]


def test_read_only_memory_is_refused() -> None:
    array = np.ones(3, np.float32)
    array.flags.writeable = False
    x = penlight.zeros(3)
    x._array = array
    for change in (lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 2.0)):
        with pytest.raises(RuntimeError, match="read-only"):
            change()
    assert x._version == 0


# -- views -----------------------------------------------------------------------------------------


def test_changed_view_reaches_its_base(lib: Any) -> None:
    p = leaf(lib, 1.0, 2.0, 3.0)
    base = p * 2
    base[0:2].mul_(lib.tensor([10.0, 100.0]))
    assert base.tolist() == [20.0, 400.0, 6.0]
    base.sum().backward()
    assert p.grad.tolist() == [20.0, 200.0, 2.0]


def test_changed_base_reaches_its_views(lib: Any) -> None:
    p = leaf(lib, 1.0, 2.0, 3.0)
    base = p * 2
    view, transposed = base[1:], base.view(3, 1).t()
    base.mul_(5)
    (view.sum() + transposed.sum() * 2).backward()
    assert p.grad.tolist() == [20.0, 30.0, 30.0]


def test_changed_view_reaches_its_siblings(lib: Any) -> None:
    a, p = lib.zeros(3), leaf(lib, 1.0, 2.0)
    first, second = a[0:2], a[1:]
    first.add_(p)
    assert second.requires_grad
    assert not second.is_leaf
    (second * 3).sum().backward()
    assert p.grad.tolist() == [0.0, 3.0]


def test_backward_straight_from_a_sibling(lib: Any) -> None:
    a, p = lib.zeros(3), leaf(lib, 1.0, 2.0)
    first, second = a[0:2], a[1:2]
    first.add_(p)
    second.backward()
    assert p.grad.tolist() == [0.0, 1.0]


def test_view_of_a_view(lib: Any) -> None:
    p = lib.ones(2, 3, requires_grad=True)
    base = p * 1
    inner = base[1][1:]
    inner.mul_(7)
    inner[0] = 0.0
    assert base.tolist() == [[1.0, 1.0, 1.0], [1.0, 0.0, 7.0]]
    (base * base).sum().backward()
    assert p.grad.tolist() == [[2.0, 2.0, 2.0], [2.0, 0.0, 98.0]]


def test_assignment_of_a_tensor(lib: Any) -> None:
    p, q = leaf(lib, 1.0, 2.0, 3.0), leaf(lib, 5.0, 6.0)
    base = p * p
    base[1:] = q * q
    base.sum().backward()
    assert p.grad.tolist() == [2.0, 0.0, 0.0]
    assert q.grad.tolist() == [10.0, 12.0]


def test_values_used_before_the_change_keep_theirs(lib: Any) -> None:
    p = leaf(lib, 1.0, 2.0)
    base = p * 2
    early = base[0:1] + 0
    base[0:1].mul_(10)
    (early.sum() + base.sum()).backward()
    assert p.grad.tolist() == [22.0, 2.0]


def test_node_of_a_changed_base(lib: Any) -> None:
    base = leaf(lib, 1.0, 2.0) * 2
    view = base[0:1]
    view.mul_(2)
    assert base.grad_fn.name().rpartition("::")[2] == "CopySlices"
    assert view._base is base
    assert view.grad_fn is not None


def test_views_of_leaves_follow_unrecorded_changes(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    view = x[0:2]
    with lib.no_grad():
        x.add_(1)
        view.mul_(2)
    (view * view).sum().backward()
    assert x.grad.tolist() == [8.0, 8.0, 0.0]
    assert x._version == view._version == 2


# -- views that can't be made anew -----------------------------------------------------------------


def test_one_of_several_views(lib: Any) -> None:
    for split in (lambda y: y.split(2)[0], lambda y: y.chunk(2)[0], lambda y: y.unbind(0)[0]):
        y = lib.ones(4, requires_grad=True) * 1
        part = split(y)
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
            part.add_(1)
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
            part.copy_(lib.ones(part.shape))
        y.mul_(2)
        with pytest.raises(RuntimeError, match="has been modified inplace"):
            _ = part.grad_fn
        with pytest.raises(RuntimeError, match="has been modified inplace"):
            part * 2
    y = lib.zeros(4)
    y.split(2)[0].add_(1)  # without a history there is nothing to lose
    assert y.tolist() == [1.0, 1.0, 0.0, 0.0]
    with pytest.raises(RuntimeError, match="multiple views"):
        y.split(2)[0].add_(leaf(lib, 1.0, 1.0))
    assert y.tolist() == [1.0, 1.0, 0.0, 0.0]


def test_views_made_without_recording(lib: Any) -> None:
    y = lib.ones(3, requires_grad=True) * 1
    with lib.no_grad():
        view = y[0:2]
    assert view.requires_grad  # as its base does
    assert view.is_leaf
    with pytest.raises(RuntimeError, match="no_grad mode"):
        view.mul_(2)
    with lib.no_grad():
        view.mul_(2)
    with pytest.raises(RuntimeError, match="no_grad mode"):
        _ = view.grad_fn
    assert y.tolist() == [2.0, 2.0, 1.0]
    y.sum().backward()

    with lib.no_grad():
        view = y[0:2]
    inner = view[0:1]  # recorded, but of a view that was not
    with pytest.raises(RuntimeError, match="no_grad mode"):
        inner.mul_(2)

    constant = lib.ones(3)
    with lib.no_grad():
        view = constant[0:2]
    assert not view.requires_grad
    view.mul_(2)
    with pytest.raises(RuntimeError, match="no_grad mode"):
        view.mul_(leaf(lib, 1.0, 1.0))
    assert constant.tolist() == [2.0, 2.0, 1.0]


def test_a_refused_change_changes_nothing() -> None:
    y = penlight.ones(4, requires_grad=True) * 1
    part = y.split(2)[0]
    for change in (lambda: part.add_(1), lambda: part.zero_(), lambda: part.__setitem__(0, 9.0)):
        with pytest.raises(RuntimeError):
            change()
    assert y.tolist() == [1.0] * 4
    assert y._version == 0


# -- memory ----------------------------------------------------------------------------------------


def test_inplace_activation_keeps_one_array() -> None:
    """What an in-place op saves of its result is the tensor's own memory, not a copy."""
    y = penlight.ones(1000, requires_grad=True) * 1
    penlight.relu_(y)
    with penlight.no_grad():
        (saved,) = y.grad_fn.saved
    assert np.may_share_memory(saved, y.detach().numpy())


def test_constants_are_changed_without_copies() -> None:
    x = penlight.ones(3)
    array = x.numpy()
    x.mul_(2).add_(1)
    assert x.numpy() is array
    assert x.grad_fn is None
