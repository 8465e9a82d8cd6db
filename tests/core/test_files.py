"""A file is replaced as a whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from penlight._core import files
from penlight._core.files import atomic_write, read_json, write_json


def test_new_content_takes_the_old_ones_place(tmp_path):
    path = tmp_path / "a.bin"
    for content in (b"old", b"new"):
        with atomic_write(path) as file:
            file.write(content)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as file:  # noqa: PT012 -- the body fails
        file.write(b"half of the n")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with (
        pytest.raises(OSError, match=r"cannot write .*a\.bin: No space left.*unchanged") as caught,
        atomic_write(path) as file,
    ):
        file.write(b"new")
    assert caught.value.errno == errno.ENOSPC
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_names_the_file(tmp_path):
    path = tmp_path / "missing" / "a.bin"
    with (
        pytest.raises(FileNotFoundError, match=r"cannot write .*missing.*a\.bin: No such file"),
        atomic_write(path),
    ):
        pass


def test_an_unwritable_folder_names_the_file(tmp_path, monkeypatch):
    def refuse(path: str, mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr("builtins.open", refuse)
    with (
        pytest.raises(PermissionError, match=r"cannot write .*a\.bin: Permission denied"),
        atomic_write(tmp_path / "a.bin"),
    ):
        pass


def test_other_files_errors_are_left_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="other"), atomic_write(tmp_path / "a.bin"):
        (tmp_path / "other").read_bytes()


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "a.bin")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a.bin").read_bytes() == b"new"


def test_json_replaces_nan_and_names_the_damaged_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"loss": float("nan"), "steps": [1.5, float("inf")], "name": "größe"})
    assert read_json(path) == {"loss": None, "steps": [1.5, None], "name": "größe"}
    path.write_text('{"loss": ')
    with pytest.raises(ValueError, match=r"a\.json: expected a JSON file"):
        read_json(path)
