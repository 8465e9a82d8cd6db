"""``no_grad`` and its relatives: blocks, decorators, generators, threads; inference mode."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import penlight


def test_decorators(lib: Any) -> None:
    enabled = lib.is_grad_enabled
    assert lib.no_grad(enabled)() is False
    assert lib.no_grad()(enabled)() is False
    assert lib.set_grad_enabled(False)(enabled)() is False
    assert enabled()
    with lib.no_grad():
        assert lib.enable_grad(enabled)() is True
        assert lib.enable_grad()(enabled)() is True
        assert not enabled()

    class Holder:
        @lib.no_grad()
        def method(self, x: int) -> Any:
            """Documented."""
            return x, enabled()

    assert Holder().method(3) == (3, False)
    assert Holder.method.__name__ == "method"
    assert Holder.method.__doc__ == "Documented."


def test_recursion_through_a_decorator(lib: Any) -> None:
    @lib.no_grad()
    def f(n: int) -> list[bool]:
        return [lib.is_grad_enabled(), *(f(n - 1) if n else [])]

    assert f(3) == [False] * 4
    assert lib.is_grad_enabled()


def test_nesting(lib: Any) -> None:
    seen = []
    with lib.set_grad_enabled(False):
        seen.append(lib.is_grad_enabled())
        with lib.set_grad_enabled(True):
            seen.append(lib.is_grad_enabled())
        with lib.enable_grad():
            seen.append(lib.is_grad_enabled())
        seen.append(lib.is_grad_enabled())
    assert seen == [False, True, True, False]
    assert lib.is_grad_enabled()


def test_as_a_call(lib: Any) -> None:
    try:
        lib.set_grad_enabled(False)
        assert not lib.is_grad_enabled()
    finally:
        lib.set_grad_enabled(True)
    assert lib.is_grad_enabled()
    for bad in (3, "yes", None):
        with pytest.raises(TypeError):
            lib.set_grad_enabled(bad)


def test_restored_after_an_error(lib: Any) -> None:
    for block in (lib.no_grad, lib.inference_mode):
        with pytest.raises(KeyError), block():
            raise KeyError
        assert lib.is_grad_enabled()
        assert not lib.is_inference_mode_enabled()


def test_generators(lib: Any) -> None:
    log: list[Any] = []

    @lib.no_grad()
    def generate() -> Iterator[Any]:
        try:
            while True:
                try:
                    got = yield lib.is_grad_enabled()
                except ValueError:
                    log.append(("thrown", lib.is_grad_enabled()))
                    continue
                log.append((got, lib.is_grad_enabled()))
        finally:
            log.append(("closed", lib.is_grad_enabled()))

    g: Any = generate()
    assert next(g) is False
    assert lib.is_grad_enabled()  # the mode holds while the generator runs, not its consumer
    g.send(5)
    g.throw(ValueError())
    g.close()
    assert log == [(5, False), ("thrown", False), ("closed", False)]
    assert lib.is_grad_enabled()

    @lib.no_grad()
    def short() -> Any:
        yield 1
        return 7

    g = short()
    next(g)
    with pytest.raises(StopIteration) as stop:
        next(g)
    assert stop.value.value == 7


def test_consumer_may_change_the_mode_between(lib: Any) -> None:
    @lib.no_grad()
    def generate() -> Iterator[bool]:
        for _ in range(3):
            yield lib.is_grad_enabled()

    seen = []
    for inside in generate():
        seen.append((inside, lib.is_grad_enabled()))
        lib.set_grad_enabled(True)
    assert seen == [(False, True)] * 3


def test_each_thread_has_its_own(lib: Any) -> None:
    seen = {}

    def look() -> None:
        seen["new"] = lib.is_grad_enabled(), lib.is_inference_mode_enabled()
        lib.set_grad_enabled(False)

    with lib.inference_mode():
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        seen["here"] = lib.is_grad_enabled(), lib.is_inference_mode_enabled()
    assert seen == {"new": (True, False), "here": (False, True)}
    assert lib.is_grad_enabled()


def test_what_is_made_without_recording(lib: Any) -> None:
    with lib.no_grad():
        x = lib.ones(2, requires_grad=True)
        p = lib.nn.Parameter(lib.ones(2))
        y = x * 2
    assert x.requires_grad
    assert p.requires_grad
    assert not y.requires_grad
    assert y.is_leaf
    assert y.grad_fn is None


# -- inference mode --------------------------------------------------------------------------------


def test_inference_decorators_and_blocks(lib: Any) -> None:
    def state() -> tuple[bool, bool]:
        return lib.is_inference_mode_enabled(), lib.is_grad_enabled()

    assert lib.inference_mode(state)() == (True, False)
    assert lib.inference_mode()(state)() == (True, False)
    assert lib.inference_mode(False)(state)() == (False, True)
    with lib.inference_mode():
        assert state() == (True, False)
        with lib.inference_mode(False):
            assert state() == (False, True)
        assert state() == (True, False)
    assert state() == (False, True)


def test_inference_tensors(lib: Any) -> None:
    with lib.inference_mode():
        x = lib.ones(2)
        x.add_(1)
        p = lib.ones(2, requires_grad=True)
        with lib.enable_grad():
            y = p * 2
            assert lib.is_grad_enabled()
    assert x.is_inference()
    assert y.is_inference()
    assert not y.requires_grad  # nothing is recorded there, whatever enable_grad says
    assert x[0].is_inference()
    assert x.detach().is_inference()
    assert not (x * 2).is_inference()
    assert not x.clone().is_inference()
    with pytest.raises(RuntimeError, match="do not track version counter"):
        _ = x._version
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
        x.add_(1)
    with pytest.raises(RuntimeError, match="requires_grad=True on inference tensor"):
        x.requires_grad_()


def test_refused_changes_of_inference_tensors_are_not_made() -> None:
    """PyTorch writes before it refuses."""
    with penlight.inference_mode():
        x = penlight.ones(2)
    for change in (lambda: x.add_(1), lambda: x.__setitem__(0, 5.0), lambda: x.zero_()):
        with pytest.raises(RuntimeError, match="Inplace update to inference tensor"):
            change()
    assert x.tolist() == [1.0, 1.0]


def test_inference_tensors_are_not_saved(lib: Any) -> None:
    with lib.inference_mode():
        x = lib.ones(2)
    p = lib.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        p * x
    (p + x).sum().backward()  # nothing to save
    (p * x.clone()).sum().backward()
    assert p.grad.tolist() == [2.0, 2.0]


def test_normal_tensors_in_inference_mode(lib: Any) -> None:
    x, p = lib.ones(2), lib.ones(2, requires_grad=True)
    q = p * 1
    with lib.inference_mode():
        view, recorded = x[0:1], q[0:1]
        x.add_(1)
        view.add_(1)
        made = p * 2
    assert not view.is_inference()
    assert x.tolist() == [3.0, 2.0]
    assert x._version == 2
    assert made.is_inference()
    assert not made.requires_grad
    with pytest.raises(RuntimeError, match="created in inference mode"):
        recorded.add_(1)


def test_threads_of_backward_may_be_asked_for() -> None:
    x = penlight.ones(2, requires_grad=True)
    with penlight.autograd.set_multithreading_enabled(False):
        x.sum().backward()
    assert x.grad is not None
