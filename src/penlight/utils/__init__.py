"""Utilities around training: ``penlight.utils.data``, and others that are imported when first named."""

from importlib import import_module as _import_module

from penlight.utils import data as data

_OTHERS = ("checkpoint", "dlpack", "hooks")


def __getattr__(name: str) -> object:
    if name in _OTHERS:
        return _import_module(f"penlight.utils.{name}")
    raise AttributeError(f"module 'penlight.utils' has no attribute {name!r}")
