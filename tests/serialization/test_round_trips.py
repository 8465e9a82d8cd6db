"""What ``save`` wrote, ``load`` gives back: values, types, sharing, strides."""

from __future__ import annotations

import io
import pathlib
import pickle
from collections import Counter, OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

import penlight
from penlight import nn
from tests.serialization.files import (
    DTYPES,
    assert_identical,
    holding,
    records,
    saved,
    shares_memory,
    there_and_back,
)

FORMATS = [
    pytest.param({}, id="zip"),
    pytest.param({"_use_new_zipfile_serialization": False}, id="legacy"),
    pytest.param({"pickle_protocol": 4}, id="protocol 4"),
    pytest.param({"pickle_protocol": 5}, id="protocol 5"),
]

PLAIN = [
    None, True, 0, -1, 255, 65536, 2**31, -(2**31), 2**70, -(2**3000), 1.5, float("inf"), 1j, "", "ü",
    "\ud800", b"", b"\0\xff", bytearray(b""), bytearray(b"ab"), (), (1,), (1, (2, (3,))), [], {}, set(),
    {1, "a"}, frozenset({(1, 2)}), {"a": {1: None, (1, 2): "b"}}, OrderedDict(a=1), Counter("aab"),
    penlight.Size([2, 0]), penlight.device("cpu"), penlight.device("cpu:0"), *DTYPES,
]  # fmt: skip

TENSORS = {
    "row-major": lambda: penlight.rand(2, 3),
    "transposed": lambda: penlight.rand(2, 3).t(),
    "strided": lambda: penlight.rand(4, 6)[1:3, ::2],
    "expanded": lambda: penlight.rand(2, 1).expand(2, 5),
    "0-d": lambda: penlight.tensor(2.5),
    "0-d view": lambda: penlight.rand(4)[2],
    "empty": lambda: penlight.empty(0, 3),
    "empty, columns": lambda: penlight.empty(3, 0, 2),
    "empty view": lambda: penlight.rand(3)[3:],
    "requires grad": lambda: penlight.rand(2).requires_grad_(),
    "computed": lambda: penlight.rand(2).requires_grad_() * 2,
    "parameter": lambda: nn.Parameter(penlight.rand(2)),
    "frozen": lambda: nn.Parameter(penlight.rand(2), requires_grad=False),
    "reversed": lambda: holding(np.arange(3.0)[::-1]),
    "foreign bytes": lambda: holding(np.arange(3, dtype=">i4")),
    "foreign bytes, 0-d": lambda: holding(np.array(7, dtype=">i4")),
    "odd offset": lambda: holding(np.arange(9, dtype=np.uint8)[1:].view("f4")),
    "odd strides": lambda: holding(np.zeros(9, "i1, f4")["f1"]),
    "field": lambda: holding(np.zeros(3, [("a", "i1"), ("b", "f4")])["b"]),
    "read-only": lambda: holding(np.frombuffer(b"12345678", "f4")),
}


@pytest.mark.parametrize("options", FORMATS)
def test_plain_values(options):
    assert_identical(there_and_back(PLAIN, **options), PLAIN)
    nan = there_and_back(float("nan"), **options)
    assert nan != nan


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("make", TENSORS.values(), ids=TENSORS)
def test_tensors(make, options):
    t = make()
    loaded = there_and_back(t, **options)
    assert_identical(loaded, t)
    assert loaded.is_leaf
    assert not shares_memory(loaded, t) or not t.numel()
    assert loaded.detach().numpy().flags.writeable


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_to_the_bit(dtype, options):
    array = np.random.default_rng(0).integers(0, 256, 48, np.uint8).view(dtype.numpy)
    if dtype is penlight.bool:
        array = array.view(np.uint8) > 127
    assert_identical(there_and_back([holding(array)], **options), [holding(array)])


def test_strides_are_kept():
    for name in ("row-major", "transposed", "strided", "expanded", "0-d"):
        t = TENSORS[name]()
        loaded = there_and_back(t)
        assert (loaded.stride(), loaded.storage_offset()) == (t.stride(), t.storage_offset())


@pytest.mark.parametrize("options", FORMATS)
def test_what_shared_memory_still_does(options):
    base = penlight.rand(4, 3)
    parameter = nn.Parameter(base)
    content = {"base": base, "row": base[1], "again": base, "flipped": base.t(), "p": parameter}
    file = saved(content, **options)
    loaded = penlight.load(file)
    assert loaded["base"] is loaded["again"]
    assert shares_memory(*loaded.values())
    loaded["base"][1, 2] = 9.0
    assert loaded["row"][2].item() == loaded["flipped"][2, 1].item() == 9.0
    assert loaded["p"][1, 2].item() == 9.0
    if not options:
        assert [name for name in records(file) if name.startswith("data/")] == ["data/0"]


