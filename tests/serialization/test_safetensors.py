"""safetensors files, and the real package as the other side."""

from __future__ import annotations

import json
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

import penlight
from penlight import nn
from penlight.serialization import safetensors
from penlight.serialization.safetensors import SafetensorError, load, load_file, safe_open, save
from tests.serialization.files import DTYPES, assert_identical, holding

FITTING = [d for d in DTYPES if d is not penlight.complex128]
NAMES = {
    "F64": penlight.float64, "F32": penlight.float32, "F16": penlight.float16, "I64": penlight.int64,
    "I32": penlight.int32, "I16": penlight.int16, "I8": penlight.int8, "U8": penlight.uint8,
    "BOOL": penlight.bool, "C64": penlight.complex64,
}  # fmt: skip


def file_of(header, data=b"", padding=b""):
    raw = (header if isinstance(header, bytes) else json.dumps(header).encode()) + padding
    return len(raw).to_bytes(8, "little") + raw + data


def header_of(data):
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def some_tensors():
    rng = np.random.default_rng(0)
    tensors = {str(d): holding(rng.integers(0, 2, (2, 3)).astype(d.numpy)) for d in FITTING}
    tensors["0-d"] = penlight.tensor(2.5)
    tensors["empty"] = penlight.zeros(0, 3)
    tensors["flipped"] = penlight.rand(3, 2).t()
    tensors["every other"] = penlight.rand(6)[::2]
    tensors["foreign bytes"] = holding(np.arange(3, dtype=">i4"))
    tensors["ü \n"] = penlight.rand(1)
    return tensors


def plain(tensors):
    """As they come back: contiguous, in native byte order, without gradients."""
    arrays = {n: np.array(t.detach().numpy(), t.dtype.numpy, order="C") for n, t in tensors.items()}
    return {name: holding(array) for name, array in arrays.items()}


def by_name(tensors):
    return dict(sorted(tensors.items()))


def test_there_and_back(tmp_path):
    tensors = some_tensors()
    safetensors.save_file(tensors, tmp_path / "a.safetensors", {"by": "us", "ü": ""})
    expected = by_name(plain(tensors))
    assert (tmp_path / "a.safetensors").read_bytes() == save(tensors, {"by": "us", "ü": ""})
    for loaded in (load_file(tmp_path / "a.safetensors"), load(save(tensors))):
        assert_identical(by_name(loaded), expected)
        for t in loaded.values():
            t.zero_()  # memory of its own
    with safe_open(str(tmp_path / "a.safetensors"), framework="pt") as file:
        assert file.metadata() == {"by": "us", "ü": ""}
        assert set(file.keys()) == tensors.keys()
        assert_identical(file.get_tensor("flipped"), expected["flipped"])
        assert_identical(by_name(file.get_tensors()), expected)
        with pytest.raises(SafetensorError, match="holds no tensor 'x'"):
            file.get_tensor("x")


@given(
    st.dictionaries(
        st.text(max_size=5),
        st.sampled_from(FITTING).flatmap(
            lambda d: hnp.arrays(d.numpy, hnp.array_shapes(min_dims=0))
        ),
        max_size=4,
    ),
    st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)
def test_any_tensors(arrays, metadata):
    tensors = {name: holding(array) for name, array in arrays.items()}
    data = save(tensors, metadata)
    assert_identical(by_name(load(data)), by_name(tensors))
    assert header_of(data).get("__metadata__") == metadata


def test_layout():
    data = save(
        {
            "b": penlight.ones(2),
            "c": penlight.ones(1, dtype=penlight.float64),
            "a": penlight.ones(1),
        }
    )
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0  # the tensors begin where any element may lie
    assert header_of(data) == {
        "c": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
        "a": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [12, 20]},
    }
    assert data[8 + length :] == np.ones(1).tobytes() + np.ones(3, np.float32).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_names_of_dtypes(name):
    data = save({"a": penlight.ones(3, dtype=NAMES[name])})
    assert header_of(data)["a"]["dtype"] == name
    assert load(data)["a"].dtype is NAMES[name]


