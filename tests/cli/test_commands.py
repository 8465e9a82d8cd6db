"""The commands as a user types them: what they print, write and return."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")

from penlight.cli.app import run


@pytest.fixture
def penlight(capsys, monkeypatch):
    """Run a command; returns its exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "160")

    def command(*arguments):
        code = 0
        try:
            run([str(a) for a in arguments])
        except SystemExit as stop:
            code = stop.code or 0
        return (code, *capsys.readouterr())

    return command


FAST = ["--model", "mlp", "--model-option", "hidden=16,", "--epochs", 2, "--batch-size", 50]


@pytest.fixture(scope="session")
def trained(small_data, tmp_path_factory):
    """A run that the tests only read."""
    path = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["train", *FAST, "--data-dir", small_data, "--out", path, "--seed", 1]
    with pytest.raises(SystemExit) as stop:
        run([str(a) for a in arguments])
    assert not stop.value.code
    return path


def test_train_writes_everything_and_says_where(penlight, small_data, tmp_path):
    out = tmp_path / "run"
    code, said, _ = penlight(
        "train", "--model", "lenet", "--epochs", 1, "--data-dir", small_data, "--out", out
    )
    assert code == 0
    assert "600 + 200 images" in said
    assert re.search(r"epoch 1/1  train loss [\d.]+ accuracy [\d.]+%  test loss", said)
    assert re.search(r"[\d.]+% of the test images are classified correctly", said)
    assert str(out) in said
    about = json.loads((out / "metadata.json").read_text())
    assert about["status"] == "finished"
    assert about["model"]["name"] == "lenet"
    assert [layer["type"] for layer in about["model"]["layers"]][:4] == [
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "MaxPool2d",
    ]
    assert about["model"]["layers"][0]["output"] == [6, 28, 28]
    assert about["model"]["parameters"] == sum(x["parameters"] for x in about["model"]["layers"])
    assert about["data"]["train_images"] == 600
    assert len(about["data"]["checksums"]) == 4
    assert set(about["versions"]) >= {"penlight", "python", "numpy", "blas"}
    assert about["started"] <= about["ended"]
    assert about["results"]["epochs"] == 1
    assert {p.name for p in (out / "checkpoints").iterdir()} == {"last.pt", "best.pt"}
    figures = {p.name for p in (out / "figures").iterdir()}
    names = (
        "training_curves",
        "confusion_matrix",
        "predictions",
        "filters",
        "weights",
        "gradients",
    )
    assert {f"{name}.png" for name in names} <= figures
    assert len(figures) == 2 * len(names)  # each with its data
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in lines if "epoch" in r] == [1]
    assert len([r for r in lines if "progress" in r]) == 6


def test_same_seed_same_bits(penlight, small_data, tmp_path, trained):
    for name, seed in (("same", 1), ("other", 2)):
        code, *_ = penlight(
            "train", *FAST, "--data-dir", small_data, "--out", tmp_path / name, "--seed", seed
        )
        assert code == 0

    def weights(path):
        return (path / "checkpoints" / "best.pt").read_bytes()

    assert weights(tmp_path / "same") == weights(trained) != weights(tmp_path / "other")


def test_eval_and_predict(penlight, trained, small_data, tmp_path):
    code, said, _ = penlight("eval", trained)
    assert code == 0
    accuracy = json.loads((trained / "metadata.json").read_text())["results"]["best_test_accuracy"]
    assert f"accuracy {accuracy:.2%}" in said
    assert "Ankle boot" in said

    from PIL import Image

    from penlight.datasets import load, locate

    test = load(locate("fashion-mnist", small_data), train=False)
    files = []
    for i in range(3):
        files.append(tmp_path / f"{i}.png")
        Image.fromarray(np.asarray(test.data)[i]).save(files[-1])
    Image.fromarray(255 - np.asarray(test.data)[0]).convert("RGB").resize((56, 56)).save(
        tmp_path / "inverted.png"
    )
    code, said, _ = penlight("predict", trained, *files, "--top", 1)
    assert code == 0
    assert len(re.findall(r"\d\.png .*%", said)) == 3
    code, inverted, _ = penlight(
        "predict", trained, tmp_path / "inverted.png", "--invert", "--top", 1
    )
    assert code == 0
    first = re.search(r"0\.png\s+│\s+(.*?)\s+│", said)[1]
    assert first in inverted


