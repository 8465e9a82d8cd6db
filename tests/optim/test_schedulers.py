"""Every row of the scheduler table, against PyTorch at each step, resumed, and used by hand."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import penlight
from tests.optim.table import BAD_SCHEDULES, SCHEDULERS, SchedulerRow, halves, wobble

STEPS = 40
each_row = pytest.mark.parametrize("row", [pytest.param(r, id=r.id) for r in SCHEDULERS])
each_bad = pytest.mark.parametrize(("name", "build", "error", "match"), BAD_SCHEDULES)
OPTIMIZERS = {
    "SGD": lambda lib, groups: lib.optim.SGD(groups, lr=0.1, momentum=0.9),
    "Adam": lambda lib, groups: lib.optim.Adam(groups, lr=0.1),
    "RMSprop": lambda lib, groups: lib.optim.RMSprop(groups, lr=0.1),
}


def new_optimizer(lib: Any, kind: str = "SGD") -> Any:
    first, second = (lib.nn.Parameter(lib.ones(1)) for _ in range(2))
    return OPTIMIZERS[kind](lib, [{"params": first}, {"params": second, "lr": 0.04}])


def rates(optimizer: Any) -> list[Any]:
    """What a scheduler may set: each group's learning rate and momentum."""
    found = []
    for group in optimizer.param_groups:
        momentum = group["betas"][0] if "betas" in group else group["momentum"]
        found += [float(group["lr"]), float(momentum)]
    return found


def advance(optimizer: Any, scheduler: Any, t: int) -> None:
    optimizer.step()
    if "Plateau" in type(scheduler).__name__:
        scheduler.step(math.sin(t) + 1 / (t + 1))
    else:
        scheduler.step()


def run(
    lib: Any,
    row: SchedulerRow,
    kind: str = "SGD",
    by_hand: Callable[[Any, int], None] = lambda optimizer, t: None,
) -> list[list[float]]:
    """The rates of all steps."""
    optimizer = new_optimizer(lib, kind)
    scheduler = row.build(lib, optimizer)
    found = [rates(optimizer)]
    for t in range(STEPS):
        by_hand(optimizer, t)
        advance(optimizer, scheduler, t)
        found.append(rates(optimizer))
        last = [float(r) for r in scheduler.get_last_lr()]
        assert last == [float(g["lr"]) for g in optimizer.param_groups]
    return found


def assert_same(ours: list[list[float]], theirs: list[list[float]]) -> None:
    for t, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        close = pytest.approx(b, rel=1e-12, abs=1e-17) if isinstance(b[0], float) else b
        assert a == close, f"after step {t}"


def test_every_scheduler_has_a_row() -> None:
    schedulers = penlight.optim.lr_scheduler
    public = {
        name
        for name, value in vars(schedulers).items()
        if isinstance(value, type) and value is not schedulers.LRScheduler
    }
    assert public == {row.name for row in SCHEDULERS}


# -- against PyTorch -----------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("kind", list(OPTIMIZERS))
@each_row
def test_same_as_pytorch(row: SchedulerRow, kind: str, torch: Any) -> None:
    assert_same(run(penlight, row, kind), run(torch, row, kind))


@pytest.mark.parity
@each_row
def test_rates_changed_by_hand(row: SchedulerRow, torch: Any) -> None:
    def by_hand(optimizer: Any, t: int) -> None:
        if t in (2, 13, 14):
            optimizer.param_groups[0]["lr"] = 0.3
            optimizer.param_groups[1]["lr"] *= 2

    ours, theirs = run(penlight, row, by_hand=by_hand), run(torch, row, by_hand=by_hand)
    assert_same(ours, theirs)


@pytest.mark.parity
@each_row
def test_group_added_later(row: SchedulerRow, torch: Any) -> None:
    """It is scheduled like the others, or refused in the step that has no value for it."""
    found = []
    for lib in (penlight, torch):
        optimizer = new_optimizer(lib)
        scheduler = row.build(lib, optimizer)
        optimizer.add_param_group({"params": lib.nn.Parameter(lib.ones(1)), "lr": 0.2})
        series: list[Any] = []
        try:
            for t in range(STEPS):
                advance(optimizer, scheduler, t)
                series.append(rates(optimizer))
        except (ValueError, RuntimeError, KeyError) as error:
            series.append([type(error)])
        found.append(series)
    assert_same(*found)


