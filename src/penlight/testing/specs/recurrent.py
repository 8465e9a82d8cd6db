"""Rows for recurrent layers and cells."""

from __future__ import annotations

import warnings

import numpy as np

from penlight.testing.specs.spec import Bad, ModuleSpec, Sample, normal

_x = np.ones((3, 2, 2), np.float32)


def _zeros(*shape, dtype="f"):
    return np.zeros(shape, dtype)


def _make(kind, *args, **kwargs):
    return lambda torch: getattr(torch.nn, kind)(*args, **kwargs)


def _hidden(rng, kind, *shape, projected=None):
    """hx of a layer or cell, with h of another size if projected."""
    if "LSTM" not in kind:
        return normal(rng, *shape)
    return normal(rng, *shape[:-1], projected or shape[-1]), normal(rng, *shape)


def _layer(kind):
    def samples(rng):
        yield Sample(normal(rng, 3, 2, 2))
        yield Sample(normal(rng, 2, 2), _hidden(rng, kind, 1, 2))
        yield Sample(normal(rng, 2, 0, 2))
        yield Sample(normal(rng, 2, 1, 2).T, _hidden(rng, kind, 1, 1, 2))

    return samples


def _refused_options(kind):
    """What the constructors of all layers refuse."""
    refused = [
        (ValueError, "dropout", {"dropout": 1.5}),
        (ValueError, "dropout", {"dropout": True}),
        (TypeError, "bias", {"bias": 1}),
        (TypeError, "batch_first", {"batch_first": 1}),
        (TypeError, "input_size", {"input_size": 1.5}),
        (TypeError, "hidden_size", {"hidden_size": 1.5}),
        (ValueError, "input_size", {"input_size": 0}),
        (ValueError, "hidden_size", {"hidden_size": 0}),
        (ValueError, "num_layers", {"num_layers": 0}),
        (TypeError, "num_layers|integer", {"num_layers": 1.5}),
    ]
    if kind == "LSTM":
        refused += [
            (ValueError, "proj_size", {"proj_size": 2}),
            (ValueError, "proj_size", {"proj_size": -1}),
        ]
    else:
        refused += [(ValueError, "proj_size", {"proj_size": 1})]
    for error, match, changed in refused:
        options = {"input_size": 2, "hidden_size": 2} | changed
        yield Bad(error, match, (_make(kind, **options),))


def _refused_inputs(kind):
    """What the forward pass of all layers refuses."""
    wrong_hidden = "hidden" if kind != "LSTM" else r"hidden\[0\]"

    def both(*shape, **kwargs):
        h = _zeros(*shape, **kwargs)
        return (h, h.copy()) if kind == "LSTM" else h

    yield Bad(ValueError, f"{kind}: .*2D or 3D", (_zeros(2),))
    yield Bad(ValueError, "dtype", (_x.astype("d"),))
    yield Bad(RuntimeError, "input_size", (_zeros(3, 2, 3),))
    yield Bad(RuntimeError, "length", (_zeros(0, 2, 2),))
    yield Bad(RuntimeError, f"{wrong_hidden} size", (_x, both(1, 3, 2)))
    yield Bad(RuntimeError, f"{wrong_hidden} size", (_x, both(2, 2, 2)))
    yield Bad(RuntimeError, "3-D", (_x, both(2, 2)))
    yield Bad(RuntimeError, "2-D", (_x[0], both(1, 2, 2)))
    yield Bad(RuntimeError, "dtype", (_x, both(1, 2, 2, dtype="d")))
    if kind == "LSTM":
        yield Bad(RuntimeError, r"hidden\[1\] size", (_x, (_zeros(1, 2, 2), _zeros(1, 2, 3))))


