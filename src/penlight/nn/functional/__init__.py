"""Functions of ``penlight.nn``: arguments are checked here, formulas stand in ``penlight.ops``."""

from typing import TYPE_CHECKING

from penlight.nn.functional.activation import *  # noqa: F403
from penlight.nn.functional.adaptive_pooling import *  # noqa: F403
from penlight.nn.functional.attention import *  # noqa: F403
from penlight.nn.functional.classification import *  # noqa: F403
from penlight.nn.functional.conv import *  # noqa: F403
from penlight.nn.functional.ctc import *  # noqa: F403
from penlight.nn.functional.distance import *  # noqa: F403
from penlight.nn.functional.dropout import *  # noqa: F403
from penlight.nn.functional.embedding import *  # noqa: F403
from penlight.nn.functional.embedding_bag import *  # noqa: F403
from penlight.nn.functional.fold import *  # noqa: F403
from penlight.nn.functional.fractional_pooling import *  # noqa: F403
from penlight.nn.functional.likelihood import *  # noqa: F403
from penlight.nn.functional.linear import *  # noqa: F403
from penlight.nn.functional.linear_cross_entropy import (
    linear_cross_entropy as linear_cross_entropy,
)
from penlight.nn.functional.loss import *  # noqa: F403
from penlight.nn.functional.lp_pooling import *  # noqa: F403
from penlight.nn.functional.margin import *  # noqa: F403
from penlight.nn.functional.multi_head_attention import *  # noqa: F403
from penlight.nn.functional.normalization import *  # noqa: F403
from penlight.nn.functional.padding import *  # noqa: F403
from penlight.nn.functional.pixelshuffle import *  # noqa: F403
from penlight.nn.functional.pooling import *  # noqa: F403
from penlight.nn.functional.softmax import *  # noqa: F403
from penlight.nn.functional.unpooling import *  # noqa: F403
from penlight.nn.functional.upsampling import *  # noqa: F403
from penlight.nn.functional.vision import *  # noqa: F403

if not TYPE_CHECKING:  # which reads the imports above
    # the functions, and not the files that they stand in
    __all__ = [name for name, value in globals().items() if callable(value)]
