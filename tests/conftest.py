"""Settings of all tests."""

from __future__ import annotations

import importlib.util
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile(
    "ci", deadline=None, max_examples=100, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("ci" if os.environ.get("CI") else "default")

# A run that a shell starts in the background ignores Ctrl-C, and so would what the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

HAS_TORCH = importlib.util.find_spec("torch") is not None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked ``parity`` compare with PyTorch and are skipped where it is not installed."""
    if HAS_TORCH:
        return
    skip = pytest.mark.skip(reason="PyTorch is not installed (make parity installs it)")
    for item in items:
        if item.get_closest_marker("parity"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def torch():  # type: ignore[no-untyped-def]
    """PyTorch, the oracle."""
    return pytest.importorskip("torch")


@pytest.fixture(params=["penlight", pytest.param("torch", marks=pytest.mark.parity)])
def lib(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    """Penlight, and then PyTorch: what a test expects of the one must be true of the other."""
    return pytest.importorskip(request.param)


@pytest.fixture(autouse=True)
def _seed() -> None:
    import penlight

    penlight.manual_seed(0)
