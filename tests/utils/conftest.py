"""Tests of ``utils.data`` that are programs for either library."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture(params=["penlight", pytest.param("torch", marks=pytest.mark.parity)])
def lib(request: pytest.FixtureRequest) -> Any:
    """Penlight, and then PyTorch: what a test expects of the one must be true of the other."""
    pytest.importorskip(request.param)
    return importlib.import_module(request.param)


@pytest.fixture
def data(lib: Any) -> Any:
    """``utils.data`` of the library."""
    return importlib.import_module(f"{lib.__name__}.utils.data")
