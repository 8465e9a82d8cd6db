"""The commands as a user types them: what they print, write and return."""

from __future__ import annotations

import json
import os
import re
import sys

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
    assert len(re.findall(r"%.*\d\.png", said)) == 3
    code, inverted, _ = penlight(
        "predict", trained, tmp_path / "inverted.png", "--invert", "--top", 1
    )
    assert code == 0
    first = re.search(r"│ (.*?)\s+│.*0\.png", said)[1]
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
    assert "no run was made" in said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "--model", "lenets"], 2, "model must be one of mlp, .*got 'lenets'"),
        (["train", "--epochs", "many"], 2, "Invalid value for '--epochs'"),
        (["train", "--lr", "-1"], 2, "lr must be a number > 0, got -1.0"),
        (["train", "--data-dir", "{tmp}/nothing"], 2, "nothing"),
        (["train", "--model-option", "depth"], 2, "--model-option must be NAME=VALUE, got 'depth'"),
        (["train", "--model-option", "depth=3"], 2, "lenet has no option depth; it takes norm"),
        (["train", "--scheduler-option", "gama=3"], 2, "scheduler_options of 'onecycle': .*gama"),
        (["train", "--train-size", "601"], 2, "train_size must be <= 600"),
        (["train", "--config", "{tmp}/none.toml"], 2, "cannot read config file .*none.toml"),
        (["train", "--config", "{tmp}/typo.toml"], 2, "typo.toml: unknown option 'epoch'; did you mean 'epochs'"),
        (["train", "--out", "{run}"], 1, "already holds a run .*; resume it or choose another folder"),
        (["train", "--resume", "{tmp}/none"], 1, "holds no run"),
        (["train", "--resume", "{run}", "--lr", "1"], 2, "--resume takes the settings of the run; .* --lr"),
        (["train", "--resume", "{run}", "--dry-run"], 2, "--resume takes the settings of the run; .* --dry-run"),
        (["train", "--resume", "{run}", "--epochs", "3"], 2, "the 'onecycle' schedule of this run ends after 2"),
        (["train", "--batch-size", "599", "--model", "mlp"], 2, "batch_size .=599. leaves a batch of 1 of the 600"),
        (["train", "--model", "mlp", "--model-option", "hidden=-3"], 2, "MLP: hidden must be a whole number >= 1, got -3"),
        (["train", "--model", "mlp", "--model-option", "hidden={{1, 2}}"], 2, "MLP: hidden must be 0 or more whole numbers"),
        (["train", "--model", "vgg", "--model-option", "widths=[]"], 2, "VGG: widths must be 1 or more whole numbers"),
        (["train", "--model", "resnet", "--model-option", "blocks=0"], 2, "ResNet: blocks must be a whole number >= 1"),
        (["train", "--model", "mlp", "--norm", "group", "--model-option", "hidden=3"], 2, "needs widths that 2 divides"),
        (["train", "--scheduler-option", "total_steps=5"], 2, "scheduler_options of 'onecycle': .*5"),
        (["train", "--scheduler", "step", "--scheduler-option", "step_size=0"], 2, "scheduler_options of 'step'"),
        (["eval", "{tmp}/none"], 1, "holds no run"),
        (["eval", "{run}", "--checkpoint", "first"], 2, "checkpoint must be one of last, best, got 'first'"),
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


@pytest.mark.parametrize("arguments", [["--help"], [], ["data"]])
def test_without_a_command_help_is_shown(penlight, arguments):
    code, said, error = penlight(*arguments)
    assert code == (0 if arguments == ["--help"] else 2)
    assert "Usage" in said + error
    assert "penlight: " not in error


def test_version(penlight):
    import penlight as package

    assert penlight("--version")[:2] == (0, f"penlight {package.__version__}\n")


def test_brackets_in_paths_are_no_markup(penlight, small_data, tmp_path):
    out = tmp_path / "run[/b][red]"
    code, said, _ = penlight("train", *FAST, "--no-figures", "--data-dir", small_data, "--out", out)
    assert code == 0
    assert f"lies in {out}:" in said
    assert f"penlight eval '{out}'" in said


def copied(run_folder, to):
    import shutil

    return shutil.copytree(run_folder, to / "copy")


def test_finished_runs_resume_and_runs_may_move(penlight, trained, tmp_path):
    moved = copied(trained, tmp_path)
    before = (moved / "metrics.jsonl").read_text()
    code, said, _ = penlight("train", "--resume", moved, "--no-figures")
    assert code == 0
    assert "going on" not in said
    assert (moved / "metrics.jsonl").read_text() == before


def test_more_epochs_and_fewer(penlight, small_data, tmp_path):
    out = tmp_path / "run"
    options = ["--scheduler", "none", "--no-figures", "--data-dir", small_data, "--out", out]
    assert penlight("train", *FAST, *options)[0] == 0
    code, said, _ = penlight("train", "--resume", out, "--epochs", 3, "--no-figures")
    assert code == 0
    assert "going on at epoch 3" in said
    assert json.loads((out / "metadata.json").read_text())["results"]["epochs"] == 3
    code, _, error = penlight("train", "--resume", out, "--epochs", 1)
    assert code == 2
    assert "epochs must be >= 3, which the run has begun already, got 1" in error
    about = json.loads((out / "metadata.json").read_text())
    assert (about["status"], about["config"]["epochs"]) == ("finished", 3)


