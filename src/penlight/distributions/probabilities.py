"""Families whose parameter is a probability, or its logit: either may be given, the other follows."""

from __future__ import annotations

from typing import Any

from penlight import Size, Tensor
from penlight.distributions.utils import lazy_property, logits_to_probs, probs_to_logits

__all__ = ["ProbsOrLogits"]


class ProbsOrLogits:
    """``probs`` and ``logits``, of which the constructor sets one."""

    _is_binary = True  # one probability per event; else one per category, in the last dimension
    _given: str

    def _keep_one_of(self, probs: Any, logits: Any) -> Any:
        """The name and value of what was given.

        Raises:
            ValueError: unless exactly one was.
        """
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._given = "logits" if probs is None else "probs"
        return logits if probs is None else probs

    def _keep_normalized(self, probs: Tensor | None, logits: Tensor | None) -> None:
        """Keep one of both for categories, such that the probabilities sum to 1."""
        value = self._keep_one_of(probs, logits)
        if value.dim() < 1:
            raise ValueError(f"`{self._given}` parameter must be at least one-dimensional.")
        if probs is not None:
            value = value / value.sum(-1, keepdim=True)
        else:
            value = value - value.logsumexp(-1, keepdim=True)
        vars(self)[self._given] = value

    @property
    def _param(self) -> Tensor:
        return vars(self)[self._given]

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return self._param.shape

    @lazy_property
    def logits(self) -> Tensor:
        """ln(p / (1 - p)), or of categories ln p."""
        return probs_to_logits(self.probs, is_binary=self._is_binary)

    @lazy_property
    def probs(self) -> Tensor:
        """The probability, or those of the categories."""
        return logits_to_probs(self.logits, is_binary=self._is_binary)
