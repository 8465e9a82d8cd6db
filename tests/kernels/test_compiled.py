"""Compiled kernels against the NumPy kernels whose place they take.

Tolerance: 2e-5 of the largest element in float32, 1e-12 in float64; where numbers are only compared
or copied, every bit.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.kernels.windows import Window
from penlight.nn import functional as F

pytest.importorskip("numba", reason="Numba is not installed (pip install penlight[numba])")

from penlight.backends import numba as backend
from penlight.backends.conv import explain
from penlight.kernels import compiled
from penlight.kernels.conv import weight_pass


def returning(kernel: Callable[..., None]) -> Callable[..., Any]:
    """A kernel that fills its first argument, as one that returns it."""

    def function(x: np.ndarray, *arguments: Any) -> np.ndarray:
        y = np.full(x.shape, 7, x.dtype)
        kernel(y, x, *arguments)
        return y

    return function


def updating(kernel: Callable[..., None]) -> Callable[..., Any]:
    """A kernel that changes arrays in place, as one that returns what has become of copies."""

    def function(*arguments: Any) -> tuple[np.ndarray, ...]:
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        kernel(*copies)
        if kernel in TWINS["recurrent.lstm.pass_gates"]:
            del copies[3]  # memory whose contents do not matter
        return tuple(a for a in copies if isinstance(a, np.ndarray))

    return function


TWINS = {
    f"{module.__name__.removeprefix('penlight.kernels.')}.{name}": (original, twin)
    for original, (module, name, twin) in zip(compiled.ORIGINALS, compiled.TWINS, strict=True)
}
FILLING = ("pointwise.logistic", "special.normal_cdf")
KERNELS = {
    name: tuple(map(returning, pair)) if name in FILLING else pair for name, pair in TWINS.items()
}


def succeeding(kernel: Callable[..., bool]) -> Callable[..., Any]:
    """Winograd's forward pass, as one that returns y, or None where the results are not finite."""

    def function(x: np.ndarray, w: np.ndarray, b: Any, window: Window) -> np.ndarray | None:
        y = np.full((len(x), len(w), *window.output_size(x.shape[2:])), 7, x.dtype)
        return y if kernel(x, w, b, y, window, True) else None

    return function


KERNELS["conv.winograd.forward"] = tuple(map(succeeding, TWINS["conv.winograd.forward"]))
EXACT = {"pooling.max_pool", "pooling_places.scatter_at", "pointwise.gated"}
# where inf - inf comes before or after inf * 0 depends on the order of terms, so NaN stands for all
SUMS_OF_PARTS = {
    "norms.batch_norm_backward", "norms.row_norm_backward", "norms.group_norm_backward",
}  # fmt: skip
for _name in (
    "scatter.add_rows", "recurrent.lstm.factors", "recurrent.lstm.pass_gates", "updates.adam", "updates.momentum",
):  # fmt: skip
    KERNELS[_name] = tuple(map(updating, TWINS[_name]))
QUARTERS = Window((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1))


