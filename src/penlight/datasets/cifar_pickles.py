"""The pickled batches of CIFAR-10, read without running anything that a pickle may ask for.

A batch is a dict: ``data``, a uint8 array (N, 3072) whose rows are the red, green and blue planes of
32x32 pixels; ``labels``, N numbers. A pickle names functions to be called when it is loaded; here
four names are known, and stand for the harmless classes below rather than for NumPy's own.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import io
import math
import pickle
from typing import Any

import numpy as np

from penlight.datasets.errors import DataFileError

__all__ = ["Pickled", "unpickle"]

Pickled = dict[str, Any]


class _Forbidden(pickle.UnpicklingError):
    """The pickle asks for something that no batch needs."""


class _DType:
    """Stands for ``numpy.dtype``: remembers its code."""

    def __init__(self, code: str | bytes = "", *_: object) -> None:
        self.code = _text(code)  # Python 2 wrote bytes

    def __setstate__(self, state: object) -> None:
        pass


class _Array:
    """Stands for ``numpy.ndarray``: takes the state that NumPy pickles, if it is of bytes."""

    value: np.ndarray

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, fortran, data = state
        if not isinstance(dtype, _DType) or dtype.code != "u1":
            raise _Forbidden(f"an array of {getattr(dtype, 'code', dtype)!r}, not of bytes")
        content = data.encode("latin1") if isinstance(data, str) else bytes(data)
        if len(content) != math.prod(shape):
            raise ValueError(f"an array of shape {shape} has {len(content)} bytes")
        flat = np.frombuffer(bytearray(content), np.uint8)
        self.value = flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


def _reconstruct(*_: object) -> _Array:
    """Stands for ``numpy._core.multiarray._reconstruct``: an array that waits for its state."""
    return _Array()


def _from_buffer(data: Any, dtype: Any, shape: tuple[int, ...], order: str) -> _Array:
    """Stands for ``numpy._core.numeric._frombuffer``, which protocol 5 uses."""
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", data))
    return array


def _encode(text: str, encoding: str) -> bytes:
    """Stands for ``_codecs.encode``: how Python 3 writes bytes in the old protocols."""
    if encoding != "latin1":
        raise _Forbidden(f"the encoding {encoding!r}")
    return text.encode("latin1")


ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise _Forbidden(f"{module}.{name}") from None


def unpickle(content: bytes, name: str) -> Pickled:
    """The dict in a batch or in ``batches.meta``, with text for keys.

    Args:
        content: the bytes of the file.
        name: the file, for the error.

    Raises:
        DataFileError: if it is no pickle of such a dict, is cut off, or asks for anything else.
    """
    try:
        value = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    except _Forbidden as error:
        raise DataFileError(
            f"{name}: expected a pickle of numbers and bytes, found one that asks for {error}; "
            "nothing of it was run"
        ) from error
    except Exception as error:  # a broken pickle may raise anything
        raise DataFileError(f"{name}: expected a pickle, found a broken one ({error})") from error
    if not isinstance(value, dict):
        raise DataFileError(f"{name}: expected a pickled dict, found {type(value).__name__}")
    return {_text(key): _plain(item) for key, item in value.items()}


def _text(value: Any) -> Any:
    return value.decode("latin1") if isinstance(value, bytes) else value


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(item) for item in value]
    return getattr(value, "value", None) if isinstance(value, _Array) else _text(value)
