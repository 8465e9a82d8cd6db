"""IDX files: what is read, and every way to be broken."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import struct
import tracemalloc

import numpy as np
import pytest

from penlight.datasets import DataFileError, FashionMNIST
from penlight.datasets.idx import idx_bytes, read_idx, read_idx_shape

from .synthetic import IDX_NAMES, images_and_labels, write_idx

IMAGES, _ = images_and_labels(7)
CONTENT = idx_bytes(IMAGES)  # 16 + 7 * 784 = 5504 bytes


def test_bytes_are_those_of_the_format():
    assert idx_bytes(np.array([[1, 2, 3]], np.uint8)) == (
        b"\x00\x00\x08\x02" + struct.pack(">II", 1, 3) + b"\x01\x02\x03"
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_reads_what_was_written_whatever_its_name(tmp_path, pack, name):
    path = tmp_path / name
    path.write_bytes(pack(CONTENT))
    idx = read_idx(path, (28, 28))
    np.testing.assert_array_equal(idx.array, IMAGES)
    assert idx.array.dtype == np.uint8
    assert idx.array.flags.writeable
    assert idx.md5 == hashlib.md5(CONTENT).hexdigest()
    assert read_idx_shape(path, (28, 28)) == (7, 28, 28)


def test_no_images_are_fine(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(idx_bytes(np.empty((0, 28, 28), np.uint8)))
    assert read_idx(path, (28, 28)).array.shape == (0, 28, 28)


BROKEN = {
    "cut off": (CONTENT[:3000], r"expected 7 images of 28x28 \(5504 bytes\), found 3000 bytes"),
    "one byte less": (CONTENT[:-1], "found 5503 bytes"),
    "one byte more": (CONTENT + b"x", "found more than 5504 bytes"),
    "header only": (CONTENT[:16], "found 16 bytes"),
    "half a header": (CONTENT[:9], "expected an IDX header of 16 bytes, found 9 bytes"),
    "empty": (b"", "found an empty file"),
    "garbage": (
        b"<html>not here</html>",
        r"starts with bytes 00 00 08 03, found bytes 3c 68 74 6d",
    ),
    "labels": (
        idx_bytes(np.zeros(7, np.uint8)),
        "expected an IDX file of images.*00 00 08 03, found bytes 00 00 08 01",
    ),
    "floats": (b"\x00\x00\x0d\x03" + CONTENT[4:], "found bytes 00 00 0d 03"),
    "other dimensions": (
        idx_bytes(np.zeros((7, 14, 56), np.uint8)),
        "expected images of 28x28, found arrays of 14x56",
    ),
    "far too many": (
        CONTENT[:4] + b"\xff" * 4 + CONTENT[8:],
        r"expected 4294967295 images of 28x28 \(3367254359296 bytes\), found 5504 bytes",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_a_broken_file_says_what_is_wrong(tmp_path, content, message, pack):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(pack(content))
    with pytest.raises(DataFileError, match=rf"train-images-idx3-ubyte: .*{message}"):
        read_idx(path, (28, 28))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
@pytest.mark.parametrize("left", [6, 20, 2000, -1])
def test_a_truncated_stream_says_how_much_it_gave(tmp_path, pack, left):
    path = tmp_path / "a.gz"
    path.write_bytes(pack(CONTENT)[:left])
    with pytest.raises(DataFileError, match=r"a\.gz: expected .*, found .*\(.*end"):
        read_idx(path, (28, 28))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
def test_a_flipped_byte_in_a_stream_is_noticed(tmp_path, pack):
    """Wherever it is: it breaks the stream, or the checksum."""
    images = IMAGES % 5  # which can be compressed, so that there are codes to break
    good = pack(idx_bytes(images))
    path = tmp_path / "a.gz"
    for position in range(10, len(good), 41):  # before that gzip has a time, and the system's name
        content = bytearray(good)
        content[position] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(DataFileError, match=r"a\.gz: expected"):
            read_idx(path, (28, 28))


def test_a_stream_that_never_ends_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "bomb.xz"
    path.write_bytes(lzma.compress(CONTENT + bytes(100_000_000), preset=0))
    tracemalloc.start()
    try:
        with pytest.raises(DataFileError, match="found more than 5504 bytes"):
            read_idx(path, (28, 28))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_python_without_lzma_says_so(tmp_path, monkeypatch):
    path = tmp_path / "a.xz"
    path.write_bytes(lzma.compress(CONTENT))
    monkeypatch.setitem(__import__("sys").modules, "lzma", None)
    with pytest.raises(DataFileError, match=r"a\.xz: this Python can't read \.xz"):
        read_idx(path, (28, 28))


def test_a_missing_file_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "a", (28, 28))


# what the dataset adds: checks of one file against another, and what to do


def test_label_count_must_match(machine):
    root = write_idx(machine / "FashionMNIST/raw").parents[1]
    labels = root / "FashionMNIST/raw/train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx_bytes(np.zeros(29, np.uint8))))
    message = (
        r"train-labels-idx1-ubyte\.gz: expected 30 labels, one for each image in "
        r"train-images-idx3-ubyte\.gz, found 29; delete the file, then run "
        r"'penlight data get fashion-mnist' or pass download=True"
    )
    with pytest.raises(DataFileError, match=message):
        FashionMNIST(root)


def test_labels_must_name_classes(machine):
    root = write_idx(machine / "raw").parent
    labels = np.zeros(30, np.uint8)
    labels[17] = 10
    (root / "raw/train-labels-idx1-ubyte.gz").write_bytes(idx_bytes(labels))
    with pytest.raises(DataFileError, match="expected labels from 0 to 9, found 10 at position 17"):
        FashionMNIST(root / "raw")


@pytest.mark.parametrize("name", IDX_NAMES)
def test_any_broken_file_names_itself_and_a_remedy(machine, name):
    folder = write_idx(machine / "data")
    content = (folder / f"{name}.gz").read_bytes()
    (folder / f"{name}.gz").write_bytes(content[: len(content) // 2])
    train = name.startswith("train")
    with pytest.raises(DataFileError, match=rf"{name}\.gz: expected .*; delete the file, then run"):
        FashionMNIST(folder, train=train)


def test_the_files_of_another_dataset_are_refused(machine, monkeypatch):
    from penlight.datasets import MNIST, checksums

    folder = write_idx(machine / "data")
    labels = hashlib.md5(gzip.decompress((folder / f"{IDX_NAMES[3]}.gz").read_bytes())).hexdigest()
    monkeypatch.setitem(checksums.CONTENT, "fashion-mnist", {IDX_NAMES[3]: labels})
    with pytest.raises(DataFileError, match="expected MNIST, found a file of fashion-mnist"):
        MNIST(folder)


def test_as_many_images_as_published_must_be_the_published_ones(machine):
    folder = write_idx(machine / "data", test=0)
    labels = np.zeros(10_000, np.uint8)
    (folder / f"{IDX_NAMES[2]}.gz").write_bytes(idx_bytes(np.zeros((10_000, 28, 28), np.uint8)))
    (folder / f"{IDX_NAMES[3]}.gz").write_bytes(idx_bytes(labels))
    with pytest.raises(DataFileError, match=r"expected the published file \(MD5 15d48"):
        FashionMNIST(folder, train=False)
