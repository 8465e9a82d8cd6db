"""``penlight gradcheck``."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.progress import track
from rich.table import Table
from rich.text import Text

import penlight
from penlight.cli.messages import has_bars, make_console
from penlight.models import MODELS
from penlight.nn import functional as F
from penlight.testing import gradient_error
from penlight.testing.specs import MODULES, SPECS, module_program, op_program
from penlight.training import ConfigError

__all__ = ["gradcheck"]

TOLERANCE = 1e-4

Program = tuple[Callable[[], Any], list[Any]]  # a function, and the leaves to differentiate it by


@dataclass(frozen=True)
class Case:
    """Something with gradients, and the programs that try it.

    Attributes:
        name: as shown and as searched.
        kind: ``"op"``, ``"module"`` or ``"model"``.
        programs: made one by one.
        second_order: whether second derivatives exist.
        eps: step of the difference.
    """

    name: str
    kind: str
    programs: Callable[[], Iterator[Program]]
    second_order: bool = True
    eps: float = 1e-6


def gradcheck(
    name: Annotated[
        str | None, typer.Argument(help="part of a name, such as conv2d or lenet; all if not given")
    ] = None,
) -> None:
    """Check hand-derived gradients against numerical ones, in float64.

    Along a random direction v, <grad L, v> must equal (L(x + h v) - L(x - h v)) / 2h. Shown is the
    largest relative error over all cases of an op, module or model; for the second order the same
    of <grad L, u>.
    """
    console = make_console()
    chosen = [case for case in _cases() if name is None or name.lower() in case.name.lower()]
    if not chosen:
        near = difflib.get_close_matches(str(name), [case.name for case in _cases()], 3, 0.4)
        hint = f"did you mean {', '.join(near)}?" if near else "without a name all are checked"
        raise ConfigError(f"gradcheck: no op, module or model is called {name!r}; {hint}")
    table = Table("name", "kind", "cases", "1st order", "2nd order", "seconds")
    failed = 0
    quiet = not has_bars(console)
    for case in track(chosen, "checking", console=console, transient=True, disable=quiet):
        started = time.perf_counter()
        count, errors = _errors(case)
        if not count:
            continue
        failed += max(errors) > TOLERANCE
        seconds = f"{time.perf_counter() - started:.2f}"
        shown = [_shown(errors[0]), _shown(errors[1]) if case.second_order else Text("-")]
        table.add_row(case.name, case.kind, str(count), *shown, seconds)
    console.print(table)
    console.print(
        f"{table.row_count} checked, relative errors at most {TOLERANCE:g}"
        if not failed
        else f"{failed} of {table.row_count} differ by more than {TOLERANCE:g}",
        style="bold red" if failed else None,
    )
    if failed:
        raise typer.Exit(1)


def _shown(error: float) -> Text:
    return Text(f"{error:.1e}", style="bold red" if error > TOLERANCE else "")


def _errors(case: Case) -> tuple[int, tuple[float, float]]:
    """How many programs there were, and the largest errors of first and second order."""
    first = second = 0.0
    count = 0
    for function, leaves in case.programs():
        if not leaves:
            continue
        count += 1
        first = max(first, gradient_error(function, leaves, eps=case.eps))
        if case.second_order:
            second = max(second, gradient_error(function, leaves, order=2, eps=case.eps))
    return count, (first, second)


def _cases() -> Iterator[Case]:
    for op in SPECS.values():
        if op.gradient and op.numerical:

            def run_op(spec: Any = op) -> Iterator[Program]:
                return (op_program(penlight, spec, sample) for sample in spec.cases())

            yield Case(op.name, "op", run_op, op.second_order)
    for module in MODULES.values():
        if module.numerical:

            def run_module(spec: Any = module) -> Iterator[Program]:
                for training in (True, False) if spec.train_mode else (False,):
                    for sample in spec.cases():
                        yield module_program(penlight, spec, sample, training)

            yield Case(module.name, "module", run_module, module.second_order)
    for name in MODELS:
        yield Case(name, "model", lambda name=name: _model_program(name), eps=1e-8)  # type: ignore[misc]


def _model_program(name: str) -> Iterator[Program]:
    """The loss of a whole model on four random images, as a function of all its parameters."""
    penlight.manual_seed(0)
    model = MODELS[name].build(in_shape=(1, 28, 28), num_classes=10).double()
    x = penlight.randn(4, 1, 28, 28, dtype=penlight.float64)
    y = penlight.arange(4)
    yield lambda: F.cross_entropy(model(x), y), list(model.parameters())
