"""Random convolutions, poolings and normalisations, against PyTorch and numerical gradients."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import penlight
from penlight.testing import gradient_error
from penlight.training import ConfigError, JsonLines

__all__ = ["OPERATIONS", "CheckConfig", "run_checks"]

Case = tuple[str, dict[str, Any], tuple[int, ...]]  # class in nn, its arguments, shape of the input
_TOLERANCE = 1e-4  # of float32, relative to the largest number; sums of up to some thousand terms
_NUMERICAL_TOLERANCE = 1e-5  # of float64 and central differences


def _conv(rng: np.random.Generator) -> Case:
    groups = int(rng.choice([1, 1, 2, 3, 4]))
    kernel, dilation, stride = (tuple(rng.integers(1, n, 2).tolist()) for n in (6, 3, 4))
    padding = tuple(rng.integers(0, 4, 2).tolist())
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [s + int(rng.integers(0, 12)) for s in span]
    mode = str(rng.choice(["zeros", "zeros", "zeros", "reflect", "replicate", "circular"]))
    if mode in ("reflect", "circular"):  # these need an image that is wider than the padding
        size = [max(s, p + 1) for s, p in zip(size, padding, strict=True)]
    arguments = {
        "in_channels": groups * int(rng.integers(1, 9)),
        "out_channels": groups * int(rng.integers(1, 9)),
        "kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation,
        "groups": groups, "bias": bool(rng.integers(2)), "padding_mode": mode,
    }  # fmt: skip
    return "Conv2d", arguments, (int(rng.integers(1, 9)), arguments["in_channels"], *size)


def _pool(rng: np.random.Generator) -> Case:
    kernel = tuple(rng.integers(1, 5, 2).tolist())
    arguments = {
        "kernel_size": kernel,
        "stride": tuple(rng.integers(1, 4, 2).tolist()),
        "padding": tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel),
        "ceil_mode": bool(rng.integers(2)),
    }
    size = [k + int(rng.integers(0, 12)) for k in kernel]
    shape = (int(rng.integers(1, 9)), int(rng.integers(1, 9)), *size)
    if rng.integers(2):
        return "MaxPool2d", {**arguments, "dilation": 1}, shape
    return "AvgPool2d", {**arguments, "count_include_pad": bool(rng.integers(2))}, shape


def _norm(rng: np.random.Generator) -> Case:
    groups = int(rng.integers(1, 5))
    channels = groups * int(rng.integers(1, 5))
    shape = (int(rng.integers(2, 9)), channels, *rng.integers(2, 12, 2).tolist())
    name = str(rng.choice(["BatchNorm2d", "GroupNorm", "LayerNorm", "InstanceNorm2d"]))
    if name == "GroupNorm":
        return name, {"num_groups": groups, "num_channels": channels}, shape
    if name == "LayerNorm":
        return name, {"normalized_shape": shape[1:]}, shape
    return name, {"num_features": channels, "affine": True}, shape


OPERATIONS: Mapping[str, Callable[[np.random.Generator], Case]] = {
    "conv": _conv,
    "pool": _pool,
    "norm": _norm,
}


@dataclass(frozen=True)
class CheckConfig:
    """What a cell checks.

    Attributes:
        operation: one of ``OPERATIONS``.
        cases: how many random ones.
        seed: of shapes, arguments and numbers.
    """

    operation: str = "conv"
    cases: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            names = ", ".join(OPERATIONS)
            raise ConfigError(f"operation must be one of {names}, got {self.operation!r}")
        for name, lowest in (("cases", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
                raise ConfigError(f"{name} must be a whole number >= {lowest}, got {value!r}")

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], where: str = "settings") -> CheckConfig:
        """The config with these settings, as :meth:`TrainConfig.from_dict`."""
        try:
            return cls(**settings)
        except TypeError:
            known = [f.name for f in dataclasses.fields(cls)]
            unknown = next(name for name in settings if name not in known)
            raise ConfigError(
                f"{where}: unknown option {unknown!r}; known: {', '.join(known)}"
            ) from None
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None


def run_checks(
    config: CheckConfig, folder: Path, report: Callable[[float, str], None]
) -> dict[str, Any]:
    """Check the cases that ``folder/cases.jsonl`` does not hold yet.

    Returns:
        Worst errors over all cases, how many lie beyond the tolerance, and the time both libraries took.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch = _find_torch()
    lines = JsonLines(folder / "cases.jsonl")
    began = time.perf_counter()
    try:
        for index in range(len(lines.read()), config.cases):
            lines.append(check_case(config.operation, config.seed, index, torch))
            report((index + 1) / config.cases, f"{config.operation} {index + 1}/{config.cases}")
    finally:
        lines.close()
    return _summary(lines.read()) | {"seconds": round(time.perf_counter() - began, 3)}


