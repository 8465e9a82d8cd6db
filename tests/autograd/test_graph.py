"""The graph as users see it: nodes, edges, saved-value hooks."""

from __future__ import annotations

from typing import Any

import pytest

import penlight


def test_nodes_and_edges(lib: Any) -> None:
    x, w = lib.ones(2, requires_grad=True), lib.ones(2, requires_grad=True)
    c = lib.ones(2)
    y = (x * w) + c
    node = y.grad_fn
    assert isinstance(node, lib.autograd.graph.Node)
    assert node.name() == "AddBackward0"
    assert repr(node).startswith("<AddBackward0 object at 0x")
    (product, nr), constant = node.next_functions
    assert (product.name(), nr, constant) == ("MulBackward0", 0, (None, 0))
    ends = [n for n, _ in product.next_functions]
    assert [n.variable for n in ends] == [x, w]
    assert all(isinstance(n, lib.autograd.graph.Node) for n in ends)
    assert node.metadata == {}
    node.metadata["seen"] = True
    assert y.grad_fn.metadata == {"seen": True}


def test_walking_the_graph(lib: Any) -> None:
    """As programs that draw graphs do."""
    x = lib.ones(2, requires_grad=True)
    parts = (x * 2).split(1)
    y = parts[1] + parts[0]
    names, stack = set(), [y.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None:
            names.add(type(node).__name__ if hasattr(node, "variable") else node.name())
            stack += [n for n, _ in node.next_functions]
    assert names == {"AddBackward0", "SplitBackward0", "MulBackward0", "AccumulateGrad"}


def test_a_node_runs_by_itself(lib: Any) -> None:
    x = lib.tensor([2.0, 3.0], requires_grad=True)
    product, total = (x * x).grad_fn, x.exp().sum().grad_fn
    with lib.no_grad():
        assert [g.tolist() for g in product(lib.ones(2))] == [[2.0, 3.0]] * 2
        assert total(lib.tensor(2.0)).tolist() == [2.0, 2.0]


def test_gradient_edges(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    y = x * 2
    edge = lib.autograd.graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn
    assert edge.output_nr == 0
    assert lib.autograd.graph.get_gradient_edge(x).node.variable is x
    with pytest.raises(RuntimeError, match="does not require grad"):
        lib.autograd.graph.get_gradient_edge(lib.ones(2))


def test_increment_version(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True) * 1
    y = (x * x).sum()
    lib.autograd.graph.increment_version(x)
    assert x._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_variable(lib: Any) -> None:
    v = lib.autograd.Variable(lib.ones(2), requires_grad=True)
    assert isinstance(v, lib.Tensor)
    assert isinstance(lib.ones(1), lib.autograd.Variable)
    assert not isinstance(3, lib.autograd.Variable)
    (v * 3).sum().backward()
    assert v.grad.tolist() == [3.0, 3.0]
    assert not lib.autograd.Variable(lib.ones(2)).requires_grad


# -- hooks on saved values -------------------------------------------------------------------------


def test_saved_values_pass_through_the_hooks(lib: Any) -> None:
    log: list[str] = []
    hooks = lib.autograd.graph.saved_tensors_hooks

    def pack(x: Any) -> Any:
        log.append("pack")
        return x.tolist()

    def unpack(values: Any) -> Any:
        log.append("unpack")
        return lib.tensor(values)

    x, w = lib.tensor([2.0], requires_grad=True), lib.tensor([3.0], requires_grad=True)
    with hooks(pack, unpack):
        y = x * w
    z = y * 2  # outside
    assert log == ["pack", "pack"]
    z.sum().backward()
    assert log == ["pack", "pack", "unpack", "unpack"]
    assert (x.grad.tolist(), w.grad.tolist()) == ([6.0], [4.0])


def test_innermost_hooks_count(lib: Any) -> None:
    log: list[str] = []
    hooks = lib.autograd.graph.saved_tensors_hooks
    x = lib.ones(1, requires_grad=True)
    with hooks(lambda x: log.append("outer") or x, lambda x: x):
        with hooks(lambda x: log.append("inner") or x, lambda x: x):
            x.exp()
        x.exp()
    x.exp()
    assert log == ["inner", "outer"]


def test_hooks_of_a_function_and_second_order(lib: Any) -> None:
    class Cube(lib.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    for f in (Cube.apply, lambda x: x * x * x):
        x = lib.tensor([2.0], requires_grad=True)
        with lib.autograd.graph.saved_tensors_hooks(lambda x: x.double(), lambda x: x.float()):
            y = f(x)
        (g,) = lib.autograd.grad(y.sum(), x, create_graph=True)
        (h,) = lib.autograd.grad(g.sum(), x)
        assert (g.tolist(), h.tolist()) == ([12.0], [12.0])


def test_save_on_cpu(lib: Any) -> None:
    x = lib.tensor([2.0], requires_grad=True)
    with lib.autograd.graph.save_on_cpu():
        y = x * x
    y.backward()
    assert x.grad.tolist() == [4.0]


def test_hooks_end_with_their_block() -> None:
    from penlight.autograd import saved_values

    block = penlight.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x)
    with pytest.raises(KeyError), block:
        raise KeyError
    assert not saved_values.hooks_active


def test_unpack_must_give_a_tensor() -> None:
    x = penlight.ones(1, requires_grad=True)
    with penlight.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: 3):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack_hook must return a Tensor, got int"):
        y.backward()
