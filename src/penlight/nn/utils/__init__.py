"""Utilities: clipping gradients, parameters as one vector, parametrized, pruned or fused weights.

What changes whole modules is imported when it is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from penlight.nn.utils import (
    clip_grad as clip_grad,
    convert_parameters as convert_parameters,
    rnn as rnn,
)
from penlight.nn.utils.clip_grad import *  # noqa: F403
from penlight.nn.utils.convert_parameters import *  # noqa: F403
from penlight.nn.utils.spectral_norm import (
    remove_spectral_norm as remove_spectral_norm,
    spectral_norm as spectral_norm,
)
from penlight.nn.utils.weight_norm import (
    remove_weight_norm as remove_weight_norm,
    weight_norm as weight_norm,
)

if TYPE_CHECKING:
    from penlight.nn.utils import (
        fusion as fusion,
        init as init,
        memory_format as memory_format,
        parametrizations as parametrizations,
        parametrize as parametrize,
        prune as prune,
        stateless as stateless,
    )
    from penlight.nn.utils.fusion import *  # noqa: F403
    from penlight.nn.utils.init import *  # noqa: F403
    from penlight.nn.utils.memory_format import *  # noqa: F403

_FILES = {
    "fusion",
    "init",
    "memory_format",
    "parametrizations",
    "parametrize",
    "prune",
    "stateless",
}
_FUNCTIONS = {
    "convert_conv2d_weight_memory_format": "memory_format",
    "convert_conv3d_weight_memory_format": "memory_format",
    "fuse_conv_bn_eval": "fusion",
    "fuse_conv_bn_weights": "fusion",
    "fuse_linear_bn_eval": "fusion",
    "fuse_linear_bn_weights": "fusion",
    "skip_init": "init",
}


def __getattr__(name: str) -> Any:
    if name in _FILES:
        return import_module(f"{__name__}.{name}")
    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *_FILES, *_FUNCTIONS]


__all__ = [n for n in __dir__() if not n.startswith("_") and n not in ("Any", "TYPE_CHECKING", "import_module")]  # fmt: skip
