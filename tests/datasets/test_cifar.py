"""CIFAR-10's pickles: read from a folder or an archive, and never obeyed."""

from __future__ import annotations

import gzip
import os
import pickle
import tarfile

import numpy as np
import pytest

from penlight.datasets import CIFAR10, DataFileError, DataNotFoundError
from penlight.datasets.cifar_pickles import unpickle

from .synthetic import archive_bytes, cifar_contents, write_batches


def plain(content: bytes) -> dict:
    """The batch as Python's own pickle reads it."""
    value = pickle.loads(content, encoding="bytes")
    return {k.decode() if isinstance(k, bytes) else k: v for k, v in value.items()}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("text_keys", [False, True])
def test_unpickles_as_pickle_does(protocol, text_keys):
    for content in cifar_contents(3, protocol, text_keys).values():
        found, expected = unpickle(content, "a"), plain(content)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            if key == "label_names":
                value = list(CIFAR10.classes)
            np.testing.assert_array_equal(found[key], value)


def test_unpickles_what_python_2_wrote():
    """Protocol 2 of Python 2: str for bytes, and NumPy's old module."""
    content = (
        b"\x80\x02}q\x00(U\x04dataq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02"
        b"cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87Rq\x04(K\x01K\x01K\x03\x86"
        b"cnumpy\ndtype\nq\x05U\x02u1K\x00K\x01\x87Rq\x06"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x03\x01\xc8\xfftb"
        b"U\x06labelsq\x07]q\x08K\x05au."
    )
    batch = unpickle(content, "a")
    np.testing.assert_array_equal(batch["data"], [[1, 200, 255]])
    assert batch["labels"] == [5]


def test_fortran_order(tmp_path):
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    content = pickle.dumps({b"data": np.asfortranarray(array)}, 2)
    np.testing.assert_array_equal(unpickle(content, "a")["data"], array)


class Attack:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


WRITE = "open('hacked', 'w').close()"
ATTACKS = {
    "system": {b"labels": Attack(os.system, "touch hacked")},
    "exec": {b"labels": Attack(exec, WRITE)},
    "eval": {b"data": Attack(eval, WRITE), b"labels": []},
    "numpy": {b"data": Attack(np.memmap, "hacked", "u1", "w+", 0, (3,))},
    "no dict": Attack(exec, WRITE),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("value", ATTACKS.values(), ids=ATTACKS.keys())
def test_attacks_raise_and_run_nothing(tmp_path, monkeypatch, value, protocol):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps(value, protocol)
    with pytest.raises(DataFileError, match=r"data_batch_1: expected a pickle of numbers.*was run"):
        unpickle(content, "data_batch_1")
    assert list(tmp_path.iterdir()) == []
    pickle.loads(content)
    assert (tmp_path / "hacked").exists(), "this was no attack"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros(3, np.float32), "an array of 'f4', not of bytes"),
        (np.array([os]*0, object), "an array of 'O8', not of bytes"),
        (Attack(__import__("codecs").encode, "a", "rot13"), "the encoding 'rot13'"),
        (Attack(np.dtype, "u1"), None),
    ],
    ids=["floats", "objects", "codec", "dtype"],
)  # fmt: skip
def test_allowed_names_do_only_what_batches_need(value, message):
    content = pickle.dumps({b"data": value}, 2)
    if message is None:
        assert not isinstance(unpickle(content, "a")["data"], np.dtype)
        return
    with pytest.raises(DataFileError, match=message):
        unpickle(content, "a")


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", pickle.dumps([1, 2]), cifar_contents()["test_batch"][:5000], b"\x80\x02cnumpy\n",
     b"\x80\x02cnumpy\nndarray\n)R(K\x01tb."],
    ids=["empty", "garbage", "list", "cut off", "half a name", "odd state"],
)  # fmt: skip
def test_broken_pickles_name_the_file(content):
    with pytest.raises(DataFileError, match="test_batch: expected a pickle"):
        unpickle(content, "test_batch")


@pytest.fixture(params=["folder", "inner folder", "archive", "subset archive"])
def root(request, machine):
    contents = cifar_contents(4)
    if request.param.endswith("folder"):
        folder = write_batches(machine / "data", contents)
        return folder / "cifar-10-batches-py" if request.param == "inner folder" else folder
    (machine / "data").mkdir()
    name = (
        "cifar-10-python.tar.gz" if request.param == "archive" else "cifar-10-subset-python.tar.gz"
    )
    (machine / "data" / name).write_bytes(archive_bytes(contents))
    return machine / "data"


def test_reads_folders_and_archives(root):
    batches = [plain(content) for name, content in sorted(cifar_contents(4).items())]
    batches = [batch for batch in batches if "data" in batch]  # 1 to 5, test
    for train, parts in ((True, batches[:5]), (False, batches[5:])):
        dataset = CIFAR10(root, train=train)
        rows = np.concatenate([batch["data"] for batch in parts])
        assert dataset.data.shape == (len(rows), 32, 32, 3)
        assert dataset.data.dtype == np.uint8
        for image, row in zip(dataset.data, rows, strict=True):
            np.testing.assert_array_equal(image[..., 2].ravel(), row[2048:])  # blue
            np.testing.assert_array_equal(image[1, 2], row[[34, 1024 + 34, 2048 + 34]])
        assert dataset.targets == [label for batch in parts for label in batch["labels"]]
        assert (dataset.source.train, dataset.source.test) == (20, 4)
    assert dataset.classes[3] == "cat"
    assert dataset.class_to_idx["truck"] == 9


