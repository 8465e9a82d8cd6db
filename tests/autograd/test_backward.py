"""``backward`` and ``autograd.grad``: arguments, accumulation, freeing, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import penlight


def leaf(lib: Any, *values: float) -> Any:
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


# -- backward ------------------------------------------------------------------------------------


def test_gradients_add_up(lib: Any) -> None:
    x = leaf(lib, 1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    assert first.tolist() == [2.0, 4.0]
    (x * 3).sum().backward()
    assert x.grad is first  # in its own memory
    assert first.tolist() == [5.0, 7.0]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_value_used_twice(lib: Any) -> None:
    x = leaf(lib, 3.0)
    y = x * 2
    (y * y + y + x).sum().backward()
    assert x.grad.tolist() == [2 * 2 * 6 + 2 + 1]


def test_gradient_argument(lib: Any) -> None:
    x = leaf(lib, 1.0, 2.0)
    y = x * x
    y.backward(lib.tensor([1.0, -1.0], dtype=lib.float64), retain_graph=True)
    assert x.grad.tolist() == [2.0, -4.0]
    y.backward(gradient=lib.ones(2), retain_graph=True)  # another dtype is cast
    assert x.grad.tolist() == [4.0, 0.0]
    assert x.grad.dtype == lib.float64
    for wrong in (lib.ones(3), lib.ones(1, 2), lib.ones(())):
        with pytest.raises(RuntimeError, match="Mismatch in shape"):
            y.backward(wrong)
    with pytest.raises(
        RuntimeError, match="grad can be implicitly created only for scalar outputs"
    ):
        y.backward()
    with pytest.raises(TypeError):
        y.backward(3.0)


def test_one_element_of_any_shape_needs_no_gradient(lib: Any) -> None:
    x = lib.ones(1, 1, requires_grad=True)
    (x * 3).backward()
    assert x.grad.tolist() == [[3.0]]


def test_second_pass(lib: Any) -> None:
    x = leaf(lib, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    nothing_saved = (x + x).sum()
    nothing_saved.backward()
    nothing_saved.backward()  # as PyTorch: only what was freed can be missing
    assert x.grad.tolist() == [12.0]


def test_create_graph_retains(lib: Any) -> None:
    x = leaf(lib, 2.0)
    y = (x**3).sum()
    (g,) = lib.autograd.grad(y, x, create_graph=True)
    y.backward()
    assert x.grad.tolist() == [12.0]
    g.backward()
    assert x.grad.tolist() == [24.0]


@pytest.mark.filterwarnings("ignore:Using backward")
def test_create_graph_gradients_have_a_history(lib: Any) -> None:
    x = leaf(lib, 2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    assert not x.grad.is_leaf
    (second,) = lib.autograd.grad(x.grad, x, retain_graph=True)
    assert second.tolist() == [12.0]
    (x**2).sum().backward(create_graph=True)  # added up out of place
    (second,) = lib.autograd.grad(x.grad, x)
    assert second.tolist() == [14.0]


def test_leaf_as_root(lib: Any) -> None:
    x = leaf(lib, 2.0)
    x.backward()
    x.backward(lib.ones(1, dtype=lib.float64) * 3)
    assert x.grad.tolist() == [4.0]


def test_several_roots(lib: Any) -> None:
    x = leaf(lib, 1.0, 2.0)
    lib.autograd.backward([x.sum(), x * x], [None, lib.tensor([1.0, 2.0], dtype=lib.float64)])
    assert x.grad.tolist() == [3.0, 9.0]
    lib.autograd.backward(x.sum() for _ in range(2))
    assert x.grad.tolist() == [5.0, 11.0]
    lib.autograd.backward(x.sum(), grad_tensors=lib.tensor(2.0))
    assert x.grad.tolist() == [7.0, 13.0]
    y = x * 2
    lib.autograd.backward([y.sum(), y.sum()])  # twice the same node
    assert x.grad.tolist() == [11.0, 17.0]
    lib.autograd.backward([])
    with pytest.raises(RuntimeError, match="2 tensors and 1 gradients"):
        lib.autograd.backward([x.sum(), x.sum()], [None])


def test_what_requires_no_gradient(lib: Any) -> None:
    for y in (lib.ones(()), lib.ones(2, dtype=lib.int64).sum()):
        with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad"):
            y.backward()
    x = leaf(lib, 1.0)
    with pytest.raises(RuntimeError, match="element 1 of tensors does not require grad"):
        lib.autograd.backward([x.sum(), x.detach().sum()])


def test_inputs_argument(lib: Any) -> None:
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    y = x * w
    z = (y * y).sum()
    z.backward(inputs=x, retain_graph=True)
    assert x.grad.tolist() == [2 * 3 * 3, 2 * 8 * 4]
    assert w.grad is None
    z.backward(inputs=[w, w], retain_graph=True)  # named twice, added once
    assert w.grad.tolist() == [2 * 3 * 1, 2 * 8 * 2]
    z.backward(inputs=[y], retain_graph=True)
    assert y.retains_grad
    assert y.grad.tolist() == [6.0, 16.0]
    unrelated = leaf(lib, 1.0)
    z.backward(inputs=[unrelated], retain_graph=True)
    assert unrelated.grad is None
    with pytest.raises(RuntimeError, match="cannot be empty"):
        z.backward(inputs=[])
    with pytest.raises(RuntimeError, match="require"):
        z.backward(inputs=[x.detach()])


def test_only_what_leads_to_the_inputs_runs(lib: Any) -> None:
    ran = []

    class Note(lib.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any, name: str) -> Any:
            ctx.name_of_path = name
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            ran.append(ctx.name_of_path)
            return g, None

    x, w = leaf(lib, 1.0), leaf(lib, 1.0)
    total = (Note.apply(x, "x") + Note.apply(w, "w")).sum()
    lib.autograd.grad(total, x, retain_graph=True)
    assert ran == ["x"]
    total.backward(inputs=[w])
    assert ran == ["x", "w"]


def test_broadcast_gradients_are_summed(lib: Any) -> None:
    a, b, c = (
        lib.ones(2, 1, requires_grad=True), lib.ones(3, requires_grad=True), lib.ones((), requires_grad=True),
    )  # fmt: skip
    (a * 2 + b * 3 + c).sum().backward()
    assert a.grad.tolist() == [[6.0], [6.0]]
    assert b.grad.tolist() == [6.0, 6.0, 6.0]
    assert c.grad.item() == 6.0


def test_dtypes_of_gradients(lib: Any) -> None:
    x = lib.ones(2, requires_grad=True)
    d = leaf(lib, 1.0, 2.0)
    (x * d).sum().backward()
    assert x.grad.dtype is lib.float32
    assert d.grad.dtype is lib.float64


# -- grad ----------------------------------------------------------------------------------------


def test_grad_leaves_grad_alone(lib: Any) -> None:
    x, w = leaf(lib, 2.0), leaf(lib, 3.0)
    y = x * x * w
    assert [g.tolist() for g in lib.autograd.grad(y, (x, w), retain_graph=True)] == [[12.0], [4.0]]
    assert x.grad is None
    assert w.grad is None
    (g,) = lib.autograd.grad(y, x)
    assert not g.requires_grad
    with pytest.raises(RuntimeError, match="second time"):
        lib.autograd.grad(y, x)


def test_grad_outputs(lib: Any) -> None:
    x = leaf(lib, 1.0, 2.0)
    y = x * x
    v = lib.tensor([1.0, 3.0], dtype=lib.float64)
    (g,) = lib.autograd.grad(y, x, v, retain_graph=True)
    assert g.tolist() == [2.0, 12.0]
    (g,) = lib.autograd.grad([y, y.sum()], x, [v, None], retain_graph=True)
    assert g.tolist() == [4.0, 16.0]
    with pytest.raises(RuntimeError, match="implicitly created"):
        lib.autograd.grad(y, x)
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        lib.autograd.grad(y.sum(), x, v)


def test_grad_of_intermediate_values(lib: Any) -> None:
    x = leaf(lib, 1.0, 2.0)
    y = x * 2
    z = y * 3
    gy, gx = lib.autograd.grad([z.sum(), y.sum()], [y, x], retain_graph=True)
    assert gy.tolist() == [4.0, 4.0]
    assert gx.tolist() == [8.0, 8.0]
    (same,) = lib.autograd.grad(y, y, lib.ones(2, dtype=lib.float64))
    assert same.tolist() == [1.0, 1.0]


def test_unused_inputs(lib: Any) -> None:
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0)
    y = (x * x).sum()
    with pytest.raises(RuntimeError, match=r"index 1 appears to not have been used in the graph"):
        lib.autograd.grad(y, (x, w), retain_graph=True)
    used, unused = lib.autograd.grad(y, (x, w), allow_unused=True, retain_graph=True)
    assert used.tolist() == [2.0, 4.0]
    assert unused is None
    _, zeros = lib.autograd.grad(y, (x, w), materialize_grads=True, retain_graph=True)
    assert zeros.tolist() == [0.0]
    assert zeros.dtype is lib.float64
    with pytest.raises(ValueError, match="allow_unused to be True or not passed"):
        lib.autograd.grad(y, w, materialize_grads=True, allow_unused=False)
    with pytest.raises(RuntimeError, match="does not require grad"):
        lib.autograd.grad(y, x.detach())
    with pytest.raises(RuntimeError, match="cannot be empty"):
        lib.autograd.grad(y, [])
    with pytest.raises(RuntimeError):
        lib.autograd.grad([], x)
    with pytest.raises(TypeError):
        lib.autograd.grad(y, 3)


def test_the_same_input_twice(lib: Any) -> None:
    x = leaf(lib, 2.0)
    a, b = lib.autograd.grad((x * x).sum(), (x, x))
    assert a.tolist() == b.tolist() == [4.0]


def test_batched_gradients(lib: Any) -> None:
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    y = x * x * w
    rows = lib.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=lib.float64)
    gx, gw = lib.autograd.grad(y, (x, w), rows, retain_graph=True, is_grads_batched=True)
    assert gx.tolist() == [[6.0, 0.0], [0.0, 16.0], [6.0, 16.0]]
    assert gw.tolist() == [[1.0, 0.0], [0.0, 4.0], [1.0, 4.0]]
    (g,) = lib.autograd.grad(y, x, rows, create_graph=True, is_grads_batched=True)
    (second,) = lib.autograd.grad(g.sum(), x)
    assert second.tolist() == [12.0, 16.0]
    other = leaf(lib, 1.0)
    found = lib.autograd.grad(
        y, (x, other), rows, retain_graph=True, is_grads_batched=True, allow_unused=True
    )
    assert found[1] is None
    with pytest.raises(RuntimeError):
        lib.autograd.grad(y, x, lib.ones(3, dtype=lib.float64), is_grads_batched=True)
    with pytest.raises((ValueError, IndexError)):
        lib.autograd.grad(y.sum(), x, lib.ones((), dtype=lib.float64), is_grads_batched=True)
    with pytest.raises(ValueError):  # noqa: PT011
        lib.autograd.grad(y.sum(), x, is_grads_batched=True)


def test_batched_gradients_free_the_graph_at_the_end() -> None:
    x = leaf(penlight, 1.0, 2.0)
    y = x * x
    penlight.autograd.grad(y, x, penlight.ones(2, 2, dtype=penlight.float64), is_grads_batched=True)
    with pytest.raises(RuntimeError, match="second time"):
        penlight.autograd.grad(y, x, penlight.ones(2, dtype=penlight.float64))


# -- whose memory a gradient lies in ---------------------------------------------------------------


def memory(t: Any) -> np.ndarray:
    return t.detach().numpy()  # type: ignore[no-any-return]


def shared(a: Any, b: Any) -> bool:
    return np.may_share_memory(memory(a), memory(b))


def test_gradients_share_no_memory(lib: Any) -> None:
    a, b = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    seed = lib.ones(2, dtype=lib.float64)
    (a + b).backward(seed)
    assert not shared(a.grad, b.grad)
    assert not shared(a.grad, seed)
    assert not shared(b.grad, seed)
    a.grad.mul_(5)
    assert b.grad.tolist() == seed.tolist() == [1.0, 1.0]


def test_gradient_of_a_view_is_not_the_seed() -> None:
    """PyTorch does hand the seed's memory out here: a later ``.grad.mul_()`` changes the seed."""
    for view in (
        lambda x: x.view(2, 2), lambda x: x[:], lambda x: x.expand(1, 4), lambda x: x.clone(), lambda x: x * 1
    ):  # fmt: skip
        x = leaf(penlight, 1.0, 2.0, 3.0, 4.0)
        y = view(x)
        seed = penlight.ones(y.shape, dtype=penlight.float64)
        y.backward(seed)
        assert not shared(x.grad, seed)


