"""The models: sizes known from the papers, options, gradients of the whole, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.models import (
    INITIALISATIONS,
    MLP,
    MODELS,
    NORMS,
    VGG,
    LeNet,
    MobileNet,
    ResNet,
    create_model,
    initialise,
    resnet20,
)
from penlight.nn import functional as F
from penlight.testing import gradient_error


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_known_sizes():
    # weights and biases by hand
    assert count(LeNet(norm="none")) == 6 * 9 + 6 + 16 * 54 + 16 + 784 * 84 + 84 + 840 + 10
    assert count(LeNet(norm="batch")) - count(LeNet(norm="none")) == 2 * (6 + 16)
    assert count(VGG(norm="none")) == 8 * 9 + 8 + 24 * 72 + 24 + 72 * 216 + 72 + 720 + 10
    assert count(MLP(norm="none")) == 78500 + 6464 + 1040 + 170
    # a stem of 16 channels, then 9 C + C F weights for each of 16-32-32-64-64-128-128, all normed
    pairs = [(16, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    norms = 2 * 16 + sum(2 * c + 2 * f for c, f in pairs)
    expected = 9 * 16 + sum(9 * c + c * f for c, f in pairs) + norms + 1290
    assert count(MobileNet()) == expected
    assert count(resnet20()) == 269_722  # "0.27 million": He et al. 2016, table 6


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_shapes_and_gradients_reach_every_parameter(name, norm, shape):
    model = create_model(name, shape, 7, norm=norm)
    scores = model(penlight.randn(3, *shape))
    assert scores.shape == (3, 7)
    assert scores.dtype is penlight.float32
    F.cross_entropy(scores, penlight.tensor([0, 3, 6])).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    kinds = {type(m) for m in model.modules()}
    assert (nn.BatchNorm2d in kinds or nn.BatchNorm1d in kinds) == (norm == "batch")
    if norm == "none":
        assert not any("Norm" in kind.__name__ for kind in kinds)


def test_group_norm_groups_the_convolutions_too():
    convs = [m for m in LeNet(norm="group").modules() if isinstance(m, nn.Conv2d)]
    assert [c.groups for c in convs] == [1, 2]  # one channel can't be split


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", MODELS)
def test_numerical_gradient_of_the_whole_model(name, norm):
    shape = (1, 28, 28)
    model = create_model(name, shape, 10, norm=norm).double()
    for shift in [p for p in model.parameters() if name == "mobilenet" and not p.any()]:
        nn.init.normal_(shift, std=0.1)  # at zero, a channel without signal sits on ReLU's kink
    rng = np.random.default_rng(1)
    x = penlight.from_numpy(rng.standard_normal((4, *shape)))
    y = penlight.tensor([1, 2, 3, 4])
    parameters = list(model.parameters())
    assert gradient_error(lambda: F.cross_entropy(model(x), y), parameters, eps=1e-8) < 1e-5


@pytest.mark.parametrize("name", ["default", *INITIALISATIONS])
def test_initialisations(name):
    model = LeNet()
    before = [p.detach().clone() for p in model.parameters()]
    initialise(model, name)
    weight = model.features[4].weight.detach().numpy()  # (16, 6, 3, 3): fan in 54, fan out 144
    if name == "default":
        assert all((p == q).all() for p, q in zip(model.parameters(), before, strict=True))
        return
    assert (model.features[4].bias == 0).all()
    expected = {
        "zeros": 0, "ones": 0, "normal": 1, "uniform": 1 / np.sqrt(3),
        "xavier_normal": np.sqrt(2 / 198), "xavier_uniform": np.sqrt(2 / 198),
        "kaiming_normal": np.sqrt(2 / 54), "kaiming_uniform": np.sqrt(2 / 54),
        "kaiming_normal_fan_out": np.sqrt(2 / 144), "kaiming_uniform_fan_out": np.sqrt(2 / 144),
        "orthogonal": np.sqrt(1 / 54),
    }  # fmt: skip
    np.testing.assert_allclose(weight.std(), expected[name], rtol=0.08, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: create_model("lenets"), "name must be one of mlp, .*got 'lenets'"),
        (lambda: create_model("lenet", depth=3), "lenet has no option depth; it takes norm"),
        (lambda: LeNet(norm="batchnorm"), "LeNet: norm must be one of batch, .*got 'batchnorm'"),
        (lambda: LeNet((1, 3, 28)), "LeNet: in_shape must be at least 4x4"),
        (lambda: VGG((1, 3, 3)), r"VGG: in_shape \(1, 3, 3\) is too small for 3 blocks"),
        (lambda: MobileNet(multiplier=0), "MobileNet: multiplier must be above 0, got 0"),
        (lambda: MobileNet(widths=()), "MobileNet: widths must be 1 or more whole numbers"),
        (lambda: MLP(activation="swish"), "MLP: activation must be one of relu, .*got 'swish'"),
        (lambda: initialise(LeNet(), "he"), "initialise: name must be one of default, .*got 'he'"),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_deeper_resnet():
    assert len(ResNet(blocks=5).body) == 15


def test_separable_convolutions():
    m = MobileNet((3, 20, 20), 4, (8, 12), blocks=1, multiplier=0.5)
    first, second = m.body
    assert [c.groups for c in first if isinstance(c, nn.Conv2d)] == [2, 1]  # each channel by itself
    assert first(penlight.ones(1, 2, 5, 5)).shape == (1, 4, 5, 5)
    assert second(penlight.ones(1, 4, 5, 5)).shape == (1, 6, 3, 3)


@pytest.mark.parity
def test_lenet_agrees_with_the_same_program_in_pytorch(torch, tmp_path):
    """Weights go over in a file; scores, loss and gradients come out the same."""
    tn = torch.nn
    theirs = tn.Module()
    theirs.features = tn.Sequential(
        tn.Conv2d(1, 6, 3, padding=1), tn.BatchNorm2d(6), tn.ReLU(), tn.MaxPool2d(2),
        tn.Conv2d(6, 16, 3, padding=1), tn.BatchNorm2d(16), tn.ReLU(), tn.MaxPool2d(2),
    )  # fmt: skip
    theirs.classifier = tn.Sequential(
        tn.Flatten(), tn.Linear(784, 84), tn.ReLU(), tn.Linear(84, 10)
    )
    ours = LeNet()
    penlight.save(ours.state_dict(), tmp_path / "lenet.pt")
    theirs.load_state_dict(torch.load(tmp_path / "lenet.pt", weights_only=True))
    x = np.random.default_rng(0).standard_normal((8, 1, 28, 28)).astype(np.float32)
    y = np.arange(8)
    our_scores = ours(penlight.from_numpy(x))
    their_scores = theirs.classifier(theirs.features(torch.from_numpy(x)))
    np.testing.assert_allclose(
        our_scores.detach().numpy(), their_scores.detach().numpy(), rtol=1e-3, atol=1e-5
    )
    F.cross_entropy(our_scores, penlight.from_numpy(y)).backward()
    tn.functional.cross_entropy(their_scores, torch.from_numpy(y)).backward()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(
            p.grad.numpy(), q.grad.numpy(), rtol=1e-2, atol=1e-5, err_msg=name
        )
