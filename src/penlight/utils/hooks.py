"""``torch.utils.hooks``: the handle that ``register_*_hook`` returns."""

from penlight._core.hooks import RemovableHandle as RemovableHandle

__all__ = ["RemovableHandle"]