def test_other_data_is_not_the_same_run(penlight, trained, tmp_path):
    from tests.small_data import write_small_data

    other = write_small_data(tmp_path / "data", 90, 30)
    for command in (["train", "--resume"], ["eval"]):
        code, _, error = penlight(
            *command, copied(trained, tmp_path / command[0]), "--data-dir", other
        )
        assert code == 2
        assert "holds other images: name the folder with --data-dir" in error


def test_data_that_has_moved(penlight, trained, small_data, tmp_path):
    moved = copied(trained, tmp_path)
    about = json.loads((moved / "metadata.json").read_text())
    about["config"]["data_dir"] = str(tmp_path / "gone")
    (moved / "metadata.json").write_text(json.dumps(about))
    code, _, error = penlight("train", "--resume", moved)
    assert code == 2
    assert "gone" in error
    assert penlight("train", "--resume", moved, "--data-dir", small_data, "--no-figures")[0] == 0


def test_runs_without_their_files_are_not_started_anew(penlight, trained, tmp_path):
    moved = copied(trained, tmp_path)
    lines = (moved / "metrics.jsonl").read_text()
    (moved / "checkpoints" / "last.pt").unlink()
    code, _, error = penlight("train", "--resume", moved)
    assert code == 1
    assert "last.pt: expected a checkpoint, found none" in error
    assert (moved / "metrics.jsonl").read_text() == lines
    (moved / "checkpoints" / "best.pt").unlink()
    code, _, error = penlight("eval", moved)
    assert code == 1
    assert "use the last checkpoint" in error
    moved = copied(trained, tmp_path / "second")
    (moved / "metrics.jsonl").unlink()
    code, _, error = penlight("train", "--resume", moved)
    assert code == 1
    assert "metrics.jsonl: expected at least" in error
    assert json.loads((moved / "metadata.json").read_text())["status"] == "finished"


@pytest.mark.parametrize("metadata", ["5", "{}", '{"config": null}', '{"config": {}, "data": 3}'])
def test_metadata_of_another_shape(penlight, trained, tmp_path, metadata):
    moved = copied(trained, tmp_path)
    (moved / "metadata.json").write_text(metadata)
    code, _, error = penlight("eval", moved)
    assert (code, len(error.splitlines())) == (1, 1)
    assert "metadata.json: expected a table" in error


def test_odd_images(penlight, trained, tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (28, 28), dtype=np.uint8)
    saved = {
        "grey": Image.fromarray(grey),
        "deep": Image.fromarray(grey.astype(np.uint16) * 257),
        "colour": Image.fromarray(np.stack([grey] * 3, 2)),
        "opaque": Image.fromarray(np.stack([grey] * 3 + [np.full_like(grey, 255)], 2)),
    }
    answers = set()
    for name, image in saved.items():
        image.save(tmp_path / f"{name}.png")
        code, said, _ = penlight("predict", trained, tmp_path / f"{name}.png")
        assert code == 0
        answers.add(tuple(re.findall(r"[\d.]+%", said)))
    assert len(answers) == 1  # the same picture each time

    clear = np.zeros((28, 28, 4), np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    Image.fromarray(np.full((28, 28), 255, np.uint8)).save(tmp_path / "white.png")
    said = [penlight("predict", trained, tmp_path / f"{n}.png")[1] for n in ("clear", "white")]
    assert re.findall(r"[\d.]+%", said[0]) == re.findall(r"[\d.]+%", said[1])

    whole = (tmp_path / "grey.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "head.png").write_bytes(whole[:20])
    for name in ("cut", "head"):
        code, _, error = penlight("predict", trained, tmp_path / f"{name}.png")
        assert (code, len(error.splitlines())) == (2, 1)
        assert f"{name}.png: expected an image" in error


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals to pretend")
@pytest.mark.parametrize(("columns", "term"), [(120, "xterm"), (80, "xterm"), (80, "dumb")])
def test_progress_on_a_terminal(small_data, tmp_path, columns, term):
    """A bar with loss, accuracy, speed and time left, nothing cut off; plain lines if it is dumb."""
    import pty
    import subprocess

    main, terminal = pty.openpty()
    options = [
        "--epochs",
        "3",
        "--no-figures",
        "--data-dir",
        str(small_data),
        "--out",
        str(tmp_path / "r"),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "penlight", "train", *options],
        stdout=terminal, stderr=terminal, stdin=terminal,
        env=os.environ | {"COLUMNS": str(columns), "LINES": "30", "TERM": term},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    while True:
        try:
            block = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not block:
            break
        shown += block
    os.close(main)
    assert process.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    bars = [line for line in re.split(r"[\r\n]+", text) if "left loss" in line]
    if term == "dumb":
        assert not bars
    else:
        pattern = r"\d/3 .* \d+ % +[\d:-]+ +left loss [\d.]+ acc(uracy)? [\d.]+% [\d,]+ images/s"
        assert bars
        assert all(re.search(pattern, line) for line in bars), bars[0]
    assert "epoch 3/3  train loss" in text
