"""What the page says of a name: whether it is here, takes the same arguments, and was compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import penlight
from api_coverage.documented import NAMESPACES, find, names
from api_coverage.evidence import Evidence
from api_coverage.left_out import LEFT_OUT, reason
from api_coverage.page import Entry, entries, page
from api_coverage.signatures import compare


def theirs(x: Any, dim: int = 0, *, out: Any = None) -> None: ...


def same(x: Any, dim: int = 0, *, out: Any = None) -> None: ...


def renamed(x: Any, axis: int = 0, *, out: Any = None) -> None: ...


def otherwise(x: Any, dim: int = 1, *, out: Any = None) -> None: ...


def positional(x: Any, dim: int = 0, out: Any = None) -> None: ...


def fewer(x: Any, dim: int = 0) -> None: ...


def anything(*args: Any, **kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    ("ours", "difference"),
    [(same, ""), (renamed, "`axis` for `dim`"), (otherwise, "`dim=1` for `0`"),
     (positional, "`out` is positional or keyword"), (fewer, "`out` missing")],
)  # fmt: skip
def test_functions_in_python(ours: Any, difference: str) -> None:
    assert compare(ours, theirs) == difference


def test_what_pytorch_does_not_tell_is_not_judged() -> None:
    assert compare(same, anything) == "?"
    assert compare(3, 4) == ""


@pytest.mark.parity
def test_functions_in_c(torch: Any) -> None:
    def add(input: Any, other: Any, *, alpha: float = 1, out: Any = None) -> None: ...

    def without_out(input: Any) -> None: ...

    def other_name(x: Any, other: Any, *, alpha: float = 1, out: Any = None) -> None: ...

    def method(self: Any, other: Any, *, alpha: float = 1) -> None: ...

    assert compare(add, torch.add) == ""
    assert compare(without_out, torch.exp) == "`out` missing"
    assert compare(other_name, torch.add) == "`input` missing"
    assert compare(method, torch.Tensor.add, method=True) == ""


RESULTS = """<testsuites><testsuite>
<testcase classname="tests.test_ops" name="test_parity_with_pytorch[torch.exp[f[5]]]"/>
<testcase classname="tests.test_ops" name="test_parity_with_pytorch[torch.exp[f[2,3]]]"/>
<testcase classname="tests.test_ops" name="test_parity_with_pytorch[torch.sin[f[5]]]"><failure/></testcase>
<testcase classname="tests.test_ops" name="test_parity_with_pytorch[torch.cos[f[5]]]"><skipped/></testcase>
<testcase classname="tests.api_coverage.test_coverage" name="test_functions_in_c"/>
<testcase classname="tests.api_coverage.test_coverage" name="test_numbers[celery]"/>
</testsuite></testsuites>"""


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    path = tmp_path / "results.xml"
    path.write_text(RESULTS)
    return Evidence(path)


def test_only_what_passed_counts(evidence: Evidence) -> None:
    assert (evidence.passed, evidence.failed) == (4, 1)
    assert evidence.cases("torch: Pointwise", "exp") == 2
    assert evidence.cases("Tensor", "exp") == 2
    assert "torch.sin" not in evidence.by_row
    assert "torch.cos" not in evidence.by_row


def test_tests_without_rows_count_by_the_names_in_them(evidence: Evidence) -> None:
    assert evidence.by_word["without_out"] == 1  # in the source of a test
    assert evidence.by_word["celery"] == 1  # in its parameters
    assert evidence.by_file["RESULTS"] == 2  # in a table of the file


def test_second_names_have_the_rows_of_the_first(evidence: Evidence) -> None:
    assert evidence.rows("torch: Pointwise", "arcsin") == evidence.rows("torch: Pointwise", "asin")
    assert evidence.rows("nn.functional", "relu")
    assert evidence.rows("optim", "Adam")


class Library:
    """A library with one room."""

    __version__ = "9.9+cpu"
    __name__ = "library"

    class fft:
        __all__ = ("fft", "ifft", "lost")

        @staticmethod
        def fft(x: Any) -> None: ...

        @staticmethod
        def ifft(x: Any) -> None: ...


def test_entries(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ours(Library):
        class fft:
            @staticmethod
            def fft(y: Any) -> None: ...

    monkeypatch.setitem(LEFT_OUT, "fft", {"a reason": "if*"})
    found = entries(Ours(), Library(), "fft", evidence)
    assert found[0].signature == "`y` for `x`"
    assert found[1] == Entry("ifft", here=False, reason="a reason")
    assert len(found) == 2  # what PyTorch itself lacks is passed over
    assert not found[1].wanted


def test_reasons_are_for_names_of_their_room() -> None:
    assert reason("torch: Creation", "sparse_coo_tensor") == "sparse tensors"
    assert reason("Tensor", "to_sparse") == "sparse tensors"
    assert reason("nn", "Linear") == ""


@pytest.mark.parity
def test_nothing_of_pytorch_is_missing(torch: Any, evidence: Evidence) -> None:
    missing = [
        f"{namespace}.{name}"
        for namespace in NAMESPACES
        for name in names(torch, namespace)
        if hasattr(find(torch, namespace), name)
        and not hasattr(find(penlight, namespace), name)
        and not reason(namespace, name)
    ]
    assert not missing
    assert "**missing**" not in page(penlight, torch, evidence)


@pytest.mark.parity
def test_what_is_left_out_is_not_here(torch: Any) -> None:
    stale = [
        f"{namespace}.{name}"
        for namespace in NAMESPACES
        for name in names(torch, namespace)
        if hasattr(find(penlight, namespace), name) and reason(namespace, name)
    ]
    assert not stale
