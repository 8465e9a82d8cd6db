"""How good a classifier is: predictions, loss, accuracy and the confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from penlight import Tensor, bincount, cat, nn, no_grad
from penlight.nn import functional as F
from penlight.utils.data import DataLoader

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """What a model made of N labelled samples.

    Attributes:
        labels: true classes (N,).
        predictions: classes with the highest score (N,).
        probabilities: of the predicted classes (N,).
        loss: mean cross-entropy.
        classes: K, the number of classes.
    """

    labels: Tensor
    predictions: Tensor
    probabilities: Tensor
    loss: float
    classes: int

    @property
    def accuracy(self) -> float:
        """Share of samples classified correctly."""
        return float((self.predictions == self.labels).sum().item()) / max(len(self.labels), 1)

    def confusion(self) -> list[list[int]]:
        """Counts (K, K); row: true class, column: predicted class."""
        cells = self.labels * self.classes + self.predictions
        counts = bincount(cells, minlength=self.classes**2)
        return counts.reshape(self.classes, self.classes).tolist()


@no_grad()
def evaluate(model: nn.Module, loader: DataLoader[Any], flip: bool = False) -> Evaluation:
    """Run ``model`` in eval mode over labelled batches; its mode is then as before.

    Args:
        model: maps a batch to scores (N, K).
        loader: gives batches (x, y).
        flip: score images (N, C, H, W) by the mean of the scores of x and of its mirror image.

    Raises:
        ValueError: if the loader gives no sample.
    """
    training = model.training
    model.eval()
    labels, predictions, probabilities = [], [], []
    loss, classes = 0.0, 0
    try:
        for x, y in loader:
            scores = (model(x) + model(x.flip(-1))) / 2 if flip else model(x)
            loss += float(F.cross_entropy(scores, y, reduction="sum").item())
            best = F.softmax(scores, dim=1).max(1)
            labels.append(y)
            predictions.append(best.indices)
            probabilities.append(best.values)
            classes = scores.shape[1]
    finally:
        model.train(training)
    if not labels:
        raise ValueError("evaluate: loader gave no batches; expected at least one sample")
    all_labels = cat(labels)
    return Evaluation(
        all_labels, cat(predictions), cat(probabilities), loss / len(all_labels), classes
    )
