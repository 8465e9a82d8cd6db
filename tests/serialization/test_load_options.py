"""``map_location``, ``mmap``, ``weights_only`` and the other arguments of ``load``."""

from __future__ import annotations

import io
import pickle
import sys

import numpy as np
import pytest

import penlight
from penlight.serialization import get_unsafe_globals_in_checkpoint
from penlight.serialization.storage import Storage
from tests.serialization.files import (
    FLOATS,
    archive_of,
    assert_identical,
    changed,
    records,
    saved,
    shares_memory,
    storage,
    tensor,
)

VALUES = np.arange(4, dtype=np.float32)


def on_device(location):
    """A tensor saved on another device."""
    return archive_of(
        tensor(storage(location=location), 0, (4,), (1,), False, None), VALUES.tobytes()
    )


# -- map_location ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "map_location",
    [
        "cpu", b"cpu", "cpu:0", penlight.device("cpu"), {"cuda:1": "cpu"},
        lambda storage, location: storage, lambda storage, location: storage.cpu(),
    ],
)  # fmt: skip
def test_tensors_of_other_devices_come_to_the_cpu(map_location):
    assert penlight.load(on_device("cuda:1"), map_location).tolist() == [0, 1, 2, 3]
    assert penlight.load(saved(penlight.ones(2)), map_location=map_location).tolist() == [1, 1]


@pytest.mark.parametrize(
    "map_location", [None, {"cpu": "cuda"}, {}, lambda storage, location: None]
)
def test_without_being_told_they_do_not(map_location):
    with pytest.raises(RuntimeError, match=r"lie on 'cuda:1', but only 'cpu' .*map_location='cpu'"):
        penlight.load(on_device("cuda:1"), map_location)


@pytest.mark.parametrize("map_location", ["cuda", "meta", {"cpu": "cuda"}])
def test_there_is_only_the_cpu(map_location):
    with pytest.raises(RuntimeError, match=r"lie on '\w+', but only 'cpu'"):
        penlight.load(saved(penlight.ones(2)), map_location)


def test_a_function_is_asked_once_per_storage():
    seen = []

    def place(storage, location):
        seen.append((type(storage), len(storage), storage.dtype, str(storage.device), location))

    t = penlight.ones(3)
    penlight.load(saved([t, t[1:], penlight.zeros(2)]), place)
    floats = penlight.float32
    assert seen == [(Storage, 3, floats, "cpu", "cpu"), (Storage, 2, floats, "cpu", "cpu")]
    assert "2 elements" in repr(Storage(np.zeros(2)))
    with pytest.raises((TypeError, pickle.UnpicklingError), match="a storage or None, got int"):
        penlight.load(saved(t), lambda storage, location: 3)


# -- mmap ------------------------------------------------------------------------------------------


def test_mapped_tensors(tmp_path):
    path = tmp_path / "a.pt"
    content = {
        "big": penlight.rand(100, 100), "half": penlight.ones(3, dtype=penlight.float16),
        "empty": penlight.empty(0), "bool": penlight.tensor([True]), "z": penlight.tensor([1j]),
    }  # fmt: skip
    content["row"] = content["big"][3]
    penlight.save(content, path)
    before = path.read_bytes()
    loaded = penlight.load(path, mmap=True)
    assert_identical(loaded, content)
    assert shares_memory(loaded["big"], loaded["row"])
    loaded["big"].fill_(7.0)
    assert loaded["row"][0].item() == 7.0
    assert path.read_bytes() == before  # the changes are ours alone
    penlight.save(loaded, path)  # over the file that is mapped
    assert (penlight.load(path)["big"] == 7.0).all()
    assert (loaded["big"] == 7.0).all()
    assert path.stat().st_size == len(before)  # not the whole map for each tensor


def test_mapping_reads_nothing_but_what_is_used(tmp_path):
    """The values are not even checked."""
    penlight.save(penlight.ones(100), tmp_path / "a.pt")
    data = (tmp_path / "a.pt").read_bytes()
    ones = np.ones(100, np.float32).tobytes()
    (tmp_path / "a.pt").write_bytes(data.replace(ones, bytes(400)))
    assert penlight.load(tmp_path / "a.pt", mmap=True).sum() == 0
    with pytest.raises(RuntimeError, match="checksum"):
        penlight.load(tmp_path / "a.pt")