def test_config_file_and_flags_that_win(penlight, small_data, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('model = "vgg"\nlr = 0.01\nnorm = "group"\noptimizer = "sgd"\n')
    code, said, _ = penlight(
        "train", "--config", config, "--norm", "none", "--data-dir", small_data, "--dry-run",
        "--scheduler", "step", "--scheduler-option", "gamma=0.5",
    )  # fmt: skip
    assert code == 0
    assert "Conv2d" in said
    assert "GroupNorm" not in said
    assert "lr: 0.01" in said
    assert "nothing was written" in said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--model", "lenets"], 2, "model must be one of mlp, .*got 'lenets'"),
        (["train", "--epochs", "many"], 2, "Invalid value for '--epochs'"),
        (["train", "--lr", "-1"], 2, "lr must be > 0, got -1.0"),
        (["train", "--data-dir", "{tmp}/nothing"], 2, "nothing"),
        (["train", "--model-option", "depth"], 2, "--model-option must be NAME=VALUE, got 'depth'"),
        (["train", "--model-option", "depth=3"], 2, "lenet has no option depth; it takes norm"),
        (["train", "--scheduler-option", "gama=3"], 2, "scheduler_options of 'onecycle': .*gama"),
        (["train", "--train-size", "601"], 2, "train_size must be <= 600"),
        (["train", "--config", "{tmp}/none.toml"], 2, "cannot read config file .*none.toml"),
        (["train", "--config", "{tmp}/typo.toml"], 2, "typo.toml: unknown option 'epoch'; did you mean 'epochs'"),
        (["train", "--out", "{run}"], 1, "already holds a run; resume it or choose another folder"),
        (["train", "--resume", "{tmp}/none"], 1, "holds no run"),
        (["train", "--resume", "{run}", "--lr", "1"], 2, "--resume takes the settings of the run; .* --lr"),
        (["eval", "{tmp}/none"], 1, "holds no run"),
        (["eval", "{run}", "--checkpoint", "first"], 1, "first.pt does not exist"),
        (["predict", "{run}", "{tmp}/none.png"], 2, "none.png does not exist"),
        (["predict", "{run}", "{tmp}/typo.toml"], 2, "typo.toml: expected an image"),
        (["data", "get", "imagenet"], 2, "imagenet"),
        (["dat"], 2, "No such command 'dat'"),
        (["train", "--modle", "x"], 2, "No such option"),
        (["train", "--model", "mlp", "--norm", "none", "--lr", "1e30", "--out", "{tmp}/div"], 1, "the loss became (nan|inf) in epoch 1"),
    ],
)  # fmt: skip
def test_mistakes_end_in_one_line(
    penlight, trained, small_data, tmp_path, monkeypatch, arguments, code, message
):
    monkeypatch.setenv("PENLIGHT_DATA", str(small_data))
    (tmp_path / "typo.toml").write_text("epoch = 3\n")
    found, said, error = penlight(*(a.format(tmp=tmp_path, run=trained) for a in arguments))
    assert (found, len(error.splitlines())) == (code, 1)
    assert re.search(message, error), error
    assert error.startswith("penlight: ")
    assert "Traceback" not in said + error


def test_damaged_runs_are_named(penlight, trained, tmp_path):
    import shutil

    run_folder = tmp_path / "run"
    shutil.copytree(trained, run_folder)
    best = run_folder / "checkpoints" / "best.pt"
    best.write_bytes(best.read_bytes()[:-100])
    code, _, error = penlight("eval", run_folder)
    assert (code, len(error.splitlines())) == (1, 1)
    assert "best.pt: expected a checkpoint, but" in error
    last = run_folder / "checkpoints" / "last.pt"
    last.write_bytes(b"garbage")
    code, _, error = penlight("train", "--resume", run_folder)
    assert code == 1
    assert "last.pt: expected a checkpoint, but" in error
    (run_folder / "metadata.json").write_text("{")
    code, _, error = penlight("eval", run_folder)
    assert code == 1
    assert "metadata.json: expected a JSON file" in error


def test_unwritable_folder(penlight, small_data, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, error = penlight(
        "train", *FAST, "--data-dir", small_data, "--out", tmp_path / "file" / "run"
    )
    assert (code, len(error.splitlines())) == (1, 1)
    assert "file" in error


def test_lists(penlight, small_data):
    code, said, _ = penlight("models")
    assert code == 0
    assert re.search(r"lenet +│ 67,774 ", said)
    code, said, _ = penlight("info")
    assert code == 0
    assert re.search(r"numpy +\d", said)
    code, said, _ = penlight("data", "list", "--data-dir", small_data)
    assert code == 0
    assert "600 + 200 images" in said
    code, said, _ = penlight("data", "verify", "fashion-mnist", "--data-dir", small_data)
    assert code == 0
    assert "not as published" in said


def test_verify_finds_damage(penlight, tmp_path):
    from tests.small_data import write_small_data

    folder = write_small_data(tmp_path / "data", 20, 10)
    broken = folder / "t10k-images-idx3-ubyte.gz"
    broken.write_bytes(broken.read_bytes()[:-50])
    code, said, _ = penlight("data", "verify", "fashion-mnist", "--data-dir", folder)
    assert code == 1
    assert "t10k-images" in said
    code, _, error = penlight("train", "--data-dir", folder)
    assert code == 2
    assert "t10k-images-idx3-ubyte.gz" in error


def test_without_a_command_help_is_shown(penlight):
    code, said, _ = penlight("--help")
    assert code == 0
    assert "train" in said
