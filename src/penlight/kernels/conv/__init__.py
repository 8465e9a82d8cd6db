"""Convolution on arrays: the forward pass and its two gradients."""

from penlight.kernels.conv.dispatch import (
    forward as forward,
    input_grad as input_grad,
    weight_grad as weight_grad,
)
