"""Figures drawn from recorded data; nothing here trains.

Each function takes plain data, returns a ``Plot``, and ``Plot.save`` writes the picture and the
data it was drawn from side by side. matplotlib is imported here and nowhere else.
"""

from penlight.plots.confusion import confusion_matrix
from penlight.plots.curves import smooth, training_curves
from penlight.plots.distributions import distributions_over_time
from penlight.plots.filters import first_layer_filters
from penlight.plots.images import prediction_grid
from penlight.plots.studies import curves_by_group, gradient_norms, result_grid
from penlight.plots.style import Plot, load_data

__all__ = [
    "Plot",
    "confusion_matrix",
    "curves_by_group",
    "distributions_over_time",
    "first_layer_filters",
    "gradient_norms",
    "load_data",
    "prediction_grid",
    "result_grid",
    "smooth",
    "training_curves",
]
