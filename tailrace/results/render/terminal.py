"""Final: the table that stays on the screen when a run is over, and is pasted into issues.

Rule: it reads the same with and without colour; plain text, no box characters, and no number is
ever cut: a narrow screen gets more blocks, not shorter cells. ``rich`` is imported when the table
is printed, not when this file is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.results.facts import RunFacts
from tailrace.results.render import about
from tailrace.results.render.columns import headline
from tailrace.results.render.figures import FOOTNOTES
from tailrace.results.render.grid import Strip, cells_of, group_line, pack, strip, title_line
from tailrace.results.render.reach import reach_lines
from tailrace.results.render.sections import plain_sections
from tailrace.results.render.server import server_lines
from tailrace.results.render.session_sheets import session_lines
from tailrace.results.render.sheets import accuracy, audit_remarks, cold, warnings
from tailrace.results.render.table import Level, by_model, rows
from tailrace.results.render.text import ascii_text, safe_text
from tailrace.results.verdict import Verdict

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

Span = tuple[str, str]
"""Text and its style."""

_MARKED = re.compile(r"^ *[~≥>]")


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line; when it must be folded, it goes on under the end of its lead."""

    lead: str = ""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Final:
    """A rich renderable; a value, so that the same inputs print the same bytes."""

    facts: RunFacts
    results: Sequence[dict[str, Any]]
    verdict: Verdict
    paths: tuple[str, ...]
    hint: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Fold the lines to the width of the console; never crop, never pad."""
        from rich.text import Text

        width, plain = options.max_width, options.ascii_only
        for line in self.lines(width, plain):
            lead = ascii_text(line.lead) if plain else line.lead
            body = Text()
            for text, style in line.spans:
                body.append(ascii_text(text) if plain else text, style)
            room = max(width - len(lead), 1)
            folded = body.wrap(console, room, overflow="fold") if body.cell_len > room else [body]
            for index, part in enumerate(folded):
                part.rstrip()
                yield Text(lead if index == 0 else " " * len(lead)) + part

    def lines(self, width: int, ascii_only: bool = False) -> Iterator[Line]:
        """Everything from top to bottom, not yet folded."""
        levels = rows(self.facts, self.results)
        strips = _strips([level for level in levels if level.reached], ascii_only)
        yield from self._head()
        yield from _table(strips, levels, width)
        yield from _footnotes(strips)
        yield from self._remarks(levels)
        for lead, text in plain_sections(self.facts, self.results, self.verdict, width):
            yield Line(lead, ((text, ""),))
        yield Line()
        yield from self._verdict()
        for path in self.paths:
            yield _listed("results", safe_text(path), "dim")
        if self.hint:
            yield _listed("accuracy", self.hint, "dim")

    def _head(self) -> Iterator[Line]:
        run, url = about.tool(self.facts), about.url(self.facts)
        yield Line("", ((run, "bold"), (f"  {url}" if url else "", "")))
        settings = ", ".join(f"{label}={text}" for label, text in about.head(self.facts))
        if settings:
            yield Line("", ((settings, "dim"),))
        yield Line()

    def _remarks(self, levels: Sequence[Level]) -> Iterator[Line]:
        remarks: list[Line] = []
        for group, result in zip(by_model(levels), self.results, strict=True):
            model, first = group[0].model, cold(result)
            if first is not None:
                remarks.append(_listed("cold", f"{model}: first request {first}"))
            bounds = accuracy(group)
            if bounds is not None:
                remarks.append(_listed("accuracy", f"{model}: {bounds}"))
            for text in session_lines(group):
                remarks.append(_listed("sessions", f"{model}, {text}"))
            for text in reach_lines(group):
                remarks.append(_listed("reach", f"{model}, {text}"))
            for text in server_lines(group):
                remarks.append(_listed("server", f"{model}, {text}"))
            for text in warnings(group):
                remarks.append(_listed("warning", f"{model}, {text}", "yellow"))
            for text in audit_remarks(group):
                remarks.append(_listed("audit", f"{model}, {text}", "yellow"))
        remarks += [_listed("note", safe_text(note)) for note in self.verdict.notes]
        if remarks:
            yield Line()
        yield from remarks

    def _verdict(self) -> Iterator[Line]:
        if not self.verdict.reasons:
            colour = "green" if self.verdict.valid else "yellow"
            yield Line("", ((self.verdict.word, f"bold {colour}"),))
            return
        reasons = [safe_text(reason) for reason in self.verdict.reasons]
        if len(reasons) == 1:
            yield Line("INVALID: ", ((reasons[0], "bold red"),))
            return
        yield Line("", (("INVALID:", "bold red"),))
        for reason in reasons:
            yield Line("  - ", ((reason, "red"),))


def final(
    facts: RunFacts,
    results: Sequence[dict[str, Any]],
    verdict: Verdict,
    paths: Sequence[str] = (),
    hint: str = "",
) -> Final:
    """What to print at the end of a run; ``results`` run parallel to ``facts.models``."""
    return Final(facts, results, verdict, tuple(paths), hint)


def _listed(kind: str, text: str, style: str = "") -> Line:
    return Line(f"{kind:<8} ", ((text, style),))


def _strips(reached: Sequence[Level], ascii_only: bool) -> list[Strip]:
    """The headline columns as text, one cell a level that was reached."""
    plain = ascii_text if ascii_only else str
    return [
        strip(c.group, c.title, (plain(c.cell(level)) for level in reached), c.bad)
        for c in headline(reached)
    ]


def _table(strips: Sequence[Strip], levels: Sequence[Level], width: int) -> Iterator[Line]:
    """Blocks of columns; a model that never came to a level is named in the first one only."""
    for number, block in enumerate(pack(strips, width)):
        if number:
            yield Line()
        if any(level.reached for level in levels):
            yield Line("", ((group_line(block), "dim"),))
            yield Line("", ((title_line(block), "bold"),))
        row = 0
        for group in by_model(levels):
            if group[0].reached or number == 0:
                yield Line("", ((group[0].model, "bold cyan"), (_standing(group[0]), "yellow")))
            for level in group:
                if level.reached:
                    yield Line("", tuple(_styled(text, of) for text, of in cells_of(block, row)))
                    row += 1
                elif number == 0:
                    yield _never(level)


def _standing(level: Level) -> str:
    """What to say beside a model's name when its levels are not the whole story."""
    return f"  ({level.state})" if level.reached and level.status != "ok" else ""


def _never(level: Level) -> Line:
    style = "bold red" if level.status == "failed" else "yellow"
    error = ((f"  {level.error}", "dim"),) if level.error else ()
    return Line("  ", ((level.state, style), *error))


def _styled(cell: str, of: Strip) -> Span:
    if of.bad and cell.strip() not in ("0", "n/a"):
        return cell, "red"
    return cell, "yellow" if _MARKED.match(cell) else ""


def _footnotes(strips: Sequence[Strip]) -> Iterator[Line]:
    """Only of the marks that the table shows."""
    cells = {cell for entry in strips for cell in entry.cells}
    shown = [
        (mark, text)
        for mark, text in FOOTNOTES.items()
        if any(mark in cell or ascii_text(mark) in cell for cell in cells)
    ]
    if shown:
        yield Line()
    for mark, text in shown:
        yield Line(f"{mark} ", ((text, "dim"),))