def test_unaligned_storages_are_copied(tmp_path):
    for shift in range(4):
        file = archive_of(
            tensor(storage(), 0, (4,), (1,), False, None), VALUES.tobytes(), x=bytes(shift)
        )
        (tmp_path / "a.pt").write_bytes(file.getvalue())
        t = penlight.load(tmp_path / "a.pt", mmap=True)
        assert t.numpy().flags.aligned
        assert t.tolist() == [0, 1, 2, 3]


def test_mmap_needs_a_path_and_the_zip_format(tmp_path):
    with pytest.raises(ValueError, match="f must be a file path"):
        penlight.load(saved(1), mmap=True)
    penlight.save(1, tmp_path / "a", _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        penlight.load(tmp_path / "a", mmap=True)


# -- weights_only, pickle_module, encoding ---------------------------------------------------------


def test_weights_only_by_default():
    file = archive_of(b"\x80\x02cmath\nsqrt\nK\4\x85R.")
    with pytest.raises(pickle.UnpicklingError, match=r"GLOBAL math\.sqrt"):
        penlight.load(file)
    file.seek(0)
    assert penlight.load(file, weights_only=False) == 2
    file.seek(0)
    assert penlight.load(file, pickle_module=pickle) == 2
    with pytest.raises(RuntimeError, match=r"weights when explicit pickle_module is specified"):
        penlight.load(file, pickle_module=pickle, weights_only=True)


@pytest.mark.parametrize("weights_only", [True, False])
def test_strings_of_python_2(weights_only):
    file = archive_of(b"\x80\x02U\2\xc3\xbc.")

    def load(**options):
        file.seek(0)
        return penlight.load(file, weights_only=weights_only, **options)

    assert load() == "ü"
    assert load(encoding="latin1") == "\xc3\xbc"
    assert load(encoding="bytes") == b"\xc3\xbc"
    pid = b"(U\7storage" + FLOATS + b"U\1" + b"0" + b"U\3cpu" + b"K\4tQ"
    old = archive_of(tensor(pid, 0, (4,), (1,), False, None), VALUES.tobytes())
    assert penlight.load(old, weights_only=weights_only, encoding="bytes").tolist() == [0, 1, 2, 3]


def test_unknown_arguments():
    with pytest.raises(TypeError, match="'errors' is an argument for weights_only=False"):
        penlight.load(saved(1), errors="ignore")
    assert penlight.load(saved(1), weights_only=False, errors="ignore") == 1
    with pytest.raises(TypeError, match="unknown"):
        penlight.load(saved(1), weights_only=False, unknown=1)


def test_other_parts_of_pytorch_are_named():
    file = archive_of(b"\x80\x02ctorch.nn.modules.linear\nLinear\n.")
    with pytest.raises(pickle.UnpicklingError, match=r"torch\.nn\.modules\.linear\.Linear was not"):
        penlight.load(file)
    file.seek(0)
    message = r"holds a torch\.nn\.modules\.linear\.Linear, which only PyTorch can load.*state_dict"
    with pytest.raises(pickle.UnpicklingError, match=message):
        penlight.load(file, weights_only=False)
    ours = (penlight.nn.Linear, "torch.nn.modules.linear.Linear")
    with penlight.serialization.safe_globals([ours]):
        file.seek(0)
        assert penlight.load(file) is penlight.nn.Linear
        file.seek(0)
        assert penlight.load(file, weights_only=False) is penlight.nn.Linear


def test_names_without_loading(tmp_path):
    penlight.save({"a": penlight.ones(2), "b": b"x", "c": {1}}, tmp_path / "plain.pt")
    assert get_unsafe_globals_in_checkpoint(tmp_path / "plain.pt") == []
    for protocol in (2, 4, 5):
        file = saved([penlight.nn.Linear(1, 1), penlight.nn.Linear(1, 1)], pickle_protocol=protocol)
        assert get_unsafe_globals_in_checkpoint(file) == ["penlight.nn.modules.linear.Linear"]
    with pytest.raises(RuntimeError, match="damaged"):
        get_unsafe_globals_in_checkpoint(archive_of(b"\x80\x02h"))
    with pytest.raises(RuntimeError, match="directory"):
        get_unsafe_globals_in_checkpoint(io.BytesIO(b"x"))


# -- other writers' files --------------------------------------------------------------------------


def test_the_other_byte_order():
    other = "big" if sys.byteorder == "little" else "little"
    t = penlight.tensor([[1.5, -2.0], [3.0, 0.25]])
    content = {"t": t, "z": penlight.tensor([1 + 2j]), "i": penlight.tensor([1, 2**40])}
    file = saved(content)
    arrays = [t.numpy(), content["z"].numpy(), content["i"].numpy()]
    swapped = {f"data_{i}": a.byteswap().tobytes() for i, a in enumerate(arrays)}
    assert_identical(penlight.load(changed(file, byteorder=other.encode(), **swapped)), content)
    assert sys.byteorder != "little" or "byteorder" in records(file)
    assert_identical(penlight.load(changed(file, byteorder=None)), content)


def test_bfloat16_is_read_as_float32():
    values = np.array([0.0, -0.0, 1.5, -3e38, np.inf, np.nan, 1e-40], np.float32)
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    exact = (upper.astype(np.uint32) << 16).view(np.float32)
    kind = storage(length=7, kind=b"ctorch\nBFloat16Storage\n")
    for offset, size, stride in [(0, (7,), (1,)), (1, (2, 2), (3, 1)), (2, (3, 4), (0, 1))]:
        pickled = tensor(kind, offset, size, stride, True, None)
        t = penlight.load(archive_of(pickled, upper.tobytes()))
        assert t.dtype is penlight.float32
        assert t.requires_grad
        expected = np.lib.stride_tricks.as_strided(exact[offset:], size, [4 * s for s in stride])
        assert t.detach().numpy().tobytes() == expected.tobytes()
    assert penlight.load(archive_of(b"\x80\x02ctorch\nbfloat16\n.")) is penlight.float32


@pytest.mark.parametrize(
    ("flags", "values"),
    [
        ({"conj": True}, [1 - 2j, 3 + 4j]),
        ({"neg": True}, [-1 - 2j, -3 + 4j]),
        ({"conj": True, "neg": True}, [-1 + 2j, -3 - 4j]),
        ({"conj": False}, [1 + 2j, 3 - 4j]),
    ],
)
def test_what_pytorch_puts_off_is_computed(flags, values):
    kind = storage(length=2, kind=b"ctorch\nComplexFloatStorage\n")
    pickled = tensor(kind, 0, (2,), (1,), False, None, flags)
    data = np.array([1 + 2j, 3 - 4j], np.complex64).tobytes()
    assert penlight.load(archive_of(pickled, data)).tolist() == values


def test_tensors_from_before_0_4():
    pickled = tensor(storage(), 1, (2,), (2,), maker="_rebuild_tensor")
    assert penlight.load(archive_of(pickled, VALUES.tobytes())).tolist() == [1, 3]


def test_a_storage_alone():
    loaded = penlight.load(archive_of(b"\x80\x02" + storage() + b".", VALUES.tobytes()))
    assert loaded.array.tolist() == [0, 1, 2, 3]


def test_safetensors_by_their_name(tmp_path):
    path = tmp_path / "a.safetensors"
    penlight.serialization.safetensors.save_file({"a": penlight.ones(2)}, path)
    assert penlight.load(path)["a"].tolist() == [1, 1]
    assert penlight.load(path, map_location="cpu")["a"].tolist() == [1, 1]
    with pytest.raises(RuntimeError, match="map_location must be a device"):
        penlight.load(path, map_location={"cpu": "cpu"})
    with pytest.raises(RuntimeError, match="cuda"):
        penlight.load(path, map_location="cuda")
