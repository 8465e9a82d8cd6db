"""Which tests compare a name with PyTorch, and how many of their cases passed."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import penlight
from api_coverage.documented import find
from penlight.testing.specs import MODULES, SPECS, ModuleSpec, OpSpec
from tests.optim.table import OPTIMIZERS, SCHEDULERS

__all__ = ["Evidence"]

ROOT = Path(__file__).resolve().parent.parent
SHORT = {"nn.functional": "F", "torch": "torch"}  # in the names of rows
ROOMS = {"F": "nn.functional", "torch": "torch: "}
WORD = re.compile(r"[A-Za-z_]\w*")


class Evidence:
    """The passed cases of a run of the parity tests.

    Args:
        results: the run's JUnit file.
    """

    def __init__(self, results: Path) -> None:
        self.by_row = Counter[str]()  # cases of each row of the table
        self.by_word = Counter[str]()  # cases of each name that a test or its parameters mention
        self.by_file = Counter[str]()  # cases of tests in files whose tables mention the name
        self.passed = self.failed = 0
        words = _Words()
        for case in ElementTree.parse(results).iter("testcase"):
            if any(case.find(tag) is not None for tag in ("failure", "error")):
                self.failed += 1
            elif case.find("skipped") is None:
                self.passed += 1
                self._note(case.attrib["classname"], case.attrib["name"], words)

    def _note(self, module: str, name: str, words: _Words) -> None:
        function, _, parameters = name.partition("[")
        if module in ("tests.test_ops", "tests.test_modules"):
            if function == "test_parity_with_pytorch":
                self.by_row[_row_of(parameters)] += 1
            return
        own, others = words.of(module, function)
        self.by_word.update(own | set(WORD.findall(parameters)))
        self.by_file.update(others)

    @cached_property
    def rows_of(self) -> dict[str, set[str]]:
        """The rows that test a name such as ``F.relu``."""
        found: dict[str, set[str]] = {}
        specs: list[OpSpec | ModuleSpec] = [*SPECS.values(), *MODULES.values()]
        for spec in specs:
            for name in (re.split(r"[^\w.]", spec.name)[0], *spec.covers):
                found.setdefault(name, set()).add(spec.name)
        for optimizer in OPTIMIZERS:
            found.setdefault(f"optim.{optimizer.name}", set()).add(optimizer.id)
        for scheduler in SCHEDULERS:
            found.setdefault(f"optim.lr_scheduler.{scheduler.name}", set()).add(scheduler.id)
        return found

    @cached_property
    def rows_of_functions(self) -> dict[int, set[str]]:
        """The same by the function, which may have several names."""
        found: dict[int, set[str]] = {}
        for name, rows in self.rows_of.items():
            room, _, last = name.rpartition(".")
            value = getattr(find(penlight, ROOMS.get(room, room)), last, None)
            if value is not None:
                found.setdefault(id(value), set()).update(rows)
        return found

    def rows(self, namespace: str, name: str) -> set[str]:
        """The rows that test a name; a method is tested by the function that it is, too."""
        room = find(penlight, namespace)
        own = self.rows_of.get(f"{SHORT.get(namespace.partition(':')[0], namespace)}.{name}", set())
        own = own | self.rows_of_functions.get(id(getattr(room, name, None)), set())
        if namespace == "Tensor":
            plain = name if name.startswith("__") else name.rstrip("_")
            for other in (f"torch.{plain}", f"linalg.{plain}", f"special.{plain}"):
                own = own | self.rows_of.get(other, set())
        return own

    def cases(self, namespace: str, name: str) -> int:
        """Passed cases of its rows, or of the tests that mention it, or of those in files that do."""
        rows = self.rows(namespace, name)
        return sum(self.by_row[row] for row in rows) or self.by_word[name] or self.by_file[name]


def _row_of(parameters: str) -> str:
    """The row's name at the start of a test's parameters, as in ``F.relu[f[2,3]]-train]``."""
    known = [n for n in (*SPECS, *MODULES) if parameters.startswith(f"{n}[")]
    return max(known, key=len, default="")


class _Words:
    """The names and words in strings in the sources of tests."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, set[str]]] = {}

    def of(self, module: str, function: str) -> tuple[set[str], set[str]]:
        """Those of a test, and those of its file outside of all tests: in tables and helpers."""
        path = ROOT / Path(*module.split(".")).with_suffix(".py")
        if not path.exists():  # a test in a class
            path, function = path.parent.with_suffix(".py"), path.stem
        if module not in self.files:
            self.files[module] = self._read(path)
        return self.files[module].get(function, set()), self.files[module][""]

    def _read(self, path: Path) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {"": set()}
        for node in ast.parse(path.read_text("utf-8")).body:
            words = set(WORD.findall(ast.unparse(node)))
            name = getattr(node, "name", "")
            if name.lower().startswith("test"):
                found[name] = words
            elif not isinstance(node, ast.Import | ast.ImportFrom):
                found[""] |= words
        return found
