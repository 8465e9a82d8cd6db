"""Tests of the engine that are programs for either library."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(params=["penlight", pytest.param("torch", marks=pytest.mark.parity)])
def lib(request: pytest.FixtureRequest) -> Any:
    """Penlight, and then PyTorch: what a test expects of the one must be true of the other."""
    return pytest.importorskip(request.param)
