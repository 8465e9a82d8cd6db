"""``vmap``: a function of one sample becomes one of many, which are computed together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from penlight._core.random import current_generator
from penlight.autograd import batching
from penlight.autograd.batching import Level, Unbatchable
from penlight.func.trees import Structure, broadcast_to, flatten
from penlight.ops.joining import cat, stack
from penlight.ops.shape import movedim
from penlight.ops.splitting import tensor_split
from penlight.tensor import Tensor

__all__ = ["vmap"]

Function = Callable[..., Any]


def vmap(
    func: Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Function:
    """Let ``func``, written for one sample, take a batch of them.

    Inside, each mapped tensor lacks its mapped dimension and stands for all samples; the ops compute the
    whole batch at once (``penlight.ops.batching``). A function that looks at NumPy arrays or at single
    values in ways that no batch allows is called for one sample after the other instead. ``.item()`` and
    ``if x > 0:`` are refused.

    Args:
        func: takes tensors in nested tuples, lists and dictionaries, and returns such.
        in_dims: the dimension to map over, for all arguments or nested as they are; None: the argument is
            one for all samples. Default: 0.
        out_dims: where the results have the batch dimension, nested as they are. Default: 0.
        randomness: ``"different"`` random numbers for each sample, the ``"same"`` for all, or an
            ``"error"`` when some are drawn. Default: ``"error"``.
        chunk_size: compute so many samples at a time, to save memory. Default: all.

    Returns:
        A function of batches. Keyword arguments are handed on as they are.

    Raises:
        ValueError: if dimensions or structures do not fit; ``chunk_size`` is not positive.
        RuntimeError: for another ``randomness``; for data-dependent control flow.

    Example:
        >>> per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(params, inputs, targets)

    Source: Frostig, Johnson & Leary, "Compiling machine learning programs via high-level tracing", 2018.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        call = _Call(func, in_dims, out_dims, randomness, args, kwargs)
        return call.run() if chunk_size is None else call.run_in_chunks(chunk_size)

    return wrapped


