"""Tests of ``utils.data`` that are programs for either library."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture
def data(lib: Any) -> Any:
    """``utils.data`` of the library."""
    return importlib.import_module(f"{lib.__name__}.utils.data")
