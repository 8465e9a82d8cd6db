"""Hooks on tensors, on nodes and on leaves; ``retain_grad``."""

from __future__ import annotations

from typing import Any

import pytest


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values, requires_grad=True)


def test_order_on_one_node_and_one_leaf(lib: Any) -> None:
    log: list[Any] = []
    x = leaf(lib, 1.0, 1.0)
    x.register_hook(lambda g: log.append("leaf 1"))
    x.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: log.append(("leaf 3", g.tolist())))
    x.register_post_accumulate_grad_hook(lambda p: log.append(("after", p.grad.tolist())))
    y = x * 3
    y.register_hook(lambda g: log.append("tensor"))
    y.retain_grad()
    y.register_hook(lambda g: g + 1)  # retain_grad comes last, whenever it was called
    y.grad_fn.register_hook(lambda gi, go: log.append(("node", gi[0].tolist(), go[0].tolist())))
    y.grad_fn.register_prehook(lambda go: log.append(("before node", go[0].tolist())))
    y.sum().backward()
    assert log == [
        "tensor", ("before node", [2.0, 2.0]), ("node", [6.0, 6.0], [2.0, 2.0]), "leaf 1",
        ("leaf 3", [12.0, 12.0]), ("after", [12.0, 12.0]),
    ]  # fmt: skip
    assert x.grad.tolist() == [12.0, 12.0]
    assert y.grad.tolist() == [2.0, 2.0]


def test_leaves_are_finished_as_soon_as_they_can_be(lib: Any) -> None:
    log: list[str] = []
    a, b = leaf(lib, 1.0), leaf(lib, 1.0)
    h = a * 2
    z = h * b
    for name, t in {"a": a, "b": b, "h": h, "z": z}.items():
        t.register_hook(lambda g, name=name: log.append(name))
    b.register_post_accumulate_grad_hook(lambda p: log.append("b has it"))
    z.sum().backward()
    assert log == ["z", "b", "b has it", "h", "a"]


def test_leaf_used_twice_is_finished_once(lib: Any) -> None:
    log: list[Any] = []
    x = leaf(lib, 1.0)
    x.register_hook(lambda g: log.append(g.tolist()))
    (x * 2 + (x * 3) * x).sum().backward()
    assert log == [[8.0]]


def test_optimizer_in_backward(lib: Any) -> None:
    """The use of hooks after accumulation: update, and forget the gradient at once."""
    x = leaf(lib, 1.0, 2.0)

    def update(p: Any) -> None:
        with lib.no_grad():
            p.sub_(p.grad, alpha=0.5)
        p.grad = None

    x.register_post_accumulate_grad_hook(update)
    (x * x).sum().backward()
    assert x.tolist() == [0.0, 0.0]
    assert x.grad is None


def test_removal(lib: Any) -> None:
    log: list[int] = []
    x = leaf(lib, 1.0)
    first = x.register_hook(lambda g: log.append(1))
    with x.register_hook(lambda g: log.append(2)):
        (x * 2).sum().backward()
    first.remove()
    first.remove()
    (x * 2).sum().backward()
    assert log == [1, 2]
    y = x * 2
    for handle in (
        y.register_hook(lambda g: log.append(3)),
        y.grad_fn.register_hook(lambda gi, go: log.append(4)),
        y.grad_fn.register_prehook(lambda go: log.append(5)),
        x.register_post_accumulate_grad_hook(lambda p: log.append(6)),
    ):
        handle.remove()
    y.sum().backward()
    assert log == [1, 2]


def test_hooks_survive_passes(lib: Any) -> None:
    count: list[int] = []
    x = leaf(lib, 1.0)
    y = x * 2
    y.register_hook(lambda g: count.append(1))
    for _ in range(3):
        y.sum().backward(retain_graph=True)
    assert len(count) == 3


@pytest.mark.parametrize("returned", [3, "a"])
def test_hook_that_returns_no_tensor(lib: Any, returned: Any) -> None:
    x = leaf(lib, 1.0)
    x.register_hook(lambda g: returned)
    with pytest.raises(TypeError, match="but hook returned"):
        (x * 2).sum().backward()


def test_hook_that_changes_shape_or_dtype(lib: Any) -> None:
    for make, what in ((lambda: lib.ones(3), "size"), (lambda: lib.ones(2).double(), "type")):
        for intermediate in (False, True):
            x = leaf(lib, 1.0, 2.0)
            y = x * 2
            (y if intermediate else x).register_hook(lambda g, make=make: make())
            with pytest.raises(RuntimeError, match=f"has changed the {what} of value"):
                y.sum().backward()
            assert x.grad is None


def test_who_can_have_hooks(lib: Any) -> None:
    constant, x = lib.ones(2), leaf(lib, 1.0)
    for register in (
        constant.register_hook, constant.register_post_accumulate_grad_hook,
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="doesn't require gradient"):
            register(lambda g: None)
    with pytest.raises(RuntimeError, match="non-leaf"):
        (x * 2).register_post_accumulate_grad_hook(lambda p: None)
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        constant.retain_grad()


# -- nodes ---------------------------------------------------------------------------------------


def test_node_hooks_replace_gradients(lib: Any) -> None:
    x = leaf(lib, 1.0, 1.0)
    y = x * 2
    y.grad_fn.register_prehook(lambda go: (go[0] * 5,))
    y.grad_fn.register_hook(lambda gi, go: (gi[0] + 1, *gi[1:]))
    y.sum().backward()
    assert x.grad.tolist() == [11.0, 11.0]


