"""Recurrent layers against loops over cells and PyTorch: all options crossed, packed batches, edges."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight._core.threads import blas_is_controlled
from penlight.kernels.recurrent import layer as kernel
from penlight.nn.utils.rnn import PackedSequence, pack_padded_sequence
from penlight.testing.specs.programs import fill, flatten
from tests.comparison import array, assert_same, assert_same_gradients, backward_through

KINDS = ["RNN", "LSTM", "GRU"]
each_kind = pytest.mark.parametrize("kind", KINDS)


# -- the obvious twin ----------------------------------------------------------------------------


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def cell(kind: str, x: np.ndarray, states: Any, w: dict[str, np.ndarray]) -> Any:
    """One step by the formulas of the docstrings, a gate at a time."""
    a = x @ w["weight_ih"].T + w.get("bias_ih", 0)
    q = states[0] @ w["weight_hh"].T + w.get("bias_hh", 0)
    if kind == "RNN":
        return (np.tanh(a + q),)
    if kind == "GRU":
        (ar, az, an), (qr, qz, qn) = np.split(a, 3, -1), np.split(q, 3, -1)
        r, z = sigmoid(ar + qr), sigmoid(az + qz)
        n = np.tanh(an + r * qn)
        return ((1 - z) * n + z * states[0],)
    i, f, g, o = np.split(a + q, 4, -1)
    c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return (h @ w["weight_hr"].T if "weight_hr" in w else h), c


def twin(module: Any, x: np.ndarray, states: list[np.ndarray]) -> tuple[np.ndarray, list[Any]]:
    """What a module gives for x, (T, N, I), by loops over layers, directions and steps."""
    kind, directions = type(module).__name__, 1 + module.bidirectional
    lasts: list[Any] = []
    for layer in range(module.num_layers):
        outputs = []
        for d in range(directions):
            ending = f"_l{layer}" + "_reverse" * d
            w = {
                n.removesuffix(ending): array(p)
                for n, p in module.named_parameters()
                if n.endswith(ending)
            }
            now = tuple(s[layer * directions + d] for s in states)
            ys = []
            for x_t in x[::-1] if d else x:
                now = cell(kind, x_t, now, w)
                ys.append(now[0])
            outputs.append(np.stack(ys[::-1] if d else ys))
            lasts.append(now)
        x = np.concatenate(outputs, -1)
    return x, [np.stack(kind) for kind in zip(*lasts, strict=True)]


def zeros_for(module: Any, batch: int) -> list[np.ndarray]:
    rows = module.num_layers * (1 + module.bidirectional)
    sizes = [module.proj_size or module.hidden_size, module.hidden_size]
    count = 2 if isinstance(module, nn.LSTM) else 1
    dtype = array(module.weight_ih_l0).dtype
    return [np.zeros((rows, batch, n), dtype) for n in sizes[:count]]


def results(output: Any) -> list[np.ndarray]:
    return [array(t) for t in flatten(output)]


# around which the kernels change their ways: parts of a sequence, blocks of a product, shares of a batch
SIZES = [
    (1, 1, 1, 1),
    (5, 3, 2, 4),
    (7, 1, 3, 33),
    (40, 33, 20, 100),
    (3, 65, 7, 130),
    (2, 40, 5, 211),
]


@each_kind
@pytest.mark.parametrize(("steps", "batch", "inputs", "size"), SIZES)
@pytest.mark.parametrize("threads", [1, 2])
def test_loops_over_cells_agree(
    kind: str, steps: int, batch: int, inputs: int, size: int, threads: int
) -> None:
    """In float32 within 2e-6 of the same sums in float64, for outputs that are at most 1."""
    module = getattr(nn, kind)(inputs, size, num_layers=2, bidirectional=True)
    x = np.random.default_rng(0).standard_normal((steps, batch, inputs))
    exact, lasts = twin(copy.deepcopy(module).double(), x, zeros_for(module, batch))
    before = penlight.get_num_threads()
    try:
        penlight.set_num_threads(threads)
        x32 = penlight.tensor(x, dtype=penlight.float32)
        found = results(module(x32))
        with penlight.no_grad():
            without_graph = results(module(x32))
    finally:
        penlight.set_num_threads(before)
    for y, expected in zip(found, [exact, *lasts], strict=True):
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=2e-6)
    assert [y.tobytes() for y in without_graph] == [y.tobytes() for y in found]


@each_kind
@pytest.mark.parametrize(("steps", "batch", "size"), [(1, 4, 33), (40, 4, 33), (30, 33, 128)])
def test_gradients_are_those_of_the_composition(
    kind: str, steps: int, batch: int, size: int
) -> None:
    """The kernel's gradients and those that are themselves differentiable, from basic ops."""
    module = getattr(nn, kind)(5, size, bidirectional=True).double()
    x = penlight.randn(steps, batch, 5, dtype=penlight.float64, requires_grad=True)
    states = [
        penlight.randn(*s.shape, dtype=penlight.float64, requires_grad=True)
        for s in zeros_for(module, batch)
    ]
    wanted = [x, *states, *module.parameters()]
    outputs = flatten(module(x, tuple(states) if len(states) > 1 else states[0]))
    gradients = [penlight.randn(*y.shape, dtype=y.dtype) for y in outputs]
    fast, slow = (
        penlight.autograd.grad(outputs, wanted, gradients, retain_graph=True, create_graph=graph)
        for graph in (False, True)
    )
    for a, b in zip(fast, slow, strict=True):
        assert not a.requires_grad
        assert b.requires_grad
        np.testing.assert_allclose(array(a), array(b), rtol=1e-9, atol=1e-11)


