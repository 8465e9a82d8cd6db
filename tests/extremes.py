"""Extreme numbers put into the samples of the table, and what the two libraries then disagree in."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import penlight
from penlight.testing.specs import ModuleSpec, OpSpec, Sample
from penlight.testing.specs.programs import built, flatten, is_tensor, leaves, run
from tests.comparison import array, backward_through

Spec = OpSpec | ModuleSpec
Fill = Callable[[np.random.Generator, np.ndarray], np.ndarray]

SPECIAL = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0])
RANGE = np.array([1e30, -1e30, -1e20, 1e3, 1e-20, -1e-30, 1e-38, 1e-40, -1e-45, 0.0])
LEAST = 2.0**-149  # of the float32 above zero


def _sprinkled(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """A third of the elements special, the others as they were."""
    return np.where(rng.random(x.shape) < 1 / 3, rng.choice(SPECIAL, x.shape), x)


def _one_of(*values: float) -> Fill:
    return lambda rng, x: rng.choice(np.array(values), x.shape)


FILLS: dict[str, Fill] = {
    "sprinkled": _sprinkled,
    "special": _one_of(*SPECIAL),
    "range": _one_of(*RANGE),
    "huge": _one_of(3e38, -3e38, 1e38),
    "tiny": _one_of(1e-38, -1e-38, 1e-42),
    "zero": _one_of(0.0, -0.0),
    "nan": _one_of(np.nan),
    "inf": _one_of(np.inf),
    "-inf": _one_of(-np.inf),
}


def extreme(sample: Sample, how: str, seed: int = 0) -> Sample:
    """The sample with its floating arrays (those that are no constants) filled with such numbers."""
    rng = np.random.default_rng(seed)
    return _mapped(sample, lambda x: FILLS[how](rng, x).astype(x.dtype))


def small(sample: Sample, how: str) -> Sample | None:
    """The sample with an empty batch, or one element; None where its arrays don't allow it."""
    shapes = {x.shape for x in arrays(sample)}
    if len(shapes) != 1 or shapes == {()}:
        return None
    if how == "empty batch":
        return _mapped(sample, lambda x: x[:0])
    return _mapped(sample, lambda x: x[(slice(1),) * x.ndim])


def arrays(sample: Sample) -> list[np.ndarray]:
    """Its floating arrays."""
    found: list[np.ndarray] = []

    def noted(x: np.ndarray) -> np.ndarray:
        found.append(x)
        return x

    _mapped(sample, noted)
    return found


def _mapped(sample: Sample, change: Callable[[np.ndarray], np.ndarray]) -> Sample:
    def mapped(value: Any) -> Any:
        if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
            return type(value)(mapped(v) for v in value)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return change(value)
        return value

    return Sample(*map(mapped, sample.args), **{k: mapped(v) for k, v in sample.kwargs.items()})


Outcome = tuple[str, Any, list[Any]]


def outcome(torch: Any, spec: Spec, sample: Sample, weights: str | None = None) -> Outcome:
    """How the call ends: ("", results, gradients), or the type of the error of the first step that fails."""
    with warnings.catch_warnings():  # compared elsewhere
        warnings.simplefilter("ignore", UserWarning)
        return _outcome(torch, spec, *sample.bind(torch), weights)


def _outcome(torch: Any, spec: Spec, args: Any, kwargs: Any, weights: str | None) -> Outcome:
    torch.manual_seed(0)
    try:
        if isinstance(spec, OpSpec):
            y, learned = spec.call(torch, *args, **kwargs), []
        else:
            module = built(spec, torch, spec.train_mode)
            learned = list(module.parameters())
            _spoil(learned, weights)
            y = [run(torch, module, args, kwargs), *module.buffers()]
    except Exception as error:
        return type(error).__name__, None, []
    try:
        backward_through(y)
    except Exception as error:
        return f"backward: {type(error).__name__}", y, []
    return "", y, [t.grad for t in leaves(args, kwargs) + learned]


def _spoil(parameters: list[Any], how: str | None) -> None:
    if how is not None:
        rng = np.random.default_rng(1)
        for p in parameters:
            a = p.detach().numpy()
            a[...] = FILLS[how](rng, a)


def difference(spec: Spec, ours: Outcome, theirs: Outcome) -> str:
    """What differs first, in words; "" if nothing does."""
    if ours[0] != theirs[0]:
        return f"{ours[0] or 'no error'}, PyTorch: {theirs[0] or 'no error'}"
    pairs = [("result", *p) for p in zip(flatten(ours[1]), flatten(theirs[1]), strict=True)]
    pairs += [("gradient", *p) for p in zip(ours[2], theirs[2], strict=True)]
    for kind, a, b in pairs:
        text = _difference(a, b, spec.rtol * 10, spec.atol * 10)
        if text:
            return f"{kind}: {text}"
    return ""


def _difference(ours: Any, theirs: Any, rtol: float, atol: float) -> str:
    if not is_tensor(theirs) or not is_tensor(ours):
        same = ours == theirs or (ours != ours and theirs != theirs)
        return "" if same else f"{ours!r}, PyTorch {theirs!r}"
    if str(ours.dtype) != str(theirs.dtype) or tuple(ours.shape) != tuple(theirs.shape):
        kinds = [f"{t.dtype} {tuple(t.shape)}" for t in (ours, theirs)]
        return ", PyTorch ".join(kinds)
    a, b = array(ours), array(theirs)
    wrong = ~close(a, b, rtol, atol)
    if not wrong.any():
        return ""
    return f"{a[wrong][:4]}, PyTorch {b[wrong][:4]} at {[tuple(map(int, i)) for i in np.argwhere(wrong)[:4]]}"


def close(a: np.ndarray, b: np.ndarray, rtol: float, atol: float) -> np.ndarray:
    """Whether each element agrees: NaN with NaN, infinities with their sign, the others within a
    tolerance that shrinks with the largest number there, so that tiny numbers are compared too."""
    if a.dtype.kind not in "fc":
        return np.asarray(a == b)
    with np.errstate(all="ignore"):
        finite = np.abs(b[np.isfinite(b)])
        scale = min(1.0, float(finite.max())) if finite.size else 1.0
        return np.isclose(a, b, rtol, max(atol * scale, 4 * LEAST), equal_nan=True)


def disagreements(torch: Any, spec: Spec, sample: Sample, weights: str | None = None) -> str:
    return difference(
        spec, outcome(penlight, spec, sample, weights), outcome(torch, spec, sample, weights)
    )
