"""``vmap``: dimensions in and out, nesting, chunks, random numbers, changes in place, what it refuses."""

from __future__ import annotations

import importlib
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.autograd.batching import Unbatchable, innermost


def vmap(lib: Any, *args: Any, **kwargs: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.func").vmap(*args, **kwargs)


def array(t: Any) -> np.ndarray:
    return np.asarray(t.detach())


X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def x(lib: Any) -> Any:
    return lib.tensor(X)


# -- dimensions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -3])
def test_in_dims(lib: Any, dim: int) -> None:
    y = vmap(lib, lambda a: a.sum(0) if a.ndim else a, in_dims=dim)(x(lib))
    expected = np.moveaxis(X, dim, 0).sum(1)
    np.testing.assert_array_equal(array(y), expected)


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_out_dims(lib: Any, dim: int) -> None:
    y = vmap(lib, lambda a: a + 1, out_dims=dim)(x(lib))
    np.testing.assert_array_equal(array(y), np.moveaxis(X + 1, 0, dim))


def test_the_top_level_has_it(lib: Any) -> None:
    assert lib.vmap(lambda a: a * 2)(lib.arange(3)).tolist() == [0, 2, 4]


def test_arguments_may_be_one_for_all(lib: Any) -> None:
    y = vmap(lib, lambda a, b, n: a * b + n, in_dims=(0, None, None))(x(lib), lib.arange(4.0), 3)
    np.testing.assert_array_equal(array(y), X * np.arange(4) + 3)


def test_nested_arguments_and_results(lib: Any) -> None:
    Pair = namedtuple("Pair", "first second")

    def f(tree: Any, scale: Any) -> Any:
        return {
            "sum": tree["a"] + tree["b"][0],
            "pair": (tree["b"][1] * scale, Pair(tree["a"], scale)),
        }

    a, b, c = lib.arange(3.0), lib.ones(3, 2), lib.ones(2, 3)
    dims = ({"a": 0, "b": [0, 1]}, None)
    y = vmap(lib, f, in_dims=dims)({"a": a, "b": [b, c]}, lib.tensor(2.0))
    assert y["sum"].tolist() == [[1, 1], [2, 2], [3, 3]]
    assert y["pair"][0].tolist() == [[2, 2]] * 3
    assert y["pair"][1].second.tolist() == [2, 2, 2]
    y = vmap(lib, f, in_dims=(0, None), out_dims={"sum": 1, "pair": (0, 0)})(
        {"a": a, "b": [b, c.T]}, lib.tensor(2.0)
    )
    assert y["sum"].shape == (2, 3)
    assert vmap(lib, lambda d: d["z"])(OrderedDict(z=a)).tolist() == [0, 1, 2]


def test_what_does_not_depend_on_the_batch_is_repeated(lib: Any) -> None:
    assert vmap(lib, lambda a: lib.ones(2))(x(lib)).tolist() == [[1, 1], [1, 1]]
    y = vmap(lib, lambda a: (a.sum(), 7), out_dims=(0, None))(x(lib))
    assert y[1] == 7


def test_keyword_arguments_are_handed_on(lib: Any) -> None:
    y = vmap(lib, lambda a, scale=1: a * scale)(lib.arange(3.0), scale=lib.tensor([1.0, 2.0]))
    assert y.tolist() == [[0, 0], [1, 2], [2, 4]]


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 7, 100])
def test_chunks(lib: Any, chunk_size: int) -> None:
    a = lib.arange(7.0)
    seen = []

    def f(v: Any, w: Any) -> Any:
        seen.append(1)
        return v * 2 + w, v

    y = vmap(lib, f, in_dims=(0, None), out_dims=(0, -1), chunk_size=chunk_size)(a, lib.ones(2))
    assert y[0].tolist() == [[2 * i + 1] * 2 for i in range(7)]
    assert y[1].tolist() == list(range(7))
    assert len(seen) == -(-7 // chunk_size)


def test_no_samples() -> None:
    y = penlight.vmap(lambda a: a.exp().sum())(penlight.zeros(0, 3))
    assert y.shape == (0,)
    y = penlight.vmap(lambda a: penlight.linalg.pinv(a))(penlight.zeros(0, 2, 3))
    assert y.shape == (0, 3, 2)


# -- nesting -------------------------------------------------------------------------------------


def test_vmap_in_vmap(lib: Any) -> None:
    a, b = lib.arange(3.0), lib.arange(4.0)
    y = vmap(lib, lambda u: vmap(lib, lambda v: u * v + v)(b))(a)
    np.testing.assert_array_equal(array(y), np.outer(range(3), range(4)) + np.arange(4))
    y = vmap(lib, vmap(lib, lambda u, v: (u * v).sum(), (None, 0)), (0, None))(
        lib.eye(3), lib.eye(3)
    )
    np.testing.assert_array_equal(array(y), np.eye(3))
    y = vmap(lib, vmap(lib, vmap(lib, lambda u: u.sin())))(x(lib))
    np.testing.assert_allclose(array(y), np.sin(X), rtol=1e-5, atol=1e-6)


def test_matrices_within_matrices(lib: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=s).astype(np.float32) for s in ((2, 3, 4, 5), (2, 5, 6)))
    y = vmap(lib, lambda m, w: vmap(lib, lambda r: r @ w)(m))(lib.tensor(a), lib.tensor(b))
    np.testing.assert_allclose(array(y), a @ b[:, None], rtol=1e-4, atol=1e-5)


