"""Modules that are deprecated, or do less where there is one process and no GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.nn.parallel import data_parallel
from tests.comparison import array


def test_nll_loss_2d_is_nll_loss_and_warns() -> None:
    with pytest.warns(FutureWarning, match="NLLLoss2d") as caught:
        loss = nn.NLLLoss2d(reduction="sum")
    assert caught[0].filename == __file__
    assert isinstance(loss, nn.NLLLoss)
    scores, classes = penlight.randn(2, 3, 4, 5).log_softmax(1), penlight.zeros(2, 4, 5).long()
    assert loss(scores, classes).item() == nn.NLLLoss(reduction="sum")(scores, classes).item()


def test_a_container_holds_children_by_name_and_warns() -> None:
    with pytest.warns(FutureWarning, match="nn.Container") as caught:
        container = nn.Container(first=nn.ReLU(), second=nn.Linear(2, 3))
    assert caught[0].filename == __file__
    assert [name for name, _ in container.named_children()] == ["first", "second"]


def test_data_parallel_calls_its_module() -> None:
    inner = nn.Linear(3, 2)
    outer = nn.DataParallel(inner, device_ids=[0, 1])
    assert outer.module is inner
    assert list(outer.state_dict()) == ["module.weight", "module.bias"]
    x = penlight.randn(4, 3)
    for y in (outer(x), outer(input=x), data_parallel(inner, x), data_parallel(inner, (x,), [0])):
        np.testing.assert_array_equal(array(y), array(inner(x)))


@pytest.mark.parity
def test_deprecated_names_warn_and_print_as_in_pytorch(torch: Any) -> None:
    for make in (
        lambda T: T.nn.NLLLoss2d(None, None, 3),
        lambda T: T.nn.Container(a=T.nn.ReLU(), b=T.nn.Tanh()),
    ):
        texts = []
        for T in (penlight, torch):
            with pytest.warns(FutureWarning):
                texts.append(repr(make(T)))
        assert texts[0] == texts[1]


# -- batch normalisation over all processes ------------------------------------------------------


def test_conversion_replaces_batch_norms_alone_and_keeps_their_state() -> None:
    model = nn.Sequential(
        nn.BatchNorm2d(3, eps=0.1, momentum=None),
        nn.Sequential(nn.BatchNorm1d(2, affine=False), nn.InstanceNorm1d(4)),
        nn.BatchNorm3d(2, track_running_stats=False, bias=False),
    ).eval()
    first = model[0]
    converted: Any = nn.SyncBatchNorm.convert_sync_batchnorm(model, "group")
    assert converted is model
    kinds = [type(m).__name__ for m in model.modules() if not isinstance(m, nn.Sequential)]
    assert kinds == ["SyncBatchNorm", "SyncBatchNorm", "InstanceNorm1d", "SyncBatchNorm"]
    assert converted[0].weight is first.weight
    assert converted[0].running_mean is first.running_mean
    assert converted[0].num_batches_tracked is first.num_batches_tracked
    assert (converted[0].eps, converted[0].momentum, converted[0].process_group) == (
        0.1, None, "group",
    )  # fmt: skip
    assert not any(m.training for m in model.modules())
    assert converted[2].running_mean is None
    assert converted[2].bias is None


def test_a_batch_norm_itself_is_replaced_with_its_children() -> None:
    norm = nn.BatchNorm1d(3)
    norm.add_module("inner", nn.BatchNorm1d(2))
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
    assert type(converted) is type(converted.inner) is nn.SyncBatchNorm
    x = penlight.randn(4, 3)
    np.testing.assert_array_equal(array(converted(x)), array(nn.BatchNorm1d(3)(x)))


# -- the old normalisation by neighbouring channels ----------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 20])
def test_cross_map_results_are_pytorchs(size: int, torch: Any) -> None:
    x = np.random.default_rng(size).standard_normal((2, 7, 2, 3)).astype(np.float32)
    ours, theirs = (
        T.nn.CrossMapLRN2d(size, 0.7, 0.6, 1.5)(T.from_numpy(x)) for T in (penlight, torch)
    )
    np.testing.assert_allclose(array(ours), array(theirs), rtol=1e-5)