def test_partial_derivatives_where_the_state_depends_on_the_input() -> None:
    """h_0 is computed from x: each gets its own share, in second order too."""
    module = nn.GRU(3, 3).double()
    x = penlight.randn(2, 1, 3, dtype=penlight.float64, requires_grad=True)

    def program(x: Any) -> Any:
        return module(x * 2, (x[:1] * 3).sin())[0]

    assert penlight.autograd.gradcheck(program, (x,))
    assert penlight.autograd.gradgradcheck(program, (x,))


@each_kind
@pytest.mark.parametrize("packed", [False, True])
def test_threads_that_share_a_batch_compute_the_same(
    kind: str, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs to the last bits; gradients as sums in another order."""
    module = getattr(nn, kind)(5, 9, 2, bidirectional=True)
    x = penlight.randn(6, 70, 5, requires_grad=True)
    lengths = np.sort(np.arange(70) % 6 + 1)[::-1].tolist()
    shares: list[int] = []
    run = kernel.run
    monkeypatch.setattr(kernel, "run", lambda task, n: (shares.append(n), run(task, n)))
    found = []
    before = penlight.get_num_threads()
    try:
        for threads in (1, 3):
            penlight.set_num_threads(threads)
            monkeypatch.setattr(kernel, "_SHARED", 0)
            y, _ = module(pack_padded_sequence(x, lengths) if packed else x)
            y = y.data if packed else y
            found.append([y, *penlight.autograd.grad(y.square().sum(), [x, *module.parameters()])])
    finally:
        penlight.set_num_threads(before)
    if blas_is_controlled():
        assert max(shares) == 3
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-4, atol=1e-5)


# -- options crossed -----------------------------------------------------------------------------


def configurations() -> list[dict[str, Any]]:
    options = {
        "num_layers": (1, 2, 3), "bias": (True, False), "batch_first": (False, True),
        "bidirectional": (False, True), "dropout": (0.0, 0.7), "form": ("batch", "single", "packed", "order"),
        "given": (False, True), "training": (False, True),
    }  # fmt: skip
    return [dict(zip(options, v, strict=True)) for v in itertools.product(*options.values())]


def case(rng: np.random.Generator, kind: str, config: dict[str, Any]) -> tuple[Any, ...]:
    """A module's options, an input with lengths for packing, and states."""
    options = {k: v for k, v in config.items() if k not in ("form", "given", "training")}
    if options["num_layers"] == 1 or config["training"]:
        options["dropout"] = 0.0
    sizes = int(rng.integers(1, 5)), int(rng.integers(2, 6))
    if kind == "LSTM" and rng.random() < 0.3:
        options["proj_size"] = int(rng.integers(1, sizes[1]))
    batch, steps = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    shape = (batch, steps, sizes[0]) if options["batch_first"] else (steps, batch, sizes[0])
    lengths = rng.integers(1, steps + 1, batch)
    if config["form"] == "packed":
        lengths = np.sort(lengths)[::-1].copy()
    x = rng.standard_normal((steps, sizes[0]) if config["form"] == "single" else shape)
    rows = options["num_layers"] * (1 + options["bidirectional"])
    middle = () if config["form"] == "single" else (batch,)
    states = [
        rng.standard_normal((rows, *middle, size)).astype(np.float32)
        for size in (options.get("proj_size") or sizes[1], sizes[1])
    ]
    states = (states if kind == "LSTM" else states[:1]) if config["given"] else []
    return sizes, options, x.astype(np.float32), lengths, states


def run(torch: Any, kind: str, config: dict[str, Any], drawn: tuple[Any, ...]) -> Any:
    sizes, options, x, lengths, states = drawn
    module = fill(getattr(torch.nn, kind)(*sizes, **options)).train(config["training"])
    if kind == "RNN" and len(lengths) % 2:
        module = fill(torch.nn.RNN(*sizes, nonlinearity="relu", **options)).train(
            config["training"]
        )
    leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, *states)]
    given: Any = leaves[0]
    if config["form"] in ("packed", "order"):
        given = torch.nn.utils.rnn.pack_padded_sequence(
            given, torch.from_numpy(lengths), options["batch_first"], config["form"] == "packed"
        )
    hx = tuple(leaves[1:]) if kind == "LSTM" else leaves[-1]
    output = module(given, hx) if states else module(given)
    backward_through(output)
    return repr(module), output, [*leaves, *module.parameters()]


