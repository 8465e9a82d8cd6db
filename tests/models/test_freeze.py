"""Parameters that stay as they are, and initialisations of all parameters."""

from __future__ import annotations

import pytest

from penlight import nn
from penlight.models import LeNet, ResidualMLP, ResNet, freeze, initialise


def test_freezing_by_kind_and_by_name():
    model = LeNet()
    assert freeze(model, ["conv"]) == [
        "features.0.weight", "features.0.bias", "features.4.weight", "features.4.bias",
    ]  # fmt: skip
    assert freeze(model, ["classifier.1.*"]) == ["classifier.1.weight", "classifier.1.bias"]
    assert [n for n, p in model.named_parameters() if p.requires_grad] == [
        "features.1.weight", "features.1.bias", "features.5.weight", "features.5.bias",
        "classifier.3.weight", "classifier.3.bias",
    ]  # fmt: skip
    assert freeze(LeNet(), []) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["layers"], "names must be one of conv, linear, norm .* got 'layers'"),
        (["*"], r"names \(=\['\*'\]\) leave no parameter to learn"),
    ],
)
def test_what_cannot_be_frozen(names, message):
    with pytest.raises(ValueError, match=message):
        freeze(LeNet(), names)
    with pytest.raises(ValueError, match="got 'norm'"):
        freeze(LeNet(norm="none"), ["norm"])


@pytest.mark.parametrize("norm", ["batch", "layer", "group"])
def test_everything_is_drawn(norm):
    model = LeNet(norm=norm)
    initialise(model, "ones", everything=True)
    assert all((p == 1).all() for p in model.parameters())
    initialise(model, "xavier_uniform", everything=True)
    scales = [p for n, p in model.named_parameters() if p.ndim == 1]
    assert len(scales) == 8
    assert all(p.abs().max() < 1 and p.std() > 0.3 for p in scales)
    initialise(model, "normal", everything=True)
    assert model.classifier[1].bias.abs().max() > 1.5


@pytest.mark.parametrize("build", [ResidualMLP, ResNet])
def test_without_skip_connections_the_layers_are_the_same(build):
    options = {"in_shape": (1, 8, 8), "blocks": 1}
    residual, plain = build(**options), build(**options, skip=False)
    assert {n: p.shape for n, p in residual.named_parameters()} == {
        n: p.shape for n, p in plain.named_parameters()
    }
    for module in plain.modules():  # the last layer of a block at zero: nothing passes
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.zeros_(module.weight)
    plain.load_state_dict(residual.state_dict())
    import penlight

    x = penlight.randn(4, 1, 8, 8)
    assert not penlight.allclose(plain(x), residual(x))