class Data:
    """Random arrays of one dtype, of random sizes; large enough for threads if ``large``."""

    def __init__(
        self, seed: int, dtype: Any = np.float32, large: bool = False, value: float | None = None
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype, self.large, self.value = np.dtype(dtype), large, value

    def __call__(self, *shape: int) -> np.ndarray:
        x = self.rng.standard_normal(shape).astype(self.dtype)
        if self.value is not None and len(shape) > 1 and self.rng.random() < 0.7:
            x.flat[self.rng.integers(x.size, size=2)] = self.value
        return x

    def size(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def either(self, *values: Any) -> Any:
        return values[self.rng.integers(len(values))]

    def planes(self, least: int = 1) -> tuple[int, int, int, int]:
        """N, C, H, W."""
        if self.large:
            return 19, 5, 67, 71
        return self.size(1, 3), self.size(1, 9), self.size(least, 13), self.size(least, 40)


def _max_pool(data: Data) -> tuple[Any, ...]:
    x = data(*data.planes(2)).round()  # with ties
    return x, QUARTERS, QUARTERS.output_size(x.shape[2:]), True


def _scatter_at(data: Data) -> tuple[Any, ...]:
    x, window, output, _ = _max_pool(data)
    y, taps = TWINS["pooling.max_pool"][0](x, window, output, True)
    return data(*y.shape), taps, x.shape[2:], True, window


def _overlapping_scatter_at(data: Data) -> tuple[Any, ...]:
    x = data(*data.planes(4))
    window = Window((3, 2), (2, 1), ((1, 1), (1, 0)), (1, 2))
    output = window.output_size(x.shape[2:])
    y, taps = TWINS["pooling.max_pool"][0](x, window, output, True)
    return data(*y.shape).round(), taps, x.shape[2:], True, window  # exact in any order


def _sum_pool(data: Data) -> tuple[Any, ...]:
    x = data(*data.planes(2))
    output = QUARTERS.output_size(x.shape[2:])
    return x, QUARTERS, output, data.either(4, data.rng.integers(1, 5, output))


def _spread_windows(data: Data) -> tuple[Any, ...]:
    x, window, output, divisor = _sum_pool(data)
    return data(*x.shape[:2], *output), x.shape[2:], window, divisor


def _channels(data: Data) -> tuple[np.ndarray, Any, Any]:
    """x (N, C, L), w, b."""
    n, c, h, w = data.planes()
    x = data(n + 1, c, data.either(1, 1, h, h * w) if not data.large else h * w) + 2
    return x, data.either(None, data(c)), data.either(None, data(c))


def _affine(data: Data) -> tuple[Any, ...]:
    x, _, shift = _channels(data)
    return x, data(x.shape[1]), shift


def _batch_norm(data: Data) -> tuple[Any, ...]:
    return *_channels(data), 1e-3


def _batch_norm_backward(data: Data) -> tuple[Any, ...]:
    x, w, b, eps = _batch_norm(data)
    _, m, _, r = TWINS["norms.batch_norm"][0](x, w, b, eps)
    return data(*x.shape), x, m, r, w


def _row_norm(data: Data) -> tuple[Any, ...]:
    n, groups, h, w = data.planes()
    k = h * w
    w, b = (data.either(None, data(groups * k)) for _ in range(2))
    return data(n, groups, k) + 1, w, b, 1e-3, data.either(True, False)


def _row_norm_backward(data: Data) -> tuple[Any, ...]:
    x, w, _, eps, centred = _row_norm(data)
    _, m, _, r = TWINS["norms.row_norm"][0](x, w, None, eps, centred)
    return data(*x.shape), x, m, r, w


def _group_norm_backward(data: Data) -> tuple[Any, ...]:
    n, groups, h, w = data.planes()
    x = data(n, 2 * groups, h * w) + 1
    _, m, _, r = TWINS["norms.row_norm"][0](x.reshape(n, groups, -1), None, None, 1e-3)
    return data(*x.shape), x, m, r, data.either(None, data(2 * groups))


def _gated(data: Data) -> tuple[Any, ...]:
    x = data(*data.planes())
    return data(*x.shape), data.either(x > 0, np.maximum(x, 0))


def _logistic(data: Data) -> tuple[Any, ...]:
    x = data(*data.planes()) * data.dtype.type(30)
    return x, data.either(1.0, -2.0)


def _normal_cdf(data: Data) -> tuple[Any, ...]:
    return (data(*data.planes()) * data.dtype.type(3),)


def _activation(data: Data) -> tuple[Any, ...]:
    return (data(*data.planes()) * data.dtype.type(4),)


def _slope_of_output(data: Data) -> tuple[Any, ...]:
    """dy, y."""
    shape = data.planes() if data.large else (*data.planes(), 20)
    return data(*shape), data(*shape)


def _slope_with_factor(data: Data) -> tuple[Any, ...]:
    """dy, x, and what is saved of the forward pass."""
    (x,) = _activation(data)
    return data(*x.shape), x, np.abs(data(*x.shape))


def _add_rows(data: Data) -> tuple[Any, ...]:
    rows, width = data.size(1, 9), data.size(1, 20)
    index = data.rng.integers(-rows, rows, (data.size(1, 3), data.size(1, 30)))
    return data(rows, width), index, data(*index.shape, width)


def _lstm_factors(data: Data) -> tuple[Any, ...]:
    steps, size, batch = (40, 33, 17) if data.large else (data.size(1, 4), 3, data.size(1, 9))
    return data(steps, 5 * size, batch), data(steps, size, batch), data(steps, 6, size, batch)


def _lstm_pass_gates(data: Data) -> tuple[Any, ...]:
    """dm, dc, factor, memory for a product, da."""
    size, batch = (128, 128) if data.large else (3, data.size(1, 9))
    dm, dc, product = data(3, size, batch)
    return dm, dc, data(6, size, batch), product, data(4, size, batch)


def _flat(data: Data) -> int:
    return 300_000 if data.large else data.size(1, 70)


def _adam(data: Data) -> tuple[Any, ...]:
    p, g, m, v, largest = data(5, _flat(data))
    v, largest, keep = np.abs(v), np.abs(largest), data.either(1.0, 0.99)
    return p, g, m, v, (0.9, 0.99), 0.1, 1e-3, keep, data.either(None, None, largest)


def _momentum(data: Data) -> tuple[Any, ...]:
    return *data(3, _flat(data)), 0.9, 0.1, data.either(True, False)


def _window(data: Data) -> Window:
    kernel = data.either((3, 3), (3, 3), (1, 5), (2, 3), (5, 2))
    padding = tuple((data.size(0, k), data.size(0, k)) for k in kernel)
    return Window(kernel, data.either((1, 1), (2, 1), (2, 2), (1, 3)), padding,
                  data.either((1, 1), (2, 1), (1, 2)))  # fmt: skip


def _conv(data: Data) -> tuple[Any, ...]:
    n, c, h, w = data.planes(9)
    c, copies, window = c + 1, data.size(1, 3), _window(data)
    weight = data(c * copies, 1, *window.kernel)
    return data(n, c, h, w), weight, data.either(None, data(len(weight))), window, c


def _conv_input_grad(data: Data) -> tuple[Any, ...]:
    x, w, _, window, groups = _conv(data)
    dy = data(len(x), len(w), *window.output_size(x.shape[2:]))
    return dy, w, x.shape[2:], window, groups, data.either(None, data(groups))


def _conv_weight_grad(data: Data) -> tuple[Any, ...]:
    dy, _, size, window, groups, _ = _conv_input_grad(data)
    return data(len(dy), groups, *size), dy, window, groups


def _winograd(data: Data) -> tuple[Any, ...]:
    n, c, h, w = data.planes(3)
    if not data.large and data.rng.random() < 0.2:
        w += 256  # more tiles than a line has
    padding = tuple((data.size(0, 3), data.size(0, 3)) for _ in range(2))
    window = Window((3, 3), (1, 1), padding, (1, 1))
    weight = data(3, 3, c, data.size(1, 7)).T  # of any strides
    return data(n, c, h, w), weight, data.either(None, data(len(weight))), window


def _winograd_weight_grad(data: Data) -> tuple[Any, ...]:
    x, w, _, window = _winograd(data)
    dy = data(len(x), len(w), *window.output_size(x.shape[2:]))
    return x, dy, window, True, weight_pass.summed


CASES: dict[str, list[Callable[[Data], tuple[Any, ...]]]] = {
    "pooling.max_pool": [_max_pool],
    "pooling_places.scatter_at": [_scatter_at, _overlapping_scatter_at],
    "pooling.sum_pool": [_sum_pool],
    "pooling.spread_windows": [_spread_windows],
    "norms.affine": [_affine],
    "norms.batch_norm": [_batch_norm],
    "norms.batch_norm_backward": [_batch_norm_backward],
    "norms.row_norm": [_row_norm],
    "norms.row_norm_backward": [_row_norm_backward],
    "norms.group_norm_backward": [_group_norm_backward],
    "activations.gelu": [_activation],
    "activations.gelu_gradient": [_slope_with_factor],
    "activations.gelu_tanh": [_activation],
    "activations.gelu_tanh_gradient": [_slope_with_factor],
    "activations.sigmoid_gradient": [_slope_of_output],
    "activations.silu": [_activation],
    "activations.silu_gradient": [_slope_with_factor],
    "activations.tanh_gradient": [_slope_of_output],
    "scatter.add_rows": [_add_rows],
    "recurrent.lstm.factors": [_lstm_factors],
    "recurrent.lstm.pass_gates": [_lstm_pass_gates],
    "updates.adam": [_adam],
    "updates.momentum": [_momentum],
    "pointwise.gated": [_gated],
    "pointwise.logistic": [_logistic],
    "special.normal_cdf": [_normal_cdf],
    "conv.dispatch.forward": [_conv],
    "conv.dispatch.input_grad": [_conv_input_grad],
    "conv.dispatch.weight_grad": [_conv_weight_grad],
    "conv.winograd.forward": [_winograd],
    "conv.winograd.weight_grad": [_winograd_weight_grad],
}
each = pytest.mark.parametrize(
    ("name", "case"), [(name, case) for name, cases in CASES.items() for case in cases]
)


def results(value: Any) -> list[np.ndarray]:
    return [a for a in (value if isinstance(value, tuple) else (value,)) if a is not None]


def compare(name: str, arguments: tuple[Any, ...], tolerance: float | None = None) -> None:
    original, twin = KERNELS[name]
    inputs = [a for a in arguments if isinstance(a, np.ndarray)]
    before = [a.copy() for a in inputs]
    found, expected = results(twin(*arguments)), results(original(*arguments))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if name in SUMS_OF_PARTS:
            a, b = (np.where(np.isfinite(y), y, np.nan) for y in (a, b))
        if name in EXACT:
            np.testing.assert_array_equal(a, b)
            continue
        usual = 2e-5 if b.dtype == np.float32 else 1e-12
        scale = np.abs(b, where=np.isfinite(b), out=np.zeros_like(b)).max(initial=1e-3)
        np.testing.assert_allclose(a, b, rtol=0, atol=(tolerance or usual) * scale)
    for a, b in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(a, b)  # inputs are unchanged


def test_each_twin_has_a_case() -> None:
    assert set(CASES) == set(TWINS)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_are_those_of_numpy(name: str, case: Any, dtype: Any) -> None:
    for seed in range(12):
        compare(name, case(Data(seed, dtype)))
    compare(name, case(Data(0, dtype, large=True)))


@each
def test_other_arrays_go_to_numpy(name: str, case: Any) -> None:
    def apart(a: Any) -> Any:
        return np.stack([a, a], -1)[..., 0] if isinstance(a, np.ndarray) and a.ndim > 2 else a

    if "norms" not in name:  # which get what ``reshape`` gives, contiguous
        compare(name, tuple(apart(a) for a in case(Data(1))))
    if "norms" not in name and name != "pooling_places.scatter_at":
        compare(name, case(Data(2, np.float16)), 1e-3)


@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (2, 3, 1, 1)])
def test_nothing_and_one_element(shape: tuple[int, ...]) -> None:
    data = Data(0)
    x, w = data(*shape), data(3, 1, 1, 1)
    window = Window((1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1))
    compare("pointwise.gated", (x, x > 0))
    compare(
        "norms.batch_norm", (x.reshape(shape[0], 3, -1) if x.size else x[:, :, 0], None, None, 1.0)
    )
    compare("conv.dispatch.forward", (x, w, None, window, 3))
    compare("conv.dispatch.input_grad", (x, w, shape[2:], window, 3))
    compare("conv.dispatch.weight_grad", (x, x, window, 3))
    compare("pooling.sum_pool", (x, QUARTERS, (4, 4) if x.shape[2] == 8 else (0, 0), 4))