@pytest.mark.parity
@each_row
def test_rates_as_tensors(row: SchedulerRow, torch: Any) -> None:
    """They are filled in place. In single precision, so compared less sharply."""
    found = []
    for lib in (penlight, torch):
        optimizer = new_optimizer(lib)
        held = [lib.tensor(0.1), lib.tensor(0.04)]
        for group, lr in zip(optimizer.param_groups, held, strict=True):
            group["lr"] = lr
        scheduler = row.build(lib, optimizer)
        series = []
        for t in range(20):
            advance(optimizer, scheduler, t)
            series += [float(lr) for lr in held]
        assert all(g["lr"] is lr for g, lr in zip(optimizer.param_groups, held, strict=True))
        assert all(x is not y for x, y in zip(scheduler.get_last_lr(), held, strict=True))
        found.append(series)
    assert found[0] == pytest.approx(found[1], rel=1e-4, abs=1e-7)


@pytest.mark.parity
@pytest.mark.parametrize("steps", [0, 11])
@each_row
def test_state_dict_has_pytorchs_keys_and_values(row: SchedulerRow, steps: int, torch: Any) -> None:
    found = []
    for lib in (penlight, torch):
        optimizer = new_optimizer(lib)
        scheduler = row.build(lib, optimizer)
        for t in range(steps):
            advance(optimizer, scheduler, t)
        found.append(scheduler.state_dict())

    def check(a: Any, b: Any) -> None:
        if isinstance(a, dict):
            assert set(a) == set(b)
            for key in a:
                check(a[key], b[key])
        elif isinstance(a, list):
            assert len(a) == len(b)
            for x, y in zip(a, b, strict=True):
                check(x, y)
        else:
            assert a == (pytest.approx(b, rel=1e-12) if isinstance(b, float) else b)

    check(*found)


@pytest.mark.parity
@pytest.mark.parametrize("direction", ["to PyTorch", "from PyTorch"])
@each_row
def test_other_library_goes_on(row: SchedulerRow, direction: str, torch: Any) -> None:
    here, there = (penlight, torch) if direction == "to PyTorch" else (torch, penlight)
    optimizer, other_optimizer = new_optimizer(here), new_optimizer(there)
    scheduler, other = row.build(here, optimizer), row.build(there, other_optimizer)
    for t in range(13):
        advance(optimizer, scheduler, t)
    other_optimizer.load_state_dict(optimizer.state_dict())
    other.load_state_dict(scheduler.state_dict())
    for t in range(13, STEPS):
        advance(optimizer, scheduler, t)
        advance(other_optimizer, other, t)
        assert rates(other_optimizer) == pytest.approx(rates(optimizer), rel=1e-12, abs=1e-17)


@pytest.mark.parity
@each_row
def test_resumed_by_last_epoch(row: SchedulerRow, torch: Any) -> None:
    """``last_epoch=n`` with the rates that the groups have."""
    if row.make is not None or "Plateau" in row.name:
        pytest.skip("takes no last_epoch, or its parts do")
    if row.options.get("T_mult", 1) > 1:
        pytest.skip("PyTorch goes on in the wrong wave; see the test below")
    for epoch in range(12):
        found = []
        for lib in (penlight, torch):
            optimizer = new_optimizer(lib)
            row.build(lib, optimizer)  # gives the groups what a saved optimizer would hold
            scheduler = row.build(lib, optimizer, last_epoch=epoch)
            series = [rates(optimizer)]
            for t in range(12):
                advance(optimizer, scheduler, t)
                series.append(rates(optimizer))
            found.append(series)
        assert_same(*found)


@pytest.mark.parity
@pytest.mark.parametrize("make", [
    lambda s, o: s.StepLR(o, 3),
    lambda s, o: s.MultiStepLR(o, [2, 5, 5]),
    lambda s, o: s.ConstantLR(o, 0.5, 4),
    lambda s, o: s.LinearLR(o, 0.1, 0.8, 7),
    lambda s, o: s.ExponentialLR(o, 0.9),
    lambda s, o: s.PolynomialLR(o, 7, 2),
    lambda s, o: s.CosineAnnealingLR(o, 5, 0.01),
    lambda s, o: s.LambdaLR(o, halves),
    lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2),
])  # fmt: skip
def test_jumps_to_an_epoch(make: Any, torch: Any) -> None:
    """``step(epoch)`` takes the closed form, with a warning that it is deprecated."""
    found = []
    for lib in (penlight, torch):
        optimizer = new_optimizer(lib)
        scheduler = make(lib.optim.lr_scheduler, optimizer)
        optimizer.step()
        series = []
        for epoch in (5, 2, 11, 0, 8):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scheduler.step(epoch)
            series += [*rates(optimizer), scheduler.last_epoch, len(caught)]
            scheduler.step()
            series += [*rates(optimizer), scheduler.last_epoch]
        found.append(series)
    assert found[0] == pytest.approx(found[1], rel=1e-12, abs=1e-17)


# -- resumed, copied -----------------------------------------------------------------------------


