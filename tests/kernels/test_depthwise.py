"""Depthwise convolutions by every way, against their definition, however they are cut, and with infinities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import conv
from penlight.kernels.conv import common, depthwise, depthwise_planes, small
from penlight.kernels.windows import Window
from tests.kernels.conv_cases import Case, cases, naive

WAYS = {"planes": (1, 10**9), "bands": (10**9, 0)}  # the least images, and zeros, for planes


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    images, zeros = WAYS[request.param]
    monkeypatch.setattr(depthwise_planes, "_IMAGES", images)
    monkeypatch.setattr(depthwise_planes, "_ZEROS", zeros)
    monkeypatch.setattr(small, "_GATHERED", 0)
    return str(request.param)


@pytest.fixture(params=["usual chunks", "tiny chunks"])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = get_num_threads()
    if request.param == "tiny chunks":
        monkeypatch.setattr(depthwise_planes, "_CHUNK", 1024)
        monkeypatch.setattr(depthwise, "CACHE", 1024)
        monkeypatch.setattr(common, "_WORTH_THREADS", 0)
        set_num_threads(2)
    yield
    set_num_threads(before)


def results(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return (
        conv.forward(case.x, case.w, case.b, case.window, case.groups),
        conv.input_grad(case.dy, case.w, case.x.shape[2:], case.window, case.groups),
        conv.weight_grad(case.x, case.dy, case.window, case.groups),
    )


def depthwise_form(case: Case) -> Case:
    """The same case with as many groups as channels, two at least."""
    x, w = (np.concatenate([a, -a], axis=axis) for a, axis in ((case.x, 1), (case.w, 0)))
    groups = x.shape[1]
    multiplier = max(len(w) // groups, 1)
    w = np.resize(w[:, :1], (groups * multiplier, 1, *w.shape[2:]))
    dy = np.resize(case.dy, (len(x), len(w), *case.dy.shape[2:]))
    b = None if case.b is None else np.resize(case.b, len(w))
    return Case(x, w, b, dy, case.window, groups)


def make(
    n: int, c: int, m: int, size: Any, k: Any, s: Any, p: int, d: int, dtype: str = "float64"
) -> Case:
    rng = np.random.default_rng(0)
    random = lambda *shape: rng.standard_normal(shape).astype(dtype)  # noqa: E731
    window = Window(k, s, ((p, p),) * 2, (d, d))
    x, w, b = random(n, c, *size), random(c * m, 1, *k), random(c * m)
    return Case(x, w, b, random(n, c * m, *window.output_size(size)), window, c)


CASES = {
    "the usual": (17, 3, 1, (9, 8), (3, 3), (1, 1), 1, 1),
    "a stride": (17, 3, 1, (9, 8), (3, 3), (2, 2), 1, 1),
    "two strides": (4, 2, 1, (11, 10), (3, 5), (3, 2), 2, 1),
    "a stride beyond the kernel": (3, 2, 1, (10, 9), (1, 2), (4, 3), 0, 1),
    "dilation": (5, 4, 1, (9, 9), (3, 3), (1, 1), 2, 2),
    "more outputs than inputs": (5, 2, 3, (8, 8), (3, 3), (1, 1), 1, 1),
    "wide, with a remainder": (2, 2, 1, (13, 40), (5, 3), (1, 1), 2, 1),
    "padding beyond the kernel": (3, 2, 1, (4, 4), (2, 2), (2, 1), 4, 1),
    "one number": (3, 2, 1, (1, 1), (3, 3), (1, 1), 1, 1),
}


@pytest.mark.usefixtures("way", "chunks")
@pytest.mark.parametrize("name", CASES)
def test_every_way_is_the_definition(name: str) -> None:
    case = make(*CASES[name])
    for kind, actual, expected in zip(("y", "dx", "dw"), results(case), naive(case), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10, err_msg=kind)


@pytest.mark.parametrize("way", WAYS)
def test_random_windows_are_the_definition(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images, zeros = WAYS[way]
    monkeypatch.setattr(depthwise_planes, "_IMAGES", images)
    monkeypatch.setattr(depthwise_planes, "_ZEROS", zeros)
    monkeypatch.setattr(small, "_GATHERED", 0)

    @given(cases())
    def run(drawn: Case) -> None:
        case = depthwise_form(drawn)
        for actual, expected in zip(results(case), naive(case), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)

    run()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", CASES)
def test_single_precision_stays_single_and_close(name: str) -> None:
    double = make(*CASES[name])
    single = replace(
        double, **{a: getattr(double, a).astype(np.float32) for a in ("x", "w", "b", "dy")}
    )
    for actual, expected in zip(results(single), results(double), strict=True):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("stride", [1, 2])
def test_what_is_not_finite_reaches_only_what_sees_it(bad: float, stride: int) -> None:
    case = make(17, 3, 1, (8, 8), (3, 3), (stride, stride), 1, 1)
    for name in ("x", "dy"):
        place = (0, 0, 1, 2)
        poisoned = getattr(case, name).copy()
        poisoned[place] = bad
        spoilt = replace(case, **{name: poisoned})
        with np.errstate(invalid="ignore"):
            expected = [np.isfinite(a) for a in naive(spoilt)]
            found = [np.isfinite(a) for a in results(spoilt)]
        for actual, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(actual, wanted)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("stride", [1, 2])
def test_threads_do_not_change_a_bit(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_WORTH_THREADS", 0)
    case = make(33, 16, 1, (12, 12), (3, 3), (stride, stride), 1, 1, "float32")
    before, found = get_num_threads(), []
    try:
        for threads in (1, 2, 3, 1):
            set_num_threads(threads)
            found.append([a.tobytes() for a in results(case)])
    finally:
        set_num_threads(before)
    assert all(other == found[0] for other in found[1:])


def test_narrow_planes_of_many_images_go_by_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice depends on shapes: without it, the other ways would answer just as well."""
    called = []
    for name in ("forward", "input_grad", "weight_grad"):
        original = getattr(depthwise_planes, name)

        def spy(*args: Any, name: str = name, original: Any = original) -> Any:
            called.append(name)
            return original(*args)

        monkeypatch.setattr(depthwise_planes, name, spy)
    results(make(32, 8, 1, (16, 16), (3, 3), (2, 2), 1, 1, "float32"))
    assert called == ["forward", "input_grad", "weight_grad"]
    results(make(2, 8, 1, (16, 16), (3, 3), (2, 2), 1, 1, "float32"))
    assert len(called) == 3
