"""Which way convolutions go, as users see it."""

from __future__ import annotations

import numpy as np
import pytest

import penlight as torch
from penlight.kernels.conv import costs

conv = torch.backends.conv


def test_explanation_names_ways_and_times() -> None:
    found = conv.explain((64, 64, 16, 16), (64, 64, 3, 3), padding=1)
    assert found.forward.way == found.weight_grad.way == "winograd"
    assert found.input_grad.way == "turned"
    assert min(found.forward.milliseconds, key=found.forward.milliseconds.__getitem__) == "winograd"
    lines = str(found).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["forward", "winograd"], ["input_grad", "turned"], ["weight_grad", "winograd"],
    ]  # fmt: skip
    assert " ms; bands " in lines[0]


def test_float64_goes_by_the_definition() -> None:
    found = conv.explain((64, 64, 16, 16), (64, 64, 3, 3), padding=1, dtype="float64")
    assert all("winograd" not in found_pass.milliseconds for found_pass in found)


def test_what_is_explained_is_what_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = costs.chosen

    def spy(name: str, p: costs.Problem, exact: bool = False) -> str:
        asked.append((name, p, real(name, p, exact)))
        return asked[-1][2]

    monkeypatch.setattr("penlight.kernels.conv.dense.chosen", spy)
    x = torch.ones(8, 20, 213, requires_grad=True)
    w = torch.ones(30, 20, 3, requires_grad=True)
    torch.nn.functional.conv1d(x, w, stride=2, padding=1).sum().backward()
    found = conv.explain(tuple(x.shape), tuple(w.shape), stride=2, padding=1)
    ways = {name: way for name, p, way in asked if p.c == 20}
    assert ways == {name: found_pass.way for name, found_pass in found._asdict().items()}


def test_ways_can_be_forced() -> None:
    shapes = (64, 64, 16, 16), (64, 64, 3, 3)
    with conv.use(forward="rows", weight_grad="shifts"):
        found = conv.explain(*shapes)
        assert (found.forward.way, found.weight_grad.way) == ("rows", "shifts")
        with conv.use(forward="bands"):
            assert conv.explain(*shapes).forward.way == "bands"
        assert conv.explain(*shapes).forward.way == "rows"
        assert conv.explain(*shapes, dtype="float64").forward.way == "rows"
    assert conv.explain(*shapes).forward.way == "winograd"


def test_winograd_can_be_forbidden() -> None:
    x, w = torch.randn(8, 32, 16, 16), torch.randn(32, 32, 3, 3)
    exact = torch.nn.functional.conv2d(x.double(), w.double()).numpy()

    def error() -> float:
        return float(np.abs(torch.nn.functional.conv2d(x, w).numpy() - exact).max())

    usual = error()
    conv.allow_winograd(False)
    try:
        assert error() < usual
    finally:
        conv.allow_winograd(True)
    assert error() == usual


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="rows"), conv.use(forward="fast"):
        pass
    with pytest.raises(ValueError, match="input_grad"), conv.use(backward="rows"):
        pass
    with pytest.raises(ValueError, match="differ in dimensions"):
        conv.explain((1, 2, 3, 3), (1, 2, 3))
    with pytest.raises(ValueError, match="x_shape has 4 channels but w_shape 2"):
        conv.explain((1, 4, 8, 8), (4, 2, 3, 3))
    with pytest.raises(ValueError, match="no output"):
        conv.explain((1, 4, 2, 2), (4, 4, 3, 3))
