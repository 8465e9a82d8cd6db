"""``backends.numba`` where Numba is missing, and what the environment asks for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from penlight.backends import numba as backend


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Numba were not installed."""
    monkeypatch.setitem(sys.modules, "numba", None)


@pytest.mark.usefixtures("missing")
def test_without_numba_it_says_what_to_install() -> None:
    before = backend.is_enabled()
    assert not backend.is_available()
    with pytest.raises(
        ImportError, match=r"need Numba.*install it with: pip install 'penlight\[numba\]'"
    ):
        backend.enable()
    assert backend.is_enabled() == before


def run(program: str, kernels: str | None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PENLIGHT_KERNELS"}
    if kernels is not None:
        environment["PENLIGHT_KERNELS"] = kernels
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100,
        env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("kernels", [None, "", "numpy"])
def test_numba_is_not_imported_unless_asked_for(kernels: str | None) -> None:
    program = """
import sys, penlight
assert not penlight.backends.numba.is_enabled()
print([m for m in sys.modules if m.startswith(("numba", "penlight.kernels.compiled"))])
"""
    result = run(program, kernels)
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_the_environment_switches_it_on() -> None:
    pytest.importorskip("numba")
    result = run("import penlight; print(penlight.backends.numba.is_enabled())", "numba")
    assert (result.stdout, result.stderr) == ("True\n", "")


def test_the_environment_asks_for_what_is_missing() -> None:
    result = run("import sys; sys.modules['numba'] = None; import penlight", "numba")
    assert "pip install 'penlight[numba]'" in result.stderr.splitlines()[-1]


def test_an_unknown_choice_is_refused() -> None:
    result = run("import penlight", "numbaa")
    assert "PENLIGHT_KERNELS must be numpy or numba, got 'numbaa'" in result.stderr
