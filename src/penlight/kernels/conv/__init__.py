"""Convolution on arrays: the forward pass and its two gradients."""

from penlight.kernels.conv.dispatch import forward as forward
from penlight.kernels.conv.dispatch import input_grad as input_grad
from penlight.kernels.conv.dispatch import weight_grad as weight_grad
