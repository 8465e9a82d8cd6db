from __future__ import annotations

import pytest

from tests.small_data import write_small_data


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder with 600 + 200 real images."""
    return write_small_data(tmp_path_factory.mktemp("data"))
