"""Utilities around training: ``penlight.utils.data``."""

from penlight.utils import data as data
