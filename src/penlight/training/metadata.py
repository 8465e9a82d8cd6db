"""What ``metadata.json`` says of a run: model, versions, machine, times."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from typing import Any

import numpy as np

from penlight import Tensor, __version__, nn, no_grad

__all__ = ["describe_environment", "describe_model", "now"]


def now() -> str:
    """The present time, ISO 8601, with the time zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def describe_environment() -> dict[str, Any]:
    """Versions and machine, as plain values."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    threads = {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ}
    return {
        "versions": {
            "penlight": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "blas": f"{blas.get('name', '?')} {blas.get('version', '?')}",
        },
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count(),
            "thread_variables": threads,
        },
        "command": sys.argv,
    }


_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [
                line.split(":", 1)[1].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def describe_model(model: nn.Module, x: Tensor) -> dict[str, Any]:
    """The model's layers in the order they run on a batch ``x``, with shapes and sizes.

    Returns:
        ``parameters`` (how many numbers are learned) and ``layers``: for each module without
        children its name, type, arguments, output shape without the batch, and parameters.
    """
    layers: list[dict[str, Any]] = []

    def note(name: str, module: nn.Module, output: Tensor) -> None:
        layers.append(
            {
                "name": name,
                "type": type(module).__name__,
                "arguments": module.extra_repr(),
                "output": list(output.shape[1:]),
                "parameters": sum(p.numel() for p in module.parameters()),
            }
        )

    handles = [
        module.register_forward_hook(lambda m, _, y, name=name: note(name, m, y))
        for name, module in model.named_modules()
        if not any(True for _ in module.children())
    ]
    training = model.training
    try:
        with no_grad():
            model.eval()(x)
    finally:
        model.train(training)
        for handle in handles:
            handle.remove()
    return {"parameters": sum(p.numel() for p in model.parameters()), "layers": layers}