@each
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_reach_what_they_reach_with_numpy(
    name: str, case: Any, value: float
) -> None:
    for seed in range(8):
        compare(name, case(Data(seed, value=value)))


def test_weights_whose_taps_do_not_see_it_are_not_nan() -> None:
    x, dy = Data(0)(2, 3, 6, 6), Data(1)(2, 3, 4, 4)
    x[:, :, 1, 0] = np.nan  # the first of its row: for the taps 0 and 3 alone
    window = Window((3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    dw = KERNELS["conv.dispatch.weight_grad"][1](x, dy, window, 3).reshape(3, 9)
    assert np.isnan(dw[:, [0, 3]]).all()
    assert np.isfinite(np.delete(dw, [0, 3], axis=1)).all()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("norms.affine", ((2, 3, 9), (2,), None)),
        ("norms.batch_norm", ((2, 3, 9), (2,), None)),
        ("norms.row_norm", ((2, 3, 9), (26,), None)),
        ("conv.dispatch.forward", ((2, 3, 5, 5), (4, 1, 3, 3), None)),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(name: str, arguments: Any) -> None:
    """By NumPy's kernels, which check; loops would read what lies beyond."""
    arrays = [None if shape is None else np.ones(shape, np.float32) for shape in arguments]
    window = Window((3, 3), (1, 1), ((0, 0), (0, 0)), (1, 1))
    rest = {"norms.affine": (), "conv.dispatch.forward": (window, 3)}.get(name, (1e-5,))
    with pytest.raises(ValueError, match=r"shape|broadcast|size|mismatch"):
        KERNELS[name][1](*arrays, *rest)


@each
def test_bits_do_not_depend_on_the_number_of_threads(name: str, case: Any) -> None:
    arguments, twin = case(Data(3, large=True)), KERNELS[name][1]
    before = penlight.get_num_threads()
    try:
        bits = []
        for threads in (1, 2, 3, 3):
            penlight.set_num_threads(threads)
            bits.append([a.tobytes() for a in results(twin(*arguments))])
    finally:
        penlight.set_num_threads(before)
    assert all(b == bits[0] for b in bits)


@pytest.mark.parametrize("length", [1, 40])
def test_a_mean_far_from_zero_does_no_harm(length: int) -> None:
    batch = Data(0)(60, 3, length) + np.float32(1e6)
    for name, x in (("batch_norm", batch), ("row_norm", batch.reshape(3, 1, -1))):
        original, twin = TWINS[f"norms.{name}"]
        expected = original(x.astype(np.float64), None, None, 1e-5)
        found = twin(x, None, None, 1e-5)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_other_byte_orders_and_copies_of_dtypes() -> None:
    x = Data(0)(2, 3, 4, 6)
    swapped, copied = x.astype(">f4"), pickle.loads(pickle.dumps(x))
    expected = TWINS["norms.batch_norm"][1](x.reshape(2, 3, -1), None, None, 1e-5)
    found = TWINS["norms.batch_norm"][1](copied.reshape(2, 3, -1), None, None, 1e-5)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    images, w = Data(1)(8, 3, 9, 9), Data(2)(3, 1, 3, 3)
    window, twin = (
        Window((3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1)),
        KERNELS["conv.dispatch.forward"][1],
    )
    expected = twin(images, w, None, window, 3)
    found = twin(images, pickle.loads(pickle.dumps(w)), None, window, 3)
    np.testing.assert_array_equal(found, expected)  # not in part by NumPy's kernel
    compare("pooling.sum_pool", (swapped, QUARTERS, (2, 3), 4))


def test_threads_of_the_program_may_compute_at_the_same_time() -> None:
    arguments = _batch_norm(Data(0, large=True))
    twin = TWINS["norms.batch_norm"][1]
    expected = twin(*arguments)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: twin(*arguments), range(16)):
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(a, b)


# -- switching them on -------------------------------------------------------------------------


@pytest.fixture
def enabled() -> Iterator[None]:
    with backend.flags(enabled=True):
        yield


def holders(functions: list[Any]) -> list[str]:
    return [
        f"{name}.{key}"
        for name, module in list(sys.modules.items())
        if name.startswith("penlight.") and not name.startswith("penlight.kernels.compiled")
        for key, value in list(vars(module).items())
        if any(value is f for f in functions)
    ]


def test_no_module_holds_an_original_when_on_nor_a_twin_when_off() -> None:
    originals, twins = ([pair[i] for pair in TWINS.values()] for i in (0, 1))
    with backend.flags(enabled=False):
        assert not backend.is_enabled()
        before = holders(originals)
        assert len(before) >= len(TWINS)
        assert not holders(twins)
        with backend.flags(enabled=True):
            assert backend.is_enabled()
            backend.enable()  # twice is once
            assert not holders(originals)
            assert holders(twins) == before
        assert holders(originals) == before
        assert not holders(twins)


def test_convolutions_go_ways_that_are_fast_with_compiled_kernels() -> None:
    def time(kernel: int) -> float:
        shapes = (64, 16, 32, 32), (16, 16, kernel, kernel)
        return explain(*shapes, padding=1).forward.milliseconds["winograd"]

    with backend.flags(enabled=False):
        before = time(3), time(5)
        with backend.flags(enabled=True):
            assert time(3) < 0.8 * before[0]
            assert time(5) == before[1]  # whose transforms are NumPy's
        assert (time(3), time(5)) == before


def test_an_error_in_the_block_leaves_things_as_they_were() -> None:
    before = backend.is_enabled()
    with pytest.raises(KeyError), backend.flags(enabled=not before):
        raise KeyError
    assert backend.is_enabled() == before


def test_a_network_trains_as_with_numpy() -> None:
    def losses() -> list[float]:
        penlight.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, groups=4), nn.GroupNorm(2, 8), nn.ReLU(), nn.AvgPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Flatten(), nn.LayerNorm(72), nn.Linear(72, 3),
        )  # fmt: skip
        x, y = penlight.randn(6, 2, 16, 16), penlight.arange(6) % 3
        optimizer = penlight.optim.SGD(model.parameters(), lr=0.1)
        values = []
        for _ in range(4):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        return values

    with backend.flags(enabled=False):
        expected = losses()
    with backend.flags(enabled=True):
        np.testing.assert_allclose(losses(), expected, rtol=1e-4)


