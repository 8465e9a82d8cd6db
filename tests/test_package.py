"""The package as it is installed: what it imports, and whether the wheel alone can train."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]

TRAIN = """
import penlight as torch
from penlight import nn
torch.manual_seed(0)
x = torch.randn(64, 1, 8, 8)
y = (x.mean((1, 2, 3)) > 0).long()
model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for _ in range(60):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
torch.save(model.state_dict(), "model.pt")
model.load_state_dict(torch.load("model.pt"))
assert loss.item() < 0.1, loss
print("trained")
"""

FOREIGN = """
import sys
before = set(sys.modules)
import penlight
new = {name.partition(".")[0] for name in set(sys.modules) - before if "cython" not in name}
print(sorted(new - set(sys.stdlib_module_names) - {"penlight", "numpy"}))
print([m for m in sys.modules if m.startswith(("penlight.cli", "penlight.training", "penlight.plots"))])
"""


def python(*arguments: str, executable: str = sys.executable, cwd: Path | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    result = subprocess.run(
        [executable, *arguments],
        capture_output=True, text=True, timeout=240, cwd=cwd, env=environment,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_import_needs_numpy_alone():
    assert python("-c", FOREIGN).split("\n")[:2] == ["[]", "[]"]


def test_rooms_that_are_not_imported_are_found_when_asked_for():
    program = (
        "import penlight; print(penlight.models.LeNet.__name__, penlight.datasets.MNIST.__name__)"
    )
    assert python("-c", program) == "LeNet MNIST\n"


def test_wheel_trains_in_an_environment_with_numpy_alone(tmp_path: Path):
    """Builds the wheel, installs it into an empty environment, and trains, saves and loads there."""
    pytest.importorskip("build")
    source, dist = tmp_path / "source", tmp_path / "dist"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    python("-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(source))
    (wheel,) = dist.glob("penlight-*.whl")
    assert wheel.stat().st_size < 6_000_000
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False, symlinks=True)
    executable = str(next((environment / sub / "python") for sub in ("bin", "Scripts")
                          if (environment / sub).exists()))  # fmt: skip
    python(
        "-m",
        "pip",
        "--python",
        executable,
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        str(wheel),
    )
    (site,) = environment.glob("lib/python*/site-packages")
    numpy = Path(np.__file__).parent
    for folder in (numpy, numpy.with_name("numpy.libs")):  # NumPy, without the network
        if folder.exists():
            (site / folder.name).symlink_to(folder)
    work = tmp_path / "work"
    work.mkdir()
    assert python("-I", "-c", TRAIN, executable=executable, cwd=work) == "trained\n"
    listed = python("-I", "-c", "import penlight, penlight.datasets as d; print(penlight.__file__)",
                    executable=executable, cwd=work)  # fmt: skip
    assert str(environment) in listed
    assert (site / "penlight" / "py.typed").exists()
    sample = site / "penlight" / "datasets" / "sample"
    assert sum(f.stat().st_size for f in sample.iterdir()) <= 3_500_000
