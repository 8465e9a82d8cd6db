"""What the tables of convolution and pooling can't say: dtypes, ties of geometry, whole trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.nn import functional as F
from tests.comparison import array

rng = np.random.default_rng(0)


def _half(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float16)


def _complex(*shape: int) -> np.ndarray:
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def _integers(*shape: int) -> np.ndarray:
    return rng.integers(-5, 5, shape)


CALLS: dict[str, tuple[Callable[..., Any], list[np.ndarray]]] = {
    "half conv2d": (
        lambda T, x, w, b: T.nn.functional.conv2d(x, w, b, 2, 1),
        [_half(2, 3, 6, 6), _half(4, 3, 3, 3), _half(4)],
    ),
    "half max_pool2d": (lambda T, x: T.nn.functional.max_pool2d(x, 2), [_half(2, 3, 6, 6)]),
    "half avg_pool2d": (lambda T, x: T.nn.functional.avg_pool2d(x, 3, 2, 1), [_half(2, 3, 6, 6)]),
    "half mean of many": (
        lambda T, x: T.nn.functional.adaptive_avg_pool2d(x, 1),
        [np.abs(_half(1, 2, 90, 90)) * 9],
    ),
    "complex conv2d": (
        lambda T, x, w, b: T.nn.functional.conv2d(x, w, b, 2, 1),
        [_complex(2, 3, 6, 6), _complex(4, 3, 3, 3), _complex(4)],
    ),
    "complex depthwise": (
        lambda T, x, w: T.nn.functional.conv2d(x, w, None, 1, 1, 1, 3),
        [_complex(2, 3, 8, 8), _complex(3, 1, 3, 3)],
    ),
    "complex transposed": (
        lambda T, x, w: T.nn.functional.conv_transpose2d(x, w, None, 2, 1),
        [_complex(2, 3, 4, 4), _complex(3, 4, 3, 3)],
    ),
    "half conv3d": (
        lambda T, x, w, b: T.nn.functional.conv3d(x, w, b, 2, 1),
        [_half(2, 3, 4, 5, 6), _half(4, 3, 3, 3, 3), _half(4)],
    ),
    "complex conv3d": (
        lambda T, x, w, b: T.nn.functional.conv3d(x, w, b, 1, 1),
        [_complex(2, 3, 4, 5, 6), _complex(4, 3, 3, 3, 3), _complex(4)],
    ),
    "half max_pool3d": (lambda T, x: T.nn.functional.max_pool3d(x, 2), [_half(2, 3, 4, 4, 6)]),
    "large volume": (
        lambda T, x, w, b: T.nn.functional.conv3d(x, w, b, 1, 1),
        [rng.standard_normal((2, 4, 9, 30, 31)), rng.standard_normal((5, 4, 3, 3, 3)), np.ones(5)],
    ),
    "volumes in groups": (
        lambda T, x, w: T.nn.functional.conv3d(x, w, None, (1, 2, 1), 1, (2, 1, 1), 2),
        [rng.standard_normal((2, 4, 9, 20, 21)), rng.standard_normal((6, 2, 3, 3, 3))],
    ),
    "large transposed volume": (
        lambda T, x, w: T.nn.functional.conv_transpose3d(x, w, None, 2, 1, 1),
        [rng.standard_normal((2, 6, 9, 12, 13)), rng.standard_normal((6, 4, 3, 3, 3))],
    ),
    "integer conv2d": (
        lambda T, x, w: T.nn.functional.conv2d(x, w, None, 2, 1),
        [_integers(2, 3, 6, 6), _integers(4, 3, 3, 3)],
    ),
    "long sequence": (
        lambda T, x, w, b: T.nn.functional.conv1d(x, w, b, 1, 4),
        [rng.standard_normal((2, 3, 9000)), rng.standard_normal((4, 3, 9)), np.ones(4)],
    ),
    "large image": (
        lambda T, x, w, b: T.nn.functional.conv2d(x, w, b, 1, 1),
        [rng.standard_normal((1, 4, 200, 190)), rng.standard_normal((5, 4, 3, 3)), np.ones(5)],
    ),
    "patches": (
        lambda T, x, w: T.nn.functional.conv2d(x, w, None, 16),
        [rng.standard_normal((2, 3, 64, 64)), rng.standard_normal((32, 3, 16, 16))],
    ),
    "gradient that is broadcast": (
        lambda T, x, w: T.nn.functional.conv2d(x, w).sum(),
        [rng.standard_normal((2, 3, 8, 8)), rng.standard_normal((4, 3, 3, 3))],
    ),
    "input that is broadcast": (
        lambda T, x, w: T.nn.functional.conv2d(x.expand(4, 3, 7, 7), w),
        [rng.standard_normal((1, 3, 7, 7)), rng.standard_normal((4, 3, 3, 3))],
    ),
}


def _outcome(T: Any, function: Callable[..., Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The result, and the gradient of its squared size."""
    tensors = [T.from_numpy(a.copy()) for a in arrays]
    differentiable = arrays[0].dtype.kind in "fc"
    for t in tensors:
        t.requires_grad_(differentiable)
    y = function(T, *tensors)
    if not differentiable:
        return [array(y)]
    (y * y.conj()).real.sum().backward() if y.is_complex() else (y * y).sum().backward()
    return [array(y), *(array(t.grad) for t in tensors)]