class _Call:
    """One call of a function that vmap made."""

    def __init__(
        self, func: Function, in_dims: Any, out_dims: Any, randomness: str, args: Any, kwargs: Any
    ) -> None:
        self.func, self.name = func, getattr(func, "__name__", repr(func))
        self.in_dims, self.out_dims, self.randomness = in_dims, out_dims, randomness
        self.kwargs = kwargs
        self.leaves, self.structure = flatten(args)
        self.dims = self._read_in_dims(args)
        self.size = self._read_size()

    # -- arguments ---------------------------------------------------------------------------

    def _owner(self) -> str:
        return f"vmap({self.name}, in_dims={self.in_dims}, ...)(<inputs>)"

    def _read_in_dims(self, args: Any) -> list[int | None]:
        """For each leaf of the arguments the dimension to map over, from 0 up, or None."""
        if not isinstance(self.in_dims, (int, tuple)):
            raise ValueError(
                f"{self._owner()}: expected `in_dims` to be int or a (potentially nested) tuple matching "
                f"the structure of inputs, got: {type(self.in_dims)}."
            )
        if not args:
            raise ValueError(
                f"{self._owner()}: got no inputs. Maybe you forgot to add inputs, or you are trying to "
                "vmap over a function with no inputs. The latter is unsupported."
            )
        dims = broadcast_to(self.in_dims, self.structure)
        if dims is None:
            raise ValueError(
                f"{self._owner()}: in_dims is not compatible with the structure of `inputs`. in_dims has "
                f"structure {self.in_dims} but inputs has structure {self.structure}."
            )
        return [self._checked_dim(x, d) for x, d in zip(self.leaves, dims, strict=True)]

    def _checked_dim(self, x: Any, dim: Any) -> int | None:
        if dim is None:
            return None
        if not isinstance(dim, int):
            raise ValueError(
                f"{self._owner()}: Got in_dim={dim} for an input but in_dim must be either an integer "
                "dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{self._owner()}: Got in_dim={dim} for an input but the input is of type {type(x)}. We "
                "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"{self._owner()}: Got in_dim={dim} for some input, but that input is a Tensor of "
                f"dimensionality {x.ndim} so expected in_dim to satisfy -{x.ndim} <= in_dim < {x.ndim}."
            )
        return dim % x.ndim

    def _read_size(self) -> int:
        sizes = [x.shape[d] for x, d in zip(self.leaves, self.dims, strict=True) if d is not None]
        if not sizes:
            raise ValueError("vmap: Expected at least one Tensor to vmap over.")
        if len(set(sizes)) > 1:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                f"{sizes} for the mapped dimension"
            )
        return sizes[0]

    # -- the call ----------------------------------------------------------------------------

    def run(self) -> Any:
        """All samples at once, or one by one where that is not possible."""
        outputs, structure, dims = self._outputs()
        return structure.fill(
            y if d is None else movedim(y, 0, d) for y, d in zip(outputs, dims, strict=True)
        )

    def run_in_chunks(self, chunk_size: int) -> Any:
        """So many samples at a time; the results joined."""
        count = max(-(-self.size // chunk_size), 1)
        edges = [min(i * chunk_size, self.size) for i in range(1, count)]
        whole = self.leaves
        parts = [
            [x] * count if d is None else tensor_split(x, edges, d)
            for x, d in zip(whole, self.dims, strict=True)
        ]
        chunks = []
        for leaves in zip(*parts, strict=True):
            self.leaves, self.size = list(leaves), self._sizes_of(leaves)
            chunks.append(self._outputs())
        _, structure, dims = chunks[0]
        columns = zip(*(outputs for outputs, _, _ in chunks), strict=True)
        return structure.fill(
            column[0] if d is None else movedim(cat(column), 0, d)
            for column, d in zip(columns, dims, strict=True)
        )

    def _sizes_of(self, leaves: Any) -> int:
        return next(x.shape[d] for x, d in zip(leaves, self.dims, strict=True) if d is not None)

    def _outputs(self) -> tuple[list[Any], Structure, list[int | None]]:
        """The leaves of the result with the batch in front, their structure, and ``out_dims``."""
        level = Level(self.size, self.randomness)
        try:
            with level:
                return self._together(level)
        except Unbatchable as obstacle:
            if obstacle.level is not level:
                raise
        return self._one_by_one()

    def _together(self, level: Level) -> tuple[list[Any], Structure, list[int | None]]:
        inputs = [
            x if d is None else batching.rebatched(movedim(x, d, 0) if d else x, level)
            for x, d in zip(self.leaves, self.dims, strict=True)
        ]
        result = self.func(*self.structure.fill(inputs), **self.kwargs)
        leaves, structure = flatten(result)
        dims = self._read_out_dims(result, structure)
        outputs = [self._unwrapped(y, d, level) for y, d in zip(leaves, dims, strict=True)]
        return outputs, structure, dims

    def _one_by_one(self) -> tuple[list[Any], Structure, list[int | None]]:
        """Each sample in a vmap of its own without a batch, whose results are stacked."""
        columns: list[list[Any]] = []
        start = current_generator().get_state() if self.randomness == "same" else None
        for i in range(max(self.size, 1)):
            inputs = [
                x if d is None else self._sample(x, d, i)
                for x, d in zip(self.leaves, self.dims, strict=True)
            ]
            if start is not None:
                current_generator().set_state(start)
            with Level(1, "error") if self.randomness == "error" else nullcontext():
                result = self.func(*self.structure.fill(inputs), **self.kwargs)
            leaves, structure = flatten(result)
            columns.append(leaves)
        dims = self._read_out_dims(result, structure)
        outputs = []
        for column, d in zip(zip(*columns, strict=True), dims, strict=True):
            self._check_output(column[0], d)
            outputs.append(column[0] if d is None else stack(column)[: self.size])
        return outputs, structure, dims

    def _sample(self, x: Any, dim: int, i: int) -> Any:
        """One sample; of an empty batch one of zeros, to learn the results' shapes."""
        if self.size:
            return x.select(dim, i)
        return x.new_zeros(x.shape[:dim] + x.shape[dim + 1 :])

    # -- results -----------------------------------------------------------------------------

    def _read_out_dims(self, result: Any, structure: Structure) -> list[int | None]:
        dims = broadcast_to(self.out_dims, structure)
        if dims is None and isinstance(self.out_dims, tuple) and len(self.out_dims) == 1:
            dims = broadcast_to(self.out_dims[0], structure)
        if dims is None or not all(d is None or isinstance(d, int) for d in dims):
            raise ValueError(
                f"vmap({self.name}, ..., out_dims={self.out_dims})(<inputs>): out_dims is not compatible "
                f"with the structure of `outputs`. out_dims has structure {self.out_dims} but outputs has "
                f"structure {structure}."
            )
        return dims

    def _check_output(self, y: Any, dim: int | None) -> None:
        if dim is not None and not isinstance(y, Tensor):
            raise ValueError(
                f"vmap({self.name}, ...): `{self.name}` must only return Tensors, got type {type(y)}. Did "
                "you mean to set out_dims= to None for output?"
            )

    def _unwrapped(self, y: Any, dim: int | None, level: Level) -> Any:
        """(B, *S): the result of all samples, repeated if it is the same for all."""
        self._check_output(y, dim)
        if dim is not None:
            return batching.physical(y, level)
        if isinstance(y, Tensor) and batching.is_at(y, level):
            raise ValueError(
                f"vmap({self.name}, ...): `{self.name}` can not return a BatchedTensor when out_dim is "
                "None"
            )
        return y
