"""float64 never sneaks in: what goes in as float32 (float16) comes out so, gradients too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight.testing.specs import SPECS, OpSpec, Sample
from penlight.testing.specs.spec import Constant
from tests.comparison import backward_through, is_tensor, tensors

WIDER = ("torch.float_power", "torch.bincount weights")  # float64 by definition
CASES = [
    pytest.param(spec, sample, id=f"{spec.name}[{sample!r}]")
    for spec in SPECS.values()
    for sample in list(spec.cases())[:4]
    if spec.name not in WIDER
]


def _arrays(sample: Sample) -> list[np.ndarray]:
    found: list[np.ndarray] = []

    def walk(value: Any) -> None:
        if isinstance(value, Constant):
            value = value.array
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            for v in value:
                walk(v)

    walk([*sample.args, *sample.kwargs.values()])
    return found


def _mentions_float64(spec: OpSpec) -> bool:
    code: Any = spec.call.__code__
    return "float64" in code.co_names or "double" in code.co_names


@pytest.mark.parametrize(("spec", "sample"), CASES)
def test_float32_stays_float32(spec: OpSpec, sample: Sample) -> None:
    kinds = {a.dtype.char for a in _arrays(sample) if a.dtype.kind == "f"}
    if kinds - {"f"} or _mentions_float64(spec):
        pytest.skip("float64 goes in, or is asked for")
    penlight.manual_seed(0)
    args, kwargs = sample.bind(penlight)
    y = spec.call(penlight, *args, **kwargs)
    for out in tensors(y):
        assert out.dtype is not penlight.float64, spec.name
        assert out.dtype is not penlight.complex128, spec.name
        assert type(out._array) is np.ndarray
    backward_through(y)
    for leaf in tensors((args, list(kwargs.values()))):
        if is_tensor(leaf) and leaf.grad is not None:
            assert leaf.grad.dtype is leaf.dtype


UNARY = [
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "deg2rad",
    "digamma", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "floor", "frac", "lgamma", "log",
    "log10", "log1p", "log2", "logit", "neg", "rad2deg", "reciprocal", "relu", "round", "rsqrt",
    "sigmoid", "sign", "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh", "trunc", "angle",
]  # fmt: skip


@pytest.mark.parametrize("d", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", UNARY)
def test_unary_functions_keep_the_dtype(name: str, d: str) -> None:
    dtype = getattr(penlight, d)
    for shape in ((), (2,), (0,), (1, 3)):
        x = penlight.full(shape, 0.5, dtype=dtype, requires_grad=True)
        y = getattr(penlight, name)(x)
        assert y.dtype is dtype
        assert y.shape == shape
        y.sum().backward()
        assert x.grad.dtype is dtype


@pytest.mark.parametrize("name", UNARY)
def test_unary_functions_of_integers(name: str) -> None:
    """Rounding keeps integers; the rest gives the default dtype."""
    x = penlight.tensor([1, 2], dtype=penlight.int32)
    if name == "frac":
        with pytest.raises(NotImplementedError):
            penlight.frac(x)
        return
    whole = name in ("abs", "ceil", "floor", "neg", "relu", "round", "sign", "square", "trunc")
    y = getattr(penlight, name)(x)
    assert y.dtype is (penlight.int32 if whole else penlight.float32)


@pytest.mark.parity
@pytest.mark.parametrize(
    "d", ["float16", "float32", "float64", "int32", "uint8", "bool", "complex64"]
)
def test_dtypes_of_unary_functions_are_pytorchs(d: str, torch: Any) -> None:
    for name in UNARY:
        found = []
        for lib in (penlight, torch):
            try:
                y = getattr(lib, name)(lib.ones(2, dtype=getattr(lib, d)))
                found.append(str(y.dtype))
            except (RuntimeError, TypeError) as error:
                found.append(type(error).__name__)
        more = name in ("deg2rad", "rad2deg", "logit") and d == "complex64"
        kinds = {"NotImplementedError": "RuntimeError"}  # its subclass
        assert found[0] == found[1] or kinds.get(found[0]) == found[1] or more, f"{name}: {found}"


REDUCTIONS = [
    "sum", "mean", "prod", "var", "std", "norm", "amax", "amin", "max", "min", "median", "cumsum",
    "cumprod", "logsumexp", "nansum", "nanmean", "softmax", "log_softmax", "logcumsumexp", "quantile",
]  # fmt: skip


@pytest.mark.parametrize("d", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_keep_the_dtype(name: str, d: str) -> None:
    if name == "quantile" and d == "float16":
        pytest.skip("refused, as in PyTorch")
    dtype = getattr(penlight, d)
    x = penlight.arange(6, dtype=dtype).reshape(2, 3).requires_grad_()
    arguments = {"norm": (2, 1), "quantile": (0.5, 1)}.get(name, (1,))
    y = getattr(penlight, name)(x, *arguments)
    y = y.values if hasattr(y, "values") else y
    assert y.dtype is dtype
    y.sum().backward()
    assert x.grad.dtype is dtype


def test_numpy_scalars_are_numbers() -> None:
    x = penlight.ones(2)
    for scalar in (np.float64(2), np.float32(2), np.int64(2), np.bool_(True)):
        assert (x * scalar).dtype is penlight.float32
        assert (scalar * x).dtype is penlight.float32
        assert (x + scalar).dtype is (scalar - x if not isinstance(scalar, np.bool_) else x).dtype
    assert x.add_(np.float64(1)).dtype is penlight.float32
    assert penlight.maximum(x, penlight.tensor(np.float64(3))).dtype is penlight.float32


def test_in_place_results_are_cast_within_their_category() -> None:
    whole, small, real = penlight.ones(2).long(), penlight.ones(2).byte(), penlight.ones(2)
    assert small.add_(whole).dtype is penlight.uint8
    assert real.mul_(whole).dtype is penlight.float32
    assert real.add_(penlight.ones(2, dtype=penlight.float64)).dtype is penlight.float32
    assert real.eq_(1).tolist() == [0, 0]
    for target, value in ((whole, 1.5), (small.bool(), 1), (real, 1j), (whole, real)):
        with pytest.raises(RuntimeError, match="can't be cast"):
            target.add_(value)
    with pytest.raises(RuntimeError, match="can't be cast"):
        whole.div_(2)


def test_results_of_0_d_tensors_are_0_d_tensors() -> None:
    x, y = penlight.tensor(2.0), penlight.tensor(3.0)
    for z in (
        x + y,
        x * 2,
        x.exp(),
        x.sum(),
        x.max(),
        -x,
        x == y,
        x.clone(),
        x.long(),
    ):
        assert z.shape == ()
        assert type(z._array) is np.ndarray
    assert (x / 0).item() == float("inf")
