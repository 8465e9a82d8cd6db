"""A pipe between two processes on which arrays travel without being copied into a pickle."""

from __future__ import annotations

import os
import pickle
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

__all__ = ["Channel", "Packed"]

_LARGE = 1 << 15  # bytes from which an array is worth a system call of its own

Packed = tuple[bytes, list[memoryview]]  # a pickle, and the memory of the arrays left out of it


class Channel:
    """One end of a pipe."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @staticmethod
    def pack(message: Any) -> Packed:
        """Pickle a message, but for the memory of its large arrays.

        Raises:
            Exception: if something in it can't be pickled.
        """
        views: list[memoryview] = []

        def keep_in_pickle(buffer: pickle.PickleBuffer) -> bool:
            view = buffer.raw()
            if view.nbytes < _LARGE:
                return True
            views.append(view)
            return False

        return pickle.dumps(message, 5, buffer_callback=keep_in_pickle), views

    def send(self, packed: Packed) -> None:
        """Send what :meth:`pack` gave."""
        body, views = packed
        self.connection.send_bytes(pickle.dumps([view.nbytes for view in views]))
        self.connection.send_bytes(body)
        for view in views:
            self._write(view)

    def receive(self) -> Any:
        """The next message.

        Raises:
            EOFError: if the other end is closed.
        """
        sizes = pickle.loads(self.connection.recv_bytes())
        body = self.connection.recv_bytes()
        return pickle.loads(body, buffers=[self._read(size) for size in sizes])

    # The standard library reads a large message in small pieces and copies each twice.

    def _write(self, view: memoryview) -> None:
        if not hasattr(os, "readv"):
            self.connection.send_bytes(view)
            return
        while view.nbytes:
            view = view[os.write(self.connection.fileno(), view) :]

    def _read(self, size: int) -> np.ndarray:
        memory = np.empty(size, np.uint8)
        view = memory.data
        if not hasattr(os, "readv"):
            self.connection.recv_bytes_into(view)
            return memory
        while view.nbytes:
            count = os.readv(self.connection.fileno(), [view])
            if not count:
                raise EOFError("the pipe was closed in the middle of a message")
            view = view[count:]
        return memory
