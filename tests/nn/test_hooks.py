"""Hooks of modules: what they are given, what their results replace, and in which order they run."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.nn.modules import module as module_file


class Double:
    """A module's forward without the module: y = 2 x."""

    @staticmethod
    def of(lib: Any) -> Any:
        class Double(lib.nn.Module):  # type: ignore[misc, name-defined]
            def forward(self, x: Any, factor: float = 2.0) -> Any:
                return x * factor

        return Double()


def tensor(lib: Any, *values: float) -> Any:
    return lib.tensor(list(values), requires_grad=True)


def values(t: Any) -> Any:
    return None if t is None else t.detach().numpy().tolist()


# -- forward -------------------------------------------------------------------------------------


def test_forward_hooks_replace_input_and_output(lib: Any) -> None:
    m = Double.of(lib)
    x = lib.ones(1)
    handle = m.register_forward_pre_hook(lambda m, args: args[0] + 1)
    m.register_forward_pre_hook(lambda m, args: (args[0] * 10,))
    m.register_forward_hook(lambda m, args, y: y + args[0])
    assert values(m(x)) == [60.0]
    handle.remove()
    assert values(m(x)) == [30.0]


def test_forward_hooks_with_kwargs(lib: Any) -> None:
    m = Double.of(lib)
    m.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"factor": kwargs["factor"] + 1}), with_kwargs=True
    )
    m.register_forward_hook(lambda m, args, kwargs, y: (y, kwargs), with_kwargs=True)
    y, kwargs = m(lib.ones(1), factor=3.0)
    assert (values(y), kwargs) == ([4.0], {"factor": 4.0})
    m.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple"):
        m(lib.ones(1), factor=3.0)


def test_order_prepend_and_global_hooks(lib: Any) -> None:
    file = module_file if lib is penlight else lib.nn.modules.module
    seen: list[str] = []
    note = lambda word: lambda *args: seen.append(word)  # noqa: E731
    m = Double.of(lib)
    m.register_forward_pre_hook(note("pre 1"))
    m.register_forward_pre_hook(note("pre 0"), prepend=True)
    m.register_forward_hook(note("post 1"))
    m.register_forward_hook(note("post 0"), prepend=True)
    m.register_full_backward_pre_hook(note("back pre 1"))
    m.register_full_backward_pre_hook(note("back pre 0"), prepend=True)
    m.register_full_backward_hook(note("back 1"))
    m.register_full_backward_hook(note("back 0"), prepend=True)
    handles = [
        file.register_module_forward_pre_hook(note("all pre")),
        file.register_module_forward_hook(note("all post")),
        file.register_module_full_backward_pre_hook(note("all back pre")),
        file.register_module_full_backward_hook(note("all back")),
    ]
    m(tensor(lib, 1.0)).sum().backward()
    for handle in handles:
        handle.remove()
    assert seen == [
        "all pre", "pre 0", "pre 1", "all post", "post 0", "post 1",
        "all back pre", "back pre 0", "back pre 1", "all back", "back 0", "back 1",
    ]  # fmt: skip
    seen.clear()
    m.forward(tensor(lib, 1.0))
    assert not seen


def test_always_called_hooks_run_after_an_error(lib: Any) -> None:
    seen: list[Any] = []
    m = Double.of(lib)
    m.register_forward_hook(lambda *args: seen.append("silent"))
    m.register_forward_hook(lambda m, args, y: seen.append(y), always_call=True)
    m.register_forward_hook(
        lambda m, args, kw, y: seen.append(kw), with_kwargs=True, always_call=True
    )
    with pytest.raises(TypeError):
        m(lib.ones(1), nonsense=3)
    assert seen == [None, {"nonsense": 3}]
    seen.clear()
    m(lib.ones(1))
    assert len(seen) == 3


def test_an_error_in_an_always_called_hook_only_warns(lib: Any) -> None:
    def fail(*args: Any) -> None:
        raise ValueError("second error")

    m = Double.of(lib)
    m.register_forward_hook(fail, always_call=True)
    with pytest.raises(TypeError), pytest.warns(UserWarning, match="second error"):
        m(lib.ones(1), nonsense=3)


# -- backward ------------------------------------------------------------------------------------


def test_backward_hooks_see_this_modules_gradients_only(lib: Any) -> None:
    seen: list[Any] = []
    m = Double.of(lib)
    m.register_full_backward_pre_hook(lambda m, dy: seen.append([values(g) for g in dy]))
    m.register_full_backward_hook(
        lambda m, dx, dy: seen.append(([values(g) for g in dx], [values(g) for g in dy]))
    )
    x = tensor(lib, 1.0, 2.0)
    (m(x) * 3 + x * 100).sum().backward()
    assert seen == [[[3.0, 3.0]], ([[6.0, 6.0]], [[3.0, 3.0]])]
    assert values(x.grad) == [106.0, 106.0]


