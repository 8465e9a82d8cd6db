"""Damaged and hostile files end in a documented error, soon and in little memory."""

from __future__ import annotations

import io
import pickle
import time
import tracemalloc
from collections import Counter
from contextlib import contextmanager

import pytest
from hypothesis import given, strategies as st

import penlight
from penlight import nn
from penlight.serialization import safetensors
from penlight.serialization.archive import write_archive
from tests.serialization.files import (
    archive_of,
    changed,
    pushing,
    records,
    saved,
    storage,
    tensor,
    text,
)

ERRORS = (RuntimeError, pickle.UnpicklingError)
START, STOP = b"\x80\x02", pickle.STOP


@contextmanager
def limits(megabytes: float = 5, seconds: float = 20):
    """Far above what a small file needs, far below what a bomb would take."""
    tracemalloc.start()
    started = time.perf_counter()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1e6
        assert time.perf_counter() - started < seconds
    finally:
        tracemalloc.stop()


# -- one thing wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, (5,), (1,)), "needs 5 elements, its storage holds 4"),
        ((4, (1,), (1,)), "at offset 4 needs 5 elements, its storage holds 4"),
        ((0, (2, 2), (2, 2)), "needs 5 elements"),
        ((2**62, (1,), (1,)), "needs 4611686018427387905 elements"),
        ((0, (2, 2), (2**62, 1)), r"needs \d+ elements"),
        ((3, (2,), (-1,)), "must be integers from 0"),
        ((-1, (2,), (1,)), "must be integers from 0"),
        ((0, (-2,), (1,)), "must be integers from 0"),
        ((0, (2**63,), (0,)), "must be integers from 0"),
        ((0.0, (2,), (1,)), "must be integers from 0"),
        ((0, (2.0,), (1,)), "must be integers from 0"),
        ((0, (True,), (1,)), "must be integers from 0"),
        ((0, 2, 1), "must be integers from 0"),
        ((0, (1,) * 65, (1,) * 65), "at most 64 dimensions"),
        ((0, (2, 2), (1,)), "differ in length"),
        ((0, (2**40, 2**40), (0, 0)), "too large"),
        ((0, (0, 2**62), (1, 1)), "too large"),
    ],
)
def test_a_tensor_outside_its_storage(arguments, message):
    for rest in ((False, None), (False, None, {"conj": True})):
        file = archive_of(tensor(storage(), *arguments, *rest), bytes(16))
        with limits(), pytest.raises(pickle.UnpicklingError, match=message):
            penlight.load(file)


def test_a_huge_view_of_little_memory_is_fine():
    pickled = tensor(storage(), 0, (10**6, 10**6), (0, 0), False, None, {"conj": True})
    with limits():
        assert penlight.load(archive_of(pickled, bytes(16))).shape == (10**6, 10**6)


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (tensor(1, 0, (4,), (1,), False, None), "needs a storage, got int"),
        (tensor(storage(), 0, (4,), (1,), 1, None), "requires_grad must be"),
        (tensor(storage(), 0, (4,), (1,), False, None, {"x": 1}), "metadata may hold"),
        (tensor(storage(), 0, (4,), (1,), False, None, [1]), "metadata may hold"),
        (tensor(storage(), 0), "TypeError"),
        (tensor(1, True, None, maker="_rebuild_parameter"), "a Parameter needs a tensor"),
        (START + storage(length=3) + STOP, r"expected 12 bytes \(3 of FloatStorage\), found 16"),
        (START + storage(length=5) + STOP, r"expected 20 bytes \(5 of FloatStorage\), found 16"),
        (START + storage(length=2**60) + STOP, r"expected \d+ bytes"),
        (START + storage(kind=b"ctorch\nIntStorage\n", location="cuda:0") + STOP, "'cuda:0', but"),
        (START + storage(kind=b"ctorch\nBoolStorage\n", length=16) + STOP, "bool must be 0 or 1"),
        (START + b"c__builtin__\nbytearray\n]K\1a\x85R" + STOP, "expected bytes, got list"),
        (b"", "expected 1 more bytes, found 0"),
        (START, "expected 1 more bytes, found 0"),
        (START + STOP, "damaged"),
        (b"\x80\x09N.", "pickle protocol 9 is not known"),
        (START + b"h\5" + STOP, "KeyError"),
        (START + b"]e" + STOP, "damaged"),
        (START + b"]NNs" + STOP, "no dict"),
        (START + b"}]Ns" + STOP, "unhashable"),
        (START + b"}(Nu" + STOP, "damaged"),
        (START + b"X\4\0\0\0\xff\xff\xff\xff" + STOP, "UnicodeDecodeError"),
        (START + b"T\xff\xff\xff\xff" + STOP, "expected -1 more bytes"),
        (START + b"\x8d" + b"\xff" * 8 + STOP, "more bytes, found 1"),
        (START + b"NN\x93" + STOP, "named by two strings"),
        (START + b"c\xff\n\n" + STOP, "UnicodeDecodeError"),
        (START + b"ctorch", "damaged"),
    ],
)
def test_a_damaged_pickle(pickled, message):
    file = archive_of(pickled, b"\0\0\0\2" * 4)
    with limits(), pytest.raises(ERRORS, match=rf"load: .*{message}"):
        penlight.load(file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data_pkl": None}, "record 'data.pkl' is missing; found byteorder, data/0"),
        ({"data_0": None}, "record 'data/0' is missing"),
        ({"version": None}, "record 'version' is missing"),
        ({"version": b"99"}, "expected a version from 1 to 10, found b'99'"),
        ({"version": b"\xb2"}, "expected a version from 1 to 10"),
        ({"byteorder": b"middle"}, "expected byteorder 'little' or 'big', found b'middle'"),
        ({"data_0": bytes(20)}, r"expected 24 bytes \(6 of FloatStorage\), found 20"),
        ({"constants_pkl": b""}, "TorchScript archive"),
    ],
)
def test_a_damaged_archive(changes, message):
    file = changed(saved(penlight.ones(2, 3)), **changes)
    with pytest.raises(RuntimeError, match=f"load: <BytesIO>: .*{message}"):
        penlight.load(file)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found an empty file"),
        (b"hello", "found b'hello'"),
        (pickle.dumps({"a": 1}), r"a pickle, but none that torch\.save wrote"),
        (b"PK\5\6" + bytes(18), "an empty zip archive"),
        (b"PK\3\4", "directory can't be read"),
        (b"\x93NUMPY\1\0", r"numpy\.load"),
        (b"\x89HDF\r\n", "HDF5"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"x" * 257 + b"ustar" + bytes(600), r"tar archive of PyTorch 0\.1"),
        (safetensors.save({"a": penlight.ones(1)}), r"safetensors\.load_file"),
    ],
)
def test_other_kinds_of_files_are_named(tmp_path, data, message):
    (tmp_path / "a.pt").write_bytes(data)
    with pytest.raises(RuntimeError, match=rf"load: .*a\.pt: .*{message}"):
        penlight.load(tmp_path / "a.pt")


