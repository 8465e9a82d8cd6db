"""Datasets, samplers, and the loader that turns them into batches."""

from penlight.utils.data.dataset import *  # noqa: F403