@pytest.mark.parity
@each_kind
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
def test_all_options_crossed_agree_with_pytorch(kind: str, torch: Any) -> None:
    rng = np.random.default_rng(KINDS.index(kind))
    for config in configurations():
        drawn = case(rng, kind, config)
        text, ours, our_leaves = run(penlight, kind, config, drawn)
        expected, theirs, their_leaves = run(torch, kind, config, drawn)
        assert text == expected
        assert isinstance(ours[0], PackedSequence) == (config["form"] in ("packed", "order"))
        assert_same(ours, theirs, 1e-4, 1e-5, f"{kind} {config}")
        assert_same_gradients(our_leaves, their_leaves, 1e-3, 1e-4, f"{kind} {config}")


@pytest.mark.parity
@each_kind
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_dtypes_agree_with_pytorch(kind: str, dtype: str, torch: Any) -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 4))
    found = []
    for library in (penlight, torch):
        module = fill(getattr(library.nn, kind)(4, 5, 2)).to(getattr(library, dtype))
        output = module(library.tensor(x, dtype=getattr(library, dtype)))
        backward_through(output)
        found.append((output, [*module.parameters()]))
    tolerance = 1e-2 if dtype == "float16" else 1e-10
    (ours, our_leaves), (theirs, their_leaves) = found
    assert_same(ours, theirs, tolerance, tolerance, kind)
    assert_same_gradients(our_leaves, their_leaves, tolerance * 5, tolerance * 5, kind)


# -- dropout -------------------------------------------------------------------------------------


@each_kind
def test_dropout_is_between_layers_and_in_training_alone(kind: str) -> None:
    module = getattr(nn, kind)(3, 4, num_layers=2, dropout=1.0)
    x = penlight.randn(5, 2, 3)
    evaluated = module.eval()(x)[0]
    assert array(module.eval()(x)[0]).tobytes() == array(evaluated).tobytes()
    module.train()
    y, states = module(x)
    assert (
        array(y).tobytes() == array(module(2 * x)[0]).tobytes()
    )  # nothing reaches the second layer
    first = states[0] if kind == "LSTM" else states
    assert np.abs(array(first[0])).min() > 0  # while the first layer works
    module.dropout = 0.5
    assert array(module(x)[0]).tobytes() != array(module(x)[0]).tobytes()


@each_kind
def test_dropout_in_one_layer_warns(kind: str, lib: Any) -> None:
    with pytest.warns(UserWarning, match="num_layers"):
        getattr(lib.nn, kind)(3, 4, dropout=0.5)


