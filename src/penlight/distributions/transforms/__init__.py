"""Invertible transforms of random variables, with the logarithms of their Jacobians' determinants."""

from penlight.distributions.transforms.elementwise import (
    AbsTransform,
    AffineTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    SoftplusTransform,
    TanhTransform,
)
from penlight.distributions.transforms.joining import CatTransform, StackTransform
from penlight.distributions.transforms.matrices import (
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
)
from penlight.distributions.transforms.transform import Transform
from penlight.distributions.transforms.vectors import (
    ReshapeTransform,
    SoftmaxTransform,
    StickBreakingTransform,
)
from penlight.distributions.transforms.wrapping import (
    ComposeTransform,
    IndependentTransform,
    identity_transform,
)

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform", "LowerCholeskyTransform",
    "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform",
    "SoftmaxTransform", "SoftplusTransform", "StackTransform", "StickBreakingTransform", "TanhTransform",
    "Transform", "identity_transform",
]  # fmt: skip