def test_text_files_are_refused():
    with pytest.raises(TypeError, match="binary mode"):
        penlight.load(io.StringIO("x"))


def _legacy(obj):
    return saved(obj, _use_new_zipfile_serialization=False).getvalue()


@pytest.mark.parametrize("keep", [1, 20, 60, 200, -1, -23, -24, -25, -60])
def test_a_truncated_legacy_file(keep):
    with pytest.raises(ERRORS, match="load: <BytesIO>: "):
        penlight.load(io.BytesIO(_legacy(penlight.ones(2, 3))[:keep]))


def test_a_legacy_file_that_contradicts_itself():
    data = _legacy(penlight.ones(2, 3))
    with pytest.raises(pickle.UnpicklingError, match="expected 6 elements, found 7"):
        penlight.load(io.BytesIO(data[:-32] + b"\7" + data[-31:]))
    with pytest.raises(RuntimeError, match="expected format version 1001, found 1002"):
        penlight.load(io.BytesIO(data.replace(b"M\xe9\x03.", b"M\xea\x03.")))
    more = storage(length=2**40)[:-2] + b"Nt" + pickle.BINPERSID
    head = data[: data.index(b"ctorch._utils") - 2]
    with limits(), pytest.raises(pickle.UnpicklingError, match=r"claim \d+ bytes, the file has"):
        penlight.load(io.BytesIO(head + START + more + STOP))
    keys = pickle.dumps(["0"], 2)
    for wrong in (["0", "0"], [], ["1"], [0], [[]], "0"):
        with pytest.raises(pickle.UnpicklingError, match="keys does not match"):
            penlight.load(io.BytesIO(data.replace(keys, pickle.dumps(wrong, 2))))


# -- bombs: small files that would become large, or take for ever ----------------------------------

