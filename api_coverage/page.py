"""The page: a summary by namespace, then a table for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api_coverage.documented import NAMESPACES, find, names
from api_coverage.evidence import Evidence
from api_coverage.left_out import reason
from api_coverage.signatures import compare

__all__ = ["Entry", "entries", "page"]

HEADING = """# How much of PyTorch is here

`make coverage` compares Penlight's public names with PyTorch {version}'s, runs the comparisons of the test suite,
and writes this page; `make parity` fails where it no longer tells the truth.

- **signature**: of a function in Python, the same parameters in the same order, by kind and default; of a function in
  C++, every call that its declaration or its docstring tells is accepted under the same names. "-" where PyTorch
  tells neither, or takes anything.
- **row**: in the [table](../src/penlight/testing/specs/) from which numerical gradients of first and second order, parity,
  repeatability and refusals are tested.
- **parity**: cases compared with PyTorch that passed: of its rows; else of other tests that name it; else of tests in
  files whose tables name it.

{passed} cases of comparison passed, {failed} failed. {rows} rows.
"""


@dataclass(frozen=True)
class Entry:
    """One of PyTorch's public names."""

    name: str
    here: bool
    reason: str = ""
    signature: str = ""
    row: bool = False
    cases: int = 0

    @property
    def wanted(self) -> bool:
        return self.here or not self.reason


def entries(ours: Any, theirs: Any, namespace: str, evidence: Evidence) -> list[Entry]:
    """What is to be said of each name in a namespace."""
    mine, room = find(ours, namespace), find(theirs, namespace)
    found = []
    for name in names(theirs, namespace):
        if not hasattr(room, name):
            continue  # no longer in this version
        if not hasattr(mine, name):
            found.append(Entry(name, False, reason(namespace, name)))
            continue
        method = namespace == "Tensor"
        signature = compare(getattr(mine, name), getattr(room, name), method)
        row = bool(evidence.rows(namespace, name))
        cases = evidence.cases(namespace, name)
        found.append(Entry(name, True, "", signature, row, cases))
    return found


def page(ours: Any, theirs: Any, evidence: Evidence) -> str:
    """The whole of it, in Markdown."""
    from penlight.testing.specs import MODULES, SPECS

    tables = {n: entries(ours, theirs, n, evidence) for n in NAMESPACES}
    version = theirs.__version__.partition("+")[0]
    counts = {"passed": evidence.passed, "failed": evidence.failed}
    parts = [HEADING.format(version=version, rows=len(SPECS) + len(MODULES), **counts)]
    parts.append(_summary(tables))
    for namespace, found in tables.items():
        parts += [f"## {_title(namespace)}\n", _missing(found), _table(found)]
    return "\n".join(part for part in parts if part)


def _title(namespace: str) -> str:
    return namespace if namespace.startswith("torch") else f"torch.{namespace}"


def _summary(tables: dict[str, list[Entry]]) -> str:
    lines = [
        "| namespace | names | left out | missing | here | same signature | row | parity |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    total = [e for found in tables.values() for e in found]
    for title, found in (*((_title(n), f) for n, f in tables.items()), ("all", total)):
        wanted = [e for e in found if e.wanted]
        here = [e for e in wanted if e.here]
        told = [e for e in here if e.signature != "?"]
        cells = [
            title, len(found), len(found) - len(wanted), len(wanted) - len(here),
            _share(len(here), len(wanted)), _share(sum(not e.signature for e in told), len(told)),
            _share(sum(e.row for e in here), len(here)),
            _share(sum(e.cases > 0 for e in here), len(here)),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _share(part: int, whole: int) -> str:
    """In percent, rounded down: 100 means all."""
    return f"{100 * part // whole} %" if whole else "-"


def _missing(found: list[Entry]) -> str:
    """Names that are not here: by reason, and those without one."""
    by_reason: dict[str, list[str]] = {}
    for e in found:
        if not e.here:
            by_reason.setdefault(e.reason, []).append(f"`{e.name}`")
    lines = [
        f"- {'left out' if why else '**missing**'}{f' ({why})' if why else ''}: {', '.join(members)}"
        for why, members in by_reason.items()
    ]
    return "\n".join(lines) + "\n" if lines else ""


def _table(found: list[Entry]) -> str:
    lines = ["| name | signature | row | parity |", "|---|---|:---:|---:|"]
    for e in found:
        if e.here:
            signature = {"": "same", "?": "-"}.get(e.signature, e.signature)
            lines.append(
                f"| `{e.name}` | {signature} | {'yes' if e.row else '-'} | {e.cases or '-'} |"
            )
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""
