"""Recurrent layers: a whole sequence in one op, differentiated by backpropagation through time.

A layer's state s_t = F(s_{t-1}, x_t; w) gives L through every step. With ds_t = dL/ds_t, of which a part
comes from y_t and a part from step t + 1,

    ds_{t-1} = (dF_t/ds)^T ds_t,   dx_t = (dF_t/dx)^T ds_t,   dw = sum_t (dF_t/dw)^T ds_t,

from the last step to the first. The kernels do that with the values that forward kept. When the
derivative is itself to be differentiated, backward composes the same layer of basic ops, a step at a
time, and asks for the gradient of that.

Source: Werbos, "Backpropagation Through Time: What It Does and How to Do It", 1990.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase
from penlight.autograd.engine import grad
from penlight.autograd.op import Alias, Op
from penlight.kernels import recurrent
from penlight.kernels.recurrent import Layout
from penlight.ops.activation import Relu, Sigmoid

__all__ = ["GRU", "LSTM", "Layout", "RNNReLU", "RNNTanh", "Recurrent"]


class Recurrent(Op):
    """One layer: y and the last states from x, the first states and the weights.

    ``apply(layout, x, *states, *weights)``: x is (T, N, I), or as ``layout`` says; each state
    (D, N, size) for D directions, or None for zeros; ``weights`` those of one direction, then of the
    other.
    """

    materialize = False
    cell: Any  # the kernel
    states: int = 1  # how many there are
    weights: int = 4  # how many in each direction

    @staticmethod
    def sizes(*weights: Any) -> tuple[int, ...]:
        """The size of each state."""
        return (weights[1].shape[1],)

    @staticmethod
    def step(x: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        """F: the next states, of which the first is y."""
        raise NotImplementedError("a Recurrent must override step(x, states, *weights)")

    @classmethod
    def forward(cls, ctx: Any, layout: Layout, x: Any, *rest: Any) -> Any:
        keep = any(ctx.edges)
        dtype = np.dtype(np.float32) if x.dtype == np.float16 else x.dtype
        directions = cls.directions(rest, dtype)
        first = cls.zeros_for(rest[: cls.states], directions, layout.batch(x), dtype)
        prepared = [cls.cell.prepare(*w) for w in directions]
        y, last, tapes = recurrent.forward(cls.cell, x, first, prepared, layout, keep)
        if keep:
            ctx.layout, ctx.dtype = layout, dtype
            ctx.save(x, *rest, tapes)
        return y, *(s.astype(x.dtype, copy=False) for s in last)

    @classmethod
    def backward(cls, ctx: Any, *dys: Any) -> Any:
        x, *rest, tapes = ctx.saved
        if any(isinstance(dy, TensorBase) for dy in dys):
            return cls.backward_by_steps(ctx, x, rest, dys)
        need_x = ctx.edges[1]
        directions = cls.directions(rest, ctx.dtype)
        dstates = cls.zeros_for(dys[1:], directions, ctx.layout.batch(x), ctx.dtype)
        dx = np.empty(x.shape, x.dtype) if need_x else None
        dweights = recurrent.backward(cls.cell, tapes, dys[0], dstates, dx, directions, ctx.layout)
        return None, dx, *dstates, *(d for ds in dweights for d in ds)

    @classmethod
    def backward_by_steps(cls, ctx: Any, x: Any, rest: Any, dys: tuple[Any, ...]) -> Any:
        """As :meth:`backward`, from Tensors: the gradients have a graph of their own."""
        inputs = [Alias.apply(t) if isinstance(t, TensorBase) else t for t in (x, *rest)]
        outputs = cls.by_steps(ctx.layout, *inputs)
        given = [(y, g) for y, g in zip(outputs, dys, strict=True) if g is not None]
        ys, gs = zip(*given, strict=True)
        wanted = [t for t, edge in zip(inputs, ctx.edges[1:], strict=True) if edge]
        found = iter(grad(ys, wanted, gs, create_graph=True, allow_unused=True))
        return None, *(next(found) if edge else None for edge in ctx.edges[1:])

    @classmethod
    def by_steps(cls, layout: Layout, x: Any, *rest: Any) -> tuple[Any, ...]:
        """What ``apply`` gives, composed of basic ops."""
        directions = cls.directions(rest, x.dtype)
        steps = layout.steps(x)
        given = cls.zeros_for(
            rest[: cls.states], directions, len(steps[0]), np.dtype(str(x.dtype)[6:])
        )
        ys, lasts = [], []
        for d, weights in enumerate(directions):
            now = tuple(s[d] for s in given)
            outputs = []
            for x_t in steps[::-1] if d else steps:
                n = len(x_t)
                new = cls.step(x_t, tuple(s[:n] for s in now), *weights)
                outputs.append(new[0])
                if n < len(now[0]):
                    new = tuple(
                        np.concatenate((s, old[n:])) for s, old in zip(new, now, strict=True)
                    )
                now = new
            ys.append(layout.joined(outputs[::-1] if d else outputs))
            lasts.append(now)
        y = np.concatenate(ys, -1) if len(ys) > 1 else ys[0]
        return y, *(np.stack(kind) for kind in zip(*lasts, strict=True))

    @classmethod
    def directions(cls, rest: Any, dtype: Any) -> list[Any]:
        """The weights of each direction; ndarrays in the dtype to compute in."""
        weights = [
            w.astype(dtype, copy=False) if isinstance(w, np.ndarray) else w
            for w in rest[cls.states :]
        ]
        return [weights[i : i + cls.weights] for i in range(0, len(weights), cls.weights)]

    @classmethod
    def zeros_for(
        cls, states: Any, directions: list[Any], batch: int, dtype: Any
    ) -> tuple[Any, ...]:
        """The states, or their gradients, zeros for None; ndarrays as copies."""
        sizes = cls.sizes(*directions[0])
        return tuple(
            np.zeros((len(directions), batch, size), dtype) if s is None
            else s.astype(dtype) if isinstance(s, np.ndarray) else s
            for s, size in zip(states, sizes, strict=True)
        )  # fmt: skip


def _affine(x: Any, w: Any, b: Any) -> Any:
    y = x @ np.swapaxes(w, 0, 1)
    return y if b is None else y + b


class LSTM(Recurrent):
    """Long short-term memory: gates decide what the cell c forgets, takes in and shows.

    i, f, o = sigma(W_i x + b_i + U_i h + d_i), ... f, ... o;   g = tanh(W_g x + b_g + U_g h + d_g);
    c' = f c + i g;   h' = o tanh(c'), or V o tanh(c') with a projection.

    dL/dc' = dc' + dh' o (1 - tanh(c')^2), and with that dc = dc' f; the gates' derivatives follow from
    sigma' = sigma (1 - sigma) and tanh' = 1 - tanh^2, and [dx; dh] = [W, U]^T da. See the kernel.

    Source: Hochreiter & Schmidhuber, "Long Short-Term Memory", 1997; Gers et al., "Learning to Forget",
    2000; projections: Sak, Senior & Beaufays, 2014.
    """

    cell = recurrent.lstm
    states = 2
    weights = 5

    @staticmethod
    def sizes(*weights: Any) -> tuple[int, ...]:
        return weights[1].shape[1], weights[1].shape[0] // 4

    @staticmethod
    def step(x: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        w_ih, w_hh, b_ih, b_hh, w_hr = weights
        h, c = states
        a = _affine(x, w_ih, b_ih) + _affine(h, w_hh, b_hh)
        size = a.shape[1] // 4
        i, f, g, o = (a[:, k * size : (k + 1) * size] for k in range(4))
        c = Sigmoid.apply(f) * c + Sigmoid.apply(i) * np.tanh(g)
        h = Sigmoid.apply(o) * np.tanh(c)
        return (h if w_hr is None else _affine(h, w_hr, None)), c


class GRU(Recurrent):
    """Gated recurrent unit: h moves towards a proposal n, as far as z lets it.

    r, z = sigma(W_r x + b_r + U_r h + d_r), and so for z;   n = tanh(W_n x + b_n + r (U_n h + d_n));
    h' = (1 - z) n + z h.

    dL/dn = dh' (1 - z), dL/dz = dh' (h - n), dL/dr = da_n (U_n h + d_n), and to h goes dh' z and what comes
    back through U. See the kernel.

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
    """

    cell = recurrent.gru

    @staticmethod
    def step(x: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        w_ih, w_hh, b_ih, b_hh = weights
        (h,) = states
        a, q = _affine(x, w_ih, b_ih), _affine(h, w_hh, b_hh)
        size = h.shape[1]
        r = Sigmoid.apply(a[:, :size] + q[:, :size])
        z = Sigmoid.apply(a[:, size : 2 * size] + q[:, size : 2 * size])
        n = np.tanh(a[:, 2 * size :] + r * q[:, 2 * size :])
        return (n + z * (h - n),)


class RNNTanh(Recurrent):
    """h' = tanh(W x + b + U h + d); da = dh' (1 - h'^2).

    Source: Elman, "Finding Structure in Time", 1990.
    """

    cell = recurrent.elman.Tanh

    @staticmethod
    def step(x: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        w_ih, w_hh, b_ih, b_hh = weights
        return (np.tanh(_affine(x, w_ih, b_ih) + _affine(states[0], w_hh, b_hh)),)


class RNNReLU(Recurrent):
    """h' = max(W x + b + U h + d, 0); da = dh' where h' > 0.

    Source: Le, Jaitly & Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear
    Units", 2015.
    """

    cell = recurrent.elman.Relu

    @staticmethod
    def step(x: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        w_ih, w_hh, b_ih, b_hh = weights
        return (Relu.apply(_affine(x, w_ih, b_ih) + _affine(states[0], w_hh, b_hh)),)
