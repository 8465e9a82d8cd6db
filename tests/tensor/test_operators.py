"""Python's operators, in-place forms, conversions, questions, and the names of nodes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import penlight


class Foreign:
    """An object with reflected operators of its own."""

    def __radd__(self, other: Any) -> str:
        return "radd"

    __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __radd__
    __rmatmul__ = __rand__ = __ror__ = __rxor__ = __rlshift__ = __rrshift__ = __radd__

    def __gt__(self, other: Any) -> str:
        return "gt"

    def __eq__(self, other: object) -> Any:
        return "eq"

    __hash__ = None  # type: ignore[assignment]


def test_foreign_operands_get_their_turn() -> None:
    x, f = penlight.ones(2, dtype=penlight.int64), Foreign()
    assert {x + f, x - f, x * f, x / f, x // f, x % f, x**f, x @ f} == {"radd"}
    assert {x & f, x | f, x ^ f, x << f, x >> f} == {"radd"}
    assert (x < f, x == f) == ("gt", "eq")
    for bad in (None, "a", [1], object()):
        with pytest.raises(TypeError):
            x + bad
        with pytest.raises(TypeError):
            bad - x
        with pytest.raises(TypeError):
            x < bad  # noqa: B015
        with pytest.raises(TypeError):
            x += bad


def test_equality_with_what_is_no_tensor() -> None:
    x = penlight.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert x in [None, x]
    assert x not in {penlight.ones(2): 1}
    assert 1 in x
    assert 5 not in x


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (lambda x: 7 - x, [6, 5]), (lambda x: 6 / x, [6, 3]), (lambda x: 7 // x, [7, 3]),
        (lambda x: 7 % x, [0, 1]), (lambda x: 2**x, [2, 4]), (lambda x: 3 & x, [1, 2]),
        (lambda x: 4 | x, [5, 6]), (lambda x: 3 ^ x, [2, 1]), (lambda x: 1 << x, [2, 4]),
        (lambda x: 8 >> x, [4, 2]), (lambda x: ~x, [-2, -3]), (lambda x: +x, [1, 2]),
        (lambda x: abs(-x), [1, 2]), (lambda x: x @ x, 5), (lambda x: list(reversed(x.tolist())), None),
        (lambda x: x.__reversed__(), [2, 1]), (lambda x: np.add(1, x), [2, 3]),
        (lambda x: np.arange(2) + x, [1, 3]), (lambda x: x * np.arange(2), [0, 2]),
        (lambda x: divmod(7, x.tolist()[1]), None),
    ],
)  # fmt: skip
def test_operators(operator: Any, expected: Any) -> None:
    y = operator(penlight.tensor([1, 2]))
    if expected is not None:
        assert isinstance(y, penlight.Tensor)
        assert y.tolist() == expected


def test_in_place_operators_keep_the_object() -> None:
    x = penlight.tensor([5, 6])
    same = x
    x += 1
    x -= 2
    x *= 3
    x //= 2
    x %= 5
    x **= 2
    x <<= 2
    x >>= 1
    x |= 1
    x &= 7
    x ^= 2
    assert x is same
    y = penlight.ones(2)
    y /= 2
    assert y.tolist() == [0.5, 0.5]


def _inplace_names() -> list[str]:
    skip = {
        "requires_grad_",
        "detach_",
        "as_strided_",
        "share_memory_",
        "addbmm_",
        "baddbmm_",
        "retain_grad_",
        "apply_",
        "map_",
    }
    names = [n for n in dir(penlight.Tensor) if n.endswith("_") and not n.startswith("_")]
    return [n for n in names if n not in skip and hasattr(penlight.Tensor, n[:-1])]


@pytest.mark.parametrize("name", _inplace_names())
def test_every_in_place_method_is_its_function_in_ones_own_memory(name: str) -> None:
    """Same values as the out-of-place form, same memory, one version more."""
    x = penlight.tensor([[0.3, 0.6], [0.2, 0.9]], dtype=penlight.float64)
    if name.startswith(("bitwise", "gcd", "lcm")):
        x = penlight.tensor([[3, 6], [2, 9]])
    arguments = _arguments(name, x)
    penlight.manual_seed(3)
    expected = getattr(x.clone(), name[:-1])(*arguments)
    y = x.clone()
    memory, version = y.data_ptr(), y._version
    penlight.manual_seed(3)
    assert getattr(y, name)(*arguments) is y
    assert (y.data_ptr(), y._version) == (memory, version + 1)
    np.testing.assert_array_equal(y.numpy(), expected.to(y.dtype).numpy())


def _arguments(name: str, x: Any) -> tuple[Any, ...]:
    """Arguments after the tensor, by the first letters of the method's name."""
    i = penlight.tensor([1, 0])
    rows = penlight.ones(2, 2, dtype=x.dtype)
    by_name: dict[str, tuple[Any, ...]] = {
        "clamp_m": (0.5,), "clamp": (0.4, 0.8), "clip": (0.4, 0.8), "lerp": (rows, 0.3),
        "addcmul": (rows, rows), "addcdiv": (rows, rows), "addmm": (rows, rows),
        "addmv": (rows, rows[0]), "addr": (rows[0], rows[0]), "renorm": (2, 0, 0.5),
        "cumsum": (0,), "cumprod": (1,), "scatter_reduce": (1, i[None], rows[:1], "sum"),
        "scatter": (1, i[None], rows[:1]), "index_add": (0, i, rows), "index_copy": (0, i, rows),
        "index_fill": (0, i, 2.0), "index_put": ((i,), rows), "index_reduce": (0, i, rows, "amax"),
        "masked_fill": (rows > 0, 2.0), "masked_scatter": (rows > 0, rows), "put": (i, rows[0]),
        "transpose": (0, 1), "swap": (0, 1), "unsqueeze": (0,), "polygamma": (1,), "mvlgamma": (1,),
        "bernoulli": (0.5,), "fill_diagonal": (2.0,), "heaviside": (rows,), "multinomial": (1,), "igamma": (rows,),
    }  # fmt: skip
    for start, found in by_name.items():
        if name.startswith(start):
            return found
    binary = (
        "add", "sub", "mul", "div", "true_div", "divide", "pow", "float_power", "floor_div", "fmod",
        "remainder", "atan2", "arctan2", "hypot", "copysign", "ldexp", "nextafter", "xlogy", "eq", "ne",
        "lt", "le", "gt", "ge", "less", "greater", "not_equal", "logical_and", "logical_or",
        "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left", "bitwise_right",
        "gcd", "lcm",
    )  # fmt: skip
    if name.startswith(binary) and not name.startswith(("neg", "lgamma", "lexp")):
        return (rows,)
    return ()


