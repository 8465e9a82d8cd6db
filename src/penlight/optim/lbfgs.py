"""L-BFGS: Newton's method with a Hessian that is known from the last steps alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from penlight._core.threads import one_blas_thread
from penlight.autograd.base import wrap
from penlight.autograd.grad_mode import enable_grad
from penlight.autograd.inplace import bump_version
from penlight.optim.arguments import check_lr
from penlight.optim.groups import numbers
from penlight.optim.line_search import Point, strong_wolfe
from penlight.optim.optimizer import Optimizer, ParamsT
from penlight.tensor import Tensor

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """x <- x - t H g, with H an estimate of the inverse Hessian, never formed.

    Steps s_k and the changes y_k of the gradient that they brought are kept. H is the matrix nearest
    to (s . y / y . y) I, with the last pair, that has H y_k = s_k for all of them. All parameters
    are one vector x, and one ``step`` makes up to ``max_iter`` iterations, so ``closure`` is called
    many times: it must clear the gradients, compute the loss and call ``backward``.

    Args:
        params: the parameters; there can be no groups.
        lr: t, or where the line search starts. In the very first iteration it is divided by the sum
            of |g|, if that is above 1. Default: 1.
        max_iter: iterations in one step. Default: 20.
        max_eval: evaluations of the loss in one step. Default: 1.25 max_iter.
        tolerance_grad: stop when no element of g is larger. Default: 1e-7.
        tolerance_change: stop when x, or the loss, changes by less. Default: 1e-9.
        history_size: how many pairs are kept, each as large as x. Default: 100.
        line_search_fn: "strong_wolfe" (:func:`strong_wolfe`), or None for t = lr. Default: None.

    State (of the first parameter, for all):
        func_evals, n_iter: how many there were; d, t: direction and length of the last step;
        old_stps, old_dirs: the s_k and y_k; ro: 1 / (s_k . y_k); H_diag: s . y / y . y;
        prev_flat_grad, prev_loss: before the last step; al: memory of the recursion.

    Source: Nocedal & Wright, "Numerical Optimization", 2006, algorithms 7.4 and 7.5.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr("LBFGS", lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS: doesn't support per-parameter options (parameter groups)")

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Make up to ``max_iter`` iterations.

        Args:
            closure: computes the loss and its gradients anew.

        Returns:
            What ``closure`` returned first.

        Raises:
            RuntimeError: if ``line_search_fn`` is unknown.
        """
        if len(self.param_groups) != 1:
            raise AssertionError(f"LBFGS: expected one group, got {len(self.param_groups)}")
        group, params = numbers(self.param_groups[0]), self.param_groups[0]["params"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(
                "LBFGS: line_search_fn: only 'strong_wolfe' is supported, got "
                f"{group['line_search_fn']!r}"
            )
        state = self.state[params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        closure = enable_grad()(closure)

        first = closure()
        loss, g, evaluations = _number(first), _gradient(params), 1
        state["func_evals"] += 1
        if _largest(g) <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            d = _direction(g, state, group["history_size"])
            t = group["lr"] / (max(1.0, float(np.abs(g).sum())) if state["n_iter"] == 1 else 1)
            state.update(d=wrap(Tensor, d), t=t, prev_flat_grad=wrap(Tensor, g), prev_loss=loss)
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break
            before, used = loss, 0
            if group["line_search_fn"] is not None:
                loss, g, t, used = _search(closure, params, Point(0, loss, g, slope), t, d, group,
                                           group["max_eval"] - evaluations)  # fmt: skip
                state["t"] = t
                _move(params, t, d)
            else:
                _move(params, t, d)
                if iteration < group["max_iter"]:
                    loss, g, used = _number(closure()), _gradient(params), 1
            evaluations += used
            state["func_evals"] += used
            change = group["tolerance_change"]
            if (
                evaluations >= group["max_eval"]
                or _largest(g) <= group["tolerance_grad"]
                or _largest(t * d) <= change
                or abs(loss - before) < change
            ):
                break
        return first


def _direction(g: np.ndarray, state: dict[str, Any], history_size: int) -> np.ndarray:
    """-H g, from right to left through H's product form, which each pair (s, y) adds two factors to."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return -g
    ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
    with one_blas_thread():
        y = g - state["prev_flat_grad"]._array
        s = float(state["t"]) * state["d"]._array
        curvature = y @ s
        if curvature > 1e-10:  # keeps H positive definite
            if len(ys) == history_size:
                ys.pop(0), ss.pop(0), ro.pop(0)
            for kept, value in ((ys, y), (ss, s), (ro, np.asarray(1 / curvature))):
                kept.append(wrap(Tensor, value))
            state["H_diag"] = wrap(Tensor, np.asarray(curvature / (y @ y)))
        al = state.setdefault("al", [None] * history_size)
        q = -g
        for i in reversed(range(len(ys))):
            alpha = (ss[i]._array @ q) * ro[i]._array
            q -= alpha * ys[i]._array
            al[i] = wrap(Tensor, np.asarray(alpha))
        q *= float(state["H_diag"])
        for i in range(len(ys)):
            beta = (ys[i]._array @ q) * ro[i]._array
            q += (al[i]._array - beta) * ss[i]._array
    return q


def _search(
    closure: Callable[[], Any],
    params: list[Tensor],
    start: Point,
    t: float,
    d: np.ndarray,
    group: dict[str, Any],
    max_steps: int,
) -> tuple[float, np.ndarray, float, int]:
    """Loss, gradient and t that the line search finds, and how often it evaluated them."""
    values = [p._array.copy() for p in params]

    def evaluate(t: float) -> Point:
        _move(params, t, d)
        f, g = _number(closure()), _gradient(params)
        for p, value in zip(params, values, strict=True):
            bump_version(p)
            p._array[...] = value
        return Point(t, f, g, float(g @ d))

    point, used = strong_wolfe(evaluate, start, t, _largest(d),
                               tolerance=group["tolerance_change"], max_steps=max_steps)  # fmt: skip
    return point.f, point.gradient, point.t, used


def _row(array: np.ndarray) -> np.ndarray:
    """The elements in a row, complex ones as two."""
    row = array.reshape(-1)
    return row.view(row.real.dtype) if row.dtype.kind == "c" else row


def _gradient(params: list[Tensor]) -> np.ndarray:
    """The gradients of all parameters in a row; 0 for those without."""
    arrays = [p._array if p._grad is None else p._grad._array for p in params]
    rows = [_row(a) for a in arrays]
    return np.concatenate(
        [
            np.zeros_like(row) if p._grad is None else row
            for p, row in zip(params, rows, strict=True)
        ]
    )


def _move(params: list[Tensor], t: float, d: np.ndarray) -> None:
    """x <- x + t d."""
    start = 0
    for p in params:
        array = p._array
        size = array.size * (2 if array.dtype.kind == "c" else 1)
        step = (t * d[start : start + size]).astype(array.real.dtype)
        bump_version(p)
        array += step.view(array.dtype).reshape(array.shape)
        start += size


def _number(loss: Any) -> float:
    return float(loss.detach() if isinstance(loss, Tensor) else loss)


def _largest(x: np.ndarray) -> float:
    return float(np.abs(x).max(initial=0))
