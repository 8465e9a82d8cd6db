"""Parametrizations: registering, reading, assigning, removing, copying; state and its names."""

from __future__ import annotations

import copy
import importlib
import pickle
from typing import Any

import pytest


def utils(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.nn.utils.parametrize")


def kinds(lib: Any) -> dict[str, Any]:
    """A few parametrizations."""

    class Symmetric(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).mT

        def right_inverse(self, w: Any) -> Any:
            return w.triu()

    class Double(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return 2 * x

        def right_inverse(self, w: Any) -> Any:
            return w / 2

    class Product(lib.nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return a * b

        def right_inverse(self, w: Any) -> Any:
            return w, lib.full_like(w, 1.0)

    class OneWay(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.abs()

    class Unable(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.abs()

        def right_inverse(self, w: Any) -> Any:
            raise NotImplementedError

    class Wider(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return lib.cat([x, x], 0)

    class ToDouble(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.double()

    class Seven(lib.nn.Module):
        def forward(self, x: Any) -> Any:
            return 7

    return {
        k.__name__: k for k in (Symmetric, Double, Product, OneWay, Unable, Wider, ToDouble, Seven)
    }


def test_a_parametrized_weight_is_computed_from_its_original(lib: Any) -> None:
    P, module = utils(lib), lib.nn.Linear(3, 3)
    weight = module.weight
    values = weight.detach().clone()
    assert P.register_parametrization(module, "weight", kinds(lib)["Symmetric"]()) is module
    assert lib.equal(module.weight, values.triu() + values.triu(1).mT)
    assert module.parametrizations.weight.original is weight  # the optimizer's parameter
    assert lib.equal(weight, values.triu())
    assert list(module.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert type(module).__name__ == "ParametrizedLinear"
    assert isinstance(module, lib.nn.Linear)
    assert P.type_before_parametrizations(module) is lib.nn.Linear
    assert repr(module) == (
        "ParametrizedLinear(\n  in_features=3, out_features=3, bias=True\n"
        "  (parametrizations): ModuleDict(\n    (weight): ParametrizationList(\n"
        "      (0): Symmetric()\n    )\n  )\n)"
    )
    module(lib.ones(2, 3)).sum().backward()
    assert weight.grad is not None
    assert not module.weight.is_leaf


def test_further_parametrizations_are_applied_on_top(lib: Any) -> None:
    P, module, kind = utils(lib), lib.nn.Linear(3, 3), kinds(lib)
    P.register_parametrization(module, "weight", kind["Symmetric"]())
    before = module.weight.detach().clone()
    P.register_parametrization(module, "weight", kind["Double"]())
    assert lib.equal(module.weight, 2 * before)
    value = before + before.T
    module.weight = value
    assert lib.allclose(module.weight, value)
    assert lib.allclose(module.parametrizations.weight.original, (value / 2).triu())


def test_several_originals(lib: Any) -> None:
    P, module = utils(lib), lib.nn.Linear(2, 3)
    weight = module.weight.detach().clone()
    P.register_parametrization(module, "weight", kinds(lib)["Product"]())
    names = [f"parametrizations.weight.original{i}" for i in (0, 1)]
    assert [n for n, _ in module.named_parameters()] == ["bias", *names]
    assert lib.equal(module.weight, weight)
    parts = module.parametrizations.weight
    assert (parts.is_tensor, parts.ntensors, parts.unsafe) == (False, 2, False)
    module.weight = 3 * weight
    assert lib.equal(parts.original0, 3 * weight)
    with pytest.raises(ValueError, match="leave_parametrized"):
        P.remove_parametrizations(module, "weight", leave_parametrized=False)
    P.remove_parametrizations(module, "weight")
    assert isinstance(module.weight, lib.nn.Parameter)
    assert lib.equal(module.weight, 3 * weight)


def test_without_an_inverse_the_original_is_the_weight_itself(lib: Any) -> None:
    P, kind = utils(lib), kinds(lib)
    for name in ("OneWay", "Unable"):
        module = lib.nn.Linear(2, 2)
        weight = module.weight.detach().clone()
        P.register_parametrization(module, "weight", kind[name]())
        assert lib.equal(module.parametrizations.weight.original, weight)
        assert lib.equal(module.weight, weight.abs())
        with pytest.raises((RuntimeError, NotImplementedError)):
            module.weight = weight


@pytest.mark.parametrize("leave", [True, False])
def test_removing_gives_back_the_parameter(lib: Any, leave: bool) -> None:
    P, module = utils(lib), lib.nn.Linear(3, 3)
    weight = module.weight
    P.register_parametrization(module, "weight", kinds(lib)["Symmetric"]())
    shown, stored = module.weight.detach().clone(), weight.detach().clone()
    assert P.remove_parametrizations(module, "weight", leave_parametrized=leave) is module
    assert module.weight is weight
    assert lib.equal(weight, shown if leave else stored)
    assert type(module) is lib.nn.Linear
    assert not hasattr(module, "parametrizations")
    assert list(module.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="does not have a parametrization on weight"):
        P.remove_parametrizations(module, "weight")


def test_buffers_can_be_parametrized(lib: Any) -> None:
    P, module = utils(lib), lib.nn.BatchNorm1d(2)
    P.register_parametrization(module, "running_mean", kinds(lib)["Double"]())
    assert "parametrizations.running_mean.original" in dict(module.named_buffers())
    P.remove_parametrizations(module, "running_mean")
    assert "running_mean" in dict(module.named_buffers())


def test_is_parametrized(lib: Any) -> None:
    P, module = utils(lib), lib.nn.Linear(3, 3)
    assert not P.is_parametrized(module)
    P.register_parametrization(module, "weight", kinds(lib)["Symmetric"]())
    P.register_parametrization(module, "bias", kinds(lib)["Double"]())
    assert P.is_parametrized(module)
    assert P.is_parametrized(module, "bias")
    assert not P.is_parametrized(module, "other")
    P.remove_parametrizations(module, "bias")
    assert P.is_parametrized(module, "weight")
    assert not P.is_parametrized(module, "bias")


def test_training_mode_is_handed_on(lib: Any) -> None:
    module = lib.nn.Linear(3, 3).eval()
    p = kinds(lib)["Double"]()
    utils(lib).register_parametrization(module, "weight", p)
    assert not p.training
    module.train()
    assert p.training


def test_cached_computes_once(lib: Any) -> None:
    P, module = utils(lib), lib.nn.Linear(3, 3)
    P.register_parametrization(module, "weight", kinds(lib)["Double"]())
    assert module.weight is not module.weight
    with P.cached():
        first = module.weight
        with P.cached():
            assert module.weight is first
        assert module.weight is first
    assert module.weight is not first


def test_copies_are_of_their_own(lib: Any) -> None:
    P, module = utils(lib), lib.nn.Linear(3, 3)
    P.register_parametrization(module, "weight", kinds(lib)["Double"]())
    copied = copy.deepcopy(module)
    assert type(copied).__name__ == "ParametrizedLinear"
    assert copied.parametrizations.weight.original is not module.parametrizations.weight.original
    with lib.no_grad():
        copied.parametrizations.weight.original.zero_()
    assert not copied.weight.any()
    assert module.weight.all()
    P.remove_parametrizations(copied, "weight")
    assert P.is_parametrized(module)


def test_a_network_of_parametrized_modules_is_copied(lib: Any) -> None:
    P, net = utils(lib), lib.nn.Sequential(lib.nn.Linear(3, 3), lib.nn.ReLU())
    P.register_parametrization(net[0], "weight", kinds(lib)["Double"]())
    assert lib.equal(copy.deepcopy(net)[0].weight, net[0].weight)


def test_pickling_is_refused_with_advice(lib: Any) -> None:
    module = utils(lib).register_parametrization(
        lib.nn.Linear(3, 3), "weight", kinds(lib)["Double"]()
    )
    for call in (pickle.dumps, copy.copy):
        with pytest.raises(RuntimeError, match="only supported through state_dict"):
            call(module)


def test_state_loads_into_a_module_of_the_same_form(lib: Any) -> None:
    P, kind = utils(lib), kinds(lib)["Double"]
    a, b = (P.register_parametrization(lib.nn.Linear(3, 3), "weight", kind()) for _ in range(2))
    b.load_state_dict(a.state_dict())
    assert lib.equal(a.weight, b.weight)


def test_parametrizations_move_to_another_module(lib: Any) -> None:
    P, kind = utils(lib), kinds(lib)
    for name in ("Double", "Product"):
        a, b = lib.nn.Linear(3, 3), lib.nn.Linear(3, 3)
        P.register_parametrization(a, "weight", kind[name]())
        P.register_parametrization(a, "bias", kind["Double"]())
        assert P.transfer_parametrizations_and_params(a, b, "weight") is b
        assert lib.equal(a.weight, b.weight)
        assert not P.is_parametrized(b, "bias")
        stored = "original" if name == "Double" else "original1"
        assert getattr(a.parametrizations.weight, stored) is getattr(
            b.parametrizations.weight, stored
        )
    assert P.transfer_parametrizations_and_params(lib.nn.Linear(3, 3), b) is b
    c = lib.nn.Linear(3, 3)
    P.transfer_parametrizations_and_params(a, c)
    assert lib.equal(a.weight, c.weight)
    assert lib.equal(a.bias, c.bias)


@pytest.mark.parametrize(
    ("name", "text"), [("Wider", "shape"), ("ToDouble", "dtype"), ("Seven", "must return a tensor")]
)
def test_what_changes_the_tensor_is_refused_unless_unsafe(lib: Any, name: str, text: str) -> None:
    P, kind = utils(lib), kinds(lib)
    with pytest.raises(ValueError, match=text):
        P.register_parametrization(lib.nn.Linear(3, 3), "weight", kind[name]())
    once = P.register_parametrization(lib.nn.Linear(3, 3), "weight", kind["Double"]())
    with pytest.raises(ValueError, match=text):
        P.register_parametrization(once, "weight", kind[name]())
    if name == "Wider":
        P.register_parametrization(once, "weight", kind[name](), unsafe=True)
        assert once.weight.shape == (6, 3)


def test_errors(lib: Any) -> None:
    P, double = utils(lib), kinds(lib)["Double"]
    with pytest.raises(ValueError, match="with name 'other'"):
        P.register_parametrization(lib.nn.Linear(2, 2), "other", double())
    with pytest.raises(ValueError, match="one or more modules"):
        P.ParametrizationList([], lib.zeros(2))
    module = P.register_parametrization(lib.nn.Linear(2, 2), "weight", double())
    with pytest.raises(ValueError, match="dtype"):
        module.weight = lib.zeros(2, 2, dtype=lib.float64)
    with pytest.raises(KeyError, match="already exists"):
        module.weight = lib.nn.Parameter(lib.zeros(2, 2))


def test_an_optimizer_made_before_still_trains(lib: Any) -> None:
    module = lib.nn.Linear(2, 1, bias=False)
    sgd = lib.optim.SGD(module.parameters(), lr=0.5)
    utils(lib).register_parametrization(module, "weight", kinds(lib)["Double"]())
    before = module.weight.detach().clone()
    module(lib.ones(1, 2)).sum().backward()
    sgd.step()
    assert lib.allclose(module.weight, before - 2)  # d/d(original) is 2, and the weight its double