# -- state and parameters ------------------------------------------------------------------------


@each_kind
def test_names_of_parameters(kind: str, lib: Any) -> None:
    module = getattr(lib.nn, kind)(3, 4, 2, bidirectional=True)
    assert [n for n, _ in module.named_parameters()][:8] == [
        "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0",
        "weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse",
    ]  # fmt: skip
    weights = module.all_weights
    assert [len(w) for w in weights] == [4] * 4
    assert weights[3][1] is module.weight_hh_l1_reverse
    assert module.flatten_parameters() is None
    assert array(module.weight_hh_l0).min() >= -0.5
    assert array(module.weight_hh_l0).max() <= 0.5


@each_kind
def test_a_weight_computed_elsewhere_is_used(kind: str, lib: Any) -> None:
    """As programs do that normalise or drop recurrent weights: a tensor in the parameter's place."""
    module = getattr(lib.nn, kind)(3, 4)
    raw = lib.nn.Parameter(module.weight_hh_l0.detach().clone())
    x = lib.ones(3, 2, 3)
    before = array(module(x)[0])
    del module.weight_hh_l0
    module.weight_hh_l0 = raw * 2
    y = module(x)[0]
    assert np.abs(array(y) - before).max() > 1e-4
    y.sum().backward()
    assert np.abs(array(raw.grad)).max() > 0


@each_kind
def test_outputs_may_be_changed_in_place(kind: str) -> None:
    module = getattr(nn, kind)(3, 4)
    x = penlight.randn(3, 2, 3, requires_grad=True)
    y, _ = module(x)
    (expected,) = penlight.autograd.grad((y * 2).sum(), x)
    y, _ = module(x)
    (found,) = penlight.autograd.grad(y.mul_(2).sum(), x)
    np.testing.assert_array_equal(array(found), array(expected))


@each_kind
def test_inputs_and_weights_may_not_change_before_backward(kind: str) -> None:
    module = getattr(nn, kind)(3, 4)
    x = penlight.randn(3, 2, 3)
    for changed in (x, module.weight_ih_l0):
        y = module(x)[0].sum()
        with penlight.no_grad():
            changed.mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()


@each_kind
def test_a_second_backward_gives_the_same(kind: str) -> None:
    module = getattr(nn, kind)(3, 4, bidirectional=True)
    y = module(penlight.randn(40, 3, 3))[0].sum()
    y.backward(retain_graph=True)
    first = [array(p.grad).copy() for p in module.parameters()]
    module.zero_grad()
    y.backward()
    for p, before in zip(module.parameters(), first, strict=True):
        assert array(p.grad).tobytes() == before.tobytes()


@each_kind
def test_unused_outputs_and_frozen_parts(kind: str, lib: Any) -> None:
    """Gradients from the last state alone, and for the inputs alone."""
    module = fill(getattr(lib.nn, kind)(3, 4)).requires_grad_(False)
    x = lib.ones(3, 2, 3).requires_grad_()
    last = module(x)[1]
    (last[1] if kind == "LSTM" else last).sum().backward()
    assert np.abs(array(x.grad)).min() > 0
    assert module.weight_ih_l0.grad is None
    with lib.no_grad():
        assert not module(x)[0].requires_grad


@each_kind
def test_nan_and_infinity_spread(kind: str) -> None:
    module = getattr(nn, kind)(2, 3)
    x = penlight.zeros(4, 2, 2)
    x[1, 0, 0] = float("nan")
    y = array(module(x)[0])
    assert np.isfinite(y[:, 1]).all()
    assert np.isfinite(y[0]).all()
    assert np.isnan(y[1:, 0]).all()
    x[1, 0, 0] = float("inf")
    assert np.isfinite(array(module(x)[0])[:2]).all()  # the gates are saturated


@each_kind
@pytest.mark.parity
def test_saturated_gates_agree_with_pytorch(kind: str, torch: Any) -> None:
    x = np.random.default_rng(0).standard_normal((3, 2, 4)).astype(np.float32) * 1e4
    found = []
    for library in (penlight, torch):
        leaf = library.from_numpy(x.copy()).requires_grad_()
        output = fill(getattr(library.nn, kind)(4, 5))(leaf)
        backward_through(output)
        found.append((output, leaf))
    assert_same(found[0][0], found[1][0], 1e-5, 1e-6, kind)
    assert_same_gradients([found[0][1]], [found[1][1]], 1e-4, 1e-6, kind)


