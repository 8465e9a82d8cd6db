"""Other sizes and other memory in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import penlight


def program(t: Any) -> list[Any]:
    """What resizing and setting give, step by step."""
    x = t.arange(6.0)
    part = x[1:3]
    results = [part.resize_(4).clone(), part.resize_(2).clone(), part.resize_(1, 2).clone()]
    part.fill_(9)
    results += [x.clone(), t.arange(6.0).reshape(2, 3).t().resize_(2, 2)]
    y = t.arange(4.0)
    results += [y.resize_(2, 3)[0].clone(), y.resize_as_(t.ones(2)), t.arange(3.0).resize_(0)]
    z = t.ones(3).set_(t.arange(6.0), 1, (2, 2), (2, 1))
    results += [z.clone(), z.set_(t.arange(2.0)), z.set_()]
    results += [t.zeros(2, 3).t().dim_order(), t.zeros(4, 2, 3).permute(2, 0, 1).dim_order()]
    results += [t.zeros(3).new_empty_strided((2, 3), (1, 2)).stride()]
    results += [
        t.tensor([1.0, 2.0]).map2_(t.tensor([3.0, 4.0]), t.tensor(5.0), lambda a, b, c: a * b + c)
    ]
    return results


def as_lists(values: list[Any]) -> list[Any]:
    return [v.tolist() if hasattr(v, "tolist") else tuple(v) for v in values]


@pytest.mark.parity
def test_resizing_and_setting(torch: Any) -> None:
    assert as_lists(program(penlight)) == as_lists(program(torch))


def test_set_shares_the_memory() -> None:
    x, y = penlight.zeros(1), penlight.arange(4.0)
    x.set_(y)
    y[0] = 7
    assert x.tolist() == [7, 1, 2, 3]
    assert x.const_data_ptr() == y.data_ptr()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda x: x.resize_(3), "require grad"),
        (lambda x: x.set_(), "requires grad"),
        (
            lambda x: x.detach().set_(penlight.ones(2, dtype=penlight.int64)),
            "Expected a Tensor of type",
        ),
        (lambda x: x.as_subclass(int), "subclass of Tensor"),
        (lambda x: penlight.ones(2, 2)[:, :1].dim_order(ambiguity_check=True), "unique dim order"),
    ],
)
def test_refused(change: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        change(penlight.ones(2, requires_grad=True))


def test_a_saved_value_that_is_resized_is_noticed() -> None:
    x = penlight.ones(3, requires_grad=True)
    y = x.exp()
    y.detach().resize_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_subclass_keeps_history() -> None:
    class Named(penlight.Tensor):
        pass

    x = penlight.ones(2, requires_grad=True)
    y = x.as_subclass(Named)
    assert type(y) is Named
    (y * 3).sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), 3)


def test_already_dense_and_shared() -> None:
    x = penlight.ones(2)
    assert x.to_dense() is x
    assert x.to_dense(penlight.float64).dtype is penlight.float64
    assert x.share_memory_() is x


def test_files_as_memory(tmp_path: Path) -> None:
    path = tmp_path / "numbers.bin"
    with pytest.raises(FileNotFoundError):
        penlight.from_file(path, size=3)
    x = penlight.from_file(str(path), shared=True, size=3)
    x.copy_(penlight.tensor([1.0, 2.0, 3.0]))
    mine = penlight.from_file(path, size=2)
    mine[0] = 9
    np.testing.assert_array_equal(np.fromfile(path, np.float32), [1, 2, 3])
    assert (mine * 2).tolist() == [18, 4]
    with pytest.raises(RuntimeError, match=r"has 12 bytes, 2 elements of float64 need 16"):
        penlight.from_file(path, size=2, dtype=penlight.float64)
    assert penlight.from_file(path).shape == (0,)


def test_kinds_of_objects() -> None:
    x = penlight.ones(2, dtype=penlight.int64)
    assert penlight.typename(x) == "torch.LongTensor"
    assert [penlight.typename(v) for v in (3, "x", int)] == ["int", "str", "int"]
    assert penlight.typename(penlight.nn.ReLU()) == "penlight.nn.modules.activation.ReLU"
    assert penlight.is_storage(x.untyped_storage())
    assert not penlight.is_storage(x)
    assert not x.is_distributed()


def test_settings_are_told_back() -> None:
    penlight.set_deterministic_debug_mode("warn")
    assert penlight.get_deterministic_debug_mode() == 1
    assert penlight.is_deterministic_algorithms_warn_only_enabled()
    penlight.set_deterministic_debug_mode(0)
    assert not penlight.are_deterministic_algorithms_enabled()
    with pytest.raises(RuntimeError, match="expected 0, 1, 2"):
        penlight.set_deterministic_debug_mode("loud")
    penlight.set_warn_always(True)
    assert penlight.is_warn_always_enabled()
    penlight.set_warn_always(False)
    assert penlight.set_flush_denormal(True) is False
