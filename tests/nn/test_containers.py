"""Containers: every method of each, as short programs with what they give in both libraries."""

from __future__ import annotations

import operator
from collections import OrderedDict
from typing import Any

import pytest

from penlight import nn

PROGRAMS: list[tuple[str, Any]] = [
    # Sequential
    ("seq(3)", '0:L1 1:L2 2:L3'),
    ("seq(3)[1]", 'L2'),
    ("seq(3)[-1]", 'L3'),
    ("seq(3)[3]", IndexError),
    ("seq(3)[-4]", IndexError),
    ('seq(3)["1"]', TypeError),
    ("seq(4)[1:3]", '1:L2 2:L3'),
    ("seq(4)[::-2]", '3:L4 1:L2'),
    ("named()[1:]", 'b:ReLU'),
    ("named().b", 'ReLU'),
    ("named()[-1]", 'ReLU'),
    ("list(named().state_dict())", "['a.weight', 'a.bias']"),
    ("[type(m).__name__ for m in named()]", "['Linear', 'ReLU']"),
    ("len(seq(3))", '3'),
    ("put(seq(3), 1, R())", '0:L1 1:ReLU 2:L3'),
    ("put(seq(3), -1, R())", '0:L1 1:L2 2:ReLU'),
    ("put(seq(3), 5, R())", IndexError),
    ("put(seq(3), 1, 7)", TypeError),
    ("put(named(), 0, R())", 'a:ReLU b:ReLU'),
    ("take(seq(4), 1)", '0:L1 1:L3 2:L4'),
    ("take(seq(4), -1)", '0:L1 1:L2 2:L3'),
    ("take(seq(4), slice(0, 2))", '0:L3 1:L4'),
    ("take(seq(4), 9)", IndexError),
    ("take(named(), 0)", '0:ReLU'),
    ("seq(2).append(R())", '0:L1 1:L2 2:ReLU'),
    ("seq(2).append(3)", TypeError),
    ("seq(2).insert(0, R())", '0:ReLU 1:L1 2:L2'),
    ("seq(2).insert(-1, R())", '0:L1 1:ReLU 2:L2'),
    ("seq(2).insert(2, R())", '0:L1 1:L2 2:ReLU'),
    ("seq(2).insert(3, R())", IndexError),
    ("seq(2).insert(-3, R())", IndexError),
    ('seq(2).insert(0, "a")', AssertionError),
    ("seq(2).extend(seq(2))", '0:L1 1:L2 2:L1 3:L2'),
    ("seq(2).extend([R()])", '0:L1 1:L2 2:ReLU'),
    ("after(seq(3), lambda m: m.pop(0))", '0:L2 1:L3'),
    ("after(seq(3), lambda m: m.pop(-1))", '0:L1 1:L2'),
    ("after(seq(3), lambda m: m.pop(slice(1, 3)))", '0:L1'),
    ("seq(1) + seq(2)", '0:L1 1:L1 2:L2'),
    ("seq(1) + [R()]", ValueError),
    ("iadd(seq(1), seq(2))", '0:L1 1:L1 2:L2'),
    ("iadd(seq(1), [R()])", ValueError),
    ("iadd(seq(1), 3)", ValueError),
    ("seq(2) * 2", '0:L1 1:L2 2:L1 3:L2'),
    ("2 * seq(1)", '0:L1 1:L1'),
    ("seq(2) * 0", ValueError),
    ("seq(2) * 1.5", TypeError),
    ("imul(seq(2), 2)", '0:L1 1:L2 2:L1 3:L2'),
    ("imul(seq(2), -1)", ValueError),
    ("nn.Sequential()", ''),
    ("nn.Sequential(3)", TypeError),
    ("nn.Sequential(OrderedDict(a=3))", TypeError),
    ('nn.Sequential({"a": R()})', TypeError),
    ("nn.Sequential()(5)", '5'),
    ("[n for n in dir(seq(2)) if n.isdigit()]", '[]'),
    ("bool(nn.Sequential())", 'False'),
    # ModuleList
    ("mlist(3)", '0:L1 1:L2 2:L3'),
    ("mlist(0)", ''),
    ("mlist(3)[1]", 'L2'),
    ("mlist(3)[-3]", 'L1'),
    ("mlist(3)[3]", IndexError),
    ("mlist(4)[1:3]", '0:L2 1:L3'),
    ("mlist(4)[2:2]", ''),
    ("len(mlist(3))", '3'),
    ("put(mlist(3), -1, R())", '0:L1 1:L2 2:ReLU'),
    ("put(mlist(3), 3, R())", IndexError),
    ("put(mlist(2), 0, None)", '0:None 1:L2'),
    ("take(mlist(4), 1)", '0:L1 1:L3 2:L4'),
    ("take(mlist(4), slice(0, 3, 2))", '0:L2 1:L4'),
    ("take(mlist(4), 4)", IndexError),
    ("mlist(2).append(R())", '0:L1 1:L2 2:ReLU'),
    ("mlist(2).append(3)", TypeError),
    ('mlist(2).insert(0, R()) or "nothing"', "'nothing'"),
    ("after(mlist(2), lambda m: m.insert(0, R()))", '0:ReLU 1:L1 2:L2'),
    ("mlist(2).extend([R()])", '0:L1 1:L2 2:ReLU'),
    ("mlist(2).extend(3)", TypeError),
    ("after(mlist(3), lambda m: m.pop(1))", '0:L1 1:L3'),
    ("after(mlist(3), lambda m: m.pop(slice(0, 2)))", '0:L3'),
    ("mlist(1) + mlist(2)", '0:L1 1:L1 2:L2'),
    ("mlist(1) + [R()]", '0:L1 1:ReLU'),
    ("iadd(mlist(1), [R()])", '0:L1 1:ReLU'),
    ("mlist(2)(1)", NotImplementedError),
    ("list(mlist(2).state_dict())", "['0.weight', '0.bias', '1.weight', '1.bias']"),
    ("nn.ModuleList([nn.Linear(1, 1), R()])", '0:L1 1:ReLU'),
    # ModuleDict
    ("mdict()", 'b:L1 a:ReLU'),
    ('mdict()["b"]', 'L1'),
    ('mdict()["z"]', KeyError),
    ("len(mdict())", '2'),
    ("list(mdict())", "['b', 'a']"),
    ("list(mdict().keys())", "['b', 'a']"),
    ("[type(m).__name__ for m in mdict().values()]", "['Linear', 'ReLU']"),
    ("[k for k, m in mdict().items()]", "['b', 'a']"),
    ('"a" in mdict(), "z" in mdict()', '(True, False)'),
    ('put(mdict(), "c", nn.Tanh())', 'b:L1 a:ReLU c:Tanh'),
    ('put(mdict(), "a", nn.Tanh())', 'b:L1 a:Tanh'),
    ('put(mdict(), "a.b", nn.Tanh())', KeyError),
    ('put(mdict(), "training", nn.Tanh())', KeyError),
    ("put(mdict(), 3, nn.Tanh())", TypeError),
    ('put(mdict(), "c", 3)', TypeError),
    ('take(mdict(), "a")', 'b:L1'),
    ('take(mdict(), "z")', KeyError),
    ('after(mdict(), lambda m: m.pop("a"))', 'b:L1'),
    ("after(mdict(), lambda m: m.clear())", ''),
    ('after(mdict(), lambda m: m.update({"c": nn.Tanh(), "b": R()}))', 'b:ReLU a:ReLU c:Tanh'),
    ('after(mdict(), lambda m: m.update([("z", nn.Tanh()), ("y", R())]))', 'b:L1 a:ReLU z:Tanh y:ReLU'),
    ("after(mdict(), lambda m: m.update(OrderedDict(z=nn.Tanh(), y=R())))", 'b:L1 a:ReLU z:Tanh y:ReLU'),
    ("after(mdict(), lambda m: m.update(mdict()))", 'b:L1 a:ReLU'),
    ("after(mdict(), lambda m: m.update(3))", TypeError),
    ("after(mdict(), lambda m: m.update([3]))", TypeError),
    ('after(mdict(), lambda m: m.update([("a",)]))', ValueError),
    ("mdict()(1)", NotImplementedError),
    ("nn.ModuleDict()", ''),
    # ParameterList
    ("plist()", '0:P2 1:P3'),
    ("len(plist())", '2'),
    ("plist()[0]", 'P2'),
    ("plist()[-1]", 'P3'),
    ("plist()[2]", IndexError),
    ("plist()[:1]", '0:P2'),
    ("list(plist().state_dict())", "['0', '1']"),
    ("put(plist(), 0, ones(3))", '0:P3 1:P3'),
    ("put(plist(), -1, nn.Parameter(ones(3)))", '0:P2 1:P3'),
    ("put(plist(), 2, ones(3))", IndexError),
    ('put(plist(), 0, "word")', TypeError),
    ("put(plist(), 0, None)", '0:None 1:P3'),
    ("plist().append(ones(1))", '0:P2 1:P3 2:P1'),
    ('plist().append("word")', '0:P2 1:P3'),
    ("plist().extend([ones(1), 3])", '0:P2 1:P3 2:P1'),
    ("plist().extend(ones(2))", TypeError),
    ("plist().extend(3)", TypeError),
    ("plist().extend(plist())", '0:P2 1:P3 2:P2 3:P3'),
    ("iadd(plist(), [ones(1)])", '0:P2 1:P3 2:P1'),
    ("plist()(1)", RuntimeError),
    ("[type(p).__name__ for p in plist()]", "['Parameter', 'Parameter']"),
    ("[n for n, p in plist().named_parameters()]", "['0', '1']"),
    ("nn.ParameterList()", ''),
    ("nn.ParameterList([ones(1).double(), 5])", '0:P1'),
    ("take(plist(), 0)", AttributeError),
    # ParameterDict
    ("pdict()", 'b:P2 a:P3'),
    ('pdict()["b"]', 'P2'),
    ('pdict()["z"]', AttributeError),
    ("pdict()[3]", TypeError),
    ('put(pdict(), "c", ones(3))', 'b:P2 a:P3 c:P3'),
    ('put(pdict(), "a", None)', 'b:P2 a:None'),
    ('put(pdict(), "w", "word")', 'b:P2 a:P3'),
    ('put(pdict(), 3, "word")', TypeError),
    ('take(pdict(), "a")', 'b:P2'),
    ('take(pdict(), "z")', KeyError),
    ("len(pdict())", '2'),
    ("list(pdict())", "['b', 'a']"),
    ("list(reversed(pdict()))", "['a', 'b']"),
    ('"a" in pdict(), "z" in pdict()', '(True, False)'),
    ("list(pdict().keys())", "['b', 'a']"),
    ("[k for k, v in pdict().items()]", "['b', 'a']"),
    ("[tuple(v.shape) for v in pdict().values()]", '[(2,), (3,)]'),
    ('pdict().get("a")', 'P3'),
    ('pdict().get("z")', 'None'),
    ('pdict().get("z", 5)', '5'),
    ('pdict().setdefault("a")', 'P3'),
    ('after(pdict(), lambda m: m.setdefault("z", ones(1)))', 'b:P2 a:P3 z:P1'),
    ('after(pdict(), lambda m: m.pop("a"))', 'b:P2'),
    ('pdict().pop("z")', AttributeError),
    ("pdict().popitem()[0]", "'a'"),
    ("nn.ParameterDict().popitem()", KeyError),
    ("after(pdict(), lambda m: m.clear())", ''),
    ("pdict().copy()", 'b:P2 a:P3'),
    ('pdict().fromkeys(["x", "y"])', ''),
    ('pdict().fromkeys(["x", "y"], 3)', ''),
    ('after(pdict(), lambda m: m.update({"z": ones(1), "y": ones(1)}))', 'b:P2 a:P3 y:P1 z:P1'),
    ('after(pdict(), lambda m: m.update([("z", ones(1)), ("y", ones(1))]))', 'b:P2 a:P3 z:P1 y:P1'),
    ("after(pdict(), lambda m: m.update(pdict()))", 'b:P2 a:P3'),
    ("after(pdict(), lambda m: m.update(3))", TypeError),
    ("after(pdict(), lambda m: m.update([3]))", TypeError),
    ('after(pdict(), lambda m: m.update([("a",)]))', ValueError),
    ('pdict() | {"z": ones(1)}', 'b:P2 a:P3 z:P1'),
    ('{"z": ones(1)} | pdict()', "{'z': tensor([1.]), 'b': Parameter containing:\ntensor([1., 1.], requires_grad=True), 'a': Parameter containing:\ntensor([1., 1., 1.], requires_grad=True)}"),
    ('ior(pdict(), {"z": ones(1)})', 'b:P2 a:P3 z:P1'),
    ('nn.ParameterDict({"b": ones(1), "a": ones(1)})', 'a:P1 b:P1'),
    ("list(pdict().state_dict())", "['b', 'a']"),
    ("pdict()(1)", RuntimeError),
    ('nn.ParameterDict({"weird.name": ones(1)})', KeyError),
]  # fmt: skip