@pytest.mark.parity
@pytest.mark.parametrize("name", CALLS)
def test_dtypes_and_sizes_are_pytorchs(name: str, torch: Any) -> None:
    function, arrays = CALLS[name]
    tolerance = {"e": 3e-3, "F": 1e-4}.get(arrays[0].dtype.char, 1e-9)
    ours, theirs = (_outcome(T, function, arrays) for T in (penlight, torch))
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        scale = float(np.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_same_padding_of_even_kernels_has_its_odd_zero_at_the_end(torch: Any) -> None:
    x, w = rng.standard_normal((1, 2, 5, 6)), rng.standard_normal((3, 2, 2, 4))
    y, expected = (
        T.nn.functional.conv2d(T.from_numpy(x), T.from_numpy(w), padding="same")
        for T in (penlight, torch)
    )
    np.testing.assert_allclose(array(y), array(expected), rtol=1e-9)


def test_a_window_that_steps_over_its_input_gives_no_gradient() -> None:
    """Padding 1 and dilation 2 around one element: the taps lie on both sides of it."""
    x = penlight.ones(1, 1, 1, requires_grad=True)
    y = F.max_pool1d(x, 2, 1, 1, 2)
    assert y.item() == -np.inf
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.item() == 0


def test_unpooling_puts_maxima_where_they_were() -> None:
    x = penlight.from_numpy(rng.standard_normal((2, 3, 5, 4)))
    y, places = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(y, places, 2, output_size=(5, 4))
    found = array(back) != 0
    assert found.sum() == y.numel()
    np.testing.assert_array_equal(array(back)[found], array(x)[found])


def test_fractional_windows_start_at_steps_of_two_sizes_and_end_with_the_plane() -> None:
    """The place of each window's maximum in rising data is its last element."""
    penlight.manual_seed(3)
    n, k, o = 31, 3, 12
    x = penlight.arange(float(n * n)).reshape(1, 1, n, n).expand(40, 5, n, n)
    _, places = F.fractional_max_pool2d(x, k, o, return_indices=True)
    rows, columns = np.divmod(array(places).reshape(200, o, o), n)
    assert (rows == rows[:, :, :1]).all()
    assert (columns == columns[:, :1]).all()
    seen = []
    for starts in (rows[:, :, 0] - (k - 1), columns[:, 0] - (k - 1)):
        assert (starts[:, 0] == 0).all()
        assert (starts[:, -1] == n - k).all()
        steps = np.diff(starts)
        assert steps.min() >= 2  # (n - k) / (o - 1) is 2.5; the last step may be one longer
        assert set(np.unique(steps[:, :-1])) == {2, 3}
        assert steps.max() <= 4
        seen.append(starts)
    assert len(np.unique(seen[0], axis=0)) > 5  # planes differ
    assert (seen[0] != seen[1]).any()


def test_fractional_windows_depend_on_the_seed_alone() -> None:
    x = penlight.randn(2, 3, 9, 9, 9)
    pool = penlight.nn.FractionalMaxPool3d(2, output_ratio=0.5)
    results = []
    for seed in (1, 1, 2):
        penlight.manual_seed(seed)
        results.append(array(pool(x)))
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()
    assert results[0].shape == (2, 3, 4, 4, 4)


def test_fold_adds_up_what_unfold_copies() -> None:
    ones = penlight.ones(1, 1, 4, 5)
    counts = F.fold(F.unfold(ones, 2), (4, 5), 2)
    np.testing.assert_array_equal(array(counts)[0, 0], np.outer([1, 2, 2, 1], [1, 2, 2, 2, 1]))


def test_a_transposed_convolution_undoes_the_shape_of_a_convolution() -> None:
    for size in range(5, 12):
        x = penlight.ones(1, 2, size, size)
        down = penlight.nn.Conv2d(2, 3, 3, stride=2, padding=1)
        up = penlight.nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1)
        assert up(down(x), output_size=x.shape).shape == x.shape


def test_a_network_learns_where_a_bar_is() -> None:
    """Convolution, pooling and padding together: bars that stand, and bars that lie."""
    penlight.manual_seed(1)
    x = penlight.zeros(64, 1, 8, 8)
    x[penlight.arange(32), 0, :, penlight.arange(32) % 8] = 1
    x[penlight.arange(32, 64), 0, penlight.arange(32, 64) % 8, :] = 1
    t = (penlight.arange(64) >= 32).long()
    model = penlight.nn.Sequential(
        penlight.nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"), penlight.nn.ReLU(),
        penlight.nn.MaxPool2d(2), penlight.nn.Conv2d(4, 4, 3, padding="same"), penlight.nn.ReLU(),
        penlight.nn.AdaptiveAvgPool2d(1), penlight.nn.Flatten(), penlight.nn.Linear(4, 2),
    )  # fmt: skip
    optimizer = penlight.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert (model(x).argmax(1) == t).all()