@each_row
def test_resumed_from_a_state_dict(row: SchedulerRow) -> None:
    optimizer = new_optimizer(penlight)
    scheduler = row.build(penlight, optimizer)
    for t in range(10):
        advance(optimizer, scheduler, t)
    saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    rest = []
    for t in range(10, STEPS):
        advance(optimizer, scheduler, t)
        rest.append(rates(optimizer))

    again = new_optimizer(penlight)
    resumed = row.build(penlight, again)
    again.load_state_dict(saved[0])
    resumed.load_state_dict(saved[1])
    for t in range(10, STEPS):
        advance(again, resumed, t)
        assert rates(again) == rest[t - 10]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@each_row
def test_copies_go_on_alike(row: SchedulerRow, copied: Any) -> None:
    optimizer = new_optimizer(penlight)
    scheduler = row.build(penlight, optimizer)
    for t in range(6):
        advance(optimizer, scheduler, t)
    other = copied(scheduler)
    assert other.optimizer is not optimizer
    for t in range(6, 15):
        advance(optimizer, scheduler, t)
        advance(other.optimizer, other, t)
        assert rates(other.optimizer) == rates(optimizer)


def test_restarts_resumed_by_last_epoch() -> None:
    """Waves of growing length: the wave of the given epoch goes on."""
    make = penlight.optim.lr_scheduler.CosineAnnealingWarmRestarts
    optimizer = new_optimizer(penlight)
    scheduler = make(optimizer, 2, 3)
    series = [rates(optimizer)]
    for t in range(30):
        advance(optimizer, scheduler, t)
        series.append(rates(optimizer))
    for epoch in range(20):
        optimizer = new_optimizer(penlight)
        make(optimizer, 2, 3)
        resumed = make(optimizer, 2, 3, last_epoch=epoch)
        for t in range(epoch + 1, 30):
            assert rates(optimizer) == pytest.approx(series[t], rel=1e-12)
            advance(optimizer, resumed, t)


# -- used by hand --------------------------------------------------------------------------------


def test_two_schedulers_on_one_optimizer(lib: Any) -> None:
    optimizer = new_optimizer(lib)
    scheduler = lib.optim.lr_scheduler
    both = scheduler.ExponentialLR(optimizer, 0.5), scheduler.StepLR(optimizer, 2, 0.1)
    optimizer.step()
    for _ in range(4):
        for s in both:
            s.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**4 * 0.1**2)
    assert optimizer.param_groups[0]["initial_lr"] == 0.1


@pytest.mark.parametrize("base", ["LRScheduler", "_LRScheduler"])
def test_scheduler_of_ones_own(lib: Any, base: str) -> None:
    """``get_lr`` is all that a subclass needs."""

    class Falling(getattr(lib.optim.lr_scheduler, base)):  # type: ignore[misc]
        def get_lr(self) -> list[float]:
            return [base / (1 + self.last_epoch) for base in self.base_lrs]

    optimizer = new_optimizer(lib)
    scheduler = Falling(optimizer)
    assert scheduler.get_last_lr() == [0.1, 0.04]
    optimizer.step()
    scheduler.step()
    assert [g["lr"] for g in optimizer.param_groups] == [0.05, 0.02]
    assert scheduler.last_epoch == 1


def test_base_class_has_no_schedule(lib: Any) -> None:
    with pytest.raises(NotImplementedError):
        lib.optim.lr_scheduler.LRScheduler(new_optimizer(lib))


def test_get_lr_is_not_meant_for_users(lib: Any) -> None:
    scheduler = lib.optim.lr_scheduler.StepLR(new_optimizer(lib), 1)
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


def test_order_of_steps(lib: Any) -> None:
    """A scheduler that steps before its optimizer has skipped the first rate: one warning."""
    optimizer = new_optimizer(lib)
    scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()
    scheduler.step()
    other = new_optimizer(lib)
    scheduler = lib.optim.lr_scheduler.StepLR(other, 1)
    other.step()
    scheduler.step()


def test_step_before_the_scheduler_came_does_not_count(lib: Any) -> None:
    optimizer = new_optimizer(lib)
    optimizer.step()
    scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="before"):
        scheduler.step()


def test_step_replaced_on_the_instance(lib: Any) -> None:
    optimizer = new_optimizer(lib)
    scheduler = lib.optim.lr_scheduler.StepLR(optimizer, 1)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="overridden"):
        scheduler.step()


