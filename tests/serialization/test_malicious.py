"""Files that would run code under plain pickle run nothing here."""

from __future__ import annotations

import copyreg
import io
import pickle
import struct
import subprocess
import sys
from typing import Any

import pytest

import penlight
from penlight import nn
from penlight.serialization import add_safe_globals, get_unsafe_globals_in_checkpoint, safe_globals
from penlight.serialization.legacy import MAGIC_NUMBER, PROTOCOL_VERSION
from tests.serialization.files import archive_of, pushing, storage, tensor, text

START, STOP, REDUCE, MARK = b"\x80\x02", pickle.STOP, pickle.REDUCE, pickle.MARK

ran: list[str] = []
"""What a file made us run."""


def run(what: str = "run") -> str:
    ran.append(what)
    return what


class Evil:
    """Runs code when it is made, given a state, compared or hashed."""

    def __new__(cls, *arguments: Any, **options: Any) -> Evil:
        run("new")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        run("state")

    def __reduce__(self) -> Any:
        return run, ("reduce",)


HERE = __name__
RUN = f"c{HERE}\nrun\n".encode()
EVIL = f"c{HERE}\nEvil\n".encode()
CODE = f"__import__({HERE!r}, fromlist=['run']).run()"


def named(module: str, name: str) -> bytes:
    """STACK_GLOBAL, the form of protocol 4."""
    return text(module) + text(name) + pickle.STACK_GLOBAL


def called(function: bytes, *arguments: Any) -> bytes:
    return function + pushing(arguments) + REDUCE


ANY = f"c{HERE}\nany_function\n".encode()


def any_function(*arguments: Any) -> None:
    """Its arguments are made before it is called."""


ZOO: dict[str, tuple[bytes, str]] = {  # instructions, and the name that is refused
    "reduce": (called(RUN), f"{HERE}.run"),
    "os.system": (called(b"cos\nsystem\n", "exit 0"), "os.system"),
    "posix.system": (called(b"cposix\nsystem\n", "exit 0"), "posix.system"),
    "eval": (called(b"c__builtin__\neval\n", CODE), "builtins.eval"),
    "eval, protocol 3": (called(b"cbuiltins\neval\n", CODE), "builtins.eval"),
    "exec": (called(b"c__builtin__\nexec\n", CODE), "builtins.exec"),
    "getattr chain": (
        called(
            called(
                b"cbuiltins\ngetattr\n",
                called(b"cbuiltins\n__import__\n", HERE, None, None, ("run",)),
                "run",
            )
        ),
        "builtins.getattr",
    ),
    "subprocess": (
        called(b"csubprocess\ncheck_output\n", (sys.executable, "-c", "")),
        "subprocess.check_output",
    ),
    "stack global": (called(named(HERE, "run")), f"{HERE}.run"),
    "stack global, dotted": (called(b"\x80\x04" + named(HERE, "run.__call__")), f"{HERE}.run.__call__"),
    "inst": (MARK + pickle.INST + f"{HERE}\nrun\n".encode(), f"{HERE}.run"),
    "inst with arguments": (MARK + text("x") + pickle.INST + f"{HERE}\nrun\n".encode(), f"{HERE}.run"),
    "obj": (MARK + RUN + pickle.OBJ, f"{HERE}.run"),
    "newobj": (EVIL + pushing(()) + pickle.NEWOBJ, f"{HERE}.Evil"),
    "newobj_ex": (EVIL + pushing((), {}) + pickle.NEWOBJ_EX, f"{HERE}.Evil"),
    "build": (EVIL + pushing(()) + pickle.NEWOBJ + pushing({}) + pickle.BUILD, f"{HERE}.Evil"),
    "partial": (
        called(called(b"cfunctools\npartial\n", RUN)), "functools.partial",
    ),
    "attrgetter": (
        called(called(called(b"coperator\nattrgetter\n", "run"), f"c{HERE}\nMODULE\n".encode())),
        "operator.attrgetter",
    ),
    "pickle in a pickle": (
        called(
            b"cpickle\nloads\n",
            called(b"c_codecs\nencode\n", (START + called(RUN) + STOP).decode("latin1"), "latin1"),
        ),
        "pickle.loads",
    ),
    "hidden in a tensor's arguments": (
        called(b"ctorch._utils\n_rebuild_parameter\n", called(RUN), True, None),
        f"{HERE}.run",
    ),
    "hidden in a key": (b"}" + called(RUN) + b"Ns", f"{HERE}.run"),
    "our own load": (
        called(b"cpenlight.serialization.loading\nload\n", "missing.pt"),
        "penlight.serialization.loading.load",
    ),
    "allowing itself": (
        called(b"cpenlight.serialization.names\nadd_safe_globals\n", (RUN,)),
        "penlight.serialization.names.add_safe_globals",
    ),
}  # fmt: skip