def _summary(cases: list[dict[str, Any]]) -> dict[str, Any]:
    def worst(name: str) -> float | None:
        return max((c[name] for c in cases if c.get(name) is not None), default=None)

    def total(name: str) -> float | None:
        seconds = [c[name] for c in cases if c.get(name) is not None]
        return round(sum(seconds), 4) if seconds else None

    return {
        "cases": len(cases),
        "worst_error": worst("error"),
        "worst_gradient_error": worst("gradient_error"),
        "worst_numerical_error": worst("numerical_error"),
        "mismatches": sum(not c["agrees"] for c in cases),
        "penlight_seconds": total("penlight_seconds"),
        "torch_seconds": total("torch_seconds"),
    }


def _find_torch() -> Any:
    """PyTorch with one thread, as each process here has; None where it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    return torch


def check_case(operation: str, seed: int, index: int, torch: Any = None) -> dict[str, Any]:
    """One random case, forward and backward: a line of ``cases.jsonl``."""
    rng = np.random.default_rng([list(OPERATIONS).index(operation), seed, index])
    name, arguments, shape = OPERATIONS[operation](rng)
    x = rng.permutation(np.prod(shape)).reshape(shape) / np.prod(shape) - 0.5  # no ties for max
    ours = getattr(penlight.nn, name)(**arguments)
    state = {n: rng.standard_normal(p.shape) for n, p in ours.named_parameters()}
    dy = rng.standard_normal(tuple(ours(penlight.tensor(x, dtype=penlight.float32)).shape))
    case: dict[str, Any] = {"module": name, "arguments": arguments, "shape": list(shape)}

    y, gradients, case["penlight_seconds"] = _run(penlight, ours, state, x, dy)
    case["numerical_error"] = _numerical_error(ours, x)
    agrees = case["numerical_error"] < _NUMERICAL_TOLERANCE
    if torch is not None:
        theirs = getattr(torch.nn, name)(**arguments)
        expected, their_gradients, case["torch_seconds"] = _run(torch, theirs, state, x, dy)
        case["error"] = _error(y, expected)
        case["gradient_error"] = max(map(_error, gradients, their_gradients))
        agrees = agrees and max(case["error"], case["gradient_error"]) < _TOLERANCE
    return case | {"agrees": agrees}


def _run(
    library: Any, module: Any, state: dict[str, np.ndarray], x: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray], float]:
    """Output, gradients of input and parameters, and seconds, of the second of two passes."""
    seconds = 0.0
    with library.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(library.tensor(state[name], dtype=library.float32))
    upstream = library.tensor(dy, dtype=library.float32)
    for _ in range(2):
        module.zero_grad()
        leaf = library.tensor(x, dtype=library.float32, requires_grad=True)
        began = time.perf_counter()
        y = module(leaf)
        y.backward(upstream)
        seconds = time.perf_counter() - began
    gradients = [leaf.grad, *(p.grad for p in module.parameters())]
    return y.detach().numpy(), [g.numpy() for g in gradients], seconds


def _numerical_error(module: Any, x: np.ndarray) -> float:
    module = module.double()
    leaf = penlight.tensor(x, dtype=penlight.float64, requires_grad=True)
    return gradient_error(lambda: module(leaf), [leaf, *module.parameters()])


def _error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """max |ours - theirs| / max(1, max |theirs|); infinite if shapes or NaNs differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    difference = np.abs(ours - theirs).max(initial=0.0)
    scale = max(1.0, float(np.abs(theirs).max(initial=0.0)))
    return float(difference) / scale if np.isfinite(difference) else float("inf")