@pytest.mark.usefixtures("enabled")
@pytest.mark.parametrize(
    ("program", "shapes"),
    [
        (lambda x: F.max_pool2d(x, 2), [(2, 2, 5, 6)]),
        (lambda x: F.max_pool2d(x, 3, 2, 1), [(2, 2, 5, 6)]),
        (lambda x: F.avg_pool2d(x, 2), [(2, 2, 5, 6)]),
        (lambda x: F.relu(x), [(3, 4)]),
        (lambda x: F.silu(x) + F.gelu(x) + F.gelu(x, approximate="tanh"), [(3, 4)]),
        (lambda x: penlight.tanh(x) * penlight.sigmoid(x), [(3, 4)]),
        (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(4, 3, 3, 3), (3,), (3,)]),
        (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(4, 3), (3,), (3,)]),
        (lambda x, w, b: F.layer_norm(x, (9,), w, b), [(3, 9), (9,), (9,)]),
        (lambda x, w, b: F.group_norm(x, 2, w, b), [(2, 4, 2, 3), (4,), (4,)]),
        (lambda x, w, b: F.conv2d(x, w, b, 2, 1, 1, 2), [(2, 2, 5, 5), (4, 1, 3, 3), (4,)]),
        (lambda x, w: F.conv_transpose2d(x, w, None, 2, 1, 1, 2), [(2, 2, 3, 3), (2, 1, 3, 3)]),
    ],
)
def test_gradients(program: Any, shapes: list[tuple[int, ...]]) -> None:
    generator = np.random.default_rng(0)
    inputs = [
        penlight.tensor(generator.permutation(np.linspace(-1.0, 1.1, int(np.prod(s)))).reshape(s),
                        requires_grad=True)
        for s in shapes
    ]  # fmt: skip
    assert inputs[0].dtype is penlight.float64
    assert penlight.autograd.gradcheck(program, inputs)
    assert penlight.autograd.gradgradcheck(program, inputs)