def test_bfloat16_is_read_as_float32():
    data = file_of(
        {"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, b"\xc0\x3f\x00\xc0"
    )
    assert load(data)["a"].tolist() == [1.5, -2.0]
    assert load(data)["a"].dtype is penlight.float32


@pytest.mark.parametrize(
    ("tensors", "metadata", "error", "message"),
    [
        (
            {"a": penlight.zeros(1, dtype=penlight.complex128)},
            None,
            TypeError,
            "'a' has dtype torch.c",
        ),
        ({"a": np.zeros(1)}, None, TypeError, "'a' must be a Tensor, got ndarray"),
        ({1: penlight.zeros(1)}, None, TypeError, "name must be a str"),
        ({"__metadata__": penlight.zeros(1)}, None, TypeError, "not '__metadata__'"),
        ({}, {"a": 1}, TypeError, "metadata must map str to str, got 'a': 1"),
        ({}, [1], TypeError, "metadata must map str to str"),
    ],
)
def test_what_the_format_cannot_hold(tmp_path, tensors, metadata, error, message):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(error, match=message):
        safetensors.save_file(tensors, tmp_path / "a", metadata)
    assert (tmp_path / "a").read_bytes() == b"old"


def test_shared_memory_is_refused():
    t = penlight.rand(4, 4)
    for tensors in (
        {"a": t, "b": t},
        {"a": t, "b": t[1]},
        {"a": t[:, :2], "c": t[0], "b": t[:, 2:]},
    ):
        with pytest.raises(RuntimeError, match=r"tensors 'a' and '[bc]' share memory.*clone"):
            save(tensors)
    apart = {"a": t[:, ::2], "b": t[:, 1::2], "c": penlight.rand(2)}
    assert_identical(by_name(load(save(apart))), plain(apart))


GOOD = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
DATA = bytes(8)


def entries(**changes):
    return {"a": GOOD | changes}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found 0 bytes in all"),
        (b"1234567", "found 7 bytes in all"),
        (bytes(8), "no valid JSON"),
        ((2**63).to_bytes(8, "little") + bytes(100), "at most 100 bytes, found 9223372036854775808"),
        (file_of({})[:-1], "at most 1 bytes, found 2"),
        (file_of([]), "must be a JSON object"),
        (file_of(b" {}"), "must be a JSON object"),
        (file_of(b"{"), "no valid JSON"),
        (file_of(b"\xff"), "no valid JSON"),
        (file_of(b'{"a":' + b"[" * 50_000), "no valid JSON"),
        (file_of(b'{"a":1,"a":1}'), "a key occurs twice"),
        (file_of(b'{"a":{"dtype":"F32","dtype":"F32"}}'), "a key occurs twice"),
        (file_of({"__metadata__": {"a": 1}}), "metadata must map str to str"),
        (file_of({"__metadata__": "x"}), "metadata must map str to str"),
        (file_of({"a": 1}), "must have dtype, shape and data_offsets"),
        (file_of({"a": {"dtype": "F32"}}), "must have dtype, shape and data_offsets"),
        (file_of({"a": GOOD | {"more": 1}}, DATA), "must have dtype, shape and data_offsets"),
        (file_of(entries(dtype="F8_E4M3"), DATA), r"'a' has dtype 'F8_E4M3'; supported: F64, F32"),
        (file_of(entries(dtype=["F32"]), DATA), "'a' has dtype"),
        (file_of(entries(shape=[-1]), DATA), "make no sense"),
        (file_of(entries(shape=[1.0]), DATA), "make no sense"),
        (file_of(entries(shape=[True]), DATA), "make no sense"),
        (file_of(entries(shape=1), DATA), "make no sense"),
        (file_of(entries(data_offsets=[0]), DATA), "make no sense"),
        (file_of(entries(data_offsets=[-4, 0]), DATA), "make no sense"),
        (file_of(entries(data_offsets=[4, 0]), DATA), "needs 4 bytes, data_offsets have -4"),
        (file_of(entries(shape=[3]), DATA), "needs 12 bytes, data_offsets have 4"),
        (file_of(entries(shape=[2**62, 2**62]), DATA), r"needs \d+ bytes"),
        (file_of(entries(), DATA), "the tensors need 4 bytes, the file holds 8"),
        (file_of(entries(), DATA[:3]), "the tensors need 4 bytes, the file holds 3"),
        (file_of(entries(data_offsets=[4, 8]), DATA), "expected at byte 0, found at 4: a gap"),
        (file_of({"a": GOOD, "b": GOOD}, DATA[:4]), "'b' was expected at byte 4, found at 0: an over"),
        (
            file_of({"a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}, b"\1\2"),
            "a bool must be 0 or 1, found 2",
        ),
        (file_of(entries(shape=[0, 2**62, 2**62], data_offsets=[0, 0])), "'a':"),
    ],
)  # fmt: skip
def test_damaged_files(tmp_path, data, message):
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(SafetensorError, match=rf"safetensors: .*a\.safetensors: .*{message}"):
        load_file(tmp_path / "a.safetensors")
    with pytest.raises(SafetensorError, match=message):
        load(data)


def test_the_header_has_a_limit(monkeypatch):
    monkeypatch.setattr(safetensors, "MAX_HEADER", 30)
    with pytest.raises(SafetensorError, match="a header of 56 bytes; at most 30"):
        save({"a": penlight.ones(1)})
    with pytest.raises(SafetensorError, match="a header of at most 30 bytes, found 31"):
        load(file_of({}, padding=b" " * 29))


def test_spaces_after_the_header():
    assert load(file_of(entries(), DATA[:4], b"   "))["a"].tolist() == [0]


def test_other_frameworks_and_devices(tmp_path):
    safetensors.save_file({}, tmp_path / "a")
    with pytest.raises(SafetensorError, match="framework must be 'pt', got 'tf'"):
        safe_open(tmp_path / "a", "tf")
    with pytest.raises(RuntimeError, match="cuda"):
        load_file(tmp_path / "a", device="cuda")


def test_a_module_there_and_back(tmp_path):
    module, other = (nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2))
    safetensors.save_file(module.state_dict(), tmp_path / "a")
    other.load_state_dict(load_file(tmp_path / "a"))
    assert_identical(OrderedDict(other.state_dict()), OrderedDict(module.state_dict()))


