"""``gradcheck`` finds what is wrong, and says so as PyTorch does."""

from __future__ import annotations

from typing import Any

import pytest

import penlight
from penlight import autograd, testing
from penlight.autograd.gradcheck import GradcheckError


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def function(lib: Any, forward: Any, backward: Any) -> Any:
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Custom", (lib.autograd.Function,), methods).apply


def half_wrong(lib: Any) -> Any:
    """x^2 with the derivative x."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    return function(lib, forward, lambda ctx, g: ctx.saved_tensors[0] * g)


def test_public_names() -> None:
    assert testing.gradcheck is autograd.gradcheck
    assert testing.gradgradcheck is autograd.gradgradcheck
    assert testing.GradcheckError is GradcheckError
    assert issubclass(GradcheckError, RuntimeError)


@pytest.mark.parametrize("fast", [False, True])
def test_right_gradients_pass(lib: Any, fast: bool) -> None:
    check = lib.autograd.gradcheck
    x, y = leaf(lib, 1.0, 2.0), leaf(lib, 0.3, -0.4)
    assert check(lambda x: x * x, x, fast_mode=fast) is True
    assert check(lambda x, y: (x * y.exp(), (x / 3).sum()), (x, y), fast_mode=fast)
    assert check(lambda x, k: x * k, [x, 3], fast_mode=fast)
    assert check(lambda x, c: x * c, (x, lib.ones(2).double()), fast_mode=fast)
    assert check(lambda x: lib.stack([x, x * x]).t(), x, fast_mode=fast)
    assert x.tolist() == [1.0, 2.0]
    assert x.grad is None


@pytest.mark.parametrize("fast", [False, True])
def test_wrong_gradients_fail(lib: Any, fast: bool) -> None:
    check, x = lib.autograd.gradcheck, leaf(lib, 1.0, 2.0)
    with pytest.raises(
        RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"
    ):
        check(half_wrong(lib), x, fast_mode=fast)
    assert check(half_wrong(lib), x, fast_mode=fast, raise_exception=False) is False
    assert check(half_wrong(lib), leaf(lib, 0.0, 0.0), fast_mode=fast)  # both are zero there
    with pytest.raises(RuntimeError, match="output 1 with respect to input 1"):
        check(
            lambda a, b: (a * b, half_wrong(lib)(b) + a),
            (leaf(lib, 1.0), leaf(lib, 2.0)),
            fast_mode=fast,
        )


@pytest.mark.parametrize("fast", [False, True])
def test_the_worst_element_is_named(fast: bool) -> None:
    x = leaf(penlight, 1.0, 2.0, 30.0)
    with pytest.raises(GradcheckError) as error:
        autograd.gradcheck(half_wrong(penlight), x, fast_mode=fast)
    assert (
        "worst at output element 2, input element 2: numerical 60, analytic 30; 3 of 9 entries differ"
        in str(error.value)
    )
    assert "analytical:\n[[ 1." in str(error.value)


def test_missing_term(lib: Any) -> None:
    """A product whose second factor was taken for a constant."""
    f = function(
        lib, lambda ctx, a, b: (ctx.save_for_backward(a, b), a * b)[1],
        lambda ctx, g: (g * ctx.saved_tensors[1], None),
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="input 1"):
        lib.autograd.gradcheck(f, (leaf(lib, 1.0), leaf(lib, 2.0)))


def test_tolerances(lib: Any) -> None:
    f = function(
        lib, lambda ctx, x: x * 1, lambda ctx, g: g * 1.01
    )  # fmt: skip
    x, check = leaf(lib, 1.0, 2.0), lib.autograd.gradcheck
    assert not check(f, x, raise_exception=False)
    assert check(f, x, rtol=0.02)
    assert check(f, x, atol=0.02)


def test_nothing_to_check(lib: Any) -> None:
    for raises in (True, False):
        with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
            lib.autograd.gradcheck(lambda x: x, lib.ones(2).double(), raise_exception=raises)
        with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
            lib.autograd.gradgradcheck(lambda x: x, lib.ones(2).double(), raise_exception=raises)


def test_outputs_without_history(lib: Any) -> None:
    check, x = lib.autograd.gradcheck, leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="Numerical gradient for function expected to be zero"):
        check(lambda x: x.detach() * 2, x)
    assert check(lambda x: x.detach() * 0, x)
    assert check(lambda x: (x > 1.5).long(), x)
    assert check(lambda x: (), x)


def test_one_output_without_history() -> None:
    x = leaf(penlight, 1.0, 2.0)
    with pytest.raises(GradcheckError, match="output 1 with respect to input 0"):
        autograd.gradcheck(lambda x: (x * 2, x.detach() * 3), x)


def test_low_precision_warns(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    with pytest.warns(
        UserWarning, match="Input #0 requires gradient and is not a double precision"
    ):
        assert lib.autograd.gradcheck(lambda x: x * x, x, eps=1e-2, atol=1e-1)
    with (
        pytest.warns(UserWarning, match="double precision"),
        pytest.raises(RuntimeError, match="Jacobian mismatch"),
    ):
        lib.autograd.gradcheck(lambda x: x * x * x, x)


def test_elements_that_share_memory(lib: Any) -> None:
    x = lib.ones(1).double().expand(3).requires_grad_()
    with pytest.raises(RuntimeError, match="The 0th input has a dimension with stride 0"):
        lib.autograd.gradcheck(lambda x: x * x, x)


def test_backward_that_differs_each_time(lib: Any) -> None:
    count = []

    def backward(ctx: Any, g: Any) -> Any:
        count.append(1)
        return g * 2 * (1 + 1e-7 * len(count))

    f, x = function(lib, lambda ctx, x: x * 2, backward), leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="Backward is not reentrant"):
        lib.autograd.gradcheck(f, x)
    assert lib.autograd.gradcheck(f, x, nondet_tol=1e-3)


def test_backward_that_ignores_its_gradient(lib: Any) -> None:
    f = function(lib, lambda ctx, x: x * 2, lambda ctx, g: g * 0 + 2)
    with pytest.raises(RuntimeError, match="backward not multiplied by grad_output"):
        lib.autograd.gradcheck(f, leaf(lib, 1.0)[0].detach().requires_grad_())


def two_outputs(lib: Any, backward: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    return function(lib, forward, backward)


def test_undefined_gradients(lib: Any) -> None:
    def right(ctx: Any, a: Any, b: Any) -> Any:
        parts = [g * k for g, k in ((a, 2), (b, 3)) if g is not None]
        return sum(parts) if parts else None

    def refusing(ctx: Any, a: Any, b: Any) -> Any:
        if a is None or b is None:
            raise RuntimeError("I need both")
        return a * 2 + b * 3

    x = leaf(lib, 1.0, 2.0)
    assert lib.autograd.gradcheck(two_outputs(lib, right), x)
    with pytest.raises(RuntimeError):
        lib.autograd.gradcheck(two_outputs(lib, refusing), x)


def test_undefined_gradients_are_reported() -> None:
    def wrong(ctx: Any, a: Any, b: Any) -> Any:
        return a * 2 + b * 3 if a is not None and b is not None else x.detach() + 5

    x = leaf(penlight, 1.0, 2.0)
    f = two_outputs(penlight, wrong)

    def together(x: Any) -> Any:
        a, b = f(x)
        return a + 0 * b, b + 0 * a  # so that one gradient always brings the other

    assert autograd.gradcheck(together, x)
    with pytest.raises(GradcheckError, match="handle undefined output grads"):
        # both gradients are there for whole Jacobians only if the sum is checked
        autograd.gradcheck(lambda x: _Both.apply(x), x)


class _Both(autograd.Function):
    """Two outputs; backward takes a missing gradient for a five."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        ctx.passes = 0
        return x * 2, x * 3

    @staticmethod
    def backward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.passes += 1
        total = (0 if a is None else a * 2) + (0 if b is None else b * 3)
        is_zero = not bool(total.abs().sum())
        return total + 5 if is_zero and (a is None or b is None) else total