# -- conversions --------------------------------------------------------------------------------


def test_numbers_of_one_element() -> None:
    x = penlight.tensor([[2.5]])
    assert (x.item(), float(x), int(x), complex(x), bool(x)) == (2.5, 2.5, 2, 2.5 + 0j, True)
    assert type(x.item()) is float
    assert f"{penlight.tensor(2.5):.3f}" == "2.500"
    assert [10, 11, 12][penlight.tensor(1)] == 11
    assert penlight.tensor(0).is_nonzero() is False
    for size in (0, 2):
        many = penlight.zeros(size)
        for convert in (bool, penlight.Tensor.item):
            with pytest.raises(RuntimeError, match=r"elements|ambiguous"):
                convert(many)
        for convert in (float, int, complex):
            with pytest.raises(ValueError, match="only one element"):
                convert(many)
    with pytest.raises(TypeError, match="integer"):
        [1, 2][penlight.tensor(0.0)]
    with pytest.raises(TypeError, match="0-d"):
        len(penlight.tensor(1))
    with pytest.raises(TypeError, match="0-d"):
        iter(penlight.tensor(1))


def test_to_takes_dtypes_devices_and_tensors() -> None:
    x = penlight.ones(2)
    assert x.to(penlight.float32) is x
    assert x.to("cpu") is x
    assert x.to("cpu", penlight.float64, non_blocking=True).dtype is penlight.float64
    assert x.to(penlight.zeros(1, dtype=penlight.int8)).dtype is penlight.int8
    assert x.to(device="cpu", dtype=float).dtype is penlight.float64
    assert x.to(penlight.float32, copy=True) is not x
    assert x.type_as(penlight.zeros(1, dtype=penlight.int8)).dtype is penlight.int8
    for name, dtype in (("float", "float32"), ("double", "float64"), ("half", "float16"), ("long", "int64"),
                        ("int", "int32"), ("short", "int16"), ("char", "int8"), ("byte", "uint8"),
                        ("bool", "bool"), ("cfloat", "complex64"), ("cdouble", "complex128")):  # fmt: skip
        assert str(getattr(x, name)().dtype) == f"torch.{dtype}"
    assert x.cpu() is x
    for bad in (lambda: x.to("cuda"), lambda: x.cuda()):
        with pytest.raises(RuntimeError, match="cuda"):
            bad()
    with pytest.raises(TypeError, match="unexpected"):
        x.to(dtpye=penlight.float64)
    with pytest.raises(TypeError, match="expected a dtype"):
        x.to(3.5)


