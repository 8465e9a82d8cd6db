"""One row per family: how to make its parameters, as arrays that either library takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Maker = Callable[[np.random.Generator, Shape], np.ndarray]

SIZE = 3  # of vectors and matrices


def real(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.normal(0, 1, shape)


def positive(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.uniform(0.5, 3, shape)


def large(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Above 4, where moments exist."""
    return rng.uniform(4.5, 7, shape)


def unit(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.uniform(0.05, 0.95, shape)


def count(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return np.full(shape, 5.0)


def above_three(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.uniform(3.5, 5, shape)


def warm(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """A temperature for the whole batch."""
    return np.array(0.7)


def vector(of: Maker) -> Maker:
    return lambda rng, shape: of(rng, (*shape, SIZE))


def factor(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return rng.normal(0, 1, (*shape, SIZE, 2))


def tril(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    matrix = np.tril(rng.normal(0, 0.5, (*shape, SIZE, SIZE)), -1)
    return matrix + np.eye(SIZE) * rng.uniform(0.5, 2, (*shape, SIZE, 1))


def covariance(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    lower = tril(rng, shape)
    return lower @ np.swapaxes(lower, -1, -2)


@dataclass(frozen=True)
class Row:
    """A family with the parameters that its constructor takes.

    Attributes:
        parameters: what makes each tensor.
        options: arguments that are no tensors.
        noise: whether samples are made of noise that does not depend on the parameters, so that the
            same seed gives the same noise and rsample's gradient can be found numerically.
        absent: what PyTorch has wrong, and is not compared.
        heavy: has no variance to compare samples with.
        tolerance: of that comparison.
        dtype: of the comparison with PyTorch, which has GeneralizedPareto in float32 alone.
    """

    name: str
    parameters: dict[str, Maker]
    options: dict[str, Any] = field(default_factory=dict)
    noise: bool = True
    absent: tuple[str, ...] = ()
    heavy: bool = False
    label: str = ""
    dtype: str = "float64"
    tolerance: float = 1e-9

    def arrays(self, seed: int, shape: Shape, dtype: str = "") -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        arrays = {name: make(rng, shape) for name, make in self.parameters.items()}
        return {name: a.astype(dtype or self.dtype) for name, a in arrays.items()}

    def build(
        self, lib: Any, arrays: dict[str, np.ndarray], grad: bool = False, **kwargs: Any
    ) -> Any:
        """The distribution and its parameters' tensors in a library."""
        tensors = {n: lib.tensor(a).requires_grad_(grad) for n, a in arrays.items()}
        made = getattr(lib.distributions, self.name)(**tensors, **self.options, **kwargs)
        return made, tensors


def _pair(a: str, b: str, first: Maker = real, second: Maker = positive) -> dict[str, Maker]:
    return {a: first, b: second}


def _generalized_pareto(concentration: Maker, **kwargs: Any) -> Row:
    makers = {"loc": real, "scale": positive, "concentration": concentration}
    return Row("GeneralizedPareto", makers, dtype="float32", **kwargs)


ROWS = [
    Row("Bernoulli", {"probs": unit}),
    Row("Bernoulli", {"logits": real}, label="logits"),
    Row("Beta", _pair("concentration1", "concentration0", positive), noise=False),
    Row("Binomial", _pair("total_count", "probs", count, unit)),
    Row("Binomial", _pair("total_count", "logits", count, real), label="logits"),
    Row("Categorical", {"probs": vector(unit)}),
    Row("Categorical", {"logits": vector(real)}, label="logits"),
    Row("Cauchy", _pair("loc", "scale"), heavy=True),
    Row("Chi2", {"df": positive}, noise=False),
    Row("ContinuousBernoulli", {"probs": unit}),
    Row("ContinuousBernoulli", {"logits": real}, label="logits"),
    Row("Dirichlet", {"concentration": vector(positive)}, noise=False),
    Row("Exponential", {"rate": positive}),
    Row("FisherSnedecor", _pair("df1", "df2", large, lambda r, s: large(r, s) + 6), noise=False),
    Row("Gamma", _pair("concentration", "rate", positive), noise=False),
    _generalized_pareto(lambda r, s: unit(r, s) / 5),
    _generalized_pareto(lambda r, s: -unit(r, s), label="bounded"),
    _generalized_pareto(lambda r, s: np.zeros(s), label="zero"),
    Row("Geometric", {"probs": unit}),
    Row("Geometric", {"logits": real}, label="logits"),
    Row("Gumbel", _pair("loc", "scale")),
    Row("HalfCauchy", {"scale": positive}, heavy=True),
    Row("HalfNormal", {"scale": positive}),
    Row("InverseGamma", _pair("concentration", "rate", large), noise=False),
    Row("Kumaraswamy", _pair("concentration1", "concentration0", positive), absent=("mode",)),
    Row("LKJCholesky", {"concentration": positive}, {"dim": SIZE}, noise=False),
    Row("Laplace", _pair("loc", "scale")),
    Row("LogNormal", _pair("loc", "scale", real, lambda r, s: unit(r, s) / 2)),
    Row("LogisticNormal", _pair("loc", "scale", vector(real), vector(positive))),
    Row("LowRankMultivariateNormal", {"loc": vector(real), "cov_factor": factor, "cov_diag": vector(positive)}),
    Row("Multinomial", {"probs": vector(unit)}, {"total_count": 4}),
    Row("Multinomial", {"logits": vector(real)}, {"total_count": 4}, label="logits"),
    Row("MultivariateNormal", {"loc": vector(real), "covariance_matrix": covariance}),
    Row("MultivariateNormal", {"loc": vector(real), "precision_matrix": covariance}, label="precision"),
    Row("MultivariateNormal", {"loc": vector(real), "scale_tril": tril}, label="tril"),
    Row("NegativeBinomial", _pair("total_count", "probs", positive, unit)),
    Row("NegativeBinomial", _pair("total_count", "logits", positive, real), label="logits"),
    Row("Normal", _pair("loc", "scale")),
    Row("OneHotCategorical", {"probs": vector(unit)}),
    Row("OneHotCategorical", {"logits": vector(real)}, label="logits"),
    Row("OneHotCategoricalStraightThrough", {"probs": vector(unit)}, noise=False),
    Row("Pareto", _pair("scale", "alpha", positive, lambda r, s: large(r, s) + 6)),
    Row("Poisson", {"rate": positive}),
    Row("RelaxedBernoulli", {"temperature": warm, "probs": unit}),
    Row("RelaxedBernoulli", {"temperature": warm, "logits": real}, label="logits"),
    Row("RelaxedOneHotCategorical", {"temperature": warm, "probs": vector(unit)}),
    Row("RelaxedOneHotCategorical", {"temperature": warm, "logits": vector(real)}, label="logits"),
    Row("StudentT", {"df": lambda r, s: large(r, s) + 6, "loc": real, "scale": positive}, noise=False),
    Row("Uniform", _pair("low", "high", real, lambda r, s: real(r, s) + 8)),
    # PyTorch's Bessel functions are polynomials, whose gradients are right to five digits
    Row("VonMises", _pair("loc", "concentration"), tolerance=5e-5),
    Row("Weibull", _pair("scale", "concentration", positive)),
    Row("Wishart", {"df": above_three, "covariance_matrix": covariance}, noise=False),
    Row("Wishart", {"df": above_three, "precision_matrix": covariance}, noise=False, label="precision"),
    Row("Wishart", {"df": above_three, "scale_tril": tril}, noise=False, label="tril"),
]  # fmt: skip

IDS = [row.name + (f"-{row.label}" if row.label else "") for row in ROWS]
