"""Each figure: labelled, drawn from its arguments, and saved with the data it was drawn from."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from penlight.plots import (
    confusion_matrix,
    distributions_over_time,
    first_layer_filters,
    load_data,
    prediction_grid,
    smooth,
    training_curves,
)
from penlight.training.distributions import summarise

CLASSES = ["ant", "bee", "cat"]
STEPS = [{"progress": i / 10, "loss": 2.0 / i, "lr": 0.1} for i in range(1, 21)]
EPOCHS = [
    {"epoch": 1, "train_loss": 0.9, "train_accuracy": 0.5, "test_loss": 0.8, "test_accuracy": 0.75},
    {"epoch": 2, "train_loss": 0.5, "train_accuracy": 0.8, "test_loss": 0.9, "test_accuracy": 0.7},
]


def make_records(kinds=("weight", "gradient")):
    rng = np.random.default_rng(0)
    return [
        {"progress": t / 2, "name": name, **summarise(rng.normal(size=100), kind)}
        for t in range(4)
        for name in ("conv.weight", "head.weight")
        for kind in kinds
    ]


def grid_arguments(count=5):
    rng = np.random.default_rng(0)
    return {
        "images": rng.integers(0, 256, (count, 6, 6), dtype=np.uint8),
        "labels": np.array([0, 1, 2, 0, 1])[:count],
        "predictions": np.array([0, 1, 2, 0, 2])[:count],
        "probabilities": np.linspace(0.5, 0.9, count),
        "classes": CLASSES,
    }


PLOTS = {
    "curves": lambda: training_curves(STEPS, EPOCHS, "Run"),
    "confusion": lambda: confusion_matrix([[3, 1, 0], [0, 4, 0], [1, 0, 9]], CLASSES),
    "predictions": lambda: prediction_grid(**grid_arguments()),
    "filters": lambda: first_layer_filters(np.ones((3, 1, 5, 5), np.float32), "conv1"),
    "folded filters": lambda: first_layer_filters(np.ones((3, 12)), "fc1", (3, 2, 2)),
    "weights": lambda: distributions_over_time(make_records(), "weight"),
    "gradients": lambda: distributions_over_time(make_records(), "gradient"),
}
DRAWERS = {
    "curves": training_curves,
    "confusion": confusion_matrix,
    "predictions": prediction_grid,
    "filters": first_layer_filters,
    "folded filters": first_layer_filters,
    "weights": distributions_over_time,
    "gradients": distributions_over_time,
}


def labels_of(plot):
    return {axis.get_xlabel() for axis in plot.figure.axes} | {
        axis.get_ylabel() for axis in plot.figure.axes
    }


def texts_of(axis):
    return [text.get_text() for text in axis.texts]


@pytest.mark.parametrize("name", PLOTS)
def test_saves_picture_and_the_data_it_can_be_drawn_from_again(name, tmp_path):
    plot = PLOTS[name]()
    picture, data = plot.save(tmp_path / "figure")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(tmp_path.iterdir()) == sorted([picture, data])  # no temporary file left

    again = DRAWERS[name](**load_data(data))
    assert again.figure.get_size_inches().tolist() == plot.figure.get_size_inches().tolist()
    second, _ = again.save(tmp_path / "again")
    assert second.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize("name", PLOTS)
def test_leaves_the_style_of_the_caller_alone(name):
    import matplotlib

    before = dict(matplotlib.rcParams)
    PLOTS[name]()
    assert dict(matplotlib.rcParams) == before


def test_curves_name_the_best_epoch_and_both_sets():
    plot = PLOTS["curves"]()
    axes = {axis.get_title(loc="left"): axis for axis in plot.figure.axes}
    assert set(axes) == {"Loss", "Learning rate", "Accuracy"}
    assert axes["Accuracy"].get_title(loc="right") == "best on test: 75.00% (epoch 1)"
    legend = [text.get_text() for text in axes["Accuracy"].get_legend().get_texts()]
    assert legend == ["train, mean over the epoch", "test, after the epoch"]
    assert labels_of(plot) >= {"epoch"}


def test_curves_without_a_test_set():
    epochs = [{"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5}]
    axes = training_curves(STEPS, epochs).figure.axes
    assert not any("test" in t.get_text() for a in axes if a.get_legend()
                   for t in a.get_legend().get_texts())  # fmt: skip


def test_smoothing_keeps_constants_and_does_not_lag():
    np.testing.assert_allclose(smooth([3.0] * 50, width=5), 3.0)
    ramp = np.arange(50.0)
    np.testing.assert_allclose(smooth(ramp, width=5)[5:-5], ramp[5:-5])
    np.testing.assert_allclose(smooth([0, 0, 4, 0, 0], width=1), [0, 1, 2, 1, 0])


def test_confusion_matrix_writes_counts_and_shares():
    plot = PLOTS["confusion"]()
    (axis,) = plot.figure.axes
    assert texts_of(axis)[:3] == ["3\n75.0%", "1\n25.0%", "0"]
    assert axis.get_title(loc="left") == "88.89% of 18 images right"
    assert labels_of(plot) == {"predicted class", "true class"}
    assert [tick.get_text() for tick in axis.get_xticklabels()] == CLASSES


def test_confusion_matrix_of_a_perfect_model_and_of_none():
    confusion_matrix(np.eye(3, dtype=int), CLASSES)
    plot = confusion_matrix(np.zeros((3, 3), int), CLASSES)
    assert plot.figure.axes[0].get_title(loc="left") == "0.00% of 0 images right"


def test_large_confusion_matrix_has_colour_bars_instead_of_text():
    plot = confusion_matrix(np.eye(30, dtype=int), [str(n) for n in range(30)])
    axis, *bars = plot.figure.axes
    assert texts_of(axis) == []
    assert len(bars) == 2


def test_mistakes_are_marked_and_nothing_else():
    captions = [a.get_xlabel() for a in prediction_grid(**grid_arguments()).figure.axes]
    assert captions[:5] == ["ant 50%", "bee 60%", "cat 70%", "ant 80%", "✗ cat 90%\ntrue: bee"]


def test_colour_images_are_drawn_channels_last():
    arguments = grid_arguments() | {"images": np.zeros((5, 3, 6, 4))}
    image = prediction_grid(**arguments).figure.axes[0].images[0]
    assert image.get_array().shape == (6, 4, 3)


def test_filters_share_a_scale_symmetric_about_zero():
    weight = np.linspace(-0.3, 0.7, 2 * 3 * 3).reshape(2, 1, 3, 3)
    images = [i for a in first_layer_filters(weight).figure.axes for i in a.images]
    assert {image.get_clim() for image in images} == {(-0.7, 0.7)}
    assert "weight" in labels_of(first_layer_filters(weight))


def test_filters_of_colour_images_have_a_row_per_channel():
    plot = first_layer_filters(np.ones((4, 3, 3, 3)))
    assert sum(len(axis.images) for axis in plot.figure.axes) == 12
    assert [t for axis in plot.figure.axes for t in texts_of(axis)] == ["R", "G", "B"]


def test_distributions_have_one_panel_per_layer():
    plot = PLOTS["gradients"]()
    titles = [axis.get_title(loc="left") for axis in plot.figure.axes]
    assert titles == ["conv.weight (100)", "head.weight (100)"]
    assert labels_of(plot) >= {"epoch", "|gradient|"}
    low, high = plot.figure.axes[0].get_ylim()
    assert (low, high) == plot.figure.axes[1].get_ylim()  # comparable across layers


def test_distributions_skip_recordings_without_values():
    records = make_records()
    records.append({"progress": 2.0, "name": "conv.weight", **summarise(np.zeros(9), "gradient")})
    assert len(distributions_over_time(records, "gradient").data["records"]) == 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: confusion_matrix(np.eye(2), CLASSES), r"shape \(3, 3\).*received \(2, 2\)"),
        (lambda: prediction_grid([], [], [], [], CLASSES), "images is empty"),
        (
            lambda: prediction_grid(**grid_arguments() | {"labels": [1]}),
            "expected 5 labels.*received 1, 5 and 5",
        ),
        (lambda: first_layer_filters(np.ones((3, 4))), r"shape \(F, C, kH, kW\).*\(3, 4\)"),
        (lambda: first_layer_filters(np.ones((3, 4)), "fc", (3, 3)), "must hold 4 values.*holds 9"),
        (lambda: distributions_over_time(make_records(), "bias"), "received 'bias'"),
        (lambda: distributions_over_time(make_records(["weight"]), "gradient"), "hold nothing"),
        (lambda: load_data("figure.txt"), "must end in .json or .npz"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