def test_separate_memory_stays_separate():
    a, b = there_and_back([penlight.ones(2), penlight.ones(2)])
    assert not shares_memory(a, b)


def test_one_memory_as_two_dtypes_is_refused():
    array = np.zeros(4, np.float32)
    tensors = [holding(array), holding(array.view(np.int32))]
    with pytest.raises(RuntimeError, match=r"same data as different types.*float32.*int32.*clone"):
        saved(tensors)


def test_attributes_parameters_and_buffers():
    t = penlight.rand(2)
    t.note = ["a"]
    p = nn.Parameter(penlight.rand(2))
    p.note = {"b": 1}
    kept, lost = nn.Buffer(penlight.rand(2)), nn.Buffer(penlight.rand(2), persistent=False)
    loaded = there_and_back([t, p, kept, lost])
    assert loaded[0].note == ["a"]
    assert loaded[1].note == {"b": 1}
    assert [type(x) for x in loaded] == [penlight.Tensor, nn.Parameter, nn.Buffer, nn.Buffer]
    assert [x.persistent for x in loaded[2:]] == [True, False]
    assert not hasattr(loaded[2], "_is_buffer")
    assert_identical(loaded, [t, p, kept, lost])


class Marked(penlight.Tensor):
    """A user's subclass."""


def test_a_subclass_of_tensor():
    t = (
        penlight.rand(2).as_subclass(Marked)
        if hasattr(penlight.Tensor, "as_subclass")
        else Marked(2)
    )
    t.note = 1
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL tests.*\.Marked was not an allowed"):
        there_and_back(t)
    for loaded in _loaded_both_ways(t, [Marked]):
        assert type(loaded) is Marked
        assert loaded.note == 1
        assert_identical(loaded, t)


def _loaded_both_ways(obj, allowed):
    yield penlight.load(saved(obj), weights_only=False)
    with penlight.serialization.safe_globals(allowed):
        yield there_and_back(obj)


def test_a_state_dict_with_its_metadata():
    module = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1)))
    state = module.state_dict()
    loaded = there_and_back(state)
    assert type(loaded) is OrderedDict
    assert loaded._metadata == state._metadata
    assert_identical(loaded, state)
    other = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1)))
    assert str(other.load_state_dict(loaded)) == "<All keys matched successfully>"
    assert_identical(other.state_dict(), state)


def test_tied_weights_stay_tied():
    module = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    module[1].weight = module[0].weight
    loaded = there_and_back(module.state_dict())
    assert shares_memory(*loaded.values())
    whole = penlight.load(saved(module), weights_only=False)
    assert whole[0].weight is whole[1].weight


def test_a_whole_module():
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.BatchNorm1d(3)).eval()
    x = penlight.rand(4, 2)
    names = r"GLOBAL penlight\.nn\.modules\.container\.Sequential .*add_safe_globals\(\[penlight.nn"
    with pytest.raises(pickle.UnpicklingError, match=names):
        there_and_back(module)
    allowed = [nn.Sequential, nn.Linear, nn.ReLU, nn.BatchNorm1d]
    for loaded in _loaded_both_ways(module, allowed):
        assert not loaded.training
        assert loaded(x).tolist() == module(x).tolist()


def test_an_object_that_contains_itself():
    knot: list = [penlight.ones(1)]
    knot.append(knot)
    loaded = there_and_back(knot)
    assert loaded[1] is loaded


@pytest.mark.parametrize("content", [np.float64(2.5), np.arange(3.0), np.array([True])])
def test_numpy_needs_to_be_allowed(content):
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL numpy\._core\.multiarray\."):
        there_and_back([content])
    multiarray = np._core.multiarray
    allowed = [
        multiarray.scalar,
        multiarray._reconstruct,
        np.ndarray,
        np.dtype,
        type(content.dtype),
    ]
    for (loaded,) in _loaded_both_ways([content], allowed):
        assert type(loaded) is type(content)
        np.testing.assert_array_equal(loaded, content)


def test_generator_state_resumes():
    state = there_and_back({"rng": penlight.get_rng_state()})["rng"]
    expected = penlight.rand(3).tolist()
    penlight.set_rng_state(state)
    assert penlight.rand(3).tolist() == expected


# -- containers and tensors of all kinds ----------------------------------------------------------

numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
texts = st.text(max_size=5) | st.binary(max_size=5)
keys = st.text(max_size=3) | st.integers() | st.tuples(st.integers(), st.text(max_size=2))


