"""Freed memory stays for the next arrays, unless the user has a say."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")

FAULTS = """
import resource
import penlight, numpy as np
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
make = lambda: np.ones(5 << 20)  # 40 MB: 10,240 pages of 4 kB, or 20 large ones
make(), make()
before = faults()
for _ in range(10):
    make()
print(faults() - before)
"""

RESIDENT = """
import penlight, numpy as np
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
arrays = [np.ones(1 << 20) for _ in range(20)]
del arrays
before = resident()
penlight.cuda.empty_cache()
print(before - resident())
"""


def run(program: str, **environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def glibc() -> bool:
    return run("import ctypes; print(int(hasattr(ctypes.CDLL(None), 'mallopt')))") == 1


def test_freed_memory_is_used_again():
    if not glibc():
        pytest.skip("no glibc")
    assert run(FAULTS) < 20  # pages
    assert run(FAULTS, PENLIGHT_ALLOCATOR="system") >= 10 * 20


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_settings_of_glibc_are_left_alone(name):
    value = "glibc.malloc.trim_threshold=131072" if name == "GLIBC_TUNABLES" else "131072"
    assert run(FAULTS, **{name: value}) >= 10 * 20


def test_an_unknown_wish_is_refused():
    with pytest.raises(subprocess.CalledProcessError) as error:
        run(FAULTS, PENLIGHT_ALLOCATOR="other")
    assert "must be 'keep' or 'system', got 'other'" in error.value.stderr


def test_emptying_the_cache_gives_memory_back():
    assert run(RESIDENT) > 100e6
