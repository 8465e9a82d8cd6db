"""Collating samples, and converting arrays."""

from __future__ import annotations

import collections
import types
from typing import Any, NamedTuple

import numpy as np
import pytest

import penlight
from penlight.utils.data.collate import collate, default_collate, default_collate_fn_map


class Point(NamedTuple):
    x: Any
    y: Any


class Tagged(dict):
    tag = None


def tagged(tag, **items):
    result = Tagged(items)
    result.tag = tag
    return result


def shown(value):
    """A result with types, dtypes and values, in terms common to both libraries."""
    if hasattr(value, "detach"):
        return "tensor", str(value.dtype), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        kind = type(value).__name__, getattr(value, "tag", None)
        return kind, {key: shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, collections.deque)):
        return type(value).__name__, [shown(item) for item in value]
    return type(value).__name__, str(value)


SAMPLES = {
    "ints": lambda t: [1, 2],
    "large ints": lambda t: [2**40, -1],
    "bools": lambda t: [True, False],
    "floats": lambda t: [1.5, 2.0],
    "float first": lambda t: [1.5, 2],
    "int first": lambda t: [1, 2.5],
    "float32 scalars": lambda t: [np.float32(1), np.float32(2)],
    "float64 scalar": lambda t: [np.float64(3)],
    "int32 scalars": lambda t: [np.int32(1), np.int32(2)],
    "uint8 scalars": lambda t: [np.uint8(1), np.uint8(2)],
    "bool scalar": lambda t: [np.bool_(1)],
    "strings": lambda t: ["a", "b"],
    "bytes": lambda t: [b"a", b"b"],
    "numpy strings": lambda t: [np.str_("a")],
    "arrays": lambda t: [np.zeros(2), np.ones(2)],
    "0-d arrays": lambda t: [np.array(1.0), np.array(2.0)],
    "uint8 images": lambda t: [np.zeros((2, 2), np.uint8)] * 2,
    "empty arrays": lambda t: [np.zeros((0, 3))] * 2,
    "string arrays": lambda t: [np.array(["a"])],
    "object arrays": lambda t: [np.array([None])],
    "arrays of two dtypes": lambda t: [np.zeros(2, np.float32), np.zeros(2)],
    "tensors": lambda t: [t.zeros(2, 2), t.ones(2, 2)],
    "0-d tensors": lambda t: [t.tensor(1), t.tensor(2)],
    "dicts": lambda t: [{"a": 1, "b": (1.0, "x")}] * 2,
    "ordered dicts": lambda t: [collections.OrderedDict(a=1)] * 2,
    "default dicts": lambda t: [collections.defaultdict(int, a=1)] * 2,
    "immutable mappings": lambda t: [types.MappingProxyType({"a": 1})] * 2,
    "mappings with more": lambda t: [tagged("first", a=1), tagged("second", a=2)],
    "named tuples": lambda t: [Point(1, np.array(2.0)), Point(3, np.array(4.0))],
    "tuples": lambda t: [(1, [2, 3]), (4, [5, 6])],
    "lists": lambda t: [[1, "a"], [2, "b"]],
    "ranges": lambda t: [range(2)] * 2,
    "deques": lambda t: [collections.deque([1, 2])] * 2,
    "byte arrays": lambda t: [bytearray(b"ab")] * 2,
    "empty tuples": lambda t: [()] * 2,
    "nothing": lambda t: [],
    "None": lambda t: [None, None],
    "objects": lambda t: [types],
    "complex": lambda t: [1 + 2j],
    "dates": lambda t: [np.datetime64("2020")],
    "sets": lambda t: [{1}],
    "mixed": lambda t: [1, "a"],
    "lists of unequal lengths": lambda t: [[1, 2], [3]],
    "tuples of unequal lengths": lambda t: [(1, 2), (3,)],
    "tensors of unequal shapes": lambda t: [t.zeros(2), t.zeros(3)],
    "arrays of unequal shapes": lambda t: [np.zeros(2), np.zeros(3)],
    "other keys": lambda t: [{"a": 1}, {"b": 1}],
}


@pytest.mark.parity
@pytest.mark.parametrize("function", ["default_collate", "default_convert"])
@pytest.mark.parametrize("name", SAMPLES)
def test_as_pytorch_does(torch, name, function):
    results = []
    for lib, data in ((penlight, penlight.utils.data), (torch, torch.utils.data)):
        try:
            results.append(shown(getattr(data, function)(SAMPLES[name](lib))))
        except Exception as error:
            results.append(type(error))
    ours, theirs = results
    assert ours == theirs


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("floats", ("tensor", "torch.float64", [1.5, 2.0])),
        ("bools", ("tensor", "torch.bool", [True, False])),
        ("strings", ("list", [("str", "a"), ("str", "b")])),
        (
            "named tuples",
            (
                "Point",
                [("tensor", "torch.int64", [1, 3]), ("tensor", "torch.float64", [2.0, 4.0])],
            ),
        ),
        (
            "tuples",
            (
                "list",
                [
                    ("tensor", "torch.int64", [1, 4]),
                    (
                        "list",
                        [("tensor", "torch.int64", [2, 5]), ("tensor", "torch.int64", [3, 6])],
                    ),
                ],
            ),
        ),
        (
            "mappings with more",
            (("Tagged", "first"), {"a": ("tensor", "torch.int64", [1, 2])}),
        ),
    ],
)
def test_structure_is_kept(name, expected):
    assert shown(default_collate(SAMPLES[name](penlight))) == expected


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("None", TypeError, "got <class 'NoneType'>.*collate_fn"),
        ("object arrays", TypeError, "got object"),
        ("lists of unequal lengths", RuntimeError, r"equal lengths, got \[1, 2\]"),
        ("tensors of unequal shapes", RuntimeError, r"\[2\].*\[3\]"),
    ],
)
def test_errors_say_what_was_found(name, error, message):
    with pytest.raises(error, match=message):
        default_collate(SAMPLES[name](penlight))


def test_converting_shares_memory():
    array = np.zeros(3)
    (tensor,) = penlight.utils.data.default_convert((array,))
    array[0] = 5
    assert tensor.tolist() == [5, 0, 0]


def test_collating_copies():
    array = np.zeros(3)
    batch = default_collate([array])
    array[0] = 5
    assert batch.tolist() == [[0, 0, 0]]


def test_gradients_flow_through_a_batch():
    x = penlight.tensor([1.0, 2.0], requires_grad=True)
    (batch,) = default_collate([(x,), (x * 2,)])
    batch.sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_the_table_can_be_taught_other_types(monkeypatch):
    class Word(str):
        __slots__ = ()

    def join(batch, *, collate_fn_map=None):
        return "-".join(batch)

    def largest(batch, *, collate_fn_map=None):
        return max(batch)

    batch = [(Word("a"), 1), (Word("b"), 2)]
    assert collate(batch, collate_fn_map={Word: join, int: largest}) == ["a-b", 2]
    monkeypatch.setitem(default_collate_fn_map, Word, join)
    assert default_collate(batch)[0] == "a-b"
    assert default_collate([("x",)]) == [("x",)]