def vocabulary(lib: Any) -> dict[str, Any]:
    """The words of the programs below, for one of the libraries."""
    nn = lib.nn
    return {
        "nn": nn,
        "ones": lib.ones,
        "OrderedDict": OrderedDict,
        "R": nn.ReLU,
        "seq": lambda n: nn.Sequential(*(nn.Linear(i + 1, 1) for i in range(n))),
        "named": lambda: nn.Sequential(OrderedDict(a=nn.Linear(1, 1), b=nn.ReLU())),
        "mlist": lambda n: nn.ModuleList(nn.Linear(i + 1, 1) for i in range(n)),
        "mdict": lambda: nn.ModuleDict({"b": nn.Linear(1, 1), "a": nn.ReLU()}),
        "plist": lambda: nn.ParameterList([lib.ones(2), nn.Parameter(lib.ones(3))]),
        "pdict": lambda: nn.ParameterDict([("b", lib.ones(2)), ("a", nn.Parameter(lib.ones(3)))]),
        "put": lambda m, i, v: (operator.setitem(m, i, v), m)[1],
        "take": lambda m, i: (operator.delitem(m, i), m)[1],
        "after": lambda m, f: (f(m), m)[1],
        "iadd": operator.iadd,
        "imul": operator.imul,
        "ior": operator.ior,
    }


