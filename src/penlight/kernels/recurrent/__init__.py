"""Recurrent layers over whole sequences: the loops over time, forwards and backwards."""

from penlight.kernels.recurrent import elman as elman, gru as gru, lstm as lstm
from penlight.kernels.recurrent.layer import (
    Layout as Layout,
    backward as backward,
    forward as forward,
)