MODULE = sys.modules[__name__]


def in_archive(instructions: bytes) -> io.BytesIO:
    return archive_of(START + instructions + STOP)


def in_legacy(instructions: bytes) -> io.BytesIO:
    pickles = [pickle.dumps(x, 2) for x in (MAGIC_NUMBER, PROTOCOL_VERSION, {})]
    return io.BytesIO(b"".join([*pickles, START, instructions, STOP, pickle.dumps([], 2)]))


def in_magic_number(instructions: bytes) -> io.BytesIO:
    return io.BytesIO(START + instructions + STOP)


@pytest.fixture(autouse=True)
def _nothing_ran():
    ran.clear()
    allowed = penlight.serialization.get_safe_globals()
    yield
    assert penlight.serialization.get_safe_globals() == allowed == []


@pytest.mark.parametrize(("instructions", "name"), ZOO.values(), ids=ZOO)
def test_the_zoo_runs_nothing(instructions, name):
    message = rf"load: <BytesIO>: Weights only load failed .*GLOBAL {name} was not an allowed"
    for file in (in_archive(instructions), in_legacy(instructions)):
        with pytest.raises(pickle.UnpicklingError, match=message):
            penlight.load(file)
    with pytest.raises(RuntimeError, match=r"a pickle, but none that torch\.save wrote"):
        penlight.load(in_magic_number(instructions))
    assert not ran
    unsafe = get_unsafe_globals_in_checkpoint(in_archive(instructions))
    assert name in unsafe


@pytest.mark.parametrize("animal", ZOO)
def test_the_zoo_does_run_under_plain_pickle(animal, monkeypatch):
    """Else the test above would show nothing."""
    instructions = ZOO[animal][0].replace(b"ctorch._utils\n_rebuild_parameter\n", ANY)
    monkeypatch.setattr("os.system", lambda command: run())
    monkeypatch.setattr("posix.system", lambda command: run())
    monkeypatch.setattr(subprocess, "check_output", lambda command: run())
    monkeypatch.setattr("penlight.serialization.loading.load", lambda path: run())
    monkeypatch.setattr("penlight.serialization.names.add_safe_globals", lambda names: run())
    pickle.loads(START + instructions + STOP)
    assert ran


def test_an_extension_code_runs_nothing():
    copyreg.add_extension(HERE, "run", 0x70000001)
    try:
        instructions = called(pickle.EXT4 + struct.pack("<i", 0x70000001))
        with pytest.raises(pickle.UnpicklingError, match=r"instruction b'\\x84' is not one of"):
            penlight.load(in_archive(instructions))
        assert not ran
        pickle.loads(START + instructions + STOP)
        assert ran
    finally:
        copyreg.remove_extension(HERE, "run", 0x70000001)
        copyreg.clear_extension_cache()


# -- changing what is shared by all (BUILD) --------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "owner"),
    [
        (b"cpenlight.tensor.tensor\nTensor\n", b"ctorch\nTensor\n", penlight.Tensor),
        (b"cpenlight._core.dtypes\nfloat32\n", b"ctorch\nfloat32\n", penlight.float32),
    ],
    ids=["class", "dtype"],
)
def test_nothing_shared_can_be_changed(ours, theirs, owner):
    """Plain pickle sets any attribute of anything a file can name."""
    name = "numpy"
    before = getattr(owner, name)
    state = pushing(MARK + pickle.NONE + pushing({name: "spoilt"}) + pickle.TUPLE) + pickle.BUILD
    with pytest.raises(pickle.UnpicklingError, match=r"is to be changed \(BUILD\)"):
        penlight.load(in_archive(theirs + state))
    assert getattr(owner, name) is before
    pickle.loads(START + ours + state + STOP)
    assert getattr(owner, name) == "spoilt"
    setattr(owner, name, before)


@pytest.mark.parametrize(
    "instructions",
    [
        storage() + pushing({"array": None}) + pickle.BUILD,
        tensor(storage(), 0, (4,), (1,), False, None)[2:-1] + pushing({"_array": 1}) + pickle.BUILD,
        b"ctorch\nFloatStorage\n" + pushing({}) + pickle.BUILD,
        b"]" + pushing({}) + pickle.BUILD,
        b"ccollections\nOrderedDict\n" + pushing({"x": 1}) + pickle.BUILD,
    ],
)
def test_only_ordered_dicts_take_attributes(instructions):
    with pytest.raises(pickle.UnpicklingError, match="is to be changed"):
        penlight.load(archive_of(START + instructions + STOP, bytes(16)))