def test_apply_and_map() -> None:
    x = penlight.tensor([1.0, 2.0])
    assert x.apply_(lambda v: v * 10) is x
    assert x.map_(penlight.tensor([1.0, 2.0]), lambda a, b: a + b).tolist() == [11, 22]
    with pytest.raises(RuntimeError, match="requires grad"):
        x.requires_grad_().apply_(abs)


def test_copies() -> None:
    x = penlight.arange(6.0).reshape(2, 3).t()
    for y in (x.clone(), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), penlight.clone(x)):
        assert y.equal(x)
        assert y.data_ptr() != x.data_ptr()
    assert x.clone().stride() == x.stride()
    assert x.clone(memory_format=penlight.contiguous_format).is_contiguous()
    assert copy.copy(x).equal(x)


def test_questions() -> None:
    x = penlight.ones(2, 3)
    assert penlight.is_tensor(x)
    assert not penlight.is_tensor(np.ones(2))
    assert penlight.numel(x) == x.numel() == x.nelement() == 6
    assert (x.dim(), x.ndimension(), x.ndim, x.size(), x.size(-1)) == (2, 2, 2, (2, 3), 3)
    assert x.is_floating_point()
    assert penlight.is_floating_point(x)
    assert not x.is_complex()
    assert x.is_signed()
    assert not x.byte().is_signed()
    assert x.is_same_size(x + 1)
    assert (x.is_cpu, x.is_cuda, x.is_sparse, x.layout) == (True, False, False, penlight.strided)
    assert (str(x.device), x.get_device(), x.is_pinned(), x.is_shared()) == (
        "cpu",
        -1,
        False,
        False,
    )
    assert not penlight.is_nonzero(penlight.zeros(1))
    assert penlight.can_cast(penlight.int64, penlight.float32)
    assert penlight.set_default_device("cpu") is None
    assert penlight.get_default_device() == x.device
    assert penlight.compile(abs) is abs
    assert penlight.compile(mode="default")(abs) is abs
    with pytest.raises(IndexError):
        x.size(2)


def test_results_with_names_print_and_pickle() -> None:
    y = penlight.max(penlight.tensor([[1, 5], [7, 2]]), 1)
    assert repr(y) == "torch.return_types.max(\nvalues=tensor([5, 7]),\nindices=tensor([1, 0]))"
    again = pickle.loads(pickle.dumps(y))
    assert type(again) is type(y)
    assert again.indices.tolist() == [1, 0]
    values, indices = y
    assert values is y.values is y[0]
    assert indices is y.indices


