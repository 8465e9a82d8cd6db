"""A machine without data, and a web server that can be told to misbehave."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from penlight.datasets import FashionMNIST, catalog, checksums, sources


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: no variables, an empty home, no data of the system, no mirrors."""
    for name in ("PENLIGHT_DATA", "PENLIGHT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(sources.sys, "platform", "linux")
    monkeypatch.setattr(sources, "SYSTEM_FOLDERS", (tmp_path / "system",))
    monkeypatch.setattr(sources, "ROOT", tmp_path / "no-checkout")
    for name in catalog.CATALOG:
        set_mirrors(monkeypatch, name, ())
    return tmp_path


def set_mirrors(monkeypatch: pytest.MonkeyPatch, name: str, mirrors: tuple[str, ...]) -> None:
    dataset = dataclasses.replace(catalog.CATALOG[name], mirrors=mirrors)
    monkeypatch.setitem(catalog.CATALOG, name, dataset)
    if name == "fashion-mnist":
        monkeypatch.setattr(FashionMNIST, "files", dataset)


def publish(monkeypatch: pytest.MonkeyPatch, name: str, contents: dict[str, bytes],
            downloads: dict[str, bytes]) -> None:  # fmt: skip
    """Let these be the published files of a dataset."""
    for table, files in ((checksums.CONTENT, contents), (checksums.DOWNLOAD, downloads)):
        sums = {file: hashlib.md5(content).hexdigest() for file, content in files.items()}
        monkeypatch.setitem(table, name, sums)


class Server(ThreadingHTTPServer):
    """Serves :attr:`pages`; a path may be cut off, be silent, or ignore ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, bytes] = {}
        self.cuts: dict[str, list[int]] = {}  # bytes to send before each cut, then none
        self.silent: set[str] = set()
        self.no_ranges = False
        self.requests: list[tuple[str, str | None]] = []
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that go away are part of the tests


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path, asked = self.path.lstrip("/"), self.headers.get("Range")
        self.server.requests.append((path, asked))
        if path in self.server.silent:
            self.server.released.wait(20)
            return
        content = self.server.pages.get(path)
        if content is None:
            self.send_error(404)
            return
        start = int(asked[len("bytes=") : -1]) if asked and not self.server.no_ranges else 0
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cuts = self.server.cuts.get(path, [])
        self.wfile.write(content[start : start + cuts.pop(0)] if cuts else content[start:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()