def change(contents, name, **items):
    batch = plain(contents[name])
    batch.update(items)
    return {**contents, name: pickle.dumps(batch, 2)}


BROKEN = {
    "no data": (lambda c: change(c, "data_batch_3", data=None), "expected 4 images of 3x32x32"),
    "odd width": (
        lambda c: change(c, "data_batch_3", data=np.zeros((4, 3071), np.uint8)),
        r"as batches.meta says, found data of shape \(4, 3071\)",
    ),
    "fewer images": (
        lambda c: change(c, "data_batch_3", data=np.zeros((3, 3072), np.uint8), labels=[0] * 3),
        r"found data of shape \(3, 3072\)",
    ),
    "fewer labels": (lambda c: change(c, "data_batch_3", labels=[0] * 3), "expected 4 labels.*found 3"),
    "labels of text": (lambda c: change(c, "data_batch_3", labels=["0"] * 4), "expected a list of labels"),
    "labels too high": (lambda c: change(c, "data_batch_3", labels=[0, 0, 12, 0]), "found 12 at position 2"),
    "cut off": (lambda c: {**c, "data_batch_3": c["data_batch_3"][:7000]}, "found a broken one"),
    "empty": (lambda c: {**c, "data_batch_3": b""}, "found a broken one"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_batches(machine, spoil, message):
    root = write_batches(machine / "data", spoil(cifar_contents(4)))
    with pytest.raises(DataFileError, match=rf"data_batch_3: .*{message}.*; delete the file, then"):
        CIFAR10(root)
    assert len(CIFAR10(root, train=False)) == 4


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({"num_cases_per_batch": None}, "expected num_cases_per_batch, a number, found None"),
        ({"label_names": ["cat", "dog"]}, "expected label_names .*found .*'cat', 'dog'"),
    ],
)
def test_broken_meta(machine, items, message):
    root = write_batches(machine / "data", change(cifar_contents(4), "batches.meta", **items))
    with pytest.raises(DataFileError, match=rf"batches.meta: {message}"):
        CIFAR10(root)


def test_a_full_batch_must_be_the_published_one(machine):
    contents = cifar_contents(1)
    contents = change(contents, "batches.meta", num_cases_per_batch=10_000)
    contents = change(
        contents, "test_batch", data=np.zeros((10_000, 3072), np.uint8), labels=[0] * 10_000
    )
    root = write_batches(machine / "data", contents)
    with pytest.raises(DataFileError, match="test_batch: expected the published file"):
        CIFAR10(root, train=False)


def _archive(machine, content):
    (machine / "data").mkdir()
    (machine / "data/cifar-10-python.tar.gz").write_bytes(content)
    return machine / "data"


@pytest.mark.parametrize("part", [0.3, 0.9, 1])
def test_truncated_archives(machine, part):
    content = archive_bytes(cifar_contents(4))
    root = _archive(machine, content[: int(len(content) * part) - 5])
    with pytest.raises(DataFileError, match=r"cifar-10-python\.tar\.gz: expected "):
        CIFAR10(root)


# the names stand here because gzip writes the time of day into its header
@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", gzip.compress(b"no archive" * 100)],
    ids=["empty", "garbage", "gzip of no archive"],
)
def test_files_that_are_no_archive(machine, content):
    with pytest.raises(DataFileError, match=r"cifar-10-python\.tar\.gz: expected"):
        CIFAR10(_archive(machine, content))


def test_a_flipped_bit_in_an_archive_is_noticed(machine):
    content = bytearray(archive_bytes(cifar_contents(4)))
    content[len(content) // 2] ^= 1
    with pytest.raises(DataFileError, match=r"cifar-10-python\.tar\.gz"):
        CIFAR10(_archive(machine, content))


def test_an_archive_that_lacks_a_batch(machine):
    contents = cifar_contents(4)
    del contents["data_batch_2"]
    with pytest.raises(DataFileError, match="expected data_batch_2 in it, found no such file"):
        CIFAR10(_archive(machine, archive_bytes(contents)))


def test_an_archive_is_never_unpacked_to_disk(machine):
    """Names that climb out of the folder are just names."""
    import io

    contents = cifar_contents(4)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"../../escaped/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    root = _archive(machine, buffer.getvalue())
    before = sorted(machine.rglob("*"))
    assert len(CIFAR10(root)) == 20
    assert sorted(machine.rglob("*")) == before


def test_an_incomplete_folder_says_what_is_there(machine):
    contents = cifar_contents(4)
    del contents["data_batch_2"]
    root = write_batches(machine / "data", contents)
    with pytest.raises(DataNotFoundError, match=r"found only data_batch_1, data_batch_3, "):
        CIFAR10(root)