@st.composite
def tensors(draw):
    dtype = draw(st.sampled_from(DTYPES)).numpy
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    array = draw(hnp.arrays(dtype, shape))
    if array.ndim:
        array = array.transpose(draw(st.permutations(range(array.ndim))))
        array = array[tuple(slice(None, None, draw(st.integers(1, 2))) for _ in array.shape)]
    t = holding(array)
    kind = draw(st.sampled_from(["tensor", "parameter", "grad", "buffer"]))
    if kind == "buffer":
        return nn.Buffer(t)
    if dtype.kind not in "fc":
        return t
    return nn.Parameter(t) if kind == "parameter" else t.requires_grad_(kind == "grad")


def containers(inner):
    return (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3).map(OrderedDict)
        | st.sets(keys, max_size=3)
        | st.lists(st.integers(0, 5), max_size=5).map(Counter)
        | st.lists(st.integers(0, 9), max_size=4).map(penlight.Size)
    )


nests = st.recursive(numbers | texts | tensors(), containers, max_leaves=12)


@given(
    nests, st.sampled_from([{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}])
)
def test_any_nest(nest, options):
    assert_identical(there_and_back(nest, **options), nest)


# -- where it is written -------------------------------------------------------------------------


@pytest.mark.parametrize("as_path", [str, pathlib.Path])
def test_paths(tmp_path, as_path):
    path = as_path(tmp_path / "ünd.pt")
    penlight.save({"a": penlight.ones(2)}, path)
    assert penlight.load(path)["a"].tolist() == [1, 1]
    assert penlight.load(path, mmap=True)["a"].tolist() == [1, 1]


def test_file_objects_from_where_they_stand(tmp_path):
    with open(tmp_path / "a", "w+b") as file:
        file.write(b"before")
        penlight.save(penlight.ones(2), file)
        file.seek(6)
        assert penlight.load(file).tolist() == [1, 1]


class Meagre:
    """A file object with the least that load asks for; it reads and writes in small pieces."""

    def __init__(self) -> None:
        self.inner = io.BytesIO()
        self.seek, self.tell = self.inner.seek, self.inner.tell

    def write(self, data: bytes) -> int:
        return self.inner.write(data[:7])

    def read(self, n: int = -1) -> bytes:
        return self.inner.read(n)


def test_a_meagre_file_object():
    file = Meagre()
    penlight.save(penlight.tensor(range(100)), file)
    file.seek(0)
    assert penlight.load(file).tolist() == list(range(100))


def test_several_legacy_objects_in_one_file():
    file = io.BytesIO()
    for i in range(3):
        penlight.save(penlight.full((i,), float(i)), file, _use_new_zipfile_serialization=False)
    file.seek(0)
    assert [penlight.load(file).tolist() for _ in range(3)] == [[], [1], [2, 2]]


def test_the_same_object_gives_the_same_bytes(tmp_path):
    state = nn.Linear(2, 3).state_dict()
    assert saved(state).getvalue() == saved(state).getvalue()
    penlight.save(state, tmp_path / "other name.pt")
    assert (tmp_path / "other name.pt").read_bytes() == saved(state).getvalue()


@pytest.mark.parametrize("f", [5, None, object()])
def test_no_file(f):
    with pytest.raises(AttributeError, match=r"save: expected f .*'write'"):
        penlight.save(1, f)
    with pytest.raises(AttributeError, match=r"load: .* no attribute 'read'"):
        penlight.load(f)


def test_what_cannot_be_pickled_leaves_the_old_file(tmp_path):
    penlight.save(1, tmp_path / "a")
    with pytest.raises((pickle.PicklingError, AttributeError)):
        penlight.save([penlight.ones(3), lambda: 0], tmp_path / "a")
    assert penlight.load(tmp_path / "a") == 1


# -- other picklers ------------------------------------------------------------------------------


class _LambdaPickler(pickle._Pickler):
    def reducer_override(self, obj):
        if getattr(obj, "__name__", "") == "<lambda>":
            return eval, ("lambda x: x + 1",)
        return NotImplemented


def test_another_pickle_module():
    module = SimpleNamespace(__name__="lambdas", Pickler=_LambdaPickler, Unpickler=pickle.Unpickler)
    file = saved([penlight.ones(2), lambda x: x + 1], pickle_module=module)
    t, function = penlight.load(file, pickle_module=module)
    assert t.tolist() == [1, 1]
    assert function(1) == 2


def test_a_pickler_in_c_is_refused():
    module = SimpleNamespace(__name__="fast", Pickler=pickle.Pickler)
    with pytest.raises(TypeError, match=r"pickle_module \(=fast\).*pickle\._Pickler"):
        saved(1, pickle_module=module)
