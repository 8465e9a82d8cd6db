"""Attention against its obvious twin: every way through the blocks, extreme scores, memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight._core.threads import get_num_threads, set_num_threads
from penlight.kernels import attention as kernel, chunks, small_attention
from penlight.nn import functional as F
from tests.comparison import array


@pytest.fixture
def tiny_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so small that a few queries and keys cross all of their borders; None: all at once."""
    if request.param is None:
        return
    shortest, longest, scores, few = request.param
    monkeypatch.setattr(kernel, "_SHORTEST", shortest)
    monkeypatch.setattr(kernel, "_LONGEST", longest)
    monkeypatch.setattr(kernel, "_SCORES", scores)
    monkeypatch.setattr(kernel, "_FEW", few)
    monkeypatch.setattr(kernel, "_SMALL_PRODUCT", 16)
    monkeypatch.setattr(small_attention, "applies", lambda q, k, v: False)


def tiny(*params: tuple[int, int, int, int] | None) -> Any:
    return pytest.mark.parametrize("tiny_blocks", params, indirect=True)


def twin(q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> Any:
    """softmax(scale q k^T + mask) v, all scores at once, in float64."""
    s = (q.double() @ k.double().transpose(-1, -2)) * scale
    if mask is not None:
        s = s.masked_fill(~mask, -np.inf) if mask.dtype is penlight.bool else s + mask.double()
    if causal:
        s = s.masked_fill(~penlight.ones(*s.shape[-2:], dtype=penlight.bool).tril(), -np.inf)
    nothing = (s == -np.inf).all(-1, keepdim=True)
    p = F.softmax(s.masked_fill(nothing, 0), -1).masked_fill(nothing, 0)
    return p @ v.double()


def leaves(rng: np.random.Generator, *shapes: Any, dtype: str = "f", scale: float = 1.0) -> Any:
    made = [penlight.from_numpy((rng.standard_normal(s) * scale).astype(dtype)) for s in shapes]
    return [t.requires_grad_() for t in made]


def compare(xs: Any, mask: Any, causal: bool, scale: float, tolerance: float) -> None:
    """Values and gradients, relative to the largest of each."""
    results = []
    for function in (fused, twin):
        y = function(*xs, mask, causal, scale)
        weights = np.random.default_rng(1).standard_normal(tuple(y.shape))
        grads = penlight.autograd.grad((y * penlight.from_numpy(weights)).sum(), xs)
        results.append([array(y), *map(array, grads)])
    for ours, expected in zip(*results, strict=True):
        limit = tolerance * max(np.abs(expected).max(initial=0), 1)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=limit)


def fused(q: Any, k: Any, v: Any, mask: Any, causal: bool, scale: float) -> Any:
    return F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=scale)


ROUTES = [(2, 3, 1, 4), (1, 2, 10**6, 1000), (3, 6, 100, 1000), (4, 4, 64, 0), None]


@tiny(*ROUTES)
@pytest.mark.parametrize(
    ("dtype", "magnitude", "tolerance"),
    # scores of thousands, with more digits for them, go the shifted way
    [("f", 1, 2e-5), ("f", 6, 1e-3), ("d", 1, 1e-13), ("d", 30, 1e-10)],
)
@pytest.mark.parametrize(("queries", "keys"), [(1, 7), (7, 1), (4, 4), (9, 6), (6, 11), (13, 13)])
def test_blocks_agree_with_the_twin(
    tiny_blocks: None, queries: int, keys: int, dtype: str, magnitude: float, tolerance: float
) -> None:
    rng = np.random.default_rng(queries * keys)
    shapes = (2, 3, queries, 4), (2, 3, keys, 4), (2, 3, keys, 5)
    xs = leaves(rng, *shapes, dtype=dtype, scale=magnitude)
    scale = 0.5 * magnitude
    for causal in (False, True):
        compare(xs, None, causal, scale, tolerance)
    for shape in [(queries, keys), (2, 1, 1, keys), (3, queries, 1)]:
        allowed = rng.random(shape) < 0.6
        numbers = np.where(allowed, rng.standard_normal(shape), -np.inf).astype(dtype)
        for mask in (allowed, numbers):
            compare(xs, penlight.from_numpy(mask), False, scale, tolerance)


