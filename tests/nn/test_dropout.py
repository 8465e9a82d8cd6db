"""Dropout: how often, what remains, whole channels, in place, in evaluation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.nn import functional

SELU_FLOOR = -1.7580993408473766


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_elements_are_dropped_as_often_as_asked_and_the_rest_scaled(lib: Any, p: float) -> None:
    lib.manual_seed(0)
    y = lib.nn.functional.dropout(lib.ones(200, 500), p).numpy()
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / (1 - p), rtol=1e-6)
    assert abs(kept.mean() - (1 - p)) < 4 * math.sqrt(p * (1 - p) / y.size)
    for axis in (0, 1):  # no row or column is favoured
        share = kept.mean(axis)
        assert np.abs(share - (1 - p)).max() < 5 * math.sqrt(p * (1 - p) / y.shape[axis])


def test_gradients_pass_where_elements_do(lib: Any) -> None:
    x = lib.ones(1000, requires_grad=True)
    y = lib.nn.functional.dropout(x, 0.3)
    (y * 3).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy() * 3)


def test_the_ends_of_the_range(lib: Any) -> None:
    x = lib.ones(50)
    for name in ("dropout", "alpha_dropout"):
        function = getattr(lib.nn.functional, name)
        assert function(x, 0.0, True) is x or lib.equal(function(x, 0.0, True), x)
        assert not function(x, 1.0, True).any()
        assert lib.equal(function(x, 0.7, False), x)
    infinite = lib.nn.functional.dropout(x * math.inf, 1.0)
    assert bool(infinite.isnan().all()), "0 times infinity is NaN, as in PyTorch"


CHANNELS = [
    ("dropout1d", (60, 20, 7), 2), ("dropout1d", (400, 7), 1),
    ("dropout2d", (60, 20, 3, 2), 2),
    ("dropout3d", (60, 20, 2, 1, 2), 2), ("dropout3d", (400, 2, 2, 2), 1),
    ("feature_alpha_dropout", (60, 20, 3, 2), 2), ("feature_alpha_dropout", (60, 20), 2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape", "lead"), CHANNELS)
def test_whole_channels_are_dropped(lib: Any, name: str, shape: tuple[int, ...], lead: int) -> None:
    lib.manual_seed(0)
    y = getattr(lib.nn.functional, name)(lib.ones(*shape), 0.4, True).numpy()
    channels = y.reshape(*shape[:lead], -1)
    assert (channels == channels[..., :1]).all()
    first = channels[..., 0]
    dropped = first == first.min()
    assert abs(dropped.mean() - 0.4) < 5 * math.sqrt(0.24 / dropped.size)
    if "alpha" not in name:
        assert first.min() == 0
        assert first.max() == pytest.approx(1 / 0.6)


def test_images_without_a_batch_are_taken_as_sequences_with_a_warning(lib: Any) -> None:
    with pytest.warns(UserWarning, match="3D input"):
        y = lib.nn.functional.dropout2d(lib.ones(40, 30, 5), 0.5).numpy()
    assert (y == y[:, :, :1]).all()
    assert (y[:, 0] != y[:, 1]).any()
    for name in ("dropout2d", "dropout3d"):
        with pytest.warns(UserWarning, match="2-D input"):
            getattr(lib.nn.functional, name)(lib.ones(2, 2))


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(lib: Any, name: str) -> None:
    lib.manual_seed(0)
    x = lib.randn(1000, 300)
    y = getattr(lib.nn.functional, name)(x, 0.3, True)
    assert float(y.mean()) == pytest.approx(0, abs=0.02)
    assert float(y.var()) == pytest.approx(1, abs=0.02)


def test_alpha_dropout_puts_the_floor_of_selu(lib: Any) -> None:
    """y = a (x d + f (1 - d)) - a p f, worked out by hand for p = 1/2."""
    lib.manual_seed(0)
    y = lib.nn.functional.alpha_dropout(lib.full((1000,), 2.0), 0.5, True).numpy()
    a = (0.5 * (1 + 0.5 * SELU_FLOOR**2)) ** -0.5
    expected = [a * SELU_FLOOR - a * 0.5 * SELU_FLOOR, a * 2 - a * 0.5 * SELU_FLOOR]
    np.testing.assert_allclose(np.unique(y), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["dropout", "dropout1d", "alpha_dropout", "feature_alpha_dropout"]
)  # fmt: skip
def test_in_place(lib: Any, name: str) -> None:
    x = lib.ones(20, 30)
    y = getattr(lib.nn.functional, name)(x, 0.5, True, True)
    assert y is x
    assert len(np.unique(x.numpy())) == 2
    z = lib.ones(20, 30, requires_grad=True)
    doubled = z * 2
    getattr(lib.nn.functional, name)(doubled, 0.5, True, inplace=True)
    doubled.sum().backward()
    slopes = np.unique(z.grad.numpy())
    assert len(slopes) == 2
    assert slopes[0] == 0


def test_modules_are_random_in_training_alone(lib: Any) -> None:
    for name, shape in [
        ("Dropout", (4, 50)), ("Dropout1d", (50, 2)), ("Dropout2d", (9, 9, 2, 2)),
        ("Dropout3d", (9, 9, 2, 2, 2)), ("AlphaDropout", (4, 50)), ("FeatureAlphaDropout", (9, 9)),
    ]:  # fmt: skip
        m, x = getattr(lib.nn, name)(), lib.ones(*shape)
        assert not lib.equal(m(x), m(x)), name
        assert lib.equal(m.eval()(x), x), name


@pytest.mark.parametrize(
    ("error", "match", "program"),
    [
        (ValueError, "between 0 and 1", lambda lib: lib.nn.functional.dropout(lib.ones(2), -0.1)),
        (ValueError, "between 0 and 1", lambda lib: lib.nn.Dropout(1.1)),
        (ValueError, "between 0 and 1",
         lambda lib: lib.nn.functional.feature_alpha_dropout(lib.ones(2, 2), 2.0)),
        (RuntimeError, "2D or 3D", lambda lib: lib.nn.functional.dropout1d(lib.ones(2))),
        (RuntimeError, "at least 2 dim",
         lambda lib: lib.nn.functional.feature_alpha_dropout(lib.ones(2), 0.5, True)),
        (RuntimeError, "dtype torch.int64", lambda lib: lib.nn.functional.dropout(lib.ones(2).long())),
    ],
)  # fmt: skip
def test_errors(lib: Any, error: type[Exception], match: str, program: Any) -> None:
    with pytest.raises(error, match=match if lib is penlight else None):
        program(lib)


def test_the_seed_decides() -> None:
    results = []
    for seed in (1, 1, 2):
        penlight.manual_seed(seed)
        results.append(functional.dropout(penlight.ones(100)).numpy())
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()


def test_halves_and_doubles_keep_their_dtype() -> None:
    for dtype in (penlight.float16, penlight.float64):
        x = penlight.ones(10, dtype=dtype)
        assert functional.dropout(x).dtype is dtype
        assert functional.alpha_dropout(x, 0.5, True).dtype is dtype
