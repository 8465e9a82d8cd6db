"""The optimizers of the training workloads."""

from __future__ import annotations

from typing import Any

__all__ = ["adam", "adamw", "sgd"]


def adam(torch: Any, parameters: Any) -> Any:
    return torch.optim.Adam(parameters, lr=1e-3)


def adamw(torch: Any, parameters: Any) -> Any:
    return torch.optim.AdamW(parameters, lr=3e-4)


def sgd(torch: Any, parameters: Any) -> Any:
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)
