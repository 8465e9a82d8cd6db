"""What programs for mixed precision meet; for either library."""

from __future__ import annotations

import importlib
import math
from typing import Any

import pytest


def scaled_step(lib: Any, scaler: Any, p: Any, optimizer: Any, factor: float = 1.0) -> None:
    optimizer.zero_grad()
    scaler.scale((p * factor).sum()).backward()
    scaler.step(optimizer)
    scaler.update()


@pytest.fixture
def setup(lib: Any) -> Any:
    p = lib.nn.Parameter(lib.ones(2))
    scaler = lib.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2)
    return scaler, p, lib.optim.SGD([p], lr=0.5)


def test_steps_are_unscaled_and_the_scale_grows(lib: Any, setup: Any) -> None:
    scaler, p, optimizer = setup
    for expected in (4.0, 8.0, 8.0, 16.0):
        scaled_step(lib, scaler, p, optimizer)
        assert scaler.get_scale() == expected
    assert lib.allclose(p, lib.ones(2) - 4 * 0.5)


def test_a_step_with_infinity_is_skipped_and_the_scale_shrinks(lib: Any, setup: Any) -> None:
    scaler, p, optimizer = setup
    for factor in (math.inf, math.nan):
        scaled_step(lib, scaler, p, optimizer, factor)
    assert scaler.get_scale() == 1.0
    assert lib.equal(p.detach(), lib.ones(2))
    assert scaler.state_dict() == {
        "scale": 1.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2, "_growth_tracker": 0,
    }  # fmt: skip


def test_gradients_can_be_clipped_between(lib: Any, setup: Any) -> None:
    scaler, p, optimizer = setup
    a, b = scaler.scale([p.sum(), 2 * p.sum()])
    (a + b).backward()
    assert lib.equal(p.grad, lib.full((2,), 12.0))
    scaler.unscale_(optimizer)
    assert lib.equal(p.grad, lib.full((2,), 3.0))
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="after step"):
        scaler.unscale_(optimizer)
    scaler.update(3.0)
    assert scaler.get_scale() == 3.0


def test_the_state_goes_into_another_scaler(lib: Any, setup: Any) -> None:
    scaler, p, optimizer = setup
    scaled_step(lib, scaler, p, optimizer)
    other = lib.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    scaled_step(lib, other, p, optimizer)
    assert other.get_scale() == 8.0
    with pytest.raises(RuntimeError, match="empty"):
        other.load_state_dict({})


@pytest.mark.parametrize("name", ["step", "unscale_", "update"])
def test_what_comes_before_scale_is_refused(lib: Any, setup: Any, name: str) -> None:
    scaler, _, optimizer = setup
    with pytest.raises(AssertionError, match="_scale is None"):
        getattr(scaler, name)(*([optimizer] if name != "update" else []))


def test_bad_arguments(lib: Any, setup: Any) -> None:
    scaler, _, optimizer = setup
    with pytest.raises(ValueError, match="Tensor or an iterable"):
        scaler.scale(3)
    with pytest.raises(RuntimeError, match="Closure"):
        scaler.step(optimizer, closure=lambda: 1.0)
    scaler.scale(lib.ones(1))
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.step(optimizer)
    with pytest.raises(AssertionError):
        lib.amp.GradScaler("cpu", growth_factor=1.0)


def test_without_a_gpu_it_is_disabled(lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2))
    optimizer = lib.optim.SGD([p], lr=0.5)
    with pytest.warns(UserWarning, match="Disabling"):
        scaler = lib.amp.GradScaler()
    assert not scaler.is_enabled()
    assert scaler.state_dict() == {}
    assert scaler.get_scale() == 1.0
    scaled_step(lib, scaler, p, optimizer)
    assert lib.allclose(p, lib.full((2,), 0.5))


def test_autocast_blocks_and_decorators(lib: Any) -> None:
    with pytest.warns(UserWarning, match="Disabling"):
        block = lib.autocast("cuda", dtype=lib.float16)
    with block:
        assert (lib.ones(2, 2) @ lib.ones(2, 2)).dtype == lib.float32
        assert not lib.is_autocast_enabled()
    with lib.amp.autocast("cpu", enabled=False):
        assert not lib.is_autocast_enabled("cpu")

    @lib.autocast(device_type="cpu", enabled=False)
    def function(x: Any) -> Any:
        """Twice."""
        return 2 * x

    assert function(3) == 6
    assert function.__name__ == "function"
    with pytest.raises(ValueError, match="device_type"):
        lib.autocast(3)
    with pytest.raises(RuntimeError, match="one of cpu, cuda"):
        lib.autocast("foo")


def test_the_older_names_warn(lib: Any) -> None:
    amp = importlib.import_module(f"{lib.__name__}.cuda.amp")
    with pytest.warns(FutureWarning, match="deprecated"), amp.autocast(enabled=False):
        pass
    with pytest.warns(FutureWarning, match="deprecated"):
        assert not amp.GradScaler(enabled=False).is_enabled()


def test_functions_of_ones_own(lib: Any) -> None:
    class Double(lib.autograd.Function):
        @staticmethod
        @lib.amp.custom_fwd(device_type="cuda")
        def forward(ctx: Any, x: Any) -> Any:
            return 2 * x

        @staticmethod
        @lib.amp.custom_bwd(device_type="cuda")
        def backward(ctx: Any, dy: Any) -> Any:
            return 2 * dy

    x = lib.ones(2, requires_grad=True)
    Double.apply(x).sum().backward()
    assert lib.equal(x.grad, lib.full((2,), 2.0))


def test_nothing_is_cast_and_a_warning_says_so() -> None:
    import penlight as torch

    with pytest.warns(UserWarning, match="casts nothing"):
        block = torch.autocast("cpu")
    with block:
        assert torch.is_autocast_enabled("cpu")
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
        with torch.autocast("cpu", enabled=False):
            assert not torch.is_autocast_enabled("cpu")
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")
