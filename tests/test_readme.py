"""The README's programs run as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def run(program: str, capsys: pytest.CaptureFixture[str]) -> str:
    exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})
    return capsys.readouterr().out


def test_training_script(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program = PROGRAMS[0]
    code = [line for line in program.splitlines() if line.strip()]
    assert len(code) <= 25
    accuracy = float(re.search(r"accuracy ([\d.]+)%", run(program, capsys))[1])
    assert accuracy > 97
    assert (tmp_path / "spiral.pt").exists()


@pytest.mark.parity
def test_training_script_is_a_pytorch_program(tmp_path, monkeypatch, capsys, torch):
    monkeypatch.chdir(tmp_path)
    program = PROGRAMS[0].replace("import penlight as torch", "import torch")
    accuracy = float(
        re.search(r"accuracy ([\d.]+)%", run(program.replace("penlight", "torch"), capsys))[1]
    )
    assert accuracy > 97


def test_op_of_ones_own(capsys):
    assert run(PROGRAMS[1], capsys) == "True\n"


def test_commands_exist():
    pytest.importorskip("typer")
    from typer.main import get_command

    from penlight.cli.app import app

    known = get_command(app).commands
    shown = [
        line
        for line in README.read_text(encoding="utf-8").splitlines()
        if line.startswith("penlight ")
    ]
    assert len(shown) >= 9
    for line in shown:
        words = shlex.split(line, comments=True)
        command = known[words[1]]
        options = {o for p in command.params for o in p.opts}
        assert {w for w in words[2:] if w.startswith("--")} <= options


def test_make_targets_exist():
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", README.read_text(encoding="utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_settings_in_the_docs_are_settings(tmp_path):
    from penlight.training import TrainConfig, prepare, read_config
    from tests.training.test_run import images

    page = (README.parent / "docs" / "training.md").read_text(encoding="utf-8")
    path = tmp_path / "run.toml"
    path.write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    job = prepare(TrainConfig.from_dict(read_config(path), str(path)), images())
    assert type(job.trainer.scheduler).__name__ == "StepLR"
    assert job.config.epochs == 45