@pytest.mark.parametrize("state", [(None, {"x": 1}), ["ab"], {1: 2}, "x"])
def test_attributes_of_an_ordered_dict_come_by_name(state):
    empty = called(b"ccollections\nOrderedDict\n")
    with pytest.raises(pickle.UnpicklingError, match="attributes of an OrderedDict"):
        penlight.load(in_archive(empty + pushing(state) + pickle.BUILD))


@pytest.mark.parametrize(
    "instructions",
    [
        b"ctorch\nTensor\n" + pushing("x") + b"a",
        b"c__builtin__\nset\n" + pushing("x") + b"a",
        storage() + pushing("x") + b"a",
        storage() + pushing(0, "x") + b"s",
        b"]" + pushing(0, "x") + b"s",
        storage() + b"(" + pushing("x") + pickle.ADDITEMS,
        b"]" + b"(" + pushing("x") + pickle.ADDITEMS,
    ],
)
def test_items_go_into_containers_alone(instructions):
    with pytest.raises(pickle.UnpicklingError, match=r"(appended|set|added)"):
        penlight.load(archive_of(START + instructions + STOP, bytes(16)))


# -- calls of what may be named --------------------------------------------------------------------


@pytest.mark.parametrize(
    "instructions",
    [
        called(b"ctorch\nTensor\n", 3),
        called(b"ctorch\nfloat32\n"),
        called(b"ctorch\nFloatStorage\n", "x", "y", "z"),
        called(b"ctorch.nn.parameter\nParameter\n", None),
        b"ctorch\nTensor\n" + pushing(()) + pickle.NEWOBJ,
        called(text("os.system"), "x"),
        called(b"]"),
        called(b"]]a"),
        b"c__builtin__\nset\n" + b"]" + REDUCE,
    ],
)
def test_what_may_be_named_may_not_be_called(instructions):
    with pytest.raises(pickle.UnpicklingError, match=r"(a call of|arguments must be)"):
        penlight.load(in_archive(instructions))


def _from_type(function: bytes, cls: bytes, arguments: Any = (), state: Any = None) -> bytes:
    return called(b"ctorch._tensor\n_rebuild_from_type_v2\n", function, cls, arguments, state)


V2, TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nTensor\n"
GOOD = (storage(), 0, (4,), (1,), False, None)


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        (_from_type(b"ccollections\nOrderedDict\n", TENSOR), "made by OrderedDict"),
        (_from_type(storage(), TENSOR), "made by a Storage"),
        (_from_type(tensor(*GOOD)[2:-1], TENSOR), "made by a Tensor"),
        (_from_type(V2, b"c__builtin__\nset\n", GOOD), "made as a set"),
        (_from_type(V2, TENSOR, GOOD, {1: 2}), "attributes must be a dict with names"),
        (_from_type(V2, TENSOR, GOOD, (None, {"_array": 1})), "attributes must be a dict"),
        (_from_type(V2, TENSOR, GOOD, ["x"]), "attributes must be a dict"),
        (_from_type(V2, TENSOR, 3), "TypeError"),
    ],
)
def test_rebuilding_from_a_type(instructions, message):
    with pytest.raises(pickle.UnpicklingError, match=message):
        penlight.load(archive_of(START + instructions + STOP, bytes(16)))


def test_attributes_do_not_reach_the_array():
    state = {"_array": "x", "_requires_grad": True, "note": 1}
    t = penlight.load(archive_of(START + _from_type(V2, TENSOR, GOOD, state) + STOP, bytes(16)))
    assert (t.tolist(), t.requires_grad, t.note) == ([0, 0, 0, 0], False, 1)


# -- persistent ids --------------------------------------------------------------------------------

FLOATS = b"ctorch\nFloatStorage\n"


@pytest.mark.parametrize(
    "identifier",
    [
        "storage", 5, None, (), ["storage"], ("module", TENSOR, "file", "source"), ("storage",),
        ("storage", FLOATS, "0", "cpu"), ("storage", FLOATS, "0", "cpu", 4, None, None),
        ("storage", TENSOR, "0", "cpu", 4), ("storage", "FloatStorage", "0", "cpu", 4),
        ("storage", b"ccollections\nOrderedDict\n", "0", "cpu", 4), ("storage", FLOATS, 0, "cpu", 4),
        ("storage", FLOATS, ("0",), "cpu", 4), ("storage", FLOATS, "0", None, 4),
        ("storage", FLOATS, "0", "cpu", -4), ("storage", FLOATS, "0", "cpu", 2**64),
        ("storage", FLOATS, "0", "cpu", 4.0), ("storage", FLOATS, "0", "cpu", True),
        ("storage", FLOATS, "0", "cpu", "4"), ("storage", FLOATS, "0", "cpu", 4, ("0", 0, 4)),
    ],
)  # fmt: skip
def test_a_wrong_persistent_id(identifier):
    instructions = pushing(identifier) + pickle.BINPERSID
    for file in (archive_of(START + instructions + STOP, bytes(16)), in_legacy(instructions)):
        with pytest.raises(pickle.UnpicklingError, match=r"(persistent id|storage)"):
            penlight.load(file)


