"""Where data is looked for, in which order, and what the user is told."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from penlight.datasets import (
    DataError,
    DataFileError,
    DataNotFoundError,
    UnknownDatasetError,
    cache_folder,
    load,
    locate,
    sources,
)

from .conftest import publish, set_mirrors
from .synthetic import (
    archive_bytes,
    cifar_contents,
    idx_contents,
    write_batches,
    write_idx,
)


def checkout(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (machine / "repository/src/penlight").mkdir(parents=True)
    (machine / "repository/pyproject.toml").touch()
    monkeypatch.setattr(sources, "ROOT", machine / "repository")
    return machine / "shared/data"


def test_the_order_of_places(machine, monkeypatch, server):
    """All places have the data, each with another number of images; they go away one by one."""
    shared = checkout(machine, monkeypatch)
    contents = idx_contents(25, 5)
    server.pages = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    publish(monkeypatch, "fashion-mnist", contents, server.pages)
    set_mirrors(monkeypatch, "fashion-mnist", (server.url,))
    monkeypatch.setenv("PENLIGHT_DATA", str(machine / "variable"))
    folders = [
        (machine / "argument", "folder"),
        (machine / "variable", "folder"),
        (machine / "home/.cache/penlight", "cache"),
        (machine / "system", "system"),
        (shared, "checkout"),
    ]
    for i, (folder, _) in enumerate(folders):
        write_idx(folder / "fashion-mnist", train=10 + i)
    for i, (folder, kind) in enumerate(folders):
        source = locate("fashion-mnist", machine / "argument" if i == 0 else None)
        assert (source.kind, source.path, source.train) == (kind, folder / "fashion-mnist", 10 + i)
        shutil.rmtree(folder)
        if i == 1:
            monkeypatch.delenv("PENLIGHT_DATA")
    assert server.requests == []
    source = locate("fashion-mnist")
    assert (source.kind, source.train, source.test) == ("download", 25, 5)
    assert source.path == machine / "home/.cache/penlight/fashion-mnist"
    assert locate("fashion-mnist").kind == "cache"
    shutil.rmtree(source.path)
    server.pages.clear()
    source = locate("fashion-mnist")
    assert (source.kind, source.train, source.test) == ("sample", 6000, 1000)


@pytest.mark.parametrize("sub", ["FashionMNIST/raw", "fashion-mnist", "FashionMNIST", "."])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_layouts_of_mnist(machine, sub, suffix):
    write_idx(machine / "data" / sub, suffix=suffix)
    source = locate("fashion-mnist", machine / "data")
    assert source.path == machine / "data" / sub
    assert str(source) == f"Fashion-MNIST: 30 + 20 images from {machine / 'data' / sub}"


@pytest.mark.parametrize("sub", [".", "cifar10", "cifar10-subset"])
def test_layouts_of_cifar(machine, sub):
    write_batches(machine / "data" / sub, cifar_contents(4))
    source = locate("cifar10", machine / "data")
    assert source.path == machine / "data" / sub / "cifar-10-batches-py"
    archive = machine / "archive" / sub / "cifar-10-subset-python.tar.gz"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(archive_bytes(cifar_contents(5)))
    source = locate("cifar10", machine / "archive")
    assert str(source) == f"CIFAR-10: 25 + 5 images from {archive}"


def test_one_folder_may_hold_all(machine):
    write_idx(machine / "data/mnist", 11)
    write_idx(machine / "data/fashion-mnist", 12)
    write_idx(machine / "data", 13)
    assert locate("mnist", machine / "data").train == 11
    assert locate("fashion-mnist", machine / "data").train == 12


def test_a_name_may_be_written_in_several_ways(machine):
    write_idx(machine)
    for name in ("fashion-mnist", "FashionMNIST", "fashion_mnist"):
        assert locate(name, machine).dataset.name == "fashion-mnist"
    message = "dataset must be one of mnist, fashion-mnist, cifar10, got 'imagenet'"
    with pytest.raises(UnknownDatasetError, match=message):
        locate("imagenet")


@pytest.mark.parametrize("how", ["data_dir", "PENLIGHT_DATA"])
def test_an_explicit_folder_without_the_data_is_an_error(machine, monkeypatch, how):
    write_idx(machine / "system/fashion-mnist")
    folder = machine / "data"
    if how == "PENLIGHT_DATA":
        monkeypatch.setenv(how, str(folder))
    argument = folder if how == "data_dir" else None
    with pytest.raises(DataNotFoundError, match=rf"{how}: expected a folder with Fashion-MNIST, found none at .*data"):  # fmt: skip
        locate("fashion-mnist", argument)
    folder.mkdir()
    with pytest.raises(DataNotFoundError, match=r"found none of them"):
        locate("fashion-mnist", argument)
    write_idx(folder / "fashion-mnist")
    (folder / "fashion-mnist/t10k-images-idx3-ubyte.gz").unlink()
    message = (
        rf"{how}: expected train-images-idx3-ubyte, .* in .*data or its FashionMNIST/raw/, "
        r"fashion-mnist/, FashionMNIST/; found only train-images-idx3-ubyte\.gz, "
    )
    with pytest.raises(FileNotFoundError, match=message):
        locate("fashion-mnist", argument)


def test_an_empty_variable_counts_as_unset(machine, monkeypatch):
    for name in ("PENLIGHT_DATA", "PENLIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")
    write_idx(machine / "home/.cache/penlight/mnist")
    assert locate("mnist").kind == "cache"


def test_a_broken_file_is_an_error_wherever_it_is(machine):
    """Going on to the next place could mean to train on the sample, and never know why."""
    folder = write_idx(machine / "home/.cache/penlight/fashion-mnist")
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(
        DataFileError, match=r"train-images-idx3-ubyte\.gz: .*an empty file.*data get"
    ):
        locate("fashion-mnist")


def test_the_cache_folder_of_each_system(machine, monkeypatch):
    home = machine / "home"
    assert cache_folder() == home / ".cache/penlight"
    monkeypatch.setattr(sources.sys, "platform", "darwin")
    assert cache_folder() == home / "Library/Caches/penlight"
    monkeypatch.setattr(sources.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(machine / "local"))
    assert cache_folder() == machine / "local/penlight"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == machine / "local/penlight"
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine / "xdg"))
    assert cache_folder() == machine / "xdg/penlight"
    monkeypatch.setenv("PENLIGHT_CACHE", "~/mine")
    assert cache_folder() == home / "mine"


def test_without_network_the_sample_says_that_it_is_one(machine, monkeypatch):
    set_mirrors(monkeypatch, "fashion-mnist", ("http://127.0.0.1:9/",))
    source = locate("fashion-mnist")
    assert source.kind == "sample"
    assert not source.full
    assert str(source) == (
        "Fashion-MNIST: 6,000 + 1,000 images from the sample in the package (no folder has the full "
        "data, and the download failed; 'penlight data get fashion-mnist' fetches all 70,000)"
    )
    source = locate("fashion-mnist", download=False)
    assert str(source).endswith("package ('penlight data get fashion-mnist' fetches all 70,000)")
    with pytest.raises(DataNotFoundError, match="The download failed"):
        locate("fashion-mnist", sample=False)
    assert len(load(source)) == 6000


def test_a_cache_that_cannot_be_written_leads_to_the_sample(machine, monkeypatch, server):
    (machine / "file").touch()
    monkeypatch.setenv("PENLIGHT_CACHE", str(machine / "file"))
    set_mirrors(monkeypatch, "fashion-mnist", (server.url,))
    assert locate("fashion-mnist").kind == "sample"


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_data_that_is_nowhere(machine, monkeypatch, name):
    set_mirrors(monkeypatch, name, ("http://127.0.0.1:9/",))
    with pytest.raises(DataNotFoundError) as caught:
        locate(name)
    message = str(caught.value)
    assert str(machine / "home/.cache/penlight") in message
    assert str(machine / "system") in message
    assert f"run 'penlight data get {name}'" in message
    assert "The download failed: " in message
    assert "127.0.0.1:9" in message
    with pytest.raises(DataError) as caught:
        locate(name, download=False)
    assert "download failed" not in str(caught.value)


def test_silent_mirrors_are_given_up(machine, monkeypatch, server):
    monkeypatch.setattr(sources, "PATIENCE", 0.1)
    names = [f"{name}.gz" for name in idx_contents()]
    server.silent.update(f"{place}/{name}" for place in "ab" for name in names)
    set_mirrors(monkeypatch, "fashion-mnist", (f"{server.url}a/", f"{server.url}b/"))
    assert locate("fashion-mnist").kind == "sample"
    assert len(server.requests) == 2  # the first file of each; no other was asked for
    with pytest.raises(DataNotFoundError, match=r"no answer within 0\.1 s"):
        locate("fashion-mnist", sample=False)


def test_the_mirror_that_answered_is_asked_first_for_the_next_file(machine, monkeypatch, server):
    contents = idx_contents()
    files = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    server.pages = {f"good/{name}": content for name, content in files.items()}
    publish(monkeypatch, "mnist", contents, files)
    set_mirrors(monkeypatch, "mnist", (f"{server.url}dead/", f"{server.url}good/"))
    seen = set()
    locate("mnist", progress=lambda name, done, total: seen.add(name))
    assert [path.split("/")[0] for path, _ in server.requests] == ["dead"] + ["good"] * 4
    assert seen == set(files)


def test_cifar_is_downloaded_and_unpacked(machine, monkeypatch, server):
    contents = cifar_contents(4)
    server.pages = {"cifar-10-python.tar.gz": archive_bytes(contents)}
    publish(monkeypatch, "cifar10", contents, server.pages)
    set_mirrors(monkeypatch, "cifar10", (server.url,))
    source = locate("cifar10")
    folder = machine / "home/.cache/penlight/cifar10/cifar-10-batches-py"
    assert (source.kind, source.path, source.train, source.test) == ("download", folder, 20, 4)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    assert [path.name for path in folder.parent.iterdir()] == ["cifar-10-batches-py"]
    assert locate("cifar10").kind == "cache"
    assert len(server.requests) == 1
