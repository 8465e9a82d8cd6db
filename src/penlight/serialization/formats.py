"""What kind of file this is, by its first bytes; files that people take for PyTorch's are named."""

from __future__ import annotations

from typing import Any

__all__ = ["recognize"]

_STRANGERS = {
    b"PK\5\6": "an empty zip archive",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x93NUMPY": "a NumPy file; read it with numpy.load",
    b"version https://git-lfs": "a Git LFS pointer in place of the file; fetch it: git lfs pull",
    b"<": "a web page or XML; the download went wrong",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"GGUF": "a GGUF file",
}


def recognize(file: Any, name: str) -> str:
    """``"zip"`` or ``"legacy"``; ``file`` stays where it stands.

    Raises:
        RuntimeError: for other files, saying what they are.
    """
    start = file.tell()
    head = file.read(512)
    if not isinstance(head, bytes):
        raise TypeError(f"load: {name}: f must be opened in binary mode, it gives text")
    end = file.seek(0, 2)
    file.seek(start)
    if head.startswith(b"PK\3\4"):
        return "zip"
    if head.startswith(b"\x80"):
        return "legacy"
    expected = f"load: {name}: expected a file that penlight.save or torch.save wrote, found "
    if not head:
        where = f"the end of the file (byte {end}); f.seek(0) first?" if end else "an empty file"
        raise RuntimeError(expected + where)
    for beginning, kind in _STRANGERS.items():
        if head.startswith(beginning):
            raise RuntimeError(expected + kind)
    if head[257:262] == b"ustar":
        raise RuntimeError(
            expected + "a tar archive of PyTorch 0.1; load it with PyTorch and save it again"
        )
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < end:
        raise RuntimeError(
            expected + "a safetensors file; use penlight.serialization.safetensors.load_file"
        )
    raise RuntimeError(f"{expected}{head[:16]!r}")
