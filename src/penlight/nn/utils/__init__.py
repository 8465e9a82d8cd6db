"""Utilities: clipping gradients, parameters as one vector, parametrized, pruned or fused weights."""

from penlight.nn.utils import (
    clip_grad as clip_grad,
    convert_parameters as convert_parameters,
    fusion as fusion,
    init as init,
    memory_format as memory_format,
    parametrizations as parametrizations,
    parametrize as parametrize,
    prune as prune,
    rnn as rnn,
    stateless as stateless,
)
from penlight.nn.utils.clip_grad import *  # noqa: F403
from penlight.nn.utils.convert_parameters import *  # noqa: F403
from penlight.nn.utils.fusion import *  # noqa: F403
from penlight.nn.utils.init import *  # noqa: F403
from penlight.nn.utils.memory_format import *  # noqa: F403
from penlight.nn.utils.spectral_norm import (
    remove_spectral_norm as remove_spectral_norm,
    spectral_norm as spectral_norm,
)
from penlight.nn.utils.weight_norm import (
    remove_weight_norm as remove_weight_norm,
    weight_norm as weight_norm,
)
