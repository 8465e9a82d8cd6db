"""The U-Net of diffusion models: sizes, gradients, the same program in PyTorch, what is refused."""

from __future__ import annotations

import math
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penlight
from penlight.models import UNet, unet
from penlight.testing import gradient_error
from penlight.testing.specs.programs import fill

SMALL: dict[str, Any] = {"widths": (4, 8), "blocks": 1, "groups": 2, "attention": (4,), "heads": 2}


def small(**options: Any) -> UNet:
    return UNet(**{"in_shape": (2, 8, 8), **SMALL, **options})


def test_time_embedding():
    e = unet.time_embedding(penlight.tensor([0, 3]), 4)
    np.testing.assert_allclose(e[0], [1, 1, 0, 0])
    w = 10000**-0.5
    expected = [math.cos(3), math.cos(3 * w), math.sin(3), math.sin(3 * w)]
    np.testing.assert_allclose(e[1], expected, rtol=1e-6)
    assert e.dtype is penlight.float32


def test_size_by_hand():
    m = UNet((1, 4, 4), (4,), blocks=1, groups=2, attention=())
    conv = lambda i, o, k: i * o * k * k + o  # noqa: E731
    linear = lambda i, o: i * o + o  # noqa: E731
    block = lambda i, o: 2 * i + conv(i, o, 3) + linear(16, o) + 2 * o + conv(o, o, 3)  # noqa: E731
    attention = 2 * 4 + conv(4, 12, 1) + conv(4, 4, 1)
    wide = block(8, 4) + conv(8, 4, 1)  # with a shortcut
    expected = linear(8, 16) + linear(16, 16) + conv(1, 4, 3)  # time, stem
    expected += block(4, 4) + 2 * block(4, 4) + attention  # down, middle
    expected += 2 * wide + 2 * 4 + conv(4, 1, 3)  # up, head
    assert sum(p.numel() for p in m.parameters()) == expected


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 24)])
def test_shapes_and_where_attention_is(shape):
    m = UNet(shape, (8, 16, 24), 1, (shape[1] // 2,), groups=4, num_classes=5)
    x = penlight.randn(2, *shape)
    y = m(x, penlight.tensor([3, 500]), penlight.tensor([0, 4]))
    assert y.shape == x.shape
    assert y.dtype is penlight.float32
    assert (y == 0).all()  # the last layer starts at zero
    where = [name for name, part in m.named_modules() if isinstance(part, unet.SelfAttention)]
    assert where == ["down.2.attention", "middle_attention", "up.3.attention", "up.4.attention"]


def test_gradients_reach_every_parameter():
    m = fill(small(num_classes=3))
    m(penlight.randn(2, 2, 8, 8), penlight.tensor([1, 9]), penlight.tensor([0, 2])).sum().backward()
    for name, p in m.named_parameters():
        assert p.grad is not None, name
        assert p.grad.isfinite().all(), name
        assert p.grad.abs().sum() > 0, name


def test_numerical_gradient_of_the_whole_model():
    m = fill(small(num_classes=3)).double()
    rng = np.random.default_rng(1)
    x = penlight.from_numpy(rng.standard_normal((2, 2, 8, 8)))
    t, y = penlight.tensor([1, 9]), penlight.tensor([0, 2])
    error = gradient_error(lambda: (m(x, t, y) ** 2).mean(), list(m.parameters()), eps=1e-7)
    assert error < 1e-5


def test_classes_and_times_change_the_answer():
    m = fill(small(num_classes=3)).eval()
    x, t = penlight.randn(2, 2, 8, 8), penlight.tensor([1, 9])
    told = m(x, t, penlight.tensor([0, 2]))
    assert not penlight.allclose(told, m(x, t, penlight.tensor([1, 2])))
    assert not penlight.allclose(told, m(x, t + 50, penlight.tensor([0, 2])))
    assert penlight.equal(m(x, t), m(x, t, penlight.tensor([3, 3])))  # "not told" is one more class
    alone = m(x[1:], t[1:], penlight.tensor([2]))
    np.testing.assert_allclose(told[1:].detach(), alone.detach(), rtol=1e-3, atol=1e-4)


def test_learns_to_tell_noise():
    """A few steps on one batch bring the error well below that of answering zero, which is 1."""
    m = small()
    o = penlight.optim.Adam(m.parameters(), 5e-3)
    noise, t = penlight.randn(8, 2, 8, 8), penlight.full((8,), 5)
    for _ in range(60):
        loss = ((m(noise, t) - noise) ** 2).mean()
        o.zero_grad()
        loss.backward()
        o.step()
    assert loss.item() < 0.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: UNet((1, 30, 28)), r"height and width divisible by 4, as there are 3 widths"),
        (lambda: UNet((28, 28)), r"in_shape must be \(C, H, W\)"),
        (lambda: UNet(widths=(12, 20)), r"groups \(=8\) must divide all widths, got 12"),
        (lambda: UNet(heads=3), r"heads \(=3\) must divide all widths, got 32"),
        (lambda: UNet(blocks=0), "blocks must be a whole number >= 1"),
        (lambda: UNet(num_classes=0), "num_classes must be a whole number >= 1"),
        (lambda: small()(penlight.zeros(1, 2, 9, 8), penlight.zeros(1)), "divisible by 2, got"),
        (lambda: small()(penlight.zeros(1, 3, 8, 8), penlight.zeros(1)), r"\(N, 2, H, W\), got"),
        (lambda: small()(penlight.zeros(2, 2, 8, 8), penlight.zeros(1)), r"t must be .* \(2,\)"),
        (
            lambda: small()(penlight.zeros(1, 2, 8, 8), penlight.zeros(1), penlight.tensor([0])),
            "without num_classes",
        ),
        (
            lambda: small(num_classes=2)(
                penlight.zeros(1, 2, 8, 8), penlight.zeros(1), penlight.tensor([0, 1])
            ),
            r"y must be .* \(1,\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def in_pytorch(module: Any, torch: Any) -> types.ModuleType:
    """The same source with PyTorch in Penlight's place."""
    source = Path(module.__file__).read_text()
    for ours, theirs in (
        ("import penlight as torch\n", "import torch\n"),
        ("from penlight import Tensor, nn\n", "from torch import Tensor, nn\n"),
        ("from penlight.nn import functional as F\n", "from torch.nn import functional as F\n"),
    ):
        assert ours in source
        source = source.replace(ours, theirs)
    twin = types.ModuleType("twin")
    exec(compile(source, module.__file__, "exec"), twin.__dict__)
    return twin


@pytest.mark.parity
@pytest.mark.parametrize("classes", [None, 3])
def test_agrees_with_the_same_program_in_pytorch(torch, tmp_path, classes):
    """Weights go over in a file; outputs and gradients come out the same."""
    options = {"in_shape": (2, 8, 8), "num_classes": classes, **SMALL}
    ours, theirs = fill(UNet(**options)), in_pytorch(unet, torch).UNet(**options)
    penlight.save(ours.state_dict(), tmp_path / "unet.pt")
    theirs.load_state_dict(torch.load(tmp_path / "unet.pt", weights_only=True))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 2, 8, 8)).astype(np.float32)
    t, y = np.array([0, 7, 999]), None if classes is None else np.array([0, 2, 1])
    results = []
    for lib, model in ((penlight, ours), (torch, theirs)):
        out = model(lib.from_numpy(x), lib.from_numpy(t), None if y is None else lib.from_numpy(y))
        (out**2).mean().backward()
        results.append(
            (out.detach().numpy(), {n: p.grad.numpy() for n, p in model.named_parameters()})
        )
    (a, grads_a), (b, grads_b) = results
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * np.abs(b).max())
    assert list(grads_a) == list(grads_b)
    for name, g in grads_b.items():
        scale = np.abs(g).max()
        np.testing.assert_allclose(grads_a[name], g, rtol=1e-2, atol=1e-3 * scale, err_msg=name)
