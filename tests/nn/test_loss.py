"""Losses: values worked out by hand, old arguments, warnings, what the gradient of a class is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest


def log(*p: float) -> list[float]:
    return [math.log(x) for x in p]


def test_values_worked_out_by_hand(lib: Any) -> None:
    F, t = lib.nn.functional, lib.tensor
    logits = t([log(0.7, 0.2, 0.1), log(0.1, 0.6, 0.3)])
    classes = t([0, 2])
    weight = t([1.0, 5.0, 3.0])
    a, b = -math.log(0.7), -math.log(0.3)
    uniform = [-sum(log(0.7, 0.2, 0.1)) / 3, -sum(log(0.1, 0.6, 0.3)) / 3]
    for value, expected in [
        (F.cross_entropy(logits, classes), (a + b) / 2),
        (F.cross_entropy(logits + 100, classes, reduction="sum"), a + b),
        (F.cross_entropy(logits, classes, weight), (a + 3 * b) / 4),
        (F.cross_entropy(logits, classes, ignore_index=0), b),
        (F.cross_entropy(logits, classes, label_smoothing=0.3),
         0.7 * (a + b) / 2 + 0.3 * sum(uniform) / 2),
        (F.cross_entropy(logits, t([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])),
         (-0.5 * sum(log(0.7, 0.2)) + b) / 2),
        (F.nll_loss(logits, classes, reduction="sum"), a + b),
        (F.mse_loss(t([1.0, 3.0]), t([2.0, 5.0])), 2.5),
        (F.l1_loss(t([1.0, 3.0]), t([2.0, 5.0])), 1.5),
        (F.mse_loss(t([1.0, 3.0]), t([2.0, 5.0]), weight=t([3.0, 1.0])), (3 * 1 + 4) / 4),
        (F.smooth_l1_loss(t([1.0, 3.0]), t([1.5, 5.0]), reduction="sum"), 0.125 + 1.5),
        (F.smooth_l1_loss(t([1.0, 3.0]), t([1.5, 5.0]), beta=2.0, reduction="sum"), 0.0625 + 1),
        (F.huber_loss(t([1.0, 3.0]), t([1.5, 5.0]), delta=0.5, reduction="sum"), 0.125 + 0.875),
        (F.binary_cross_entropy(t([0.8, 0.4]), t([1.0, 0.0])), -sum(log(0.8, 0.6)) / 2),
        (F.binary_cross_entropy_with_logits(t([0.0]), t([1.0]), pos_weight=t([3.0])),
         3 * math.log(2)),
        (F.kl_div(t([log(0.5, 0.5)]), t([[0.25, 0.75]]), reduction="batchmean"),
         0.25 * math.log(0.5) + 0.75 * math.log(1.5)),
        (F.poisson_nll_loss(t([0.0]), t([3.0])), 1.0),
        (F.gaussian_nll_loss(t([1.0]), t([3.0]), t([4.0])), (math.log(4) + 1) / 2),
        (F.hinge_embedding_loss(t([0.3, 0.3]), t([1.0, -1.0]), reduction="sum"), 0.3 + 0.7),
        (F.margin_ranking_loss(t([1.0]), t([3.0]), t([1.0]), margin=0.5), 2.5),
        (F.cosine_embedding_loss(t([[1.0, 0.0]]), t([[3.0, 4.0]]), t([1.0])), 0.4),
        (F.triplet_margin_loss(t([[0.0]]), t([[3.0]]), t([[1.0]]), margin=0.5), 2.5),
        (F.multi_margin_loss(t([[1.0, 0.5, 3.0]]), t([0])), (0.5 + 3) / 3),
        (F.multilabel_margin_loss(t([[1.0, 0.5, 3.0]]), t([[2, -1, 0]])), 0.0),
        (F.soft_margin_loss(t([0.0]), t([1.0])), math.log(2)),
        (F.multilabel_soft_margin_loss(t([[0.0, 0.0]]), t([[1.0, 0.0]])), math.log(2)),
    ]:  # fmt: skip
        assert value.item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_gradient_of_cross_entropy_is_predicted_minus_true(lib: Any) -> None:
    x = lib.tensor([log(0.7, 0.2, 0.1)], requires_grad=True)
    lib.nn.functional.cross_entropy(x, lib.tensor([1])).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0.7, 0.2 - 1, 0.1]], rtol=1e-5)


def test_ignored_places_get_no_gradient(lib: Any) -> None:
    for t, counted in [([0, -100, 1], 2), ([-100, -100, -100], 0)]:
        x = lib.zeros(3, 4, requires_grad=True)
        lib.nn.functional.cross_entropy(x, lib.tensor(t)).backward()
        rows = x.grad.abs().sum(1).numpy()
        assert (rows != 0).tolist() == [c >= 0 for c in t]
        assert np.isfinite(rows).all()
        assert int((rows != 0).sum()) == counted


@pytest.mark.parametrize(
    ("size_average", "reduce", "meant"),
    [(True, None, "mean"), (False, None, "sum"), (None, True, "mean"), (None, False, "none"),
     (True, False, "none"), (False, True, "sum")],
)  # fmt: skip
def test_old_arguments_are_understood_with_a_warning(
    lib: Any, size_average: Any, reduce: Any, meant: str
) -> None:
    old = {"size_average": size_average, "reduce": reduce}
    x, t = lib.tensor([1.0, 4.0]), lib.tensor([0.0, 1.0])
    F, match = lib.nn.functional, f"reduction='{meant}'"
    for f in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.binary_cross_entropy_with_logits,
              F.soft_margin_loss, F.hinge_embedding_loss, F.poisson_nll_loss):  # fmt: skip
        with pytest.warns(UserWarning, match=match):
            y = f(x, t, **old)
        assert lib.equal(y, f(x, t, reduction=meant))
    with pytest.warns(UserWarning, match=match):
        y = F.cross_entropy(x[None], lib.tensor([1]), **old)
    assert lib.equal(y, F.cross_entropy(x[None], lib.tensor([1]), reduction=meant))
    for name in ("MSELoss", "NLLLoss", "BCELoss", "TripletMarginLoss", "MultiMarginLoss"):
        with pytest.warns(UserWarning, match=match):
            assert getattr(lib.nn, name)(**old).reduction == meant


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_targets_that_broadcast_draw_a_warning(lib: Any, name: str) -> None:
    f = getattr(lib.nn.functional, name)
    with pytest.warns(UserWarning, match="different to the input size") as caught:
        y = f(lib.ones(3, 2), lib.zeros(2), reduction="none")
    assert y.shape == (3, 2)
    assert caught[0].filename == __file__
    with (
        pytest.warns(UserWarning, match="different"),
        pytest.raises(RuntimeError, match="size of tensor a"),
    ):
        f(lib.ones(3, 2), lib.zeros(3))


def test_the_mean_of_kl_div_is_not_the_divergence(lib: Any) -> None:
    x, t = lib.tensor([log(0.5, 0.5)]), lib.tensor([[0.25, 0.75]])
    with pytest.warns(UserWarning, match="batchmean"):
        mean = lib.nn.functional.kl_div(x, t)
    assert float(mean) == pytest.approx(
        float(lib.nn.functional.kl_div(x, t, reduction="batchmean")) / 2
    )


def test_weights_are_buffers_that_follow_the_module(lib: Any) -> None:
    weight = lib.tensor([1.0, 2.0])
    for m in (
        lib.nn.CrossEntropyLoss(weight), lib.nn.NLLLoss(weight), lib.nn.BCELoss(weight),
        lib.nn.MultiMarginLoss(weight=weight), lib.nn.MultiLabelSoftMarginLoss(weight),
    ):  # fmt: skip
        assert list(m.state_dict()) == ["weight"]
        assert m.double().weight.dtype == lib.float64
    m = lib.nn.BCEWithLogitsLoss(weight, pos_weight=weight)
    assert list(m.state_dict()) == ["weight", "pos_weight"]
    assert not list(m.parameters())


def test_losses_of_many_dimensions_agree_with_flat_ones(lib: Any) -> None:
    rng = np.random.default_rng(0)
    x = lib.from_numpy(rng.standard_normal((2, 5, 3, 4, 2)).astype(np.float32))
    t = lib.from_numpy(rng.integers(0, 5, (2, 3, 4, 2)))
    flat, classes = x.movedim(1, -1).reshape(-1, 5), t.reshape(-1)
    for options in ({}, {"label_smoothing": 0.2}, {"ignore_index": 3}):
        a = lib.nn.functional.cross_entropy(x, t, **options)
        assert a.item() == pytest.approx(
            lib.nn.functional.cross_entropy(flat, classes, **options).item(), rel=1e-5
        )
    none = lib.nn.functional.cross_entropy(x, t, reduction="none")
    assert none.shape == t.shape


def test_means_of_many_halves_do_not_overflow(lib: Any) -> None:
    F, x = lib.nn.functional, lib.full((70000, 2), 1.5).half()
    for value, expected in [
        (x.mean(), 1.5),
        (x.mean(0)[0], 1.5),
        (x[:4096].sum(), 12288.0),
        (F.mse_loss(x, x * 0), 2.25),
        (F.l1_loss(x, x * 0), 1.5),
        (F.cross_entropy(x[:40000], lib.zeros(40000).long()), math.log(2)),
        (F.binary_cross_entropy_with_logits(x, x * 0), math.log(1 + math.exp(1.5))),
    ]:
        assert value.dtype == lib.float16
        assert value.item() == pytest.approx(expected, rel=4e-3)
