"""The formulas of the papers, once more and as plainly as possible, on arrays in double precision.

Each takes where to start, functions that give the gradients of the steps at p, and the options.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from typing import Any

import numpy as np

from tests.optim.table import OptimizerRow


def sgd(p, gradients, lr, momentum=0.0, dampening=0.0, nesterov=False):
    b = None
    for g in gradients:
        d = g(p)
        b = d if b is None else momentum * b + (1 - dampening) * d
        p = p - lr * (d + momentum * b if nesterov else b if momentum else d)
    return p


def adam(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, shrink=0.0):
    m = v = largest = 0.0
    for t, g in enumerate(gradients, 1):
        d = g(p)
        p = p - lr * shrink * p
        m = betas[0] * m + (1 - betas[0]) * d
        v = betas[1] * v + (1 - betas[1]) * d**2
        largest = np.maximum(largest, v)
        root = ((largest if amsgrad else v) / (1 - betas[1] ** t)) ** 0.5
        p = p - lr * (m / (1 - betas[0] ** t)) / (root + eps)
    return p


def rmsprop(p, gradients, lr, alpha=0.99, eps=1e-8, momentum=0.0, centered=False):
    v = a = b = 0.0
    for g in gradients:
        d = g(p)
        v = alpha * v + (1 - alpha) * d**2
        a = alpha * a + (1 - alpha) * d
        b = momentum * b + d / ((v - a**2 if centered else v) ** 0.5 + eps)
        p = p - lr * b
    return p


def adagrad(p, gradients, lr, lr_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    s = initial_accumulator_value
    for t, g in enumerate(gradients, 1):
        d = g(p)
        s = s + d**2
        p = p - lr / (1 + (t - 1) * lr_decay) * d / (s**0.5 + eps)
    return p


def adadelta(p, gradients, lr, rho=0.9, eps=1e-6):
    v = u = 0.0
    for g in gradients:
        v = rho * v + (1 - rho) * g(p) ** 2
        d = (u + eps) ** 0.5 / (v + eps) ** 0.5 * g(p)
        u = rho * u + (1 - rho) * d**2
        p = p - lr * d
    return p


def adamax(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8):
    m = u = 0.0
    for t, g in enumerate(gradients, 1):
        d = g(p)
        m = betas[0] * m + (1 - betas[0]) * d
        u = np.maximum(betas[1] * u, np.abs(d) + eps)
        p = p - lr / (1 - betas[0] ** t) * m / u
    return p


def nadam(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3, shrink=0.0):
    def mu(t):
        return betas[0] * (1 - 0.96 ** (t * momentum_decay) / 2)

    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        d = g(p)
        p = p - lr * shrink * p
        m = betas[0] * m + (1 - betas[0]) * d
        v = betas[1] * v + (1 - betas[1]) * d**2
        product = np.prod([mu(i) for i in range(1, t + 1)])
        ahead = mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * d / (1 - product)
        p = p - lr * ahead / ((v / (1 - betas[1] ** t)) ** 0.5 + eps)
    return p


def radam(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, shrink=0.0):
    m = v = 0.0
    longest = 2 / (1 - betas[1]) - 1
    for t, g in enumerate(gradients, 1):
        d = g(p)
        p = p - lr * shrink * p
        m = betas[0] * m + (1 - betas[0]) * d
        v = betas[1] * v + (1 - betas[1]) * d**2
        length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        step = m / (1 - betas[0] ** t)
        if length > 5:
            upper, lower = (
                (length - 4) * (length - 2) * longest,
                (longest - 4) * (longest - 2) * length,
            )
            step = step * (upper / lower) ** 0.5 * (1 - betas[1] ** t) ** 0.5 / (v**0.5 + eps)
        p = p - lr * step
    return p


def asgd(p, gradients, lr, lambd=1e-4, alpha=0.75, t0=1e6):
    for t, g in enumerate(gradients):
        eta = lr / (1 + lambd * lr * t) ** alpha
        p = (1 - lambd * eta) * p - eta * g(p)
    return p


def rprop(p, gradients, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
    before, size = np.zeros_like(p), np.full_like(p, lr)
    for g in gradients:
        d = np.array(g(p))
        for i in np.ndindex(p.shape):
            turned = d[i] * before[i] < 0
            size[i] *= etas[0] if turned else etas[1] if d[i] * before[i] > 0 else 1
            size[i] = min(max(size[i], step_sizes[0]), step_sizes[1])
            d[i] = 0 if turned else d[i]
        p = p - size * np.sign(d)
        before = d
    return p


def adafactor(p, gradients, lr, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, shrink=0.0):
    def rms(x):
        return np.mean(x**2) ** 0.5

    eps1 = 1e-12 if eps[0] is None else eps[0]
    v = r = c = 0.0
    for t, gradient in enumerate(gradients, 1):
        g = gradient(p)
        alpha = max(eps[1], rms(p)) * min(lr, t**-0.5)
        p = p - lr * shrink * p
        beta = 1 - t**beta2_decay
        if p.ndim == 1:
            v = beta * v + (1 - beta) * g**2
        else:
            r = beta * r + (1 - beta) * np.mean(g**2, 1)
            c = beta * c + (1 - beta) * np.mean(g**2, 0)
            v = np.outer(r, c) / max(np.mean(r), eps1)
        u = g / np.maximum(v**0.5, eps1)
        p = p - alpha * u / max(1, rms(u) / d)
    return p


def muon(
    p, gradients, lr, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315),
    ns_steps=5, adjust_lr_fn="original", shrink=0.1,
):  # fmt: skip
    """By the singular values, each of which the iteration maps by a polynomial."""
    a, b, c = ns_coefficients
    rows, columns = p.shape
    factor = {
        "original": max(1, rows / columns) ** 0.5,
        "match_rms_adamw": 0.2 * max(p.shape) ** 0.5,
    }
    average = np.zeros_like(p)
    for gradient in gradients:
        g = gradient(p)
        average = momentum * average + (1 - momentum) * g
        x = momentum * average + (1 - momentum) * g if nesterov else average
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        s = s / np.linalg.norm(s)
        for _ in range(ns_steps):
            s = a * s + b * s**3 + c * s**5
        p = p - lr * shrink * p - lr * factor[adjust_lr_fn] * (u * s) @ vt
    return p


def sparse_adam(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8):
    p, m, v = p.copy(), np.zeros_like(p), np.zeros_like(p)
    for t, gradient in enumerate(gradients, 1):
        g = gradient(p)
        for i in range(len(p)):
            if np.any(g[i] != 0):
                m[i] = betas[0] * m[i] + (1 - betas[0]) * g[i]
                v[i] = betas[1] * v[i] + (1 - betas[1]) * g[i] ** 2
                rate = lr * (1 - betas[1] ** t) ** 0.5 / (1 - betas[0] ** t)
                p[i] -= rate * m[i] / (v[i] ** 0.5 + eps)
    return p


REFERENCES = {
    "SGD": sgd, "Adam": adam, "AdamW": adam, "RMSprop": rmsprop, "Adagrad": adagrad,
    "Adadelta": adadelta, "Adamax": adamax, "NAdam": nadam, "RAdam": radam, "ASGD": asgd,
    "Rprop": rprop, "Adafactor": adafactor, "Muon": muon, "SparseAdam": sparse_adam,
}  # fmt: skip
DECOUPLED = {"AdamW": 0.01, "Muon": 0.1, "Adafactor": 0.0}  # whose decay is not in the gradient


def reference(row: OptimizerRow, start: Any, gradients: Any) -> Any:
    """Where steps with these gradients lead."""
    options = dict(row.options)
    sign = -1 if options.pop("maximize", False) else 1
    decay = options.pop("weight_decay", DECOUPLED.get(row.name, 0.0))
    if options.pop("decoupled_weight_decay", row.name in DECOUPLED):
        options["shrink"], decay = decay, 0.0
    functions = [lambda p, g=g: sign * g + decay * p for g in gradients]
    return REFERENCES[row.name](start, functions, row.lr, **options)
