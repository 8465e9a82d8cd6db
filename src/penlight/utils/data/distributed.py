"""PyTorch's file of the sampler of one process's share; here it stands beside the other samplers."""

from penlight.utils.data.sampler import DistributedSampler as DistributedSampler

__all__ = ["DistributedSampler"]
