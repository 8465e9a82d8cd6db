"""Normalisation: running statistics, extreme values, halves, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.kernels import norms


def images(lib: Any, *shape: int, seed: int = 0) -> Any:
    x = np.random.default_rng(seed).standard_normal(shape) * 3 + 5
    return lib.from_numpy(x.astype(np.float32))


def test_running_statistics_move_by_momentum(lib: Any) -> None:
    m = lib.nn.BatchNorm2d(3, momentum=0.25)
    mean, var = np.zeros(3), np.ones(3)
    for step in range(3):
        x = images(lib, 4, 3, 2, 5, seed=step)
        m(x)
        a = x.numpy()
        mean += 0.25 * (a.mean((0, 2, 3)) - mean)
        var += 0.25 * (a.var((0, 2, 3), ddof=1) - var)
    np.testing.assert_allclose(m.running_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(m.running_var.numpy(), var, rtol=1e-5)
    assert m.num_batches_tracked.item() == 3
    m.eval()
    y = m(x)
    expected = (a - mean[:, None, None]) / np.sqrt(var + 1e-5)[:, None, None]
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-4, atol=1e-5)
    assert m.num_batches_tracked.item() == 3
    m.reset_running_stats()
    assert m.running_mean.tolist() == [0.0] * 3
    assert m.running_var.tolist() == [1.0] * 3
    assert m.num_batches_tracked.item() == 0


def test_without_momentum_all_batches_count_the_same(lib: Any) -> None:
    m = lib.nn.BatchNorm1d(2, momentum=None)
    means = []
    for step in range(4):
        x = images(lib, 6, 2, seed=step)
        m(x)
        means.append(x.numpy().mean(0))
    np.testing.assert_allclose(m.running_mean.numpy(), np.mean(means, 0), rtol=1e-5)


def test_statistics_are_not_part_of_the_graph(lib: Any) -> None:
    m = lib.nn.BatchNorm1d(2)
    before = m.running_mean._version
    for _ in range(2):
        m(images(lib, 4, 2).requires_grad_()).sum().backward()
    assert m.running_mean._version > before or lib is not penlight  # PyTorch's stays
    assert not m.running_mean.requires_grad
    assert m.running_mean.grad_fn is None


def test_instance_norm_tracks_the_mean_over_the_samples(lib: Any) -> None:
    m = lib.nn.InstanceNorm1d(3, track_running_stats=True, momentum=0.5)
    x = images(lib, 4, 3, 7)
    m(x)
    a = x.numpy()
    np.testing.assert_allclose(m.running_mean.numpy(), 0.5 * a.mean((0, 2)), rtol=1e-5)
    variances = a.var(2, ddof=1).mean(0)
    np.testing.assert_allclose(m.running_var.numpy(), 0.5 + 0.5 * variances, rtol=1e-5)
    assert m.num_batches_tracked.item() == 0  # as in PyTorch
    m.eval()
    one = m(x[:, :, :1])  # a single position is enough in evaluation
    assert one.shape == (4, 3, 1)


@pytest.mark.parametrize(
    "program",
    ["BatchNorm2d(4)", "GroupNorm(2, 4)", "InstanceNorm2d(4)", "LayerNorm([2, 3])"],
)
def test_a_large_mean_does_not_drown_the_variance(lib: Any, program: str) -> None:
    m = eval(f"nn.{program}", {"nn": lib.nn})
    x = images(lib, 5, 4, 2, 3) - 5
    a, b = m(x).detach().numpy(), m(x + 4096).detach().numpy()
    np.testing.assert_allclose(a, b, atol=2e-2)


@pytest.mark.parametrize(
    "program",
    ["BatchNorm2d(4)", "GroupNorm(2, 4)", "InstanceNorm2d(4)", "LayerNorm([2, 3])", "RMSNorm(3)"],
)
def test_halves_are_computed_in_float32(lib: Any, program: str) -> None:
    m = eval(f"nn.{program}", {"nn": lib.nn})
    x = (images(lib, 5, 4, 2, 3) * 300).half()  # whose squares exceed the largest half
    if program.startswith("RMS"):
        m = m.half()
    y = m(x)
    assert y.dtype == lib.float16
    assert 0.9 < float(y.detach().float().square().mean()) < 1.1
    x = x.requires_grad_()
    m(x).float().pow(3).sum().backward()
    assert x.grad.dtype == lib.float16
    assert bool(lib.isfinite(x.grad).all())


def test_running_statistics_take_part_in_evaluation_by_value() -> None:
    """Training between a forward pass in evaluation and its backward changes no gradient."""
    x, m = images(penlight, 3, 2).requires_grad_(), nn.BatchNorm1d(2)
    gradients = []
    for between in (False, True):
        m.reset_running_stats()
        y = m.eval()(x).square().sum()
        if between:
            m.train()(images(penlight, 3, 2, seed=1))
        gradients.append([g.numpy() for g in penlight.autograd.grad(y, [x, *m.parameters()])])
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_array_equal(a, b)


def test_empty_batches(lib: Any) -> None:
    for m, shape in [
        (lib.nn.BatchNorm1d(3), (0, 3)), (lib.nn.BatchNorm2d(3), (2, 3, 0, 2)),
        (lib.nn.GroupNorm(1, 3), (0, 3, 2)), (lib.nn.InstanceNorm1d(3), (0, 3, 2)),
        (lib.nn.LayerNorm(3), (0, 3)), (lib.nn.RMSNorm(3), (0, 3)),
        (lib.nn.BatchNorm1d(3).eval(), (0, 3)),
        (nn.InstanceNorm1d(3, affine=True, track_running_stats=True), (0, 3, 2)),  # which fails in PyTorch
    ]:  # fmt: skip
        own = penlight if isinstance(m, nn.Module) else lib
        x = own.zeros(*shape, requires_grad=True)
        y = m(x)
        y.sum().backward()
        assert y.shape == x.grad.shape == shape
        for name, buffer in m.named_buffers():
            assert bool(own.isfinite(buffer).all()), name
        if "running_var" in m._buffers and m.running_var is not None:
            assert m.running_var.tolist() == [1.0] * 3, "an empty batch moved the statistics"


def test_a_count_that_old_checkpoints_lack_stays(lib: Any) -> None:
    m = lib.nn.BatchNorm1d(2)
    m(images(lib, 4, 2))
    state = dict(m.state_dict())
    del state["num_batches_tracked"]
    result = m.load_state_dict(state)  # no metadata: as files of version 1 have none
    assert result.missing_keys == []
    assert m.num_batches_tracked.item() == 1


def test_channels_that_do_not_count_only_warn(lib: Any) -> None:
    with pytest.warns(UserWarning, match="does not match num_features"):
        y = lib.nn.InstanceNorm1d(3)(images(lib, 2, 4, 5))
    assert y.shape == (2, 4, 5)
    with pytest.warns(UserWarning, match="dim=0"):
        lib.nn.InstanceNorm1d(3)(images(lib, 4, 5))


@pytest.mark.parametrize(
    ("error", "match", "program"),
    [
        (ValueError, "2D or 3D input", lambda F, nn, x: nn.BatchNorm1d(3)(x[0, 0])),
        (ValueError, "4D input", lambda F, nn, x: nn.BatchNorm2d(3)(x)),
        (ValueError, "5D input", lambda F, nn, x: nn.BatchNorm3d(3)(x)),
        (ValueError, "3D or 4D input", lambda F, nn, x: nn.InstanceNorm2d(3)(x[0])),
        (ValueError, "4D or 5D input", lambda F, nn, x: nn.InstanceNorm3d(3)(x)),
        (RuntimeError, "running_mean should contain 3", lambda F, nn, x: nn.BatchNorm1d(4)(x)),
        (RuntimeError, "running_mean", lambda F, nn, x: nn.BatchNorm1d(4).eval()(x)),
        (RuntimeError, "running_mean", lambda F, nn, x: F.batch_norm(x, None, None)),
        (RuntimeError, "running_var", lambda F, nn, x: F.batch_norm(x, x[0, :, 0], None)),
        (ValueError, "eps", lambda F, nn, x: F.batch_norm(x, None, None, training=True, eps=0.0)),
        (ValueError, "more than 1 value", lambda F, nn, x: F.batch_norm(x[:1, :, :1], None, None, training=True)),
        (IndexError, "expected input", lambda F, nn, x: F.batch_norm(x[0, 0], None, None, training=True)),
        (NotImplementedError, "dtype torch.int64", lambda F, nn, x: nn.BatchNorm1d(3)(x.long())),
        (RuntimeError, "dtype of input", lambda F, nn, x: nn.BatchNorm1d(3)(x.double())),
        (RuntimeError, "dtype of input", lambda F, nn, x: nn.LayerNorm(4)(x.double())),
        (RuntimeError, "dtype torch.int64", lambda F, nn, x: nn.LayerNorm(4)(x.long())),
        (RuntimeError, "dtype torch.int64", lambda F, nn, x: F.rms_norm(x.long(), (4,))),
        (RuntimeError, "normalized_shape", lambda F, nn, x: nn.LayerNorm(3)(x)),
        (RuntimeError, "normalized_shape", lambda F, nn, x: nn.LayerNorm(3)(x.sum())),
        (RuntimeError, "normalized_shape", lambda F, nn, x: F.layer_norm(x, ())),
        (RuntimeError, "normalized_shape", lambda F, nn, x: F.rms_norm(x, ())),
        (RuntimeError, "normalized_shape", lambda F, nn, x: F.rms_norm(x, (3,))),
        (TypeError, "normalized_shape", lambda F, nn, x: F.layer_norm(x, 4)),
        (TypeError, "normalized_shape", lambda F, nn, x: F.rms_norm(x, 4)),
        (RuntimeError, "weight", lambda F, nn, x: F.rms_norm(x, (4,), x[0, 0, :2])),
        (ValueError, "divisible", lambda F, nn, x: nn.GroupNorm(2, 3)),
        (RuntimeError, "divisible", lambda F, nn, x: nn.GroupNorm(2, 4)(x)),
        (RuntimeError, "at least 2 dim", lambda F, nn, x: F.group_norm(x[0, 0], 1)),
        (ValueError, "more than 1 value", lambda F, nn, x: F.group_norm(x[:1, :, 0], 3)),
        (ValueError, "num_features", lambda F, nn, x: nn.InstanceNorm1d(4, affine=True)(x)),
        (ValueError, "more than 1 spatial", lambda F, nn, x: F.instance_norm(x[..., 0])),
        (ValueError, "more than 1 spatial", lambda F, nn, x: F.instance_norm(x[0, 0])),
        (ValueError, "either both", lambda F, nn, x: F.instance_norm(x, x[0, :, 0], None)),
        (RuntimeError, "use_input_stats", lambda F, nn, x: F.instance_norm(x, use_input_stats=False)),
        (RuntimeError, "floating", lambda F, nn, x: F.normalize(x.long())),
    ],
)  # fmt: skip
def test_errors(lib: Any, error: type[Exception], match: str, program: Any) -> None:
    with pytest.raises(error, match=match if lib is penlight else None):
        program(lib.nn.functional, lib.nn, images(lib, 2, 3, 4))


def test_normalize_puts_its_result_into_a_tensor(lib: Any) -> None:
    x, out = images(lib, 2, 3), lib.zeros(2, 3)
    assert lib.nn.functional.normalize(x, dim=1, out=out) is out
    np.testing.assert_allclose(np.linalg.norm(out.numpy(), axis=1), 1, rtol=1e-6)
    assert lib.nn.functional.normalize(lib.zeros(2, 3)).tolist() == [[0.0] * 3] * 2
    over_all = lib.nn.functional.normalize(x, dim=(0, 1))
    assert float(over_all.square().sum()) == pytest.approx(1)


@pytest.mark.parametrize(
    "program",
    ["BatchNorm2d(4)", "GroupNorm(2, 4)", "InstanceNorm2d(4, affine=True)", "LayerNorm(200)",
     "LayerNorm(200, bias=False)", "LayerNorm(200, elementwise_affine=False)", "RMSNorm(200)"],
)  # fmt: skip
def test_large_arrays_are_dealt_with_in_parts_that_give_the_same(
    program: str, monkeypatch: Any
) -> None:
    results = []
    monkeypatch.setattr(norms, "_TINY", 0)
    monkeypatch.setattr(norms, "_SMALL", 0)
    for chunk in (1 << 40, 1 << 12):
        monkeypatch.setattr(norms, "_CHUNK", chunk)
        m = eval(f"nn.{program}", {"nn": nn})
        x = images(penlight, 7, 4, 3, 200).requires_grad_()
        (m(x) ** 3).sum().backward()
        results.append([x.grad.numpy(), *(p.grad.numpy() for p in m.parameters())])
    for whole, parts in zip(*results, strict=True):
        np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-4)
