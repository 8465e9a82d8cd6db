"""Random numbers inside vmap: refused, the same for all samples, or different for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from penlight.autograd.base import TensorBase, wrap
from penlight.autograd.batching.array import BatchedArray, is_at
from penlight.autograd.batching.level import Level, levels

__all__ = ["BatchedStream", "batched_stream"]

_PLACE_OF_SIZE = {
    "random": 0, "standard_normal": 0, "standard_exponential": 0, "geometric": 1, "poisson": 1, "integers": 2,
    "uniform": 2, "normal": 2, "gumbel": 2, "binomial": 2,
}  # fmt: skip


class BatchedStream:
    """A NumPy generator as vmap shows it: its methods draw for all samples of a level."""

    def __init__(self, stream: Any, level: Level) -> None:
        self.stream, self.level = stream, level

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.stream, name)
        if not callable(method):
            return method

        def drawn(*args: Any, **kwargs: Any) -> Any:
            values = (*args, *kwargs.values())
            if self.level.randomness == "error":
                raise RuntimeError(
                    "vmap: called random operation while in randomness error mode. Please either use the "
                    "'same' or 'different' randomness flags on vmap or perform the randomness operation "
                    "out of vmap"
                )
            batched = any(is_at(x, self.level) for x in values)
            if self.level.randomness == "same":
                if batched:
                    raise RuntimeError(
                        "vmap: Vmap does not support same randomness with a batched tensor input: the "
                        "samples' parameters differ. Use randomness='different'"
                    )
                return method(*args, **kwargs)
            if not batched:
                resized = self._for_all(name, args, kwargs)
                if resized is not None:
                    return self._batched(method(*resized[0], **resized[1]))
            return self._batched(self._one_by_one(method, args, kwargs))

        return drawn

    def _for_all(self, name: str, args: Any, kwargs: Any) -> Any:
        """The arguments with the samples' number before the size; None if its place is not known."""
        place = _PLACE_OF_SIZE.get(name)
        if place is None:
            return None
        if "size" in kwargs:
            return args, {**kwargs, "size": self._larger(kwargs["size"])}
        if len(args) > place:
            return (*args[:place], self._larger(args[place]), *args[place + 1 :]), kwargs
        return args, {**kwargs, "size": self.level.size}

    def _larger(self, size: Any) -> tuple[int, ...]:
        if size is None:
            return (self.level.size,)
        return (self.level.size, *(size if isinstance(size, tuple) else (size,)))

    def _one_by_one(self, method: Any, args: Any, kwargs: Any) -> Any:
        def of(x: Any, i: int) -> Any:
            return x.value._array[i] if is_at(x, self.level) else x

        return np.stack(
            [
                method(*(of(x, i) for x in args), **{k: of(x, i) for k, x in kwargs.items()})
                for i in range(self.level.size)
            ]
        )

    def _batched(self, array: Any) -> BatchedArray:
        return BatchedArray(self.level, wrap(TensorBase._result_type, array))

    def of_one_sample(self) -> Any:
        """The stream that an op draws from for one sample after the other."""
        if self.level.randomness == "same":
            copy = np.random.Generator(type(self.stream.bit_generator)())
            copy.bit_generator.state = self.stream.bit_generator.state
            return copy
        return self.stream if self.level.randomness == "different" else self


def batched_stream(stream: Any) -> Any:
    """What vmap makes of a generator: a :class:`BatchedStream` for each level that runs."""
    for level in levels():
        stream = BatchedStream(stream, level)
    return stream
