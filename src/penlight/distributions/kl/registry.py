"""Which function computes the divergence of two distributions: a table of pairs of classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from penlight import Tensor
from penlight.distributions.distribution import Distribution

__all__ = ["kl_divergence", "register_kl"]

Divergence = Callable[[Any, Any], Tensor]

_registry: dict[tuple[type, type], Divergence] = {}
_found: dict[tuple[type, type], Divergence | None] = {}  # what was looked up already


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """Decorate a function of p and q that computes KL(p || q) for these classes and subclasses.

    The function for the nearest classes wins. If p's and q's nearness disagree a warning says so;
    registering a function for the very pair resolves that.

    Raises:
        TypeError: if one is no class of distributions.

    Example:
        >>> @register_kl(Normal, Normal)
        ... def kl_normal_normal(p, q): ...
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type) or not issubclass(kind, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorator(function: Divergence) -> Divergence:
        _registry[type_p, type_q] = function
        _found.clear()
        return function

    return decorator


def _dispatch(type_p: type, type_q: type) -> Divergence | None:
    """The function registered for the nearest ancestors, in the order of method resolution."""
    ancestors = [(p, q) for p in type_p.__mro__ for q in type_q.__mro__]  # nearest p first
    by_p = next((pair for pair in ancestors if pair in _registry), None)
    if by_p is None:
        return None
    ancestors = [(p, q) for q in type_q.__mro__ for p in type_p.__mro__]
    by_q = next(pair for pair in ancestors if pair in _registry)
    if _registry[by_p] is not _registry[by_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
            f"register_kl({by_p[0].__name__}, {by_q[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _registry[by_p]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q) = E_p ln p(x) / q(x), of the batch shape of both.

    Raises:
        NotImplementedError: if no function is registered for these classes.
    """
    pair = type(p), type(q)
    if pair not in _found:
        _found[pair] = _dispatch(*pair)
    function = _found[pair]
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {pair[0].__name__} and q type "
            f"{pair[1].__name__}"
        )
    return function(p, q)