def test_real_block_sizes() -> None:
    rng = np.random.default_rng(0)
    for queries, keys, heads in [(130, 130, 5), (300, 520, 1), (700, 300, 2)]:
        xs = leaves(rng, (heads, queries, 8), (heads, keys, 8), (heads, keys, 8))
        for causal in (False, True):
            compare(xs, None, causal, 0.3, 2e-6)


@tiny((2, 3, 100, 1000), None)
def test_any_strides(tiny_blocks: None) -> None:
    """Split and transposed, columns apart, broadcast queries, heads and features, reversed."""
    rng = np.random.default_rng(0)
    (x,) = leaves(rng, (2, 5, 24))
    q, k, v = (part.view(2, 5, 2, 4).transpose(1, 2) for part in x.split(8, -1))
    for a, b, c in [
        (q, k, v),
        (x[:, :, ::3], x[:, :, 1::3], x[:, :, 2::3]),
        (x[:, :1, :8].expand(2, 5, 8), x[:1, :, :8], x[..., :1].expand(2, 5, 3)),
        (x[..., :5].transpose(1, 2), x[..., 5:9].transpose(1, 2), x[..., 9:13].transpose(1, 2)),
        (x[..., :4].flip(1), x[..., :4].flip(2), x[..., 4:9]),
    ]:
        expected = twin(a, b, c, None, False, 0.5)
        weights = penlight.from_numpy(rng.standard_normal(tuple(expected.shape)))
        (g,) = penlight.autograd.grad((expected * weights).sum(), x)
        y = fused(a, b, c, None, False, 0.5)
        (dx,) = penlight.autograd.grad((y * weights).sum(), x)
        np.testing.assert_allclose(array(y), array(expected), rtol=0, atol=2e-6)
        np.testing.assert_allclose(array(dx), array(g), rtol=0, atol=1e-5)


def test_the_output_lies_in_memory_as_the_query_does() -> None:
    x = penlight.randn(2, 5, 24)
    q, k, v = (part.view(2, 5, 2, 4).transpose(1, 2) for part in x.split(8, -1))
    assert F.scaled_dot_product_attention(q, k, v).transpose(1, 2).is_contiguous()


def test_nan_and_infinity_spread_as_in_pytorchs_formula() -> None:
    q, k, v = penlight.ones(1, 4, 2), penlight.ones(1, 4, 2), penlight.ones(1, 4, 2)
    k[0, 2] = float("nan")
    y = array(F.scaled_dot_product_attention(q, k, v, is_causal=True))[0, :, 0]
    assert np.isnan(y).tolist() == [False, False, True, True]
    assert np.isnan(array(F.scaled_dot_product_attention(q, k, v))).all()
    k[0, 2] = float("inf")
    assert np.isnan(array(F.scaled_dot_product_attention(q, k, v))).all()
    k[0, 2] = 3e4
    assert array(F.scaled_dot_product_attention(q, k, v)).tolist() == np.ones((1, 4, 2)).tolist()
    k[0, 2] = -3e4
    assert array(F.scaled_dot_product_attention(q, k, v)).tolist() == np.ones((1, 4, 2)).tolist()


def test_equal_scores_far_below_the_limits_of_exp() -> None:
    """A mask of -10^9 everywhere is a mean, not nothing."""
    v = penlight.arange(8.0).view(1, 4, 2)
    mask = penlight.full((4, 4), -1e9)
    y = F.scaled_dot_product_attention(penlight.zeros(1, 4, 2), penlight.ones(1, 4, 2), v, mask)
    np.testing.assert_allclose(array(y), np.tile([3.0, 4.0], (1, 4, 1)), rtol=1e-6)


@pytest.fixture
def threads() -> Iterator[None]:
    before = get_num_threads()
    yield
    set_num_threads(before)


@pytest.mark.parametrize("heads", [1, 3, 40])
def test_bits_do_not_depend_on_the_number_of_threads(
    threads: None, heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "_WORTH_THREADS", 0)
    results = []
    for count in (1, 2, 3):
        set_num_threads(count)
        xs = leaves(np.random.default_rng(0), *[(heads, 150, 8)] * 3)
        y = fused(*xs, None, True, 0.4)
        y.square().sum().backward()
        results.append([array(t).tobytes() for t in (y, *(x.grad for x in xs))])
    assert results[0] == results[1] == results[2]


