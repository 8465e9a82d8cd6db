"""Samplers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, strategies as st

import penlight
from penlight.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


@given(st.integers(0, 30), st.integers(1, 9), st.booleans())
def test_batches_cover_the_sampler(n, batch_size, drop_last):
    sampler = BatchSampler(range(n), batch_size, drop_last)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    kept = n - n % batch_size if drop_last else n
    assert [i for batch in batches for i in batch] == list(range(kept))
    assert all(len(batch) == batch_size for batch in batches[:-1])


@given(st.integers(1, 40), st.integers(1, 100))
def test_without_replacement_nothing_comes_again_before_all_have_come(n, count):
    drawn = list(RandomSampler(range(n), num_samples=count))
    assert len(drawn) == count
    for start in range(0, count, n):
        assert len(set(drawn[start : start + n])) == len(drawn[start : start + n])
    assert set(drawn) <= set(range(n))


def test_with_replacement_all_come_equally_often(data):
    sampler = data.RandomSampler(range(5), replacement=True, num_samples=20_000)
    assert len(sampler) == 20_000
    counts = Counter(sampler)
    assert set(counts) == set(range(5))
    assert all(abs(count - 4000) < 5 * 60 for count in counts.values())  # sigma is 57


def test_an_epoch_is_repeated_from_the_generators_state():
    for options in ({}, {"num_samples": 25}, {"replacement": True, "num_samples": 9}):
        generator = penlight.Generator().manual_seed(1)
        sampler = RandomSampler(range(10), generator=generator, **options)
        state = generator.get_state()
        first = list(sampler)
        after = generator.get_state()
        second = list(sampler)
        generator.set_state(state)
        epoch = iter(sampler)
        assert generator.get_state().tolist() == after.tolist()  # all was drawn at the start
        assert list(epoch) == first != second


def test_a_permutation_is_randperm_of_the_generator(lib, data):
    def generator():
        return lib.Generator().manual_seed(7)

    order = list(data.RandomSampler(range(20), generator=generator()))
    assert order == lib.randperm(20, generator=generator()).tolist()
    indices = "abcdefgh"
    order = list(data.SubsetRandomSampler(indices, generator=generator()))
    assert order == [indices[i] for i in lib.randperm(8, generator=generator()).tolist()]


def test_the_default_generator_decides():
    def order(seed):
        penlight.manual_seed(seed)
        return list(RandomSampler(range(30))), list(SubsetRandomSampler(range(30)))

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_the_datasets_length_may_change(data):
    source = [1, 2, 3]
    sampler = data.RandomSampler(source)
    source.append(4)
    assert len(sampler) == sampler.num_samples == 4
    assert sorted(sampler) == [0, 1, 2, 3]


def test_weights_are_probabilities(data):
    weights = [1.0, 0.0, 3.0, 4.0]
    counts = Counter(data.WeightedRandomSampler(weights, 40_000))
    assert 1 not in counts
    for i, weight in enumerate(weights):
        p = weight / 8
        assert abs(counts[i] - 40_000 * p) <= 5 * (40_000 * p * (1 - p)) ** 0.5


def test_weighted_without_replacement(data):
    firsts, seconds = Counter(), Counter()
    for _ in range(4000):
        a, b = data.WeightedRandomSampler([1.0, 2.0, 1.0], 2, replacement=False)
        firsts[a] += 1
        seconds[b] += a == 1
    assert abs(firsts[1] - 2000) < 5 * 32
    assert seconds[1] == 0
    assert abs(seconds[0] - seconds[2]) < 5 * 45


def test_tiny_and_huge_weights():
    assert set(WeightedRandomSampler([1e308, 1e308, 1e-300], 100)) == {0, 1}
    assert sorted(WeightedRandomSampler([1e-300, 0.0, 1.0], 2, False)) == [0, 2]


def test_weighted_order_is_the_generators():
    def order(seed, replacement):
        generator = penlight.Generator().manual_seed(seed)
        return list(WeightedRandomSampler([1.0] * 20, 10, replacement, generator))

    for replacement in (True, False):
        assert order(1, replacement) == order(1, replacement) != order(2, replacement)


@pytest.mark.parametrize(
    ("name", "args", "error", "argument"),
    [
        ("RandomSampler", (range(3), 1), TypeError, "replacement"),
        ("RandomSampler", (range(3), False, 0), ValueError, "num_samples"),
        ("RandomSampler", (range(3), False, 1.5), ValueError, "num_samples"),
        ("RandomSampler", (range(0),), ValueError, "num_samples"),
        ("WeightedRandomSampler", ([1.0], 0), ValueError, "num_samples"),
        ("WeightedRandomSampler", ([1.0], True), ValueError, "num_samples"),
        ("WeightedRandomSampler", ([1.0], 1, 1), ValueError, "replacement"),
        ("WeightedRandomSampler", ([[1.0]], 1), ValueError, "weights"),
        ("BatchSampler", (range(3), 0, False), ValueError, "batch_size"),
        ("BatchSampler", (range(3), True, False), ValueError, "batch_size"),
        ("BatchSampler", (range(3), 1.0, False), ValueError, "batch_size"),
        ("BatchSampler", (range(3), 1, 0), ValueError, "drop_last"),
    ],
)
def test_bad_arguments(data, name, args, error, argument):
    with pytest.raises(error, match=argument):
        getattr(data, name)(*args)


@pytest.mark.parametrize(
    ("weights", "count", "replacement"),
    [
        ([0.0, 0.0], 1, True),
        ([-1.0, 2.0], 1, True),
        ([float("nan"), 1.0], 1, True),
        ([float("inf"), 1.0], 1, True),
        ([1.0, 1.0], 3, False),
        ([], 1, True),
    ],
)
def test_weights_that_no_one_can_draw_from(data, weights, count, replacement):
    with pytest.raises(RuntimeError):
        list(data.WeightedRandomSampler(weights, count, replacement))


def test_an_empty_dataset_has_nothing_to_draw():
    with pytest.raises(ValueError, match=r"data_source is empty"):
        iter(RandomSampler([], num_samples=3))


def test_lengths_of_loaders(data):
    sampler = data.SequentialSampler(range(10))
    assert len(data.DataLoader(range(10), 3, sampler=sampler)) == 4
    assert len(data.DataLoader(range(10), 3, drop_last=True)) == 3
    assert len(data.DataLoader(range(10), batch_size=None)) == 10
    assert len(data.DataLoader(range(10), batch_sampler=[[1, 2], [3]])) == 2
    with pytest.raises(TypeError, match="len"):
        len(data.DataLoader(range(10), 3, sampler=(i for i in range(10))))


def test_a_loader_draws_its_order_when_the_epoch_begins():
    generator = penlight.Generator().manual_seed(5)
    loader = DataLoader(range(20), 4, shuffle=True, generator=generator)
    state = generator.get_state()
    first = [batch.tolist() for batch in loader]
    assert [batch.tolist() for batch in loader] != first
    generator.set_state(state)
    epoch = iter(loader)
    generator.manual_seed(0)
    assert [batch.tolist() for batch in epoch] == first


@pytest.mark.parity
@pytest.mark.parametrize("size", [11, 2, 8])
@pytest.mark.parametrize("drop_last", [True, False])
def test_shares_are_pytorchs(size: int, drop_last: bool, torch: Any) -> None:
    for rank in range(4):
        options = {"num_replicas": 4, "rank": rank, "shuffle": False, "drop_last": drop_last}
        ours = DistributedSampler(range(size), **options)
        theirs = torch.utils.data.DistributedSampler(range(size), **options)
        assert list(ours) == list(theirs)
        assert len(ours) == len(theirs)


def test_shuffled_shares_cover_all_indices_and_change_by_epoch() -> None:
    samplers = [DistributedSampler(range(12), 3, rank, seed=5) for rank in range(3)]
    first = [list(s) for s in samplers]
    assert sorted(i for share in first for i in share) == list(range(12))
    assert [list(s) for s in samplers] == first
    for s in samplers:
        s.set_epoch(1)
    assert [list(s) for s in samplers] != first


def test_shares_must_be_said() -> None:
    with pytest.raises(ValueError, match="give num_replicas and rank"):
        DistributedSampler(range(3))
    with pytest.raises(ValueError, match="Invalid rank 2"):
        DistributedSampler(range(3), num_replicas=2, rank=2)
