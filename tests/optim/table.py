"""The rows: each optimizer and each scheduler, in every configuration that changes what it computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SHAPES: list[tuple[int, ...]] = [(), (1,), (5,), (4, 3), (2, 3, 2), (0,), (2, 0, 3), (130, 140)]
NOT_EMPTY = [(1,), (5,), (), (4, 3), (2, 3, 2), (1, 1, 4), (130, 140)]
TABLES: list[tuple[int, ...]] = [(1,), (5,), (4, 3), (2, 3, 2), (6, 1), (1, 6), (130, 140)]
MATRICES: list[tuple[int, ...]] = [(1, 1), (1, 5), (5, 1), (4, 3), (3, 4), (7, 7), (130, 140)]


@dataclass
class OptimizerRow:
    """One optimizer in one configuration; ``lr`` is one with which it converges quickly."""

    name: str
    lr: float
    options: dict[str, Any] = field(default_factory=dict)
    shapes: list[tuple[int, ...]] = field(
        default_factory=lambda: SHAPES
    )  # that PyTorch can do, too
    sparse: bool = False  # has gradients with rows of zeros, which are sparse in PyTorch
    takes_complex: bool = True
    imprecision: tuple[float, float] = 1, 1  # PyTorch's errors in float32, float64, over the usual

    @property
    def id(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.options.items())})"

    def build(self, lib: Any, params: Any, **more: Any) -> Any:
        return getattr(lib.optim, self.name)(params, **{"lr": self.lr, **self.options, **more})

    def parameters(self, lib: Any, dtype: str = "float32") -> list[Any]:
        return make_parameters(lib, dtype, self.shapes)

    def set_gradients(self, lib: Any, params: list[Any], seed: int, skip: Any = (-1,)) -> None:
        set_gradients(lib, params, seed, skip, self.sparse)


def adafactor(lr: float, options: dict[str, Any]) -> OptimizerRow:
    return OptimizerRow("Adafactor", lr, options, NOT_EMPTY, takes_complex=False)


def muon(lr: float, options: dict[str, Any]) -> OptimizerRow:
    return OptimizerRow(
        "Muon", lr, options, MATRICES, takes_complex=False, imprecision=(5000, 1e10)
    )


def sparse_adam(lr: float, options: dict[str, Any]) -> OptimizerRow:
    return OptimizerRow("SparseAdam", lr, options, TABLES, sparse=True, takes_complex=False)


OPTIMIZERS = [
    OptimizerRow("SGD", 0.1),
    OptimizerRow("SGD", 0.1, {"weight_decay": 0.1}),
    OptimizerRow("SGD", 0.02, {"momentum": 0.9}),
    OptimizerRow("SGD", 0.02, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}),
    OptimizerRow("SGD", 0.02, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    OptimizerRow("SGD", 0.02, {"momentum": 0.9, "maximize": True, "weight_decay": 0.01}),
    OptimizerRow("Adam", 0.05),
    OptimizerRow("Adam", 0.05, {"betas": (0.0, 0.99), "eps": 1e-3}),
    OptimizerRow("Adam", 0.05, {"amsgrad": True, "weight_decay": 0.01}),
    OptimizerRow("Adam", 0.05, {"maximize": True, "weight_decay": 0.01}),
    OptimizerRow("Adam", 0.05, {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    OptimizerRow("AdamW", 0.05),
    OptimizerRow("AdamW", 0.05, {"amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    OptimizerRow("RMSprop", 0.01),
    OptimizerRow("RMSprop", 0.01, {"alpha": 0.8, "weight_decay": 0.01, "maximize": True}),
    OptimizerRow("RMSprop", 0.01, {"centered": True}),
    OptimizerRow("RMSprop", 0.003, {"centered": True, "momentum": 0.9, "weight_decay": 0.01}),
    OptimizerRow("Adagrad", 0.5),
    OptimizerRow("Adagrad", 0.5, {"lr_decay": 0.01, "weight_decay": 0.01}),
    OptimizerRow("Adagrad", 0.5, {"initial_accumulator_value": 0.3, "maximize": True}),
    OptimizerRow("Adadelta", 3.0),
    OptimizerRow(
        "Adadelta", 0.1, {"rho": 0.7, "eps": 1e-3, "weight_decay": 0.01, "maximize": True}
    ),
    OptimizerRow("Adamax", 0.05),
    OptimizerRow("Adamax", 0.05, {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.01}),
    OptimizerRow("Adamax", 0.05, {"maximize": True}),
    OptimizerRow("NAdam", 0.05),
    OptimizerRow("NAdam", 0.05, {"betas": (0.8, 0.99), "eps": 1e-3, "momentum_decay": 0.1}),
    OptimizerRow("NAdam", 0.05, {"weight_decay": 0.01, "maximize": True}),
    OptimizerRow("NAdam", 0.05, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    OptimizerRow("RAdam", 0.05),
    OptimizerRow("RAdam", 0.05, {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.01}),
    OptimizerRow("RAdam", 0.05, {"betas": (0.8, 0.7), "maximize": True}),  # never divides
    OptimizerRow("RAdam", 0.05, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    OptimizerRow("ASGD", 0.1),
    OptimizerRow("ASGD", 0.1, {"t0": 3, "lambd": 0.01, "alpha": 0.5, "weight_decay": 0.01}),
    OptimizerRow("ASGD", 0.1, {"t0": 0, "maximize": True}),
    OptimizerRow("Rprop", 0.05),
    OptimizerRow("Rprop", 0.05, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.06), "maximize": True}),
    adafactor(0.1, {}),
    adafactor(0.1, {"beta2_decay": -0.5, "eps": (1e-2, 0.1), "d": 2.0, "weight_decay": 0.1}),
    adafactor(0.1, {"maximize": True}),
    muon(0.02, {}),
    muon(0.02, {"nesterov": False, "momentum": 0.8, "weight_decay": 0.01, "ns_steps": 3}),
    muon(0.08, {"adjust_lr_fn": "match_rms_adamw", "ns_coefficients": (2.0, -1.5, 0.5)}),
    sparse_adam(0.05, {}),
    sparse_adam(0.05, {"betas": (0.8, 0.9), "eps": 1e-3, "maximize": True}),
]

BAD_OPTIONS = [
    ("SGD", {"lr": -0.1}, ValueError, "lr"),
    ("SGD", {"momentum": -1}, ValueError, "momentum"),
    ("SGD", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("SGD", {"nesterov": True}, ValueError, "nesterov"),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError, "dampening"),
    ("SGD", {"foreach": True, "fused": True}, RuntimeError, "foreach"),
    ("SGD", {"fused": True, "differentiable": True}, RuntimeError, "differentiable"),
    ("SGD", {"lr": "0.1"}, TypeError, "str"),
    ("Adam", {"lr": -1}, ValueError, "lr"),
    ("Adam", {"lr": float("nan")}, ValueError, "lr"),
    ("Adam", {"eps": -1}, ValueError, "eps"),
    ("Adam", {"betas": (1.0, 0.9)}, ValueError, r"betas\[0\]"),
    ("Adam", {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\]"),
    ("Adam", {"betas": (-0.1, 0.9)}, ValueError, r"betas\[0\]"),
    ("Adam", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("Adam", {"foreach": True, "fused": True}, RuntimeError, "foreach"),
    ("AdamW", {"lr": -1}, ValueError, "AdamW: lr"),
    ("AdamW", {"weight_decay": -1}, ValueError, "AdamW: weight_decay"),
    ("RMSprop", {"lr": -1}, ValueError, "lr"),
    ("RMSprop", {"alpha": -1}, ValueError, "alpha"),
    ("RMSprop", {"eps": -1}, ValueError, "eps"),
    ("RMSprop", {"momentum": -1}, ValueError, "momentum"),
    ("RMSprop", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("Adagrad", {"lr": -1}, ValueError, "lr"),
    ("Adagrad", {"lr_decay": -1}, ValueError, "lr_decay"),
    ("Adagrad", {"eps": -1}, ValueError, "eps"),
    ("Adagrad", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("Adagrad", {"initial_accumulator_value": -1}, ValueError, "initial_accumulator_value"),
    ("Adadelta", {"lr": -1}, ValueError, "lr"),
    ("Adadelta", {"rho": 1.1}, ValueError, "rho"),
    ("Adadelta", {"rho": -0.1}, ValueError, "rho"),
    ("Adadelta", {"eps": -1}, ValueError, "eps"),
    ("Adadelta", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("Adamax", {"lr": -1}, ValueError, "lr"),
    ("Adamax", {"eps": -1}, ValueError, "eps"),
    ("Adamax", {"betas": (1.0, 0.9)}, ValueError, r"betas\[0\]"),
    ("Adamax", {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\]"),
    ("Adamax", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("NAdam", {"lr": -1}, ValueError, "lr"),
    ("NAdam", {"eps": -1}, ValueError, "eps"),
    ("NAdam", {"betas": (1.0, 0.9)}, ValueError, r"betas\[0\]"),
    ("NAdam", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("NAdam", {"momentum_decay": -1}, ValueError, "momentum_decay"),
    ("RAdam", {"lr": -1}, ValueError, "lr"),
    ("RAdam", {"eps": -1}, ValueError, "eps"),
    ("RAdam", {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\]"),
    ("RAdam", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("ASGD", {"lr": -1}, ValueError, "lr"),
    ("ASGD", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("Rprop", {"lr": -1}, ValueError, "lr"),
    ("Rprop", {"etas": (1.0, 1.2)}, ValueError, "etas"),
    ("Rprop", {"etas": (0.5, 1.0)}, ValueError, "etas"),
    ("Rprop", {"etas": (0.0, 1.2)}, ValueError, "etas"),
    ("Adafactor", {"lr": -1}, ValueError, "lr"),
    ("Adafactor", {"beta2_decay": 0.1}, ValueError, "beta2_decay"),
    ("Adafactor", {"eps": (-1, 0.1)}, ValueError, "eps1"),
    ("Adafactor", {"eps": (None, -1)}, ValueError, "eps2"),
    ("Adafactor", {"d": 0.9}, ValueError, "d must be"),
    ("Adafactor", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("Muon", {}, ValueError, "matrices"),  # not all parameters are
    ("Muon", {"lr": -1}, ValueError, "lr"),
    ("Muon", {"momentum": -1}, ValueError, "momentum"),
    ("Muon", {"weight_decay": -1}, ValueError, "weight_decay"),
    ("Muon", {"adjust_lr_fn": "x"}, ValueError, "adjust_lr_fn"),
    ("SparseAdam", {"lr": 0}, ValueError, "lr"),
    ("SparseAdam", {"eps": 0}, ValueError, "eps"),
    ("SparseAdam", {"betas": (1.0, 0.9)}, ValueError, r"betas\[0\]"),
    ("SparseAdam", {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\]"),
    ("LBFGS", {"lr": -1}, ValueError, "lr"),
]


# -- parameters and gradients --------------------------------------------------------------------


def parameter(lib: Any, array: np.ndarray) -> Any:
    """A parameter over an array of any layout."""
    return lib.nn.Parameter(lib.from_numpy(array))


def make_parameters(
    lib: Any, dtype: str = "float32", shapes: list[tuple[int, ...]] = SHAPES
) -> list[Any]:
    """Parameters of some shapes; then a transposed one, a strided one, and one of no gradient."""
    rng = np.random.default_rng(0)
    arrays = [np.asarray(rng.standard_normal(s), dtype) for s in shapes]
    arrays.append(np.asarray(rng.standard_normal((5, 4)), dtype).T)
    arrays.append(np.asarray(rng.standard_normal((6, 4)), dtype)[::2, 1:3])
    arrays.append(np.asarray(rng.standard_normal(3 if shapes is not MATRICES else (3, 3)), dtype))
    return [parameter(lib, a) for a in arrays]


def set_gradients(
    lib: Any, params: list[Any], seed: int, skip: tuple[int, ...] = (-1,), sparse: bool = False
) -> None:
    """The same gradients in both libraries; none for the parameters in ``skip``."""
    rng = np.random.default_rng(seed)
    without = {range(len(params))[i] for i in skip}
    for i, p in enumerate(params):
        values = np.asarray(
            rng.standard_normal(tuple(p.shape)), str(p.dtype).removeprefix("torch.")
        )
        if sparse:
            values[rng.random(len(values)) < 0.5] = 0
        p.grad = None if i in without else lib.from_numpy(values)
        if sparse and p.grad is not None and lib.__name__ == "torch":
            p.grad = p.grad.to_sparse(1)


def values(tensors: list[Any]) -> list[np.ndarray]:
    return [np.array(t.detach().numpy() if hasattr(t, "detach") else t) for t in tensors]


# -- schedulers ----------------------------------------------------------------------------------


@dataclass
class SchedulerRow:
    """One scheduler in one configuration, for an optimizer of two groups."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    make: Callable[[Any, Any], Any] | None = None  # (lr_scheduler, optimizer), instead of options
    label: str = ""

    @property
    def id(self) -> str:
        parts = [f"{k}={getattr(v, '__name__', v)}" for k, v in self.options.items()]
        return f"{self.name}({self.label or ', '.join(parts)})"

    def build(self, lib: Any, optimizer: Any, **more: Any) -> Any:
        schedulers = lib.optim.lr_scheduler
        if self.make is not None:
            return self.make(schedulers, optimizer)
        return getattr(schedulers, self.name)(optimizer, **self.options, **more)


