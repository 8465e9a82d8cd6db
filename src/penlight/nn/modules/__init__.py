"""The modules of ``penlight.nn``: each is thin over its function in ``penlight.nn.functional``."""

from typing import TYPE_CHECKING

from penlight.nn.modules.activation import *  # noqa: F403
from penlight.nn.modules.adaptive import *  # noqa: F403
from penlight.nn.modules.adaptive_pooling import *  # noqa: F403
from penlight.nn.modules.attention import *  # noqa: F403
from penlight.nn.modules.batchnorm import *  # noqa: F403
from penlight.nn.modules.classification import *  # noqa: F403
from penlight.nn.modules.container import *  # noqa: F403
from penlight.nn.modules.conv import *  # noqa: F403
from penlight.nn.modules.ctc import *  # noqa: F403
from penlight.nn.modules.distance import *  # noqa: F403
from penlight.nn.modules.dropout import *  # noqa: F403
from penlight.nn.modules.flatten import *  # noqa: F403
from penlight.nn.modules.fold import *  # noqa: F403
from penlight.nn.modules.fractional_pooling import *  # noqa: F403
from penlight.nn.modules.instancenorm import *  # noqa: F403
from penlight.nn.modules.lazy_layers import *  # noqa: F403
from penlight.nn.modules.likelihood import *  # noqa: F403
from penlight.nn.modules.linear import *  # noqa: F403
from penlight.nn.modules.linear_cross_entropy import *  # noqa: F403
from penlight.nn.modules.loss import *  # noqa: F403
from penlight.nn.modules.lp_pooling import *  # noqa: F403
from penlight.nn.modules.margin import *  # noqa: F403
from penlight.nn.modules.module import Module as Module
from penlight.nn.modules.normalization import *  # noqa: F403
from penlight.nn.modules.padding import *  # noqa: F403
from penlight.nn.modules.parameter_container import *  # noqa: F403
from penlight.nn.modules.pixelshuffle import *  # noqa: F403
from penlight.nn.modules.places import offer as _offer
from penlight.nn.modules.pooling import *  # noqa: F403
from penlight.nn.modules.rnn import *  # noqa: F403
from penlight.nn.modules.rnn_base import *  # noqa: F403
from penlight.nn.modules.rnn_cell import *  # noqa: F403
from penlight.nn.modules.softmax import *  # noqa: F403
from penlight.nn.modules.sparse import *  # noqa: F403
from penlight.nn.modules.transformer import *  # noqa: F403
from penlight.nn.modules.unpooling import *  # noqa: F403
from penlight.nn.modules.upsampling import *  # noqa: F403

_offer(__name__, globals())

if not TYPE_CHECKING:  # which reads the imports above
    # the classes, and not the files that they stand in
    __all__ = [name for name, value in globals().items() if isinstance(value, type)]
