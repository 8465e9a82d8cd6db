"""What backward frees, what the graph keeps alive, and how deep it may be."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import autograd, nn
from penlight.autograd.op import Op


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Everything must be freed by reference counts alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Watched(np.ndarray):
    """An array that can be referred to weakly."""


def watched(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32).view(Watched)


class Remember(Op):
    """y = x; saves an array that tests can watch."""

    saved_arrays: list[weakref.ref[Any]] = []  # noqa: RUF012

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        array = watched(3)
        Remember.saved_arrays.append(weakref.ref(array))
        ctx.save(array)
        return x + 0

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        ctx.saved  # noqa: B018
        return dy


def alive() -> list[bool]:
    return [r() is not None for r in Remember.saved_arrays]


@pytest.fixture(autouse=True)
def _forget() -> None:
    Remember.saved_arrays.clear()


def test_saved_values_are_freed_as_backward_passes_them(no_collector: None) -> None:
    x = penlight.ones(3, requires_grad=True)
    h = x
    seen = []
    for _ in range(3):
        h = Remember.apply(h)
        h.register_hook(lambda g: seen.append(alive()))
    h.sum().backward()
    assert seen == [[True, True, True], [True, True, False], [True, False, False]]
    assert alive() == [False, False, False]


def test_kept_graphs_keep_their_values(no_collector: None) -> None:
    x = penlight.ones(3, requires_grad=True)
    y = Remember.apply(x).sum()
    y.backward(retain_graph=True)
    assert alive() == [True]
    y.backward()
    assert alive() == [False]


def test_dropping_the_result_frees_the_graph(no_collector: None) -> None:
    x = penlight.ones(3, requires_grad=True)
    y = Remember.apply(x * 2).exp().sum()
    assert alive() == [True]
    del y
    assert alive() == [False]


def references_of(t: Any) -> list[weakref.ref[Any]]:
    """Weak references to all nodes that ``t`` depends on."""
    found, stack = [], [t.grad_fn]
    while stack:
        node = stack.pop()
        found.append(weakref.ref(node))
        stack += [n for n, _ in node.next_functions if isinstance(n, Op)]
    return found


def everything(x: Any, how: str) -> Any:
    """A loss that uses many kinds of nodes."""
    w = penlight.ones(3, 3, requires_grad=True)
    y = nn.functional.linear(x, w).relu().sigmoid()
    if how == "views":
        y = y.view(-1)[1:].t().unsqueeze(0).expand(2, -1)
    elif how == "in place":
        y = y * 1
        y[0].mul_(2).add_(y[1])
        y[:, 1:] = x[:, 1:]
        y.exp_()
    elif how == "several outputs":
        y = penlight.cat(y.split(1), 1) + y.sort(1).values.reshape(1, -1)
    elif how == "hooks":
        y.register_hook(lambda g: g * 2)
        y.retain_grad()
        y.grad_fn.register_hook(lambda gi, go: None)
    return (y * y).mean()


HOW = ["plain", "views", "in place", "several outputs", "hooks"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("with_backward", [False, True])
def test_no_cycles(no_collector: None, how: str, with_backward: bool) -> None:
    x = penlight.ones(2, 3, requires_grad=True)
    loss = everything(x, how)
    references = [weakref.ref(loss), *references_of(loss)]
    if with_backward:
        loss.backward()
    del loss
    assert [r() for r in references] == [None] * len(references)


@pytest.mark.parametrize("how", HOW)
def test_no_cycles_in_graphs_of_graphs(no_collector: None, how: str) -> None:
    x = penlight.ones(2, 3, requires_grad=True)
    loss = everything(x, how)
    (g,) = autograd.grad(loss, x, create_graph=True)
    second = (g * g).sum()
    references = [weakref.ref(t) for t in (loss, g, second)] + references_of(second)
    autograd.grad(second, x)
    del loss, g, second
    assert [r() for r in references] == [None] * len(references)


def test_no_cycles_after_an_error(no_collector: None) -> None:
    class Fails(Op):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x + 0

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            raise KeyError

    x = penlight.ones(3, requires_grad=True)
    loss = Fails.apply(Remember.apply(x)).sum()
    reference = weakref.ref(loss.grad_fn)
    with contextlib.suppress(KeyError):
        loss.backward()
    del loss
    assert reference() is None
    assert alive() == [False]


def test_training_steps_leave_no_garbage(no_collector: None) -> None:
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = penlight.optim.Adam(model.parameters())
    x, t = penlight.ones(4, 2), penlight.zeros(4, 1)

    def step() -> None:
        loss = nn.functional.mse_loss(model(x), t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    step()
    gc.collect()
    for _ in range(5):
        step()
    assert gc.collect() == 0


def test_first_gradient_is_handed_over(no_collector: None) -> None:
    """The array that the last backward made becomes ``.grad`` itself."""
    made = []

    class Make(Op):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x + 0

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            g = dy * 2
            made.append(g.__array_interface__["data"][0])
            return g

    x = penlight.ones(1000, requires_grad=True)
    Make.apply(x).sum().backward()
    assert x.grad.data_ptr() == made[0]
    Make.apply(x).sum().backward()  # and is added to in place
    assert x.grad.data_ptr() == made[0]
    assert x.grad[0] == 4


def test_gradient_that_somebody_holds_is_copied() -> None:
    held = []

    class Hold(Op):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x + 0

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            held.append(dy * 2)
            return held[-1]

    x = penlight.ones(3, requires_grad=True)
    Hold.apply(x).sum().backward()
    assert not np.may_share_memory(x.grad.numpy(), held[0])
    y = Hold.apply(x)
    (y + x * 3).sum().backward()
    assert held[1].tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("kind", ["chain", "views", "in place"])
def test_deep_graphs(no_collector: None, kind: str) -> None:
    depth = 100_000 if kind == "chain" else 20_000
    x = penlight.ones(1, requires_grad=True)
    y = x * 1
    base = y
    for _ in range(depth):
        if kind == "chain":
            y = y + 1
        elif kind == "views":
            y = y.view(1) + 0 if _ % 2 else y[:]
        else:
            y.mul_(1.0)
    reference = weakref.ref(base.grad_fn)
    assert sys.getrecursionlimit() < depth
    y.sum().backward()
    assert x.grad.tolist() == [1.0]
    del y, base
    assert reference() is None


def test_deep_graph_is_dropped_without_backward(no_collector: None) -> None:
    x = penlight.ones(1, requires_grad=True)
    y = x * 1
    for _ in range(200_000):
        y = y + 1
    del y


def test_deep_graph_leads_to_an_input() -> None:
    x = penlight.ones(1, requires_grad=True)
    y = x * 1
    for _ in range(20_000):
        y = y * 1.0 + 0.0
    (g,) = autograd.grad(y, x)
    assert g.tolist() == [1.0]
