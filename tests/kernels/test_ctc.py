"""Connectionist temporal classification against the sum over all paths."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest

from penlight.kernels.ctc import ctc_backward, ctc_forward

BLANK = 0


def collapsed(path: tuple[int, ...]) -> list[int]:
    """The target of which a path is an alignment: repetitions merged, then blanks dropped."""
    return [label for label, _ in groupby(path) if label != BLANK]


def by_enumeration(probs: np.ndarray, target: list[int]) -> tuple[float, np.ndarray]:
    """-ln p and the posterior of each label at each step."""
    steps, classes = probs.shape
    total, posterior = 0.0, np.zeros_like(probs)
    for path in product(range(classes), repeat=steps):
        if collapsed(path) == target:
            p = np.prod(probs[np.arange(steps), path])
            total += p
            posterior[np.arange(steps), path] += p
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log(total), posterior / total


@pytest.mark.parametrize("steps", [5, 6])
@pytest.mark.parametrize("target", [[], [1], [2, 1], [1, 1], [1, 2, 1], [2, 2, 2]])
def test_it_sums_over_all_paths(target: list[int], steps: int) -> None:
    rng = np.random.default_rng(len(target))
    probs = rng.dirichlet(np.ones(3), (6, 2))
    lengths = np.array([steps, 4])
    labels = np.array([target, [1] * len(target)])
    counts = np.array([len(target), min(len(target), 1)])
    arguments = (np.log(probs), labels, lengths, counts, BLANK)
    loss, alpha = ctc_forward(*arguments)
    dx = ctc_backward(*arguments, loss, alpha)
    for n in range(2):
        p = probs[: lengths[n], n]
        expected, posterior = by_enumeration(p, labels[n, : counts[n]].tolist())
        assert loss[n] == pytest.approx(expected)
        np.testing.assert_allclose(dx[: lengths[n], n], p - posterior, atol=1e-12)
        assert not dx[lengths[n] :, n].any()


def test_too_short_an_input_is_impossible() -> None:
    arguments = (np.log(np.full((3, 1, 2), 0.5)), np.array([[1, 1, 1]]), np.array([3]), np.array([3]), 0)  # fmt: skip
    loss, alpha = ctc_forward(*arguments)
    assert loss[0] == np.inf
    assert np.isnan(ctc_backward(*arguments, loss, alpha)).any()
