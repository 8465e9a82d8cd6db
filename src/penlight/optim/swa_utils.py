"""Averages of weights: over the steps of training (SWA), or over the recent ones (EMA)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from penlight._core.dtypes import int64
from penlight.autograd.grad_mode import no_grad
from penlight.nn.modules.batchnorm import _BatchNorm
from penlight.nn.modules.module import Module
from penlight.optim.lr_scheduler.momentum import per_group
from penlight.optim.lr_scheduler.scheduler import LRScheduler, Rate
from penlight.optim.optimizer import Optimizer
from penlight.tensor import Tensor
from penlight.tensor.creation import tensor

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
    "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip

Average = Callable[[Tensor, Tensor, Any], Tensor]  # of average, value, number averaged so far
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]  # in place


# -- averages ------------------------------------------------------------------------------------


def get_swa_avg_fn() -> Average:
    """The mean of all values: a + (x - a) / (n + 1), for one parameter."""

    @no_grad()
    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        return averaged + (current - averaged) / (count + 1)

    return average


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average decay a + (1 - decay) x, for one parameter.

    Raises:
        ValueError: for a decay out of [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def average(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return average


def get_swa_multi_avg_fn() -> MultiAverage:
    """The mean of all values, for several parameters in place."""
    return _in_place(lambda a, x, count: _moved(a, x, 1 / (float(count) + 1)))


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """The exponential moving average decay a + (1 - decay) x, for several parameters in place.

    Raises:
        ValueError: for a decay out of [0, 1].
    """
    _check_decay(decay)
    return _in_place(lambda a, x, count: _moved(a, x, 1 - decay))


def _check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(f"decay must be in [0, 1], got {decay}")


def _moved(a: Tensor, x: Tensor, share: float) -> Tensor:
    """a moved towards x by a share of the way."""
    return a.lerp(x, share) if a.is_floating_point() or a.is_complex() else a + (x - a) * share


def _in_place(average: Average) -> MultiAverage:
    @no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Any) -> None:
        for a, x in zip(averaged, current, strict=True):
            a.copy_(average(a, x, count))

    return update


class AveragedModel(Module):
    """A copy of a model whose parameters are an average of the model's, over calls of ``update_parameters``.

    Args:
        model: is copied.
        device: where the copy goes.
        avg_fn: gives a parameter's next average from the present one, the model's parameter and the
            number of models averaged so far. Default: :func:`get_swa_avg_fn`, the mean.
        multi_avg_fn: the same for lists of parameters of one dtype, in place.
        use_buffers: average buffers, too (those of integers are truncated); else they are copied.

    Buffers:
        n_averaged: the number of models averaged so far.

    Raises:
        AssertionError: if both functions are given.

    Source: Izmailov, Podoprikhin, Garipov, Vetrov & Wilson, "Averaging weights leads to wider
    optima and better generalization", 2018, algorithm 1.
    """

    module: Any
    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError(
                "AveragedModel: only one of avg_fn and multi_avg_fn should be provided"
            )
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model computes."""
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take a model's parameters into the average; the first time they are copied."""
        averaged: list[Tensor] = list(self.module.parameters())
        current: list[Tensor] = list(model.parameters())
        own, others = list(self.module.buffers()), list(model.buffers())
        if self.use_buffers:
            averaged, current = averaged + own, current + others
        else:
            _copy_all(own, others)
        averaged, current = [a.detach() for a in averaged], [x.detach() for x in current]
        if self.n_averaged == 0:
            _copy_all(averaged, current)
        elif self.multi_avg_fn is not None:
            for dtype in dict.fromkeys(a.dtype for a in averaged):
                same = [i for i, a in enumerate(averaged) if a.dtype == dtype]
                self.multi_avg_fn(
                    [averaged[i] for i in same], [current[i] for i in same], self.n_averaged
                )
        else:
            average = self.avg_fn or get_swa_avg_fn()
            for a, x in zip(averaged, current, strict=True):
                a.copy_(average(a, x, self.n_averaged))
        self.n_averaged += 1


def _copy_all(to: Sequence[Tensor], source: Sequence[Tensor]) -> None:
    for a, x in zip(to, source, strict=True):
        a.copy_(x)


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of batch norms anew, as plain means over one pass of the data.

    Averaged weights give other activations than any of the models had, so their statistics are
    those of no model.

    Args:
        loader: batches, or lists and tuples that begin with one.
        model: is called on each, in training mode.
        device: where batches go.
    """
    momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for norm in momenta:
        norm.reset_running_stats()
        norm.momentum = None
    for batch in loader:
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(x if device is None else x.to(device))
    for norm, momentum in momenta.items():
        norm.momentum = momentum
    model.train(was_training)


# -- the learning rate ---------------------------------------------------------------------------


class SWALR(LRScheduler):
    """lr_t = (1 - a_t) lr_0 + a_t swa_lr, with a_t from 0 to 1 in ``anneal_epochs`` epochs, then 1.

    a_t = t / T, or (1 - cos(pi t / T)) / 2. The start lr_0 is computed back from the present rate,
    so that another scheduler may go on in between.

    Args:
        optimizer: whose groups are scheduled.
        swa_lr: the rate of the averaging phase, or a list with one per group.
        anneal_epochs: T. Default: 10.
        anneal_strategy: "cos" or "linear". Default: "cos".
        last_epoch: the epoch to go on from. Default: -1, the beginning.

    Raises:
        ValueError: for an unknown strategy, a negative T, a list of the wrong length.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group(swa_lr, optimizer, "swa_lr", "SWALR")
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "SWALR: anneal_strategy must be one of 'cos' or 'linear', instead got "
                f"{anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"SWALR: anneal_epochs must be an integer >= 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """a, when a part t of the epochs is done."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Rate]:
        rates = self._rates()
        step = self._step_count - 1 if self.anneal_epochs else max(1, self._step_count - 1)
        before, now = (
            self.anneal_func(max(0, min(1, s / max(1, self.anneal_epochs))))
            for s in (step - 1, step)
        )
        ends = [group["swa_lr"] for group in self.optimizer.param_groups]
        starts = [
            end if before == 1 else (rate - before * end) / (1 - before)
            for rate, end in zip(rates, ends, strict=True)
        ]
        return [end * now + start * (1 - now) for start, end in zip(starts, ends, strict=True)]
