"""Runs as a config describes them: each setting reaches its place."""

from __future__ import annotations

import json

import numpy as np
import pytest

import penlight
from penlight import nn, optim
from penlight.models import VGG
from penlight.nn import functional as F
from penlight.optim import lr_scheduler
from penlight.training import (
    Callback,
    ConfigError,
    ImageData,
    Preprocess,
    RunFolder,
    TrainConfig,
    prepare,
    start,
)


def images(train=50, test=20):
    """A few images whose class is where they are bright."""
    rng = np.random.default_rng(0)

    def make(n):
        labels = rng.integers(0, 2, n)
        pixels = rng.integers(0, 60, (n, 1, 28, 28), dtype=np.uint8)
        for image, label in zip(pixels, labels, strict=True):
            image[0, :, 14 * label : 14 * label + 14] += 120
        return penlight.from_numpy(pixels), penlight.from_numpy(labels)

    (x, y), (tx, ty) = make(train), make(test)
    return ImageData(
        "toy", "Toy", "made here", {"a": "b"}, ["left", "right"], [0.4], [0.2], x, y, tx, ty
    )


def config(**settings):
    defaults = {"model": "mlp", "batch_size": 10, "epochs": 2, "records_per_epoch": 0}
    return TrainConfig(**{**defaults, **settings})


def prepared(**settings):
    return prepare(config(**settings), images())


def test_model_norm_and_options():
    job = prepared(model="vgg", norm="group", model_options={"widths": [4, 6]})
    assert isinstance(job.model, VGG)
    assert {type(m) for m in job.model.modules()} >= {nn.GroupNorm}
    assert [m.out_channels for m in job.model.modules() if isinstance(m, nn.Conv2d)] == [4, 6]
    with pytest.raises(ConfigError, match="model 'vgg': VGG: widths must be"):
        prepared(model="vgg", model_options={"widths": ["a"]})


