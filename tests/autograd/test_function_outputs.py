"""``autograd.Function``: several outputs, and inputs that are changed or returned."""

from __future__ import annotations

from typing import Any

import pytest

from tests.autograd.test_function import leaf, make

# -- outputs ---------------------------------------------------------------------------------------


def test_several_outputs(lib: Any) -> None:
    seen = []

    def backward(ctx: Any, a: Any, b: Any) -> Any:
        seen.append((a.tolist(), b.tolist()))
        return a * 2 + b * 3

    f = make(lib, lambda ctx, x: (x * 2, x * 3), backward)
    x = leaf(lib, 1.0, 2.0)
    a, b = f.apply(x)
    assert a.grad_fn is b.grad_fn
    assert (a.output_nr, b.output_nr) == (0, 1)
    a.sum().backward()
    assert seen == [([1.0, 1.0], [0.0, 0.0])]
    assert x.grad.tolist() == [2.0, 2.0]


def test_gradients_left_undefined(lib: Any) -> None:
    seen = []

    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    f = make(lib, forward, lambda ctx, a, b: (seen.append((a is None, b is None)), None)[1])
    x = leaf(lib, 1.0)
    f.apply(x)[1].sum().backward()
    assert seen == [(True, False)]
    assert x.grad is None


def test_outputs_without_gradient(lib: Any) -> None:
    seen = []

    def forward(ctx: Any, x: Any) -> Any:
        index, constant = x.argmax(0), x * 3
        ctx.mark_non_differentiable(index, constant)
        return x * 2, index, constant, (x * 4).long(), None, "text"

    def backward(ctx: Any, *grads: Any) -> Any:
        seen.append([None if g is None else g.tolist() for g in grads])
        return grads[0] * 2

    x = leaf(lib, 1.0, 2.0)
    y, index, constant, integers, nothing, text = make(lib, forward, backward).apply(x)
    assert y.requires_grad
    for other in (index, constant, integers):
        assert not other.requires_grad
        assert other.is_leaf
    assert (nothing, text, integers.dtype) == (None, "text", lib.int64)
    y.sum().backward()
    assert seen == [[[1.0, 1.0], 0, [0.0, 0.0], [0, 0], None, None]]


def test_a_list_is_no_tuple_of_outputs(lib: Any) -> None:
    f = make(lib, lambda ctx, x: [x * 2, x * 3], lambda ctx, a, b: a)
    y = f.apply(leaf(lib, 1.0))
    assert isinstance(y, list)
    assert not y[0].requires_grad


# -- inputs changed or returned --------------------------------------------------------------------


def doubling(lib: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    return make(lib, forward, lambda ctx, g: g * 2)


def test_changed_input(lib: Any) -> None:
    f, p = doubling(lib), leaf(lib, 1.0, 2.0)
    y = p * 1
    before = y._version
    z = f.apply(y)
    assert z is y
    assert y._version > before
    assert y.grad_fn.name() == "CustomBackward"
    (z * 3).sum().backward()
    assert p.grad.tolist() == [6.0, 6.0]
    constant = lib.ones(2)
    assert f.apply(constant) is constant
    assert not constant.requires_grad


def test_changed_view(lib: Any) -> None:
    f, p = doubling(lib), leaf(lib, 1.0, 2.0)
    base = p * 1
    view = base[0:1]
    assert f.apply(view) is view
    assert base.tolist() == [2.0, 2.0]
    base.sum().backward()
    assert p.grad.tolist() == [2.0, 1.0]


def test_changed_leaf_is_refused(lib: Any) -> None:
    f, p = doubling(lib), leaf(lib, 1.0, 2.0)
    for x in (p, p[0:1]):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            f.apply(x)


def test_constant_changed_by_something_differentiable(lib: Any) -> None:
    def forward(ctx: Any, x: Any, p: Any) -> Any:
        x.mul_(p)
        ctx.mark_dirty(x)
        return x

    f = make(lib, forward, lambda ctx, g: (g, g * 5))
    base, p = lib.ones(3), leaf(lib, 2.0, 3.0)
    view = base[0:2]
    assert f.apply(view, p) is view
    assert base.requires_grad
    base.sum().backward()
    assert p.grad.tolist() == [5.0, 5.0]


def test_saving_a_changed_input(lib: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        x.mul_(2)
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    f = make(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    p = leaf(lib, 1.0, 3.0)
    f.apply(p * 1).sum().backward()
    assert p.grad.tolist() == [2.0, 6.0]
    z = f.apply(p * 1)
    z.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_saved_changed_input_in_second_order(lib: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        x.exp_()
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x

    f, p = make(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0]), leaf(lib, 0.0)
    g = f.apply(p * 2)
    for n in range(1, 4):
        (g,) = lib.autograd.grad(g.sum(), p, create_graph=True)
        assert g.tolist() == [2.0**n]


def test_marked_but_not_returned(lib: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        x.mul_(2)
        ctx.mark_dirty(x)
        return x * 1

    with pytest.raises(RuntimeError, match="marked as dirty"):
        make(lib, forward, lambda ctx, g: g).apply(leaf(lib, 1.0) * 1)


def test_marked_but_no_input(lib: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        y = x * 2
        ctx.mark_dirty(y)
        return y

    with pytest.warns(UserWarning, match="not an input"):
        make(lib, forward, lambda ctx, g: g).apply(leaf(lib, 1.0) * 1)


def test_input_returned_as_it_came(lib: Any) -> None:
    f = make(lib, lambda ctx, x: x, lambda ctx, g: g * 2)
    p = leaf(lib, 1.0)
    z = f.apply(p)
    assert z is not p
    assert z._is_view()
    assert p.is_leaf
    with pytest.raises(RuntimeError, match="created inside a custom Function"):
        z.add_(1)
    z.sum().backward()
    assert p.grad.tolist() == [2.0]
    y = p * 1
    z = f.apply(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match="has been modified inplace"):
        z.sum().backward()


def test_view_returned(lib: Any) -> None:
    f = make(lib, lambda ctx, x: x.view(-1), lambda ctx, g: g.view(2, 2) * 2)
    p = lib.ones(2, 2, requires_grad=True)
    y = p * 1
    z = f.apply(y)
    assert z._base is y
    with pytest.raises(RuntimeError, match="created inside a custom Function"):
        z.add_(1)
    z.sum().backward()
    assert p.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]
