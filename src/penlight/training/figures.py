"""The figures of a run, drawn from what the run recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from penlight import Tensor, nn
from penlight.training.evaluation import Evaluation
from penlight.training.run_folder import RunFolder

__all__ = ["draw_figures", "draw_training"]

_GRID = 40  # images in the grid of predictions, of which up to 12 are mistakes
_MOST_MISTAKES = 12


def draw_training(run: RunFolder, title: str) -> list[Path]:
    """Curves of loss, accuracy and learning rate; distributions of weights and gradients.

    Returns:
        The paths of the pictures; each has its data beside it.
    """
    from penlight.plots import distributions_over_time, training_curves

    records = run.metrics.read()
    steps = [r for r in records if "progress" in r]
    epochs = [r for r in records if "epoch" in r]
    plots = {}
    if records:
        plots["training_curves"] = training_curves(steps, epochs, title)
    distributions = run.distributions.read()
    for kind in ("weight", "gradient"):
        if any(r["kind"] == kind and r["counts"] for r in distributions):
            plots[f"{kind}s"] = distributions_over_time(distributions, kind)
    return [plot.save(run.figures / name)[0] for name, plot in plots.items()]


def draw_figures(
    run: RunFolder,
    model: nn.Module,
    evaluation: Evaluation,
    images: Tensor,
    classes: list[str],
    title: str,
) -> list[Path]:
    """All figures of a run.

    Args:
        run: where to draw, and what was recorded.
        model: of which the first layer's filters are drawn.
        evaluation: of ``model`` on ``images``.
        images: test images (N, C, H, W), uint8.
        classes: names of the classes.
        title: of the figure of the curves.

    Returns:
        The paths of the pictures; each has its data beside it.
    """
    from penlight.plots import confusion_matrix, first_layer_filters, prediction_grid

    plots: dict[str, Any] = {
        "confusion_matrix": confusion_matrix(
            evaluation.confusion(), classes, "Confusion matrix (test images)"
        )
    }
    chosen = _some(evaluation)
    plots["predictions"] = prediction_grid(
        images.numpy()[chosen],
        evaluation.labels.numpy()[chosen],
        evaluation.predictions.numpy()[chosen],
        evaluation.probabilities.numpy()[chosen],
        classes,
        "Test images and predictions (mistakes marked)",
    )
    name, weight = next((n, p) for n, p in model.named_parameters() if p.ndim >= 2)
    shape = tuple(images.shape[1:]) if weight.ndim == 2 else None
    plots["filters"] = first_layer_filters(
        weight.detach().numpy(), name.removesuffix(".weight"), shape
    )
    return draw_training(run, title) + [
        plot.save(run.figures / name)[0] for name, plot in plots.items()
    ]


def _some(evaluation: Evaluation) -> np.ndarray:
    """Indices of test images to show: evenly spread ones, among them some of the mistakes."""
    wrong = (evaluation.predictions != evaluation.labels).numpy()
    mistakes, right = np.flatnonzero(wrong), np.flatnonzero(~wrong)
    few = _evenly(mistakes, _MOST_MISTAKES)
    return np.sort(np.concatenate([few, _evenly(right, _GRID - len(few))]))


def _evenly(indices: np.ndarray, count: int) -> np.ndarray:
    places = np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int)
    return indices[places]
