"""``penlight.special``: special functions under the names of SciPy."""

from penlight.ops.activation import erf, erfc, sigmoid as expit
from penlight.ops.exponential import exp2, expm1, log1p
from penlight.ops.incomplete_gamma import gammainc, gammaincc
from penlight.ops.norms import logsumexp
from penlight.ops.rounding import round
from penlight.ops.softmax import log_softmax, softmax
from penlight.ops.special import (
    digamma,
    digamma as psi,
    erfinv,
    lgamma as gammaln,
    logit,
    mvlgamma as multigammaln,
    polygamma,
    xlogy,
)
from penlight.ops.trigonometry import sinc

__all__ = [
    "digamma", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc", "gammaln", "log1p", "log_softmax",
    "logit", "logsumexp", "multigammaln", "polygamma", "psi", "round", "sinc", "softmax", "xlogy",
]  # fmt: skip
