"""``state_dict`` and ``load_state_dict``: keys, messages, hooks, versions, extra state, assignment."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest


def net(lib: Any) -> Any:
    m = lib.nn.Sequential(OrderedDict(first=lib.nn.Linear(2, 3), second=lib.nn.Linear(3, 1)))
    m.register_buffer("mean", lib.zeros(2))
    m.register_buffer("scratch", lib.zeros(2), persistent=False)
    m.register_parameter("nothing", None)
    return m


def values(t: Any) -> Any:
    return t.detach().numpy().tolist()


def test_state_shares_memory_and_has_metadata(lib: Any) -> None:
    m = net(lib)
    state = m.state_dict()
    assert list(state) == ["mean", "first.weight", "first.bias", "second.weight", "second.bias"]
    assert dict(state._metadata) == {
        "": {"version": 1},
        "first": {"version": 1},
        "second": {"version": 1},
    }
    assert not state["first.weight"].requires_grad
    state["first.bias"].fill_(5)
    assert values(m.first.bias) == [5.0] * 3
    assert m.state_dict(keep_vars=True)["first.weight"] is m.first.weight
    with pytest.warns(FutureWarning, match="Positional args"):
        assert list(m.second.state_dict(OrderedDict(), "x.")) == ["x.weight", "x.bias"]
    into: Any = OrderedDict(other=1)
    assert m.state_dict(destination=into, prefix="net.") is into
    assert list(into)[:2] == ["other", "net.mean"]


def test_loading_copies_into_the_parameters(lib: Any) -> None:
    a, b = net(lib), net(lib)
    weight, version = b.first.weight, b.first.weight._version
    result = b.load_state_dict(a.state_dict())
    assert str(result) == "<All keys matched successfully>"
    assert result.missing_keys == result.unexpected_keys == []
    assert b.first.weight is weight
    assert weight._version > version
    assert values(weight) == values(a.first.weight)
    a.first.weight.detach().fill_(9)
    assert values(weight) != values(a.first.weight)
    b.load_state_dict({k: t.double() for k, t in a.state_dict().items()})
    assert weight.dtype == lib.float32
    assert values(weight) == values(a.first.weight)


def test_every_mismatch_is_listed(lib: Any) -> None:
    m = net(lib)
    state = m.state_dict()
    del state["mean"], state["second.bias"]
    state["third"] = lib.ones(1)
    state["first.extra.deep"] = lib.ones(1)
    state["second.weight"] = lib.ones(2, 3)
    state["first.weight"] = 3
    with pytest.raises(RuntimeError) as caught:
        m.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Sequential:\n"
        '\tMissing key(s) in state_dict: "mean", "second.bias". \n'
        '\tUnexpected key(s) in state_dict: "third", "first.extra.deep". \n'
        '\tWhile copying the parameter named "first.weight", expected torch.Tensor or Tensor-like '
        "object from checkpoint but received <class 'int'>\n"
        "\tsize mismatch for second.weight: copying a param with shape torch.Size([2, 3]) from "
        "checkpoint, the shape in current model is torch.Size([1, 3])."
    )


def test_without_strict_the_rest_is_loaded(lib: Any) -> None:
    m = net(lib)
    result = m.load_state_dict({"first.bias": lib.ones(3), "other": lib.ones(1)}, strict=False)
    assert result.missing_keys == ["mean", "first.weight", "second.weight", "second.bias"]
    assert result.unexpected_keys == ["other"]
    assert repr(result).startswith("_IncompatibleKeys(missing_keys=['mean', ")
    assert values(m.first.bias) == [1.0] * 3
    with pytest.raises(RuntimeError, match=r"size mismatch for first\.bias"):
        m.load_state_dict({"first.bias": lib.ones(4)}, strict=False)
    with pytest.raises(TypeError, match="dict-like"):
        m.load_state_dict([1, 2])


def test_a_scalar_may_come_as_a_vector_of_one(lib: Any) -> None:
    m = lib.nn.Module()
    m.p = lib.nn.Parameter(lib.zeros(()))
    m.load_state_dict({"p": lib.ones(1)})
    assert values(m.p) == 1.0


def test_assign_takes_the_tensors_over(lib: Any) -> None:
    m = net(lib)
    m.second.weight.requires_grad_(False)
    state = {k: t.double() for k, t in net(lib).state_dict().items()}
    state["first.weight"] = lib.nn.Parameter(state["first.weight"])
    m.load_state_dict(state, assign=True)
    assert m.first.weight is state["first.weight"]
    assert m.mean is state["mean"]
    assert m.first.bias.dtype == lib.float64
    assert isinstance(m.first.bias, lib.nn.Parameter)
    assert m.first.bias.requires_grad
    assert not m.second.weight.requires_grad
    state["first.bias"].fill_(4)
    assert values(m.first.bias) == [4.0] * 3


def test_state_dict_hooks(lib: Any) -> None:
    seen: list[Any] = []
    m = lib.nn.Linear(1, 1)
    m.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append((prefix, keep)))

    def post(module: Any, state: Any, prefix: str, metadata: Any) -> None:
        seen.append((prefix, dict(metadata), module is m))
        state[prefix + "more"] = lib.ones(1)

    m.register_state_dict_post_hook(post)
    outer = lib.nn.Sequential(m)
    outer._register_state_dict_hook(lambda m, state, prefix, meta: {"replaced": list(state)})
    assert outer.state_dict(keep_vars=True) == {"replaced": ["0.weight", "0.bias", "0.more"]}
    assert seen == [("0.", True), ("0.", {"version": 1}, True)]
    m.register_state_dict_post_hook(lambda *args: {})
    with pytest.raises(RuntimeError, match="post-hook must return None"):
        m.state_dict()


def test_load_state_dict_hooks(lib: Any) -> None:
    seen: list[Any] = []
    m = lib.nn.Linear(1, 1)

    def rename(
        module: Any, state: Any, prefix: str, metadata: Any, strict: bool, *lists: Any
    ) -> None:
        seen.append((module is m, prefix, dict(metadata), strict, len(lists)))
        state[prefix + "weight"] = state.pop(prefix + "w")

    m.register_load_state_dict_pre_hook(rename)
    m._register_load_state_dict_pre_hook(lambda state, prefix, *rest: seen.append(len(rest)))

    def forgive(module: Any, keys: Any) -> None:
        seen.append((module is m, list(keys.missing_keys)))
        keys.missing_keys.clear()

    handle = m.register_load_state_dict_post_hook(forgive)
    given = {"0.w": lib.ones(1, 1)}
    outer = lib.nn.Sequential(m)
    outer.load_state_dict(given)
    assert seen == [(True, "0.", {}, True, 3), 5, (True, ["0.bias"])]
    assert values(m.weight) == [[1.0]]
    assert list(given) == ["0.w"], "the caller's dictionary was changed"
    handle.remove()
    m.register_load_state_dict_post_hook(lambda m, keys: keys)
    with pytest.raises(AssertionError, match="not expected to return"):
        outer.load_state_dict({"0.w": lib.ones(1, 1)})


def test_extra_state(lib: Any) -> None:
    class Counted(lib.nn.Linear):  # type: ignore[misc, name-defined]
        count = 0

        def get_extra_state(self) -> Any:
            return {"count": self.count}

        def set_extra_state(self, state: Any) -> None:
            self.count = state["count"]

    a, b = lib.nn.Sequential(Counted(1, 1)), lib.nn.Sequential(Counted(1, 1))
    a[0].count = 7
    state = a.state_dict()
    assert list(state) == ["0.weight", "0.bias", "0._extra_state"]
    b.load_state_dict(state)
    assert b[0].count == 7
    plain = lib.nn.Sequential(lib.nn.Linear(1, 1))
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"0._extra_state"'):
        plain.load_state_dict(state)
    with pytest.raises(RuntimeError, match=r'Missing key.*"0._extra_state"'):
        b.load_state_dict(plain.state_dict())
    with pytest.raises(RuntimeError, match="get_extra_state"):
        plain.get_extra_state()


def test_versions_reach_the_override_point(lib: Any) -> None:
    class Renamed(lib.nn.Module):  # type: ignore[misc, name-defined]
        _version = 2

        def __init__(self) -> None:
            super().__init__()
            self.scale = lib.nn.Parameter(lib.zeros(2))

        def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
            if metadata.get("version", 1) < 2:
                state[prefix + "scale"] = state.pop(prefix + "gamma")
            super()._load_from_state_dict(state, prefix, metadata, *rest)

    m = lib.nn.Sequential(Renamed())
    seen: list[Any] = []
    m.register_load_state_dict_pre_hook(lambda m, state, *rest: seen.append(state._metadata))
    m.load_state_dict(m.state_dict())
    assert dict(seen[0]) == {"": {"version": 1}, "0": {"version": 2}}
    m = lib.nn.Sequential(Renamed())
    assert m.state_dict()._metadata["0"] == {"version": 2}
    m.load_state_dict(m.state_dict())
    m.load_state_dict({"0.gamma": lib.ones(2)})
    assert values(m[0].scale) == [1.0, 1.0]


@pytest.mark.parametrize("assign", [False, True])
def test_loading_is_not_recorded(lib: Any, assign: bool) -> None:
    m = lib.nn.Linear(2, 1)
    source = {k: (t * 2).requires_grad_() for k, t in m.state_dict().items()}
    m.load_state_dict(source, assign=assign)
    assert m.weight.is_leaf
    assert m.weight.grad_fn is None
    m(lib.ones(1, 2)).sum().backward()
    np.testing.assert_array_equal(m.weight.grad.numpy(), [[1, 1]])
