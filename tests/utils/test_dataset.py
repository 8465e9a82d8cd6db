"""Datasets, and ways to combine and cut them."""

from __future__ import annotations

import pytest

import penlight
from penlight.utils.data import Batch, DataLoader, Subset, TensorDataset, default_collate


def test_tensor_dataset(lib, data):
    x, y = lib.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), lib.tensor([0, 1, 2])
    dataset = data.TensorDataset(x, y)
    assert len(dataset) == 3
    sample = dataset[-1]
    assert isinstance(sample, tuple)
    assert [t.tolist() for t in sample] == [[5.0, 6.0], 2]
    assert [t.tolist() for t in dataset[:2]] == [[[1.0, 2.0], [3.0, 4.0]], [0, 1]]
    with pytest.raises(AssertionError):
        data.TensorDataset(x, y[:2])


def test_a_batch_of_a_tensor_dataset_is_one_indexing_call(monkeypatch):
    dataset = TensorDataset(penlight.tensor([[1], [2], [3]]), penlight.tensor([4, 5, 6]))
    monkeypatch.setattr(TensorDataset, "__getitem__", None)
    x, y = next(iter(DataLoader(dataset, batch_size=3)))
    assert x.tolist() == [[1], [2], [3]]
    assert y.tolist() == [4, 5, 6]
    subset = Subset(Subset(dataset, [2, 1, 0]), [0, 2])
    assert [t.tolist() for t in next(iter(DataLoader(subset, 2)))] == [[[3], [1]], [6, 4]]


def test_a_batch_is_a_sequence_of_samples():
    batch = TensorDataset(penlight.tensor([1, 2, 3]), penlight.tensor([4, 5, 6])).__getitems__(
        [0, 2]
    )
    assert isinstance(batch, Batch)
    assert len(batch) == 2
    assert [[t.item() for t in sample] for sample in batch] == [[1, 4], [3, 6]]
    assert [t.item() for t in batch[-1]] == [3, 6]
    assert [t.tolist() for t in default_collate(batch[1:])] == [[3], [6]]
    for index in (2, -3):
        with pytest.raises(IndexError, match=r"out of range for 2 samples"):
            batch[index]


def test_other_collate_functions_get_a_list_of_samples(lib, data):
    def collate(samples):
        assert type(samples) is list
        samples.sort(key=lambda s: -s[0].item())
        return [tuple(t.item() for t in sample) for sample in samples]

    dataset = data.TensorDataset(lib.tensor([1, 2, 3]), lib.tensor([4, 5, 6]))
    assert list(data.DataLoader(dataset, 2, collate_fn=collate)) == [[(2, 5), (1, 4)], [(3, 6)]]


def test_subset_concat_and_chain(data):
    numbers = data.ConcatDataset([range(3), data.Subset(range(10, 20), [5, 0])])
    assert [numbers[i] for i in range(len(numbers))] == [0, 1, 2, 15, 10]
    assert [numbers[-1], numbers[-5]] == [10, 0]
    assert numbers.cumulative_sizes == [3, 5]
    for index, error in ((5, IndexError), (-6, ValueError)):
        with pytest.raises(error):
            numbers[index]
    with pytest.raises(AssertionError):
        data.ConcatDataset([])


class Letters:
    def __getitem__(self, index):
        return "abc"[index]

    def __len__(self):
        return 3


def test_stack(lib, data):
    tensors = data.TensorDataset(lib.tensor([1, 2, 3]))
    pairs = data.StackDataset(Letters(), tensors)
    assert len(pairs) == 3
    assert (pairs[1][0], pairs[1][1][0].item()) == ("b", 2)
    named = data.StackDataset(letter=Letters(), number=range(3))
    assert named[2] == {"letter": "c", "number": 2}
    (batch,) = data.DataLoader(named, 3)
    assert list(batch["letter"]) == ["a", "b", "c"]
    assert batch["number"].tolist() == [0, 1, 2]
    (batch,) = data.DataLoader(pairs, 3)
    assert batch[1][0].tolist() == [1, 2, 3]
    for args, kwargs in (((), {}), ((Letters(),), {"a": Letters()}), ((Letters(), range(2)), {})):
        with pytest.raises(ValueError, match=r"dataset|dict"):
            data.StackDataset(*args, **kwargs)


def test_stack_says_which_dataset_gives_too_few():
    class Short(Letters):
        def __getitems__(self, indices):
            return ["a"]

    with pytest.raises(ValueError, match=r"__getitems__ of Short must give 2 samples, got 1"):
        penlight.utils.data.StackDataset(Short()).__getitems__([0, 1])


def test_adding_datasets(data):
    class Stream(data.IterableDataset):
        def __init__(self, *items):
            self.items = items

        def __iter__(self):
            return iter(self.items)

        def __len__(self):
            return len(self.items)

    chain = Stream(1, 2) + Stream(3)
    assert list(chain) == [1, 2, 3]
    assert len(chain) == 3
    with pytest.raises(AssertionError):
        list(data.ChainDataset([range(3)]))
    with pytest.raises(AssertionError):
        data.ConcatDataset([Stream(1)])
    with pytest.raises(TypeError, match="abstract"):
        data.IterableDataset()


@pytest.mark.parametrize(
    ("size", "lengths", "expected"),
    [
        (10, [3, 7], [3, 7]),
        (10, [0.5, 0.3, 0.2], [5, 3, 2]),
        (11, [0.5, 0.5], [6, 5]),
        (7, [0.35, 0.33, 0.32], [3, 2, 2]),
        (5, [1.0], [5]),
        (0, [0, 0], [0, 0]),
    ],
)
def test_random_split(data, size, lengths, expected):
    parts = data.random_split(range(size), lengths)
    assert [len(p) for p in parts] == expected
    assert sorted(part[i] for part in parts for i in range(len(part))) == list(range(size))


@pytest.mark.parametrize("lengths", [[3, 6], [0.5, 0.4], [1.5, -0.5]])
def test_random_split_refuses(data, lengths):
    with pytest.raises(ValueError, match=r"length|[Ff]raction"):
        data.random_split(range(10), lengths)


def test_random_split_warns_of_empty_parts(data):
    with pytest.warns(UserWarning, match=r"index 1 is 0|subset 1 is empty"):
        data.random_split(range(1), [0.9, 0.1])


def test_random_split_is_the_generators():
    def split(seed):
        g = penlight.Generator().manual_seed(seed)
        return [p.indices for p in penlight.utils.data.random_split(range(50), [20, 30], g)]

    assert split(3) == split(3) != split(4)