for _kind in ("RNN", "LSTM", "GRU"):
    ModuleSpec(
        f"nn.{_kind}",
        _make(_kind, 2, 2),
        _layer(_kind),
        errors=[*_refused_options(_kind), *_refused_inputs(_kind)],
        covers=("nn.RNNBase",),
    )
    ModuleSpec(
        f"nn.{_kind} in two layers and directions",
        _make(_kind, 1, 1, num_layers=2, bidirectional=True, batch_first=True),
        lambda rng, kind=_kind: [
            Sample(normal(rng, 2, 1, 1).swapaxes(0, 1), _hidden(rng, kind, 4, 1, 1)),
        ],
    )
    ModuleSpec(
        f"nn.{_kind} without bias",
        _make(_kind, 1, 2, bias=False),
        lambda rng, kind=_kind: [Sample(normal(rng, 2, 2, 1), _hidden(rng, kind, 1, 2, 2))],
    )
    ModuleSpec(
        f"nn.{_kind} with dropout",
        _make(_kind, 1, 1, num_layers=2, dropout=0.5),
        lambda rng: [Sample(normal(rng, 2, 2, 1))],
        train_mode=False,
        note="drops at random",
    )

ModuleSpec(
    "nn.RNN with ReLU",
    _make("RNN", 2, 2, 2, "relu"),
    lambda rng: [Sample(normal(rng, 2, 2, 2), normal(rng, 2, 2, 2)), Sample(normal(rng, 3, 2))],
    errors=[Bad(ValueError, "nonlinearity", (_make("RNN", 3, 4, nonlinearity="sine"),))],
)


def _projected(torch):
    lstm = torch.nn.LSTM(1, 2, proj_size=1, bidirectional=True)
    with warnings.catch_warnings():  # PyTorch warns once that this is not its fastest LSTM
        warnings.simplefilter("ignore")
        lstm(torch.zeros(1, 1))
    return lstm


ModuleSpec(
    "nn.LSTM with projections",
    _projected,
    lambda rng: [
        Sample(normal(rng, 2, 2, 1), _hidden(rng, "LSTM", 2, 2, 2, projected=1)),
        Sample(normal(rng, 2, 1)),
    ],
)


def _cell(kind):
    def samples(rng):
        yield Sample(normal(rng, 2, 3))
        yield Sample(normal(rng, 3), _hidden(rng, kind, 2))
        yield Sample(normal(rng, 0, 3))
        yield Sample(normal(rng, 3, 2).T, _hidden(rng, kind, 2, 2))

    return samples


def _refused_by_cell(kind):
    def both(*shape, **kwargs):
        h = _zeros(*shape, **kwargs)
        return (h, h.copy()) if kind == "LSTMCell" else h

    yield Bad(ValueError, f"{kind}: .*1D or 2D", (_zeros(1, 2, 3),))
    yield Bad(ValueError, f"{kind}: .*1D or 2D", (_zeros(2, 3), both(1, 2, 2)))
    yield Bad(RuntimeError, "input_size", (_zeros(2, 5),))
    yield Bad(RuntimeError, "hidden0 has .*hidden_size", (_zeros(2, 3), both(2, 5)))
    yield Bad(RuntimeError, "hidden0 batch", (_zeros(2, 3), both(3, 2)))
    yield Bad(RuntimeError, "hidden0", (_zeros(1, 3), both(2)))
    yield Bad(RuntimeError, "dtype", (_zeros(2, 3, dtype="d"),))
    yield Bad(RuntimeError, "dtype", (_zeros(2, 3), both(2, 2, dtype="d")))
    yield Bad(RuntimeError, "negative|-3", (_make(kind, -3, 4),))


for _kind in ("RNNCell", "LSTMCell", "GRUCell"):
    ModuleSpec(
        f"nn.{_kind}",
        _make(_kind, 3, 2),
        _cell(_kind),
        errors=list(_refused_by_cell(_kind)),
        covers=("nn.RNNCellBase",),
    )
    ModuleSpec(
        f"nn.{_kind} without bias",
        _make(_kind, 2, 3, bias=False),
        lambda rng, kind=_kind: [Sample(normal(rng, 2, 2), _hidden(rng, kind, 2, 3))],
    )

ModuleSpec(
    "nn.RNNCell with ReLU",
    _make("RNNCell", 3, 4, nonlinearity="relu"),
    lambda rng: [Sample(normal(rng, 2, 3), normal(rng, 2, 4))],
)
ModuleSpec(
    "nn.RNNCell with another nonlinearity",
    _make("RNNCell", 3, 4, nonlinearity="sine"),
    lambda rng: [],
    errors=[Bad(RuntimeError, "nonlinearity", (_zeros(2, 3),))],
)
