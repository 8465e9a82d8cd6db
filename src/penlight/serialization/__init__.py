"""Saving and loading: PyTorch's ``.pt`` files, read and written without PyTorch; safetensors files."""

from penlight.serialization import safetensors as safetensors
from penlight.serialization.inspecting import get_unsafe_globals_in_checkpoint
from penlight.serialization.loading import load
from penlight.serialization.names import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from penlight.serialization.saving import save

__all__ = [
    "add_safe_globals", "clear_safe_globals", "get_safe_globals",
    "get_unsafe_globals_in_checkpoint", "load", "safe_globals", "save",
]  # fmt: skip
