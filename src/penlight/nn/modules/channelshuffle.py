"""PyTorch's file of the channel shuffle; here it stands beside the pixel shuffles."""

from penlight.nn.modules.pixelshuffle import ChannelShuffle as ChannelShuffle

__all__ = ["ChannelShuffle"]