def test_init_and_seed():
    assert (prepared(init="ones").model.layers[1].weight == 1).all()
    a, b, c = (prepared(seed=s).model.layers[1].weight for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()


@pytest.mark.parametrize(
    ("settings", "kind", "group"),
    [
        ({"optimizer": "sgd"}, optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        ({"optimizer": "sgd", "momentum": 0, "lr": 0.3}, optim.SGD, {"lr": 0.3, "momentum": 0}),
        (
            {"optimizer": "adam", "weight_decay": 0.01},
            optim.Adam,
            {"lr": 0.003, "weight_decay": 0.01},
        ),
        ({"optimizer": "adamw"}, optim.AdamW, {"weight_decay": 0.0}),
        ({"optimizer": "rmsprop", "momentum": 0.5}, optim.RMSprop, {"momentum": 0.5}),
        ({"optimizer": "adagrad"}, optim.Adagrad, {"lr": 0.02}),
    ],
)
def test_optimizer(settings, kind, group):
    for scheduler in ("none", "onecycle"):
        optimizer = prepared(scheduler=scheduler, **settings).trainer.optimizer
        assert type(optimizer) is kind
        found = optimizer.param_groups[0]
        for name, value in group.items():
            if scheduler == "none" or name != "lr":
                assert found[name] == value


def rates(scheduler, **options):
    """The learning rate after each step of two epochs of five steps."""

    class Rates(Callback):
        def __init__(self):
            self.rates = []

        def on_step(self, trainer, loss):
            self.rates.append(trainer.lr)

        def on_epoch(self, trainer, record):
            self.rates.append(trainer.lr)

    log = Rates()
    job = prepare(
        config(optimizer="sgd", lr=1.0, scheduler=scheduler, scheduler_options=options),
        images(),
        [log],
    )
    job.trainer.fit(job.train_loader, 2)
    return np.array(log.rates)


def test_schedules():
    assert (rates("none") == 1).all()
    step = rates("step", gamma=0.5)
    assert step.tolist() == [1] * 5 + [0.5] * 6 + [0.25]
    np.testing.assert_allclose(rates("exponential")[[4, 5, 11]], [1, 0.1, 0.01])
    cosine = rates("cosine")
    assert (np.diff(cosine[:5]) < 0).all()
    np.testing.assert_allclose(cosine[-1], 0, atol=1e-12)
    cycle = rates("onecycle")
    assert cycle.max() > 0.9
    assert cycle[9] < 1e-4  # of the last step
    np.testing.assert_allclose(rates("linear")[-1], 0.01)
    np.testing.assert_allclose(rates("multistep"), [1] * 5 + [0.01] * 7)  # both steps at epoch 1
    assert (rates("plateau") == 1).all()


def test_onecycle_leaves_momentum_alone():
    job = prepared(optimizer="sgd", momentum=0.5)
    job.trainer.fit(job.train_loader, 2)
    assert isinstance(job.trainer.scheduler, lr_scheduler.OneCycleLR)
    assert job.trainer.optimizer.param_groups[0]["momentum"] == 0.5


def test_label_smoothing():
    scores, labels = penlight.tensor([[2.0, 0.0]]), penlight.tensor([0])
    loss = prepared(label_smoothing=0.2).trainer.loss_fn(scores, labels)
    assert loss == F.cross_entropy(scores, labels, label_smoothing=0.2)
    assert loss != F.cross_entropy(scores, labels)


def test_batches_are_scaled_and_augmented():
    pixels = penlight.tensor([[[[0, 255], [51, 102]]]], dtype=penlight.uint8)
    np.testing.assert_allclose(
        Preprocess([0.4], [0.2])(pixels).numpy().ravel(), [-2, 3, -1, 0], atol=1e-6
    )
    plain, varied = prepared(), prepared(augment="crop+flip")
    x, y = next(iter(plain.train_loader))
    assert (x.shape, x.dtype, y.dtype) == ((10, 1, 28, 28), penlight.float32, penlight.int64)
    z, _ = next(iter(varied.train_loader))
    assert (z != x).any()
    assert z.shape == x.shape


def test_metadata_and_the_best_epoch(tmp_path):
    class Forgets(Callback):
        """Makes the model worse in the last epoch."""

        def on_step(self, trainer, loss):
            if trainer.progress.epoch == 2:
                for p in trainer.model.parameters():
                    p.detach().neg_()

    run = start(config(epochs=3, lr=0.01), tmp_path / "run", [Forgets()], images())
    epochs = [r for r in run.metrics.read() if "epoch" in r]
    accuracies = [r["test_accuracy"] for r in epochs]
    results = run.setting("results")
    assert results["best_test_accuracy"] == max(accuracies) > accuracies[-1]
    best = penlight.load(run.checkpoint("best"))
    assert best["epoch"] == results["best_epoch"] == accuracies.index(max(accuracies)) + 1 < 3
    about = json.loads((run.path / "metadata.json").read_text())
    assert about["config"]["lr"] == 0.01
    assert about["data"]["classes"] == ["left", "right"]


def test_status_of_a_run_that_failed(tmp_path):
    class Fails(Callback):
        def on_step(self, trainer, loss):
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        start(config(), tmp_path / "run", [Fails()], images())
    about = RunFolder.open(tmp_path / "run").metadata
    assert (about["status"], about["error"]) == ("failed", "OSError: no space")


def test_leftovers_are_not_appended_to(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(FileExistsError, match=r"metrics\.jsonl"):
        start(config(), tmp_path, (), images())


def test_checkpoints_within_an_epoch(tmp_path):
    class Watch(Callback):
        def __init__(self):
            self.steps = set()

        def on_step(self, trainer, loss):
            state = penlight.load(tmp_path / "run" / "checkpoints" / "last.pt")
            self.steps.add(state["progress"]["total_steps"])

    for seconds, expected in ((1e9, {0, 5}), (0, set(range(1, 11)))):
        watch = Watch()
        start(config(checkpoint_seconds=seconds), tmp_path / "run", [watch], images())
        assert watch.steps == expected
        (tmp_path / "run").rename(tmp_path / f"run{seconds}")
