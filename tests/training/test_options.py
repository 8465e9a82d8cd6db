"""Settings that studies need: what is frozen, averaged, flipped, scaled otherwise, kept whole."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.datasets import sample_folder
from penlight.training import (
    ConfigError,
    Interrupted,
    TrainConfig,
    evaluate,
    evaluate_run,
    load_images,
    load_run,
    resume,
    start,
)
from penlight.training.trainer import Callback
from tests.training.test_run import config, prepared


def test_frozen_parameters_stay():
    job = prepared(freeze=["layers.1.*"], norm="none")
    before = {n: p.detach().clone() for n, p in job.model.named_parameters()}
    job.trainer.fit(job.train_loader, 2)
    changed = {n for n, p in job.model.named_parameters() if (p != before[n]).any()}
    assert changed == set(before) - {"layers.1.weight", "layers.1.bias"}
    with pytest.raises(ConfigError, match=r"freeze: names must be one of .* got 'conv'"):
        prepared(freeze=["conv"])
    with pytest.raises(ConfigError, match="freeze must be a list of names of parameters, got 'co"):
        config(freeze="conv")


def test_everything_is_initialised():
    model = prepared(init="ones", init_all=True).model
    assert all((p == 1).all() for p in model.parameters())


def test_input_mean_and_std():
    settings = {"data_dir": str(sample_folder()), "train_size": 10}
    usual = load_images(TrainConfig(**settings))
    other = load_images(TrainConfig(**settings, input_mean=0, input_std=1))
    assert (usual.mean, usual.std, other.mean, other.std) == ([0.286], [0.353], [0.0], [1.0])
    x, _ = other.training_set()[0]
    assert (x.min(), x.max()) == (0, 1)


def test_flipped_scores():
    class Left(nn.Module):
        def forward(self, x):
            left, right = x[..., 0].flatten(1), x[..., 1].flatten(1)
            return penlight.cat([left, right], 1) * penlight.tensor([2.0, 1.0])

    batches = [(penlight.tensor([[[[3.0, 5.0]]]]), penlight.tensor([1]))]
    assert evaluate(Left(), batches).accuracy == 0  # scores 6, 5
    result = evaluate(Left(), batches, flip=True)  # scores 8, 4
    np.testing.assert_allclose(result.loss, np.log(np.exp(8) + np.exp(4)) - 4, rtol=1e-6)


class Stop(Callback):
    def on_step(self, trainer, loss):
        if trainer.progress.total_steps == 7:
            raise Interrupted(2)


def test_average_is_tested_saved_and_resumed(tmp_path):
    settings = {
        "model": "mlp", "epochs": 2, "batch_size": 20, "train_size": 100, "average": 0.7,
        "data_dir": str(sample_folder()), "records_per_epoch": 2, "record_tensors": True,
    }  # fmt: skip
    wanted = TrainConfig(**settings)
    whole = start(wanted, tmp_path / "whole")
    with pytest.raises(Interrupted):
        start(wanted, tmp_path / "cut", [Stop()])
    resumed = resume(tmp_path / "cut")
    last = penlight.load(whole.checkpoint("last"))
    weights = last["averaged"]["module.layers.1.weight"]
    assert (weights != last["model"]["layers.1.weight"]).any()
    again = penlight.load(resumed.checkpoint("last"))["averaged"]["module.layers.1.weight"]
    assert (weights == again).all()
    names = [f"{n:08}.npz" for n in (1, 3, 5, 8, 10)]
    assert sorted(p.name for p in whole.tensors.iterdir()) == names
    for name in names:
        ours, theirs = np.load(whole.tensors / name), np.load(resumed.tensors / name)
        assert (
            set(ours.files)
            == set(theirs.files)
            >= {"weight.layers.1.weight", "gradient.layers.1.bias"}
        )
        assert all((ours[key] == theirs[key]).all() for key in ours.files)
    run, model = load_run(whole.path)
    found = evaluate_run(model, load_images(wanted)).accuracy
    assert found == run.setting("results")["best_test_accuracy"]


def test_average_of_the_definition():
    job = prepared(average=0.6, norm="none", optimizer="sgd", momentum=0, lr=0.01)
    seen = []

    class Watch(Callback):
        def on_step(self, trainer, loss):
            seen.append(trainer.model.layers[1].bias.detach().clone())

    job.trainer.callbacks.append(Watch())
    job.trainer.fit(job.train_loader, 1)
    average = seen[0]
    for value in seen[1:]:
        average = 0.6 * average + 0.4 * value
    ours = job.trainer.tested_model.layers[1].bias
    np.testing.assert_allclose(ours.detach().numpy(), average.numpy(), rtol=1e-5, atol=1e-8)