# -- values and memory ---------------------------------------------------------------------------


def test_indices(lib: Any) -> None:
    a, i = x(lib), lib.tensor([[2, 0], [1, 1]])
    np.testing.assert_array_equal(
        array(vmap(lib, lambda u, k: u[k])(a, i)), np.stack([X[n][array(i[n])] for n in range(2)])
    )
    np.testing.assert_array_equal(
        array(vmap(lib, lambda u, k: u[:, k])(a, i)),
        np.stack([X[n][:, array(i[n])] for n in range(2)]),
    )
    np.testing.assert_array_equal(
        array(vmap(lib, lambda u, k: u[k, :, k])(x(lib).reshape(2, 3, 2, 2), i - 1)),
        np.stack([X.reshape(2, 3, 2, 2)[n][array(i[n] - 1), :, array(i[n] - 1)] for n in range(2)]),
    )
    assert vmap(lib, lambda u, k: u[k])(a[:, 0], lib.tensor([3, 1])).tolist() == [3, 13]
    y = vmap(lib, lambda k: a[0][:, k], in_dims=0)(i)
    np.testing.assert_array_equal(array(y), np.stack([X[0][:, array(k)] for k in i]))


def test_changes_in_place(lib: Any) -> None:
    a = lib.zeros(2, 3)

    def f(u: Any, v: Any) -> Any:
        u.add_(v)
        u[1] = 7
        u[0] += v
        u[2:].mul_(10)
        return u.sum()

    y = vmap(lib, f)(a, lib.tensor([1.0, 2.0]))
    assert a.tolist() == [[2, 7, 10], [4, 7, 20]]
    assert y.tolist() == [19, 31]


def test_changes_in_place_have_gradients(lib: Any) -> None:
    w = lib.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)

    def f(u: Any) -> Any:
        v = u * 2
        other = v[1].clone()
        v[0] = other * other
        v.mul_(u)
        return v.sum()

    vmap(lib, f)(w).sum().backward()
    # 4 u1^2 u0 + 2 u1^2
    assert w.grad.tolist() == [[16, 24], [64, 112]]


@pytest.mark.parametrize(
    "index", [0, slice(1, 3), ..., (None, 1), [2, 0]], ids=["int", "slice", "all", "new", "list"]
)
def test_writing_at_an_index(lib: Any, index: Any) -> None:
    def f(u: Any, v: Any) -> Any:
        u = u.clone()
        u[index] = v
        return u

    v = lib.tensor([5.0, 6.0])
    expected = X.copy()
    for n in range(2):
        expected[n][index] = 5 + n
    np.testing.assert_array_equal(array(vmap(lib, f)(x(lib), v)), expected)


def test_writing_at_indices_of_each_sample(lib: Any) -> None:
    def f(u: Any, k: Any, v: Any) -> Any:
        u = u.clone()
        u[k] = v
        return u

    i = lib.tensor([[2, 0], [1, 0]])
    y = vmap(lib, f)(x(lib), i, lib.tensor([[[1.0], [2.0]], [[3.0], [4.0]]]).expand(2, 2, 4))
    expected = X.copy()
    expected[0, [2, 0]] = [[1], [2]]
    expected[1, [1, 0]] = [[3], [4]]
    np.testing.assert_array_equal(array(y), expected)


def test_masks_of_each_sample() -> None:
    def f(u: Any) -> Any:
        u = u.clone()
        u[u > 5] = 0
        return u, penlight.where(u > 2, u, -1.0)

    y, z = penlight.vmap(f)(x(penlight))
    np.testing.assert_array_equal(array(y), np.where(X > 5, 0, X))
    np.testing.assert_array_equal(array(z), np.where((X > 2) & (X <= 5), X, -1))


def test_detach_and_data_cut_the_graph(lib: Any) -> None:
    w = lib.ones(2, 3, requires_grad=True)
    y = vmap(lib, lambda u: (u * u.detach()).sum())(w)
    y.sum().backward()
    assert w.grad.tolist() == [[1, 1, 1]] * 2


