"""Memory shared with NumPy and, through DLPack, with others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight.utils import dlpack

DTYPES = [
    "float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64",
    "complex128",
]  # fmt: skip

needs_numpy_2_1 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy 2.0 can't do it"
)


@pytest.mark.parametrize("d", DTYPES)
def test_numpy_shares_memory_both_ways(d: str) -> None:
    a = np.ones((2, 3), d)
    x = penlight.from_numpy(a)
    assert x.numpy() is a or np.may_share_memory(x.numpy(), a)
    x[0, 0] = 0
    assert a[0, 0] == 0
    a[1, 1] = 0
    assert x[1, 1].item() == 0
    assert np.asarray(x) is x.numpy()
    assert np.array(x, dtype=np.float64 if d[0] != "c" else np.complex128).dtype.kind in "fc"


@pytest.mark.parametrize("d", DTYPES)
def test_numpy_reads_tensors_through_dlpack(d: str) -> None:
    x = penlight.ones(2, 3, dtype=getattr(penlight, d)).t()
    a = np.from_dlpack(x)
    assert (a.shape, a.dtype, a.strides) == (x.shape, np.dtype(d), x.numpy().strides)
    assert np.may_share_memory(a, x.numpy())


@pytest.mark.parametrize("d", DTYPES)
def test_tensors_of_arrays_through_dlpack(d: str) -> None:
    a = np.ones((3, 2), d)
    x = penlight.from_dlpack(a[::2])
    x[1] = 0
    assert a[2].tolist() == [0, 0]
    assert str(x.dtype) == f"torch.{d}"


@needs_numpy_2_1
def test_capsules_and_tensors() -> None:
    x = penlight.arange(4)
    y = dlpack.from_dlpack(dlpack.to_dlpack(x))
    y[0] = 9
    assert x[0].item() == 9
    z = penlight.from_dlpack(x)
    assert z is not x
    assert z.data_ptr() == x.data_ptr()
    assert x.__dlpack_device__() == (1, 0)
    copy = np.from_dlpack(x, copy=True)
    assert not np.may_share_memory(copy, x.numpy())


class _OnGpu:
    def __dlpack__(self, **unused: Any) -> Any:
        raise AssertionError("must not be asked")

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)


def test_bad_exports_and_imports_are_refused() -> None:
    with pytest.raises(BufferError, match="require gradient"):
        np.from_dlpack(penlight.ones(1, requires_grad=True))
    with pytest.raises(BufferError, match="CPU"):
        penlight.from_dlpack(_OnGpu())
    with pytest.raises(TypeError, match="__dlpack__"):
        penlight.from_dlpack([1, 2])
    with pytest.raises(TypeError, match="uint16"):
        penlight.from_dlpack(np.zeros(1, np.uint16))
    with pytest.raises(RuntimeError, match="requires grad"):
        np.asarray(penlight.ones(1, requires_grad=True))
    assert penlight.ones(1, requires_grad=True).numpy(force=True).tolist() == [1]


@pytest.mark.parity
@pytest.mark.parametrize("d", DTYPES)
def test_memory_shared_with_pytorch(d: str, torch: Any) -> None:
    theirs = torch.ones(3, 2, dtype=getattr(torch, d)).t()
    ours = penlight.from_dlpack(theirs)
    assert (ours.shape, ours.stride(), ours.data_ptr()) == (
        theirs.shape, theirs.stride(), theirs.data_ptr(),
    )  # fmt: skip
    ours[0, 0] = 0
    assert theirs[0, 0].item() == 0
    back = torch.from_dlpack(penlight.zeros(2, dtype=getattr(penlight, d)))
    assert back.dtype == getattr(torch, d)
    mine = penlight.arange(6).reshape(2, 3).to(getattr(penlight, d))
    alias = torch.from_dlpack(mine[:, 1:])
    alias[0, 0] = 0
    assert mine[0, 1].item() == 0
    assert torch.utils.dlpack.from_dlpack(dlpack.to_dlpack(mine)).data_ptr() == mine.data_ptr()
    assert (
        penlight.from_dlpack(torch.utils.dlpack.to_dlpack(theirs)).data_ptr() == theirs.data_ptr()
    )


# -- as_tensor, asarray, frombuffer -------------------------------------------------------------


def test_as_tensor_shares_where_it_can() -> None:
    a = np.zeros(2, np.float32)
    x = penlight.as_tensor(a)
    x[0] = 1
    assert a[0] == 1
    assert penlight.as_tensor(x) is x
    assert penlight.as_tensor(a, dtype=penlight.float64).dtype is penlight.float64
    assert penlight.as_tensor([1, 2]).dtype is penlight.int64


def test_asarray_copies_as_told() -> None:
    a = np.zeros(2, np.float32)
    x = penlight.zeros(2)
    assert np.may_share_memory(penlight.asarray(a).numpy(), a)
    assert not np.may_share_memory(penlight.asarray(a, copy=True).numpy(), a)
    assert penlight.asarray(x) is x
    assert penlight.asarray(x, copy=True) is not x
    assert penlight.asarray(x, requires_grad=True).requires_grad
    assert not penlight.asarray(x.requires_grad_()).requires_grad
    assert penlight.asarray(memoryview(b"ab"), dtype=penlight.uint8).tolist() == [97, 98]
    with pytest.raises(ValueError, match="alias"):
        penlight.asarray([1, 2], copy=False)
    with pytest.raises(ValueError, match="alias"):
        penlight.asarray(a, dtype=penlight.float64, copy=False)


def test_frombuffer_shares_bytes() -> None:
    raw = bytearray(np.arange(4, dtype=np.int16).tobytes())
    x = penlight.frombuffer(raw, dtype=penlight.int16, offset=2, count=2)
    assert x.tolist() == [1, 2]
    x[0] = 7
    assert raw[2] == 7
    with pytest.raises(ValueError, match="multiple"):
        penlight.frombuffer(bytearray(3), dtype=penlight.int16)
    with pytest.raises(ValueError, match="offset"):
        penlight.frombuffer(bytearray(2), dtype=penlight.int16, offset=2)
    with pytest.warns(UserWarning, match="writable"):
        penlight.frombuffer(b"ab", dtype=penlight.uint8)


def test_arrays_that_can_not_be_shared() -> None:
    with pytest.raises(ValueError, match="negative"):
        penlight.from_numpy(np.zeros(3)[::-1])
    with pytest.raises(ValueError, match="byte order"):
        penlight.from_numpy(np.zeros(3, ">f4"))
    with pytest.raises(TypeError, match="supported"):
        penlight.from_numpy(np.array(["a"]))
    with pytest.raises(TypeError, match=r"np\.ndarray"):
        penlight.from_numpy([1])
    assert penlight.tensor(np.arange(3)[::-1]).tolist() == [2, 1, 0]


def test_subclasses_of_arrays_become_plain() -> None:
    a = np.zeros(2, np.float32).view(np.recarray)
    x = penlight.from_numpy(a)
    assert type(x.numpy()) is np.ndarray
    assert np.may_share_memory(x.numpy(), a)


@needs_numpy_2_1
def test_read_only_arrays_stay_so_through_dlpack() -> None:
    a = np.zeros(2)
    a.flags.writeable = False
    x = penlight.from_dlpack(a)
    with pytest.raises(RuntimeError, match="read-only"):
        x.add_(1)