def halves(t: int) -> float:
    return 0.5 ** (t // 4)


def wobble(t: int) -> float:
    return 1.0 + 0.3 * (-1) ** t


def shrink(x: float) -> float:
    return 1 / (1 + x)


SCHEDULERS = [
    SchedulerRow("LambdaLR", {"lr_lambda": halves}),
    SchedulerRow("LambdaLR", {"lr_lambda": [halves, wobble]}, label="list"),
    SchedulerRow("MultiplicativeLR", {"lr_lambda": wobble}),
    SchedulerRow("MultiplicativeLR", {"lr_lambda": [wobble, halves]}, label="list"),
    SchedulerRow("StepLR", {"step_size": 7}),
    SchedulerRow("StepLR", {"step_size": 1, "gamma": 0.9}),
    SchedulerRow("MultiStepLR", {"milestones": [3, 9, 9, 20], "gamma": 0.5}),
    SchedulerRow("MultiStepLR", {"milestones": [20, 9]}),
    SchedulerRow("ConstantLR"),
    SchedulerRow("ConstantLR", {"factor": 0.7, "total_iters": 12}),
    SchedulerRow("LinearLR"),
    SchedulerRow("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 30}),
    SchedulerRow("LinearLR", {"start_factor": 0.01, "end_factor": 0.9, "total_iters": 9}),
    SchedulerRow("ExponentialLR", {"gamma": 0.93}),
    SchedulerRow("PolynomialLR"),
    SchedulerRow("PolynomialLR", {"total_iters": 25, "power": 2.5}),
    SchedulerRow("CosineAnnealingLR", {"T_max": 10}),
    SchedulerRow("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.02}),
    SchedulerRow("CosineAnnealingLR", {"T_max": 60, "eta_min": 0.001}),
    SchedulerRow("CosineAnnealingWarmRestarts", {"T_0": 9}),
    SchedulerRow("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    SchedulerRow("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    SchedulerRow("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 5}),
    SchedulerRow(
        "CyclicLR",
        {
            "base_lr": [0.01, 0.02],
            "max_lr": [0.1, 0.3],
            "step_size_up": 3,
            "step_size_down": 7,
            "mode": "triangular2",
            "base_momentum": [0.7, 0.6],
            "max_momentum": [0.9, 0.8],
        },
        label="triangular2",
    ),
    SchedulerRow(
        "CyclicLR",
        {
            "base_lr": 0.01,
            "max_lr": 0.3,
            "step_size_up": 4,
            "mode": "exp_range",
            "gamma": 0.95,
            "cycle_momentum": False,
        },
        label="exp_range",
    ),
    SchedulerRow(
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 4, "scale_fn": shrink},
        label="scale_fn of the cycle",
    ),
    SchedulerRow(
        "CyclicLR",
        {
            "base_lr": 0.01,
            "max_lr": 0.3,
            "step_size_up": 4,
            "scale_fn": shrink,
            "scale_mode": "iterations",
        },
        label="scale_fn of iterations",
    ),
    SchedulerRow("OneCycleLR", {"max_lr": 0.3, "total_steps": 40}),
    SchedulerRow("OneCycleLR", {"max_lr": [0.3, 0.1], "epochs": 5, "steps_per_epoch": 9}),
    SchedulerRow(
        "OneCycleLR",
        {
            "max_lr": 0.3,
            "total_steps": 45,
            "pct_start": 0.25,
            "anneal_strategy": "linear",
            "three_phase": True,
            "base_momentum": [0.8, 0.7],
            "max_momentum": [0.9, 0.85],
            "div_factor": 10.0,
            "final_div_factor": 100.0,
        },
        label="three phases, linear",
    ),
    SchedulerRow(
        "OneCycleLR",
        {"max_lr": 0.3, "total_steps": 41, "pct_start": 0.0, "cycle_momentum": False},
        label="no rise",
    ),
    SchedulerRow("ReduceLROnPlateau", {"patience": 2, "factor": 0.5}),
    SchedulerRow(
        "ReduceLROnPlateau",
        {
            "mode": "max",
            "patience": 1,
            "factor": 0.7,
            "threshold": 0.05,
            "cooldown": 2,
            "min_lr": [0.01, 0.02],
        },
        label="max",
    ),
    SchedulerRow(
        "ReduceLROnPlateau",
        {"patience": 0, "threshold_mode": "abs", "threshold": 0.2, "eps": 0.01, "min_lr": 0.001},
        label="abs",
    ),
    SchedulerRow(
        "ReduceLROnPlateau",
        {"mode": "max", "patience": 0, "threshold_mode": "abs", "threshold": 0.2},
        label="max, abs",
    ),
    SchedulerRow(
        "SequentialLR",
        make=lambda s, o: s.SequentialLR(
            o,
            [s.ConstantLR(o, 0.5, 3), s.CosineAnnealingLR(o, 9), s.MultiplicativeLR(o, wobble)],
            [4, 20],
        ),
        label="constant, cosine, multiplicative",
    ),
    SchedulerRow(
        "SequentialLR",
        make=lambda s, o: s.SequentialLR(
            o,
            [
                s.LinearLR(o, 0.1, total_iters=5),
                s.CosineAnnealingWarmRestarts(o, 4, 2),
                s.StepLR(o, 3, 0.5),
                s.PolynomialLR(o, 6),
            ],
            [5, 18, 29],
        ),
        label="linear, restarts, step, polynomial",
    ),
    SchedulerRow(
        "SequentialLR",
        make=lambda s, o: s.SequentialLR(o, [s.ConstantLR(o), s.ExponentialLR(o, 0.9)], [0]),
        label="milestone 0",
    ),
    SchedulerRow(
        "ChainedScheduler",
        make=lambda s, o: s.ChainedScheduler(
            [s.LinearLR(o, 0.2, total_iters=10), s.ExponentialLR(o, 0.95), s.StepLR(o, 9, 0.5)]
        ),
        label="linear, exponential, step",
    ),
    SchedulerRow(
        "ChainedScheduler",
        make=lambda s, o: s.ChainedScheduler(
            [s.CosineAnnealingLR(o, 15), s.MultiStepLR(o, [5, 25])], optimizer=o
        ),
        label="cosine, milestones",
    ),
]

BAD_SCHEDULES: list[tuple[str, Callable[[Any, Any], Any], type[Exception], str]] = [
    ("LambdaLR", lambda s, o: s.LambdaLR(o, [halves]), ValueError, "lr_lambdas"),
    ("LambdaLR", lambda s, o: s.LambdaLR(o, 3), TypeError, "callable"),
    (
        "MultiplicativeLR",
        lambda s, o: s.MultiplicativeLR(o, [halves] * 3),
        ValueError,
        "lr_lambdas",
    ),
    ("StepLR", lambda s, o: s.StepLR(3, 1), TypeError, "Optimizer"),
    ("StepLR", lambda s, o: s.StepLR(o, 1, last_epoch=3), KeyError, "initial_lr"),
    ("MultiStepLR", lambda s, o: s.MultiStepLR(o, 3), TypeError, "iterable"),
    ("ConstantLR", lambda s, o: s.ConstantLR(o, 1.1), ValueError, "factor"),
    ("ConstantLR", lambda s, o: s.ConstantLR(o, -0.1), ValueError, "factor"),
    ("LinearLR", lambda s, o: s.LinearLR(o, 0), ValueError, "(?i)start"),
    ("LinearLR", lambda s, o: s.LinearLR(o, 1.1), ValueError, "(?i)start"),
    ("LinearLR", lambda s, o: s.LinearLR(o, 0.5, 1.1), ValueError, "(?i)end"),
    ("restarts", lambda s, o: s.CosineAnnealingWarmRestarts(o, 0), ValueError, "T_0"),
    ("restarts", lambda s, o: s.CosineAnnealingWarmRestarts(o, 1.5), ValueError, "T_0"),
    ("restarts", lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 0), ValueError, "T_mult"),
    ("restarts", lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 1, "a"), ValueError, "eta_min"),
    (
        "restarts",
        lambda s, o: s.CosineAnnealingWarmRestarts(o, 2).step(-1),
        ValueError,
        "non-negative epoch",
    ),
    ("CyclicLR", lambda s, o: s.CyclicLR(o, [0.1], 0.2), ValueError, "base_lr"),
    ("CyclicLR", lambda s, o: s.CyclicLR(o, 0.1, [0.2]), ValueError, "max_lr"),
    ("CyclicLR", lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="x"), ValueError, "mode"),
    ("OneCycleLR", lambda s, o: s.OneCycleLR(o, 0.1), ValueError, "total_steps"),
    ("OneCycleLR", lambda s, o: s.OneCycleLR(o, 0.1, epochs=3), ValueError, "total_steps"),
    ("OneCycleLR", lambda s, o: s.OneCycleLR(o, 0.1, 0), ValueError, "total_steps"),
    ("OneCycleLR", lambda s, o: s.OneCycleLR(o, 0.1, 1.5), ValueError, "total_steps"),
    (
        "OneCycleLR",
        lambda s, o: s.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=1),
        ValueError,
        "epochs",
    ),
    (
        "OneCycleLR",
        lambda s, o: s.OneCycleLR(o, 0.1, epochs=1, steps_per_epoch=-1),
        ValueError,
        "steps_per_epoch",
    ),
    ("OneCycleLR", lambda s, o: s.OneCycleLR(o, 0.1, 9, pct_start=1.5), ValueError, "pct_start"),
    (
        "OneCycleLR",
        lambda s, o: s.OneCycleLR(o, 0.1, 9, anneal_strategy="x"),
        ValueError,
        "anneal_strategy",
    ),
    ("OneCycleLR", lambda s, o: s.OneCycleLR(o, [0.1], 9), ValueError, "max_lr"),
    (
        "OneCycleLR",
        lambda s, o: s.OneCycleLR(o, 0.1, 9, base_momentum=[0.8]),
        ValueError,
        "base_momentum",
    ),
    ("plateau", lambda s, o: s.ReduceLROnPlateau(o, factor=1.0), ValueError, "(?i)factor"),
    ("plateau", lambda s, o: s.ReduceLROnPlateau(o, mode="x"), ValueError, "mode"),
    ("plateau", lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold"),
    ("plateau", lambda s, o: s.ReduceLROnPlateau(o, min_lr=[1]), ValueError, "min_lr"),
    ("plateau", lambda s, o: s.ReduceLROnPlateau(3), TypeError, "Optimizer"),
    ("SequentialLR", lambda s, o: s.SequentialLR(o, [], []), ValueError, "at least one"),
    (
        "SequentialLR",
        lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [1]),
        ValueError,
        "milestone",
    ),
    ("SequentialLR", lambda s, o: s.SequentialLR(o, [3], []), TypeError, "optimizer"),
    (
        "SequentialLR",
        lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1), s.ReduceLROnPlateau(o)], [1]),
        ValueError,
        "ReduceLROnPlateau",
    ),
    ("Chained", lambda s, o: s.ChainedScheduler([]), ValueError, "at least one"),
    (
        "Chained",
        lambda s, o: s.ChainedScheduler([s.StepLR(o, 1), s.ReduceLROnPlateau(o)]),
        ValueError,
        "ReduceLROnPlateau",
    ),
]
