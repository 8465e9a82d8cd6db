"""DataLoader without workers: batches, order, arguments."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

import penlight
from penlight.utils.data import DataLoader, IterableDataset, TensorDataset


def lists(batches):
    return [batch.tolist() for batch in batches]


def stream_of(data, n, length=None):
    class Stream(data.IterableDataset):
        def __iter__(self):
            return iter(range(n))

    if length is not None:
        Stream.__len__ = lambda self: length
    return Stream()


@pytest.mark.parity
def test_signature_is_pytorchs(torch):
    def parameters(cls):
        return [
            (p.name, p.kind, p.default) for p in inspect.signature(cls.__init__).parameters.values()
        ]

    assert parameters(DataLoader) == parameters(torch.utils.data.DataLoader)
    names = (
        "RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler", "BatchSampler",
        "SequentialSampler", "TensorDataset", "Subset", "ConcatDataset", "StackDataset",
    )  # fmt: skip
    for name in names:
        ours, theirs = (getattr(m.utils.data, name) for m in (penlight, torch))
        assert parameters(ours) == parameters(theirs), name


def test_batches_in_order(data):
    assert lists(data.DataLoader(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert lists(data.DataLoader(range(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert lists(data.DataLoader(range(2))) == [[0], [1]]
    assert lists(data.DataLoader(range(0), 2)) == []


def test_samplers(data):
    assert lists(data.DataLoader(range(9), 2, sampler=[5, 3, 1])) == [[5, 3], [1]]
    assert lists(data.DataLoader(range(9), batch_sampler=[[5, 3], [1]])) == [[5, 3], [1]]
    letters = data.DataLoader({"a": 1, "b": 2}, 2, sampler="ba")
    assert lists(letters) == [[2, 1]]


def test_without_batches(lib, data):
    samples = [np.arange(2), np.arange(3)]
    loader = data.DataLoader(samples, batch_size=None)
    assert [type(x) for x in loader] == [lib.Tensor, lib.Tensor]
    assert lists(loader) == [[0, 1], [0, 1, 2]]
    assert list(data.DataLoader(range(3), None, collate_fn=lambda x: -x)) == [0, -1, -2]
    whole = data.TensorDataset(lib.tensor([1, 2, 3, 4]))
    loader = data.DataLoader(
        whole, batch_size=None, sampler=data.BatchSampler(range(4), 3, drop_last=False)
    )
    assert [x.tolist() for (x,) in loader] == [[1, 2, 3], [4]]


@given(st.integers(1, 40), st.integers(1, 12), st.booleans())
def test_shuffled_batches_hold_each_sample_once(n, batch_size, drop_last):
    loader = DataLoader(range(n), batch_size, shuffle=True, drop_last=drop_last)
    seen = [i for batch in lists(loader) for i in batch]
    assert len(set(seen)) == len(seen) == (n - n % batch_size if drop_last else n)
    assert len(lists(loader)) == len(loader)


def test_the_seed_decides_the_order(lib, data):
    def orders(seed):
        lib.manual_seed(seed)
        loader = data.DataLoader(range(30), 7, shuffle=True)
        return lists(loader), lists(loader)

    first, second = orders(1)
    assert first != second
    assert orders(1) == (first, second)
    assert orders(2) != (first, second)


def test_an_epoch_draws_from_its_generator_alone(lib, data):
    generator = lib.Generator()
    lib.manual_seed(0)
    state = lib.get_rng_state()
    lists(data.DataLoader(range(10), 3, shuffle=True, generator=generator))
    assert lib.get_rng_state().tolist() == state.tolist()
    assert generator.get_state().tolist() != lib.Generator().get_state().tolist()


def test_several_iterators_at_once(data):
    loader = data.DataLoader(range(4), 2)
    pairs = [(a.tolist(), b.tolist()) for a in loader for b in loader]
    assert len(pairs) == 4
    epoch = iter(loader)
    assert len(epoch) == 2
    assert iter(epoch) is epoch
    next(epoch), next(epoch)
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(epoch)


def test_the_whole_batch_is_asked_for_at_once(data):
    class Squares:
        def __getitems__(self, indices):
            return [i * i for i in indices]

        def __len__(self):
            return 5

    assert lists(data.DataLoader(Squares(), 3)) == [[0, 1, 4], [9, 16]]


def test_streams(data):
    assert lists(data.DataLoader(stream_of(data, 5), 2)) == [[0, 1], [2, 3], [4]]
    assert lists(data.DataLoader(stream_of(data, 5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(data.DataLoader(stream_of(data, 3), None)) == [0, 1, 2]
    loader = data.DataLoader(stream_of(data, 4), 2, shuffle=False)
    assert lists(loader) == lists(loader) == [[0, 1], [2, 3]]
    with pytest.raises(TypeError, match="len"):
        len(loader)


def test_lengths_of_streams(data):
    assert len(data.DataLoader(stream_of(data, 5, 5), 2)) == 3
    assert len(data.DataLoader(stream_of(data, 5, 5), 2, drop_last=True)) == 2
    assert len(data.DataLoader(stream_of(data, 5, 5), None)) == 5


def test_a_stream_longer_than_it_said(data):
    loader = data.DataLoader(stream_of(data, 3, 1), None)
    assert list(loader) == [0, 1, 2]
    assert len(loader) == 1
    epoch = iter(loader)
    next(epoch)
    with pytest.warns(UserWarning, match="IterableDataset"):
        next(epoch)


class Stopping:
    def __getitem__(self, index):
        raise StopIteration

    def __len__(self):
        return 2


def test_a_stop_iteration_of_the_dataset_does_not_end_the_epoch():
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(Stopping()))


def test_errors_of_the_dataset_come_through(data):
    with pytest.raises(ZeroDivisionError):
        list(data.DataLoader([1, 0], collate_fn=lambda batch: 1 / batch[0]))
    with pytest.raises(IndexError):
        list(data.DataLoader([1, 2], sampler=[5]))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(())


BAD_ARGUMENTS = [
    ({"num_workers": -1}, ValueError, "num_workers"),
    ({"timeout": -1}, ValueError, "timeout"),
    ({"prefetch_factor": 2}, ValueError, "prefetch_factor"),
    ({"num_workers": 1, "prefetch_factor": -1}, ValueError, "prefetch_factor"),
    ({"persistent_workers": True}, ValueError, "persistent_workers"),
    ({"multiprocessing_context": "spawn"}, ValueError, "multiprocessing_context"),
    ({"num_workers": 1, "multiprocessing_context": "bad"}, ValueError, "multiprocessing_context"),
    ({"num_workers": 1, "multiprocessing_context": 3}, TypeError, "multiprocessing_context"),
    ({"sampler": [1], "shuffle": True}, ValueError, "shuffle"),
    ({"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_sampler"),
    ({"batch_sampler": [[1]], "shuffle": True}, ValueError, "batch_sampler"),
    ({"batch_sampler": [[1]], "sampler": [1]}, ValueError, "batch_sampler"),
    ({"batch_sampler": [[1]], "drop_last": True}, ValueError, "batch_sampler"),
    ({"batch_size": None, "drop_last": True}, ValueError, "batch_size"),
    ({"batch_size": 0}, ValueError, "batch_size"),
    ({"batch_size": 2.0}, ValueError, "batch_size"),
    ({"dataset": [], "shuffle": True}, ValueError, "num_samples"),
    ({"stream": True, "shuffle": True}, ValueError, "shuffle"),
    ({"stream": True, "sampler": [1]}, ValueError, "sampler"),
    ({"stream": True, "batch_sampler": [[1]]}, ValueError, "batch_sampler"),
]


@pytest.mark.parametrize(
    ("arguments", "error", "argument"), BAD_ARGUMENTS, ids=[str(a) for a, _, _ in BAD_ARGUMENTS]
)
def test_bad_arguments(data, arguments, error, argument):
    arguments = {"dataset": range(5), **arguments}
    if arguments.pop("stream", False):
        arguments["dataset"] = stream_of(data, 5)
    with pytest.raises(error, match=argument):
        data.DataLoader(**arguments)


def test_a_timeout_needs_workers(data):
    with pytest.raises(AssertionError, match="timeout"):
        iter(data.DataLoader(range(3), timeout=1))


@pytest.mark.parametrize(
    "name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"]
)
def test_what_can_not_be_changed_later(data, name):
    loader = data.DataLoader(range(3))
    with pytest.raises(ValueError, match=name):
        setattr(loader, name, None)


def test_attributes(data):
    loader = data.DataLoader(range(3), 2, shuffle=True, num_workers=1)
    assert (loader.batch_size, loader.drop_last, loader.prefetch_factor) == (2, False, 2)
    assert isinstance(loader.sampler, data.RandomSampler)
    assert isinstance(loader.batch_sampler, data.BatchSampler)
    assert loader.multiprocessing_context is None
    loader.multiprocessing_context = "spawn"
    assert loader.multiprocessing_context.get_start_method() == "spawn"
    assert data.DataLoader(range(3)).prefetch_factor is None
    assert data.DataLoader(range(3), batch_sampler=[[1]]).batch_size is None


def test_loaders_can_be_copied_and_iterators_can_not():
    loader = DataLoader(TensorDataset(penlight.tensor([1, 2, 3])), 2, shuffle=True)
    for copied in (copy.deepcopy(loader), pickle.loads(pickle.dumps(loader))):
        assert sorted(i for (x,) in copied for i in x.tolist()) == [1, 2, 3]
    with pytest.raises(TypeError, match="iterator can't be pickled"):
        pickle.dumps(iter(loader))


def test_reached_from_the_package():
    assert penlight.utils.data.DataLoader is DataLoader
    for name in penlight.utils.data.__all__:
        assert hasattr(penlight.utils.data, name)


@pytest.mark.parity
def test_names_are_pytorchs(torch):
    beyond_this_library = ("DataPipe", "DataChunk", "datapipe", "Distributed", "_DatasetKind",
        "validation", "non_deterministic")  # fmt: skip
    theirs = {n for n in torch.utils.data.__all__ if not any(b in n for b in beyond_this_library)}
    assert theirs <= set(penlight.utils.data.__all__)