@pytest.mark.parametrize(
    ("returned", "error"),
    [(3, TypeError), ((1,), TypeError), (("wrong size",), RuntimeError), ((1, 2, 3), RuntimeError)],
)
def test_bad_values_from_prehooks(lib: Any, returned: Any, error: type[Exception]) -> None:
    x = leaf(lib, 1.0, 1.0)
    y = x * 2
    value = (lib.ones(3),) if returned == ("wrong size",) else returned
    y.grad_fn.register_prehook(lambda go: value)
    with pytest.raises(error):
        y.sum().backward()


def test_bad_values_from_node_hooks(lib: Any) -> None:
    for make in (
        lambda: 3, lambda: (lib.ones(2),) * 5, lambda: (lib.ones(2), lib.ones(2)),
    ):  # fmt: skip
        x = leaf(lib, 1.0, 1.0)
        y = x * 2  # its second input is a number, whose gradient is None
        y.grad_fn.register_hook(lambda gi, go, make=make: make())
        with pytest.raises((TypeError, RuntimeError)):
            y.sum().backward()


def test_hooks_on_the_end_of_an_edge(lib: Any) -> None:
    log: list[Any] = []
    x = leaf(lib, 1.0)
    y = x * 2
    node = y.grad_fn.next_functions[0][0]
    assert node is (x + 1).grad_fn.next_functions[0][0]
    assert node.variable is x
    assert node.next_functions == ()
    assert type(node).__name__ == "AccumulateGrad"
    node.register_prehook(lambda go: log.append(("before", go[0].tolist(), x.grad)))
    node.register_hook(lambda gi, go: log.append(("after", gi, go[0].tolist(), x.grad.tolist())))
    y.sum().backward()
    assert log == [("before", [2.0], None), ("after", (), [2.0], [2.0])]


# -- grad(), create_graph, in-place ----------------------------------------------------------------


def test_hooks_and_grad(lib: Any) -> None:
    log: list[str] = []
    x = leaf(lib, 1.0, 1.0)
    y = x * 2
    z = (y * 3).sum()
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    x.register_hook(lambda g: g + 1)
    x.register_post_accumulate_grad_hook(lambda p: log.append("post"))
    y.grad_fn.register_prehook(lambda go: log.append("node"))
    (gy,) = lib.autograd.grad(z, y, retain_graph=True)
    assert gy.tolist() == [30.0, 30.0]  # the hook on the tensor ran, its node did not
    assert y.grad.tolist() == [30.0, 30.0]
    assert log == []
    (gx,) = lib.autograd.grad(z, x, retain_graph=True)
    assert gx.tolist() == [61.0, 61.0]
    assert x.grad is None
    assert log == ["node"]
    z.backward(inputs=[x])
    assert x.grad.tolist() == [61.0, 61.0]
    assert log == ["node", "node", "post"]


@pytest.mark.filterwarnings("ignore:Using backward")
def test_hooks_are_part_of_the_graph(lib: Any) -> None:
    x = leaf(lib, 1.0, 1.0)
    x.register_hook(lambda g: g * g)
    (x * x * x).sum().backward(create_graph=True)
    assert x.grad.tolist() == [9.0, 9.0]
    (second,) = lib.autograd.grad(x.grad.sum(), x)
    assert second.tolist() == [36.0**2, 36.0**2]  # d(9 x^4)/dx = 36 x^3, through the hook again


def test_hooks_stay_with_the_value_they_were_put_on(lib: Any) -> None:
    log: list[Any] = []
    x = leaf(lib, 1.0, 1.0)
    y = x * 2
    y.register_hook(lambda g: log.append(("before", g.tolist())))
    y.retain_grad()
    y.mul_(3)
    y.register_hook(lambda g: log.append(("after", g.tolist())))
    y.sum().backward()
    assert log == [("after", [1.0, 1.0]), ("before", [3.0, 3.0])]
    assert x.grad.tolist() == [6.0, 6.0]
    assert y.retains_grad  # but retain_grad moves on to the present value
    assert y.grad.tolist() == [1.0, 1.0]


def test_retain_grad_moves_with_views(lib: Any) -> None:
    x = leaf(lib, 1.0, 1.0)
    base = x * 2
    base.retain_grad()
    base[0:1].mul_(3)
    view = base[0:1]
    view.retain_grad()
    base.mul_(5)
    (view.sum() + base.sum()).backward()
    assert x.grad.tolist() == [60.0, 10.0]
    assert base.grad.tolist() == [2.0, 1.0]
    assert view.grad.tolist() == [1.0]


def test_retain_grad_on_a_leaf_does_nothing(lib: Any) -> None:
    x = leaf(lib, 1.0)
    x.retain_grad()
    assert not x.retains_grad
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_retained_gradient_is_added_out_of_place(lib: Any) -> None:
    x = leaf(lib, 1.0)
    y = x * 2
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    first = y.grad
    y.sum().backward()
    assert first.tolist() == [1.0]
    assert y.grad.tolist() == [2.0]


def test_backward_inside_a_hook(lib: Any) -> None:
    x, w = leaf(lib, 1.0), leaf(lib, 3.0)

    def hook(g: Any) -> None:
        with lib.enable_grad():
            (w * w).sum().backward()

    y = x * 2
    y.register_hook(hook)
    y.sum().backward()
    assert w.grad.tolist() == [6.0]
    assert x.grad.tolist() == [2.0]
    assert lib.is_grad_enabled()


def test_grad_mode_inside_hooks(lib: Any) -> None:
    modes: list[bool] = []
    x = leaf(lib, 1.0)
    x.register_hook(lambda g: modes.append(lib.is_grad_enabled()))
    (x * 2).sum().backward()
    lib.autograd.grad((x * x).sum(), x, create_graph=True)
    y = (x * 2).sum()
    with lib.no_grad():
        y.backward()
    assert modes == [False, True, False]
    assert lib.is_grad_enabled()