def test_expanded_gradients_become_whole(lib: Any) -> None:
    x = lib.ones(3, 2, requires_grad=True)
    x.sum().backward()  # its gradient is one number, repeated
    assert x.grad.is_contiguous()
    x.grad[0, 0] = 5.0
    assert x.grad.tolist() == [[5.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    x.sum().backward()
    assert x.grad.tolist() == [[6.0, 2.0], [2.0, 2.0], [2.0, 2.0]]


def test_retained_gradients_are_apart(lib: Any) -> None:
    x = leaf(lib, 1.0, 2.0)
    y = x + 0
    y.retain_grad()
    y.sum().backward()
    assert not shared(y.grad, x.grad)


def test_gradient_lies_like_its_leaf(lib: Any) -> None:
    x = lib.ones(3, 2).t().requires_grad_()
    (x * lib.ones(2, 3)).sum().backward()
    assert x.grad.stride() == x.stride()


def test_results_of_grad_are_apart() -> None:
    """PyTorch returns one tensor for both inputs; here they share no memory."""
    a, b = leaf(penlight, 1.0, 2.0), leaf(penlight, 3.0, 4.0)
    ga, gb = penlight.autograd.grad((a + b).sum(), (a, b))
    ga.mul_(5)
    assert gb.tolist() == [1.0, 1.0]


def test_saved_memory_is_not_handed_out() -> None:
    """With the graph kept, a gradient must not be an array that a node still needs."""
    x = leaf(penlight, 1.0, 2.0)
    mask = leaf(penlight, 3.0, 4.0)
    y = (x * mask).sum()
    y.backward(retain_graph=True)
    x.grad.mul_(100)
    mask.grad.mul_(100)
    x.grad = mask.grad = None
    y.backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert mask.grad.tolist() == [1.0, 2.0]


def test_many_uses_add_without_touching_others() -> None:
    """Sums are added up in place only where nobody else holds the first term."""
    x = leaf(penlight, 1.0, 2.0)
    terms = [x + 0 for _ in range(6)]
    for t in terms:
        t.retain_grad()
    total = terms[0]
    for t in terms[1:]:
        total = total + t
    seed = penlight.tensor([1.0, 10.0], dtype=penlight.float64)
    total.backward(seed)
    assert x.grad.tolist() == [6.0, 60.0]
    assert seed.tolist() == [1.0, 10.0]
    assert all(t.grad.tolist() == [1.0, 10.0] for t in terms)
    first = memory(terms[0].grad)
    assert not any(np.may_share_memory(first, memory(t.grad)) for t in terms[1:])


def test_read_only_gradient_is_replaced() -> None:
    x = leaf(penlight, 1.0, 2.0)
    array = np.ones(2)
    array.flags.writeable = False
    x.grad = penlight.tensor([0.0, 0.0], dtype=penlight.float64)
    x.grad._array = array
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert array.tolist() == [1.0, 1.0]


def test_bits_repeat() -> None:
    rng = np.random.default_rng(0)
    data = [rng.standard_normal((7, 9)).astype(np.float32) for _ in range(3)]

    def run() -> list[bytes]:
        a, b, c = (penlight.tensor(d, requires_grad=True) for d in data)
        ((a * b).sigmoid() @ c.T).tanh().sum().backward()
        return [memory(t.grad).tobytes() for t in (a, b, c)]

    assert run() == run()


def test_a_pass_towards_some_inputs_asks_ops_for_no_other_gradients() -> None:
    from penlight.autograd.op import Op

    asked = []

    class Times(Op):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save(a, b)
            return a * b

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            asked.append([edge is not None for edge in ctx.edges])
            a, b = ctx.saved
            return dy * b, dy * a

    x = penlight.tensor([2.0], requires_grad=True)
    w = penlight.tensor([3.0], requires_grad=True)
    y = Times.apply(x, w)
    (dx,) = penlight.autograd.grad(y, x, create_graph=True)
    (ddx,) = penlight.autograd.grad(dx, w, retain_graph=True)
    penlight.autograd.grad(y, (x, w), retain_graph=True)
    y.backward()
    assert asked == [[True, False], [True, True], [True, True]]
    assert (dx.item(), ddx.item(), w.grad.item()) == (3, 1, 2)
