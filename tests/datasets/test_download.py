"""Downloads: resumed, checked, and taken from the next mirror."""

from __future__ import annotations

import errno
import hashlib
import os
import threading

import numpy as np
import pytest

from penlight.datasets import DownloadError, download as downloads
from penlight.datasets.download import download, print_progress

CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, np.uint8).tobytes()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "a.gz"


def names(path):
    return sorted(p.name for p in path.parent.iterdir())


def test_a_file_arrives_whole(server, path):
    server.pages["a"] = CONTENT
    seen = []
    assert download([server.url + "a"], path, MD5, lambda *args: seen.append(args)) == (
        server.url + "a"
    )
    assert path.read_bytes() == CONTENT
    assert names(path) == ["a.gz"]
    assert seen[0] == ("a.gz", 0, 300_000)
    assert seen[-1] == ("a.gz", 300_000, 300_000)
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})


def test_a_cut_connection_is_resumed_where_it_ended(server, path):
    server.pages["a"] = CONTENT
    server.cuts["a"] = [100_000, 50_000]
    download([server.url + "a"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.requests == [("a", None), ("a", "bytes=100000-"), ("a", "bytes=150000-")]


def test_an_earlier_part_is_resumed(server, path):
    server.pages["a"] = CONTENT
    path.parent.mkdir()
    (path.parent / "a.gz.part").write_bytes(CONTENT[:7])
    seen = []
    download([server.url + "a"], path, MD5, lambda *args: seen.append(args))
    assert path.read_bytes() == CONTENT
    assert server.requests == [("a", "bytes=7-")]
    assert seen[0] == ("a.gz", 7, 300_000)


def test_a_part_that_is_complete_is_taken(server, path):
    server.pages["a"] = CONTENT
    path.parent.mkdir()
    (path.parent / "a.gz.part").write_bytes(CONTENT)
    download([server.url + "a"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert names(path) == ["a.gz"]


@pytest.mark.parametrize("old", [b"x" * 1000, b"x" * 400_000], ids=["short", "long"])
def test_a_part_of_something_else_is_started_anew(server, path, old):
    server.pages["a"] = CONTENT
    path.parent.mkdir()
    (path.parent / "a.gz.part").write_bytes(old)
    download([server.url + "a"], path, MD5)
    assert path.read_bytes() == CONTENT


def test_a_server_without_ranges_sends_all_again(server, path):
    server.pages["a"] = CONTENT
    server.cuts["a"] = [100_000]
    server.no_ranges = True
    download([server.url + "a"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_wrong_file_is_left_for_the_next_mirror(server, path):
    server.pages.update(wrong=b"<html>log in first</html>", right=CONTENT)
    urls = [server.url + name for name in ("missing", "wrong", "right", "never")]
    assert download(urls, path, MD5) == urls[2]
    assert path.read_bytes() == CONTENT
    assert [name for name, _ in server.requests] == ["missing", "wrong", "right"]


def test_the_next_mirror_goes_on_where_the_last_one_ended(server, path):
    server.pages.update(dying=CONTENT, right=CONTENT)
    server.cuts["dying"] = [100_000, 0]
    download([server.url + "dying", server.url + "right"], path, MD5)
    assert path.read_bytes() == CONTENT
    assert server.requests[-1] == ("right", "bytes=100000-")


def test_all_mirrors_fail_and_each_says_why(server, path, monkeypatch):
    server.pages["wrong"] = b"other"
    server.silent.add("silent")
    urls = [server.url + name for name in ("missing", "wrong", "silent")]
    urls.append("http://127.0.0.1:9/refused")
    with pytest.raises(DownloadError) as caught:
        download(urls, path, MD5, patience=0.2)
    lines = str(caught.value).split("\n")
    assert lines[0] == "a.gz: no mirror gave the file"
    assert "missing: HTTP 404" in lines[1]
    assert f"wrong: expected a file with MD5 {MD5}, got one with {hashlib.md5(b'other').hexdigest()}" in lines[2]  # fmt: skip
    assert "silent: no answer within 0.2 s" in lines[3]
    assert "refused: " in lines[4]
    assert names(path) == []


def test_a_connection_that_falls_silent_counts_as_cut(server, path, monkeypatch):
    monkeypatch.setattr(downloads, "SILENCE", 0.2)
    server.silent.add("silent")
    with pytest.raises(DownloadError, match="timed out"):
        download([server.url + "silent"], path, MD5)


def test_what_came_is_kept_when_all_mirrors_die(server, path):
    server.pages["a"] = CONTENT
    server.cuts["a"] = [100_000, 0]
    with pytest.raises(DownloadError, match="cut after 100000 of 300000 bytes"):
        download([server.url + "a"], path, MD5)
    assert names(path) == ["a.gz.part"]
    download([server.url + "a"], path, MD5)
    assert path.read_bytes() == CONTENT


def test_ctrl_c_leaves_only_the_part_which_is_resumed(server, path):
    server.pages["a"] = CONTENT

    def stop(_: str, done: int, __: int | None) -> None:
        if done >= 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download([server.url + "a"], path, MD5, stop)
    assert names(path) == ["a.gz.part"]
    download([server.url + "a"], path, MD5)
    assert path.read_bytes() == CONTENT
    first, second = server.requests
    assert first == ("a", None)
    assert int(second[1].removeprefix("bytes=").removesuffix("-")) >= 65_536


def test_the_file_that_is_there_stays_until_the_new_one_is_right(server, path):
    server.pages["a"] = b"wrong"
    path.parent.mkdir()
    path.write_bytes(b"old")
    with pytest.raises(DownloadError):
        download([server.url + "a"], path, MD5)
    assert path.read_bytes() == b"old"


def test_a_file_that_is_right_already_is_not_fetched(server, path):
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert download([server.url + "a"], path, MD5) == ""
    assert server.requests == []


@pytest.mark.skipif(downloads.fcntl is None, reason="folders can't be locked here")
def test_two_at_a_time_fetch_it_once(server, path):
    server.pages["a"] = CONTENT
    both = [threading.Thread(target=download, args=([server.url + "a"], path, MD5)) for _ in "ab"]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_full_disk_is_no_fault_of_the_mirror(server, path, monkeypatch):
    server.pages.update(a=CONTENT, b=CONTENT)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(downloads.os, "fsync", full)
    with pytest.raises(OSError, match=r"cannot write .*a\.gz\.part: No space left") as caught:
        download([server.url + "a", server.url + "b"], path, MD5)
    assert caught.value.errno == errno.ENOSPC
    assert [name for name, _ in server.requests] == ["a"]


def test_progress_is_printed_on_terminals_only(capsys, monkeypatch):
    print_progress("a.gz", 1_000_000, 2_000_000)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(downloads.sys.stderr, "isatty", lambda: True)
    for done in (1_000_000, 2_000_000):
        print_progress("a.gz", done, 2_000_000)
    print_progress("b.gz", 1_500_000, None)
    assert capsys.readouterr().err == ("\ra.gz: 1.0 of 2.0 MB\ra.gz: 2.0 of 2.0 MB\n\rb.gz: 1.5 MB")