def test_callable_objects_are_saved(lib: Any) -> None:
    """Of a function nothing can be saved; of an object its attributes."""
    schedulers = lib.optim.lr_scheduler
    power = Power(0.5)
    scheduler = schedulers.LambdaLR(new_optimizer(lib), [power, halves])
    assert scheduler.state_dict()["lr_lambdas"] == [{"base": 0.5}, None]
    power.base = 0.25
    scheduler.load_state_dict({**scheduler.state_dict(), "lr_lambdas": [{"base": 0.5}, None]})
    assert power.base == 0.5

    cyclic = schedulers.CyclicLR(new_optimizer(lib), 0.1, 0.2, scale_fn=power)
    assert cyclic.state_dict()["_scale_fn_custom"] == {"base": 0.5}
    cyclic.load_state_dict({**cyclic.state_dict(), "_scale_fn_custom": {"base": 0.75}})
    assert power.base == 0.75


class Power:
    def __init__(self, base: float) -> None:
        self.base = base

    def __call__(self, t: float) -> float:
        return self.base**t


def test_plateau_takes_tensors_and_counts_nan_as_bad(lib: Any) -> None:
    optimizer = new_optimizer(lib)
    scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    for value in (lib.tensor(1.0), 0.5, float("nan"), float("inf")):
        scheduler.step(value)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.01)
    assert scheduler.best == 0.5
    assert not scheduler.in_cooldown


def test_plateau_and_a_group_that_came_later(lib: Any) -> None:
    optimizer = new_optimizer(lib)
    scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0, 0])
    optimizer.add_param_group({"params": lib.nn.Parameter(lib.ones(1))})
    scheduler.step(1.0)
    with pytest.raises(RuntimeError, match="min_lrs"):
        scheduler.step(1.0)


def test_one_cycle_ends(lib: Any) -> None:
    optimizer = new_optimizer(lib)
    scheduler = lib.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3)
    optimizer.step()
    for _ in range(3):
        scheduler.step()
    with pytest.raises(ValueError, match="Tried to step 4 times"):
        scheduler.step()


def test_one_cycle_with_a_rise_of_no_length() -> None:
    """The first step is the highest then. PyTorch divides by zero."""
    optimizer = new_optimizer(penlight)
    penlight.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=10, pct_start=0.1)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.3)


@pytest.mark.parametrize("name", ["CyclicLR", "OneCycleLR"])
def test_cycling_a_momentum_that_is_not_there(lib: Any, name: str) -> None:
    optimizer = lib.optim.Adagrad([lib.nn.Parameter(lib.ones(1))])
    make = getattr(lib.optim.lr_scheduler, name)
    with pytest.raises(ValueError, match="momentum"):
        make(optimizer, 0.1, 10)


def test_parts_of_different_optimizers(lib: Any) -> None:
    schedulers = lib.optim.lr_scheduler
    one, other = new_optimizer(lib), new_optimizer(lib)
    parts = [schedulers.StepLR(one, 1), schedulers.StepLR(other, 1)]
    with pytest.raises(ValueError, match="same optimizer"):
        schedulers.SequentialLR(one, parts, [1])
    with pytest.raises(ValueError, match="same optimizer"):
        schedulers.ChainedScheduler(parts)
    with pytest.raises(ValueError, match="same optimizer"):
        schedulers.ChainedScheduler(parts[:1], optimizer=other)


def series_of(make: Any, steps: int) -> list[float]:
    optimizer = new_optimizer(penlight)
    scheduler = make(penlight.optim.lr_scheduler, optimizer)
    found = [optimizer.param_groups[0]["lr"]]
    for t in range(steps):
        advance(optimizer, scheduler, t)
        found.append(optimizer.param_groups[0]["lr"])
    return found


def warm(s: Any, o: Any) -> Any:
    return s.SequentialLR(o, [s.ConstantLR(o, 0.5, 9), s.ExponentialLR(o, 0.9)], [2])


def chain(s: Any, o: Any) -> Any:
    return s.ChainedScheduler([s.ConstantLR(o, 0.5, 3), s.ExponentialLR(o, 0.9)])


def deep(s: Any, o: Any) -> Any:
    return s.SequentialLR(o, [s.ConstantLR(o, 0.5, 9), chain(s, o)], [2])


@pytest.mark.parametrize("part", [warm, chain, deep])
def test_composites_inside_a_sequence(part: Any) -> None:
    """As any other part they begin at their epoch 0. PyTorch refuses some of these."""
    alone = series_of(part, 6)
    first = series_of(
        lambda s, o: s.SequentialLR(o, [part(s, o), s.MultiplicativeLR(o, wobble)], [4]), 3
    )
    assert first == pytest.approx(alone[:4])
    last = series_of(lambda s, o: s.SequentialLR(o, [s.StepLR(o, 9), part(s, o)], [3]), 9)
    assert last == pytest.approx([0.1] * 3 + alone)


# -- refused -------------------------------------------------------------------------------------


@each_bad
def test_bad_arguments(name: str, build: Any, error: type[Exception], match: str, lib: Any) -> None:
    with pytest.raises(error, match=match):
        build(lib.optim.lr_scheduler, new_optimizer(lib))
