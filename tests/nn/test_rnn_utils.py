"""Packed and padded batches of sequences."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.testing.specs.programs import flatten
from tests.comparison import array, assert_same, assert_same_gradients, backward_through


def sequences(lib: Any, *lengths: int, trailing: tuple[int, ...] = ()) -> list[Any]:
    rng = np.random.default_rng(0)
    values = [rng.standard_normal((n, *trailing)).astype(np.float32) for n in lengths]
    return [lib.from_numpy(v).requires_grad_() for v in values]


def test_packing_goes_step_by_step(lib: Any) -> None:
    rnn = lib.nn.utils.rnn
    x = lib.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    packed = rnn.pack_padded_sequence(x, [2, 1, 3], batch_first=True, enforce_sorted=False)
    assert packed.data.tolist() == [4, 1, 3, 5, 2, 6]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [2, 0, 1]
    assert packed.unsorted_indices.tolist() == [1, 2, 0]
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True)
    assert padded.tolist() == x.tolist()
    assert lengths.tolist() == [2, 1, 3]
    assert repr(packed).startswith("PackedSequence(data=tensor([4, 1, 3, 5, 2, 6]), batch_sizes=")


@pytest.mark.parity
def test_round_trips_agree_with_pytorch(torch: Any) -> None:
    rng = np.random.default_rng(0)
    for trial in range(60):
        batch, steps = int(rng.integers(1, 5)), int(rng.integers(1, 6))
        batch_first, enforce = bool(trial % 2), bool(trial // 2 % 2)
        trailing = [(), (2,), (2, 3)][trial % 3]
        shape = (batch, steps) if batch_first else (steps, batch)
        x = rng.standard_normal((*shape, *trailing)).astype(np.float32)
        lengths = rng.integers(1, steps + 1, batch)
        lengths = np.sort(lengths)[::-1].copy() if enforce else lengths
        found = []
        for lib in (penlight, torch):
            rnn, leaf = lib.nn.utils.rnn, lib.from_numpy(x.copy()).requires_grad_()
            packed = rnn.pack_padded_sequence(leaf, lib.from_numpy(lengths), batch_first, enforce)
            padded = rnn.pad_packed_sequence(packed, not batch_first, 7.0, steps + trial % 2)
            parts = rnn.unpack_sequence(packed)
            backward_through((padded[0], parts))
            found.append(((packed, padded, parts), leaf))
        assert_same(found[0][0], found[1][0], 0, 0, f"trial {trial}")
        assert_same_gradients([found[0][1]], [found[1][1]], 1e-6, 1e-6, f"trial {trial}")


@pytest.mark.parity
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("trailing", [(), (2,)])
def test_padding_agrees_with_pytorch(
    side: str, batch_first: bool, trailing: tuple[int, ...], torch: Any
) -> None:
    found = []
    for lib in (penlight, torch):
        parts = sequences(lib, 3, 1, 0, 4, trailing=trailing)
        y = lib.nn.utils.rnn.pad_sequence(parts, batch_first, -1.5, side)
        backward_through(y)
        found.append((y, parts))
    assert_same(found[0][0], found[1][0], 0, 0, "padded")
    assert_same_gradients(found[0][1], found[1][1], 0, 0, "padded")


def test_sequences_come_back(lib: Any) -> None:
    rnn, parts = lib.nn.utils.rnn, sequences(lib, 2, 4, 1, trailing=(3,))
    lengths = lib.tensor([2, 4, 1])
    for back in (
        rnn.unpack_sequence(rnn.pack_sequence(parts, enforce_sorted=False)),
        rnn.unpad_sequence(rnn.pad_sequence(parts), lengths),
        rnn.unpad_sequence(rnn.pad_sequence(iter(parts), batch_first=True), lengths, True),
    ):
        assert [array(b).tolist() for b in back] == [array(p).tolist() for p in parts]


def test_unpadding_leaves_the_batch_as_it_is() -> None:
    padded = penlight.zeros(4, 2)
    penlight.nn.utils.rnn.unpad_sequence(padded, penlight.tensor([4, 2]))
    assert padded.shape == (4, 2)


def test_packed_sequences_convert_and_copy(lib: Any) -> None:
    rnn = lib.nn.utils.rnn
    packed = rnn.pack_sequence([lib.ones(2, 3), lib.ones(4, 3)], enforce_sorted=False)
    assert packed.to(lib.float32) is packed
    assert packed.cpu() is packed
    for method, dtype in (
        ("double", "float64"), ("float", "float32"), ("half", "float16"), ("long", "int64"),
        ("int", "int32"), ("short", "int16"), ("char", "int8"), ("byte", "uint8"),
    ):  # fmt: skip
        converted = getattr(packed, method)()
        assert type(converted) is rnn.PackedSequence
        assert converted.data.dtype is getattr(lib, dtype)
        assert converted.unsorted_indices.tolist() == packed.unsorted_indices.tolist()
    assert not packed.is_cuda
    assert not packed.is_pinned()
    for other in (copy.deepcopy(packed), pickle.loads(pickle.dumps(packed))):
        assert type(other) is rnn.PackedSequence
        assert [t.tolist() for t in other] == [t.tolist() for t in packed]
    made = rnn.PackedSequence((lib.ones(3), lib.tensor([2, 1])))
    assert made.batch_sizes.tolist() == [2, 1]
    assert made.unsorted_indices is None
    assert rnn.invert_permutation(None) is None
    assert rnn.invert_permutation(lib.tensor([2, 0, 1])).tolist() == [1, 2, 0]
    assert len(flatten(packed)) == 4


def test_packed_sequences_are_pinned_and_moved_without_a_gpu() -> None:
    packed = penlight.nn.utils.rnn.pack_sequence([penlight.ones(2)])
    assert packed.pin_memory() is packed
    with pytest.raises((RuntimeError, AssertionError), match=r"(?i)cuda"):
        packed.cuda()


BAD = {
    "unsorted": (RuntimeError, "sorted", lambda r, x: r.pack_padded_sequence(x, [1, 2, 3])),
    "zero length": (RuntimeError, "greater than 0", lambda r, x: r.pack_padded_sequence(x, [2, 1, 0])),
    "too few": (RuntimeError, "batch_size", lambda r, x: r.pack_padded_sequence(x, [2, 1])),
    "one dimension": (IndexError, "imension", lambda r, x: r.pack_padded_sequence(x[0], [1, 1, 1])),
    "empty": (RuntimeError, "empty", lambda r, x: r.pack_padded_sequence(x[:0], [1, 1, 1])),
    "no sequence": (RuntimeError, "empty", lambda r, x: r.pack_padded_sequence(x[:, :0], [])),
    "2-d lengths": (RuntimeError, "1D", lambda r, x: r.pack_padded_sequence(x, x[:, :1].long())),
    "total length": (
        ValueError, "total_length=2",
        lambda r, x: r.pad_packed_sequence(r.pack_padded_sequence(x, [3, 2, 1]), total_length=2),
    ),
    "nothing to pad": (RuntimeError, "empty list", lambda r, x: r.pad_sequence([])),
    "nothing to pack": (RuntimeError, "empty list", lambda r, x: r.pack_sequence([])),
    "side": (RuntimeError, "padding_side", lambda r, x: r.pad_sequence([x], padding_side="top")),
    "unlike": (RuntimeError, "size|shape", lambda r, x: r.pad_sequence([x, x[:, :2]])),
    "scalars": (RuntimeError, "shape|slice", lambda r, x: r.pad_sequence([x[0, 0]])),
    "number": (RuntimeError, "iterable", lambda r, x: r.pad_sequence(3)),
    "too few to unpad": (ValueError, "argument 2|lengths", lambda r, x: r.unpad_sequence(x, x[:2, 0])),
    "no batch sizes": (AssertionError, "data", lambda r, x: r.PackedSequence(x)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(name: str, lib: Any) -> None:
    error, match, call = BAD[name]
    with pytest.raises(error, match=match):
        call(lib.nn.utils.rnn, lib.ones(4, 3))


def test_lengths_beyond_the_input_are_refused() -> None:
    """PyTorch reads what lies behind the input in memory."""
    with pytest.raises(RuntimeError, match="at most 4"):
        penlight.nn.utils.rnn.pack_padded_sequence(penlight.ones(4, 2), [5, 1])
