"""Averaged models, their batch norms, and the learning rate of the averaging phase."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import penlight
from tests.optim.test_schedulers import new_optimizer, rates

STEPS = 6
RNG = np.random.default_rng(0)
WEIGHTS = RNG.standard_normal((STEPS, 3, 2)).astype(np.float32)
BIASES = RNG.standard_normal((STEPS, 3)).astype(np.float32)
DATA = RNG.standard_normal((4, 8, 2)).astype(np.float32)


def model_of(lib: Any) -> Any:
    return lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3))


def average(lib: Any, **options: Any) -> tuple[Any, Any]:
    """A model whose weights are set to those of six steps, and the average of it."""
    model = model_of(lib)
    averaged = lib.optim.swa_utils.AveragedModel(model, **options)
    for t in range(STEPS):
        with lib.no_grad():
            model[0].weight.copy_(lib.from_numpy(WEIGHTS[t]))
            model[0].bias.copy_(lib.from_numpy(BIASES[t]))
        model(lib.from_numpy(DATA[t % 4]))
        averaged.update_parameters(model)
    return model, averaged


def arrays(model: Any) -> dict[str, np.ndarray]:
    return {name: np.array(t.detach().numpy()) for name, t in model.state_dict().items()}


def test_equal_average_is_the_mean(lib: Any) -> None:
    model, averaged = average(lib)
    np.testing.assert_allclose(averaged.module[0].weight.detach().numpy(), WEIGHTS.mean(0), 1e-5)
    np.testing.assert_allclose(averaged.module[0].bias.detach().numpy(), BIASES.mean(0), 1e-5)
    assert averaged.n_averaged.item() == STEPS
    for own, other in zip(averaged.module.buffers(), model.buffers(), strict=True):
        assert own.tolist() == other.tolist()
        assert own is not other


def test_moving_average(lib: Any) -> None:
    _, averaged = average(lib, avg_fn=lib.optim.swa_utils.get_ema_avg_fn(0.75))
    expected = WEIGHTS[0]
    for weight in WEIGHTS[1:]:
        expected = 0.75 * expected + 0.25 * weight
    np.testing.assert_allclose(averaged.module[0].weight.detach().numpy(), expected, 1e-5)


MAKERS = {
    "swa": lambda swa: {"avg_fn": swa.get_swa_avg_fn()},
    "swa, several": lambda swa: {"multi_avg_fn": swa.get_swa_multi_avg_fn()},
    "ema": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.9)},
    "ema, several": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.9)},
    "ema of no memory": lambda swa: {"avg_fn": swa.get_ema_avg_fn(0.0)},
    "ema of all": lambda swa: {"multi_avg_fn": swa.get_ema_multi_avg_fn(1.0)},
    "default": lambda swa: {},
    "own": lambda swa: {"avg_fn": lambda a, x, n: (a + x) / (n + 2)},
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_same_as_pytorch(name: str, use_buffers: bool, torch: Any) -> None:
    if name == "swa, several" and use_buffers:
        return  # PyTorch can't divide integers so
    found = []
    for lib in (penlight, torch):
        options = MAKERS[name](lib.optim.swa_utils)
        found.append(average(lib, use_buffers=use_buffers, **options)[1])
    ours, theirs = arrays(found[0]), arrays(found[1])
    assert list(ours) == list(theirs)
    for key in ours:
        assert ours[key].dtype == theirs[key].dtype
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-5, atol=1e-6)
    assert repr(found[0]) == repr(found[1])


def test_averaging_of_integer_buffers() -> None:
    """One by one, or several at once: the same, cut off."""
    swa = penlight.optim.swa_utils
    one = average(penlight, use_buffers=True, avg_fn=swa.get_swa_avg_fn())[1]
    other = average(penlight, use_buffers=True, multi_avg_fn=swa.get_swa_multi_avg_fn())[1]
    for key, value in arrays(one).items():
        np.testing.assert_allclose(arrays(other)[key], value, rtol=1e-5, atol=1e-6)


def test_averaged_model_is_a_copy(lib: Any) -> None:
    model = model_of(lib)
    averaged = lib.optim.swa_utils.AveragedModel(model).eval()
    x = lib.from_numpy(DATA[0])
    before = averaged(x).tolist()
    with lib.no_grad():
        model[0].weight.fill_(0)
    assert averaged(x).tolist() == before
    averaged.update_parameters(model)  # the first ones are copied
    assert averaged.module[0].weight.tolist() == model[0].weight.tolist()
    assert all(p.requires_grad for p in averaged.parameters())


def test_state_of_averaged_model(lib: Any) -> None:
    _, averaged = average(lib)
    again = lib.optim.swa_utils.AveragedModel(model_of(lib))
    again.load_state_dict(averaged.state_dict())
    assert arrays(again).keys() == arrays(averaged).keys()
    assert again.n_averaged.item() == STEPS
    assert copy.deepcopy(averaged).n_averaged.item() == STEPS


def test_both_functions_are_refused(lib: Any) -> None:
    swa = lib.optim.swa_utils
    with pytest.raises(AssertionError, match=r"[Oo]nly one of avg_fn and multi_avg_fn"):
        swa.AveragedModel(
            model_of(lib), avg_fn=swa.get_swa_avg_fn(), multi_avg_fn=swa.get_swa_multi_avg_fn()
        )


@pytest.mark.parametrize("decay", [-0.1, 1.1])
@pytest.mark.parametrize("name", ["get_ema_avg_fn", "get_ema_multi_avg_fn"])
def test_decay_out_of_range(name: str, decay: float, lib: Any) -> None:
    with pytest.raises(ValueError, match="decay"):
        getattr(lib.optim.swa_utils, name)(decay)


@pytest.mark.parametrize("form", ["tensors", "pairs"])
def test_update_bn(form: str, lib: Any) -> None:
    """The statistics are means over all batches, whatever the momentum was."""
    model = model_of(lib).eval()
    batches = [lib.from_numpy(x) for x in DATA]
    model[1].running_mean.fill_(99.0)
    loader = batches if form == "tensors" else [(x, "label") for x in batches]
    lib.optim.swa_utils.update_bn(loader, model)
    outputs = np.stack([model[0](x).detach().numpy() for x in batches])
    np.testing.assert_allclose(model[1].running_mean.numpy(), outputs.mean((0, 1)), 1e-4, 1e-5)
    variances = outputs.var(1, ddof=1).mean(0)
    np.testing.assert_allclose(model[1].running_var.numpy(), variances, 1e-4)
    assert model[1].momentum == 0.1
    assert not model.training
    assert model[1].num_batches_tracked.item() == 4


def test_update_bn_without_batch_norm(lib: Any) -> None:
    def loader() -> Any:
        raise AssertionError("is not read")
        yield

    lib.optim.swa_utils.update_bn(loader(), lib.nn.Linear(2, 2))


# -- the learning rate ---------------------------------------------------------------------------


def swalr(lib: Any, optimizer: Any, **options: Any) -> Any:
    return lib.optim.swa_utils.SWALR(optimizer, **{"swa_lr": 0.02, **options})


OPTIONS: list[dict[str, Any]] = [
    {},
    {"anneal_epochs": 4, "anneal_strategy": "linear"},
    {"swa_lr": [0.5, 0.01], "anneal_epochs": 7},
    {"anneal_epochs": 0},
    {"anneal_epochs": 1, "anneal_strategy": "linear"},
]


@pytest.mark.parity
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_rates_same_as_pytorch(options: dict[str, Any], torch: Any) -> None:
    found = []
    for lib in (penlight, torch):
        optimizer = new_optimizer(lib)
        other = lib.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        scheduler = swalr(lib, optimizer, **options)
        series = [rates(optimizer)]
        for t in range(15):
            optimizer.step()
            (other if t in (0, 1, 6) else scheduler).step()
            series.append(rates(optimizer))
        found.append((series, scheduler.state_dict()))
    (ours, state), (theirs, reference) = found
    for a, b in zip(ours, theirs, strict=True):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12)
    assert set(state) == set(reference)
    assert state["_anneal_strategy"] == reference["_anneal_strategy"]


@pytest.mark.parity
@pytest.mark.parametrize("direction", ["to PyTorch", "from PyTorch"])
def test_other_library_goes_on(direction: str, torch: Any) -> None:
    here, there = (penlight, torch) if direction == "to PyTorch" else (torch, penlight)
    optimizer, other_optimizer = new_optimizer(here), new_optimizer(there)
    scheduler = swalr(here, optimizer, anneal_strategy="linear")
    other = swalr(there, other_optimizer, swa_lr=9)
    for t in range(12):
        if t == 5:
            other_optimizer.load_state_dict(optimizer.state_dict())
            other.load_state_dict(scheduler.state_dict())
        optimizer.step()
        scheduler.step()
        if t >= 5:
            other_optimizer.step()
            other.step()
            assert rates(other_optimizer) == pytest.approx(rates(optimizer), rel=1e-9)


def test_rates_follow_the_formula() -> None:
    optimizer = new_optimizer(penlight)
    scheduler = swalr(penlight, optimizer, anneal_epochs=5)
    for t in range(8):
        share = (1 - math.cos(math.pi * min(t / 5, 1))) / 2
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 + share * (0.02 - 0.1))
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"anneal_strategy": "x"}, "anneal_strategy"),
        ({"anneal_epochs": -1}, "anneal_epochs"),
        ({"anneal_epochs": 1.5}, "anneal_epochs"),
        ({"swa_lr": [0.1]}, "swa_lr"),
    ],
)
def test_bad_options(options: dict[str, Any], match: str, lib: Any) -> None:
    with pytest.raises(ValueError, match=match):
        swalr(lib, new_optimizer(lib), **options)
