"""Reports and comparisons: what they say, and that they need nothing but themselves."""

from __future__ import annotations

import html.parser
import re

import pytest

from penlight.studies import StudyFolder, compare, run_study, write_comparison, write_report
from penlight.studies.results import group_rows, table_axes, written
from penlight.training import ConfigError
from tests.studies.small import FIXED, small


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Two studies; the second has another learning rate and one more optimizer."""
    base = tmp_path_factory.mktemp("studies")
    first = small(axes={"optimizer": ["sgd", "adam"], "norm": ["batch", "none"], "seed": [0, 1]},
                  fixed={**FIXED, "epochs": 1}, title="First <study>", about="Why?\n\nBecause.")  # fmt: skip
    second = small(axes={"optimizer": ["sgd", "rmsprop"], "norm": ["batch", "none"], "seed": [0]},
                   fixed={**FIXED, "epochs": 1, "lr": 0.01})  # fmt: skip
    return run_study(first, base / "a", jobs=2), run_study(second, base / "b", jobs=2)


class Reader(html.parser.HTMLParser):
    """Tables as rows of texts, addresses, and whether tags are balanced."""

    def __init__(self):
        super().__init__()
        self.tables, self.open, self.addresses, self.row = [], [], [], None

    def handle_starttag(self, tag, attributes):
        self.addresses += [v for k, v in attributes if k in ("src", "href")]
        if tag not in ("meta", "img", "link"):
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.row = []
            self.tables[-1].append(self.row)
        if tag in ("td", "th"):
            self.row.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and {"td", "th"} & set(self.open):
            self.row[-1] += data


def read(path):
    reader = Reader()
    reader.feed(path.read_text())
    reader.close()
    assert reader.open == []
    return reader


def test_report(studies):
    folder = studies[0]
    text = write_report(folder).read_text()
    found = read(folder.report)
    assert all(a.startswith("data:") for a in found.addresses)  # nothing is fetched
    assert not re.search(r"https?://", text.replace("http://www.w3.org", ""))
    assert "<h1>First &lt;study&gt;</h1>" in text
    assert "<p>Why?</p>" in text
    assert "penlight study resume a" in text
    results, cells = found.tables
    assert results[0][:4] == ["optimizer", "norm", "runs", "diverged"]
    assert results[0][4:6] == ["test accuracy", "±"]
    assert len(results) == 1 + 4
    means = [float(row[4].rstrip("%")) for row in results[1:]]
    assert means == sorted(means, reverse=True)  # the best first
    group = group_rows(folder.rows, ["optimizer", "norm"])[0]
    a, b = (row["results"]["test_accuracy"] for row in group.rows)
    row = next(r for r in results if r[:2] == ["sgd", "batch"])
    assert row[4:6] == [f"{(a + b) / 2:.2%}", f"{abs(a - b) / 2**0.5:.2%}"]
    assert [r[0] for r in cells[1:]] == [c.id for c in folder.cells]
    assert {r[1] for r in cells[1:]} == {"finished"}


def test_figures_are_in_the_report_with_their_data(studies):
    pytest.importorskip("matplotlib")
    folder = studies[0]
    write_report(folder)
    names = {p.stem for p in folder.figures.glob("*.png")}
    assert names == {
        "grid", "test_accuracy", "train_loss", "gradient_norms",
        *(f"{kind}s_{n}" for kind in ("weight", "gradient") for n in (1, 2, 3, 4)),
    }  # fmt: skip
    pictures = [a for a in read(folder.report).addresses if a.startswith("data:image/png")]
    assert len(pictures) == len(names)
    from penlight.plots import load_data

    data = load_data(folder.figures / "grid.json")
    assert (data["rows"], data["columns"]) == (["sgd", "adam"], ["batch", "none"])


def test_report_of_a_study_that_has_not_run(tmp_path):
    folder = StudyFolder.create(tmp_path / "s", small())
    assert "No cell has come to its end yet" in write_report(folder).read_text()


def test_comparison(studies, tmp_path):
    first, second = studies
    measure, pairs = compare(first, second)
    assert measure.name == "test_accuracy"
    assert [p.name for p in pairs] == [
        "sgd, batch", "sgd, none", "adam, batch", "adam, none", "rmsprop, batch", "rmsprop, none",
    ]  # fmt: skip
    ours = [r["results"]["test_accuracy"] for r in first.rows[:2]]
    (theirs,) = (r["results"]["test_accuracy"] for r in second.rows[:1])
    assert pairs[0].difference == pytest.approx(theirs - sum(ours) / 2)
    assert pairs[0].error is None  # one seed
    assert (pairs[2].second, pairs[2].difference, pairs[4].first) == (None, None, None)
    same = compare(first, first, "test_loss")[1]
    assert all(p.difference == 0 and p.error > 0 for p in same)
    found = read(write_comparison(first, second, tmp_path / "c.html"))
    assert len(found.tables[0]) == 1 + 6
    with pytest.raises(ConfigError, match=r"measure must be one of test_accuracy, .* got 'zzz'"):
        compare(first, second, "zzz")


def test_axes_of_the_table():
    study = small(
        axes={
            "seed": [0, 1, 2],
            "norm": ["batch"],
            "lr": [1, 2],
            "optimizer": ["sgd", "adam", "adamw"],
        }
    )
    assert table_axes(study) == (["optimizer"], ["lr"])
    assert table_axes(small(rows=["seed"])) == (["seed"], [])


def test_words():
    assert written(None, "percent") == "-"
    assert [written(0.98765, s) for s in ("percent", "error", "seconds", "number")] == [
        "98.77%", "9.9e-01", "1.0", "0.9877",
    ]  # fmt: skip