def peak_of(length: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes at most, of arrays and of scratch memory, while attending forwards and backwards."""
    chunks._local.__dict__.clear()  # scratch memory counts as well
    xs = leaves(np.random.default_rng(0), *[(1, 2, length, 16)] * 3)
    tracemalloc.start()
    try:
        fused(*xs, None, True, 0.25).sum().backward()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_length_and_not_its_square(
    threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_num_threads(1)
    short, long = peak_of(1024, monkeypatch), peak_of(4096, monkeypatch)
    assert long < 4.5 * short
    assert long < 4096 * 4096 * 4 / 2  # half of one head's scores


def test_what_is_saved_is_seen_when_changed_in_place() -> None:
    q, k, v = leaves(np.random.default_rng(0), *[(2, 3, 4)] * 3)
    for i in range(3):
        xs = [x * 1 for x in (q, k, v)]
        y = fused(*xs, None, False, 1.0)
        xs[i] += 1
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


def test_no_keys_give_zeros() -> None:
    for queries in (1, 3):
        xs = leaves(np.random.default_rng(0), (2, queries, 4), (2, 0, 4), (2, 0, 5))
        xs = [x * 1 for x in xs]
        penlight.randn(2, queries, 5).fill_(7)  # leave something in the memory
        y = fused(*xs, None, False, 1.0)
        assert penlight.equal(y, penlight.zeros(2, queries, 5))
        (dq,) = penlight.autograd.grad(y.sum(), xs[:1])
        assert penlight.equal(dq, penlight.zeros(2, queries, 4))


def test_dropout_keeps_the_expectation() -> None:
    penlight.manual_seed(0)
    q, k, v = penlight.zeros(1, 2000, 1), penlight.zeros(1, 50, 1), penlight.ones(1, 50, 1)
    y = F.scaled_dot_product_attention(q, k, v, dropout_p=0.3)
    assert abs(float(y.mean()) - 1) < 0.01
    assert float(y.std()) > 0.05
    penlight.manual_seed(0)
    again = F.scaled_dot_product_attention(q, k, v, dropout_p=0.3)
    assert penlight.equal(y, again)


def test_a_mask_that_learns_gets_its_gradient() -> None:
    q, k, v, mask = leaves(
        np.random.default_rng(0), (2, 3, 4), (2, 5, 4), (2, 5, 4), (3, 5), dtype="d"
    )
    assert penlight.autograd.gradcheck(F.scaled_dot_product_attention, (q, k, v, mask))


# -- modules -------------------------------------------------------------------------------------


def test_self_attention_makes_one_product_of_three() -> None:
    """The packed way gives what three maps give."""
    m = nn.MultiheadAttention(6, 2)
    x, other = penlight.randn(5, 3, 6), penlight.randn(4, 3, 6)
    for q, k, v in [(x, x, x), (x, other, other)]:
        packed, _ = m(q, k, v)
        apart, _ = m(q.clone(), k.clone(), v.clone())
        np.testing.assert_allclose(array(packed), array(apart), rtol=0, atol=1e-6)


def test_weights_average_and_sum_to_one() -> None:
    m = nn.MultiheadAttention(6, 2)
    x = penlight.randn(5, 3, 6)
    _, mean = m(x, x, x)
    _, each = m(x, x, x, average_attn_weights=False)
    assert each.shape == (3, 2, 5, 5)
    np.testing.assert_allclose(array(each.mean(1)), array(mean), rtol=0, atol=1e-7)
    np.testing.assert_allclose(array(mean.sum(-1)), 1, rtol=1e-6)


def test_dropout_of_a_transformer_stops_in_evaluation() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5)
    x = penlight.randn(5, 3, 4)
    assert not penlight.equal(layer(x), layer(x))
    layer.eval()
    assert penlight.equal(layer(x), layer(x))


def test_layers_of_a_stack_are_copies() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    stack = nn.TransformerEncoder(layer, 2)
    weights = [layer.linear1.weight, *(copy.linear1.weight for copy in stack.layers)]
    assert len({id(w) for w in weights}) == 3
    assert penlight.equal(weights[0], weights[1])


def test_the_causal_mask_is_found_out() -> None:
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert array(mask).tolist() == [[0, -np.inf, -np.inf], [0, 0, -np.inf], [0, 0, 0]]
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), 2)
    x = penlight.randn(3, 2, 4)
    y = stack(x, mask=mask)
    x[2] += 1
    np.testing.assert_allclose(array(stack(x, mask=mask))[:2], array(y)[:2], rtol=0, atol=1e-6)
    assert not np.allclose(array(stack(x)), array(stack(x, mask=mask)))


# -- PyTorch -------------------------------------------------------------------------------------


@pytest.mark.parity
def test_random_options_of_multi_head_attention(torch: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        pick = lambda *choices: choices[rng.integers(len(choices))]  # noqa: E731
        heads, width = pick((1, 4), (2, 6), (3, 3))
        options = {
            "bias": pick(True, False), "add_bias_kv": pick(True, False),
            "add_zero_attn": pick(True, False), "kdim": pick(None, 5), "vdim": pick(None, 2),
            "batch_first": pick(True, False),
        }  # fmt: skip
        length, sources, batch = (int(n) for n in rng.integers(1, 6, 3))
        lead = lambda n, o=options, b=batch: (b, n) if o["batch_first"] else (n, b)  # noqa: E731
        q = rng.standard_normal((*lead(length), width)).astype("f")
        k = rng.standard_normal((*lead(sources), options["kdim"] or width)).astype("f")
        v = rng.standard_normal((*lead(sources), options["vdim"] or width)).astype("f")
        mask = pick(None, (length, sources), (batch * heads, length, sources))
        mask = None if mask is None else rng.standard_normal(mask).astype("f")
        padding = pick(None, np.where(rng.random((batch, sources)) < 0.3, -1, 0).astype("f"))
        call = {"need_weights": pick(True, False), "average_attn_weights": pick(True, False)}
        results = []
        for lib in (penlight, torch):
            m = lib.nn.MultiheadAttention(width, heads, **options)
            for i, p in enumerate(m.parameters()):
                values = np.random.default_rng(i).standard_normal(tuple(p.shape))
                p.detach().numpy()[...] = values
            masks = {"attn_mask": mask, "key_padding_mask": padding}
            masks = {n: None if a is None else lib.from_numpy(a) for n, a in masks.items()}
            y, w = m(*(lib.from_numpy(a) for a in (q, k, v)), **masks, **call)
            y.square().sum().backward()
            results.append([y, w, *(p.grad for p in m.parameters())])
        for ours, theirs in zip(*results, strict=True):
            assert (ours is None) == (theirs is None)
            if theirs is not None:
                limit = 1e-4 * max(np.abs(array(theirs)).max(), 1)
                np.testing.assert_allclose(array(ours), array(theirs), rtol=0, atol=limit)


@pytest.mark.parity
def test_a_transformer_of_pytorch_gives_the_same_here(torch: Any) -> None:
    theirs = torch.nn.Transformer(8, 2, 2, 2, 12, 0.0, torch.nn.functional.gelu, batch_first=True)
    ours = nn.Transformer(8, 2, 2, 2, 12, 0.0, F.gelu, batch_first=True)
    state = theirs.state_dict()
    ours.load_state_dict({k: penlight.from_numpy(t.numpy().copy()) for k, t in state.items()})
    rng = np.random.default_rng(0)
    src, tgt = (rng.standard_normal(s).astype("f") for s in [(3, 5, 8), (3, 4, 8)])
    padding = np.array([[False] * 5, [False] * 3 + [True] * 2, [False] * 4 + [True]])
    results = []
    for lib, m in ((penlight, ours), (torch, theirs)):
        y = m(
            lib.from_numpy(src), lib.from_numpy(tgt), src_key_padding_mask=lib.from_numpy(padding),
            tgt_mask=m.generate_square_subsequent_mask(4).isinf(),
            memory_key_padding_mask=lib.from_numpy(padding),
        )  # fmt: skip
        y.square().sum().backward()
        results.append([y, *(p.grad for p in m.parameters())])
    for a, b in zip(*results, strict=True):
        limit = 1e-4 * max(np.abs(array(b)).max(), 1)
        np.testing.assert_allclose(array(a), array(b), rtol=0, atol=limit)


@pytest.mark.parametrize("queries", [1, 5])
def test_without_gradients_the_bits_are_the_same(queries: int) -> None:
    q, k, v = leaves(np.random.default_rng(0), (2, 3, queries, 4), (2, 3, 7, 4), (2, 3, 7, 4))
    y = F.scaled_dot_product_attention(q, k, v)
    with penlight.no_grad():
        np.testing.assert_array_equal(array(F.scaled_dot_product_attention(q, k, v)), array(y))
