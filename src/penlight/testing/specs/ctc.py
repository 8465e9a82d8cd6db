"""Rows for connectionist temporal classification."""

from __future__ import annotations

import numpy as np

from penlight.testing.specs.spec import Bad, Constant, ModuleSpec, OpSpec, Sample, normal

TARGETS = np.array([[1, 2, 2], [3, 1, 0]])
ENDS = np.array([1, 2, 2, 3, 1])
NOTE = "the derivative of the gradient is implemented in neither library"


def _ctc(torch, logits, *rest, **options):
    """After log_softmax, through which the gradient is the derivative."""
    return torch.nn.functional.ctc_loss(logits.log_softmax(-1), *rest, **options)


def _samples(rng):
    for reduction in ("mean", "sum", "none"):
        yield Sample(normal(rng, 6, 2, 4), Constant(TARGETS), (6, 4), (3, 2), reduction=reduction)
    yield Sample(normal(rng, 6, 2, 4), Constant(ENDS), (5, 6), (3, 2))
    yield Sample(
        normal(rng, 6, 2, 4), Constant(TARGETS % 3), Constant(np.array([6, 6])),
        Constant(np.array([2, 1], np.int32)), blank=3,
    )  # fmt: skip
    yield Sample(normal(rng, 7, 4), Constant(TARGETS[0]), (7,), (3,), reduction="none")
    yield Sample(normal(rng, 3, 2, 4), Constant(TARGETS), (3, 3), (0, 0))
    yield Sample(normal(rng, 3, 2, 4), Constant(TARGETS), (0, 3), (0, 2), reduction="sum")
    impossible = {"reduction": "sum", "zero_infinity": True}
    yield Sample(normal(rng, 5, 2, 4), Constant(TARGETS), (3, 5), (3, 2), **impossible)
    yield Sample(normal(rng, 9, 1, 3), Constant(np.array([[1, 1, 1]])), (9,), (3,))
    yield Sample(100 * normal(rng, 6, 2, 4), Constant(TARGETS), (6, 4), (3, 2))


_x = np.zeros((5, 2, 4), np.float32)
_t = Constant(TARGETS)
OpSpec(
    "F.ctc_loss",
    _ctc,
    _samples,
    errors=[
        Bad(RuntimeError, "at most 5", (_x, _t, (5, 6), (3, 2))),
        Bad(RuntimeError, "at least 0", (_x, _t, (5, -1), (3, 2))),
        Bad(RuntimeError, "at least 0", (_x, _t, (5, 5), (3, -1))),
        Bad(RuntimeError, "batch_size", (_x, _t, (5,), (3, 2))),
        Bad(RuntimeError, "targets", (_x, _t, (5, 5), (4, 2))),
        Bad(RuntimeError, "targets", (_x, Constant(ENDS), (5, 5), (3, 3))),
        Bad(RuntimeError, "label range", (_x, _t, (5, 5), (3, 2), 4)),
        Bad(
            RuntimeError, "labels", (_x, Constant(TARGETS + 3), (5, 5), (3, 2)), torch_raises=False
        ),
        Bad(ValueError, "reduction", (_x, _t, (5, 5), (3, 2)), {"reduction": "average"}),
        Bad(TypeError, "input_lengths", (_x, _t, Constant(np.float32([5, 5])), (3, 2))),
        Bad(TypeError, "tuple", (_x, _t, 5, 3)),
        Bad(NotImplementedError, "float16", (np.zeros((5, 2, 4), np.float16), _t, (5, 5), (3, 2))),
    ],
    second_order=False,
    note=NOTE,
)
ModuleSpec(
    "nn.CTCLoss",
    lambda torch: torch.nn.CTCLoss(),
    lambda rng: [
        Sample(np.log(rng.dirichlet(np.ones(4), (6, 2))).astype("f"), _t, (6, 4), (3, 2)),
    ],
    numerical=False,
    second_order=False,
    note=NOTE + "; of log_probs alone, the gradient differs from the derivative by exp(log_probs)",
)
ModuleSpec(
    "nn.CTCLoss with other options",
    lambda torch: torch.nn.CTCLoss(blank=3, reduction="sum", zero_infinity=True),
    lambda rng: [
        Sample(np.log(rng.dirichlet(np.ones(4), (3, 2))).astype("f"), Constant(TARGETS % 3), (3, 3), (3, 2)),
    ],
    numerical=False,
    second_order=False,
    note=NOTE,
)  # fmt: skip
