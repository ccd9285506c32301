"""The rows of ``tailrace check`` on the screen: a table on a terminal, plain lines elsewhere.

Rule: the word says what the colour says; what a server wrote goes through ``safe_text``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tailrace.results.checks import WORDS, Check, Report, Status, groups_of
from tailrace.results.render.text import safe_text

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES: dict[Status, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_MOST_CHARS = 500


def plain_lines(report: Report) -> Iterator[str]:
    """One line a row, and one for its fix; for logs and pipes."""
    for group, rows in groups_of(report.rows):
        yield safe_text(group)
        for row in rows:
            yield f"  {WORDS[row.status]:<4}  {row.name}: {_shown(row.found)}"
            if row.fix:
                yield f"        fix: {_shown(row.fix)}"
        yield ""
    yield summary(report)


def table(report: Report) -> Iterator[RenderableType]:
    """The same for a terminal, folded to its width."""
    from rich.table import Table
    from rich.text import Text

    width = max((len(row.name) for row in report.rows), default=0)
    for group, rows in groups_of(report.rows):
        yield Text(safe_text(group), "bold")
        grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        grid.add_column(width=6, no_wrap=True)
        grid.add_column(width=width, no_wrap=True)
        grid.add_column(overflow="fold")
        for row in rows:
            grid.add_row(
                Text(f"  {WORDS[row.status]}", _STYLES[row.status]), Text(row.name), _cell(row)
            )
        yield grid
        yield Text()
    first = report.first_failure
    yield Text(summary(report), "bold red" if first else "bold green")


def _cell(row: Check) -> RenderableType:
    from rich.text import Text

    text = Text(_shown(row.found))
    if row.fix:
        text.append(f"\nfix: {_shown(row.fix)}", "italic")
    return text


def _shown(text: str) -> str:
    return safe_text(text, _MOST_CHARS)


def summary(report: Report) -> str:
    """Rows by status, and what the look cost the server."""
    counts = report.counts
    parts = [f"{counts[status]} {WORDS[status]}" for status in WORDS]
    return (
        f"{', '.join(parts)}; sent {report.requests} requests for tokens and {report.lookups} "
        f"look-ups in {report.took_s:.1f} s"
    )
