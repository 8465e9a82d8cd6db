"""Rows for attention."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from penlight.testing.specs.spec import Bad, Constant, OpSpec, Sample, normal

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
