"""Idioms that break look-alikes of PyTorch, with what they give; for either library."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest


def tied_weights(torch: Any) -> Any:
    """A shared parameter is one parameter under two names, and stays shared when loaded."""
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    model[1].weight = model[0].weight
    model.load_state_dict({name: torch.ones_like(v) for name, v in model.state_dict().items()})
    twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    names = [name for name, _ in model.named_parameters()]
    return len(model.state_dict()), names, twin[1].weight is twin[0].weight


def states_are_views(torch: Any) -> Any:
    layer = torch.nn.Linear(1, 1)
    state = layer.state_dict()
    layer.weight.data.fill_(7)
    state["bias"].fill_(3)
    return state["weight"].item(), layer.bias.item(), state["weight"].requires_grad


def hooks_change_gradients(torch: Any) -> Any:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    handle = y.register_hook(lambda g: g * 3)
    x.register_hook(lambda g: g + 1)
    (y**2).sum().backward()
    handle.remove()
    return y.grad.tolist(), x.grad.tolist()


def hooks_of_modules(torch: Any) -> Any:
    layer = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    layer.register_forward_hook(lambda module, args, y: y + 1)
    seen = []
    layer.register_full_backward_hook(
        lambda module, gi, go: seen.append((gi[0].shape, go[0].sum()))
    )
    layer(torch.ones(3, 2, requires_grad=True)).sum().backward()
    return (
        [tuple(shape) for shape, _ in seen],
        [g.item() for _, g in seen],
        layer.weight.grad.tolist(),
    )


def writes_into_views(torch: Any) -> Any:
    x = torch.ones(4, requires_grad=True)
    y = x * 1
    y[1:3] *= 5
    y.view(2, 2)[0] += 1
    (y**2).sum().backward()
    return x.grad.tolist()


def writes_by_element(torch: Any) -> Any:
    a = torch.ones(3, requires_grad=True)
    b = torch.zeros(3)
    b[0] = a[0] * 2
    b[1:] = a[1:] * 3
    b.sum().backward()
    return a.grad.tolist(), b.grad_fn is not None


def masks(torch: Any) -> Any:
    x = torch.arange(6.0).view(2, 3)
    x[x > 3] = -1
    x[x == 0] = torch.tensor([9.0])
    x[:, 1][x[:, 1] > 0] = 0.5
    return x.tolist(), x[x < 0].shape[0], x[(x > 0) & ~(x > 8)].tolist()


def new_axes(torch: Any) -> Any:
    x = torch.zeros(2, 3)
    shapes = x[..., None], x[:, None], x[None, ..., None], x[0, ..., None], x[[1, 0], :, None]
    return [tuple(y.shape) for y in shapes]


def unpacking(torch: Any) -> Any:
    a, b = torch.arange(6).chunk(2)
    c, d, e = torch.arange(7).split([1, 2, 4])
    (p, q), (r, _) = torch.eye(2)
    return [t.tolist() for t in (a, b, c, d, e, p, q, r)]


def sizes(torch: Any) -> Any:
    x = torch.zeros(2, 3)
    n, c = x.shape
    assert x.shape == (2, 3)
    assert x.size() == torch.Size([2, 3])
    joined = x.shape[:-1] + torch.Size([5]) + (1,)
    return (
        n * c,
        tuple(torch.zeros(*x.shape, 4).shape),
        type(joined).__name__,
        list(joined),
        str(x.shape),
    )


def numbers_and_conditions(torch: Any) -> Any:
    x = torch.tensor(3)
    chosen = [10, 20, 30, 40][x], list(range(5))[x:], max(torch.tensor(1), torch.tensor(2)).item()
    return (
        chosen,
        float(x),
        int(torch.tensor([[2.7]])),
        bool(x == 3),
        2 < x < 4,
        sum(torch.arange(4)).item(),
    )


def nested_lists(torch: Any) -> Any:
    one, two = torch.tensor(1.0), torch.tensor(2.0)
    x = torch.tensor([[one, two], [3, np.float32(4)]])
    return x.tolist(), str(x.dtype)[-7:], torch.tensor([True, 2]).tolist(), torch.tensor([]).numel()


def promotion(torch: Any) -> Any:
    kinds = [torch.uint8, torch.int64, torch.float16, torch.float64, torch.bool]
    pairs = [(torch.ones(1, dtype=d) * s).dtype for d in kinds for s in (2, 0.5, True)]
    weak = torch.zeros(1, dtype=torch.float16) + torch.zeros((), dtype=torch.float64)
    return [str(d).rpartition(".")[2] for d in (*pairs, weak.dtype)]


def numpy_both_ways(torch: Any) -> Any:
    a = np.zeros(2, np.float32)
    t = torch.from_numpy(a)
    t[0] = 1
    a[1] = 2
    return (
        t.tolist(),
        np.asarray(t) is not None,
        np.array(t).dtype.name,
        (t * np.float64(2)).dtype == t.dtype,
    )


def data_and_grad(torch: Any) -> Any:
    p = torch.nn.Parameter(torch.ones(2))
    (p * 2).sum().backward()
    p.data.add_(p.grad.data, alpha=-0.5)
    p.grad.detach_().zero_()
    p.data = p.data.type(torch.float64)
    return p.tolist(), str(p.dtype)[-7:], p.is_leaf, p.requires_grad


def containers(torch: Any) -> Any:
    nn = torch.nn
    layers = nn.ModuleList([nn.ReLU()])
    layers += [nn.Tanh()]
    layers.insert(0, nn.Identity())
    names: list[str] = []
    nn.Sequential(*layers).apply(lambda m: names.append(m.__class__.__name__))
    table = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    return names, len(layers[1:]), "a" in table, [k for k, _ in table.items()], str(layers[-1])


IDIOMS: dict[Any, Any] = {
    tied_weights: (4, ["0.weight", "0.bias", "1.bias"], True),
    states_are_views: (7.0, 3.0, False),
    hooks_change_gradients: ([12.0, 12.0], [25.0, 25.0]),
    hooks_of_modules: ([(3, 2)], [3.0], [[6.0, 6.0]]),
    writes_into_views: [4.0, 60.0, 50.0, 2.0],
    writes_by_element: ([2.0, 3.0, 3.0], True),
    masks: ([[9.0, 0.5, 2.0], [3.0, -1.0, -1.0]], 2, [0.5, 2.0, 3.0]),
    new_axes: [(2, 3, 1), (2, 1, 3), (1, 2, 3, 1), (3, 1), (2, 3, 1)],
    unpacking: [[0, 1, 2], [3, 4, 5], [0], [1, 2], [3, 4, 5, 6], 1.0, 0.0, 0.0],
    sizes: (6, (2, 3, 4), "Size", [2, 5, 1], "torch.Size([2, 3])"),
    numbers_and_conditions: ((40, [3, 4], 2), 3.0, 2, True, True, 6),
    nested_lists: ([[1.0, 2.0], [3.0, 4.0]], "float32", [1, 2], 0),
    promotion: [
        "uint8", "float32", "uint8", "int64", "float32", "int64", "float16", "float16", "float16",
        "float64", "float64", "float64", "int64", "float32", "bool", "float16",
    ],
    numpy_both_ways: ([1.0, 2.0], True, "float32", True),
    data_and_grad: ([0.0, 0.0], "float64", True, True),
    containers: (["Identity", "ReLU", "Tanh", "Sequential"], 2, True, ["a", "b"], "Tanh()"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")
@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda f: f.__name__)
def test_idiom(lib: Any, idiom: Any) -> None:
    assert idiom(lib) == IDIOMS[idiom]
