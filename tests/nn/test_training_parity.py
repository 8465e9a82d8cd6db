"""Small networks trained side by side with PyTorch: the same losses, and the same state afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight

pytestmark = pytest.mark.parity


def tabular(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Linear(6, 16), nn.BatchNorm1d(16), nn.LeakyReLU(0.1), nn.Dropout(0.0),
        nn.Sequential(nn.Linear(16, 16, bias=False), nn.LayerNorm(16), nn.GELU()),
        nn.Linear(16, 4),
    )  # fmt: skip


def words(lib: Any) -> Any:
    class Words(lib.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.table = lib.nn.Embedding(20, 8, padding_idx=0)
            self.gate = lib.nn.Bilinear(8, 8, 8)
            self.head = lib.nn.ModuleDict({"out": lib.nn.Linear(8, 4)})
            self.scales = lib.nn.ParameterList([lib.ones(8), lib.ones(())])

        def forward(self, index: Any) -> Any:
            x = self.table(index).mean(1) * self.scales[0]
            x = lib.nn.functional.rms_norm(self.gate(x, x), (8,)) * self.scales[1]
            return self.head["out"](lib.nn.functional.silu(x))

    return Words()


def sequences(lib: Any) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Unflatten(1, (3, 2)), nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
        nn.GroupNorm(3, 3), nn.PReLU(3), nn.Flatten(), nn.Linear(6, 8), nn.Softplus(),
        nn.BatchNorm1d(8, momentum=None), nn.Linear(8, 4), nn.LogSoftmax(1),
    )  # fmt: skip


LOSSES = {
    "cross-entropy": lambda lib, y, t: lib.nn.CrossEntropyLoss(
        lib.tensor([1.0, 2.0, 0.5, 1.0]), label_smoothing=0.1, ignore_index=3
    )(y, t),
    "nll": lambda lib, y, t: lib.nn.functional.nll_loss(y, t),
    "bce": lambda lib, y, t: lib.nn.functional.binary_cross_entropy_with_logits(
        y, lib.nn.functional.one_hot(t, 4).float()
    ),
    "margin": lambda lib, y, t: lib.nn.MultiMarginLoss(p=2)(y, t),
    "huber": lambda lib, y, t: lib.nn.HuberLoss(delta=0.3)(y.sum(1), t.float()),
}


@pytest.mark.parametrize(
    ("build", "loss"),
    [(tabular, "cross-entropy"), (tabular, "bce"), (tabular, "huber"), (words, "margin"),
     (words, "cross-entropy"), (sequences, "nll")],
)  # fmt: skip
def test_training_runs_side_by_side(build: Any, loss: str, torch: Any) -> None:
    nets = {lib: build(lib) for lib in (torch, penlight)}
    state = nets[torch].state_dict()
    nets[penlight].load_state_dict(
        {k: penlight.from_numpy(np.array(t.numpy())) for k, t in state.items()}
    )
    rng = np.random.default_rng(0)
    losses: dict[Any, list[float]] = {lib: [] for lib in nets}
    optimizers = {
        lib: lib.optim.SGD(net.parameters(), lr=0.05, momentum=0.9) for lib, net in nets.items()
    }
    for _ in range(12):
        x = rng.integers(0, 20, (10, 5)) if build is words else rng.standard_normal((10, 6))
        t = rng.integers(0, 4, 10)
        for lib, net in nets.items():
            inputs = lib.from_numpy(x if build is words else x.astype(np.float32))
            optimizers[lib].zero_grad()
            value = LOSSES[loss](lib, net(inputs), lib.from_numpy(t))
            value.backward()
            lib.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizers[lib].step()
            losses[lib].append(value.item())
    np.testing.assert_allclose(losses[penlight], losses[torch], rtol=2e-3)
    ours, theirs = nets[penlight].state_dict(), nets[torch].state_dict()
    assert list(ours) == list(theirs)
    for name, t in ours.items():
        np.testing.assert_allclose(
            t.numpy(), theirs[name].numpy(), rtol=5e-3, atol=5e-4, err_msg=name
        )
    outputs = [
        net.eval()(lib.from_numpy(x if build is words else x.astype(np.float32))).detach().numpy()
        for lib, net in nets.items()
    ]
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=2e-2, atol=2e-3)
