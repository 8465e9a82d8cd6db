"""Connectionist temporal classification: sums over all alignments, by dynamic programming.

An alignment of a target l_1 ... l_L with T steps is a path through l' = (b, l_1, b, l_2, ..., l_L, b), b
the blank, that starts in its first two places, ends in its last two, and at each step stays, moves on by
one, or by two where that skips a blank between different labels. Sums are taken of logarithms; all
samples and places of a step are computed at once.

Source: Graves, Fernández, Gomez & Schmidhuber, "Connectionist temporal classification", 2006, section 4.1.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ctc_backward", "ctc_forward"]

Lengths = np.ndarray


def _places(targets: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """l' of each row, (N, 2L + 1), and where a path may come from two places before."""
    places = np.full((len(targets), 2 * targets.shape[1] + 1), blank)
    places[:, 1::2] = targets
    skips = np.zeros(places.shape, bool)
    skips[:, 3::2] = targets[:, 1:] != targets[:, :-1]
    return places, skips


def _sums(
    emissions: np.ndarray, skips: np.ndarray, first: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """log sums of all ways to reach each place: (T, N, S).

    Args:
        emissions: log-probability of each place's label at each step, (T, N, S).
        skips: whether a place is reached from two before it, (N, S).
        first: log-weights of the places before the step at which a row starts, (N, S).
        start: that step, (N,); earlier ones hold minus infinity.
    """
    y = np.full_like(emissions, -np.inf)
    for t in range(len(emissions)):
        before = y[t - 1]
        ways = before.copy()
        ways[:, 1:] = np.logaddexp(ways[:, 1:], before[:, :-1])
        ways[:, 2:] = np.where(skips[:, 2:], np.logaddexp(ways[:, 2:], before[:, :-2]), ways[:, 2:])
        starts = (start == t)[:, None]
        y[t] = np.where(starts, first, np.where(t > start[:, None], ways, -np.inf)) + emissions[t]
    return y


def ctc_forward(
    log_probs: np.ndarray,
    targets: np.ndarray,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int,
) -> tuple[np.ndarray, np.ndarray]:
    """-ln p(target | input) of each sample, (N,), and the sums over beginnings, (T, N, S).

    Args:
        log_probs: (T, N, C).
        targets: labels, (N, L); what lies beyond a sample's length is not read.
        input_lengths, target_lengths: of each sample, (N,).
    """
    places, skips = _places(targets, blank)
    emissions = _emissions(log_probs, places)
    first = np.full(places.shape, -np.inf, log_probs.dtype)
    first[:, :2] = 0
    first[:, 1:][target_lengths == 0] = -np.inf  # nothing but the blank
    alpha = _sums(emissions, skips, first, np.zeros_like(input_lengths))
    rows = np.arange(len(targets))
    nothing = np.where(target_lengths == 0, 0, -np.inf).astype(log_probs.dtype)
    if not len(log_probs):
        return -nothing, alpha
    ends = alpha[input_lengths - 1, rows]
    last = 2 * target_lengths
    total = np.logaddexp(ends[rows, last], np.where(last > 0, ends[rows, last - 1], -np.inf))
    return -np.where(input_lengths == 0, nothing, total).astype(log_probs.dtype), alpha


def ctc_backward(
    log_probs: np.ndarray,
    targets: np.ndarray,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int,
    loss: np.ndarray,
    alpha: np.ndarray,
) -> np.ndarray:
    """exp(log_probs) - p(label at t | target), zero beyond a sample's length: (T, N, C).

    The sums over ends are those over beginnings of the reversed problem.
    """
    steps, samples, classes = log_probs.shape
    places, _ = _places(targets, blank)
    emissions = _emissions(log_probs, places)
    rows, last = np.arange(samples), 2 * target_lengths
    first = np.full(places.shape, -np.inf, log_probs.dtype)
    first[rows, last] = 0
    first[rows, np.maximum(last - 1, 0)] = 0
    backwards, skips = places[:, ::-1], np.zeros(places.shape, bool)
    odd = backwards != blank
    skips[:, 2:] = odd[:, 2:] & (backwards[:, 2:] != backwards[:, :-2])
    beta = _sums(emissions[::-1, :, ::-1], skips, first[:, ::-1], steps - input_lengths)
    beta = beta[::-1, :, ::-1]
    occupied = np.exp(alpha + beta - emissions + loss[:, None])
    occupied = np.where(np.isneginf(alpha) | np.isneginf(beta), 0 * loss[:, None], occupied)
    labels = np.equal(places[..., None], np.arange(classes)).astype(log_probs.dtype)
    posterior = np.matmul(occupied.transpose(1, 0, 2), labels).transpose(1, 0, 2)
    within = np.arange(steps)[:, None] < input_lengths
    return np.where(within[..., None], np.exp(log_probs) - posterior, 0).astype(log_probs.dtype)


def _emissions(log_probs: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(T, N, S): the log-probability of each place's label."""
    return log_probs[:, np.arange(len(places))[:, None], places]
