"""Devices: what can be named, compared and refused."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import penlight


def test_names(lib: Any) -> None:
    d = lib.device("cpu")
    assert (d.type, d.index, str(d), repr(d)) == ("cpu", None, "cpu", "device(type='cpu')")
    numbered = lib.device("cpu:0")
    assert (numbered.type, numbered.index, str(numbered)) == ("cpu", 0, "cpu:0")
    assert repr(numbered) == "device(type='cpu', index=0)"
    assert lib.device(type="cpu", index=1).index == 1
    assert lib.device(d) == d


def test_equality_and_hash(lib: Any) -> None:
    assert lib.device("cpu") == lib.device("cpu")
    assert lib.device("cpu:0") == lib.device("cpu", 0)
    assert lib.device("cpu") != lib.device("cpu", 0)
    assert lib.device("cpu") != "cpu"
    assert len({lib.device("cpu"), lib.device("cpu"), lib.device("cpu:1")}) == 2


def test_copies(lib: Any) -> None:
    d = lib.device("cpu:1")
    assert pickle.loads(pickle.dumps(d)) == d
    assert copy.deepcopy(d) == d


def test_context_manager(lib: Any) -> None:
    with lib.device("cpu") as d:
        assert lib.ones(1).device == d


@pytest.mark.parametrize("name", ["foo", "cpu:a", "cpu:", "", "cpu:01", "CPU", "cpu:-1"])
def test_bad_names(lib: Any, name: str) -> None:
    with pytest.raises(RuntimeError):
        lib.device(name)


def test_bad_arguments(lib: Any) -> None:
    for bad in (3.5, None, [0]):
        with pytest.raises(TypeError):
            lib.device(bad)
    with pytest.raises(TypeError):
        lib.device()
    with pytest.raises(TypeError, match="index"):
        lib.device("cpu", "a")
    with pytest.raises(RuntimeError, match="negative"):
        lib.device("cpu", -2)
    with pytest.raises(RuntimeError, match="index was passed explicitly"):
        lib.device("cpu:0", 1)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "meta"])
def test_devices_that_are_not_there_say_so(name: str) -> None:
    for request in (
        lambda: penlight.device(name),
        lambda: penlight.ones(2, device=name),
        lambda: penlight.ones(2).to(name),
        lambda: penlight.Generator(name),
        lambda: penlight.nn.Linear(2, 2).to(name),
    ):
        with pytest.raises(RuntimeError, match=f"{name}.*not available.*'cpu'"):
            request()