def test_backward_hooks_replace_gradients(lib: Any) -> None:
    m = Double.of(lib)
    x = tensor(lib, 1.0)
    m.register_full_backward_pre_hook(lambda m, dy: (dy[0] * 5,))
    m.register_full_backward_hook(lambda m, dx, dy: (dx[0] + dy[0],))
    m(x).sum().backward()
    assert values(x.grad) == [15.0]


def test_backward_hooks_with_several_inputs_and_outputs(lib: Any) -> None:
    class Mix(lib.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, a: Any, flag: Any, b: Any) -> Any:
            return a * b, "word", b + a

    seen: list[Any] = []
    m = Mix()
    m.register_full_backward_hook(
        lambda m, dx, dy: seen.append(([values(g) for g in dx], [values(g) for g in dy]))
    )
    a, b = tensor(lib, 2.0), tensor(lib, 3.0)
    product, word, _ = m(a, True, b)
    assert word == "word"
    product.sum().backward()
    assert seen == [([[3.0], None, [2.0]], [[1.0], None, None])]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_backward_hooks_without_differentiable_inputs(lib: Any) -> None:
    seen: list[Any] = []
    m = lib.nn.Linear(1, 1)
    m.register_full_backward_hook(lambda m, dx, dy: seen.append((dx, values(dy[0]))))
    m(lib.ones(2, 1)).sum().backward()
    assert seen == [((None,), [[1.0], [1.0]])]
    assert m.weight.grad is not None
    m.register_full_backward_hook(lambda m, dx, dy: (lib.ones(2, 1),))
    with pytest.raises(RuntimeError, match="no input requires gradient"):
        m(lib.ones(2, 1)).sum().backward()


@pytest.mark.parametrize("kind", ["register_full_backward_hook", "register_full_backward_pre_hook"])
def test_a_wrong_number_of_gradients_is_refused(lib: Any, kind: str) -> None:
    m = Double.of(lib)
    getattr(m, kind)(lambda m, *gradients: (None, None))
    y = m(tensor(lib, 1.0)).sum()
    with pytest.raises(RuntimeError, match=r"invalid number of grad_.*got 2, but expected 1"):
        y.backward()


def test_backward_hooks_are_part_of_a_graph_of_second_order(lib: Any) -> None:
    class Cube(lib.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x * x * x

    m = Cube()
    m.register_full_backward_hook(lambda m, dx, dy: (dx[0] * 2,))
    x = tensor(lib, 3.0)
    (dx,) = lib.autograd.grad(m(x).sum(), x, create_graph=True)
    assert values(dx) == [54.0]
    (second,) = lib.autograd.grad(dx.sum(), x)
    assert values(second) == [36.0]


def test_a_hooked_output_is_not_changed_in_place(lib: Any) -> None:
    m = Double.of(lib)
    m.register_full_backward_hook(lambda *args: None)
    y = m(tensor(lib, 1.0))
    with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
        y.add_(1)
    with lib.no_grad():
        assert values(m(tensor(lib, 1.0)).add_(1)) == [3.0]


def test_hooks_travel_with_copies(lib: Any) -> None:
    m = Double.of(lib)
    handle = m.register_forward_hook(lambda m, args, y: y + 1)
    other = copy.deepcopy(m)
    handle.remove()
    assert values(m(lib.ones(1))) == [2.0]
    assert values(other(lib.ones(1))) == [3.0]


def test_handles_are_context_managers(lib: Any) -> None:
    m = Double.of(lib)
    with m.register_forward_hook(lambda m, args, y: y + 1, always_call=True):
        assert values(m(lib.ones(1))) == [3.0]
    assert values(m(lib.ones(1))) == [2.0]
    assert not m._forward_hooks_always_called


def test_gradients_are_the_same_bits_with_hooks_that_only_look() -> None:
    grads = []
    for hooked in (False, True):
        penlight.manual_seed(1)
        m = penlight.nn.Linear(3, 2)
        if hooked:
            m.register_full_backward_hook(lambda *args: None)
        x = penlight.ones(4, 3, requires_grad=True)
        (m(x) * m(x)).sum().backward()
        grads.append([x.grad.numpy(), m.weight.grad.numpy(), m.bias.grad.numpy()])
    for a, b in zip(*grads, strict=True):
        np.testing.assert_array_equal(a, b)
