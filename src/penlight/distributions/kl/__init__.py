"""The Kullback-Leibler divergence KL(p || q) = E_p ln p(x) / q(x) of two distributions."""

from penlight.distributions.kl import (  # each registers its functions
    across as across,
    composed as composed,
    multivariate as multivariate,
    same_family as same_family,
)
from penlight.distributions.kl.registry import kl_divergence, register_kl

__all__ = ["kl_divergence", "register_kl"]
