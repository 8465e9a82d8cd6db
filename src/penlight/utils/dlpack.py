"""``penlight.utils.dlpack``: sharing memory with other array libraries."""

from penlight.tensor.dlpack import from_dlpack, to_dlpack

__all__ = ["from_dlpack", "to_dlpack"]
