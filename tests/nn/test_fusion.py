"""Batch norm folded into the layer before it; modules called with other parameters; small utilities."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

LAYERS = {
    "Conv1d": (("Conv1d", 3, 4, 2), "BatchNorm1d", (2, 3, 5)),
    "Conv2d": (("Conv2d", 3, 4, 2), "BatchNorm2d", (2, 3, 5, 5)),
    "Conv3d": (("Conv3d", 3, 4, 2), "BatchNorm3d", (2, 3, 4, 4, 4)),
    "ConvTranspose2d": (("ConvTranspose2d", 3, 4, 2), "BatchNorm2d", (2, 3, 5, 5)),
    "Linear": (("Linear", 3, 4), "BatchNorm1d", (2, 3)),
}


def pair(lib: Any, name: str, **options: Any) -> tuple[Any, Any, Any]:
    (layer, *sizes), norm, shape = LAYERS[name]
    first, second = getattr(lib.nn, layer)(*sizes, **options), getattr(lib.nn, norm)(4)
    with lib.no_grad():
        second.running_mean.normal_()
        second.running_var.uniform_(0.5, 2)
        second.weight.normal_()
        second.bias.normal_()
    return first.eval(), second.eval(), lib.randn(shape)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_the_fused_layer_does_what_both_do(lib: Any, name: str, bias: bool) -> None:
    first, second, x = pair(lib, name, bias=bias)
    if name == "Linear":
        fused = lib.nn.utils.fuse_linear_bn_eval(first, second)
    else:
        fused = lib.nn.utils.fuse_conv_bn_eval(first, second, transpose="Transpose" in name)
    assert fused is not first
    assert type(fused) is type(first)
    assert lib.allclose(fused(x), second(first(x)), atol=1e-5)
    assert isinstance(fused.bias, lib.nn.Parameter)
    assert fused.weight.requires_grad
    assert fused.bias.requires_grad == bias


def test_half_precision_stays(lib: Any) -> None:
    first, second, _ = pair(lib, "Conv2d")
    w, b = lib.nn.utils.fuse_conv_bn_weights(
        first.weight.half(), None, second.running_mean, second.running_var, 1e-5, None, None
    )
    assert w.dtype == b.dtype == lib.float16


def test_weights_of_a_linear_layer(lib: Any) -> None:
    w, b = lib.nn.utils.fuse_linear_bn_weights(
        lib.ones(2, 3), None, lib.tensor([1.0, 2.0]), lib.tensor([3.0, 8.0]), 1.0,
        lib.tensor([2.0, 6.0]), lib.tensor([0.5, 0.0]),
    )  # fmt: skip
    assert w.tolist() == [[1, 1, 1], [2, 2, 2]]
    assert b.tolist() == [-0.5, -4]


def test_fusion_is_for_evaluation(lib: Any) -> None:
    first, second, _ = pair(lib, "Conv2d")
    with pytest.raises(AssertionError, match="eval"):
        lib.nn.utils.fuse_conv_bn_eval(first.train(), second)
    first, second, _ = pair(lib, "Linear")
    with pytest.raises(AssertionError, match="eval"):
        lib.nn.utils.fuse_linear_bn_eval(first, second.train())
    with pytest.raises(AssertionError, match="num_features"):
        lib.nn.utils.fuse_linear_bn_eval(first, lib.nn.BatchNorm1d(3).eval())
    untracked = lib.nn.BatchNorm1d(4, track_running_stats=False).eval()
    with pytest.raises(AssertionError, match=r"running"):
        lib.nn.utils.fuse_linear_bn_eval(first, untracked)
    with pytest.raises(AssertionError, match=r"running"):
        lib.nn.utils.fuse_conv_bn_eval(pair(lib, "Conv1d")[0], untracked)


def test_skip_init(lib: Any) -> None:
    module = lib.nn.utils.skip_init(lib.nn.Linear, 2, 3)
    assert module.weight.shape == (3, 2)
    with pytest.raises(RuntimeError, match="Expected a Module"):
        lib.nn.utils.skip_init(int)
    with pytest.raises(RuntimeError, match="device"):
        lib.nn.utils.skip_init(lib.nn.ReLU)
    lib.manual_seed(3)
    first = lib.rand(2)
    lib.manual_seed(3)
    lib.nn.utils.skip_init(lib.nn.Linear, 20, 30)
    assert lib.equal(lib.rand(2), first)


def test_memory_formats_keep_values(lib: Any) -> None:
    net = lib.nn.Sequential(lib.nn.Conv2d(2, 3, 2), lib.nn.ConvTranspose2d(3, 2, 2))
    weight = net[0].weight
    before = weight.detach().clone()
    out = lib.nn.utils.convert_conv2d_weight_memory_format(net, lib.channels_last)
    assert out is net
    assert net[0].weight is weight
    assert lib.equal(weight, before)
    net = lib.nn.Conv3d(2, 3, 2)
    assert lib.nn.utils.convert_conv3d_weight_memory_format(net, lib.channels_last_3d) is net
    assert net(lib.ones(1, 2, 3, 3, 3)).shape == (1, 3, 2, 2, 2)


# -- calling with other parameters -----------------------------------------------------------------


def call(lib: Any) -> Any:
    stateless = importlib.import_module(f"{lib.__name__}.nn.utils.stateless")

    def quiet(*args: Any, **kwargs: Any) -> Any:
        with pytest.warns(FutureWarning, match="functional_call"):
            return stateless.functional_call(*args, **kwargs)

    return quiet


def tied(lib: Any) -> Any:
    class Tied(lib.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = lib.nn.Parameter(lib.ones(2))
            self.b = self.a
            self.register_buffer("count", lib.zeros(()))
            self.inner = lib.nn.Linear(2, 1, bias=False)

        def forward(self, x: Any = 0, scale: float = 1.0) -> Any:
            self.count = self.count + 1
            return (self.a + 10 * self.b + x).sum() * scale

    return Tied()


def test_the_module_sees_other_tensors_and_has_its_own_again(lib: Any) -> None:
    module, functional_call = tied(lib), call(lib)
    own = module.a
    other = lib.zeros(2, requires_grad=True)
    y = functional_call(module, {"a": other}, (1,), {"scale": 2.0})
    assert y.item() == 4
    assert module.a is own
    assert module.b is own
    y.backward()
    assert other.grad.tolist() == [22, 22]
    assert own.grad is None
    assert functional_call(module, {"a": other}, tie_weights=False).item() == 20
    assert functional_call(module, {}, lib.ones(2)).item() == 24


def test_what_the_call_assigns_is_found_in_the_dictionary(lib: Any) -> None:
    module, buffers = tied(lib), {"count": lib.tensor(5.0)}
    call(lib)(module, buffers)
    assert buffers["count"].item() == 6
    assert module.count.item() == 0


def test_an_error_leaves_the_module_as_it_was(lib: Any) -> None:
    module = tied(lib)
    own = module.a
    with pytest.raises((RuntimeError, TypeError)):
        call(lib)(module, {"a": lib.zeros(2)}, ("text",))
    assert module.a is own


@pytest.mark.parametrize(
    ("names", "options", "error", "text"),
    [
        (["a", "b"], {}, ValueError, "tied"),
        (["inner.other.x"], {}, AttributeError, "other"),
        (["inner"], {}, TypeError, "not an instance"),
        (["a"], {"strict": True}, RuntimeError, r"Missing key\(s\): 'count', 'inner.weight'"),
        (["zz"], {"strict": True}, RuntimeError, r"Unexpected key\(s\): 'zz'"),
    ],
)
def test_errors_of_functional_call(
    lib: Any, names: Any, options: Any, error: Any, text: str
) -> None:
    with pytest.raises(error, match=text):
        call(lib)(tied(lib), {n: lib.zeros(2) for n in names}, **options)


def test_only_tensors_are_taken(lib: Any) -> None:
    with pytest.raises(TypeError, match="3 is not an instance"):
        call(lib)(tied(lib), {"a": 3})