def test_strides_count_from_each_sample(lib: Any) -> None:
    y = vmap(lib, lambda u: u.as_strided((2, 2), (1, 3), 1))(x(lib))
    expected = np.stack([X[n].ravel()[[[1, 4], [2, 5]]] for n in range(2)])
    np.testing.assert_array_equal(array(y), expected)


def test_how_it_prints(lib: Any) -> None:
    shown = []
    vmap(lib, lambda u: shown.append(repr(u)) or u)(lib.ones(2, 2))
    assert shown == [
        "BatchedTensor(lvl=1, bdim=0, value=\n    tensor([[1., 1.],\n            [1., 1.]])\n)"
    ]


# -- one by one ----------------------------------------------------------------------------------


def test_what_no_batch_allows_is_done_one_by_one() -> None:
    """Functions that look at NumPy arrays of values."""
    seen = []

    def f(u: Any) -> Any:
        seen.append(innermost([u]) is not None)
        counts = penlight.bincount(u, minlength=4)
        return counts * 2

    y = penlight.vmap(f)(penlight.tensor([[0, 1, 1], [3, 3, 3]]))
    assert y.tolist() == [[2, 4, 0, 0], [0, 0, 0, 6]]
    assert seen == [True, False, False]


def test_one_by_one_in_the_outer_of_two() -> None:
    a = penlight.tensor([[[0, 1], [1, 1]], [[0, 0], [2, 1]]])
    f = penlight.vmap(penlight.vmap(lambda u: penlight.bincount(u, minlength=3)))
    assert f(a).tolist() == [[[1, 1, 0], [0, 2, 0]], [[2, 0, 0], [0, 1, 1]]]


def test_one_by_one_has_gradients() -> None:
    w = penlight.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = penlight.vmap(lambda u: u * u[np.asarray(u.detach()).argmax()])(w)
    y.sum().backward()
    assert w.grad.tolist() == [[2, 5], [4, 11]]


def test_a_tensor_used_after_its_vmap_is_refused() -> None:
    kept = []
    penlight.vmap(lambda u: kept.append(u) or u)(penlight.ones(2))
    with pytest.raises(Unbatchable, match="after its end"):
        kept[0].exp()


# -- user's functions ----------------------------------------------------------------------------


