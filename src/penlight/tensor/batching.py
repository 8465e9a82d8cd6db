"""The rules for ``vmap`` of the ops that stand in this room."""

from __future__ import annotations

from penlight.ops.batching.common import rule
from penlight.ops.batching.pointwise import pointwise
from penlight.tensor.conversion import Clone, Contiguous
from penlight.tensor.distributions import Drawn

__all__: list[str] = []

rule(Clone, Contiguous, Drawn)(pointwise)
