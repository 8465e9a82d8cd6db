"""Parameter names, their order, kinds and defaults are PyTorch's."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import penlight
from penlight import nn

PACKAGES = [
    "nn",
    "nn.functional",
    "nn.init",
    "nn.utils",
    "nn.utils.parametrizations",
    "nn.utils.parametrize",
    "func",
    "autograd.functional",
    "optim",
    "optim.lr_scheduler",
    "optim.swa_utils",
]
EMPTY = inspect.Parameter.empty


def member(root: Any, path: str) -> Any:
    for name in path.split("."):
        root = getattr(root, name)
    return root


def public(package: str) -> list[str]:
    names: dict[str, Any] = {}
    exec(f"from penlight.{package} import *", names)
    return sorted(n for n, v in names.items() if callable(v) and n != "__builtins__")


def documented(function: Any) -> list[tuple[str, Any]]:
    """Name and default of each parameter of a function in C++, from its docstring's first line."""
    line = re.search(r"^\w+(\(.*?\)) *->", function.__doc__, re.M | re.S)
    assert line, f"{function.__name__} documents no signature"
    made: dict[str, Any] = {}
    exec(f"def f{line.group(1)}: ...", made)
    parameters = inspect.signature(made["f"]).parameters.values()
    return [(p.name, p.default) for p in parameters]


def default_text(value: Any) -> str:
    return value.__name__ if inspect.isfunction(value) else repr(value)


def described(function: Any) -> list[tuple[str, str, Any]]:
    """Name, kind and default of each parameter; of a function as default, the name."""
    return [
        (p.name, p.kind.name, None if p.default is EMPTY else default_text(p.default))
        for p in inspect.signature(function).parameters.values()
    ]


CASES = [f"{package}.{name}" for package in PACKAGES for name in public(package)]


@pytest.mark.parity
@pytest.mark.parametrize("path", CASES)
def test_signature_is_pytorchs(path: str, torch: Any) -> None:
    theirs = member(torch, path)
    try:
        expected = described(theirs)
    except ValueError:
        # those without the underscore are documented, conv_tbc in words alone
        if not path.endswith(("_", "conv_tbc")):
            parameters = inspect.signature(member(penlight, path)).parameters.values()
            assert [(p.name, p.default) for p in parameters] == documented(theirs)
        return
    if expected == [("args", "VAR_POSITIONAL", None), ("kwargs", "VAR_KEYWORD", None)]:
        return  # PyTorch's deprecated names are wrappers
    assert described(member(penlight, path)) == expected


METHODS = [
    (kind, n)
    for kind in (
        "Module",
        "Sequential",
        "ModuleList",
        "ModuleDict",
        "ParameterList",
        "ParameterDict",
    )
    for n in dir(getattr(nn, kind))
    if not n.startswith("_") and callable(getattr(getattr(nn, kind), n))
]


@pytest.mark.parity
@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_methods_of_modules(kind: str, name: str, torch: Any) -> None:
    ours, theirs = getattr(getattr(nn, kind), name), getattr(getattr(torch.nn, kind), name)
    assert described(ours) == described(theirs)


@pytest.mark.parity
def test_alternative_constructors(torch: Any) -> None:
    ours, theirs = nn.Embedding.from_pretrained, torch.nn.Embedding.from_pretrained
    assert described(ours) == described(theirs)


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["Module", "Sequential", "ParameterDict"])
def test_no_public_method_is_missing(kind: str, torch: Any) -> None:
    elsewhere = {"ipu", "mtia", "xpu", "T_destination", "dump_patches"}  # other devices; typing
    missing = {n for n in dir(getattr(torch.nn, kind)) if not n.startswith("_")}
    assert missing - set(dir(getattr(nn, kind))) <= elsewhere