def test_complex_numbers(lib: Any) -> None:
    z = lib.tensor([1 + 2j, 0.5 - 1j], dtype=lib.complex128, requires_grad=True)
    x, check = leaf(lib, 1.0, 2.0), lib.autograd.gradcheck
    for fast in (False, True):
        assert check(lambda z: z * z, z, fast_mode=fast)
        assert check(lambda z: z.abs(), z, fast_mode=fast)
        assert check(lambda z: z.conj() * (2 - 1j), z, fast_mode=fast)
        assert check(lambda x: x * (1 + 2j), x, fast_mode=fast)


def test_wrong_complex_gradients(lib: Any) -> None:
    f = function(
        lib, lambda ctx, z: (ctx.save_for_backward(z), z * z)[1],
        lambda ctx, g: 2 * ctx.saved_tensors[0] * g,  # not conjugated
    )  # fmt: skip
    z = lib.tensor([1 + 2j], dtype=lib.complex128, requires_grad=True)
    for fast in (False, True):
        with pytest.raises(RuntimeError, match="Jacobian mismatch"):
            lib.autograd.gradcheck(f, z, fast_mode=fast)


def test_what_is_not_there() -> None:
    x = leaf(penlight, 1.0)
    with pytest.raises(ValueError, match="no forward mode"):
        autograd.gradcheck(lambda x: x * 1, x, check_forward_ad=True)
    with pytest.raises(AssertionError):
        autograd.gradcheck(lambda x: x * 1, x, check_backward_ad=False)


def test_inputs_come_back_after_an_error() -> None:
    x = leaf(penlight, 1.0, 2.0)
    calls = []

    def fails(x: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyError
        return x * x

    with pytest.raises(KeyError):
        autograd.gradcheck(fails, x)
    assert x.tolist() == [1.0, 2.0]


# -- second order ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [False, True])
def test_second_order(lib: Any, fast: bool) -> None:
    check, x = lib.autograd.gradgradcheck, leaf(lib, 1.0, 2.0)
    assert check(lambda x: x * x * x, x, fast_mode=fast)
    assert check(lambda x: x * 2, x, fast_mode=fast)
    assert check(lambda x, c: x * c, (x, lib.ones(2).double()), fast_mode=fast)
    assert check(lambda x: (x * x, x.exp()), x, fast_mode=fast, gen_non_contig_grad_outputs=True)
    seeds = (leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0))
    assert check(lambda x: (x * x, x**3), (x,), grad_outputs=seeds, fast_mode=fast)


def test_wrong_second_order(lib: Any) -> None:
    """The first derivative is right, but loses its history."""
    f = function(
        lib, lambda ctx, x: (ctx.save_for_backward(x), x**3)[1],
        lambda ctx, g: 3 * ctx.saved_tensors[0].detach() ** 2 * g,
    )  # fmt: skip
    x = leaf(lib, 1.0, 2.0)
    assert lib.autograd.gradcheck(f, x)
    with pytest.raises(RuntimeError, match="mismatch"):
        lib.autograd.gradgradcheck(f, x)
    assert not lib.autograd.gradgradcheck(f, x, raise_exception=False)


def test_second_order_of_complex_numbers() -> None:
    z = penlight.tensor([1 + 2j], dtype=penlight.complex128, requires_grad=True)
    assert autograd.gradgradcheck(lambda z: z * z * z, z)
