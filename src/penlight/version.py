"""``torch.version``: Penlight's own version, and none of the libraries of GPUs."""

from penlight._core.version import __version__ as __version__

__all__ = ["__version__", "cuda", "debug", "hip", "xpu"]

cuda: str | None = None
hip: str | None = None
xpu: str | None = None
debug = False
