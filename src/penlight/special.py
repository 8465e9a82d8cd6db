"""``penlight.special``: special functions under the names of SciPy."""

from penlight.ops.activation import erf, erfc, sigmoid as expit
from penlight.ops.bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_i0,
    modified_bessel_i1,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
)
from penlight.ops.entropy import entr, xlog1py
from penlight.ops.exponential import exp2, expm1, log1p
from penlight.ops.incomplete_gamma import gammainc, gammaincc
from penlight.ops.normal import erfcx, log_ndtr, ndtr, ndtri
from penlight.ops.norms import logsumexp
from penlight.ops.polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
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
from penlight.ops.zeta import zeta
from penlight.tensor.out import accept_out

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t",
    "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma", "entr", "erf",
    "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc", "gammaln",
    "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e", "laguerre_polynomial_l",
    "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp", "modified_bessel_i0",
    "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1", "multigammaln", "ndtr", "ndtri",
    "polygamma", "psi", "round", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w", "sinc", "softmax", "spherical_bessel_j0", "xlog1py", "xlogy", "zeta",
]  # fmt: skip

accept_out(globals(), " ".join(name for name in __all__ if name not in ("log_softmax", "softmax")))
