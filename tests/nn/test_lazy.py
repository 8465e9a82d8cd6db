"""Lazy modules: uninitialized tensors, what the first call does, states of either kind, copies, files."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import penlight
from penlight import nn
from penlight.nn.modules.lazy import LazyModuleMixin
from penlight.nn.parameter import UninitializedTensorMixin, is_lazy
from tests.comparison import array

LAYERS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], tuple[int, ...]]] = {
    "nn.LazyLinear": (
        lambda nn: nn.LazyLinear(3), lambda nn: nn.Linear(5, 3), (2, 4, 5),
    ),
    "nn.LazyConv1d": (
        lambda nn: nn.LazyConv1d(4, 3, 2, 1, padding_mode="circular"),
        lambda nn: nn.Conv1d(3, 4, 3, 2, 1, padding_mode="circular"), (2, 3, 6),
    ),
    "nn.LazyConv2d": (
        lambda nn: nn.LazyConv2d(4, (3, 2), groups=2),
        lambda nn: nn.Conv2d(6, 4, (3, 2), groups=2), (6, 5, 5),
    ),
    "nn.LazyConv3d": (
        lambda nn: nn.LazyConv3d(4, 2, bias=False), lambda nn: nn.Conv3d(3, 4, 2, bias=False),
        (2, 3, 3, 4, 3),
    ),
    "nn.LazyConvTranspose1d": (
        lambda nn: nn.LazyConvTranspose1d(4, 3, 2, 1, 1),
        lambda nn: nn.ConvTranspose1d(3, 4, 3, 2, 1, 1), (3, 4),
    ),
    "nn.LazyConvTranspose2d": (
        lambda nn: nn.LazyConvTranspose2d(4, 2, groups=2, bias=False),
        lambda nn: nn.ConvTranspose2d(6, 4, 2, groups=2, bias=False), (2, 6, 3, 3),
    ),
    "nn.LazyConvTranspose3d": (
        lambda nn: nn.LazyConvTranspose3d(2, 2, dilation=2),
        lambda nn: nn.ConvTranspose3d(3, 2, 2, dilation=2), (1, 3, 2, 2, 3),
    ),
    "nn.LazyBatchNorm1d": (
        lambda nn: nn.LazyBatchNorm1d(bias=False), lambda nn: nn.BatchNorm1d(3, bias=False), (4, 3),
    ),
    "nn.LazyBatchNorm2d": (
        lambda nn: nn.LazyBatchNorm2d(0.1, None), lambda nn: nn.BatchNorm2d(3, 0.1, None),
        (2, 3, 2, 2),
    ),
    "nn.LazyBatchNorm3d": (
        lambda nn: nn.LazyBatchNorm3d(affine=False), lambda nn: nn.BatchNorm3d(3, affine=False),
        (2, 3, 2, 1, 2),
    ),
    "nn.LazyInstanceNorm1d": (
        lambda nn: nn.LazyInstanceNorm1d(track_running_stats=False),
        lambda nn: nn.InstanceNorm1d(3, affine=True), (2, 3, 4),
    ),
    "nn.LazyInstanceNorm2d": (
        lambda nn: nn.LazyInstanceNorm2d(affine=False),
        lambda nn: nn.InstanceNorm2d(3, track_running_stats=True), (2, 3, 2, 2),
    ),
    "nn.LazyInstanceNorm3d": (
        lambda nn: nn.LazyInstanceNorm3d(),
        lambda nn: nn.InstanceNorm3d(3, affine=True, track_running_stats=True), (2, 3, 2, 1, 2),
    ),
}  # fmt: skip
each_layer = pytest.mark.parametrize("name", LAYERS)


def random(lib: Any, *shape: int) -> Any:
    return lib.from_numpy(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


def described(module: Any) -> list[tuple[str, Any, str]]:
    return [
        (k, None if type(t).__name__.startswith("Uninit") else tuple(t.shape), str(t.dtype))
        for k, t in module.state_dict().items()
    ]


# -- layers ------------------------------------------------------------------------------------


@each_layer
def test_the_first_call_makes_the_ordinary_layer(name: str) -> None:
    """With the same seed the numbers are the same too."""
    lazy, ordinary, shape = LAYERS[name]
    module = lazy(nn)
    assert type(module) is getattr(nn, name[3:])
    assert module.has_uninitialized_params()
    before = dict(module.named_parameters())
    penlight.manual_seed(1)
    y = module(random(penlight, *shape))
    penlight.manual_seed(1)
    expected = ordinary(nn)
    np.testing.assert_array_equal(array(y), array(expected(random(penlight, *shape))))
    assert type(module) is type(expected)
    assert repr(module) == repr(expected)
    assert set(vars(module)) == set(vars(expected))
    assert all(p is before[n] for n, p in module.named_parameters())
    for ours, theirs in zip(module.parameters(), expected.parameters(), strict=True):
        assert type(ours) is type(theirs) is nn.Parameter
        np.testing.assert_array_equal(array(ours), array(theirs))
    assert all(type(b) is penlight.Tensor for b in module.buffers())
    if before:
        y.sum().backward()
    assert all(p.grad is not None for p in module.parameters())


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@each_layer
def test_structure_is_pytorchs_before_and_after(name: str, torch: Any) -> None:
    lazy, _, shape = LAYERS[name]
    ours, theirs = lazy(nn), lazy(torch.nn)
    for _ in range(2):
        assert repr(ours) == repr(theirs)
        assert described(ours) == described(theirs)
        assert dict(ours.state_dict()._metadata) == dict(theirs.state_dict()._metadata)
        assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]
        ours(random(penlight, *shape))
        theirs(random(torch, *shape))


@each_layer
def test_a_loaded_state_gives_the_shapes(name: str) -> None:
    lazy, ordinary, shape = LAYERS[name]
    module, source = lazy(nn), ordinary(nn)
    assert not module.load_state_dict(source.state_dict()).missing_keys
    assert not module.has_uninitialized_params()
    assert type(module) is not type(source)  # until it is called
    x = random(penlight, *shape)
    np.testing.assert_array_equal(array(module(x)), array(source(x)))
    assert repr(module) == repr(source)


@each_layer
def test_copies_stay_lazy_and_live_by_themselves(name: str) -> None:
    lazy, _, shape = LAYERS[name]
    module = lazy(nn)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert described(other) == described(module)
        for _ in range(2):  # the hook of the first call is gone
            other(random(penlight, *shape))
        assert not any(map(is_lazy, [*other.parameters(), *other.buffers()]))
    assert module.has_uninitialized_params()
    module(random(penlight, *shape))
    assert "_hooked" not in vars(module)  # calls are fast again


@each_layer
def test_dtypes_chosen_before_the_first_call_hold_after_it(name: str) -> None:
    lazy, _, shape = LAYERS[name]
    module = lazy(nn).double()
    assert module.has_uninitialized_params()
    module(random(penlight, *shape).double())
    tensors = [*module.parameters(), *module.buffers()]
    assert {t.dtype for t in tensors if t.dtype.is_floating_point} == {penlight.float64}


def test_a_single_sample_has_its_channels_first() -> None:
    module = nn.LazyInstanceNorm2d()
    module(random(penlight, 3, 2, 4))
    assert module.num_features == 3


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"in_channels \(=4\) must be divisible by groups \(=3\)"):
        nn.LazyConv2d(6, 3, groups=3)(penlight.ones(1, 4, 5, 5))
    with pytest.raises(RuntimeError, match=r"3D .unbatched. or 4D"):
        nn.LazyConvTranspose2d(6, 3)(penlight.ones(5, 5))
    loaded = nn.LazyLinear(3)
    loaded.load_state_dict(nn.Linear(4, 3).state_dict())
    with pytest.raises(AssertionError, match="5 is not equal to in_features"):
        loaded(penlight.ones(2, 5))


def test_output_size_reaches_a_lazy_transposed_convolution() -> None:
    module = nn.LazyConvTranspose2d(2, 3, 2)
    assert module(penlight.ones(1, 3, 4, 4), output_size=(10, 10)).shape == (1, 2, 10, 10)


def test_an_optimizer_may_be_made_before_the_first_call() -> None:
    penlight.manual_seed(0)
    model = nn.Sequential(
        nn.LazyConv2d(4, 3, padding=1), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(),
        nn.LazyLinear(2),
    )  # fmt: skip
    optimizer = penlight.optim.Adam(model.parameters(), lr=0.01)
    x, t = random(penlight, 8, 1, 4, 4), penlight.arange(8) % 2
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4
    assert [type(m) for m in model] == [
        nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Flatten, nn.Linear,
    ]  # fmt: skip


# -- states of either kind ---------------------------------------------------------------------


def test_a_state_from_before_the_first_call() -> None:
    state = nn.LazyBatchNorm1d().state_dict()
    assert [is_lazy(t) for t in state.values()] == [True] * 4 + [False]
    other = nn.LazyBatchNorm1d()
    assert not other.load_state_dict(state).missing_keys
    assert other.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized"):
        nn.BatchNorm1d(3).load_state_dict(state)
    with pytest.raises(RuntimeError, match=r"Missing key.*weight"):
        nn.LazyLinear(3).load_state_dict({})


def test_a_loaded_state_may_be_assigned() -> None:
    module, source = nn.LazyLinear(3), nn.Linear(4, 3)
    module.load_state_dict(source.state_dict(), assign=True)
    module(penlight.ones(1, 4))
    assert np.may_share_memory(array(module.weight), array(source.weight))


def test_a_module_that_is_not_lazy_can_hold_uninitialized_tensors_but_not_load_them() -> None:
    module = nn.Module()
    module.w = nn.UninitializedParameter()
    assert is_lazy(module.state_dict()["w"])
    with pytest.raises(RuntimeError, match='"w": it has no shape yet'):
        module.load_state_dict({"w": penlight.ones(2)})


def test_files_keep_uninitialized_tensors_but_data_files_may_not_hold_them() -> None:
    file = io.BytesIO()
    state = nn.LazyBatchNorm1d(dtype=penlight.float64).state_dict()
    penlight.save(state, file)
    file.seek(0)
    loaded = penlight.load(file, weights_only=False)
    assert [type(t) for t in loaded.values()] == [type(t) for t in state.values()]
    assert loaded["weight"].dtype is loaded["running_mean"].dtype is penlight.float64
    assert loaded["weight"].requires_grad
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="UninitializedParameter"):
        penlight.load(file)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_files_of_uninitialized_tensors_pass_to_pytorch_and_back(torch: Any) -> None:
    for source, target in ((penlight, torch), (torch, penlight)):
        file = io.BytesIO()
        source.save(source.nn.LazyBatchNorm1d().state_dict(), file)
        file.seek(0)
        state = target.load(file, weights_only=False)
        module = target.nn.LazyBatchNorm1d()
        module.load_state_dict(state)
        assert repr(state["weight"]) == "<UninitializedParameter>"
        assert repr(state["running_var"]) == "<UninitializedBuffer>"


# -- uninitialized tensors ---------------------------------------------------------------------


def test_uninitialized_tensors_have_a_dtype_and_nothing_else() -> None:
    for kind, ordinary in (
        (nn.UninitializedParameter, nn.Parameter),
        (nn.UninitializedBuffer, nn.Buffer),
    ):
        t = kind(dtype=penlight.float64)
        assert isinstance(t, ordinary)
        assert isinstance(t, UninitializedTensorMixin)
        assert is_lazy(t)
        assert not is_lazy(penlight.ones(1))
        assert repr(t) == f"<{kind.__name__}>"
        assert t.dtype is penlight.float64
        assert t.is_floating_point()
        assert not t.is_complex()
        assert t.grad is None
        assert t.requires_grad is (kind is nn.UninitializedParameter)
        with pytest.raises(RuntimeError, match="Can't access the shape"):
            _ = t.shape
        uses: list[Callable[[Any], Any]] = [
            lambda t: t + 1, lambda t: penlight.sum(t), lambda t: t[0], len, bool, lambda t: t.tolist(),
            lambda t: t.numel(), lambda t: t.zero_(), lambda t: t.detach(), lambda t: t.clone(),
            lambda t: nn.functional.linear(penlight.ones(1, 2), t), lambda t: nn.init.zeros_(t),
            lambda t: penlight.ones(1).add_(t),
        ]  # fmt: skip
        for use in uses:
            with pytest.raises(ValueError, match="uninitialized parameter"):
                use(t)


def test_materialising_keeps_the_object_and_its_options() -> None:
    p = nn.UninitializedParameter(requires_grad=False, dtype=penlight.float64)
    same = p
    p.materialize((2, 3))
    assert type(same) is nn.Parameter
    assert (same.shape, same.dtype, same.requires_grad) == ((2, 3), penlight.float64, False)
    b = nn.UninitializedBuffer(persistent=False)
    b.materialize((2,), dtype=penlight.int64)
    assert type(b) is penlight.Tensor
    assert b.dtype is penlight.int64
    frozen = nn.UninitializedParameter()
    frozen.requires_grad = False
    frozen.requires_grad = True
    frozen.materialize(4)
    frozen.sum().backward()
    assert frozen.grad is not None
    with pytest.raises(RuntimeError, match="floating point"):
        nn.UninitializedParameter(dtype=penlight.int64)


def test_copies_of_uninitialized_tensors() -> None:
    b = nn.UninitializedBuffer(dtype=penlight.float16, persistent=False)
    p = nn.UninitializedParameter(requires_grad=False)
    for t in (b, p):
        for other in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
            assert type(other) is type(t)
            assert other is not t
            assert (other.dtype, other.requires_grad) == (t.dtype, False)
    assert copy.deepcopy(b).persistent is False
    first, second = copy.deepcopy([p, p])
    assert first is second


# -- modules of one's own ----------------------------------------------------------------------


class Scale(LazyModuleMixin, nn.Module):
    """y = x w + b, w being materialised from a keyword argument."""

    def __init__(self) -> None:
        super().__init__()
        self.w: Any = nn.UninitializedParameter()
        self.register_buffer("b", nn.UninitializedBuffer())
        self.c: Any = nn.UninitializedBuffer(persistent=False)

    def initialize_parameters(self, x: Any, *, size: int) -> None:  # type: ignore[override]
        if self.has_uninitialized_params():
            for name in "wbc":
                getattr(self, name).materialize((size,))
            nn.init.ones_(self.w)
            self.b.fill_(2)
            self.c.fill_(3)

    def forward(self, x: Any, *, size: int) -> Any:
        return x * self.w + self.b


def test_a_lazy_module_of_ones_own() -> None:
    module = Scale()
    assert list(module.state_dict()) == ["w", "b"]
    order = []
    module.register_forward_pre_hook(lambda m, a: order.append(m.has_uninitialized_params()))
    assert module(penlight.ones(4), size=4).tolist() == [3.0] * 4
    assert order == [False]
    assert type(module) is Scale  # it becomes nothing else
    assert module.c.tolist() == [3.0] * 4
    assert module(penlight.ones(1), size=9).shape == (4,)


def test_what_a_lazy_module_must_do() -> None:
    class Silent(LazyModuleMixin, nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.UninitializedParameter()

    class Lazier(Silent):
        def initialize_parameters(self, *args: Any) -> None:
            pass

    with pytest.raises(
        NotImplementedError, match="initialize_parameters is not implemented for Silent"
    ):
        Silent()(1)
    with pytest.raises(RuntimeError, match="Lazier has not been fully initialized"):
        Lazier()(1)
    with pytest.raises(RuntimeError, match="DataParallel"):
        Lazier()._replicate_for_data_parallel()


def test_a_lazy_batch_norm_can_be_converted() -> None:
    module = nn.SyncBatchNorm.convert_sync_batchnorm(nn.LazyBatchNorm1d())
    assert type(module) is nn.SyncBatchNorm
    assert is_lazy(module.weight)
