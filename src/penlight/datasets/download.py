"""Files fetched from the first mirror that gives the right one; a transfer cut off is resumed.

What has come so far lies in ``<name>.part`` beside the file. It takes the file's name once its
checksum is right, so that a file of that name is always whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import queue
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from penlight.datasets.errors import DownloadError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Progress", "download", "file_md5", "print_progress"]

Progress = Callable[[str, int, int | None], None]
"""``progress(name of the file, bytes that have come, bytes in all or None)``"""

BLOCK = 1 << 16
ATTEMPTS = 8  # how often a mirror that breaks off, but got further, is asked for the rest
SILENCE = 20.0  # seconds without a byte after which a connection counts as cut


class _MirrorError(Exception):
    """This mirror can't give the file; the next one may."""


class _CutError(Exception):
    """The connection ended early; what came is kept."""


def download(
    urls: Sequence[str],
    path: Path,
    md5: str,
    progress: Progress | None = None,
    patience: float = 10.0,
) -> str:
    """Fetch ``path`` from the first of ``urls`` that gives a file with the checksum ``md5``.

    Args:
        urls: where the file may be had, in the order in which they are tried.
        path: the file to make; missing folders are made too.
        md5: what its content must sum up to.
        progress: called before the first block and after each.
        patience: seconds that a mirror has to start its answer.

    Returns:
        The URL that gave it; the empty string if another process fetched it in the meantime.

    Raises:
        DownloadError: if none did; says why, for each. What came of the last one stays in
            ``<name>.part`` and is resumed by the next call.
        OSError: if the file can't be written.
    """
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = []
    with _one_process_at_a_time(path.parent):
        if path.is_file() and file_md5(path) == md5:
            return ""
        for url in urls:
            try:
                _from_mirror(url, path.name, part, md5, progress, patience)
            except _MirrorError as error:
                failures.append(f"  {url}: {error}")
            else:
                os.replace(part, path)
                return url
    raise DownloadError(f"{path.name}: no mirror gave the file\n" + "\n".join(failures))


def file_md5(path: Path) -> str:
    """The MD5 sum of a file as it lies there."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, _md5).hexdigest()


def print_progress(name: str, done: int, total: int | None) -> None:
    """A :data:`Progress` that keeps one line up to date where standard error is a terminal."""
    if not sys.stderr.isatty():
        return
    of = f" of {total / 1e6:.1f}" if total else ""
    end = "\n" if done == total else ""
    print(f"\r{name}: {done / 1e6:.1f}{of} MB", end=end, file=sys.stderr, flush=True)


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


@contextlib.contextmanager
def _one_process_at_a_time(folder: Path) -> Iterator[None]:
    """Others that download into ``folder`` wait (where the system can lock a folder)."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems can't lock
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _from_mirror(
    url: str, name: str, part: Path, md5: str, progress: Progress | None, patience: float
) -> None:
    """Fill ``part`` until its checksum is right.

    Raises:
        _MirrorError: if this mirror does not get it there.
    """
    why = ""
    for _ in range(ATTEMPTS):
        start = _size(part)
        try:
            _fetch_rest(url, name, part, start, progress, patience)
        except _CutError as error:
            why = str(error)
            if _size(part) > start:
                continue
            break
        found = file_md5(part)
        if found == md5:
            return
        part.unlink()
        why = f"expected a file with MD5 {md5}, got one with {found}"
        if start == 0:  # else what an earlier transfer had left may be to blame
            break
    raise _MirrorError(why)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _fetch_rest(
    url: str, name: str, part: Path, start: int, progress: Progress | None, patience: float
) -> None:
    """Ask for what follows the first ``start`` bytes, and append it."""
    request = urllib.request.Request(url, headers={"User-Agent": "penlight"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = _open(request, patience)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:  # nothing follows: all of it has come already
            return
        raise _MirrorError(f"HTTP {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _MirrorError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__) from error
    with response:
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        start = start if response.status == 206 and resumed else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        _save(response, name, part, start, total, progress)


def _save(
    response: Any, name: str, part: Path, start: int, total: int | None, progress: Progress | None
) -> None:
    done = start
    report = progress or (lambda *_: None)
    report(name, done, total)
    try:
        with open(part, "r+b" if start else "wb") as file:
            file.seek(start)
            for block in _blocks(response):
                file.write(block)
                done += len(block)
                report(name, done, total)
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, f"cannot write {part}: {error.strerror or error}") from error
    if total is not None and done < total:
        raise _CutError(f"the connection was cut after {done} of {total} bytes")


def _blocks(response: Any) -> Iterable[bytes]:
    """What the server sends; its errors are no errors of our disk."""
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise _CutError(f"the connection was cut ({error or type(error).__name__})") from error
        if not block:
            return
        yield block


def _open(request: urllib.request.Request, patience: float) -> Any:
    """``urlopen``, given up after ``patience`` seconds.

    In a thread, since no timeout of a socket covers the time that looking up a name may take.
    """
    answer: queue.Queue[Any] = queue.Queue(1)

    def ask() -> None:
        try:
            answer.put(urllib.request.urlopen(request, timeout=SILENCE))
        except BaseException as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        outcome = answer.get(timeout=patience)
    except queue.Empty:
        raise TimeoutError(f"no answer within {patience:g} s") from None
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
