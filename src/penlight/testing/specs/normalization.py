"""Rows for normalisations and dropout."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, OpSpec, Sample, normal, positive

_x = np.ones((2, 4, 3), np.float32)


def _batch_norm(torch, x, w=None, b=None, training=True, momentum=0.3, dtype=None):
    mean = torch.zeros(x.shape[1], dtype=x.dtype) + 0.5
    var = torch.ones(x.shape[1], dtype=x.dtype) * 2
    y = torch.nn.functional.batch_norm(x, mean, var, w, b, training, momentum)
    return (y, mean.clone(), var.clone()) if x.dtype == torch.float32 else y


OpSpec(
    "F.batch_norm",
    _batch_norm,
    lambda rng: [
        Sample(normal(rng, 4, 3), normal(rng, 3), normal(rng, 3)),
        Sample(normal(rng, 2, 3, 2)),
        Sample(normal(rng, 2, 2, 2, 2), normal(rng, 2), normal(rng, 2)),
        Sample(normal(rng, 4, 3), normal(rng, 3), normal(rng, 3), training=False),
        Sample(normal(rng, 2, 3, 2), None, normal(rng, 3)),
        Sample(normal(rng, 2, 3, 2), normal(rng, 3), None),
        Sample(normal(rng, 3, 2, 2).T),
    ],
    rtol=1e-4,
    atol=1e-5,
    errors=[
        Bad(ValueError, "more than 1 value", (np.ones((1, 3), "f"),)),
        Bad(RuntimeError, "weight", (_x, np.ones(3, "f"))),
    ],
)
OpSpec(
    "F.layer_norm",
    lambda torch, x, s, *a: torch.nn.functional.layer_norm(x, s, *a),
    lambda rng: [
        Sample(normal(rng, 2, 4), (4,), normal(rng, 4), normal(rng, 4)),
        Sample(normal(rng, 2, 2, 3), (2, 3), normal(rng, 2, 3)),
        Sample(normal(rng, 2, 4), (4,), None, None, 0.1),
        Sample(normal(rng, 0, 4), (4,)),
        Sample(normal(rng, 0, 4), (4,), normal(rng, 4), normal(rng, 4)),
        Sample(normal(rng, 2, 4), (4,), None, normal(rng, 4)),
        Sample(normal(rng, 4, 2).T, [4], normal(rng, 4)),
        Sample(normal(rng, 4), (4,)),
    ],
    rtol=1e-4,
    atol=1e-5,
    errors=[
        Bad(RuntimeError, "normalized_shape", (_x, (4,))),
        Bad(RuntimeError, "weight", (_x, (3,), np.ones(4, "f"))),
    ],
)
OpSpec(
    "F.rms_norm",
    lambda torch, x, s, *a: torch.nn.functional.rms_norm(x, s, *a),
    lambda rng: [
        Sample(normal(rng, 2, 4), (4,), normal(rng, 4)),
        Sample(normal(rng, 2, 2, 3), (2, 3), None, 0.1),
        Sample(normal(rng, 2, 3, 2).swapaxes(0, 2), (3, 2), normal(rng, 3, 2)),
        Sample(normal(rng, 0, 4), (4,), normal(rng, 4)),
    ],
    rtol=1e-4,
    atol=1e-5,
    errors=[Bad(RuntimeError, "weight", (_x, (3,), np.ones(4, "f")))],
)
OpSpec(
    "F.group_norm",
    lambda torch, x, g, *a: torch.nn.functional.group_norm(x, g, *a),
    lambda rng: [
        Sample(normal(rng, 2, 4, 2), 2, normal(rng, 4), normal(rng, 4)),
        Sample(normal(rng, 2, 4, 2, 1), 4),
        Sample(normal(rng, 2, 6, 2, 2), 3, normal(rng, 6), normal(rng, 6)),
        Sample(normal(rng, 2, 4, 3).swapaxes(1, 2), 1, normal(rng, 3), normal(rng, 3)),
        Sample(normal(rng, 3, 4), 2, normal(rng, 4)),
    ],
    rtol=1e-4,
    atol=1e-5,
    errors=[
        Bad(RuntimeError, "num_groups", (_x, 3)),
        Bad(RuntimeError, "weight", (_x, 2, np.ones(3, "f"))),
    ],
)
OpSpec(
    "F.group_norm with a bias alone",
    lambda torch, x, b: torch.nn.functional.group_norm(x, 2, None, b),
    lambda rng: [Sample(normal(rng, 2, 4, 2), normal(rng, 4))],
    parity=False,
    note="PyTorch's backward fails",
)
OpSpec(
    "F.instance_norm",
    lambda torch, x, *a: torch.nn.functional.instance_norm(x, None, None, *a),
    lambda rng: [
        Sample(normal(rng, 2, 3, 4), normal(rng, 3), normal(rng, 3)),
        Sample(normal(rng, 2, 2, 2, 2)),
    ],
    rtol=1e-4,
    atol=1e-5,
    errors=[Bad(ValueError, "more than 1 spatial", (np.ones((2, 3, 1), "f"),))],
)
OpSpec(
    "F.normalize",
    lambda torch, x, *a: torch.nn.functional.normalize(x, *a),
    lambda rng: [
        Sample(positive(rng, 2, 3)),
        Sample(positive(rng, 2, 3), 1.0, 0),
        Sample(normal(rng, 2, 3, 2), 3.0, (0, 2)),
        Sample(positive(rng, 2, 3), 2.0, 1, 100.0),
    ],
    errors=[Bad(IndexError, "range", (np.ones(2, "f"),))],
)

_images = lambda rng: [Sample(normal(rng, 2, 4, 1, 3))]  # noqa: E731
_rows = lambda rng: [Sample(normal(rng, 4, 4)), Sample(normal(rng, 3, 4, 3))]  # noqa: E731
ModuleSpec(
    "nn.BatchNorm1d",
    lambda torch: torch.nn.BatchNorm1d(4),
    _rows,
    errors=[
        Bad(ValueError, "2D or 3D", (np.ones((2, 4, 1, 1), "f"),)),
        Bad(ValueError, "more than 1 value", (np.ones((1, 4), "f"),)),
    ],
)
ModuleSpec(
    "nn.BatchNorm2d",
    lambda torch: torch.nn.BatchNorm2d(4),
    _images,
    errors=[Bad(ValueError, "4D", (np.ones((2, 4), "f"),))],
)
ModuleSpec(
    "nn.BatchNorm2d cumulative", lambda torch: torch.nn.BatchNorm2d(4, momentum=None), _images
)
ModuleSpec(
    "nn.BatchNorm2d plain",
    lambda torch: torch.nn.BatchNorm2d(4, affine=False, track_running_stats=False, eps=0.1),
    _images,
)
ModuleSpec(
    "nn.BatchNorm2d without bias", lambda torch: torch.nn.BatchNorm2d(4, bias=False), _images
)
ModuleSpec(
    "nn.BatchNorm3d",
    lambda torch: torch.nn.BatchNorm3d(2),
    lambda rng: [Sample(normal(rng, 2, 2, 2, 1, 2))],
    errors=[Bad(ValueError, "5D", (np.ones((2, 4), "f"),))],
)
ModuleSpec("nn.LayerNorm", lambda torch: torch.nn.LayerNorm([4, 1, 3]), _images)
ModuleSpec(
    "nn.LayerNorm plain", lambda torch: torch.nn.LayerNorm(3, elementwise_affine=False), _images
)
ModuleSpec("nn.LayerNorm without bias", lambda torch: torch.nn.LayerNorm(3, bias=False), _images)
ModuleSpec("nn.RMSNorm", lambda torch: torch.nn.RMSNorm(3, eps=1e-4), _images)
ModuleSpec("nn.GroupNorm", lambda torch: torch.nn.GroupNorm(2, 4), _images)
ModuleSpec("nn.GroupNorm plain", lambda torch: torch.nn.GroupNorm(4, 4, affine=False), _images)
ModuleSpec("nn.GroupNorm without bias", lambda torch: torch.nn.GroupNorm(2, 4, bias=False), _images)
ModuleSpec(
    "nn.RMSNorm plain", lambda torch: torch.nn.RMSNorm([1, 3], elementwise_affine=False), _images
)
ModuleSpec(
    "nn.InstanceNorm3d",
    lambda torch: torch.nn.InstanceNorm3d(2, affine=True, bias=False),
    lambda rng: [Sample(normal(rng, 2, 2, 2, 1, 2)), Sample(normal(rng, 2, 2, 1, 2))],
)
ModuleSpec(
    "nn.InstanceNorm1d",
    lambda torch: torch.nn.InstanceNorm1d(4, affine=True, track_running_stats=True),
    lambda rng: [Sample(normal(rng, 2, 4, 3))],
)
ModuleSpec(
    "nn.InstanceNorm2d",
    lambda torch: torch.nn.InstanceNorm2d(4),
    lambda rng: [*_images(rng), Sample(normal(rng, 4, 2, 2))],
)

for _name, _shape in [
    ("Dropout", (4, 3)),
    ("Dropout1d", (2, 3, 4)),
    ("Dropout2d", (2, 3, 2, 2)),
    ("Dropout3d", (2, 3, 2, 1, 2)),
    ("AlphaDropout", (4, 3)),
    ("FeatureAlphaDropout", (2, 3, 2)),
]:
    ModuleSpec(
        f"nn.{_name}",
        lambda torch, name=_name: getattr(torch.nn, name)(0.4),
        lambda rng, shape=_shape: [Sample(normal(rng, *shape))],
        train_mode=False,
        note="random numbers differ from PyTorch's",
    )
for _name, _shape in [
    ("dropout", (2, 3)),
    ("dropout1d", (2, 3, 4)),
    ("dropout2d", (1, 3, 2, 2)),
    ("dropout3d", (1, 3, 2, 1, 2)),
    ("alpha_dropout", (2, 3)),
    ("feature_alpha_dropout", (2, 3, 2)),
]:
    OpSpec(
        f"F.{_name}",
        lambda torch, x, p=0.5, name=_name: (
            getattr(torch.nn.functional, name)(x, p, True),
            getattr(torch.nn.functional, name)(x, p, False) * 1,
        ),
        lambda rng, shape=_shape: [Sample(normal(rng, *shape))],
        parity=False,
        note="random numbers differ from PyTorch's",
        errors=[Bad(ValueError, "between 0 and 1", (np.ones(_shape, "f"), 1.5))],
    )
