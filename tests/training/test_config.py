"""Settings: from flags and TOML, checked at the door."""

from __future__ import annotations

import pytest

from penlight.training import ConfigError, TrainConfig, read_config


def test_defaults_are_the_demo():
    config = TrainConfig()
    assert (config.model, config.norm, config.data, config.epochs) == (
        "lenet",
        "batch",
        "fashion-mnist",
        5,
    )
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_toml(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        'model = "mlp"\nbatch-size = 40\nlr = 0.5\n[model_options]\nhidden = [100, 64]\n'
    )
    config = TrainConfig.from_dict(read_config(path), str(path))
    assert (config.model, config.batch_size, config.learning_rate) == ("mlp", 40, 0.5)
    assert config.model_options == {"hidden": [100, 64]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"modle": "mlp"}, r"here: unknown option 'modle'; did you mean 'model'\?"),
        ({"zzz": 1}, "here: unknown option 'zzz'; known: model, "),
        ({"model": "lenets"}, "here: model must be one of mlp, .* got 'lenets'"),
        ({"norm": None}, "norm must be one of batch, layer, group, none, got None"),
        ({"epochs": 0}, "epochs must be >= 1, got 0"),
        ({"epochs": 2.5}, "epochs must be a whole number, got 2.5"),
        ({"epochs": True}, "epochs must be a whole number, got True"),
        ({"batch_size": "100"}, "batch_size must be a whole number, got '100'"),
        ({"lr": 0}, "lr must be a number > 0, got 0"),
        ({"lr": float("nan")}, "lr must be a number > 0, got nan"),
        ({"lr": float("inf")}, "lr must be a number > 0, got inf"),
        ({"lr": "0.1"}, "lr must be a number > 0, got '0.1'"),
        ({"optimizer": "sgd", "momentum": 1}, "momentum must be a number >= 0 and < 1, got 1"),
        ({"momentum": 0.5}, "momentum is an option of sgd, rmsprop, not of adam"),
        ({"label_smoothing": -0.1}, "label_smoothing must be a number >= 0 and < 1, got -0.1"),
        ({"weight_decay": True}, "weight_decay must be a number >= 0, got True"),
        ({"model": ["mlp"]}, r"model must be one of .* got \['mlp'\]"),
        ({"scheduler": {"name": "step"}}, "scheduler must be one of .* got {'name': 'step'}"),
        ({"data_dir": 3}, "data_dir must be the path of a folder, got 3"),
        ({"detect_anomaly": "no"}, "detect_anomaly must be true or false, got 'no'"),
        ({"batch-size": 3, "batch_size": 4}, "batch_size is given twice, once as 'batch_size'"),
        ({"train_size": 0}, "train_size must be >= 1, got 0"),
        ({"model_options": 3}, "model_options must be a table of options, got 3"),
    ],
)
def test_what_cannot_be_is_refused(settings, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig.from_dict(settings, "here")


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read config file .*none\.toml: No such file"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "c.toml").write_text("model = ")
    with pytest.raises(ConfigError, match=r"c\.toml: expected a TOML file, but Invalid value"):
        read_config(tmp_path / "c.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"b\.toml: expected a TOML file"):
        read_config(tmp_path / "b.toml")
