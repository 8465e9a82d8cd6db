"""``nn.init``: the distributions by their moments and their whole shape, structure, arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn


def drawn(lib: Any, name: str, *args: Any, shape: tuple[int, ...] = (400, 300), **kw: Any) -> Any:
    """A large tensor filled by ``nn.init.name``, as an array."""
    lib.manual_seed(1)
    t = lib.empty(*shape)
    assert getattr(lib.nn.init, name)(t, *args, **kw) is t
    return t.numpy()


def normal_cdf(mean: float, std: float) -> Callable[[float], float]:
    return lambda x: (1 + math.erf((x - mean) / (std * math.sqrt(2)))) / 2


def uniform_cdf(a: float, b: float) -> Callable[[float], float]:
    return lambda x: (x - a) / (b - a)


def truncated_cdf(mean: float, std: float, a: float, b: float) -> Callable[[float], float]:
    whole = normal_cdf(mean, std)
    return lambda x: (whole(x) - whole(a)) / (whole(b) - whole(a))


def assert_distributed(values: Any, cdf: Callable[[float], float]) -> None:
    """Kolmogorov's and Smirnov's test: the largest distance between the distribution functions.

    A true sample exceeds 2 / sqrt(n) with probability 2 exp(-8) = 0.0007; the seeds are fixed.
    """
    x = np.sort(values.ravel().astype(np.float64))[:: max(values.size // 5000, 1)]
    expected = np.array([cdf(v) for v in x])
    distance = np.abs(expected - np.linspace(0, 1, x.size)).max()
    assert distance < 2 / math.sqrt(values.size) + 1 / x.size, distance


fan = 300  # inputs of a (400, 300) weight
SIX = math.sqrt(6)
CASES = [
    ("uniform_", (), uniform_cdf(0, 1)),
    ("uniform_", (-2.0, 3.0), uniform_cdf(-2, 3)),
    ("normal_", (), normal_cdf(0, 1)),
    ("normal_", (-1.0, 0.3), normal_cdf(-1, 0.3)),
    ("trunc_normal_", (), truncated_cdf(0, 1, -2, 2)),
    ("trunc_normal_", (1.0, 0.5, 0.9, 3.0), truncated_cdf(1, 0.5, 0.9, 3)),
    ("trunc_normal_", (0.0, 1.0, 1.5, 4.0), truncated_cdf(0, 1, 1.5, 4)),
    ("xavier_uniform_", (), uniform_cdf(-SIX / math.sqrt(700), SIX / math.sqrt(700))),
    ("xavier_uniform_", (2.0,), uniform_cdf(-2 * SIX / math.sqrt(700), 2 * SIX / math.sqrt(700))),
    ("xavier_normal_", (3.0,), normal_cdf(0, 3 * math.sqrt(2 / 700))),
    ("kaiming_uniform_", (), uniform_cdf(-SIX / math.sqrt(fan), SIX / math.sqrt(fan))),
    ("kaiming_uniform_", (math.sqrt(5),), uniform_cdf(-1 / math.sqrt(fan), 1 / math.sqrt(fan))),
    ("kaiming_uniform_", (0, "fan_out"), uniform_cdf(-SIX / 20, SIX / 20)),
    ("kaiming_normal_", (), normal_cdf(0, math.sqrt(2 / fan))),
    ("kaiming_normal_", (0, "FAN_IN", "tanh"), normal_cdf(0, 5 / 3 / math.sqrt(fan))),
    ("kaiming_normal_", (0.5, "fan_out", "leaky_relu"), normal_cdf(0, math.sqrt(2 / 1.25) / 20)),
]


@pytest.mark.parametrize(("name", "args", "cdf"), CASES, ids=[f"{n}{a}" for n, a, _ in CASES])
def test_distributions(lib: Any, name: str, args: Any, cdf: Any) -> None:
    shape = (100, 100) if name == "trunc_normal_" else (400, 300)  # PyTorch's is slow
    assert_distributed(drawn(lib, name, *args, shape=shape), cdf)


def test_the_test_of_distributions_can_fail(lib: Any) -> None:
    values = drawn(lib, "normal_")
    for wrong in (normal_cdf(0.03, 1), normal_cdf(0, 1.05), uniform_cdf(-1.7, 1.7)):
        with pytest.raises(AssertionError):
            assert_distributed(values, wrong)


@pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"),
    [((5, 7), 7, 5), ((6, 4, 3), 12, 18), ((2, 3, 5, 7), 105, 70), ((2, 3, 2, 2, 2), 24, 16)],
)
def test_fans_of_kernels(lib: Any, shape: Any, fan_in: int, fan_out: int) -> None:
    for mode, expected in (("fan_in", fan_in), ("fan_out", fan_out)):
        bound = np.abs(drawn(lib, "kaiming_uniform_", mode=mode, shape=shape)).max()
        assert 0.6 < bound / math.sqrt(6 / expected) <= 1.00001


def test_truncated_values_stay_within_their_bounds(lib: Any) -> None:
    for args in [(0.0, 1.0, -0.1, 0.1), (0.0, 0.02, -0.04, 0.04), (0.0, 1.0, 1.9, 2.0)]:
        values = drawn(lib, "trunc_normal_", *args, shape=(2000,))
        assert np.float32(args[2]) <= values.min()
        assert values.max() <= np.float32(args[3])
    with pytest.warns(UserWarning, match="more than 2 std"):
        values = drawn(lib, "trunc_normal_", 0.0, 1.0, 3.0, 4.0, shape=(50,))
    assert values.min() >= 3


def test_signals_keep_their_size_through_many_layers(lib: Any) -> None:
    """What the gains are for: with them the mean square stays, without it dies out."""
    lib.manual_seed(2)
    gains = {}
    for scaled in (True, False):
        x = lib.randn(200, 100)
        for _ in range(20):
            w = lib.empty(100, 100)
            lib.nn.init.kaiming_normal_(w, nonlinearity="relu" if scaled else "linear")
            x = lib.nn.functional.relu(x @ w.T)
        gains[scaled] = float((x * x).mean()) * 2
    assert 0.2 < gains[True] < 5
    assert gains[False] < 1e-4


@pytest.mark.parametrize("shape", [(30, 30), (50, 20), (20, 50), (8, 3, 2, 2), (4, 5, 3)])
def test_orthogonal(lib: Any, shape: tuple[int, ...]) -> None:
    w = drawn(lib, "orthogonal_", 3.0, shape=shape).reshape(shape[0], -1).astype(np.float64) / 3
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-5)


def test_orthogonal_matrices_are_drawn_evenly() -> None:
    """Angles of the first column of 2 x 2 ones are uniform, and half of them are reflections."""
    penlight.manual_seed(3)
    t = penlight.empty(2, 2)
    angles, reflections = [], 0
    for _ in range(2000):
        w = nn.init.orthogonal_(t).numpy()
        angles.append(math.atan2(w[1, 0], w[0, 0]))
        reflections += np.linalg.det(w) < 0
    assert_distributed(np.array(angles), uniform_cdf(-math.pi, math.pi))
    assert 900 < reflections < 1100


def test_sparse(lib: Any) -> None:
    w = drawn(lib, "sparse_", 0.33, 0.5, shape=(1000, 60))
    assert ((w == 0).sum(0) == 330).all()
    assert (w[:, 0] != w[:, 1]).any()
    assert_distributed(w[w != 0], normal_cdf(0, 0.5))
    assert ((drawn(lib, "sparse_", 0.01, shape=(7, 5)) == 0).sum(0) == 1).all()


def test_constants_and_identities(lib: Any) -> None:
    assert (drawn(lib, "constant_", 2.5, shape=(2, 3)) == 2.5).all()
    assert (drawn(lib, "ones_", shape=(2, 3)) == 1).all()
    assert (drawn(lib, "zeros_", shape=(2, 3)) == 0).all()
    np.testing.assert_array_equal(drawn(lib, "eye_", shape=(2, 3)), np.eye(2, 3))
    np.testing.assert_array_equal(drawn(lib, "eye_", shape=(3, 2)), np.eye(3, 2))


@pytest.mark.parametrize(
    ("shape", "groups"),
    [((3, 2, 3), 1), ((2, 3, 3, 4), 1), ((6, 2, 3, 3), 3), ((4, 3, 1, 2, 3), 2)],
)
def test_dirac_marks_the_centres_of_its_channels(
    lib: Any, shape: tuple[int, ...], groups: int
) -> None:
    w = drawn(lib, "dirac_", groups, shape=shape)
    expected = np.zeros(shape)
    per_group = shape[0] // groups
    for g in range(groups):
        for i in range(min(per_group, shape[1])):
            expected[(g * per_group + i, i, *(k // 2 for k in shape[2:]))] = 1
    np.testing.assert_array_equal(w, expected)


# -- arguments -----------------------------------------------------------------------------------

RANDOM = [
    ("uniform_", ()), ("normal_", ()), ("trunc_normal_", ()), ("xavier_uniform_", ()),
    ("trunc_normal_", (0.0, 1.0, 2.0, 3.0)), ("xavier_normal_", ()), ("kaiming_uniform_", ()),
    ("kaiming_normal_", ()), ("orthogonal_", ()), ("sparse_", (0.5,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), RANDOM)
def test_a_generator_decides_all_numbers(name: str, args: Any) -> None:
    function = getattr(nn.init, name)
    first, second = penlight.Generator().manual_seed(5), penlight.Generator().manual_seed(5)
    penlight.manual_seed(1)
    a = function(penlight.empty(6, 6), *args, generator=first)
    after = penlight.rand(1)
    b = function(penlight.empty(6, 6), *args, generator=second)
    c = function(penlight.empty(6, 6), *args, generator=second)
    penlight.manual_seed(1)
    assert penlight.rand(1) == after, "the default generator was used beside the one given"
    np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert (a != c).any()
    penlight.manual_seed(7)
    d = function(penlight.empty(6, 6), *args)
    penlight.manual_seed(7)
    np.testing.assert_array_equal(d.numpy(), function(penlight.empty(6, 6), *args).numpy())


@pytest.mark.parametrize(("name", "args"), [*RANDOM, ("constant_", (3.0,)), ("eye_", ())])
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_dtypes(lib: Any, name: str, args: Any, dtype: str) -> None:
    if lib is not penlight and name == "orthogonal_" and dtype == "float16":
        pytest.skip("PyTorch has no QR decomposition of halves")
    t = lib.zeros(6, 6, dtype=getattr(lib, dtype))
    getattr(lib.nn.init, name)(t, *args)
    assert t.dtype is getattr(lib, dtype)
    assert np.isfinite(t.numpy()).all()
    assert (t.numpy() != 0).any()


def test_float64_has_all_its_digits() -> None:
    t = penlight.empty(100, dtype=penlight.float64)
    for name in ("uniform_", "normal_", "trunc_normal_"):
        getattr(nn.init, name)(t)
        assert (t.numpy().astype(np.float32) != t.numpy()).all()


def test_nothing_is_recorded_but_the_version(lib: Any) -> None:
    w = lib.nn.Parameter(lib.zeros(4, 4))
    y = (w * w).sum()
    before = w._version
    for name, args in [*RANDOM, ("constant_", (3.0,)), ("ones_", ()), ("zeros_", ()), ("eye_", ())]:
        assert getattr(lib.nn.init, name)(w, *args) is w
    assert w.requires_grad
    assert w.grad_fn is None
    assert w._version > before
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_memory_is_filled_in_place_whatever_its_strides(lib: Any) -> None:
    base = lib.zeros(6, 8)
    lib.nn.init.ones_(base[1::2, ::3])
    assert float(base.sum()) == 9
    lib.nn.init.eye_(base.T[:3, :3])
    assert base[0, :3].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("linear", (), 1), ("conv2d", (), 1), ("conv_transpose3d", (), 1), ("sigmoid", (), 1),
        ("tanh", (), 5 / 3), ("relu", (), 2**0.5), ("leaky_relu", (), (2 / 1.0001) ** 0.5),
        ("leaky_relu", (1,), 1), ("leaky_relu", (0.5,), (2 / 1.25) ** 0.5), ("selu", (), 0.75),
    ],
)  # fmt: skip
def test_gains(lib: Any, name: str, args: Any, expected: float) -> None:
    assert lib.nn.init.calculate_gain(name, *args) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("error", "match", "program"),
    [
        (ValueError, "nonlinearity", lambda lib, t: lib.nn.init.calculate_gain("gelu")),
        (ValueError, "negative_slope", lambda lib, t: lib.nn.init.calculate_gain("leaky_relu", True)),
        (ValueError, "dimensions", lambda lib, t: lib.nn.init.xavier_normal_(t[0])),
        (ValueError, "dimensions", lambda lib, t: lib.nn.init.kaiming_normal_(t[0])),
        (ValueError, "fan_in", lambda lib, t: lib.nn.init.kaiming_normal_(t, mode="fan")),
        (ValueError, "dimensions", lambda lib, t: lib.nn.init.eye_(t[0])),
        (ValueError, "dimensions", lambda lib, t: lib.nn.init.dirac_(t)),
        (ValueError, "dim 0", lambda lib, t: lib.nn.init.dirac_(t.reshape(4, 2, 2), 3)),
        (ValueError, "dimensions", lambda lib, t: lib.nn.init.orthogonal_(t[0])),
        (ValueError, "dimensions", lambda lib, t: lib.nn.init.sparse_(t[0], 0.1)),
        (RuntimeError, "uniform_", lambda lib, t: lib.nn.init.uniform_(t, 2.0, 1.0)),
        (RuntimeError, "std", lambda lib, t: lib.nn.init.normal_(t, 0.0, -1.0)),
        (NotImplementedError, "not implemented", lambda lib, t: lib.nn.init.normal_(t.long())),
        (NotImplementedError, "not implemented", lambda lib, t: lib.nn.init.uniform_(t.long())),
    ],
)  # fmt: skip
def test_errors(lib: Any, error: type[Exception], match: str, program: Any) -> None:
    with pytest.raises(error, match=match):
        program(lib, lib.zeros(4, 4))


def test_empty_tensors(lib: Any) -> None:
    for name in ("kaiming_uniform_", "kaiming_normal_"):
        with pytest.warns(UserWarning, match="no-op"):
            getattr(lib.nn.init, name)(lib.empty(0, 3))
    for name in ("uniform_", "normal_", "trunc_normal_", "orthogonal_"):
        assert getattr(lib.nn.init, name)(lib.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    "name",
    ["uniform", "normal", "constant", "eye", "dirac", "xavier_uniform", "xavier_normal",
     "kaiming_uniform", "kaiming_normal", "orthogonal", "sparse"],
)  # fmt: skip
def test_old_names_warn(lib: Any, name: str) -> None:
    t = lib.zeros(4, 4, 1) if name == "dirac" else lib.zeros(4, 4)
    args = {"constant": (3.0,), "sparse": (0.5,)}.get(name, ())
    with pytest.warns(FutureWarning, match=f"nn.init.{name}_"):
        assert getattr(lib.nn.init, name)(t, *args) is t
    assert (t.numpy() != 0).any()


# -- what modules start with ---------------------------------------------------------------------

MODULES = [
    "Linear(300, 200)", "Bilinear(20, 30, 40)", "Embedding(300, 100, padding_idx=3)",
    "BatchNorm2d(5)", "LayerNorm([3, 2])", "GroupNorm(2, 4)", "RMSNorm(4)",
    "InstanceNorm1d(3, affine=True)", "PReLU(4)",
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("program", MODULES)
def test_modules_start_with_the_same_distributions(program: str, torch: Any) -> None:
    """Two samples: the distribution functions differ by no more than chance."""
    for lib in (penlight, torch):
        lib.manual_seed(4)
    ours, theirs = (eval(f"nn.{program}", {"nn": lib.nn}) for lib in (penlight, torch))
    for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        a, b = (np.sort(t.detach().numpy().ravel()) for t in (p, q))
        points = np.concatenate([a, b])
        distance = np.abs(
            np.searchsorted(a, points, "right") - np.searchsorted(b, points, "right")
        ).max() / len(a)
        assert distance <= 2 * math.sqrt(2 / len(a)) * (len(np.unique(b)) > 1), name
