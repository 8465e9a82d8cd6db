"""Figures of many runs: what is drawn, and that it can be drawn again from its data."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from penlight.plots import curves_by_group, gradient_norms, load_data, result_grid


def again(plot, draw, path):
    """The figure drawn from what was saved."""
    _, data = plot.save(path)
    return draw(**load_data(data))


def test_curves_with_bands(tmp_path):
    groups = {
        "a": [[0.5, 0.7, None], [0.7, 0.9, 0.95]],
        "b": [[0.1]],
        "nothing": [[]],
        "nan": [[None]],
    }
    plot = curves_by_group(groups, "accuracy", "Curves")
    for figure in (plot.figure, again(plot, curves_by_group, tmp_path / "c").figure):
        (axis,) = figure.axes
        mean = axis.lines[0]
        np.testing.assert_allclose(mean.get_ydata(), [0.6, 0.8, 0.95])
        assert mean.get_xdata().tolist() == [1, 2, 3]
        band = axis.collections[0].get_paths()[0].vertices
        assert band[:, 1].min() == 0.5
        assert band[:, 1].max() == 0.95
        assert [t.get_text() for t in figure.legends[0].get_texts()] == ["a", "b"]
    assert curves_by_group(groups, "loss", "", False, log=True).figure.axes[0].get_yscale() == "log"


def test_many_curves_look_different():
    plot = curves_by_group({str(i): [[0.1, 0.2]] for i in range(32)}, "accuracy", "Curves")
    looks = {(line.get_color(), line.get_linestyle()) for line in plot.figure.axes[0].lines[::2]}
    assert len(looks) == 32


def test_grid(tmp_path):
    means, spreads = [[0.5, None], [0.25, 1.0]], [[0.01, None], [None, None]]
    plot = result_grid(means, spreads, ["r", "s"], ["c", "d"], "Grid")
    for figure in (plot.figure, again(plot, result_grid, tmp_path / "g").figure):
        (axis,) = figure.axes
        texts = [t.get_text() for t in axis.texts]
        assert texts == ["50.00 ± 1.00", "-", "25.00", "100.00"]
        assert [t.get_text() for t in axis.get_yticklabels()] == ["r", "s"]
    plot = result_grid([[3.14159]], [[None]], ["r"], ["c"], "Grid", percent=False)
    assert plot.figure.axes[0].texts[0].get_text() == "3.14"


def test_gradient_norms(tmp_path):
    groups = {"a": {"start": [1.0, 0.0, 2.0], "end": [0.1, 0.2, 0.3]}}
    plot = gradient_norms(groups, "Norms")
    for figure in (plot.figure, again(plot, gradient_norms, tmp_path / "n").figure):
        left, right = figure.axes
        np.testing.assert_array_equal(left.lines[0].get_ydata(), [1, np.nan, 2])  # log has no 0
        np.testing.assert_array_equal(right.lines[0].get_ydata(), [0.1, 0.2, 0.3])
        assert left.get_yscale() == "log"
