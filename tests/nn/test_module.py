"""Module's contract: registration, attributes, the tree, modes, conversion, representation."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.nn.modules import module as module_file


def small_net(lib: Any) -> Any:
    """Parameters, buffers, children, a shared child, a ``None`` child."""

    class Net(lib.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scale = lib.nn.Parameter(lib.ones(2))
            self.first = lib.nn.Linear(2, 2)
            self.register_buffer("mean", lib.zeros(2))
            self.register_buffer("scratch", lib.zeros(3), persistent=False)
            self.body = lib.nn.Sequential(lib.nn.Linear(2, 2), self.first)
            self.register_module("nothing", None)
            self.register_parameter("offset", None)

        def forward(self, x: Any) -> Any:
            return self.body(x * self.scale)

    return Net()


# -- registration --------------------------------------------------------------------------------


def test_attributes_are_registered_by_their_type(lib: Any) -> None:
    net = small_net(lib)
    assert list(net._parameters) == ["scale", "offset"]
    assert list(net._buffers) == ["mean", "scratch"]
    assert list(net._modules) == ["first", "body", "nothing"]
    assert net.offset is None
    assert net.nothing is None
    assert "scale" not in net.__dict__
    assert {"scale", "mean", "first", "offset", "forward"} <= set(dir(net))
    assert "0" not in dir(net.body)


def test_names_move_between_the_tables(lib: Any) -> None:
    m = lib.nn.Module()
    m.x = 3
    m.x = lib.nn.Parameter(lib.ones(1))
    assert "x" in m._parameters
    assert "x" not in m.__dict__
    m.x = None
    assert m._parameters == {"x": None}
    del m.x
    m.x = lib.nn.Linear(1, 1)
    assert "x" in m._modules
    m.x = lib.nn.Parameter(lib.ones(1))
    assert not m._modules
    del m.x
    m.register_buffer("x", lib.ones(1), persistent=False)
    m.x = lib.zeros(1)  # a buffer that is replaced stays a buffer, as persistent as it was
    assert "x" in m._buffers
    assert not m.state_dict()
    m.x = lib.nn.Buffer(lib.ones(1))
    assert list(m.state_dict()) == ["x"]
    del m.x
    assert not hasattr(m, "x")
    with pytest.raises(AttributeError, match="x"):
        del m.x


def test_buffer_class_registers(lib: Any) -> None:
    m = lib.nn.Module()
    m.kept, m.lost = lib.nn.Buffer(lib.ones(2)), lib.nn.Buffer(lib.ones(2), persistent=False)
    assert list(m._buffers) == ["kept", "lost"]
    assert list(m.state_dict()) == ["kept"]


@pytest.mark.parametrize(
    ("error", "match", "program"),
    [
        (KeyError, "empty string", lambda lib, m: m.register_buffer("", lib.ones(1))),
        (KeyError, "t contain", lambda lib, m: m.register_buffer("a.b", lib.ones(1))),
        (KeyError, "already exists", lambda lib, m: m.register_buffer("forward", lib.ones(1))),
        (TypeError, "buffer name should be a string. Got int",
         lambda lib, m: m.register_buffer(1, lib.ones(1))),
        (TypeError, "'int' object to buffer 'b'", lambda lib, m: m.register_buffer("b", 3)),
        (KeyError, "empty string", lambda lib, m: m.register_parameter("", None)),
        (KeyError, "t contain", lambda lib, m: m.register_parameter("a.b", None)),
        (KeyError, "already exists", lambda lib, m: m.register_parameter("training", None)),
        (TypeError, "Got NoneType", lambda lib, m: m.register_parameter(None, None)),
        (TypeError, "'torch.FloatTensor' object to parameter 'p'",
         lambda lib, m: m.register_parameter("p", lib.ones(1))),
        (KeyError, "empty string", lambda lib, m: m.add_module("", None)),
        (KeyError, "t contain", lambda lib, m: m.add_module("a.b", None)),
        (KeyError, "already exists", lambda lib, m: m.add_module("weight", None)),
        (TypeError, "int is not a Module subclass", lambda lib, m: m.add_module("a", 3)),
        (TypeError, "as parameter 'weight'", lambda lib, m: setattr(m, "weight", lib.ones(1))),
        (TypeError, "'int' as child module 'child'", lambda lib, m: setattr(m, "child", 3)),
        (TypeError, "'int' as buffer 'buf'", lambda lib, m: setattr(m, "buf", 3)),
        (AttributeError, "'Linear' object has no attribute 'missing'", lambda lib, m: m.missing),
        (AttributeError, "before Module.__init__", lambda lib, m: without_init(lib, "parameter")),
        (AttributeError, "before Module.__init__", lambda lib, m: without_init(lib, "module")),
        (AttributeError, "before Module.__init__", lambda lib, m: without_init(lib, "buffer")),
        (TypeError, "__init__", lambda lib, m: lib.nn.Module(3)),
        (TypeError, "unexpected keyword argument 'a'", lambda lib, m: lib.nn.Module(a=3)),
        (NotImplementedError, 'missing the required "forward"', lambda lib, m: lib.nn.Module()(1)),
        (ValueError, "boolean", lambda lib, m: m.train(1)),
        (TypeError, "only accepts floating point", lambda lib, m: m.to(lib.int64)),
        (AttributeError, "no attribute `5`", lambda lib, m: m.get_submodule("child.5")),
        (AttributeError, "`in_features` is not an nn.Module",
         lambda lib, m: m.get_submodule("in_features")),
        (AttributeError, "no attribute `nope`", lambda lib, m: m.get_parameter("child.nope")),
        (AttributeError, "is not an nn.Parameter", lambda lib, m: m.get_parameter("buf")),
        (AttributeError, "is not a buffer", lambda lib, m: m.get_buffer("weight")),
        (ValueError, "target name", lambda lib, m: m.set_submodule("", lib.nn.Identity())),
        (ValueError, "not an nn.Module", lambda lib, m: m.set_submodule("child", 3)),
        (AttributeError, "is not an nn.Module",
         lambda lib, m: m.set_submodule("bias", lib.nn.Identity())),
        (AttributeError, "no attribute `7`",
         lambda lib, m: m.set_submodule("7", lib.nn.Identity(), strict=True)),
    ],
)  # fmt: skip
def test_mistakes_are_refused(lib: Any, error: Any, match: str, program: Any) -> None:
    m = lib.nn.Linear(2, 2)
    m.child = lib.nn.Linear(1, 1)
    m.register_buffer("buf", lib.ones(1))
    with pytest.raises(error, match=match):
        program(lib, m)


def without_init(lib: Any, kind: str) -> None:
    class Forgetful(lib.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            pass

    values = {
        "parameter": lib.nn.Parameter(lib.ones(1)),
        "module": lib.nn.Identity(),
        "buffer": lib.nn.Buffer(lib.ones(1)),
    }
    Forgetful().x = values[kind]


def test_a_computed_tensor_is_no_parameter(lib: Any) -> None:
    p = lib.nn.Parameter(lib.ones(2))
    q = lib.nn.Parameter(lib.ones(2))
    q.requires_grad_(False)
    q.add_(p.detach())  # unrecorded: still a leaf
    m = lib.nn.Module()
    m.register_parameter("q", q)
    q.requires_grad_(False)
    q.mul_(p)
    with pytest.raises(ValueError, match="non-leaf Tensor to parameter 'r'"):
        m.register_parameter("r", q)


def test_call_super_init(lib: Any) -> None:
    class Mixin:
        def __init__(self, size: int) -> None:
            self.size = size

    class Net(lib.nn.Module, Mixin):  # type: ignore[misc, name-defined]
        call_super_init = True

    assert Net(size=3).size == 3


# -- the tree ------------------------------------------------------------------------------------


def test_walks(lib: Any) -> None:
    net = small_net(lib)
    own = ["scale"]
    first = ["first.weight", "first.bias"]
    body = ["body.0.weight", "body.0.bias"]
    names = [n for n, _ in net.named_parameters()]
    assert names == own + first + body
    shared = [n for n, _ in net.named_parameters(remove_duplicate=False)]
    assert shared == own + first + body + ["body.1.weight", "body.1.bias"]
    assert [n for n, _ in net.named_parameters(prefix="net", recurse=False)] == ["net.scale"]
    assert len(list(net.parameters())) == 5
    assert len(list(net.parameters(recurse=False))) == 1
    assert [n for n, _ in net.named_buffers("p")] == ["p.mean", "p.scratch"]
    assert len(list(net.buffers())) == 2
    assert [n for n, _ in net.named_children()] == ["first", "body"]
    assert [n for n, _ in net.named_modules()] == ["", "first", "body", "body.0"]
    everything = [n for n, _ in net.named_modules(prefix="a", remove_duplicate=False)]
    assert everything == ["a", "a.first", "a.body", "a.body.0", "a.body.1"]
    assert len(list(net.modules())) == 4
    assert len(list(net.modules(remove_duplicate=False))) == 5
    assert [n for n, _ in net.named_modules(memo={net.first})] == ["", "body", "body.0"]
    assert len(list(net.children())) == 2


def test_paths(lib: Any) -> None:
    net = small_net(lib)
    assert net.get_submodule("") is net
    assert net.get_submodule("body.1") is net.first
    assert net.get_parameter("body.1.weight") is net.first.weight
    assert net.get_parameter("scale") is net.scale
    assert net.get_buffer("mean") is net.mean
    other = lib.nn.Identity()
    net.set_submodule("body.1", other)
    assert net.body[1] is other
    net.set_submodule("body.9", other)
    assert [n for n, _ in net.body.named_children()] == ["0", "1"]
    assert list(net.body._modules) == ["0", "1", "9"]


def test_apply_goes_from_the_leaves_to_the_root(lib: Any) -> None:
    seen: list[str] = []
    net = small_net(lib)
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "Linear", "Linear", "Sequential", "Net"]


# -- modes ---------------------------------------------------------------------------------------


def test_modes(lib: Any) -> None:
    net = small_net(lib)
    assert net.training
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert net.body.train() is net.body
    assert not net.training
    assert net.body[0].training
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())
    assert net.share_memory() is net or lib.__name__ == "torch"


def test_zero_grad(lib: Any) -> None:
    net = small_net(lib)
    net(lib.ones(1, 2)).sum().backward()
    grad = net.first.weight.grad
    net.zero_grad(set_to_none=False)
    assert net.first.weight.grad is grad
    assert float(grad.abs().sum()) == 0
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_zero_grad_cuts_gradients_off_their_history(lib: Any) -> None:
    m = lib.nn.Linear(2, 1, bias=False)
    m.weight.grad = m.weight * 2
    m.zero_grad(set_to_none=False)
    assert m.weight.grad.grad_fn is None
    assert not m.weight.grad.requires_grad
    m.weight.grad = lib.ones(1, 2, requires_grad=True)
    m.zero_grad(set_to_none=False)
    assert not m.weight.grad.requires_grad
    m.weight.grad = lib.ones(4)[1:3].reshape(1, 2)  # a view
    m.zero_grad(set_to_none=False)
    assert m.weight.grad.tolist() == [[0.0, 0.0]]


def test_compile_leaves_the_module_as_it_is() -> None:
    m = nn.Linear(2, 1)
    assert m.compile(fullgraph=True) is None
    assert m(penlight.ones(1, 2)).shape == (1, 1)


# -- conversion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "convert",
    [
        lambda lib, m: m.double(),
        lambda lib, m: m.to(lib.float64),
        lambda lib, m: m.to(dtype=lib.float64),
        lambda lib, m: m.to("cpu", lib.float64),
        lambda lib, m: m.to(lib.device("cpu"), lib.float64, True),
        lambda lib, m: m.to(lib.ones(1, dtype=lib.float64)),
        lambda lib, m: m.double().cpu().to("cpu"),
    ],
)
def test_conversion_keeps_the_parameters_themselves(lib: Any, convert: Any) -> None:
    m = lib.nn.Linear(2, 2)
    m.register_buffer("count", lib.tensor(3))
    m.register_buffer("mean", lib.zeros(2))
    m(lib.ones(1, 2)).sum().backward()
    weight, value = m.weight, m.weight.detach().numpy().copy()
    assert convert(lib, m) is m
    assert m.weight is weight
    assert isinstance(m.weight, lib.nn.Parameter)
    dtypes = [m.weight.dtype, m.weight.grad.dtype, m.mean.dtype]
    assert dtypes == [lib.float64] * 3
    assert m.count.dtype == lib.int64
    np.testing.assert_array_equal(m.weight.detach().numpy(), value.astype("float64"))
    m(lib.ones(1, 2, dtype=lib.float64)).sum().backward()


def test_other_conversions(lib: Any) -> None:
    m = lib.nn.Linear(2, 2)
    assert m.half().weight.dtype == lib.float16
    assert m.float().weight.dtype == lib.float32
    assert m.type(lib.float64).weight.dtype == lib.float64
    weight = m.weight
    assert m.to_empty(device="cpu").weight.shape == (2, 2)
    assert m.weight is weight
    with pytest.raises((RuntimeError, AssertionError)):
        m.cuda()
    with pytest.raises(TypeError, match=r"unexpected keyword argument|invalid combination"):
        m.to(colour="red")


def test_complex_parameters_stay_complex_when_floats_are_converted(lib: Any) -> None:
    m = lib.nn.Module()
    m.p = lib.nn.Parameter(lib.ones(1, dtype=lib.complex64))
    m.double()
    assert m.p.dtype == lib.complex64


def test_missing_dtypes_are_named() -> None:
    with pytest.raises(TypeError, match="bfloat16"):
        nn.Linear(1, 1).bfloat16()


# -- representation and copies -------------------------------------------------------------------


def test_repr(lib: Any) -> None:
    class Odd(lib.nn.Module):  # type: ignore[misc, name-defined]
        def extra_repr(self) -> str:
            return "one\ntwo"

    net = small_net(lib)
    net.odd = Odd()
    net.odd.inner = lib.nn.Identity()
    assert repr(net) == (
        "Net(\n"
        "  (first): Linear(in_features=2, out_features=2, bias=True)\n"
        "  (body): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=2, bias=True)\n"
        "    (1): Linear(in_features=2, out_features=2, bias=True)\n"
        "  )\n"
        "  (nothing): None\n"
        "  (odd): Odd(\n"
        "    one\n"
        "    two\n"
        "    (inner): Identity()\n"
        "  )\n"
        ")"
    )
    assert repr(Odd()) == "Odd(\n  one\n  two\n)"


def test_copies_share_inside_but_not_outside(lib: Any) -> None:
    net = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Linear(2, 2))
    net[1].weight = net[0].weight
    net.register_buffer("mean", lib.nn.Buffer(lib.ones(2), persistent=False))
    net.note = {"a": 1}
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other[0].weight is other[1].weight
        assert other[0].weight is not net[0].weight
        assert isinstance(other[0].weight, lib.nn.Parameter)
        assert other[0].weight.requires_grad
        assert other.note == net.note
        with lib.no_grad():
            other[0].weight.fill_(7)
        assert float(net[0].weight.detach().max()) < 7
    shallow = copy.copy(net)
    assert shallow[0] is net[0]


# -- hooks on registration -----------------------------------------------------------------------


def test_registration_hooks(lib: Any) -> None:
    file = module_file if lib is penlight else lib.nn.modules.module
    seen: list[tuple[str, str]] = []
    handles = [
        file.register_module_parameter_registration_hook(lambda m, n, v: seen.append(("p", n))),
        file.register_module_buffer_registration_hook(lambda m, n, v: seen.append(("b", n))),
        file.register_module_module_registration_hook(lambda m, n, v: seen.append(("m", n))),
    ]
    net = lib.nn.Sequential(lib.nn.Linear(1, 1))
    net.register_buffer("buf", lib.ones(1))
    net.act = lib.nn.Identity()
    for handle in handles:
        handle.remove()
    lib.nn.Linear(1, 1)
    assert seen == [("p", "weight"), ("p", "bias"), ("m", "0"), ("b", "buf"), ("m", "act")]


def test_a_module_called_without_hooks_goes_straight_to_forward() -> None:
    calls = []

    class Watched(nn.Identity):
        def _call_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
            calls.append(args)
            return super()._call_with_hooks(*args, **kwargs)

    Watched._hooked = False  # whatever hooks on all modules other tests have registered
    m, x = Watched(), penlight.ones(())
    assert m(x) is x
    assert not calls
    m.register_forward_hook(lambda *a: None)
    assert m(x) is x
    assert len(calls) == 1