def described(value: Any) -> str:
    """A result in brief: ``0:L2 1:ReLU`` for a container of Linear(2, 1) and ReLU."""
    name = type(value).__name__
    if name == "Linear":
        return f"L{value.in_features}"
    if name in ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"):
        parts = {**value._parameters, **value._modules}
        return " ".join(f"{k}:{described(part)}" for k, part in parts.items())
    if hasattr(value, "requires_grad"):
        return f"{name[0]}{value.shape[0]}"
    return name if hasattr(value, "training") else repr(value)


@pytest.mark.filterwarnings("ignore:Setting attributes on Parameter")
@pytest.mark.parametrize(("program", "expected"), PROGRAMS, ids=[p for p, _ in PROGRAMS])
def test_container(lib: Any, program: str, expected: Any) -> None:
    words = vocabulary(lib)
    if isinstance(expected, str):
        assert described(eval(program, words)) == expected
    else:
        with pytest.raises(expected):
            eval(program, words)


def test_runs_of_equal_modules_are_shown_once(lib: Any) -> None:
    layers = [lib.nn.Linear(1, 1), lib.nn.Linear(1, 1), lib.nn.ReLU(), lib.nn.Linear(1, 1)]
    linear = "Linear(in_features=1, out_features=1, bias=True)"
    assert repr(lib.nn.ModuleList(layers)) == (
        f"ModuleList(\n  (0-1): 2 x {linear}\n  (2): ReLU()\n  (3): {linear}\n)"
    )


