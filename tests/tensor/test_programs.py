"""Pieces of models as people write them, run under both libraries."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from tests.comparison import assert_same, tensors


def _data(t: Any, *shape: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed + sum(shape))
    return t.from_numpy(rng.standard_normal(shape).astype("f"))


def rotary_embedding(t: Any) -> Any:
    """Rotations of pairs as complex products."""
    q = _data(t, 2, 5, 3, 8).requires_grad_()
    freqs = 1.0 / (10000.0 ** (t.arange(0, 8, 2)[:4].float() / 8))
    angles = t.outer(t.arange(5, dtype=t.float32), freqs)
    turns = t.polar(t.ones_like(angles), angles)
    pairs = t.view_as_complex(q.float().reshape(*q.shape[:-1], -1, 2))
    turns = turns.view(*[d if i in (1, 3) else 1 for i, d in enumerate(pairs.shape)])
    y = t.view_as_real(pairs * turns).flatten(3).type_as(q)
    (y * _data(t, 2, 5, 3, 8, seed=1)).sum().backward()
    return y, q.grad


def causal_attention(t: Any) -> Any:
    q, k, v = (_data(t, 2, 3, 6, 4, seed=s).requires_grad_() for s in range(3))
    mask = t.tril(t.ones(6, 6)).view(1, 1, 6, 6)
    scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
    weights = t.softmax(scores.masked_fill(mask[:, :, :6, :6] == 0, float("-inf")), dim=-1)
    y = (weights @ v).transpose(1, 2).contiguous().view(2, 6, 12)
    y.square().mean().backward()
    return y, q.grad, k.grad, v.grad


def top_k_filter(t: Any) -> Any:
    logits = _data(t, 2, 10)
    best, _ = t.topk(logits, min(3, logits.size(-1)))
    logits[logits < best[:, [-1]]] = -float("Inf")
    return t.softmax(logits, -1), t.isinf(logits).sum()


def nucleus_filter(t: Any) -> Any:
    values, order = t.sort(_data(t, 2, 10), descending=True)
    remove = t.cumsum(t.softmax(values, dim=-1), dim=-1) > 0.5
    remove[..., 1:] = remove[..., :-1].clone()
    remove[..., 0] = 0
    return remove.scatter(1, order, remove)


def sinusoids(t: Any) -> Any:
    pe = t.zeros(7, 6)
    position = t.arange(0, 7, dtype=t.float).unsqueeze(1)
    rate = t.exp(t.arange(0, 6, 2).float() * (-math.log(10000.0) / 6))
    pe[:, 0::2] = t.sin(position * rate)
    pe[:, 1::2] = t.cos(position * rate)
    return pe.unsqueeze(0).transpose(0, 1)


def diffusion_schedule(t: Any) -> Any:
    betas = t.linspace(1e-4, 0.02, 10)
    kept = t.cumprod(1 - betas, axis=0)
    before = t.cat([t.tensor([1.0]), kept[:-1]])
    steps = t.full((4,), 3, dtype=t.long)
    x = _data(t, 4, 1, 2, 2)
    noisy = kept.gather(-1, steps).view(-1, 1, 1, 1).sqrt() * x
    return before, noisy, (betas * (1 - before) / (1 - kept)).clamp(min=1e-20).log()


def class_loss_by_hand(t: Any) -> Any:
    logits = _data(t, 5, 4).requires_grad_()
    labels = t.tensor([2, 0, 1, 3, 3])
    one_hot = t.zeros(5, 4).scatter_(1, labels.unsqueeze(1), 1.0)
    logp = logits - logits.logsumexp(dim=1, keepdim=True)
    loss = (
        -(one_hot * logp).sum() / 5
        - logp[range(5), labels].mean()
        - logp[t.arange(5), labels].mean()
    )
    loss.backward()
    return loss, logits.grad, (logits.argmax(1) == labels).float().mean(), t.eye(4)[labels]


def policy_gradient(t: Any) -> Any:
    rewards = [1.0, 0.0, 2.0, -1.0]
    returns, total = [], 0.0
    for r in rewards[::-1]:
        total = r + 0.9 * total
        returns.insert(0, total)
    g = t.tensor(returns)
    g = (g - g.mean()) / (g.std() + 1e-8)
    ratio = _data(t, 4).requires_grad_()
    loss = -t.min(ratio.exp() * g, t.clamp(ratio.exp(), 0.8, 1.2) * g).mean()
    loss.backward()
    return g, loss, ratio.grad


def recurrent_cell(t: Any) -> Any:
    w = _data(t, 6, 12).requires_grad_()
    h = c = t.zeros(2, 3)
    outputs = []
    for x in _data(t, 4, 2, 3).unbind(0):
        gates = t.cat([x, h], 1) @ w
        i, f, g, o = gates.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    y = t.stack(outputs)
    y[-1].pow(2).sum().backward()
    return y, w.grad


def batch_statistics(t: Any) -> Any:
    x = _data(t, 4, 3, 2, 2).requires_grad_()
    running = t.zeros(3)
    mean = x.mean([0, 2, 3])
    var = x.var([0, 2, 3], unbiased=False)
    with t.no_grad():
        running.mul_(0.9).add_(mean, alpha=0.1)
    y = (x - mean[None, :, None, None]) / t.sqrt(var[None, :, None, None] + 1e-5)
    (y**3).sum().backward()
    return y, running, x.grad


def patches(t: Any) -> Any:
    x = _data(t, 1, 3, 8, 8).requires_grad_()
    y = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).reshape(1, 4, -1)
    z = y.view(1, 2, 2, 3, 4, 4).permute(0, 3, 1, 4, 2, 5).reshape(x.shape)
    (z * x).sum().backward()
    return y, z.eq(x).all(), x.grad


def graph_messages(t: Any) -> Any:
    """Sums, means and maxima of neighbours by scatter."""
    x = _data(t, 5, 3).requires_grad_()
    source, target = t.tensor([[0, 1, 2, 3, 4, 0], [1, 1, 0, 0, 2, 2]])
    messages = x[source]
    added = t.zeros(5, 3).index_add_(0, target, messages)
    index = target.unsqueeze(-1).expand_as(messages)
    mean = t.zeros(5, 3).scatter_reduce_(0, index, messages, "mean", include_self=False)
    top = t.full((5, 3), -1e9).scatter_reduce_(0, index, messages, "amax")
    degree = t.bincount(target, minlength=5)
    (added * 2 + mean * 3 + top.clamp(min=-5)).sum().backward()
    return added, mean, top, degree, x.grad


def penalty_of_gradients(t: Any) -> Any:
    x, w = _data(t, 4, 2).requires_grad_(), _data(t, 2, 3).requires_grad_()
    y = t.tanh(x @ w).pow(2).sum(1)
    (dx,) = t.autograd.grad(y.sum(), x, create_graph=True)
    ((dx.norm(2, dim=1) - 1) ** 2).mean().backward()
    return dx, w.grad


def masked_average(t: Any) -> Any:
    x = _data(t, 3, 5, 2).requires_grad_()
    lengths = t.tensor([5, 2, 3])
    mask = t.arange(5)[None, :] < lengths[:, None]
    pooled = (x * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    last = x[t.arange(3), lengths - 1]
    chosen = t.masked_select(x, mask.unsqueeze(-1)).view(-1, 2)
    (pooled.sum() + last.prod() + chosen.amax()).backward()
    return pooled, last, chosen, x.grad


PROGRAMS: list[Callable[[Any], Any]] = [
    rotary_embedding, causal_attention, top_k_filter, nucleus_filter, sinusoids, diffusion_schedule,
    class_loss_by_hand, policy_gradient, recurrent_cell, batch_statistics, patches, graph_messages,
    penalty_of_gradients, masked_average,
]  # fmt: skip
each = pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)


@each
def test_program_runs_and_repeats(program: Callable[[Any], Any]) -> None:
    first, second = tensors(program(penlight)), tensors(program(penlight))
    for a, b in zip(first, second, strict=True):
        assert a.equal(b)
        assert a.dtype is not penlight.float64


@pytest.mark.parity
@each
def test_program_gives_what_pytorch_gives(program: Callable[[Any], Any], torch: Any) -> None:
    assert_same(program(penlight), program(torch), 1e-4, 1e-5, program.__name__)
