"""Backward in several threads, nested, interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import autograd
from penlight.autograd import walk
from penlight.autograd.op import Op


def in_threads(count: int, task: Callable[[int], None]) -> None:
    """Run ``task(i)`` in ``count`` threads at once; raise the first error."""
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(i: int) -> None:
        try:
            start.wait()
            task(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


def test_independent_passes() -> None:
    results: dict[int, np.ndarray] = {}

    def work(i: int) -> None:
        x = penlight.full((50,), float(i), requires_grad=True)
        for _ in range(20):
            x.grad = None
            y = x
            for _ in range(5):
                y = (y * 1.1 + x).sigmoid() * x
            y.sum().backward()
        results[i] = x.grad.numpy().copy()

    in_threads(4, work)
    together = dict(results)
    for i in range(4):
        work(i)
        np.testing.assert_array_equal(together[i], results[i])


def test_shared_leaf() -> None:
    x = penlight.ones(20_000, requires_grad=True)

    def work(i: int) -> None:
        for _ in range(25):
            (x * 2.0).sum().backward()

    in_threads(4, work)
    assert x.grad.unique().tolist() == [200.0]


def test_first_gradient_of_a_shared_leaf() -> None:
    """Two passes that both find no gradient yet must not forget one of the two."""
    for _ in range(30):
        x = penlight.ones(10, requires_grad=True)
        in_threads(3, lambda i, x=x: (x * 2.0).sum().backward())
        assert x.grad.unique().tolist() == [6.0]


def test_one_graph_kept_for_several_threads() -> None:
    x = penlight.ones(100, requires_grad=True)
    h = (x * 3.0).sigmoid()
    y = (h * h).sum()
    (expected,) = autograd.grad(y, x, retain_graph=True)

    def work(i: int) -> None:
        for _ in range(20):
            (g,) = autograd.grad(y, x, retain_graph=True)
            np.testing.assert_array_equal(g.numpy(), expected.numpy())

    in_threads(4, work)


def test_graph_made_in_one_thread_and_walked_in_another(lib: Any) -> None:
    x = lib.ones(3, requires_grad=True)
    y = (x * 2).sum()
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


def test_modes_are_not_mixed_up() -> None:
    seen: dict[int, bool] = {}

    def work(i: int) -> None:
        x = penlight.ones(3, requires_grad=True)
        for _ in range(30):
            (g,) = autograd.grad((x * x).sum(), x, create_graph=i % 2 == 0)
            if g.requires_grad != (i % 2 == 0):
                seen[i] = g.requires_grad

    in_threads(4, work)
    assert not seen


def test_nested_passes() -> None:
    """A backward that runs a pass of its own, over leaves that the outer pass fills too."""
    w = penlight.tensor([3.0], requires_grad=True)

    class Inner(Op):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x + 0

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            with autograd.enable_grad():
                (w * 5).sum().backward()
            assert not penlight.is_grad_enabled()
            return dy

    (Inner.apply(w) * 2).sum().backward()
    assert w.grad.tolist() == [7.0]


class Interrupt(Op):
    """y = x; backward is interrupted."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x + 0

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        raise KeyboardInterrupt


def test_interrupted_passes() -> None:
    a = penlight.ones(2, requires_grad=True)
    a.grad = penlight.full((2,), 5.0)
    loss = (Interrupt.apply(a) * 2 + a).sum()
    with pytest.raises(KeyboardInterrupt):
        loss.backward()
    assert penlight.is_grad_enabled()
    assert a.grad.tolist() == [5.0, 5.0]
    with pytest.raises(KeyboardInterrupt):
        autograd.grad((Interrupt.apply(a) * 2).sum(), a, create_graph=True)
    (a * 2).sum().backward()
    assert a.grad.tolist() == [7.0, 7.0]


def test_interrupted_hook_holds_no_lock() -> None:
    x = penlight.ones(2, requires_grad=True)

    def interrupt(p: Any) -> None:
        raise KeyboardInterrupt

    handle = x.register_post_accumulate_grad_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        (x * 2).sum().backward()
    handle.remove()
    done = threading.Thread(target=lambda: (x * 2).sum().backward())
    done.start()
    done.join(timeout=10)
    assert not done.is_alive()
    assert x.grad.tolist() == [4.0, 4.0]


def test_hooks_run_outside_the_lock() -> None:
    """A hook that waits for another thread's backward must not keep that from finishing."""
    x, w = penlight.ones(2, requires_grad=True), penlight.ones(2, requires_grad=True)

    def wait_for_other(p: Any) -> None:
        other = threading.Thread(target=lambda: (w * 3).sum().backward())
        other.start()
        other.join(timeout=10)
        assert not other.is_alive()

    x.register_post_accumulate_grad_hook(wait_for_other)
    (x * 2).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0]


def test_interrupt_while_a_view_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    base = penlight.ones(3, requires_grad=True) * 1
    view = base[1:]
    base.mul_(2)
    with penlight.no_grad():
        with monkeypatch.context() as patch:

            def interrupt(*args: Any) -> None:
                raise KeyboardInterrupt

            patch.setattr(type(view.detach()).__mro__[-2], "_rebase", interrupt)
            with pytest.raises(KeyboardInterrupt):
                _ = view.grad_fn
        assert not penlight.is_grad_enabled()
    view.sum().backward()


def test_the_lock_is_reentrant() -> None:
    """Signal handlers may run Python code in the middle of anything."""
    x = penlight.ones(2, requires_grad=True)

    def backward_while_accumulating() -> None:
        with walk._accumulating:
            (x * 2).sum().backward()

    thread = threading.Thread(target=backward_while_accumulating, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert x.grad.tolist() == [2.0, 2.0]
