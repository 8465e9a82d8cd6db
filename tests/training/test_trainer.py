"""The loop: it learns, tells its callbacks, stops after a step, and goes on with the same bits."""

from __future__ import annotations

import copy
import os
import signal

import numpy as np
import pytest

import penlight
from penlight import nn, optim
from penlight.nn import functional as F
from penlight.training import Callback, Diverged, EpochBatches, Interrupted, Trainer, evaluate
from penlight.utils.data import DataLoader, TensorDataset


def two_moons(n=200):
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, np.pi, n)
    side = rng.integers(0, 2, n)
    x = np.stack([np.cos(angle) + side, np.sin(angle) * (1 - 2 * side) + 0.4 * side], 1)
    x = (x + rng.normal(0, 0.1, x.shape)).astype(np.float32)
    return TensorDataset(penlight.from_numpy(x), penlight.from_numpy(side.astype(np.int64)))


def make(callbacks=(), lr=0.01, scheduler=None, dataset=None):
    penlight.manual_seed(3)
    dataset = dataset or two_moons()
    model = nn.Sequential(
        nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2)
    )
    optimizer = optim.Adam(model.parameters(), lr=lr)
    loader = DataLoader(dataset, batch_sampler=EpochBatches(len(dataset), 16, seed=1))
    steps = len(loader)
    schedule = scheduler and scheduler(optimizer, steps)
    per_step = not isinstance(schedule, optim.lr_scheduler.ReduceLROnPlateau)
    trainer = Trainer(
        model, optimizer, F.cross_entropy, scheduler=schedule, schedule_per_step=per_step,
        evaluate=lambda m: {"test_accuracy": evaluate(m, DataLoader(dataset, 50)).accuracy},
        callbacks=callbacks,
    )  # fmt: skip
    return trainer, loader


class Log(Callback):
    def __init__(self):
        self.events, self.losses, self.records = [], [], []

    def on_start(self, trainer):
        self.events.append("start")

    def on_step(self, trainer, loss):
        assert all(p.grad is not None for p in trainer.model.parameters())
        self.losses.append(loss)

    def on_epoch(self, trainer, record):
        self.events.append(f"epoch {record['epoch']}")
        self.records.append(record)

    def on_end(self, trainer, error):
        self.events.append(f"end {type(error).__name__}")


def weights(trainer):
    return b"".join(t.numpy().tobytes() for t in trainer.model.state_dict().values())


def test_it_learns_and_tells():
    log = Log()
    trainer, loader = make([log])
    progress = trainer.fit(loader, 15)
    assert log.events == ["start", *(f"epoch {i}" for i in range(1, 16)), "end NoneType"]
    assert log.records[-1]["test_accuracy"] > 0.95
    assert progress.best == max(r["test_accuracy"] for r in log.records)
    assert (progress.epoch, progress.step, progress.total_steps) == (15, 0, 15 * 13)
    assert len(log.losses) == 15 * 13
    np.testing.assert_allclose(
        log.records[0]["train_loss"],
        (16 * sum(log.losses[:12]) + 8 * log.losses[12]) / 200,
        rtol=1e-6,
    )


def test_each_image_once_an_epoch_in_an_order_of_its_own():
    batches = EpochBatches(10, 4, seed=5)
    orders = []
    for epoch in (0, 1, 0):
        batches.set_epoch(epoch)
        parts = list(batches)
        assert [len(p) for p in parts] == [4, 4, 2]
        orders.append([i for part in parts for i in part])
        assert sorted(orders[-1]) == list(range(10))
    assert orders[0] == orders[2] != orders[1]
    batches.set_epoch(0, first=1)
    assert [i for part in batches for i in part] == orders[0][4:]
    assert len(EpochBatches(10, 4, 0, drop_last=True)) == 2


class StopAt(Callback):
    """Sends this process a signal after a step, as Ctrl-C does."""

    def __init__(self, step, number=signal.SIGINT):
        self.step, self.number = step, number

    def on_step(self, trainer, loss):
        if trainer.progress.total_steps == self.step:
            os.kill(os.getpid(), self.number)