def test_a_view_of_a_storage():
    """The sixth part of an id in files before PyTorch 0.4."""
    identifier = pushing(("storage", FLOATS, "0", "cpu", 4, ("0", 0, 4))) + pickle.BINPERSID
    with pytest.raises(
        pickle.UnpicklingError, match=r"a view of a storage, as only PyTorch before"
    ):
        penlight.load(in_legacy(identifier))


def test_a_persistent_id_as_text():
    with pytest.raises(pickle.UnpicklingError, match=r"instruction b'P'"):
        penlight.load(in_archive(b"P/etc/passwd\n"))


@pytest.mark.parametrize("key", ["../data.pkl", "1", "", "/etc/passwd", "0\0"])
def test_a_key_of_no_record(key):
    with pytest.raises(RuntimeError, match=r"record 'data/.*' is missing; found data.pkl"):
        penlight.load(archive_of(START + storage(key) + STOP, bytes(16)))


def test_one_storage_as_two_types():
    both = storage() + storage(kind=b"ctorch\nIntStorage\n") + b"\x86"
    with pytest.raises(
        pickle.UnpicklingError, match=r"4 elements of IntStorage here, but 4 of Float"
    ):
        penlight.load(archive_of(START + both + STOP, bytes(16)))


# -- what a user allows ----------------------------------------------------------------------------


def test_allowed_names_run():
    with safe_globals([run, Evil]):
        assert penlight.load(in_archive(called(RUN, "x"))) == "x"
        assert type(penlight.load(in_archive(ZOO["build"][0]))) is Evil
        assert ran == ["x", "new", "state"]
        assert get_unsafe_globals_in_checkpoint(in_archive(called(RUN))) == []
    with pytest.raises(pickle.UnpicklingError, match="was not an allowed"):
        penlight.load(in_archive(called(RUN)))


def test_some_modules_stay_blocked():
    with safe_globals([(run, "os.system"), (run, "posix.system"), (run, "sys.exit")]):
        for name in (b"cos\nsystem\n", b"cposix\nsystem\n", b"csys\nexit\n"):
            with pytest.raises(pickle.UnpicklingError, match=r"module \w+ is blocked"):
                penlight.load(in_archive(called(name, "x")))
    assert not ran


def test_allowing_a_class_does_not_allow_its_methods():
    with safe_globals([Evil]), pytest.raises(pickle.UnpicklingError, match="was not an allowed"):
        penlight.load(in_archive(called(named(HERE, "Evil.__reduce__"), None)))


def test_the_list_of_what_is_allowed():
    assert penlight.serialization.get_safe_globals() == []
    add_safe_globals([Evil])
    add_safe_globals([Evil, (run, "other.name")])
    assert penlight.serialization.get_safe_globals() == [Evil, (run, "other.name")]
    with safe_globals([nn.Linear]):
        assert nn.Linear in penlight.serialization.get_safe_globals()
    assert penlight.serialization.get_safe_globals() == [Evil, (run, "other.name")]
    assert penlight.load(in_archive(called(b"cother\nname\n", "y"))) == "y"
    penlight.serialization.clear_safe_globals()
    assert penlight.serialization.get_safe_globals() == []
    for wrong, error in [((run,), ValueError), ((run, 3), TypeError), ((1, 2, 3), ValueError)]:
        with pytest.raises(error, match="add_safe_globals"):
            add_safe_globals([wrong])


def test_the_remedies_are_named():
    message = (
        r"add_safe_globals\(\[eval\]\).*safe_globals\(\[eval\]\):`.*weights_only=False, which runs"
    )
    with pytest.raises(pickle.UnpicklingError, match=message):
        penlight.load(in_archive(ZOO["eval"][0]))
    message = r'torch\.uint16 was not.*no counterpart.*\(a uint16 of your own, "torch\.uint16"\)'
    with pytest.raises(pickle.UnpicklingError, match=message):
        penlight.load(in_archive(b"ctorch\nuint16\n"))


def test_weights_only_false_runs_what_the_file_says():
    assert penlight.load(in_archive(called(RUN)), weights_only=False) == "run"
    assert penlight.load(in_legacy(called(RUN)), pickle_module=pickle) == "run"
    assert ran == ["run", "run"]
