"""The zip archive: its layout, 64-bit sizes, and that a file is replaced whole or not at all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import penlight
from penlight.serialization import archive as module
from penlight.serialization.archive import Archive, write_archive
from tests.serialization.files import archive, records, saved


def _data_offset(file: io.BytesIO, entry: zipfile.ZipInfo) -> int:
    header = file.getvalue()[entry.header_offset :]
    return (
        entry.header_offset
        + 30
        + int.from_bytes(header[26:28], "little")
        + int.from_bytes(header[28:30], "little")
    )


def test_layout():
    file = saved({"a": penlight.ones(3), "b": penlight.zeros(1, dtype=penlight.bool)})
    with zipfile.ZipFile(file) as reader:
        assert reader.testzip() is None
        entries = reader.infolist()
    assert [entry.filename for entry in entries] == [
        "archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/data/1",
        "archive/version", "archive/.data/serialization_id",
    ]  # fmt: skip
    for entry in entries:
        assert entry.compress_type == zipfile.ZIP_STORED
        assert _data_offset(file, entry) % 64 == 0
        assert entry.external_attr >> 16 == 0o100644  # unpacked, they can be read
    content = records(file)
    assert content["byteorder"] == sys.byteorder.encode()
    assert content["version"] == b"3\n"
    assert content["data/0"] == np.ones(3, np.float32).tobytes()
    assert content["data/1"] == b"\0"
    assert content[".data/serialization_id"].isdigit()
    assert len(content[".data/serialization_id"]) == 40


@pytest.mark.parametrize("limit", [0, 5, 300, 500, 1000])
def test_64_bit_fields(monkeypatch, limit):
    monkeypatch.setattr(module, "WIDE", limit)
    content = [("a", b"12345"), ("empty", b""), ("b", bytes(300)), ("c", b"6")]
    file = io.BytesIO()
    write_archive(file, content)
    with zipfile.ZipFile(file) as reader:
        assert reader.testzip() is None
        assert [(n, reader.read(f"archive/{n}")) for n, _ in content] == content
        assert all(_data_offset(file, entry) % 64 == 0 for entry in reader.infolist())
    file.seek(0)
    reader = Archive(file, "wide")
    assert [(name, reader.read(name).tobytes()) for name, _ in content] == content


def test_a_great_many_records():
    file = io.BytesIO()
    write_archive(file, ((str(i), b"") for i in range(0xFFFF + 3)))
    with zipfile.ZipFile(file) as reader:
        assert len(reader.namelist()) == 0xFFFF + 4  # the serialization_id too
    file.seek(0)
    assert "65537" in Archive(file, "many")


# -- damage ----------------------------------------------------------------------------------------


def _load(data):
    return penlight.load(io.BytesIO(data))


def test_a_changed_byte_is_found():
    data = saved({"a": penlight.ones(100)}).getvalue()
    at = data.index(np.ones(100, np.float32).tobytes())
    with pytest.raises(
        RuntimeError, match=r"'data/0' is damaged: expected checksum 0x\w+, found 0x"
    ):
        _load(data[:at] + b"\1" + data[at + 1 :])
    at = data.index(b"_rebuild_tensor_v2")
    with pytest.raises(RuntimeError, match=r"<BytesIO>: record 'data\.pkl' is damaged"):
        _load(data[:at] + b"X" + data[at + 1 :])


def test_checksums_may_be_left_out():
    """PyTorch writes zeros for them if told to."""
    file = saved(penlight.ones(2))
    data = bytearray(file.getvalue())
    with zipfile.ZipFile(file) as reader:
        for entry in reader.infolist():
            for at in _positions(data, entry.CRC.to_bytes(4, "little")):
                data[at : at + 4] = bytes(4)
    assert _load(data).tolist() == [1, 1]


def _positions(data, piece):
    at = data.find(piece)
    while at >= 0:
        yield at
        at = data.find(piece, at + 1)


@pytest.mark.parametrize("keep", [0, 1, 3, 4, 30, 200, 600, -1, -22, -100])
def test_a_truncated_file(keep):
    data = saved({"a": penlight.ones(30)}).getvalue()
    with pytest.raises(RuntimeError, match=r"load: <BytesIO>: "):
        _load(data[:keep])


def test_a_truncated_file_names_itself(tmp_path):
    penlight.save(penlight.ones(30), tmp_path / "a.pt")
    (tmp_path / "a.pt").write_bytes((tmp_path / "a.pt").read_bytes()[:500])
    for mapped in (False, True):
        with pytest.raises(RuntimeError, match=r"load: .*a\.pt: the zip archive's directory"):
            penlight.load(tmp_path / "a.pt", mmap=mapped)


def test_compressed_records_are_refused():
    """A zip bomb is small because it is compressed."""
    bomb = archive([("data.pkl", bytes(10**6)), ("version", b"3")], zipfile.ZIP_DEFLATED)
    with pytest.raises(RuntimeError, match=r"its records claim 1\d+ bytes, more than the file's"):
        penlight.load(bomb)
    squeezed = archive([("data.pkl", bytes(200)), ("version", b"3")], zipfile.ZIP_DEFLATED)
    with pytest.raises(RuntimeError, match=r"'data\.pkl' is compressed or encrypted"):
        penlight.load(squeezed)


def test_the_method_of_a_record_is_checked():
    """Stored bytes that claim to be compressed."""
    data = bytearray(saved(penlight.ones(2)).getvalue())
    data[next(_positions(data, b"PK\1\2")) + 10] = zipfile.ZIP_DEFLATED
    with pytest.raises(RuntimeError, match=r"'data\.pkl' is compressed or encrypted"):
        _load(data)


def test_the_header_of_a_record_is_checked():
    data = bytearray(saved(penlight.ones(2)).getvalue())
    at = list(_positions(data, b"PK\3\4"))[2]
    data[at] = 0
    with pytest.raises(RuntimeError, match=rf"'data/0': expected a header at byte {at}, found b'"):
        _load(data)


def test_a_file_object_is_read_to_its_end():
    file = saved(1)
    assert penlight.load(file) == 1
    with pytest.raises(RuntimeError, match=r"found the end of the file \(byte \d+\); f\.seek\(0\)"):
        penlight.load(file)


def test_overlapping_records_are_refused():
    """Many entries that all claim the same bytes."""
    data = bytearray(archive([("data.pkl", bytes(10_000)), ("b", b"1"), ("c", b"2")]).getvalue())
    first, *others = _positions(data, b"PK\1\2")
    for entry in others:
        data[entry + 16 : entry + 28] = data[first + 16 : first + 28]  # checksum and sizes
        data[entry + 42 : entry + 46] = data[first + 42 : first + 46]  # where it begins
    with pytest.raises(RuntimeError, match=r"its records claim 30000 bytes, more than the file's"):
        _load(data)


def test_an_archive_elsewhere_in_the_file():
    file = io.BytesIO(b"before" + saved(1).getvalue())
    with pytest.raises(RuntimeError, match=r"found b'before"):
        penlight.load(file)
    file.seek(6)
    assert penlight.load(file) == 1
    two = io.BytesIO(saved([1] * 50).getvalue() + saved(2).getvalue())
    with pytest.raises(
        RuntimeError, match=r"is read from byte 0, but the zip archive in it begins at"
    ):
        penlight.load(two)
    two.seek(0, 2)
    with pytest.raises(RuntimeError, match=r"found the end of the file .*f\.seek\(0\) first\?"):
        penlight.load(two)


# -- a full disk -----------------------------------------------------------------------------------

_FULL = """
import resource, signal, sys
import penlight
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # the largest file that may be written
big = {"a": penlight.ones(10_000)}
try:
    if sys.argv[2] == "pt":
        penlight.save(big, sys.argv[1])
    else:
        penlight.serialization.safetensors.save_file(big, sys.argv[1])
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_full_disk_leaves_the_old_file(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(b"old")
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FULL, str(path), kind],
        capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert (
        f"cannot write {path}: File too large; the file that was there is unchanged"
        in result.stdout
    )
    assert not result.stderr
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


class _Full(io.BytesIO):
    def write(self, data):
        if self.tell() + len(data) > 500:
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_full_disk_behind_a_file_object():
    with pytest.raises(OSError, match="No space left"):
        penlight.save(penlight.ones(1000), _Full())
