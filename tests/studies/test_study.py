"""The declaration: what the grid is, in Python and in TOML, and what is refused."""

from __future__ import annotations

import json

import pytest

from penlight.studies import CATALOGUE, Study, find_study, read_study
from penlight.training import ConfigError, TrainConfig

TOML = """
name = "demo"
title = "A demo"
rows = ["size"]
exclude = [{ size = "wide", norm = "none" }, { norm = "none", seed = 1 }]

[axes]
norm = ["batch", "none"]
model-options.activation = ["relu", "tanh"]
seed = [0, 1]

[axes.size]
small = { model-options = { hidden = [8, 4] } }
wide = { model-options.hidden = [64], lr = 0.05 }

[fixed]
model = "mlp"
epochs = 2
model-options = { dropout = 0.1 }
records-per-epoch = 3

[quick]
only.norm = ["batch"]
axes.seed = [7]
fixed = { epochs = 1, lr = 0.5 }
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "demo.toml"
    path.write_text(TOML)
    return path


def test_the_grid_is_the_product(path):
    cells = read_study(path).cells()
    assert [c.id for c in cells[:3]] == [
        "batch,relu,seed=0,small", "batch,relu,seed=0,wide", "batch,relu,seed=1,small",
    ]  # fmt: skip
    assert len(cells) == len({c.id for c in cells}) == 2 * 2 * 2 * 2 - 4 - 2
    assert not [c for c in cells if c.point["size"] == "wide" and c.point["norm"] == "none"]
    small, wide = cells[:2]
    assert small.config == TrainConfig(
        model="mlp", norm="batch", epochs=2, seed=0, records_per_epoch=3,
        model_options={"dropout": 0.1, "activation": "relu", "hidden": [8, 4]},
    )  # fmt: skip
    assert wide.config.lr == 0.05
    assert wide.config.model_options["hidden"] == [64]
    assert wide.point == {
        "norm": "batch", "model_options.activation": "relu", "seed": 0, "size": "wide",
    }  # fmt: skip


def test_ids_stay_when_the_grid_grows_and_are_names_of_files():
    study = Study(
        "a", axes={"lr": [0.1, 1e-5], "model_options.hidden": [[8, 4], []], "x": {"a/b c?": {}}}
    )
    assert [c.id for c in study.cells()] == [
        "lr=0.1,hidden=8-4,a-b-c", "lr=0.1,hidden=none,a-b-c",
        "lr=1e-05,hidden=8-4,a-b-c", "lr=1e-05,hidden=none,a-b-c",
    ]  # fmt: skip
    more = Study("a", axes={**study.axes, "lr": [0.3, 0.1, 1e-5]})
    assert {c.id for c in study.cells()} < {c.id for c in more.cells()}


def test_quick_form(path):
    quick = read_study(path).quick_form()
    cells = quick.cells()
    assert [c.id for c in cells] == [
        "batch,relu,seed=7,small", "batch,relu,seed=7,wide",
        "batch,tanh,seed=7,small", "batch,tanh,seed=7,wide",
    ]  # fmt: skip
    assert {(c.config.epochs, c.config.lr) for c in cells} == {(1, 0.5)}  # of labels, too
    assert quick.name == "demo-quick"


def test_empty_text_takes_a_setting_away():
    axes = {"o": {"sgd": {"momentum": 0.5}, "adam": {"optimizer": "adam", "momentum": ""}}}
    study = Study("a", axes=axes, fixed={"optimizer": "sgd", "momentum": 0.9})
    assert [c.config.momentum for c in study.cells()] == [0.5, None]


def test_round_trip(path):
    study = read_study(path)
    again = Study.from_dict(json.loads(json.dumps(study.to_dict())))
    assert [(c.id, c.config) for c in again.cells()] == [(c.id, c.config) for c in study.cells()]
    assert again.quick_form().cells() == study.quick_form().cells()


def test_seeds_and_settings(path):
    study = (
        read_study(path).with_seeds(5).with_settings(data_dir="d", model_options={"dropout": 0.3})
    )
    assert len(study.cells()) == 5 * 6 - 2
    assert {c.config.model_options["dropout"] for c in study.cells()} == {0.3}
    assert {c.config.data_dir for c in study.cells()} == {"d"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('axs = 1', r"demo\.toml: study: unknown key 'axs'; did you mean 'axes'\?"),
        ('name = "a b"', r"demo\.toml: name must be a word of .*, got 'a b'"),
        ('title = 3', r"title must be text, got 3"),
        ('task = "trian"', r"task must be one of train, check, got 'trian'"),
        ('keep = "some"', r"keep must be one of best, all, none, got 'some'"),
        ('rows = ["sise"]', r"rows: unknown axis 'sise'; did you mean 'size'\?"),
        ('rows = "size"', r"rows must be a list of names, got 'size'"),
        ('exclude = [{ sise = 1 }]', r"exclude: unknown axis 'sise'; did you mean 'size'\?"),
        ('exclude = { size = 1 }', r"exclude must be a list of tables, got \{'size': 1\}"),
        ('axes.modle = ["mlp"]', r"axes: unknown setting 'modle'; did you mean 'model'\?"),
        ('axes.lr = 3', r"axes\.lr must be a list of one or more values, got 3"),
        ('axes.lr = []', r"axes\.lr must be a list of one or more values, got \[\]"),
        ('axes.lr = [1, 2, 1]', r"axes\.lr has 1 twice; expected different values"),
        ('axes.size.tiny = 3', r"axes\.size\.tiny must be a table of settings, got 3"),
        ('axes.size.tiny.lrr = 3', r"axes\.size\.tiny: unknown setting 'lrr'; did you mean 'lr'\?"),
        ('fixed.zzz = 3', r"fixed: unknown setting 'zzz'; known: model, "),
        ('quick.onyl = 3', r"quick: unknown key 'onyl'; did you mean 'only'\?"),
        ('fixed.epochs = 0', r"study 'demo', cell batch,relu,seed=0,small: epochs must be >= 1, got 0"),
        ('axes.norm = ["bach"]', r"cell bach,.*: norm must be one of batch, .*, got 'bach'"),
        ('exclude = [{}]', r"study 'demo': exclude leaves no cell"),
        ('quick.only.norm = ["layer"]', r"quick\.only\.norm must be labels of that axis, got 'layer'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change, message, tmp_path):
    import tomllib

    path = tmp_path / "demo.toml"
    values = tomllib.loads(TOML)
    _merge(values, tomllib.loads(change))
    with pytest.raises(ConfigError, match=message):
        _all_of(values, str(path))


def _all_of(values, where):
    study = Study.from_dict(values, where)
    return study.cells(), study.quick_form()


def _merge(values, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and value and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value


def test_missing_keys_files_and_cells_of_one_name(tmp_path):
    with pytest.raises(ConfigError, match="study: axes is missing"):
        Study.from_dict({"name": "a"})
    with pytest.raises(ConfigError, match=r"cannot read config file .*none\.toml"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="axes give two cells called 'a-b'"):
        Study("a", axes={"x": {"a b": {}, "a/b": {}}}).cells()
    with pytest.raises(ConfigError, match=r"study must be one of best, .* got 'nothing'"):
        find_study("nothing")


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue(name):
    study = find_study(name)
    cells = study.cells()
    assert study.title
    assert len(cells) == len({c.id.lower() for c in cells})  # names on all file systems
    assert 1 <= len(find_study(name, quick=True).cells()) <= 12


def test_catalogue_asks_what_it_should():
    assert len(find_study("mlp").axes["spec"]) >= 24
    assert len(find_study("init-norm").with_seeds(1).cells()) == 64
    assert sum(c.config.cases for c in find_study("conv").cells() if "conv" in c.id) >= 1000
    config = find_study("init-norm").cells()[0].config
    assert (config.input_mean, config.input_std, config.init_all) == (0.1307, 0.3081, True)


def test_quick_needs_the_sample(tmp_path):
    path = tmp_path / "m.toml"
    path.write_text('name = "m"\naxes.seed = [0]\nfixed.data = "mnist"\n')
    with pytest.raises(
        ConfigError, match=r"quick must leave data = 'fashion-mnist' alone.*got mnist"
    ):
        find_study(str(path), quick=True)
