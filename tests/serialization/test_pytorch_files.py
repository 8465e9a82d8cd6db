"""Files go both ways between PyTorch and Penlight, to the bit."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given

import penlight
from penlight import nn
from tests.serialization.files import (
    DTYPES,
    archive_of,
    assert_identical,
    bits,
    holding,
    records,
    saved,
    shares_memory,
)
from tests.serialization.test_round_trips import PLAIN, TENSORS, nests

pytestmark = pytest.mark.parity

FORMATS = [
    pytest.param({}, id="zip"),
    pytest.param({"_use_new_zipfile_serialization": False}, id="legacy"),
]


def from_pytorch(torch, obj, **options):
    """What Penlight loads of what PyTorch saved, three ways that must agree."""
    file = saved(obj, torch, **options)
    loaded = penlight.load(file)
    file.seek(0)
    assert_identical(penlight.load(file, weights_only=False), loaded)
    return loaded


def to_pytorch(torch, obj, **options):
    """What PyTorch loads of what Penlight saved, by both of its unpicklers."""
    file = saved(obj, **options)
    loaded = torch.load(file, weights_only=True)
    file.seek(0)
    assert_identical(torch.load(file, weights_only=False), loaded)
    return loaded


def around(torch, obj, **options):
    """From PyTorch to Penlight and back."""
    return to_pytorch(torch, from_pytorch(torch, obj, **options), **options)


@pytest.mark.parametrize("options", FORMATS)
def test_plain_values(torch, options):
    fit = [v for v in PLAIN if v != -(2**3000) and not isinstance(v, frozenset)]
    fit = [v for v in fit if not (isinstance(v, OrderedDict) and not v)]
    theirs = to_pytorch(torch, fit, **options)
    assert_identical(theirs, fit)
    assert_identical(fit, theirs)
    assert [type(v).__module__ for v in theirs[-len(DTYPES) :]] == ["torch"] * len(DTYPES)
    assert_identical(penlight.load(saved(theirs, torch, **options)), fit)


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("make", TENSORS.values(), ids=TENSORS)
def test_our_tensors(torch, make, options):
    t = make()
    theirs = to_pytorch(torch, t, **options)
    assert_identical(theirs, t)
    native = t.numpy(force=True).dtype.isnative and min(t.stride(), default=0) >= 0
    if native and t.numel() and t.numpy(force=True).base is None:
        assert theirs.stride() == t.stride()
    assert_identical(from_pytorch(torch, theirs, **options), t)


def their_tensors(torch):
    base = torch.randn(4, 6)
    parameter = torch.nn.Parameter(torch.randn(3))
    parameter.note = [1]
    tensor = torch.randn(2)
    tensor.note = {"a": 2}
    return {
        "base": base, "transposed": base.t(), "strided": base[1:3, ::2], "row": base[2],
        "expanded": torch.randn(2, 1).expand(2, 5), "0-d": torch.tensor(2.5), "empty": torch.empty(0, 3),
        "empty too": torch.empty(3, 0, 2), "grad": torch.randn(2, requires_grad=True),
        "computed": torch.randn(2, requires_grad=True) * 2, "parameter": parameter,
        "frozen": torch.nn.Parameter(torch.randn(2), requires_grad=False), "tensor": tensor,
        "same": tensor, "kept": torch.nn.Buffer(torch.randn(2)),
        "lost": torch.nn.Buffer(torch.randn(2), persistent=False),
        "as strided": torch.arange(10.0).as_strided((3, 3), (2, 1), 1),
        "half a storage": torch.arange(10, dtype=torch.int16)[5:],
    }  # fmt: skip


@pytest.mark.parametrize("options", FORMATS)
def test_their_tensors(torch, options):
    theirs = their_tensors(torch)
    ours = from_pytorch(torch, theirs, **options)
    back = to_pytorch(torch, ours, **options)
    for name, t in theirs.items():
        # a Buffer is a type of its own here, and a marked Tensor there
        assert type(back[name]) is type(t)
        assert bits(ours[name]) == bits(back[name]) == bits(t), name
        assert ours[name].shape == tuple(t.shape)
        assert ours[name].requires_grad == back[name].requires_grad == t.requires_grad
        assert back[name].stride() == t.stride()
        assert vars(back[name]) == vars(t)
        if t.numel():
            assert ours[name].stride() == t.stride()
            assert ours[name].storage_offset() == back[name].storage_offset() == t.storage_offset()
    assert ours["tensor"] is ours["same"]
    assert back["tensor"] is back["same"]
    for tensors in (ours, back):
        views = [tensors[name] for name in ("base", "transposed", "strided", "row")]
        assert all(shares_memory(views[0], t) for t in views)
        assert not shares_memory(tensors["base"], tensors["tensor"])
    assert type(ours["kept"]) is type(ours["lost"]) is nn.Buffer
    assert ours["kept"].persistent
    assert not ours["lost"].persistent
    assert isinstance(back["kept"], torch.nn.Buffer)


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_dtypes_to_the_bit(torch, dtype, options):
    raw = np.random.default_rng(0).integers(0, 256, 64, np.uint8)
    array = raw > 127 if dtype is penlight.bool else raw.view(dtype.numpy)
    theirs = to_pytorch(torch, holding(array), **options)
    assert bits(theirs) == array.tobytes()
    assert bits(from_pytorch(torch, theirs, **options)) == array.tobytes()


@pytest.mark.parametrize("options", FORMATS)
def test_bfloat16(torch, options):
    t = torch.randn(5, 3).to(torch.bfloat16)
    ours = from_pytorch(torch, {"t": t, "column": t[:, 1], "dtype": torch.bfloat16}, **options)
    assert ours["dtype"] is penlight.float32
    assert bits(ours["t"]) == bits(t.float())
    assert bits(ours["column"]) == bits(t[:, 1].float())
    assert shares_memory(ours["t"], ours["column"])


@pytest.mark.parametrize("options", FORMATS)
def test_conjugated_and_negated_views(torch, options):
    z = torch.randn(3, dtype=torch.complex64)
    theirs = [z.conj(), z.conj().imag, z.conj()[1:], z]
    for ours, t in zip(from_pytorch(torch, theirs[:1], **options), theirs[:1], strict=True):
        assert bits(ours) == bits(t.resolve_conj())
    (negative,) = from_pytorch(torch, [torch.view_as_real(z)[:, 1]._neg_view()], **options)
    assert bits(negative) == bits(-z.imag)
    both = from_pytorch(torch, [z, z.conj()], **options)
    assert bits(both[0]) == bits(z)
    assert bits(both[1]) == bits(z.conj().resolve_conj())


@given(nests)
def test_any_nest(torch, nest):
    if not _weights_only_takes(nest):
        return
    theirs = to_pytorch(torch, nest)
    assert_identical(from_pytorch(torch, theirs), nest)


def _weights_only_takes(value):
    """PyTorch refuses integers of more than 255 bytes; and a Buffer becomes a Tensor there."""
    if isinstance(value, dict):
        return all(map(_weights_only_takes, [*value, *value.values()]))
    if isinstance(value, (list, tuple, set)):
        return all(map(_weights_only_takes, value))
    return not isinstance(value, (nn.Buffer, frozenset)) and not (
        isinstance(value, int) and value.bit_length() > 2000
    )


# -- what training programs save -------------------------------------------------------------------


def net(library):
    n = library.nn
    return n.Sequential(
        n.Linear(4, 5),
        n.ReLU(),
        n.BatchNorm1d(5),
        n.Sequential(n.Linear(5, 3, bias=False), n.ReLU()),
    )


def conv_net(torch):
    n = torch.nn
    model = n.Sequential(
        n.Conv2d(3, 8, 3), n.BatchNorm2d(8), n.ReLU(), n.Conv2d(8, 8, 3, groups=2), n.Flatten(),
        n.LSTM(8, 4, 2, bidirectional=True), n.MultiheadAttention(8, 2), n.Embedding(5, 3),
    )  # fmt: skip
    model[:3](torch.randn(2, 3, 9, 9))  # batch norm has counted one
    return model.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("options", FORMATS)
def test_state_of_a_conv_net(torch, options):
    state = conv_net(torch).state_dict()
    back = around(torch, state, **options)
    assert type(back) is OrderedDict
    assert back._metadata == state._metadata
    assert [back[k].stride() for k in state] == [t.stride() for t in state.values()]
    assert_identical(back, state)
    model = conv_net(torch)
    model.load_state_dict(back)
    assert_identical(model.state_dict(), state)


@pytest.mark.parametrize("options", FORMATS)
def test_a_model_moves_over_and_back(torch, options):
    theirs, ours = net(torch).eval(), net(penlight).eval()
    ours.load_state_dict(from_pytorch(torch, theirs.state_dict(), **options))
    x = torch.randn(6, 4)
    expected = theirs(x).detach().numpy()
    np.testing.assert_allclose(ours(holding(x.numpy())).detach().numpy(), expected, 1e-5, 1e-6)
    again = net(torch).eval()
    again.load_state_dict(to_pytorch(torch, ours.state_dict(), **options))
    assert bits(again(x)) == bits(theirs(x))


@pytest.mark.parametrize("options", FORMATS)
def test_tied_weights(torch, options):
    model = torch.nn.Sequential(torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False))
    model[1].weight = model[0].weight
    ours = from_pytorch(torch, model.state_dict(), **options)
    assert shares_memory(*ours.values())
    back = to_pytorch(torch, ours, **options)
    assert len({t.data_ptr() for t in back.values()}) == 1
    kept = from_pytorch(torch, model.state_dict(keep_vars=True), **options)
    assert kept["0.weight"] is kept["1.weight"]


OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adagrad": {},
    "Adadelta": {},
    "Adamax": {},
    "NAdam": {},
    "RAdam": {},
    "Rprop": {},
    "ASGD": {},
    "LBFGS": {"history_size": 3, "max_iter": 3},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_state(torch, name):
    torch.manual_seed(0)
    model = net(torch)
    optimizer = getattr(torch.optim, name)(model.parameters(), **OPTIMIZERS[name])
    x, y = torch.randn(8, 4), torch.randn(8, 3)

    def step(model, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            return loss

        optimizer.step(closure)

    for _ in range(3):
        step(model, optimizer)
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    back = around(torch, checkpoint)
    assert_identical(back, checkpoint)
    other = net(torch)
    resumed = getattr(torch.optim, name)(other.parameters(), **OPTIMIZERS[name])
    other.load_state_dict(back["model"])
    resumed.load_state_dict(back["optimizer"])
    step(model, optimizer)
    step(other, resumed)
    assert_identical(other.state_dict(), model.state_dict())


OURS = {
    "SGD": {"lr": 0.1, "momentum": 0.9},
    "Adam": {"amsgrad": True},
    "AdamW": {},
    "RMSprop": {"centered": True, "momentum": 0.5},
    "Adagrad": {},
}


@pytest.mark.parametrize("options", FORMATS)
@pytest.mark.parametrize("name", OURS)
def test_training_goes_on_in_pytorch(torch, name, options):
    batch = np.random.default_rng(0).standard_normal((8, 4), np.float32)
    model = net(penlight)
    optimizer = getattr(penlight.optim, name)(model.parameters(), **OURS[name])

    def step(library, model, optimizer):
        optimizer.zero_grad()
        (model(library.from_numpy(batch)) ** 2).mean().backward()
        optimizer.step()

    for _ in range(3):
        step(penlight, model, optimizer)
    checkpoint = to_pytorch(torch, [model.state_dict(), optimizer.state_dict()], **options)
    theirs = net(torch)
    resumed = getattr(torch.optim, name)(theirs.parameters(), **OURS[name])
    theirs.load_state_dict(checkpoint[0])
    resumed.load_state_dict(checkpoint[1])
    step(penlight, model, optimizer)
    step(torch, theirs, resumed)
    for ours, t in zip(model.state_dict().values(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(ours.numpy(), t.numpy(), 1e-4, 1e-6)


SCHEDULERS = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [1, 3]},
    "CosineAnnealingLR": {"T_max": 5},
    "ReduceLROnPlateau": {},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 10},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1},
    "CosineAnnealingWarmRestarts": {"T_0": 4},
    "LambdaLR": {"lr_lambda": lambda epoch: 0.9**epoch},
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_scheduler_state(torch, name):
    def make():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], 0.1, 0.9)
        scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **SCHEDULERS[name])
        return optimizer, scheduler

    def step(optimizer, scheduler):
        optimizer.step()
        scheduler.step(*([1.0] if name == "ReduceLROnPlateau" else []))
        return optimizer.param_groups[0]["lr"]

    first, second = make(), make()
    for _ in range(3):
        step(*first)
    state = [part.state_dict() for part in first]
    back = around(torch, state)
    assert_identical(back, state)
    for part, loaded in zip(second, back, strict=True):
        part.load_state_dict(loaded)
    assert [step(*first) for _ in range(4)] == [step(*second) for _ in range(4)]


# -- the archive, and how each refuses -------------------------------------------------------------


def test_their_reader_maps_our_files(torch, tmp_path):
    content = {
        "a": penlight.rand(1000),
        "b": penlight.ones(3, dtype=penlight.bool),
        "c": penlight.rand(7),
    }
    penlight.save(content, tmp_path / "a.pt")
    theirs = torch.load(tmp_path / "a.pt", mmap=True)
    assert_identical(theirs, content)
    assert all(t.untyped_storage().data_ptr() % 64 == 0 for t in theirs.values())
    torch.save(theirs, tmp_path / "b.pt")
    assert_identical(penlight.load(tmp_path / "b.pt", mmap=True), content)
    torch.utils.serialization.config.load.calculate_storage_offsets = True
    try:
        assert_identical(torch.load(tmp_path / "a.pt", mmap=True), content)
    finally:
        torch.utils.serialization.config.load.calculate_storage_offsets = False


def test_the_same_records(torch):
    theirs = saved([torch.ones(2), torch.zeros(3)], torch)
    ours = saved([penlight.ones(2), penlight.zeros(3)])
    same = ["data.pkl", "byteorder", "data/0", "data/1", "version"]
    assert [records(theirs)[name] for name in same[1:]] == [
        records(ours)[name] for name in same[1:]
    ]
    # the layout of one zip file is not that of the other; the names are
    assert set(records(ours)) == {*same, ".data/serialization_id"}
    assert set(records(ours)) <= set(records(theirs))
    content = records(ours)
    ours.seek(0)
    reader = torch._C.PyTorchFileReader(ours)
    assert reader.get_record("data.pkl") == content["data.pkl"]
    assert reader.serialization_id() == content[".data/serialization_id"].decode()


def test_the_same_pickle(torch):
    """Byte for byte, in both formats."""

    def content(library):
        t = library.ones(2, 3)
        t.note = [1]
        module = net(library)
        return [
            t.t(), library.empty(3, 0, 2), module.state_dict(), module.state_dict(keep_vars=True),
            library.device("cpu"), library.device("cpu:0"), library.Size([1]), library.float64, {1},
            b"ab", 1j, library.nn.Buffer(library.ones(1)), 1.5, None, True, "x", Counter("ab"),
        ]  # fmt: skip

    for mine, yours in zip(content(penlight), content(torch), strict=True):
        ours, theirs = records(saved(mine)), records(saved(yours, torch))
        assert ours["data.pkl"] == theirs["data.pkl"]


def test_their_files_without_checksums(torch):
    torch.serialization.set_crc32_options(False)
    try:
        file = saved({"a": torch.ones(3)}, torch)
    finally:
        torch.serialization.set_crc32_options(True)
    with zipfile.ZipFile(file) as archive:
        assert not any(entry.CRC for entry in archive.infolist())
    file.seek(0)
    assert penlight.load(file)["a"].tolist() == [1, 1, 1]


def test_whole_modules_are_refused_alike(torch):
    file = saved(net(torch), torch)
    for library, named in ((torch, "torch.nn"), (penlight, "torch.nn")):
        file.seek(0)
        with pytest.raises(
            Exception, match=rf"GLOBAL {named}\.modules\.container\.Sequential"
        ) as error:
            library.load(file)
        assert type(error.value).__name__ == "UnpicklingError"
    ours = saved(net(penlight))
    with pytest.raises(Exception, match=r"GLOBAL penlight\.nn\.modules\.container\.Sequential"):
        torch.load(ours)


@pytest.mark.parametrize("kind", ["uint16", "float8_e4m3fn"])
def test_dtypes_that_penlight_lacks_are_named(torch, kind):
    file = saved({"a": torch.ones(2).to(getattr(torch, kind))}, torch)
    with pytest.raises(
        Exception, match=rf"GLOBAL torch\.(_utils\._rebuild_tensor_v3|{kind}) was not"
    ):
        penlight.load(file)


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (lambda saved: (5,), {}),
        (lambda saved: (saved,), {"mmap": True}),
        (lambda saved: (saved, "cuda"), {}),
        (lambda saved: (saved,), {"weights_only": True, "pickle_module": __import__("pickle")}),
        (lambda saved: (archive_of(b"\x80\x02cmath\nsqrt\nK\4\x85R."),), {}),
    ],
    ids=["no file", "mmap of a buffer", "cuda", "explicit pickle", "forbidden"],
)
def test_errors_of_the_same_type(torch, arguments, options):
    errors = []
    for library in (torch, penlight):
        file = saved(library.ones(2), library)
        with pytest.raises(Exception) as error:  # noqa: PT011 -- which is the question
            library.load(*arguments(file), **options)
        errors.append(type(error.value))
    assert errors[0] is errors[1]


def test_saving_errors_of_the_same_type(torch):
    for library in (torch, penlight):
        with pytest.raises(AttributeError, match="'write'"):
            library.save(1, 5)
        t = library.ones(4)
        with pytest.raises(RuntimeError, match="view the same data as different types"):
            library.save([t, t.view(library.int32)], io.BytesIO())