def test_parameters_are_shown_with_their_sizes(lib: Any) -> None:
    values = [lib.nn.Parameter(lib.ones(2, 3)), lib.nn.Parameter(lib.ones(())), "word"]
    assert repr(lib.nn.ParameterList(values)) == (
        "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2x3]\n"
        "    (1): Parameter containing: [torch.float32 of size ]\n    (2): Object of type: str\n)"
    )
    assert repr(lib.nn.ParameterDict(OrderedDict(a=values[0], b="word"))) == (
        "ParameterDict(\n    (a): Parameter containing: [torch.FloatTensor of size 2x3]\n"
        "    (b): Object of type: str\n)"
    )


def test_inserting_into_a_list_counts_as_a_list_does() -> None:
    """PyTorch's own ``insert`` raises or leaves a gap in the names for such positions."""
    for index in (-1, -9, 9):
        layers, plain = nn.ModuleList(nn.Linear(i + 1, 1) for i in range(3)), [1, 2, 3]
        layers.insert(index, nn.Linear(7, 1))
        plain.insert(index, 7)
        assert [m.in_features for m in layers] == plain
        assert list(layers._modules) == ["0", "1", "2", "3"]


def test_wrong_positions_are_named() -> None:
    with pytest.raises(IndexError, match="index 5 is out of range"):
        nn.Sequential(nn.ReLU())[5]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        nn.Sequential(3)
