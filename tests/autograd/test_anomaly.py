"""Anomaly mode names the op and the user's line that made the first NaN or infinity."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import penlight
from penlight import autograd, nn
from penlight.autograd import anomaly


def line_of(function: Callable[..., Any], text: str) -> str:
    """``file:number in name`` of the line with ``text`` in a function, as messages give it."""
    lines, start = inspect.getsourcelines(function)
    (number,) = [n for n, line in enumerate(lines, start) if text in line]
    return f"{__file__}:{number} in {function.__name__}"


def message(function: Callable[[], Any]) -> str:
    with autograd.detect_anomaly(), pytest.raises(RuntimeError) as error:
        function()
    return str(error.value)


def test_nan_made_in_the_forward_pass() -> None:
    def compute() -> None:
        x = penlight.tensor([1.0, -1.0], requires_grad=True)
        y = x * 2
        z = y.log()  # the culprit
        (z * 3 + x).sum().backward()

    text = message(compute)
    assert "backward was called on a tensor that holds NaN" in text
    assert (
        f"The first NaN of the forward pass was made by LogBackward0, called at {line_of(compute, 'culprit')}"
        in text
    )
    assert "z = y.log()" in text


def test_infinity_made_in_the_forward_pass() -> None:
    def compute() -> None:
        x = penlight.tensor([0.0, 1.0], requires_grad=True)
        y = 1 / x  # the culprit
        y.sum().backward()

    text = message(compute)
    assert "holds infinity" in text
    assert line_of(compute, "culprit") in text


def test_both_kinds_are_named() -> None:
    """An infinity that was meant (a mask) does not hide where the NaN came from."""

    def compute() -> None:
        x = penlight.tensor([0.0, 1.0], requires_grad=True)
        masked = x.log()  # an infinity
        difference = masked - masked  # a NaN, but of an input that is infinite
        root = (x - 2).sqrt()  # a NaN
        (difference + root).sum().backward()

    text = message(compute)
    assert line_of(compute, "# an infinity") in text
    assert line_of(compute, "# a NaN\n") in text
    assert "SubBackward0" not in text


@pytest.mark.parametrize("swapped", [False, True])
def test_the_first_is_named(swapped: bool) -> None:
    def compute() -> None:
        x = penlight.tensor([0.0, 1.0], requires_grad=True)
        a = (x - 2).sqrt()  # first
        b = (x - 3).log()  # second
        (b + a if swapped else a + b).sum().backward()

    text = message(compute)
    assert line_of(compute, "# first") in text
    assert "second" not in text


def test_gradient_that_is_nan() -> None:
    def compute() -> None:
        x = penlight.tensor([0.0, 4.0], requires_grad=True)
        y = x.sqrt()  # its gradient at 0 is infinite
        (y * 0).sum().backward()

    text = message(compute)
    assert "Function 'SqrtBackward0' returned nan values in its 0th output." in text
    assert f"Its forward was called at {line_of(compute, 'infinite')}" in text


def test_gradient_that_is_infinite() -> None:
    def compute() -> None:
        x = penlight.tensor([0.0, 4.0], requires_grad=True)
        x.sqrt().sum().backward()  # here

    text = message(compute)
    assert "Function 'SqrtBackward0' returned inf values in its 0th output." in text
    assert line_of(compute, "# here") in text


class Logarithm(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.log()  # in the module


def test_inside_modules() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Logarithm()))
    nn.init.zeros_(model[0].weight)
    nn.init.constant_(model[0].bias, -1.0)
    text = message(lambda: model(penlight.ones(1, 2)).sum().backward())
    assert line_of(Logarithm.forward, "in the module") in text
    assert "(inside Sequential > Sequential > Logarithm)" in text


def test_inside_penlights_own_modules() -> None:
    """The line is the user's that called the model; the modules say where in it."""

    def compute() -> None:
        model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        nn.init.constant_(model[0].weight, float("inf"))
        x = penlight.tensor([[1.0, 0.0]])
        model(x).sum().backward()  # the call

    text = message(compute)
    assert "backward was called on a tensor that holds NaN" in text
    nn_input = penlight.tensor([[1.0, 0.0]])

    def compute_again() -> None:
        model = nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 2))
        nn.init.constant_(model[1].weight, 3e38)
        model(nn_input).sum().backward()  # the call

    text = message(compute_again)
    assert line_of(compute_again, "# the call") in text
    assert "(inside Sequential > Linear)" in text


def test_in_functions() -> None:
    class Broken(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * float("nan")

    x = penlight.ones(2, requires_grad=True)
    assert "Function 'BrokenBackward' returned nan" in message(
        lambda: Broken.apply(x).sum().backward()
    )


def test_errors_of_backward_show_the_forward() -> None:
    class Broken(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise KeyError("mine")

    def compute() -> Any:
        x = penlight.ones(2, requires_grad=True)
        return Broken.apply(x)  # the forward call

    with autograd.detect_anomaly(), pytest.raises(KeyError, match="mine") as error:
        compute().sum().backward()
    text = "".join(traceback.format_exception(error.value))
    assert "The forward call of BrokenBackward whose backward failed" in text
    assert "return Broken.apply(x)  # the forward call" in text
    with pytest.raises(KeyError) as error:
        compute().sum().backward()
    assert not hasattr(error.value, "__notes__")


def test_changed_saved_value_shows_the_forward() -> None:
    def compute() -> Any:
        x = penlight.ones(2, requires_grad=True) * 1
        y = x * x  # saves x
        x.add_(1)
        return y.sum()

    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match="inplace operation") as error:
        compute().backward()
    assert "y = x * x  # saves x" in error.value.__notes__[0]


def test_without_looking_for_nan() -> None:
    x = penlight.tensor([0.0], requires_grad=True)
    with autograd.detect_anomaly(check_nan=False):
        assert not autograd.is_anomaly_check_nan_enabled()
        y = (x.sqrt() * 0).sum()
        y.backward()
        assert y.grad_fn is not None
        assert y.grad_fn._trace is not None
    assert x.grad.isnan().all()


def test_masked_infinities_pass() -> None:
    scores = penlight.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    mask = penlight.tensor([[False, True, False]])
    with autograd.detect_anomaly():
        penlight.softmax(scores.masked_fill(mask, float("-inf")), 1)[0, 0].backward()
    assert scores.grad[0, 1] == 0


def test_switches(lib: Any) -> None:
    assert not lib.is_anomaly_enabled()
    with lib.autograd.set_detect_anomaly(True):
        assert lib.is_anomaly_enabled()
        with lib.autograd.set_detect_anomaly(False):
            assert not lib.is_anomaly_enabled()
        assert lib.is_anomaly_enabled()
        assert lib.is_anomaly_check_nan_enabled()
    assert not lib.is_anomaly_enabled()
    try:
        lib.autograd.set_detect_anomaly(True, check_nan=False)
        assert lib.is_anomaly_enabled()
        assert not lib.is_anomaly_check_nan_enabled()
    finally:
        lib.autograd.set_detect_anomaly(False)
    assert not lib.is_anomaly_enabled()


def test_nothing_is_noted_when_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("anomaly mode is off")

    for name in ("note", "check_roots", "check_gradients"):
        monkeypatch.setattr(anomaly, name, refuse)
    x = penlight.tensor([-1.0], requires_grad=True)
    y = x.log().split(1)[0]
    y.sum().backward()
    assert y.grad_fn is not None
    assert y.grad_fn._trace is None
