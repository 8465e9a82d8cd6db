"""Utilities for training: clipping gradients, parameters as one vector."""

from penlight.nn.utils import (
    clip_grad as clip_grad,
    convert_parameters as convert_parameters,
    rnn as rnn,
)
from penlight.nn.utils.clip_grad import *  # noqa: F403
from penlight.nn.utils.convert_parameters import *  # noqa: F403
