"""``penlight data list | get | verify``, without the command line."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from penlight.datasets import (
    DataFileError,
    DataNotFoundError,
    DownloadError,
    UnknownDatasetError,
    get_dataset,
    list_datasets,
    locate,
    verify_dataset,
)
from penlight.datasets.idx import idx_bytes

from .conftest import publish, set_mirrors
from .synthetic import (
    IDX_NAMES,
    archive_bytes,
    cifar_contents,
    idx_contents,
    write_batches,
    write_idx,
)


@pytest.fixture
def mirror(monkeypatch, server):
    """A mirror of a small MNIST."""
    contents = idx_contents(seed=5)
    server.pages = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    publish(monkeypatch, "mnist", contents, server.pages)
    set_mirrors(monkeypatch, "mnist", (server.url,))
    return server


def test_list_says_what_is_here(machine):
    write_idx(machine / "system/mnist")
    mnist, fashion, cifar = list_datasets()
    assert (mnist.name, mnist.title, mnist.images) == ("mnist", "MNIST", (60_000, 10_000))
    assert mnist.source is not None
    assert (mnist.source.kind, mnist.source.train, mnist.problem) == ("system", 30, None)
    assert fashion.source is not None
    assert (fashion.source.kind, fashion.licence) == ("sample", "MIT, Zalando SE")
    assert (cifar.source, cifar.problem, cifar.download_size) == (None, None, 170_498_071)


def test_list_reports_problems_and_goes_on(machine):
    write_idx(machine / "data/mnist")
    (machine / "data/mnist" / f"{IDX_NAMES[0]}.gz").write_bytes(b"")
    write_batches(machine / "data", cifar_contents(4))
    mnist, fashion, cifar = list_datasets(machine / "data")
    assert mnist.source is None
    assert "an empty file" in mnist.problem
    assert "data_dir: expected train-images" in fashion.problem
    assert cifar.source.train == 20


def test_get_fetches_what_is_missing(machine, mirror):
    seen = []
    source = get_dataset("mnist", progress=lambda *args: seen.append(args))
    assert (source.kind, source.path) == ("cache", machine / "home/.cache/penlight/mnist")
    assert (source.train, source.test) == (30, 20)
    assert {name for name, _, _ in seen} == set(mirror.pages)
    source.files[IDX_NAMES[1]].unlink()
    mirror.requests.clear()
    get_dataset("mnist")
    assert mirror.requests == [(f"{IDX_NAMES[1]}.gz", None)]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_get_repairs_what_is_broken_and_keeps_the_rest(machine, mirror, suffix):
    folder = write_idx(machine / "data/MNIST/raw", suffix=suffix, seed=5)
    broken = folder / (IDX_NAMES[2] + suffix)
    broken.write_bytes(broken.read_bytes()[:-9])
    assert not verify_dataset("mnist", machine / "data").ok
    source = get_dataset("mnist", machine / "data")
    assert source.path == folder
    assert mirror.requests == [(f"{IDX_NAMES[2]}.gz", None)]
    assert len(list(folder.iterdir())) == 4
    verified = verify_dataset("mnist", machine / "data")
    assert verified.ok
    assert verified.published


def test_get_leaves_alone_what_is_published(machine, mirror):
    write_idx(machine / "system/mnist", seed=5)
    assert get_dataset("mnist").kind == "system"
    assert mirror.requests == []
    assert get_dataset("mnist", machine / "data").path == machine / "data/mnist"


def test_get_replaces_a_part_by_the_whole(machine, monkeypatch, server):
    folder = machine / "data/cifar10-subset"
    folder.mkdir(parents=True)
    (folder / "cifar-10-subset-python.tar.gz").write_bytes(archive_bytes(cifar_contents(2)))
    contents = cifar_contents(4)
    server.pages = {"cifar-10-python.tar.gz": archive_bytes(contents)}
    publish(monkeypatch, "cifar10", contents, server.pages)
    set_mirrors(monkeypatch, "cifar10", (server.url,))
    assert locate("cifar10", machine / "data").train == 10
    assert get_dataset("cifar10", machine / "data").train == 20
    assert locate("cifar10", machine / "data").train == 20
    get_dataset("cifar10", machine / "data")
    assert len(server.requests) == 1
    assert verify_dataset("cifar10", machine / "data").published


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_get_never_replaces_data_of_the_users(machine, mirror, suffix):
    folder = write_idx(machine / "data/mnist", suffix=suffix, seed=9)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(
        DataFileError, match=rf"{IDX_NAMES[0]}{suffix}: .*other data.*left as it is"
    ):
        get_dataset("mnist", machine / "data")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_get_never_replaces_batches_of_the_users(machine):
    write_batches(machine / "data", cifar_contents(4))
    with pytest.raises(DataFileError, match=r"batches\.meta: .*other data.*left as it is"):
        get_dataset("cifar10", machine / "data")


def test_get_unpacks_an_archive_that_is_there(machine, monkeypatch, server):
    contents = cifar_contents(4)
    publish(monkeypatch, "cifar10", contents, {"cifar-10-python.tar.gz": b"another compression"})
    archive = machine / "cifar-10-python.tar.gz"
    archive.write_bytes(archive_bytes(contents))
    source = get_dataset("cifar10", machine)
    assert source.path == machine / "cifar-10-batches-py"
    assert server.requests == []
    assert archive.exists()


def test_get_replaces_a_broken_archive(machine, monkeypatch, server):
    contents = cifar_contents(4)
    server.pages = {"cifar-10-python.tar.gz": archive_bytes(contents)}
    publish(monkeypatch, "cifar10", contents, server.pages)
    set_mirrors(monkeypatch, "cifar10", (server.url,))
    (machine / "cifar-10-python.tar.gz").write_bytes(b"half")
    assert get_dataset("cifar10", machine).train == 20
    assert len(server.requests) == 1


def test_get_without_network_is_an_error(machine, monkeypatch):
    set_mirrors(monkeypatch, "fashion-mnist", ("http://127.0.0.1:9/",))
    with pytest.raises(
        DownloadError, match=r"train-images-idx3-ubyte\.gz: no mirror gave the file"
    ):
        get_dataset("fashion-mnist")
    with pytest.raises(UnknownDatasetError):
        get_dataset("imagenet")


def test_verify_reports_each_file(machine):
    folder = write_idx(machine / "data")
    (folder / f"{IDX_NAMES[0]}.gz").write_bytes(gzip.compress(b"\x00\x00\x08\x03"))
    (folder / f"{IDX_NAMES[3]}.gz").unlink()
    (folder / IDX_NAMES[3]).write_bytes(idx_contents()[IDX_NAMES[3]] + b"more")
    verified = verify_dataset("mnist", folder)
    assert (verified.ok, verified.published, verified.path) == (False, False, folder)
    checks = {check.path.name: check for check in verified.checks}
    assert "header of 16 bytes, found 4" in checks[f"{IDX_NAMES[0]}.gz"].problem
    assert "found more than 28 bytes" in checks[IDX_NAMES[3]].problem
    good = checks[f"{IDX_NAMES[2]}.gz"]
    assert (good.ok, good.images, good.published) == (True, 20, False)
    assert good.size == good.path.stat().st_size
    assert len(good.md5) == 32


def test_verify_finds_labels_that_do_not_fit(machine):
    folder = write_idx(machine / "data")
    write_idx(machine / "other", train=29)
    (machine / "other" / f"{IDX_NAMES[1]}.gz").replace(folder / f"{IDX_NAMES[1]}.gz")
    verified = verify_dataset("mnist", folder)
    assert not verified.ok
    (problem,) = [check.problem for check in verified.checks if not check.ok]
    assert "expected 30 labels, one for each image" in problem


def test_verify_finds_labels_of_no_class(machine):
    folder = write_idx(machine / "data")
    (folder / f"{IDX_NAMES[3]}.gz").write_bytes(idx_bytes(np.full(20, 200, np.uint8)))
    (problem,) = [c.problem for c in verify_dataset("mnist", folder).checks if not c.ok]
    assert "expected labels from 0 to 9, found 200 at position 0" in problem


def test_verify_reports_batches(machine):
    contents = cifar_contents(4)
    contents["data_batch_2"] = contents["data_batch_2"][:-9]
    verified = verify_dataset("cifar10", write_batches(machine / "data", contents))
    assert [check.path.name for check in verified.checks if not check.ok] == ["data_batch_2"]
    assert [check.images for check in verified.checks] == [None, 4, None, 4, 4, 4, 4]


def test_verify_of_an_archive_that_is_none(machine):
    (machine / "cifar-10-python.tar.gz").write_bytes(b"garbage")
    (check,) = verify_dataset("cifar10", machine).checks
    assert "expected a .tar.gz, found a broken one" in check.problem


def test_verify_of_what_is_not_here(machine):
    with pytest.raises(DataNotFoundError, match="MNIST not found in"):
        verify_dataset("mnist")
    assert verify_dataset("fashion-mnist").ok  # the sample