# -- the package -----------------------------------------------------------------------------------


@pytest.fixture
def package():
    return pytest.importorskip("safetensors.numpy")


def test_the_package_reads_ours(package, tmp_path):
    tensors = {n: t for n, t in some_tensors().items() if t.dtype is not penlight.complex64}
    safetensors.save_file(tensors, tmp_path / "a", {"x": "y"})
    loaded = package.load_file(tmp_path / "a")
    assert loaded.keys() == tensors.keys()
    for name, t in plain(tensors).items():
        assert_identical(holding(loaded[name]), t)


def test_we_read_the_packages(package, tmp_path):
    arrays = {n: t.numpy() for n, t in plain(some_tensors()).items() if n != "torch.complex64"}
    package.save_file(arrays, tmp_path / "a", {"x": "y"})
    loaded = load_file(tmp_path / "a")
    assert_identical(by_name(loaded), by_name({n: holding(a) for n, a in arrays.items()}))


@pytest.mark.parity
def test_both_ways_with_pytorch(torch, tmp_path):
    theirs = pytest.importorskip("safetensors.torch")
    tensors = some_tensors()
    safetensors.save_file(tensors, tmp_path / "a", {"x": "y"})
    loaded = theirs.load_file(tmp_path / "a")
    assert_identical(by_name(loaded), by_name(plain(tensors)))
    loaded["bf16"] = torch.randn(3, 4).to(torch.bfloat16)
    theirs.save_file(loaded, tmp_path / "b")
    back = load_file(tmp_path / "b")
    assert back.pop("bf16").tolist() == loaded["bf16"].float().tolist()
    assert_identical(by_name(back), by_name(plain(tensors)))
    t = torch.ones(2)
    with pytest.raises(RuntimeError):
        theirs.save({"a": t, "b": t})
