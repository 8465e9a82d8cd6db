"""GPT: causal, the same with and without a cache, learns, is refused what makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

import penlight
from penlight.models import GPT
from penlight.nn import functional as F


def small(**options):
    penlight.manual_seed(0)
    settings = {"vocabulary": 11, "context": 12, "layers": 2, "heads": 2, "width": 16}
    return GPT(**(settings | options))


def tokens(*shape, seed=0):
    return penlight.from_numpy(np.random.default_rng(seed).integers(0, 11, shape))


def test_number_of_parameters():
    """That of the "small" GPT-2 (Radford et al. 2019, table 2) with its 12 layers, from two of them."""
    one, two = (
        sum(p.numel() for p in GPT(2, 3, layers, 12, 768).parameters()) for layers in (1, 2)
    )
    embeddings = (50257 - 2 + 1024 - 3) * 768
    assert one + 11 * (two - one) + embeddings == 124_439_808


def test_future_tokens_do_not_matter():
    model, x = small(), tokens(3, 12)
    y = model(x)
    for t in range(1, 12):
        changed = x.clone()
        changed[:, t:] = (changed[:, t:] + 1) % 11
        again = model(changed)
        np.testing.assert_allclose(
            again[:, :t].detach().numpy(), y[:, :t].detach().numpy(), rtol=0, atol=1e-6
        )
        assert not np.allclose(again[:, t].detach().numpy(), y[:, t].detach().numpy())


def test_a_cache_changes_nothing():
    model, x = small().eval(), tokens(3, 12)
    with penlight.no_grad():
        expected = model(x).numpy()
        caches = model.new_caches()
        parts = [model(x[:, :5], caches)]
        parts += [model(x[:, t : t + 1], caches) for t in range(5, 12)]
    np.testing.assert_allclose(penlight.cat(parts, 1).numpy(), expected, rtol=0, atol=1e-6)


def test_generation_is_what_whole_passes_give():
    """Beyond the context too, where the oldest tokens are forgotten."""
    model = small()
    x = start = tokens(2, 3)
    with penlight.no_grad():
        for _ in range(15):
            best = model(x[:, -12:])[:, -1].argmax(-1, keepdim=True)
            x = penlight.cat([x, best], 1)
    assert penlight.equal(model.generate(start, 15, temperature=0), x)
    assert model.training


def test_generation_repeats_with_the_seed():
    model = small()
    drawn = []
    for seed in (1, 1, 2):
        penlight.manual_seed(seed)
        drawn.append(model.generate(tokens(2, 3), 15, temperature=2.0).tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_top_k_draws_among_the_likeliest():
    model = small()
    with penlight.no_grad():
        best = model(tokens(1, 4))[0, -1].topk(2).indices.tolist()
    generator = penlight.Generator().manual_seed(0)
    drawn = {int(model.generate(tokens(1, 4), 1, 5.0, 2, generator)[0, -1]) for _ in range(40)}
    assert drawn == set(best)


@pytest.mark.parametrize("tied", [True, False])
def test_learns_a_sequence(tied):
    model = small(tied=tied)
    assert (model.head.weight is model.tokens.weight) == tied
    optimizer = penlight.optim.AdamW(model.parameters(), lr=1e-2)
    x = penlight.arange(24).reshape(2, 12) * 3 % 11
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.1
    assert model.generate(x[:, :4], 8, temperature=0).tolist() == x.tolist()


def test_dropout_stops_in_evaluation():
    model, x = small(dropout=0.5), tokens(2, 6)
    assert not penlight.equal(model(x), model(x))
    model.eval()
    assert penlight.equal(model(x), model(x))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"heads": 3}, "divisible by heads"),
        ({"width": 0}, "width must be"),
        ({"layers": -1}, "layers must be"),
        ({"vocabulary": 2.5}, "vocabulary must be"),
    ],
)
def test_bad_options_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        small(**options)


def test_bad_calls_are_refused():
    model = small()
    with pytest.raises(ValueError, match=r"context \(=12\) is shorter than 13"):
        model(tokens(1, 13))
    with pytest.raises(ValueError, match="T >= 1"):
        model.generate(tokens(1, 0), 1)
    with pytest.raises(ValueError, match="temperature"):
        model.generate(tokens(1, 2), 1, temperature=-1)
    with pytest.raises(ValueError, match="top_k"):
        model.generate(tokens(1, 2), 1, top_k=0)
    caches = model.new_caches()
    model(tokens(1, 3), caches)
    with pytest.raises(ValueError, match="one at a time"):
        model(tokens(1, 2), caches)
