"""``autograd.Function``: the contract of operations that users write."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import penlight


def make(lib: Any, forward: Callable[..., Any], backward: Callable[..., Any], **others: Any) -> Any:
    """A Function class from two functions."""
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    methods |= {name: staticmethod(f) for name, f in others.items()}
    return type("Custom", (lib.autograd.Function,), methods)


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values, requires_grad=True)


def square(lib: Any) -> Any:
    def forward(ctx: Any, x: Any, k: float) -> Any:
        ctx.save_for_backward(x)
        ctx.k = k
        return x * x * k

    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * g * ctx.k, None

    return make(lib, forward, backward)


def test_first_and_second_order(lib: Any) -> None:
    f, x = square(lib), leaf(lib, 1.0, 2.0)
    y = f.apply(x, 3)
    assert y.requires_grad
    assert not y.is_leaf
    assert y.grad_fn.name() == "CustomBackward"
    assert y.grad_fn.needs_input_grad == (True, False)
    assert y.grad_fn.saved_tensors[0] is x
    assert y.grad_fn.k == 3
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()
    with pytest.raises(RuntimeError, match="after they have already been freed"):
        _ = y.grad_fn.saved_tensors
    (g,) = lib.autograd.grad(f.apply(x, 3).sum(), x, create_graph=True)
    (second,) = lib.autograd.grad(g.sum(), x)
    assert second.tolist() == [6.0, 6.0]


def test_not_recorded(lib: Any) -> None:
    f = square(lib)
    assert not f.apply(lib.ones(2), 3).requires_grad
    with lib.no_grad():
        assert not f.apply(leaf(lib, 1.0), 3).requires_grad


def test_forward_is_not_recorded_itself(lib: Any) -> None:
    modes = []
    f = make(
        lib, lambda ctx, x: (modes.append(lib.is_grad_enabled()), x * 2)[1], lambda ctx, g: g * 2
    )
    f.apply(leaf(lib, 1.0)).sum().backward()
    assert modes == [False]
    assert lib.is_grad_enabled()


def test_keyword_arguments_and_defaults(lib: Any) -> None:
    f = make(lib, lambda ctx, x, k=2: x * k, lambda ctx, g: (g * 2, None))
    x = leaf(lib, 1.0)
    assert f.apply(x).tolist() == [2.0]
    assert f.apply(x, k=3).tolist() == [3.0]


def test_setup_context(lib: Any) -> None:
    def setup(ctx: Any, inputs: Any, output: Any) -> None:
        x, ctx.k = inputs
        ctx.save_for_backward(x)
        ctx.kinds = [type(o).__name__ for o in output]

    f = make(
        lib, lambda x, k: (x * x * k, k), lambda ctx, g, _: (2 * ctx.saved_tensors[0] * ctx.k * g, None),
        setup_context=setup,
    )  # fmt: skip
    x = leaf(lib, 1.0, 2.0)
    y, k = f.apply(x, 3)
    assert k == 3
    assert y.grad_fn.kinds == ["Tensor", "int"]
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_vjp_is_another_name_of_backward(lib: Any) -> None:
    f = type(
        "F", (lib.autograd.Function,),
        {"forward": staticmethod(lambda ctx, x: x * 2), "vjp": staticmethod(lambda ctx, g: g * 2)},
    )  # fmt: skip
    x = leaf(lib, 1.0)
    f.apply(x).backward()
    assert x.grad.tolist() == [2.0]


# -- gradients -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "returned",
    [
        lambda g: g, lambda g: (g,), lambda g: (g, g, g), lambda g: None, lambda g: "ab",
        lambda g: [g, g], lambda g: (g, 3), lambda g: (g, g.new_ones(3)), lambda g: (g.new_ones(1), g),
        lambda g: (g.new_ones(3, 2, 2), g),
    ],
)  # fmt: skip
def test_wrong_gradients(lib: Any, returned: Any) -> None:
    f = make(lib, lambda ctx, a, b: a + b, lambda ctx, g: returned(g))
    a, b = lib.ones(2, 3, requires_grad=True), lib.ones(2, 3, requires_grad=True)
    with pytest.raises(RuntimeError):
        f.apply(a, b).sum().backward()
    assert a.grad is None
    assert b.grad is None


def test_gradients_that_are_accepted(lib: Any) -> None:
    for returned, da, db in [
        (lambda g: (g, None), [1.0, 1.0], None),
        (lambda g: (None, g), None, [1.0, 1.0]),
        (lambda g: (g, g, None, None), [1.0, 1.0], [1.0, 1.0]),
        (lambda g: (g.double(), g.expand(3, 2)), [1.0, 1.0], [3.0, 3.0]),  # cast and summed
    ]:
        f = make(lib, lambda ctx, a, b: a + b, lambda ctx, g, returned=returned: returned(g))
        a, b = leaf(lib, 1.0, 2.0), leaf(lib, 1.0, 2.0)
        f.apply(a, b).sum().backward()
        assert (None if a.grad is None else a.grad.tolist()) == da
        assert (None if b.grad is None else b.grad.tolist()) == db
        assert a.grad is None or a.grad.dtype is lib.float32


def test_error_messages_say_what_was_wrong(lib: Any) -> None:
    a, b = leaf(lib, 1.0, 2.0), leaf(lib, 1.0, 2.0)
    f = make(lib, lambda ctx, a, b: a + b, lambda ctx, g: g)
    with pytest.raises(RuntimeError, match=r"incorrect number of gradients \(expected 2, got 1\)"):
        f.apply(a, b).sum().backward()
    f = make(lib, lambda ctx, a, b: a + b, lambda ctx, g: (g, g.new_ones(3)))
    with pytest.raises(RuntimeError, match=r"invalid gradient at index 1 - got \[3\] but expected"):
        f.apply(a, b).sum().backward()
    f = make(lib, lambda ctx, a, k: a * k, lambda ctx, g: (g, g))
    with pytest.raises(RuntimeError, match="gradient different than None at position 2"):
        f.apply(a, 2).sum().backward()


def test_unneeded_gradients_are_passed_over(lib: Any) -> None:
    asked = []
    f = make(
        lib, lambda ctx, a, b: a * b, lambda ctx, g: (asked.append(ctx.needs_input_grad), (g * 2, g))[1]
    )  # fmt: skip
    a, b = leaf(lib, 1.0), lib.ones(1)
    f.apply(a, b).sum().backward()
    assert asked == [(True, False)]
    assert a.grad.tolist() == [2.0]
    assert b.grad is None


def test_the_same_input_twice(lib: Any) -> None:
    f = make(lib, lambda ctx, a, b: a * b, lambda ctx, g: (g, g * 10))
    x = leaf(lib, 1.0)
    f.apply(x, x).backward()
    assert x.grad.tolist() == [11.0]


# -- saved tensors ---------------------------------------------------------------------------------


def test_only_tensors_are_saved(lib: Any) -> None:
    for bad in (3, [lib.ones(1)]):
        f = make(
            lib, lambda ctx, x, bad=bad: (ctx.save_for_backward(bad), x * 1)[1], lambda ctx, g: g
        )
        with pytest.raises(TypeError, match="can only save variables, but argument 0"):
            f.apply(leaf(lib, 1.0))
    kept = []
    f = make(
        lib, lambda ctx, x: (ctx.save_for_backward(None, x), x * 1)[1],
        lambda ctx, g: (kept.append(ctx.saved_tensors), g)[1],
    )  # fmt: skip
    f.apply(leaf(lib, 2.0)).sum().backward()
    assert kept[0][0] is None
    assert kept[0][1].tolist() == [2.0]


def test_saved_input_or_output_changed(lib: Any) -> None:
    y = leaf(lib, 1.0) * 1
    z = square(lib).apply(y, 2)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()

    def forward(ctx: Any, x: Any) -> Any:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    f = make(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    y = f.apply(leaf(lib, 1.0))
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_saved_output_in_second_order(lib: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    f, x = make(lib, forward, lambda ctx, g: g * ctx.saved_tensors[0]), leaf(lib, 0.0)
    y = f.apply(x)
    assert y.grad_fn.saved_tensors[0].requires_grad
    (g,) = lib.autograd.grad(y.sum(), x, create_graph=True)
    (g,) = lib.autograd.grad(g.sum(), x, create_graph=True)
    (g,) = lib.autograd.grad(g.sum(), x)
    assert g.tolist() == [1.0]


def test_value_made_inside_has_no_history(lib: Any) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        h = x.exp()
        ctx.save_for_backward(h)
        return h * 2

    f, x = make(lib, forward, lambda ctx, g: 2 * g * ctx.saved_tensors[0]), leaf(lib, 0.0)
    (g,) = lib.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    assert g.tolist() == [2.0]
    assert not g.requires_grad


def test_other_tensors_keep_their_history(lib: Any) -> None:
    w = leaf(lib, 3.0)
    f = make(
        lib, lambda ctx, x: (ctx.save_for_backward(w), x * w)[1],
        lambda ctx, g: g * ctx.saved_tensors[0],
    )  # fmt: skip
    x = leaf(lib, 2.0)
    (g,) = lib.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    (dw,) = lib.autograd.grad(g.sum(), w)
    assert dw.tolist() == [1.0]


def test_flags_of_saved_tensors(lib: Any) -> None:
    seen = []

    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        seen.append((x.requires_grad, x.is_leaf, w.requires_grad, lib.is_grad_enabled()))
        return g, None

    f = make(lib, lambda ctx, x, w: (ctx.save_for_backward(x, w), x * w)[1], backward)
    p, w = leaf(lib, 1.0), lib.ones(1)
    f.apply(p, w).sum().backward()
    f.apply(p * 1, w).sum().backward()
    lib.autograd.grad(f.apply(p, w).sum(), p, create_graph=True)
    assert seen == [
        (True, True, False, False),
        (True, False, False, False),
        (True, True, False, True),
    ]


def test_recomputing_in_backward(lib: Any) -> None:
    """Checkpointing as users write it."""

    def forward(ctx: Any, function: Any, x: Any) -> Any:
        ctx.function = function
        ctx.save_for_backward(x)
        return function(x)

    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        again = x.detach()
        again.requires_grad = x.requires_grad
        with lib.enable_grad():
            y = ctx.function(again)
        lib.autograd.backward(y, g)
        return None, again.grad

    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 1.0, 3.0)
    make(lib, forward, backward).apply(lambda z: (z * w).sigmoid(), x * 2).sum().backward()
    dx, dw = x.grad.clone(), w.grad.clone()
    x.grad = w.grad = None
    (x * 2 * w).sigmoid().sum().backward()
    assert lib.allclose(dx, x.grad)
    assert lib.allclose(dw, w.grad)


# -- refusals --------------------------------------------------------------------------------------


def test_once_differentiable(lib: Any) -> None:
    once = lib.autograd.function.once_differentiable
    f = make(
        lib, lambda ctx, x: (ctx.save_for_backward(x), x * x)[1],
        once(lambda ctx, g: 2 * g * ctx.saved_tensors[0]),
    )  # fmt: skip
    x = leaf(lib, 1.0)
    f.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0]
    v = leaf(lib, 1.0)
    (g,) = lib.autograd.grad(f.apply(x), x, v, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_what_is_not_implemented(lib: Any) -> None:
    class Empty(lib.autograd.Function):  # type: ignore[misc, name-defined]
        pass

    class NoBackward(lib.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

    x = leaf(lib, 1.0)
    with pytest.raises(NotImplementedError, match="forward function"):
        Empty.apply(x)
    with pytest.raises(NotImplementedError, match="backward or vjp"):
        NoBackward.apply(x).sum().backward()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_instances_are_not_called(lib: Any) -> None:
    with pytest.raises(RuntimeError, match="Legacy autograd function"):
        square(lib)()(leaf(lib, 1.0))


def test_errors_leave_the_engine_usable(lib: Any) -> None:
    def fail(ctx: Any, g: Any) -> Any:
        raise KeyError("mine")

    f, x = make(lib, lambda ctx, x: x * 1, fail), leaf(lib, 1.0)
    with pytest.raises(KeyError, match="mine"):
        (f.apply(x) + x * 2).backward()
    assert x.grad is None
    assert lib.is_grad_enabled()
    (x * 2).backward()
    assert x.grad.tolist() == [2.0]


# -- names and memory ------------------------------------------------------------------------------


def test_attributes_of_ctx_are_the_users() -> None:
    """No name without an underscore that a user might choose is taken by the engine."""
    names = (
        "edges", "hooks", "metas", "sequence", "trace", "saved", "save", "kind", "materialize", "label",
        "inputs", "outputs", "arrays",
    )  # fmt: skip

    def forward(ctx: Any, x: Any) -> Any:
        for name in names:
            setattr(ctx, name, "mine")
        ctx.name = "mine"
        return x * 2

    def backward(ctx: Any, g: Any) -> Any:
        assert all(getattr(ctx, name) == "mine" for name in [*names, "name"])
        return g * 2

    x = leaf(penlight, 1.0)
    with penlight.autograd.detect_anomaly():
        y = make(penlight, forward, backward).apply(x)
        y.register_hook(lambda g: g)
        y.sum().backward()
    assert x.grad.tolist() == [2.0]


@pytest.mark.parametrize("save", ["input", "output", "other"])
def test_no_cycles(save: str) -> None:
    def forward(ctx: Any, x: Any) -> Any:
        y = x * 2
        ctx.save_for_backward({"input": x, "output": y, "other": x * 3}[save])
        return y

    f = make(penlight, forward, lambda ctx, g: g * ctx.saved_tensors[0])
    gc.disable()
    try:
        x = leaf(penlight, 1.0)
        y = f.apply(x * 1)
        references = [weakref.ref(y), weakref.ref(y.grad_fn)]
        y.sum().backward()
        del y
        assert [r() for r in references] == [None, None]
    finally:
        gc.enable()