# -- packed batches ------------------------------------------------------------------------------


@each_kind
def test_a_packed_batch_is_its_sequences_one_by_one(kind: str) -> None:
    module = getattr(nn, kind)(3, 4, 2, bidirectional=True).double()
    lengths = [2, 5, 1, 5]
    x = penlight.randn(4, 5, 3, dtype=penlight.float64)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, last = module(packed)
    padded, found = nn.utils.rnn.pad_packed_sequence(y, batch_first=True)
    assert found.tolist() == lengths
    for i, n in enumerate(lengths):
        alone, alone_last = module(x[i, :n])
        np.testing.assert_allclose(array(padded[i, :n]), array(alone), rtol=1e-12)
        for a, b in zip(flatten(last), flatten(alone_last), strict=True):
            np.testing.assert_allclose(array(a)[:, i], array(b), rtol=1e-12)


@each_kind
def test_packed_states_must_fit(kind: str) -> None:
    module = getattr(nn, kind)(3, 4)
    packed = pack_padded_sequence(penlight.ones(3, 2, 3), [3, 1])
    wrong = penlight.zeros(1, 1, 4)
    with pytest.raises(RuntimeError, match="Expected hidden"):
        module(packed, (wrong, wrong) if kind == "LSTM" else wrong)
    with pytest.raises(RuntimeError, match="input must have 2 dimensions"):
        module(pack_padded_sequence(penlight.ones(3, 2, 1, 3), [3, 1]))


# -- checks that programs call themselves --------------------------------------------------------


def test_checks_are_methods_as_in_pytorch(lib: Any) -> None:
    module, x = lib.nn.LSTM(3, 4, 2, proj_size=2), lib.ones(5, 6, 3)
    assert module.get_expected_hidden_size(x, None) == (2, 6, 2)
    assert module.get_expected_cell_size(x, None) == (2, 6, 4)
    h, c = lib.zeros(2, 6, 2), lib.zeros(2, 6, 4)
    module.check_forward_args(x, (h, c), None)
    with pytest.raises(RuntimeError, match=r"hidden\[0\]"):
        module.check_forward_args(x, (c, c), None)
    order = lib.tensor([5, 4, 3, 2, 1, 0])
    assert module.permute_hidden((h, c), order)[1].shape == c.shape
    gru = lib.nn.GRU(3, 4)
    gru.check_forward_args(x, lib.zeros(1, 6, 4), None)
    assert gru.permute_hidden(h, None) is h
    with pytest.raises(RuntimeError, match="Expected hidden size"):
        gru.check_hidden_size(h, (1, 6, 4))


def test_the_bases_can_be_used(lib: Any) -> None:
    assert repr(lib.nn.RNNBase("GRU", 3, 4)) == "RNNBase(3, 4)"
    assert lib.nn.RNNCellBase(3, 4, True, 2).weight_ih.shape == (8, 3)
    with pytest.raises(ValueError, match="Unrecognized RNN mode"):
        lib.nn.RNNBase("LSTMX", 3, 4)


@each_kind
def test_steps_of_a_cell_are_the_layer(kind: str, lib: Any) -> None:
    layer, step = getattr(lib.nn, kind)(3, 4), getattr(lib.nn, kind + "Cell")(3, 4)
    with lib.no_grad():
        for p, q in zip(step.parameters(), layer.parameters(), strict=True):
            p.copy_(q)
    x = lib.ones(5, 2, 3)
    state: Any = None
    for x_t in x:
        state = step(x_t, state)
    y, last = layer(x)
    h = state[0] if kind == "LSTM" else state
    np.testing.assert_allclose(array(h), array(y[-1]), rtol=1e-5, atol=1e-6)
    for a, b in zip(flatten(state), flatten(last), strict=True):
        np.testing.assert_allclose(array(a), array(b[0]), rtol=1e-5, atol=1e-6)
