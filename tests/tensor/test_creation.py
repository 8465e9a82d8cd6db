"""Making tensors: from data, of a shape, in sequences; the old constructors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import penlight


def test_data_gets_the_dtype_of_its_kind() -> None:
    for data, dtype in [
        (1, "int64"), (1.0, "float32"), (True, "bool"), (1j, "complex64"), ([1, 2.0], "float32"),
        ([True, 2], "int64"), ([], "float32"), (np.float64(1), "float64"), ([np.float32(1), 2], "float32"),
        ([penlight.tensor(1.0), 2], "float32"), (np.zeros(2, np.int16), "int16"), (range(3), "int64"),
        ([[True], [False]], "bool"), ([np.zeros(2), np.ones(2)], "float64"), ([1.0, 1j], "complex64"),
        ([penlight.tensor(1, dtype=penlight.int8)] * 2, "int8"), ((), "float32"), ([[], []], "float32"),
    ]:  # fmt: skip
        assert str(penlight.tensor(data).dtype) == f"torch.{dtype}", data


def test_tensor_copies_and_marks() -> None:
    a = np.zeros(2)
    x = penlight.tensor(a, requires_grad=True)
    a[0] = 1
    assert x.tolist() == [0, 0]
    assert x.requires_grad
    assert x.is_leaf
    y = penlight.tensor(x.detach())
    assert y.data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError, match="floating"):
        penlight.tensor([1], requires_grad=True)


@pytest.mark.parametrize(
    ("data", "dtype", "error", "match"),
    [
        ([[1], [2, 3]], None, ValueError, "equal length"), ("a", None, TypeError, "str"),
        (["a"], None, TypeError, "str"), (None, None, RuntimeError, "NoneType"),
        ([1, None], None, RuntimeError, "NoneType"), ([2**63], None, ValueError, "too large"),
        ([300], "uint8", RuntimeError, "overflow"), ([1j], "float32", TypeError, "complex"),
        ([math.nan], "int64", RuntimeError, "overflow"), ([penlight.ones(2)], None, ValueError, "one element"),
        ([1], 3.5, TypeError, "dtype"), ({"a": 1}, None, TypeError, "dict"),
    ],
)  # fmt: skip
def test_bad_data_is_refused(data: Any, dtype: Any, error: Any, match: str) -> None:
    d = getattr(penlight, dtype) if isinstance(dtype, str) else dtype
    with pytest.raises(error, match=match):
        penlight.tensor(data, dtype=d)


@pytest.mark.parametrize("name", ["empty", "zeros", "ones", "rand", "randn"])
def test_shapes_come_in_three_forms(name: str) -> None:
    make = getattr(penlight, name)
    for arguments in ((2, 3), ((2, 3),), ([2, 3],), (penlight.Size([2, 3]),)):
        assert make(*arguments).shape == (2, 3)
    assert make(size=(2, 3)).shape == (2, 3)
    assert make(()).shape == ()
    assert make(0, 2).shape == (0, 2)
    assert make(penlight.tensor(2), np.int64(1)).shape == (2, 1)
    assert make(1, dtype=penlight.float64, requires_grad=True).requires_grad
    assert (
        make(1, device="cpu", layout=penlight.strided, pin_memory=False).dtype is penlight.float32
    )
    for bad, error in (
        ((2.0,), TypeError),
        (("a",), TypeError),
        ((), TypeError),
        ((-1,), RuntimeError),
    ):
        with pytest.raises(error):
            make(*bad)
    with pytest.raises(TypeError):
        make(1, dytpe=penlight.float64)
    with pytest.raises(RuntimeError, match="cuda"):
        make(1, device="cuda")
    with pytest.raises(TypeError, match="layout"):
        make(1, layout="strided")


def test_full_takes_the_dtype_of_its_value() -> None:
    for value, dtype in ((1, "int64"), (1.0, "float32"), (True, "bool"), (1j, "complex64")):
        assert str(penlight.full((2,), value).dtype) == f"torch.{dtype}"
    assert penlight.full((), penlight.tensor(3)).item() == 3
    assert penlight.full((2, 1), 1, dtype=penlight.float16).tolist() == [[1], [1]]
    with pytest.raises(TypeError, match="size"):
        penlight.full(2, 1)
    with pytest.raises(RuntimeError, match="300"):
        penlight.full((1,), 300, dtype=penlight.uint8)


def test_like_keeps_shape_dtype_and_order() -> None:
    x = penlight.ones(2, 3, dtype=penlight.float64).t()
    for make in (penlight.empty_like, penlight.zeros_like, penlight.ones_like):
        y = make(x)
        assert (y.shape, y.dtype, y.stride()) == (x.shape, x.dtype, x.stride())
        assert (
            make(x, dtype=penlight.int8, memory_format=penlight.preserve_format).dtype
            is penlight.int8
        )
        assert make(x, requires_grad=True).requires_grad
    assert penlight.full_like(x, 2).sum().item() == 12
    with pytest.raises(RuntimeError, match="overflow"):
        penlight.full_like(x, 1j)


def test_new_keeps_the_dtype() -> None:
    x = penlight.ones(1, dtype=penlight.int16)
    assert x.new_zeros(2, 3).dtype is x.new_ones((2,)).dtype is x.new_empty(1).dtype is x.dtype
    assert x.new_full((2,), 7).tolist() == [7, 7]
    assert x.new_tensor([1, 2]).dtype is x.dtype
    assert x.new_zeros(1, dtype=penlight.float32, requires_grad=True).requires_grad


def test_strided_memory() -> None:
    assert penlight.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    x = penlight.empty_permuted((2, 3, 4), (0, 2, 1))
    assert (x.shape, x.stride()) == ((2, 3, 4), (12, 1, 3))


# -- sequences --------------------------------------------------------------------------------


def test_ranges() -> None:
    assert penlight.arange(5).tolist() == [0, 1, 2, 3, 4]
    assert penlight.arange(5).dtype is penlight.int64
    assert penlight.arange(1, 2.5, 0.5).tolist() == [1, 1.5, 2]
    assert penlight.arange(3, 0, -1).tolist() == [3, 2, 1]
    assert penlight.arange(0).shape == (0,)
    assert penlight.arange(end=3, dtype=penlight.float16).tolist() == [0, 1, 2]
    assert penlight.arange(2**53, 2**53 + 3).tolist() == [2**53, 2**53 + 1, 2**53 + 2]
    assert penlight.arange(penlight.tensor(2)).tolist() == [0, 1]
    with pytest.warns(UserWarning, match="arange"):
        assert penlight.range(0, 2).tolist() == [0, 1, 2]
    for bad, match in (
        ((0, 3, 0), "nonzero"),
        ((3, 0), "inconsistent"),
        ((math.inf,), "unsupported"),
    ):
        with pytest.raises(RuntimeError, match=match):
            penlight.arange(*bad)


def test_spaces() -> None:
    assert penlight.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert penlight.linspace(3, 3, 1).tolist() == [3]
    assert penlight.linspace(0, 1, 0).shape == (0,)
    assert penlight.linspace(-1, 0.1, 7)[-1].item() == np.float32(0.1)
    assert penlight.linspace(0, 10, 4, dtype=penlight.int64).tolist() == [0, 3, 6, 10]
    assert penlight.logspace(0, 3, 4, base=2).tolist() == [1, 2, 4, 8]
    x = penlight.linspace(-0.7, 0.7, 101, dtype=penlight.float64)
    assert x.equal(-x.flip(0)), "counted from the nearer end"
    with pytest.raises(RuntimeError, match="steps"):
        penlight.linspace(0, 1, -1)


@pytest.mark.parity
@pytest.mark.parametrize("seed", range(20))
def test_sequences_are_pytorchs(seed: int, torch: Any) -> None:
    rng = np.random.default_rng(seed)
    a, b, n = rng.uniform(-5, 5), rng.uniform(-5, 5), int(rng.integers(0, 40))
    step = float(np.copysign(rng.uniform(0.01, 1), b - a))
    i, j = sorted(rng.integers(-20, 20, 2).tolist())
    for call in (
        lambda t: t.linspace(a, b, n), lambda t: t.arange(a, b, step), lambda t: t.arange(i, j, 3),
        lambda t: t.linspace(a, b, n, dtype=t.float64), lambda t: t.logspace(-1, 1, n),
        lambda t: t.arange(a, b, step, dtype=t.float64), lambda t: t.eye(3, n % 5),
        lambda t: t.tril_indices(4, n % 6, n % 3 - 1), lambda t: t.triu_indices(n % 6, 4, n % 3 - 1),
        lambda t: t.linspace(i, j, n, dtype=t.int64),
    ):  # fmt: skip
        ours, theirs = call(penlight), call(torch)
        assert str(ours.dtype) == str(theirs.dtype)
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6, atol=1e-6)


def test_matrices_and_triangles() -> None:
    assert penlight.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    x = penlight.arange(9).reshape(3, 3)
    rows, columns = penlight.tril_indices(3, 3)
    assert x[rows, columns].tolist() == [0, 3, 4, 6, 7, 8]
    rows, columns = penlight.triu_indices(3, 3, 1)
    assert x[rows, columns].tolist() == [1, 2, 5]
    for call in (lambda: penlight.eye(-1), lambda: penlight.tril_indices(-1, 2)):
        with pytest.raises(RuntimeError, match=r"greater|non-negative"):
            call()


# -- old constructors -------------------------------------------------------------------------


def test_constructors_by_type() -> None:
    x = penlight.FloatTensor([1, 2])
    assert x.dtype is penlight.float32
    assert penlight.LongTensor(2, 3).shape == (2, 3)
    assert penlight.LongTensor([1.5]).tolist() == [1]
    assert penlight.BoolTensor([0, 2]).tolist() == [False, True]
    assert penlight.ByteTensor().shape == (0,)
    assert penlight.DoubleTensor(penlight.Size([2])).shape == (2,)
    assert isinstance(x, penlight.FloatTensor)
    assert not isinstance(x, penlight.LongTensor)
    assert x.type() == "torch.FloatTensor"
    assert x.type(penlight.LongTensor).type() == "torch.LongTensor"
    assert x.type("torch.HalfTensor").dtype is penlight.float16
    with pytest.raises(TypeError, match="float32"):
        penlight.LongTensor(x)
    with pytest.raises(ValueError, match="invalid type"):
        x.type("torch.cuda.FloatTensor")
    penlight.set_default_tensor_type("torch.DoubleTensor")
    try:
        assert penlight.zeros(1).dtype is penlight.float64
    finally:
        penlight.set_default_tensor_type(penlight.FloatTensor)


def test_the_class_itself_is_a_constructor() -> None:
    assert penlight.Tensor(2, 3).shape == (2, 3)
    assert penlight.Tensor([1, 2]).dtype is penlight.float32
    assert penlight.Tensor(penlight.Size([2])).shape == (2,)
    x = penlight.arange(3)
    assert penlight.Tensor(x).data_ptr() == x.data_ptr()


WINDOWS = ["hann", "hamming", "blackman", "bartlett", "kaiser"]


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str) -> None:
    make = getattr(penlight, f"{name}_window")
    whole, periodic = make(9, periodic=False), make(8)
    assert whole.allclose(whole.flip(0), atol=1e-6)
    assert periodic.allclose(whole[:8], atol=1e-6)
    assert whole[4].item() == pytest.approx(1, abs=1e-6)
    assert make(1).tolist() == [1]
    assert make(0).shape == (0,)
    assert make(3, dtype=penlight.float64, requires_grad=True).requires_grad
    with pytest.raises(RuntimeError, match="window_length"):
        make(-1)
    with pytest.raises(RuntimeError, match="floating"):
        make(3, dtype=penlight.int64)
    with pytest.raises(TypeError, match="dytpe"):
        make(3, dytpe=penlight.float64)


@pytest.mark.parity
@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_pytorchs(name: str, torch: Any) -> None:
    for arguments in ((10,), (7, False), (2,), (1,), (0,)):
        ours, theirs = (getattr(lib, f"{name}_window")(*arguments) for lib in (penlight, torch))
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


def test_settings_are_taken() -> None:
    assert not penlight.are_deterministic_algorithms_enabled()
    penlight.use_deterministic_algorithms(True, warn_only=True)
    assert penlight.are_deterministic_algorithms_enabled()
    penlight.use_deterministic_algorithms(False)
    penlight.set_float32_matmul_precision("high")
    assert penlight.get_float32_matmul_precision() == "high"
    penlight.set_float32_matmul_precision("highest")
    penlight.set_num_interop_threads(2)
    assert penlight.get_num_interop_threads() == 2
    for bad in (
        lambda: penlight.set_float32_matmul_precision("low"),
        lambda: penlight.set_num_interop_threads(0),
    ):
        with pytest.raises(RuntimeError, match=r"got"):
            bad()


def test_new_in_its_old_form() -> None:
    x = penlight.ones(1, dtype=penlight.float64)
    assert x.new(2, 3).shape == (2, 3)
    assert x.new([1, 2]).dtype is penlight.float64
    assert x.new(penlight.Size([2])).shape == (2,)
    assert x.new().shape == (0,)


@pytest.mark.parametrize("name", ["new_zeros", "new_ones", "new_empty", "new_full"])
def test_misspelt_options_are_refused(name: str) -> None:
    value = (1,) if name == "new_full" else ()
    with pytest.raises(TypeError, match="dytpe"):
        getattr(penlight.ones(1), name)((2,), *value, dytpe=penlight.float64)
    with pytest.raises(TypeError, match="layout"):
        getattr(penlight.ones(1), name)((2,), *value, layout="dense")


def test_new_takes_size_by_name_and_python_types() -> None:
    x = penlight.ones(1)
    assert x.new_zeros(size=(2, 3)).shape == (2, 3)
    assert x.new_full((2,), penlight.tensor(1.5), dtype=float).dtype is penlight.float64


def test_joined_tensors_lie_in_memory_order():
    x = penlight.randn(2, 3, 4).permute(2, 0, 1)
    for joined in (penlight.cat([x, x]), penlight.stack([x, x]), penlight.stack([x, x], 2)):
        assert joined.is_contiguous()
        joined.view(-1)