NODES = {
    "AddBackward0": lambda x, t: x + 1, "SubBackward0": lambda x, t: x - x, "MulBackward0": lambda x, t: x * x,
    "DivBackward0": lambda x, t: x / 2, "PowBackward0": lambda x, t: x**2, "PowBackward1": lambda x, t: x**x,
    "NegBackward0": lambda x, t: -x, "ExpBackward0": lambda x, t: x.exp(), "LogBackward0": lambda x, t: x.log(),
    "SqrtBackward0": lambda x, t: x.sqrt(), "SinBackward0": lambda x, t: x.sin(), "AbsBackward0": lambda x, t: x.abs(),
    "SumBackward0": lambda x, t: x.sum(), "SumBackward1": lambda x, t: x.sum(0), "MeanBackward0": lambda x, t: x.mean(),
    "MeanBackward1": lambda x, t: x.mean(1), "ProdBackward0": lambda x, t: x.prod(), "VarBackward0": lambda x, t: x.var(1),
    "StdBackward0": lambda x, t: x.std(1), "MaxBackward0": lambda x, t: x.max(1).values, "MaxBackward1": lambda x, t: x.max(),
    "AmaxBackward0": lambda x, t: x.amax(1), "LogsumexpBackward0": lambda x, t: x.logsumexp(1),
    "SelectBackward0": lambda x, t: x[0], "SliceBackward0": lambda x, t: x[:, 1:], "IndexBackward0": lambda x, t: x[[0]],
    "UnsqueezeBackward0": lambda x, t: x[None], "ViewBackward0": lambda x, t: x.view(-1), "TBackward0": lambda x, t: x.t(),
    "TransposeBackward0": lambda x, t: x.transpose(0, 1), "PermuteBackward0": lambda x, t: x.permute(1, 0),
    "ExpandBackward0": lambda x, t: x.expand(2, 2, 2), "CatBackward0": lambda x, t: t.cat([x, x]),
    "StackBackward0": lambda x, t: t.stack([x, x]), "SplitBackward0": lambda x, t: x.split(1)[0],
    "UnbindBackward0": lambda x, t: x.unbind()[0], "GatherBackward0": lambda x, t: x.gather(1, t.tensor([[0]])),
    "MmBackward0": lambda x, t: x @ x, "MvBackward0": lambda x, t: x @ x[0], "DotBackward0": lambda x, t: x[0] @ x[0],
    "BmmBackward0": lambda x, t: x[None].bmm(x[None]), "WhereBackward0": lambda x, t: t.where(x > 0, x, 0),
    "ClampBackward1": lambda x, t: x.clamp(0, 1), "CloneBackward0": lambda x, t: x.clone(),
    "ToCopyBackward0": lambda x, t: x.double(), "CumsumBackward0": lambda x, t: x.cumsum(0),
    "MaskedFillBackward0": lambda x, t: x.masked_fill(x > 0, 0), "IndexSelectBackward0": lambda x, t: x.index_select(0, t.tensor([0])),
    "DiagonalBackward0": lambda x, t: x.diagonal(), "TrilBackward0": lambda x, t: x.tril(), "FlipBackward0": lambda x, t: x.flip(0),
    "RollBackward0": lambda x, t: x.roll(1, 0), "UnfoldBackward0": lambda x, t: x.unfold(0, 1, 1), "AliasBackward0": lambda x, t: x[...],
    "SqueezeBackward0": lambda x, t: x.squeeze(), "MaximumBackward0": lambda x, t: t.maximum(x, x),
    "FloorBackward0": lambda x, t: x.floor(), "SignBackward0": lambda x, t: x.sign(), "LerpBackward0": lambda x, t: t.lerp(x, x, 0.5),
    "LinalgVectorNormBackward0": lambda x, t: t.linalg.vector_norm(x), "SortBackward0": None,
    "ReluBackward0": lambda x, t: x.relu(), "SigmoidBackward0": lambda x, t: x.sigmoid(), "TanhBackward0": lambda x, t: x.tanh(),
    "AddmmBackward0": lambda x, t: t.nn.functional.linear(x, x, x[0]),
}  # fmt: skip
NODES = {name: call for name, call in NODES.items() if call}


@pytest.mark.parametrize("name", NODES)
def test_names_of_nodes(name: str) -> None:
    x = penlight.full((2, 2), 0.5, requires_grad=True)
    assert NODES[name](x, penlight).grad_fn.name() == name


@pytest.mark.parity
@pytest.mark.parametrize("name", NODES)
def test_names_of_nodes_are_pytorchs(name: str, torch: Any) -> None:
    x = torch.full((2, 2), 0.5, requires_grad=True)
    assert NODES[name](x, torch).grad_fn.name() == name


def test_second_names_are_the_same_functions() -> None:
    for first, others in {
        "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
        "atanh": "arctanh", "atan2": "arctan2", "abs": "absolute", "trunc": "fix", "clamp": "clip",
        "sub": "subtract", "mul": "multiply", "neg": "negative", "outer": "ger", "lt": "less",
        "le": "less_equal", "gt": "greater", "ge": "greater_equal", "ne": "not_equal",
        "div": "divide true_divide", "cat": "concat concatenate", "movedim": "moveaxis",
        "transpose": "swapdims", "vstack": "row_stack", "trapezoid": "trapz",
    }.items():  # fmt: skip
        for other in others.split():
            assert getattr(penlight, first) is getattr(penlight, other)
            if hasattr(penlight.Tensor, first) and other not in (
                "row_stack",
                "trapz",
                "concat",
                "concatenate",
            ):
                assert getattr(penlight.Tensor, first) is getattr(penlight.Tensor, other)
    assert penlight.rsub(penlight.tensor([1]), 3, alpha=2).tolist() == [1]
