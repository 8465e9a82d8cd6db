"""Parts of a report: one HTML file that needs nothing else, and sorts its tables."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["Cell", "details", "escape", "image", "page", "table"]

_STYLE = """
:root { color-scheme: light dark; --ink: #222; --back: #fff; --line: #ddd; --soft: #f4f4f4; --link: #0b62a3 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ddd; --back: #1b1b1b; --line: #444; --soft: #262626; --link: #7ab8ee }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
       max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
a { color: var(--link) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-size: 13px }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap }
td.number { text-align: right; font-variant-numeric: tabular-nums }
th button { all: unset; cursor: pointer; font-weight: 600 }
th button:focus-visible { outline: 2px solid var(--link) }
th[aria-sort=ascending] button::after { content: " \\25B2" }
th[aria-sort=descending] button::after { content: " \\25BC" }
pre, code { background: var(--soft); padding: .1rem .3rem; border-radius: 3px }
pre { padding: .6rem .8rem; overflow-x: auto }
figure { margin: 1.5rem 0 } figure img { max-width: 100%; background: #fff }
figcaption { font-size: 13px }
.failed, .diverged { color: #c0392b }
@media (prefers-color-scheme: dark) { .failed, .diverged { color: #ff8a7a } }
"""

_SCRIPT = """
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, table = head.closest("table"), body = table.tBodies[0];
    const column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = (a, b) => {
      const x = key(a), y = key(b);
      if ((x === "") !== (y === "")) return x === "" ? 1 : -1;  // what is missing comes last
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return up ? order : -order;
    };
    body.append(...[...body.rows].sort(compare));
  });
}
"""


class Cell:
    """A field of a table.

    Args:
        text: what it says.
        value: what it is sorted by, if not by the text; None comes last.
        kind: its class; ``"number"`` stands right.
    """

    def __init__(self, text: Any, value: Any = "", kind: str = "") -> None:
        self.text, self.value, self.kind = text, value, kind

    def html(self) -> str:
        """The field's markup."""
        kind = f' class="{self.kind}"' if self.kind else ""
        value = "" if self.value == "" else f' data-value="{_sortable(self.value)}"'
        return f"<td{kind}{value}>{escape(self.text)}</td>"


def _sortable(value: Any) -> str:
    return "" if value is None else escape(repr(value) if isinstance(value, float) else value)


def escape(text: Any) -> str:
    """Text as markup."""
    return html.escape(str(text))


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A table that sorts by the column whose head is clicked."""
    head = "".join(f'<th scope="col"><button>{escape(h)}</button></th>' for h in heads)
    body = "\n".join("<tr>" + "".join(c.html() for c in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def image(path: Path, caption: str) -> str:
    """A picture, embedded."""
    data = base64.b64encode(path.read_bytes()).decode()
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def details(summary: str, content: str) -> str:
    """Something to unfold."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def page(title: str, body: Sequence[str]) -> str:
    """The whole file."""
    content = "\n".join(body)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{content}
<script>{_SCRIPT}</script>
</body>
</html>
"""
