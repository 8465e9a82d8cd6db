"""Losses of many classes: memory, probabilities that sum to one, and options that don't apply."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.nn import functional as F

N, FEATURES, CLASSES = 512, 16, 4000


def peak(options: nn.LinearCrossEntropyOptions | None) -> int:
    """The most bytes that a step takes."""
    rng = np.random.default_rng(0)
    x, w = (
        penlight.from_numpy(rng.standard_normal(s, np.float32)).requires_grad_()
        for s in ((N, FEATURES), (CLASSES, FEATURES))
    )
    target = penlight.from_numpy(rng.integers(0, CLASSES, N))
    tracemalloc.start()
    F.linear_cross_entropy(x, w, target, options=options).backward()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_chunks_do_without_all_logits() -> None:
    everything = N * CLASSES * 4
    assert peak(None) > everything
    assert peak(nn.LinearCrossEntropyOptions(batch_chunk_size=16)) < everything / 4


def test_options_that_do_not_apply_are_told() -> None:
    x, w, t = penlight.ones(2, 3), penlight.ones(4, 3), penlight.tensor([0, 1])
    with pytest.warns(UserWarning, match="options ignored"):
        F.linear_cross_entropy(x, w, t, label_smoothing=0.1, options=nn.LinearCrossEntropyOptions())


@pytest.mark.parametrize(
    ("options", "size"),
    [({}, (1 << 22) // 40000), ({"chunking_method": None}, 100), ({"batch_chunk_size": 7}, 7),
     ({"chunking_method": "aspect_ratio:2"}, 1)],
)  # fmt: skip
def test_how_many_samples_at_a_time(options: dict[str, object], size: int) -> None:
    chosen = nn.LinearCrossEntropyOptions(**options)  # type: ignore[arg-type]
    assert chosen.chunk(100, 50, 10000, 4) == size


def test_adaptive_softmax_gives_probabilities() -> None:
    penlight.manual_seed(0)
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10, 15], div_value=2.0)
    x = penlight.randn(30, 8) * 5
    log_probs = layer.log_prob(x)
    np.testing.assert_allclose(log_probs.exp().sum(1).detach().numpy(), 1, rtol=1e-5)
    target = penlight.arange(30) % 20
    output, loss = layer(x, target)
    np.testing.assert_allclose(
        output.detach().numpy(), log_probs[np.arange(30), target].detach().numpy(), rtol=1e-5
    )
    assert float(loss.detach()) == pytest.approx(-float(output.detach().mean()))
    assert layer.predict(x).tolist() == log_probs.argmax(1).tolist()
    best = layer.predict(x)
    assert best.max() >= 4  # clusters are opened


@pytest.mark.parity
def test_adaptive_softmax_has_pytorchs_state_and_repr(torch: object) -> None:
    arguments = (64, 20, [4, 10, 15])
    ours = nn.AdaptiveLogSoftmaxWithLoss(*arguments)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(*arguments)  # type: ignore[attr-defined]
    assert repr(ours) == repr(theirs)
    assert {k: tuple(v.shape) for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }


def test_distances_of_few_rows() -> None:
    for shape, count in (((1, 3), 0), ((0, 3), 0), ((3, 0), 3)):
        assert F.pdist(penlight.zeros(shape)).tolist() == [0.0] * count
