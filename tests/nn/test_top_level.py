"""Functions of networks in the main namespace: PyTorch's results for PyTorch's arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.nn.functional import top_level
from tests.comparison import assert_same

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 6), np.float32)
IMAGE = RNG.standard_normal((2, 4, 6, 6), np.float32)
LINE = RNG.standard_normal((2, 4, 9), np.float32)
ROWS = RNG.uniform(0.1, 0.9, (4, 6)).astype(np.float32)
Call = Callable[[Any, Callable[[np.ndarray], Any]], Any]


def weights(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [np.asarray(rng.standard_normal(s) * 0.4, np.float32) for s in shapes]


def recurrent(name: str, blocks: int, states: int, **options: bool) -> Call:
    """Two layers in both directions."""
    biases = [(3 * blocks,), (3 * blocks,)] if options["has_biases"] else []
    shapes = [
        shape
        for layer in range(2)
        for _ in range(2)
        for shape in [(3 * blocks, 6 if layer else 5), (3 * blocks, 3), *biases]
    ]

    def call(t: Any, of: Callable[[np.ndarray], Any]) -> Any:
        x, h = of(weights((7, 2, 5))[0]), of(weights((4, 2, 3))[0])
        hx = [h, h * 0.5] if states == 2 else h
        params = [of(w) for w in weights(*shapes)]
        return getattr(t, name)(
            x, hx, params, options["has_biases"], 2, 0.0, False, True, options["batch_first"]
        )

    return call


def cell(name: str, blocks: int, states: int) -> Call:
    shapes = [(3 * blocks, 5), (3 * blocks, 3), (3 * blocks,), (3 * blocks,)]

    def call(t: Any, of: Callable[[np.ndarray], Any]) -> Any:
        x, h = of(weights((2, 5))[0]), of(weights((2, 3))[0])
        hx = [h, h] if states == 2 else h
        return getattr(t, name)(x, hx, *(of(w) for w in weights(*shapes)))

    return call


def loss(name: str, *arrays: np.ndarray, **options: Any) -> Call:
    def call(t: Any, of: Callable[[np.ndarray], Any]) -> Any:
        found = [getattr(t, name)(*map(of, arrays), **options)]
        found += [getattr(t, name)(*map(of, arrays), **options, reduction=r) for r in range(3)]
        return found

    return call


SIGNS = np.float32([1, -1, 1, -1])
CALLS: dict[str, Call] = {
    "conv1d": lambda t, of: t.conv1d(of(LINE), of(LINE[:, :, :3]), padding=1),
    "conv2d": lambda t, of: t.conv2d(of(IMAGE), of(IMAGE[:, :, :3, :3]), None, 2, "valid"),
    "conv_transpose2d": lambda t, of: t.conv_transpose2d(of(IMAGE), of(IMAGE.transpose(1, 0, 2, 3))),
    "avg_pool1d": lambda t, of: t.avg_pool1d(of(LINE), 3, 2),
    "max_pool1d": lambda t, of: t.max_pool1d(of(LINE), 3, 2, padding=1),
    "max_pool1d_with_indices": lambda t, of: t.max_pool1d_with_indices(of(LINE), 3),
    "max_pool2d": lambda t, of: t.max_pool2d(of(IMAGE), 2, ceil_mode=True),
    "adaptive_avg_pool1d": lambda t, of: t.adaptive_avg_pool1d(of(LINE), 4),
    "adaptive_max_pool1d": lambda t, of: t.adaptive_max_pool1d(of(LINE), 4),
    "batch_norm": lambda t, of: t.batch_norm(
        of(X), of(X[0]), of(X[1]), of(X[2]), of(ROWS[0]), False, 0.1, 1e-5, True),
    "instance_norm": lambda t, of: t.instance_norm(
        of(LINE), None, None, None, None, True, 0.1, 1e-5, True),
    "layer_norm": lambda t, of: t.layer_norm(of(X), (6,), of(X[0]), eps=1e-3),
    "group_norm": lambda t, of: t.group_norm(of(LINE), 2),
    "rms_norm": lambda t, of: t.rms_norm(of(X), (6,)),
    "embedding": lambda t, of: t.embedding(of(X), of(np.array([[0, 3], [1, 1]]))),
    "bilinear": lambda t, of: t.bilinear(of(X), of(X), of(weights((2, 6, 6))[0])),
    "constant_pad_nd": lambda t, of: t.constant_pad_nd(of(X), (1, 2, -1, 0), 3.0),
    "dropout": lambda t, of: t.dropout(of(X), 0.5, False),
    "dropout_": lambda t, of: t.dropout_(of(X), 0.5, train=False),
    "alpha_dropout": lambda t, of: t.alpha_dropout(of(X), 1.0, True),
    "feature_dropout": lambda t, of: t.feature_dropout(of(IMAGE), 1.0, True),
    "selu": lambda t, of: t.selu(of(X)),
    "prelu": lambda t, of: t.prelu(of(LINE), of(X[0, :4])),
    "threshold": lambda t, of: t.threshold(of(X), 0.1, 20),
    "pixel_shuffle": lambda t, of: t.pixel_shuffle(of(IMAGE), 2),
    "channel_shuffle": lambda t, of: t.channel_shuffle(of(IMAGE), 2),
    "cosine_similarity": lambda t, of: t.cosine_similarity(of(X), of(X[:1])),
    "pairwise_distance": lambda t, of: t.pairwise_distance(of(X), of(ROWS)),
    "kl_div": loss("kl_div", ROWS, ROWS[::-1].copy(), log_target=True),
    "hinge_embedding_loss": loss("hinge_embedding_loss", X, np.sign(X[::-1]).copy(), margin=0.7),
    "cosine_embedding_loss": loss("cosine_embedding_loss", X, ROWS, SIGNS, margin=0.1),
    "margin_ranking_loss": loss("margin_ranking_loss", X[:, 0], X[:, 1], SIGNS),
    "triplet_margin_loss": loss("triplet_margin_loss", X, ROWS, X[::-1].copy(), swap=True),
    "binary_cross_entropy_with_logits": loss("binary_cross_entropy_with_logits", X, ROWS),
    "lstm_cell": cell("lstm_cell", 4, 2),
    "gru_cell": cell("gru_cell", 3, 1),
    "rnn_tanh_cell": cell("rnn_tanh_cell", 1, 1),
    "rnn_relu_cell": cell("rnn_relu_cell", 1, 1),
    **{
        f"{name} {'with' if biases else 'without'} biases": recurrent(
            name, blocks, states, has_biases=biases, batch_first=False)
        for name, blocks, states in (
            ("lstm", 4, 2), ("gru", 3, 1), ("rnn_tanh", 1, 1), ("rnn_relu", 1, 1))
        for biases in (True, False)
    },
}  # fmt: skip


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:kl_div")
@pytest.mark.parametrize("name", CALLS)
def test_parity(name: str, torch: Any) -> None:
    def copied(library: Any) -> Callable[[np.ndarray], Any]:
        return lambda array: library.from_numpy(array.copy())

    y, expected = (CALLS[name](t, copied(t)) for t in (penlight, torch))
    assert_same(y, expected, 1e-4, 1e-5, name)


def test_every_name_is_there() -> None:
    assert all(getattr(penlight, name) is function for name, function in top_level.NAMES.items())
    assert set(top_level.NAMES) <= set(dir(penlight))


def test_reduction_is_a_number() -> None:
    x = penlight.ones(2)
    with pytest.raises(ValueError, match="reduction must be 0"):
        penlight.kl_div(x, x, "mean")
