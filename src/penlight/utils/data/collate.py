"""Collating: a list of samples becomes one batch of the same structure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from penlight._core.dtypes import float64
from penlight.ops.joining import stack
from penlight.tensor import Tensor
from penlight.tensor.creation import as_tensor, from_numpy, tensor
from penlight.utils.data.dataset import Batch

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]


def _mapping_like(original: Any, items: dict[Any, Any]) -> Any:
    """``items`` in a mapping of ``original``'s type, with what else it carries; else in a dict."""
    try:
        if not isinstance(original, MutableMapping):
            return type(original)(items)
        result = copy.copy(original)
        result.update(items)
        return result
    except TypeError:
        return items


def _sequence_like(original: Any, items: list[Any]) -> Any:
    """``items`` in a sequence of ``original``'s type; else, and for tuples, in a list."""
    if isinstance(original, tuple):
        return type(original)(*items) if hasattr(original, "_fields") else items
    try:
        if not isinstance(original, MutableSequence):
            return type(original)(items)
        result = copy.copy(original)
        for i, item in enumerate(items):
            result[i] = item
        return result
    except TypeError:
        return items


def _not_numeric(array: np.ndarray) -> bool:
    return array.dtype.kind in "SUO"


def default_convert(data: Any) -> Any:
    """Arrays within ``data`` as tensors that share their memory; everything else as it is.

    Mappings and sequences keep their type, except tuples, which become lists (as in PyTorch).
    """
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if _not_numeric(np.asarray(data)) else as_tensor(data)
    if isinstance(data, Mapping):
        return _mapping_like(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, Sequence):
        return _sequence_like(data, [default_convert(item) for item in data])
    return data


def _type_error(found: Any) -> TypeError:
    return TypeError(
        "default_collate: samples must consist of tensors, arrays, numbers, strings, mappings and "
        f"sequences, got {found}; convert them in the dataset, or give DataLoader a collate_fn"
    )


def _stack_tensors(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    if any(t.requires_grad for t in batch):
        return stack(batch)
    return _stack([t.numpy() for t in batch])


def _stack_arrays(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    if _not_numeric(batch[0]):
        raise _type_error(batch[0].dtype)
    return _stack(batch)


def _stack(arrays: Sequence[np.ndarray]) -> Tensor:
    """The arrays one after another in new memory, in the order of their indices."""
    first = arrays[0]
    if any(a.shape != first.shape or a.dtype != first.dtype for a in arrays):
        return stack([as_tensor(a) for a in arrays])  # which promotes, or says what is wrong
    y = np.empty((len(arrays), *first.shape), first.dtype)
    return from_numpy(np.stack(arrays, out=y))


def _join_array_scalars(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    return as_tensor(np.asarray(batch))


def _join_floats(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    return tensor(batch, dtype=float64)


def _join_integers(batch: Any, *, collate_fn_map: Any = None) -> Tensor:
    return tensor(batch)


def _keep(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return batch


CollateMap = dict[Any, Callable[..., Any]]

default_collate_fn_map: CollateMap = {
    Tensor: _stack_tensors,
    np.ndarray: _stack_arrays,
    (np.bool_, np.number): _join_array_scalars,
    float: _join_floats,
    int: _join_integers,
    str: _keep,
    bytes: _keep,
}
"""How :func:`default_collate` joins samples of a type; enter other types to teach it those."""


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Join samples by a table of functions; go into mappings and sequences.

    Args:
        batch: a list of samples of the same structure.
        collate_fn_map: for a type, or a tuple of types, the function
            ``join(batch, *, collate_fn_map)``.

    Raises:
        TypeError: for samples of a type that the table lacks.
        RuntimeError: for sequences of different lengths.
    """
    sample = batch[0]
    join = _find(collate_fn_map or {}, sample)
    if join is not None:
        return join(batch, collate_fn_map=collate_fn_map)
    if isinstance(sample, Mapping):
        return _mapping_like(
            sample,
            {
                key: collate([mapping[key] for mapping in batch], collate_fn_map=collate_fn_map)
                for key in sample
            },
        )
    if isinstance(sample, Sequence):
        return _sequence_like(
            sample, [collate(c, collate_fn_map=collate_fn_map) for c in _columns(batch)]
        )
    raise _type_error(type(sample))


def _find(table: CollateMap, sample: Any) -> Callable[..., Any] | None:
    exact = table.get(type(sample))
    if exact is not None:
        return exact
    return next((join for types, join in table.items() if isinstance(sample, types)), None)


def _columns(batch: Any) -> list[tuple[Any, ...]]:
    lengths = {len(sample) for sample in batch}
    if len(lengths) > 1:
        raise RuntimeError(
            "default_collate: the sequences of a batch must have equal lengths, got "
            f"{sorted(lengths)}; pad them in a collate_fn"
        )
    return list(zip(*batch, strict=True))


def default_collate(batch: Any) -> Any:
    """Join a list of samples into a batch: what DataLoader does unless told otherwise.

    Tensors and arrays are stacked along a new first dimension; numbers become a tensor (Python
    floats a float64 one); strings and bytes stay a list. Mappings, named tuples and sequences keep
    their structure, with the batches of their parts in it; plain tuples become lists.

    Args:
        batch: the samples; of a :class:`Batch` the columns are taken as they are.

    Raises:
        TypeError: for samples of other types.
        RuntimeError: for tensors of different shapes, sequences of different lengths.

    Example:
        >>> default_collate([(0, "a"), (1, "b")])
        [tensor([0, 1]), ('a', 'b')]
    """
    if isinstance(batch, Batch):
        return list(batch.columns)
    return collate(batch, collate_fn_map=default_collate_fn_map)
