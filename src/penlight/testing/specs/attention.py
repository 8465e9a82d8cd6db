"""Rows for attention."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from penlight.testing.specs.spec import Bad, Constant, ModuleSpec, OpSpec, Sample, normal

_x = np.ones((2, 3, 4), np.float32)


def _attention(torch, q, k, v, **options):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)


def _qkv(rng, lead, queries, keys, width=3, value_width=2):
    return (
        normal(rng, *lead, queries, width),
        normal(rng, *lead, keys, width),
        normal(rng, *lead, keys, value_width),
    )


def _masks(rng, *shape) -> Iterator[Constant]:
    """True with some False, and the same as numbers; the first query attends to nothing."""
    allowed = rng.random(shape) < 0.6
    allowed[..., 0, :] = False
    yield Constant(allowed)
    yield Constant(np.where(allowed, normal(rng, *shape), -np.inf).astype(np.float32))


def _samples(rng):
    yield Sample(*_qkv(rng, (2, 3), 4, 5))
    yield Sample(*_qkv(rng, (), 3, 2))
    yield Sample(*_qkv(rng, (2,), 4, 4), is_causal=True)
    yield Sample(*_qkv(rng, (2,), 5, 3), is_causal=True, scale=-0.7)
    yield Sample(*_qkv(rng, (1, 2), 2, 5), is_causal=True, scale=2.0)
    q, k, v = _qkv(rng, (1, 2), 3, 3)
    yield Sample(q, k[0, :1], v[:, :1])
    yield Sample(q.swapaxes(1, 2), k.swapaxes(1, 2), v.swapaxes(1, 2))
    yield Sample(q * 30, k, v)
    for shape in [(3, 4), (2, 1, 3, 4), (1, 3, 3, 1)]:
        for mask in _masks(rng, *shape):
            yield Sample(*_qkv(rng, (2, 3), 3, 4), attn_mask=mask)
    yield Sample(*_qkv(rng, (2,), 3, 4), attn_mask=normal(rng, 3, 4))
    yield Sample(*_qkv(rng, (2,), 3, 4, 3, 3), attn_mask=normal(rng, 4))
    yield Sample(*_qkv(rng, (2,), 3, 4), dropout_p=1.0)
    yield Sample(*_qkv(rng, (2,), 3, 4), dropout_p=-1.0)
    for lead, queries, keys in [((2,), 0, 3), ((2,), 3, 0), ((0, 2), 3, 3)]:
        yield Sample(*_qkv(rng, lead, queries, keys))
    yield Sample(*_qkv(rng, (2,), 3, 2, 0, 3))


OpSpec(
    "F.scaled_dot_product_attention",
    _attention,
    _samples,
    rtol=1e-4,
    atol=2e-6,
    errors=[
        Bad(RuntimeError, "at least 2", (_x[0, 0], _x, _x)),
        Bad(RuntimeError, "same dtype", (_x, _x.astype("d"), _x)),
        Bad(RuntimeError, "floating", (_x.astype(int), _x.astype(int), _x.astype(int))),
        Bad(RuntimeError, "E", (_x, _x[..., :3], _x)),
        Bad(RuntimeError, "S", (_x, _x, _x[:, :2])),
        Bad(RuntimeError, "non-singleton|broadcast", (_x, _x[[0, 0, 0]], _x)),
        Bad(RuntimeError, "dropout_p", (_x, _x, _x), {"dropout_p": 1.5}),
        Bad(RuntimeError, "attn_mask", (_x, _x, _x), {"attn_mask": np.ones((3, 4), "f")}),
        Bad(RuntimeError, "attn_mask", (_x, _x, _x), {"attn_mask": np.ones((5, 2, 3, 3), "f")}),
        Bad(RuntimeError, "attn_mask", (_x, _x, _x), {"attn_mask": np.ones((3, 3), int)}),
        Bad(RuntimeError, "attn_mask", (_x, _x, _x), {"attn_mask": np.ones((3, 3), "d")}),
        Bad(
            RuntimeError, "is_causal", (_x, _x, _x),
            {"attn_mask": np.ones((3, 3), "f"), "is_causal": True},
        ),
        Bad(TypeError, "key", (_x, 1, _x)),
        Bad(RuntimeError, "heads", (_x, _x[[0, 0, 0]], _x[[0, 0, 0]]), {"enable_gqa": True}),
        Bad(IndexError, "heads", (_x[0], _x[0], _x[0]), {"enable_gqa": True}),
    ],
)  # fmt: skip
OpSpec(
    "F.scaled_dot_product_attention with fewer heads of keys",
    lambda torch, q, k, v, **options: _attention(torch, q, k, v, enable_gqa=True, **options),
    lambda rng: [
        Sample(normal(rng, 2, 4, 3, 3), normal(rng, 2, 2, 5, 3), normal(rng, 2, 2, 5, 2)),
        Sample(normal(rng, 4, 3, 3), normal(rng, 1, 5, 3), normal(rng, 1, 5, 3), is_causal=True),
        Sample(normal(rng, 4, 3, 3), normal(rng, 4, 2, 3), normal(rng, 4, 2, 2)),
        Sample(normal(rng, 4, 3, 3), normal(rng, 4, 2, 3), normal(rng, 2, 2, 2)),
        *(
            Sample(
                normal(rng, 2, 4, 3, 3), normal(rng, 2, 2, 2, 3), normal(rng, 2, 2, 2, 3),
                attn_mask=Constant(rng.random(shape) < 0.7),
            )
            for shape in [(3, 2), (2, 1, 3, 2), (4, 3, 2), (2, 4, 1, 2)]
        ),
    ],
    rtol=1e-4,
    atol=2e-6,
)  # fmt: skip


# -- several heads -------------------------------------------------------------------------------


def _multi_head(**options):
    return lambda torch: torch.nn.MultiheadAttention(4, 2, **options)


def _same(rng, *shape, **options):
    """Self-attention: one tensor three times would be three leaves; modules clone each of them."""
    return Sample(normal(rng, *shape), normal(rng, *shape), normal(rng, *shape), **options)


def _padding(*lengths, size):
    return Constant(np.array([[i >= n for i in range(size)] for n in lengths]))


def _causal(size, dtype=np.float32):
    return Constant(np.triu(np.full((size, size), -np.inf, dtype), 1))


_s = np.ones((5, 3, 4), np.float32)


def _projection(torch, x, w, b, w_out, *, heads=2, separate=False, weights=None, **options):
    """F.multi_head_attention_forward of one tensor, or with separate weights of three."""
    xs = x if isinstance(x, tuple) else (x, x, x)
    if weights is not None:
        options |= dict(
            zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), weights, strict=True)
        )
    return torch.nn.functional.multi_head_attention_forward(
        *xs, 4, heads, w, b, None, None, False, 0.0, w_out, None,
        use_separate_proj_weight=separate, **options,
    )  # fmt: skip


_w, _b, _o = np.ones((12, 4), np.float32), np.ones(12, np.float32), np.ones((4, 4), np.float32)
OpSpec(
    "F.multi_head_attention_forward",
    _projection,
    lambda rng: [
        Sample(normal(rng, 3, 2, 4), normal(rng, 12, 4), normal(rng, 12), normal(rng, 4, 4)),
        Sample(
            normal(rng, 3, 2, 4), normal(rng, 12, 4), None, normal(rng, 4, 4),
            static_k=normal(rng, 4, 5, 2), static_v=normal(rng, 4, 5, 2), need_weights=False,
        ),
        Sample(
            (normal(rng, 3, 2, 4), normal(rng, 5, 2, 3), normal(rng, 5, 2, 2)), None,
            normal(rng, 12), normal(rng, 4, 4), separate=True,
            weights=[normal(rng, 4, 4), normal(rng, 4, 3), normal(rng, 4, 2)],
        ),
    ],
    rtol=1e-4,
    atol=1e-5,
    errors=[
        Bad(AssertionError, "not divisible by num_heads 3", (_s, _w, _b, _o), {"heads": 3}),
        Bad(AssertionError, "in_proj_weight is None", (_s, None, _b, _o)),
        Bad(AssertionError, "q_proj_weight is None", (_s, None, _b, _o), {"separate": True}),
        Bad(
            AssertionError, "key weights shape", (_s, None, _b, _o),
            {"separate": True, "weights": [_o, _o[:, :3], _o]},
        ),
        Bad(AssertionError, "static_k.size", (_s, _w, _b, _o), {"static_k": _s[..., :2]}),
        Bad(RuntimeError, "is_causal", (_s, _w, _b, _o), {"is_causal": True}),
    ],
)  # fmt: skip

ModuleSpec(
    "nn.MultiheadAttention",
    _multi_head(),
    lambda rng: [
        _same(rng, 3, 2, 4),
        Sample(normal(rng, 2, 2, 4), normal(rng, 3, 2, 4), normal(rng, 3, 2, 4)),
        _same(rng, 3, 4),
        _same(rng, 3, 2, 4, need_weights=False),
        _same(rng, 3, 2, 4, average_attn_weights=False),
        _same(rng, 3, 2, 4, attn_mask=_causal(3)),
        _same(rng, 3, 2, 4, attn_mask=_causal(3), is_causal=True, need_weights=False),
        _same(rng, 3, 2, 4, attn_mask=Constant(np.eye(3, dtype=bool)), need_weights=False),
        _same(rng, 3, 2, 4, attn_mask=normal(rng, 4, 3, 3)),
        _same(rng, 3, 4, attn_mask=Constant(rng.random((2, 3, 3)) < 0.3)),
        _same(rng, 3, 2, 4, key_padding_mask=_padding(3, 1, size=3)),
        _same(
            rng, 3, 2, 4, key_padding_mask=_padding(3, 1, size=3), need_weights=False,
            attn_mask=Constant(np.triu(np.ones((3, 3), bool), 1)), is_causal=True,
        ),
        _same(rng, 3, 4, key_padding_mask=Constant(np.array([False] * 2 + [True]))),
    ],
    errors=[
        Bad(AssertionError, "unbatched 2D or batched 3D", (_s[None], _s, _s)),
        Bad(AssertionError, "key and value to be 3-D", (_s, _s[0], _s)),
        Bad(AssertionError, "embedding dimension of 4, but got 3", (_s[..., :3],) * 3),
        Bad(AssertionError, "does not match value shape", (_s, _s, _s[:4])),
        Bad(RuntimeError, "batch size of query", (_s, _s[:, :2], _s[:, :2])),
        Bad(AssertionError, "key_padding_mask shape", (_s, _s, _s, np.zeros((3, 4), bool))),
        Bad(AssertionError, "key_padding_mask .* 2-D", (_s, _s, _s, np.zeros(5, bool))),
        Bad(AssertionError, "types of key_padding_mask", (_s, _s, _s, np.zeros((3, 5), int))),
        Bad(RuntimeError, "2D attn_mask", (_s, _s, _s), {"attn_mask": np.zeros((5, 4), bool)}),
        Bad(RuntimeError, "3D attn_mask", (_s, _s, _s), {"attn_mask": np.zeros((3, 5, 5), bool)}),
        Bad(AssertionError, "2-D or 3-D", (_s, _s, _s), {"attn_mask": np.zeros(5, bool)}),
        Bad(AssertionError, "types of attn_mask", (_s, _s, _s), {"attn_mask": np.eye(5, dtype=int)}),
        Bad(RuntimeError, "dtype", (_s, _s, _s), {"attn_mask": np.eye(5)}),
        Bad(RuntimeError, "is_causal", (_s, _s, _s), {"is_causal": True}),
        Bad(
            AssertionError, r"\(2, 5, 5\)", (_s[:, 0], _s[:, 0], _s[:, 0]),
            {"attn_mask": np.zeros((3, 5, 5), bool)},
        ),
        Bad(AssertionError, "divisible", (lambda torch: torch.nn.MultiheadAttention(5, 2),)),
        Bad(ValueError, "embed_dim=0", (lambda torch: torch.nn.MultiheadAttention(0, 2),)),
    ],
)  # fmt: skip
ModuleSpec(
    "nn.MultiheadAttention with all options",
    _multi_head(
        bias=False, add_bias_kv=True, add_zero_attn=True, kdim=3, vdim=2, batch_first=True, dropout=0.5
    ),
    lambda rng: [
        Sample(normal(rng, 2, 3, 4), normal(rng, 2, 5, 3), normal(rng, 2, 5, 2)),
        Sample(normal(rng, 3, 4), normal(rng, 5, 3), normal(rng, 5, 2)),
        Sample(
            normal(rng, 2, 3, 4), normal(rng, 2, 5, 3), normal(rng, 2, 5, 2), need_weights=False,
            key_padding_mask=_padding(5, 0, size=5), attn_mask=Constant(rng.random((3, 5)) < 0.3),
        ),
    ],
    train_mode=False,
    note="dropout is random",
)  # fmt: skip


# -- the transformer -----------------------------------------------------------------------------


_PARTS = "made of parts whose second derivatives are tested with them"


def _layer(kind, *args, **options):
    return lambda torch: getattr(torch.nn, kind)(4, 2, *args, dropout=0.0, **options)


ModuleSpec(
    "nn.TransformerEncoderLayer",
    _layer("TransformerEncoderLayer", 3),
    lambda rng: [
        Sample(normal(rng, 3, 2, 4)),
        Sample(normal(rng, 3, 4), src_mask=_causal(3), is_causal=True),
        Sample(
            normal(rng, 3, 2, 4), src_mask=Constant(np.triu(np.ones((3, 3), bool), 1)),
            src_key_padding_mask=_padding(3, 1, size=3),
        ),
    ],
    errors=[
        Bad(AssertionError, "unbatched 2D or batched 3D", (_s[0, 0],)),
        Bad(AssertionError, "types of src_mask", (_s,), {"src_mask": np.eye(5, dtype=int)}),
        Bad(RuntimeError, "is_causal", (_s,), {"is_causal": True}),
        Bad(
            RuntimeError, "relu/gelu, not tanh",
            (lambda torch: torch.nn.TransformerEncoderLayer(4, 2, activation="tanh"),),
        ),
    ],
    second_order=False,
    note=_PARTS,
)  # fmt: skip
ModuleSpec(
    "nn.TransformerEncoderLayer with all options",
    _layer("TransformerEncoderLayer", 3, activation="gelu", batch_first=True, norm_first=True, bias=False),
    lambda rng: [Sample(normal(rng, 2, 3, 4)), Sample(normal(rng, 3, 4))],
)  # fmt: skip
ModuleSpec(
    "nn.TransformerDecoderLayer",
    _layer("TransformerDecoderLayer", 3),
    lambda rng: [
        Sample(normal(rng, 3, 2, 4), normal(rng, 2, 2, 4)),
        Sample(
            normal(rng, 3, 2, 4), normal(rng, 2, 2, 4), tgt_mask=_causal(3), tgt_is_causal=True,
            memory_mask=Constant(np.array([[False, True]] * 2 + [[False, False]])),
            memory_key_padding_mask=_padding(2, 1, size=2),
        ),
    ],
    second_order=False,
    note=_PARTS,
)  # fmt: skip
ModuleSpec(
    "nn.TransformerDecoderLayer with all options",
    lambda torch: torch.nn.TransformerDecoderLayer(
        4, 2, 3, 0.0, torch.nn.Tanh(), 1e-3, batch_first=True, norm_first=True, bias=False
    ),
    lambda rng: [Sample(normal(rng, 2, 3, 4), normal(rng, 2, 2, 4))],
    second_order=False,
    note=_PARTS,
)
ModuleSpec(
    "nn.TransformerEncoder",
    lambda torch: torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(4, 2, 3, 0.0), 2, torch.nn.LayerNorm(4), False
    ),
    lambda rng: [
        Sample(normal(rng, 3, 2, 4)),
        Sample(normal(rng, 3, 2, 4), mask=_causal(3)),
        Sample(
            normal(rng, 3, 2, 4), mask=_causal(3), is_causal=False,
            src_key_padding_mask=Constant(np.zeros((2, 3), np.float32)),
        ),
    ],
    second_order=False,
    note=_PARTS,
)  # fmt: skip
ModuleSpec(
    "nn.TransformerDecoder",
    lambda torch: torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(4, 2, 3, 0.0), 1),
    lambda rng: [
        Sample(normal(rng, 3, 2, 4), normal(rng, 2, 2, 4)),
        Sample(normal(rng, 3, 2, 4), normal(rng, 2, 2, 4), tgt_mask=_causal(3)),
    ],
    second_order=False,
    note=_PARTS,
)
ModuleSpec(
    "nn.Transformer",
    lambda torch: torch.nn.Transformer(4, 2, 1, 1, 3, 0.0, batch_first=True),
    lambda rng: [
        Sample(normal(rng, 2, 3, 4), normal(rng, 2, 2, 4)),
        Sample(
            normal(rng, 2, 3, 4), normal(rng, 2, 2, 4), src_mask=_causal(3), tgt_mask=_causal(2)
        ),
    ],
    errors=[
        Bad(RuntimeError, "batch number", (_s, _s[:2])),
        Bad(
            RuntimeError,
            "2D attn_mask",
            (_s, _s),
            {"tgt_mask": np.zeros((2, 2), "f")},
        ),
        Bad(RuntimeError, "feature number", (_s[..., :3], _s[..., :3])),
    ],
    second_order=False,
    note=_PARTS,
)