SCHEDULES = {
    "none": None,
    "onecycle": lambda o, steps: optim.lr_scheduler.OneCycleLR(o, 0.05, total_steps=4 * steps),
    "plateau": lambda o, steps: optim.lr_scheduler.ReduceLROnPlateau(o, patience=0),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("stop", [1, 13, 20, 51])
def test_stopped_and_resumed_is_the_same_as_not_stopped(stop, schedule, tmp_path):
    whole, loader = make(scheduler=SCHEDULES[schedule])
    whole.fit(loader, 4)

    log = Log()
    first, loader = make([log, StopAt(stop)], scheduler=SCHEDULES[schedule])
    with pytest.raises(Interrupted, match="stopped by SIGINT"):
        first.fit(loader, 4)
    assert first.progress.total_steps == stop
    assert log.events[-1] == "end Interrupted"
    penlight.save(first.state_dict(), tmp_path / "state.pt")

    second, loader = make(scheduler=SCHEDULES[schedule])
    penlight.randn(7)  # whatever happened in the new process before
    second.load_state_dict(penlight.load(tmp_path / "state.pt"))
    second.fit(loader, 4)
    assert weights(second) == weights(whole)
    assert second.progress.best == whole.progress.best
    assert second.lr == whole.lr


def test_resumed_between_epochs_is_the_same():
    class Keep(Callback):
        def on_epoch(self, trainer, record):
            states.append(copy.deepcopy(trainer.state_dict()))

    states = []
    whole, loader = make([Keep()])
    whole.fit(loader, 3)
    for state in states:
        again, loader = make()
        again.load_state_dict(state)
        again.fit(loader, 3)
        assert weights(again) == weights(whole)


@pytest.mark.parametrize("shuffle", [False, True])
def test_loaders_without_epochs_resume_too(shuffle):
    def run(stop):
        trainer, _ = make([StopAt(stop)] if stop else [])
        loader = DataLoader(two_moons(), batch_size=16, shuffle=shuffle)
        if stop:
            with pytest.raises(Interrupted):
                trainer.fit(loader, 2)
            state = trainer.state_dict()
            trainer, _ = make()
            trainer.load_state_dict(state)
        trainer.fit(loader, 2)
        return weights(trainer)

    assert run(0) == run(5) == run(18)


def test_a_second_signal_stops_at_once_and_says_so():
    class Twice(Callback):
        def on_step(self, trainer, loss):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            self.reached = True

    twice = Twice()
    trainer, loader = make([twice])
    with pytest.raises(Interrupted) as caught:
        trainer.fit(loader, 1)
    assert not caught.value.between_steps
    assert not hasattr(twice, "reached")


def test_ignored_signals_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        trainer, loader = make([StopAt(2)])
        assert trainer.fit(loader, 1).epoch == 1
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_all_callbacks_are_told_of_the_end():
    class Fails(Callback):
        def on_end(self, trainer, error):
            raise OSError("disk full")

    log = Log()
    trainer, loader = make([Fails(), log])
    with pytest.raises(OSError, match="disk full"):
        trainer.fit(loader, 1)
    assert log.events[-1] == "end NoneType"


def test_signals_are_given_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    trainer, loader = make([StopAt(2, signal.SIGTERM)])
    with pytest.raises(Interrupted) as caught:
        trainer.fit(loader, 1)
    assert caught.value.signal_number == signal.SIGTERM
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_loss_that_is_nan_stops_before_the_step():
    dataset = two_moons()
    trainer, loader = make(dataset=dataset)
    dataset.tensors[0][100] = float("nan")
    log = Log()
    trainer.callbacks.append(log)
    with pytest.raises(
        Diverged, match=r"the loss became nan in epoch 1, step \d+ \(learning rate 0.01"
    ):
        trainer.fit(loader, 1)
    assert log.events[-1] == "end Diverged"
    assert all(np.isfinite(p.detach().numpy()).all() for p in trainer.model.parameters())


def test_weights_that_became_nan_are_no_success():
    trainer, loader = make(lr=1e30)
    trainer.evaluate = lambda model: {"test_loss": float("nan"), "test_accuracy": 0.5}
    trainer.epochs = 1
    log = Log()
    trainer.callbacks.append(log)
    trainer.optimizer.param_groups[0]["lr"] = 0.0
    with pytest.raises(Diverged, match="the test loss became nan after epoch 1"):
        trainer.fit(loader, 1)
    assert log.records == []


def test_anomaly_mode_names_the_operation():
    class Root(nn.Module):
        def forward(self, x):
            return x.sum(1, keepdim=True).expand(-1, 2).sqrt()  # of negative numbers too

    trainer, loader = make()
    trainer.model.append(Root())
    with penlight.autograd.set_detect_anomaly(True), pytest.raises(Diverged, match=r"(?i)sqrt"):
        trainer.fit(loader, 1)


def test_states_of_other_models_are_refused():
    trainer, _ = make()
    state = trainer.state_dict()
    other = Trainer(nn.Linear(2, 2), optim.SGD([nn.Parameter(penlight.zeros(1))]), F.cross_entropy)
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict(state)


def test_evaluation():
    x = penlight.tensor([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    y = penlight.tensor([0, 1, 2, 0])
    model = nn.Sequential(nn.Identity(), nn.Dropout(0.5)).train()
    result = evaluate(model, DataLoader(TensorDataset(x, y), 3))
    assert result.accuracy == 0.75
    assert result.confusion() == [[2, 0, 0], [0, 1, 0], [0, 1, 0]]
    np.testing.assert_allclose(result.loss, F.cross_entropy(x, y).item(), rtol=1e-6)
    np.testing.assert_allclose(
        result.probabilities[0].item(), np.exp(2) / (np.exp(2) + 2), rtol=1e-6
    )
    assert model.training
    with pytest.raises(ValueError, match="loader gave no batches"):
        evaluate(model, DataLoader(TensorDataset(x[:0], y[:0]), 3))
