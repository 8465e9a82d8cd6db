"""``Generator``: seeds, states and copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest


def draw(lib: Any, generator: Any) -> list[float]:
    return lib.rand(4, generator=generator).tolist()  # type: ignore[no-any-return]


def test_seed_starts_the_stream_anew(lib: Any) -> None:
    g = lib.Generator()
    assert g.initial_seed() == 67280421310721
    assert g.device == lib.device("cpu")
    assert g.manual_seed(5) is g
    first = draw(lib, g)
    assert draw(lib, g) != first
    assert draw(lib, g.manual_seed(5)) == first
    assert g.initial_seed() == 5
    chosen = g.seed()
    assert g.initial_seed() == chosen
    assert draw(lib, g) == draw(lib, lib.Generator().manual_seed(chosen))


def test_state_comes_back(lib: Any) -> None:
    g = lib.Generator().manual_seed(1)
    draw(lib, g)
    state = g.get_state()
    assert state.dtype is lib.uint8
    expected = draw(lib, g)
    other = lib.Generator().manual_seed(2)
    other.set_state(state)
    assert draw(lib, other) == expected
    assert draw(lib, g.set_state(state) or g) == expected


@pytest.mark.parametrize("how", ["pickle", "deepcopy", "clone_state"])
def test_copies_go_on_alike_and_apart(lib: Any, how: str) -> None:
    g = lib.Generator().manual_seed(3)
    draw(lib, g)
    other = {
        "pickle": lambda: pickle.loads(pickle.dumps(g)),
        "deepcopy": lambda: copy.deepcopy(g),
        "clone_state": g.clone_state,
    }[how]()
    assert other.initial_seed() == 3
    expected = draw(lib, g)
    draw(lib, g)
    assert draw(lib, other) == expected


def test_range_of_seeds(lib: Any) -> None:
    g = lib.Generator()
    assert g.manual_seed(-1).initial_seed() == 2**64 - 1
    assert g.manual_seed(2**64 - 1).initial_seed() == 2**64 - 1
    assert g.manual_seed(-(2**63)).initial_seed() == 2**63
    for bad in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError):  # noqa: PT011
            g.manual_seed(bad)
        with pytest.raises(ValueError):  # noqa: PT011
            lib.manual_seed(bad)
    for wrong in ("a", 1.5, None):
        with pytest.raises(RuntimeError, match="expected a long"):
            g.manual_seed(wrong)


def test_bad_states_change_nothing(lib: Any) -> None:
    g = lib.Generator().manual_seed(4)
    expected = draw(lib, lib.Generator().manual_seed(4))
    for bad, error in [
        (3, TypeError), (lib.ones(3), TypeError), (lib.ones(3, dtype=lib.uint8), RuntimeError),
    ]:  # fmt: skip
        with pytest.raises(error):
            g.set_state(bad)
    assert draw(lib, g) == expected


def test_default_generator(lib: Any) -> None:
    assert isinstance(lib.default_generator, lib.Generator)
    assert lib.manual_seed(3.7).initial_seed() == lib.initial_seed() == 3
    first = lib.rand(3).tolist()
    lib.manual_seed(3)
    state = lib.get_rng_state()
    assert lib.rand(3).tolist() == first
    lib.set_rng_state(state)
    assert lib.rand(3).tolist() == first
    assert lib.seed() == lib.initial_seed()
