"""Which tests compare a name with PyTorch, and how many of their cases passed."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from penlight.testing.specs import MODULES, SPECS, ModuleSpec, OpSpec

__all__ = ["Evidence"]

ROOT = Path(__file__).resolve().parent.parent
PREFIX = {"nn": "nn.", "nn.functional": "F."}
WORD = re.compile(r"[A-Za-z_]\w*")


class Evidence:
    """The passed cases of a run of the parity tests.

    Args:
        results: the run's JUnit file.
    """

    def __init__(self, results: Path) -> None:
        self.by_row = Counter[str]()  # cases of each row of the table
        self.by_word = Counter[str]()  # cases of each name that a test or its parameters mention
        self.passed = self.failed = 0
        words = dict[tuple[str, str], set[str]]()
        for case in ElementTree.parse(results).iter("testcase"):
            if any(case.find(tag) is not None for tag in ("failure", "error")):
                self.failed += 1
            elif case.find("skipped") is None:
                self.passed += 1
                self._note(case.attrib["classname"], case.attrib["name"], words)

    def _note(self, module: str, name: str, words: dict[tuple[str, str], set[str]]) -> None:
        function, _, parameters = name.partition("[")
        if module in ("tests.test_ops", "tests.test_modules"):
            if function == "test_parity_with_pytorch":
                self.by_row[_row_of(parameters)] += 1
            return
        if (module, function) not in words:
            words[module, function] = _words_of(module, function)
        self.by_word.update(words[module, function] | set(WORD.findall(parameters)))

    @cached_property
    def rows_of(self) -> dict[str, set[str]]:
        """The rows that test a name such as ``F.relu``."""
        found: dict[str, set[str]] = {}
        specs: list[OpSpec | ModuleSpec] = [*SPECS.values(), *MODULES.values()]
        for spec in specs:
            for name in (re.split(r"[^\w.]", spec.name)[0], *spec.covers):
                found.setdefault(name, set()).add(spec.name)
        return found

    def rows(self, namespace: str, name: str) -> set[str]:
        """The rows that test a name; a method is tested by the function that it is, too."""
        if namespace.startswith("torch: "):
            return self.rows_of.get(f"torch.{name}", set())
        own = self.rows_of.get(f"{PREFIX.get(namespace, namespace + '.')}{name}", set())
        if namespace == "Tensor":
            own = own | self.rows_of.get(f"torch.{name.rstrip('_')}", set())
        return own

    def cases(self, namespace: str, name: str) -> int:
        """Passed cases of its rows, or of the tests that mention it."""
        rows = self.rows(namespace, name)
        return sum(self.by_row[row] for row in rows) or self.by_word[name]


def _row_of(parameters: str) -> str:
    """The row's name at the start of a test's parameters, as in ``F.relu[f[2,3]]-train]``."""
    known = [n for n in (*SPECS, *MODULES) if parameters.startswith(f"{n}[")]
    return max(known, key=len, default="")


def _words_of(module: str, function: str) -> set[str]:
    """All names and words in strings in a test's source."""
    path = ROOT / Path(*module.split(".")).with_suffix(".py")
    if not path.exists():  # a test in a class
        path, function = path.parent.with_suffix(".py"), path.stem
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == function:
            found.update(WORD.findall(ast.unparse(node)))
    return found