def test_functions_of_users(lib: Any) -> None:
    class Cube(lib.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(u: Any) -> Any:
            return u**3

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            (u,) = ctx.saved_tensors
            return 3 * u * u * dy

    w = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = vmap(lib, Cube.apply)(w)
    y.sum().backward()
    assert y.tolist() == [1, 8, 27]
    assert w.grad.tolist() == [3, 12, 27]


def test_functions_of_users_with_a_rule(lib: Any) -> None:
    called = []

    class Scale(lib.autograd.Function):
        @staticmethod
        def forward(u: Any, c: float) -> Any:
            return u * c

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.c = inputs[1]

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return dy * ctx.c, None

        @staticmethod
        def vmap(info: Any, in_dims: Any, u: Any, c: float) -> Any:
            assert info.batch_size == 3
            assert info.randomness == "error"
            assert in_dims[1] is None
            called.append(in_dims)
            return Scale.apply(u, c), in_dims[0]

    assert vmap(lib, lambda u: Scale.apply(u, 2.0))(lib.arange(3.0)).tolist() == [0, 2, 4]
    assert called == [(0, None)]


# -- random numbers ------------------------------------------------------------------------------

DRAWS = {
    "rand": lambda lib, u: lib.rand(2),
    "randn": lambda lib, u: lib.randn(2),
    "randint": lambda lib, u: lib.randint(0, 10**6, (2,)),
    "randperm": lambda lib, u: lib.randperm(50),
    "rand_like": lambda lib, u: lib.rand_like(u),
    "dropout": lambda lib, u: lib.nn.functional.dropout(lib.ones(50), 0.5),
    "bernoulli": lambda lib, u: lib.bernoulli(lib.full((50,), 0.5)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers(lib: Any, name: str) -> None:
    draw, a = DRAWS[name], lib.zeros(3, 4)
    with pytest.raises(
        RuntimeError, match="called random operation while in randomness error mode"
    ):
        vmap(lib, lambda u: draw(lib, u))(a)
    y = array(vmap(lib, lambda u: draw(lib, u), randomness="different")(a))
    assert not (y[0] == y[1]).all()
    assert not (y[1] == y[2]).all()
    if name != "rand_like":  # of a batch PyTorch draws a batch
        y = array(vmap(lib, lambda u: draw(lib, u), randomness="same")(a))
        assert (y[0] == y[1]).all()
        assert (y[1] == y[2]).all()


def test_random_numbers_of_nested_vmaps() -> None:
    f = penlight.vmap(
        penlight.vmap(lambda u: penlight.rand(()), randomness="different"), randomness="different"
    )
    y = array(f(penlight.zeros(3, 4)))
    assert y.shape == (3, 4)
    assert len(np.unique(y)) == 12
    g = penlight.vmap(
        penlight.vmap(lambda u: penlight.rand(()), randomness="same"), randomness="different"
    )
    y = array(g(penlight.zeros(3, 4)))
    assert (y == y[:, :1]).all()
    assert len(np.unique(y)) == 3


def test_random_numbers_one_by_one() -> None:
    def f(u: Any) -> Any:
        return penlight.bincount(u, minlength=2) + penlight.rand(2)

    a = penlight.zeros(3, 4, dtype=penlight.int64)
    with pytest.raises(RuntimeError, match="randomness error mode"):
        penlight.vmap(f)(a)
    same = array(penlight.vmap(f, randomness="same")(a))
    assert (same == same[0]).all()
    different = array(penlight.vmap(f, randomness="different")(a))
    assert not (different[0] == different[1]).all()


def test_random_numbers_follow_the_seed(lib: Any) -> None:
    results = []
    for _ in range(2):
        lib.manual_seed(5)
        results.append(
            array(vmap(lib, lambda u: lib.randn(3), randomness="different")(lib.ones(4)))
        )
    np.testing.assert_array_equal(*results)


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda lib, f: vmap(lib, f, in_dims="0")(x(lib)), ValueError, "expected `in_dims` to be int or"),
        (lambda lib, f: vmap(lib, f)(), ValueError, "got no inputs"),
        (lambda lib, f: vmap(lib, f, in_dims=(0, 0))(x(lib)), ValueError, "not compatible with the structure"),
        (lambda lib, f: vmap(lib, f, in_dims=(1.5,))(x(lib)), ValueError, "must be either an integer"),
        (lambda lib, f: vmap(lib, f)(3), ValueError, "cannot vmap over non-Tensor"),
        (lambda lib, f: vmap(lib, f, in_dims=3)(x(lib)), ValueError, r"-3 <= in_dim < 3"),
        (lambda lib, f: vmap(lib, f, in_dims=None)(x(lib)), ValueError, "in_dims"),
        (lambda lib, f: vmap(lib, f, in_dims=(None,))(x(lib)), ValueError, "at least one Tensor to vmap over"),
        (
            lambda lib, f: vmap(lib, lambda a, b: a)(lib.ones(2), lib.ones(3)),
            ValueError,
            r"same size in the mapped dimension, got sizes \[2, 3\]",
        ),
        (lambda lib, f: vmap(lib, lambda a: 3)(x(lib)), ValueError, "must only return Tensors, got type"),
        (lambda lib, f: vmap(lib, f, out_dims=(0, 0))(x(lib)), ValueError, "out_dims is not compatible"),
        (lambda lib, f: vmap(lib, f, out_dims=None)(x(lib)), ValueError, "can not return a BatchedTensor"),
        (lambda lib, f: vmap(lib, f, chunk_size=0)(x(lib)), ValueError, "chunk_size should be None or greater"),
        (lambda lib, f: vmap(lib, f, randomness="no")(x(lib)), RuntimeError, "Only allowed values for randomness"),
        (lambda lib, f: vmap(lib, lambda a: a.sum().item())(x(lib)), RuntimeError, r"\.item\(\)"),
        (lambda lib, f: vmap(lib, lambda a: float(a.sum()))(x(lib)), RuntimeError, r"\.item\(\)"),
        (lambda lib, f: vmap(lib, lambda a: a if a.sum() > 0 else -a)(x(lib)), RuntimeError, "control flow"),
        (lambda lib, f: vmap(lib, lambda a: lib.zeros(3).add_(a))(lib.ones(2)), RuntimeError, "inplace arithmetic|doesn't match the broadcast shape"),
        (
            lambda lib, f: vmap(lib, lambda a: lib.zeros(3).__setitem__(0, a))(lib.ones(2)),
            RuntimeError,
            "inplace arithmetic",
        ),
        (
            lambda lib, f: vmap(lib, lambda a: (a * lib.ones(2, requires_grad=True)).sum().backward())(lib.ones(2)),
            RuntimeError,
            r"backward\(\)",
        ),
        (lambda lib, f: vmap(lib, lambda a: a.requires_grad_())(x(lib)), RuntimeError, "requires_grad_"),
    ],
)  # fmt: skip
def test_errors(lib: Any, call: Any, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call(lib, lambda a: a)


def test_errors_leave_no_level_behind() -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            penlight.vmap(lambda a: 1 / 0)(penlight.ones(2))
    assert penlight.rand(2).shape == (2,)
    assert penlight.vmap(lambda a: a + 1)(penlight.ones(2)).tolist() == [2, 2]
