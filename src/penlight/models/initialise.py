"""Initialisations by name, applied to a whole model."""

from __future__ import annotations

from collections.abc import Callable

from penlight import Tensor, nn
from penlight.nn import init

__all__ = ["INITIALISATIONS", "initialise"]

INITIALISATIONS: dict[str, Callable[[Tensor], object]] = {
    "zeros": init.zeros_,
    "ones": init.ones_,
    "normal": lambda w: init.normal_(w, 0.0, 1.0),
    "uniform": lambda w: init.uniform_(w, -1.0, 1.0),
    "xavier_normal": init.xavier_normal_,
    "xavier_uniform": init.xavier_uniform_,
    "kaiming_normal": lambda w: init.kaiming_normal_(w, nonlinearity="relu"),
    "kaiming_uniform": lambda w: init.kaiming_uniform_(w, nonlinearity="relu"),
    "kaiming_normal_fan_out": lambda w: init.kaiming_normal_(w, 0, "fan_out", "relu"),
    "kaiming_uniform_fan_out": lambda w: init.kaiming_uniform_(w, 0, "fan_out", "relu"),
    "orthogonal": init.orthogonal_,
}


def initialise(model: nn.Module, name: str, everything: bool = False) -> None:
    """Draw the weights of all convolutions and linear layers anew, and zero their biases.

    Args:
        model: changed in place.
        name: one of ``INITIALISATIONS``; or ``"default"``, which leaves each layer as it was made.
        everything: draw biases, and scales and shifts of normalisations, too: all zeros or all ones under
            these names, else uniform over -1..1 or standard normal, whichever the name is of.

    Raises:
        ValueError: for another name.
    """
    if name == "default":
        return
    if name not in INITIALISATIONS:
        raise ValueError(
            f"initialise: name must be one of default, {', '.join(INITIALISATIONS)}, got {name!r}"
        )
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            INITIALISATIONS[name](module.weight)
            if module.bias is not None:
                (_matching(name) if everything else init.zeros_)(module.bias)
        elif everything:
            for parameter in module.parameters(recurse=False):
                _matching(name)(parameter)


def _matching(name: str) -> Callable[[Tensor], object]:
    """How parameters without fan-in are drawn beside weights that are drawn as ``name`` says."""
    if name in ("zeros", "ones"):
        return INITIALISATIONS[name]
    return INITIALISATIONS["uniform" if "uniform" in name else "normal"]
