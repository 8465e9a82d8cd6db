"""Parameters that stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from penlight import nn

__all__ = ["FREEZE_KINDS", "freeze"]

FREEZE_KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "conv": (nn.Conv1d, nn.Conv2d),
    "linear": (nn.Linear,),
    "norm": (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm),
}


def freeze(model: nn.Module, names: Sequence[str]) -> list[str]:
    """Let the parameters called ``names`` stay as they are: their ``requires_grad`` becomes False.

    Args:
        model: changed in place.
        names: of parameters, with ``*`` for any letters (``"features.0.*"``); or ``"conv"``,
            ``"linear"``, ``"norm"`` for all layers of that kind.

    Returns:
        The names of the frozen parameters.

    Raises:
        ValueError: if a name is no parameter's, or nothing would be left to learn.
    """
    parameters = dict(model.named_parameters())
    frozen: list[str] = []
    for pattern in names:
        found = [n for n in parameters if _is_meant(model, n, pattern)]
        if not found:
            raise ValueError(
                f"freeze: names must be one of {', '.join(FREEZE_KINDS)} that the model has, or fit one of "
                f"its parameters ({', '.join(parameters)}); got {pattern!r}"
            )
        frozen += found
    for name in frozen:
        parameters[name].requires_grad_(False)
    if frozen and not any(p.requires_grad for p in parameters.values()):
        raise ValueError(f"freeze: names (={list(names)}) leave no parameter to learn")
    return sorted(set(frozen), key=list(parameters).index)


def _is_meant(model: nn.Module, name: str, pattern: str) -> bool:
    if pattern in FREEZE_KINDS:
        return isinstance(model.get_submodule(name.rpartition(".")[0]), FREEZE_KINDS[pattern])
    return fnmatchcase(name, pattern)