ENCODE, SET = b"c_codecs\nencode\n", b"c__builtin__\nset\n"
N = 20_000
BOMBS = {
    "key that doubles": b"}(" + b")" + b"2\x86" * 64 + b"Nu",
    "deep key": b"}(" + b")" + b"\x85" * N + b"Nu",
    "deep frozenset": b"((" + b")" + b"\x85" * N + b"\x91t",
    "marks": b"(" * N,
    "bytes again and again": (
        ENCODE + b"q\0" + text("x" * N) + text("latin1") + b"\x86q\1(" + b"h\0h\1R" * N + b"l"
    ),
    "sets again and again": (
        SET + b"q\0(" + b"K\1" * N + b"l\x85q\1(" + b"h\0h\1R" * N + b"l"
    ),
    "many zeros": b"c__builtin__\nbytearray\n" + pushing((2**31 - 1,)) + b"R",
    "many zeros, frozen": b"c__builtin__\nbytes\n" + pushing((2**31 - 1,)) + b"R",
    "counted from one": b"ccollections\nCounter\n" + pushing((10**9,)) + b"R",
    "another codec": ENCODE + pushing(("x", "zlib_codec")) + b"R",
    "size of anything": b"ctorch\nSize\n" + pushing((("x",),)) + b"R",
    "complex of text": b"c__builtin__\ncomplex\n" + pushing(("1", 2)) + b"R",
    "device of anything": b"ctorch\ndevice\n" + pushing((1, 2)) + b"R",
    "pairs of nothing": b"ccollections\nOrderedDict\n" + pushing(([1],)) + b"R",
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bombs(bomb):
    with limits(10), pytest.raises(pickle.UnpicklingError):
        penlight.load(archive_of(START + bomb + STOP))


def test_deep_nesting_is_no_bomb():
    nest = penlight.load(archive_of(START + b")" + b"\x85" * N + STOP))
    assert len(nest) == 1
    del nest


# -- fuzzing ---------------------------------------------------------------------------------------


def _everything():
    t = penlight.tensor([[0.0, 1, 2], [3, 4, 5]])
    values = [1, 2.5, None, "ü", b"ab", b"", {1, 2}, 1j, 1 << 70, (1, (2, 3)), Counter("aab")]
    more = [bytearray(b"xy"), frozenset([3]), penlight.Size([1]), penlight.float32]
    return {
        "t": t, "row": t[0], "p": nn.Parameter(t), "b": nn.Buffer(t), "v": values, "m": more,
        "state": nn.Linear(2, 3).state_dict(), "bool": penlight.tensor([True, False]),
    }  # fmt: skip


ARCHIVE = saved(_everything()).getvalue()
LEGACY = _legacy(_everything())
RECORDS = [records(saved(_everything(), pickle_protocol=n)) for n in (2, 4)]
TENSORS = safetensors.save(
    {"a": penlight.ones(2, 3), "b": penlight.tensor([True, False]), "c": penlight.zeros(0)},
    {"m": "x"},
)
OPCODES = sorted(v for n, v in vars(pickle).items() if n.isupper() and type(v) is bytes)

places = st.floats(0, 1, exclude_max=True)
edits = st.tuples(
    places, st.binary(min_size=1, max_size=9) | st.sampled_from(OPCODES), st.booleans()
)
deletions = st.tuples(places, st.integers(1, 60), st.just(False))
copies = st.tuples(places, places, st.booleans())
mutations = st.lists(edits | deletions | copies, min_size=1, max_size=6)


def mutated(data: bytes, changes) -> bytes:
    for place, change, inserted in changes:
        at = int(place * len(data))
        if isinstance(change, int):
            data = data[:at] + data[at + change :]
            continue
        if isinstance(change, float):
            start = int(change * len(data))
            change = data[start : start + 20]
        data = data[:at] + change + data[at + (0 if inserted else len(change)) :]
    return data


def _loads_or_says_why(load, *arguments):
    with limits():
        try:
            load(*arguments)
        except ERRORS as error:
            assert str(error)  # noqa: PT017 -- either outcome is right


@given(mutations)
def test_mutated_archives(changes):
    _loads_or_says_why(penlight.load, io.BytesIO(mutated(ARCHIVE, changes)))


@given(
    mutations, st.integers(0, 1), st.sampled_from(["data.pkl", "byteorder", "version", "data/1"])
)
def test_mutated_records(changes, protocol, name):
    """Damage with the right checksum."""
    content = {**RECORDS[protocol]}
    content[name] = mutated(content[name], changes)
    file = io.BytesIO()
    write_archive(file, content.items())
    file.seek(0)
    _loads_or_says_why(penlight.load, file)


@given(mutations)
def test_mutated_pickles(changes):
    content = {**RECORDS[0], "data.pkl": mutated(RECORDS[0]["data.pkl"], changes)}
    file = io.BytesIO()
    write_archive(file, content.items())
    file.seek(0)
    _loads_or_says_why(penlight.load, file)


@given(mutations)
def test_mutated_mapped_files(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "mutated.pt"
    path.write_bytes(mutated(ARCHIVE, changes))

    def load_and_use(path):
        content = penlight.load(path, mmap=True)
        if isinstance(content, dict) and isinstance(content.get("t"), penlight.Tensor):
            content["t"].sum()

    _loads_or_says_why(load_and_use, path)


@given(mutations)
def test_mutated_legacy_files(changes):
    _loads_or_says_why(penlight.load, io.BytesIO(mutated(LEGACY, changes)))


@given(st.lists(st.sampled_from(OPCODES) | st.binary(max_size=3), max_size=30))
def test_instructions_at_random(instructions):
    _loads_or_says_why(penlight.load, archive_of(START + b"".join(instructions) + STOP))


@given(mutations)
def test_mutated_safetensors(changes):
    _loads_or_says_why(safetensors.load, mutated(TENSORS, changes))


@given(mutations)
def test_mutated_safetensors_headers(changes):
    length = int.from_bytes(TENSORS[:8], "little")
    header = mutated(TENSORS[8 : 8 + length], changes)
    data = len(header).to_bytes(8, "little") + header + TENSORS[8 + length :]
    _loads_or_says_why(safetensors.load, data)
