"""Whether a function takes what PyTorch's takes."""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

__all__ = ["compare"]

EMPTY = inspect.Parameter.empty
KEYWORD = inspect.Parameter.KEYWORD_ONLY
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
NOT_OURS = {"layout", "pin_memory"}  # accepted where they mean something here
SCRIPT_ONLY = {"str", "t", "int", "float", "Scalar_float", "bool", "any", "left_t", "dtype"}
Parameters = list[inspect.Parameter]


def compare(ours: Any, theirs: Any, method: bool = False) -> str:
    """``""`` if a call of theirs is one of ours, else what differs; ``"?"`` if PyTorch doesn't say.

    A function in Python must have the same parameters, in order, by kind and default. A function in
    C++ has several calls, which its operators' declarations and its docstring tell, not always
    alike: all calls of one of the two must be accepted, under the same names.
    """
    if not callable(theirs) or isinstance(theirs, property):
        return ""
    declared = _declared(theirs)
    if declared is not None:
        if all(p.kind in VARIABLE for p in declared):
            return "?"
        mine = _declared(ours)
        if mine is None:
            return "?"
        return _difference(mine[1:], declared[1:]) if method else _difference(mine, declared)
    mine = _declared(ours)
    if method and mine:
        mine = mine[1:]
    name, text = getattr(theirs, "__name__", ""), theirs.__doc__ or ""
    # not every operator's variant with out= is open to Python
    with_out = not method and "out=" in text
    sources = [_in_schemas(name, method, with_out), _in_docstring(name, text)]
    if mine is None or not any(sources):
        return "?"
    answers = [_refusals(mine, calls) for calls in sources if calls]
    return "" if "" in answers else answers[0]


def _declared(function: Any) -> Parameters | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return None


def _in_schemas(name: str, method: bool, with_out: bool) -> list[Parameters]:
    """The calls of a function in C++, as its operators are declared."""
    found = []
    for schema in _schemas().get(name, ()):
        arguments = [a.name for a in schema.arguments]
        if schema.overload_name in SCRIPT_ONLY or {"a", "names"} & {*arguments}:
            continue  # TorchScript's numbers and lists; named dimensions
        if method and "self" not in arguments:
            continue
        given = [a for a in schema.arguments if not a.is_out and not (method and a.name == "self")]
        parameters = [_parameter(a) for a in given]
        if with_out and any(a.is_out for a in schema.arguments):
            parameters.append(inspect.Parameter("out", KEYWORD, default=None))
        found.append(parameters)
    return found


@functools.cache
def _schemas() -> dict[str, list[Any]]:
    """PyTorch's declared operators by name."""
    import torch

    by_name: dict[str, list[Any]] = {}
    for schema in torch._C._jit_get_all_schemas():
        namespace, _, name = schema.name.partition("::")
        if namespace == "aten":
            by_name.setdefault(name, []).append(schema)
    return by_name


def _parameter(argument: Any) -> inspect.Parameter:
    kind = KEYWORD if argument.kwarg_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
    default = argument.default_value if argument.has_default_value() else EMPTY
    name = {"self": "input", "from": "from_"}.get(argument.name, argument.name)
    return inspect.Parameter(name, kind, default=default)


def _in_docstring(name: str, text: str) -> list[Parameters]:
    """The calls of a function in C++, as its docstring shows them."""
    found = []
    short = re.sub(r"^(linalg|fft|special)_", r"(\1\\.)?", name)
    for match in re.finditer(rf"^\s*{short}(?P<call>\([^\n]*?\)) *->", text, re.M):
        made = _Anything()
        try:
            exec(f"def f{match['call']}: ...", {}, made)
        except SyntaxError:
            continue
        found.append(list(inspect.signature(made["f"]).parameters.values()))
    return found


class _Anything(dict[str, Any]):
    """Names in documented defaults, such as ``torch.strided``: their text is enough."""

    def __missing__(self, name: str) -> Any:
        return _Text(name)


class _Text(str):
    def __getattr__(self, name: str) -> Any:
        return _Text(f"{self}.{name}")


def _difference(mine: Parameters, theirs: Parameters) -> str:
    """Between two declared lists: the first parameter that is not the same."""
    for a, b in zip(mine, theirs, strict=False):
        if a.name != b.name:
            return f"`{a.name}` for `{b.name}`"
        if a.kind != b.kind and b.kind is not inspect.Parameter.POSITIONAL_ONLY:
            return f"`{a.name}` is {a.kind.description}"
        if not _same_default(a.default, b.default):
            return f"`{a.name}={a.default!r}` for `{b.default!r}`"
    rest = mine[len(theirs) :] or theirs[len(mine) :]
    return f"`{rest[0].name}` {'more' if mine[len(theirs) :] else 'missing'}" if rest else ""


def _same_default(a: Any, b: Any) -> bool:
    if inspect.isroutine(a) and inspect.isroutine(b):
        return a.__name__ == b.__name__
    if type(a).__name__ == type(b).__name__ == "Generator":
        return True
    return a is b or repr(a).replace("penlight", "torch") == repr(b)


def _refusals(mine: Parameters, calls: list[Parameters]) -> str:
    return next((text for call in calls if (text := _refusal(mine, call))), "")


def _refusal(mine: Parameters, call: Parameters) -> str:
    """Why a documented call would not be accepted."""
    known = {p.name: p for p in mine}
    open_ended = any(p.kind in VARIABLE for p in mine)
    order = [p.name for p in mine if p.kind is not KEYWORD]
    place = -1
    for i, p in enumerate(call):
        own = known.get(p.name)
        if own is None:
            if open_ended or p.kind in VARIABLE or p.name in NOT_OURS:
                continue
            return f"`{p.name}` missing"
        if p.kind is not KEYWORD and p.kind not in VARIABLE:
            if own.kind is KEYWORD and i < len(order):
                continue  # one parameter for either, as in max(input, dim) and max(input, other)
            if p.name not in order or order.index(p.name) < place:
                return f"`{p.name}` in another place"
            place = order.index(p.name)
        if EMPTY not in (p.default, own.default) and not _agrees(own.default, p.default):
            return f"`{p.name}={own.default!r}` for `{p.default!r}`"
    return ""


def _agrees(mine: Any, documented: Any) -> bool:
    """Equal, or None that stands for what is documented."""
    if isinstance(documented, _Text) or mine is None or documented is None:
        return True
    if isinstance(mine, tuple):
        mine = list(mine)
    return bool(mine == documented)
