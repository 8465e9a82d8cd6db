"""Pruning: masks, what they leave in the module, several on one parameter, many parameters at once."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest


def prune_of(lib: Any) -> Any:
    return importlib.import_module(f"{lib.__name__}.nn.utils.prune")


def linear(lib: Any) -> Any:
    module = lib.nn.Linear(4, 3)
    with lib.no_grad():
        values = lib.arange(1, 13, dtype=lib.float32).reshape(3, 4)
        module.weight.copy_(values * lib.tensor([1.0, -1.0, 1.0, -1.0]))
        module.bias.copy_(lib.tensor([0.5, -2.0, 1.0]))
    return module


def test_names(lib: Any) -> None:
    wanted = """
        BasePruningMethod CustomFromMask Identity L1Unstructured LnStructured PruningContainer
        RandomStructured RandomUnstructured custom_from_mask global_unstructured identity is_pruned
        l1_unstructured ln_structured random_structured random_unstructured remove
    """
    assert not [n for n in wanted.split() if not hasattr(prune_of(lib), n)]


def test_the_smallest_elements_are_pruned(lib: Any) -> None:
    prune, module = prune_of(lib), linear(lib)
    weight = module.weight
    assert prune.l1_unstructured(module, "weight", 5) is module
    assert module.weight_mask.tolist() == [[0, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]]
    assert module.weight_orig is weight
    assert list(module.state_dict()) == ["bias", "weight_orig", "weight_mask"]
    assert [n for n, _ in module.named_parameters()] == ["bias", "weight_orig"]
    assert lib.equal(module.weight, weight * module.weight_mask)
    assert prune.is_pruned(lib.nn.Sequential(module))
    module(lib.ones(1, 4)).sum().backward()
    assert lib.equal(weight.grad, module.weight_mask)
    with lib.no_grad():
        weight.fill_(2.0)
    module(lib.ones(1, 4))
    assert lib.equal(module.weight, 2 * module.weight_mask)


def test_removing_keeps_the_zeros(lib: Any) -> None:
    prune, module = prune_of(lib), linear(lib)
    parameter = module.weight
    prune.l1_unstructured(module, "weight", 0.5)
    pruned = module.weight.detach().clone()
    assert prune.remove(module, "weight") is module
    assert module.weight is parameter
    assert lib.equal(module.weight, pruned)
    assert sorted(module.state_dict()) == ["bias", "weight"]
    assert not prune.is_pruned(module)
    assert not module._forward_pre_hooks
    with pytest.raises(ValueError, match="has to be pruned before"):
        prune.remove(module, "weight")


def test_the_slices_of_smallest_norm_are_pruned(lib: Any) -> None:
    prune, module = prune_of(lib), linear(lib)
    prune.ln_structured(module, "weight", 2, n=2, dim=1)
    assert module.weight_mask.tolist() == [[0, 0, 1, 1]] * 3
    prune.ln_structured(module, "weight", 1, n=float("inf"), dim=0)
    assert module.weight_mask.tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]
    (hook,) = module._forward_pre_hooks.values()
    assert type(hook).__name__ == "PruningContainer"
    assert len(hook) == 2
    assert hook[0].dim == 1
    assert [type(m).__name__ for m in hook] == ["LnStructured"] * 2


def test_a_further_pruning_chooses_from_what_is_left(lib: Any) -> None:
    prune, module = prune_of(lib), linear(lib)
    prune.ln_structured(module, "weight", 1, n=1, dim=-2)
    prune.l1_unstructured(module, "weight", 0.25)
    assert module.weight_mask.tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]]
    prune.identity(module, "weight")
    prune.custom_from_mask(module, "weight", lib.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1]]))
    assert module.weight_mask.tolist() == [[0, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]]
    prune.remove(module, "weight")


def test_random_pruning_takes_the_right_number(lib: Any) -> None:
    prune, module = prune_of(lib), lib.nn.Conv2d(4, 6, 3)
    prune.random_unstructured(module, "weight", 0.3)
    assert int((module.weight_mask == 0).sum()) == round(0.3 * 216)
    prune.random_structured(module, "weight", 2, dim=1)
    kept = module.weight_mask.sum((0, 2, 3)) != 0
    assert int(kept.sum()) == 2


def test_every_element_is_pruned_equally_often() -> None:
    import penlight

    prune = prune_of(penlight)
    method, t = prune.RandomUnstructured(0.25), penlight.ones(8)
    total = sum(np.asarray(method.prune(t)) for _ in range(2000))
    assert np.abs(total / 2000 - 0.75).max() < 0.06  # 6 standard deviations of 0.0097


def test_importance_scores_decide(lib: Any) -> None:
    prune, module = prune_of(lib), linear(lib)
    scores = lib.arange(12, 0, -1).reshape(3, 4).float()
    prune.l1_unstructured(module, "weight", 2, importance_scores=scores)
    assert module.weight_mask[2].tolist() == [1, 1, 0, 0]
    with pytest.raises(AssertionError, match="same shape"):
        prune.l1_unstructured(module, "bias", 1, importance_scores=scores)
    prune.ln_structured(module := linear(lib), "weight", 1, n=1, dim=0, importance_scores=scores)
    assert module.weight_mask.tolist() == [[1] * 4, [1] * 4, [0] * 4]


def test_prune_without_a_module(lib: Any) -> None:
    prune, t = prune_of(lib), lib.tensor([1.0, -3.0, 2.0])
    assert prune.L1Unstructured(1).prune(t).tolist() == [0, -3, 2]
    mask = lib.tensor([1.0, 0.0, 1.0])
    assert prune.L1Unstructured(1).prune(t, default_mask=mask).tolist() == [0, 0, 2]
    assert prune.L1Unstructured(1).prune(t, importance_scores=-1 / t).tolist() == [1, 0, 2]


def test_global_pruning_compares_all_parameters(lib: Any) -> None:
    prune = prune_of(lib)
    a, b = linear(lib), linear(lib)
    with lib.no_grad():
        b.weight.mul_(10)
    pairs = [(a, "weight"), (b, "weight"), (a, "bias")]
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=10)
    assert int((a.weight_mask == 0).sum()) == 7
    assert int((b.weight_mask == 0).sum()) == 0
    assert int((a.bias_mask == 0).sum()) == 3
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=2)
    assert int((a.weight_mask == 0).sum()) == 9
    prune.global_unstructured(
        [(b, "weight")],
        prune.L1Unstructured,
        importance_scores={(b, "weight"): -b.weight.detach().abs() + 200},
        amount=1,
    )
    assert b.weight_mask[2].tolist() == [1, 1, 1, 0]


def test_a_failed_pruning_changes_nothing(lib: Any) -> None:
    prune, module = prune_of(lib), linear(lib)
    with pytest.raises(ValueError, match="should be smaller"):
        prune.l1_unstructured(module, "weight", 13)
    assert isinstance(module.weight, lib.nn.Parameter)
    assert sorted(module.state_dict()) == ["bias", "weight"]
    prune.l1_unstructured(module, "weight", 1)
    prune.remove(module, "weight")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda p, m: p.l1_unstructured(m, "weight", 1.5), ValueError, "amount=1.5"),
        (lambda p, m: p.l1_unstructured(m, "weight", -1), ValueError, "amount=-1"),
        (lambda p, m: p.l1_unstructured(m, "weight", "a"), TypeError, "amount"),
        (lambda p, m: p.ln_structured(m, "weight", 1, 2, 5), IndexError, "Invalid index 5"),
        (lambda p, m: p.ln_structured(m, "bias", 1, 2, 0), ValueError, "multidimensional"),
        (lambda p, m: p.random_structured(m, "weight", 7, 0), ValueError, "should be smaller"),
        (lambda p, m: p.global_unstructured(3, p.L1Unstructured, amount=1), TypeError, "Iterable"),
        (
            lambda p, m: p.global_unstructured([(m, "weight")], p.LnStructured, amount=1, n=2),
            TypeError,
            "unstructured",
        ),
        (lambda p, m: p.remove(m, "bias"), ValueError, "has to be pruned"),
    ],
)
def test_errors(lib: Any, call: Any, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call(prune_of(lib), linear(lib))


def test_custom_masks_must_fit(lib: Any) -> None:
    with pytest.raises(AssertionError, match="must match"):
        prune_of(lib).custom_from_mask(linear(lib), "weight", lib.ones(2))
