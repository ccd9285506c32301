"""The selection table as a section, as CSV rows and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tailrace.errors import UsageError
from tailrace.results.facts import RunFacts
from tailrace.results.formulas import SELECTION
from tailrace.results.render.figures import (
    NEVER,
    NOT_AVAILABLE,
    Figure,
    amount,
    hundredths,
    latency,
    number,
    share,
)
from tailrace.results.render.section import Section
from tailrace.results.render.sheet import Sheet, known
from tailrace.results.render.text import safe_text
from tailrace.results.render.variants import plain
from tailrace.results.selection import COLUMNS, Candidate, Ran, Selection, select
from tailrace.results.verdict import Verdict

MARK = "yes"
_ARROWS = {"lower": "lower is better", "higher": "higher is better"}


def selection_section(
    facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict
) -> Section | None:
    """Of one run, for its report, without columns that nobody has; None where no model was
    measured, or at no common level.
    """
    try:
        found = select([Ran(facts.name, facts, results, verdict.valid)])
    except UsageError as exc:
        return Section("Selection", (), (safe_text(str(exc)),))
    if found.at is None:
        return None
    whole = section_of(found)
    return replace(whole, sheets=tuple(map(known, whole.sheets)))


def section_of(found: Selection) -> Section:
    """The table, what it is of, and what the mark means."""
    sheet = selection_sheet(found)
    return Section("Selection", (sheet,), remarks_of(found), (f"pareto: {SELECTION['pareto']}",))


def selection_sheet(found: Selection) -> Sheet:
    """One row a model; the run is named where there are several."""
    several = len({one.run for one in found.candidates}) > 1
    titles = [*(["run"] if several else []), "model", "state", "pareto", "licence"]
    rows = []
    for one in found.candidates:
        head = [safe_text(one.run)] if several else []
        licence = safe_text(one.license or "") or NOT_AVAILABLE
        head += [safe_text(one.model) or "(no name)", safe_text(one.state, 40), _mark(one), licence]
        rows.append((*head, *(_cell(one, column.key) for column in COLUMNS)))
    return Sheet(
        f"Models at load level {safe_text(found.at or 'none')}",
        (*titles, *(column.title for column in COLUMNS)),
        (*("pareto" if title == "pareto" else "" for title in titles), *("",) * len(COLUMNS)),
        tuple(rows),
        texts=len(titles),
    )


def remarks_of(found: Selection) -> tuple[str, ...]:
    """The level, the directions, who was not compared."""
    at = safe_text(found.at or "none")
    lines = [f"every figure of load is of level {at}, for all models alike"]
    if found.compared:
        listed = ", ".join(
            f"{column.title} ({_ARROWS[column.better]})" for column in found.compared
        )
        lines.append(f"the pareto mark is over: {listed}")
    left = [column.title for column in COLUMNS if column not in found.compared]
    if left:
        lines.append(f"no part in the mark: {', '.join(left)}")
    failures = (f"{one.model} failed: {one.reason}" for one in found.candidates if one.reason)
    return (*lines, *(safe_text(note) for note in (*found.notes, *failures)))


def short_section(
    facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict
) -> Section | None:
    """For a terminal; None where there is nothing to choose between."""
    whole = selection_section(facts, results, verdict) if len(facts.models) > 1 else None
    if whole is None or not whole.sheets:
        return whole
    mark = "pareto: yes where no other model is nowhere worse and somewhere better"
    return Section(whole.sheets[0].title, whole.sheets, (mark,))


def _mark(one: Candidate) -> str:
    if one.pareto is None:
        return NEVER
    return MARK if one.pareto else "no"


def _cell(one: Candidate, key: str) -> str:
    value = one.values[key]
    if value is None:
        return NOT_AVAILABLE
    if key in one.marks:
        certified, at_least = one.marks[key]
        return latency(Figure(value, certified, at_least))
    if key == "failed_share":
        return share(value)
    if key in ("human_mean", "judge_mean"):
        return hundredths(value)
    if key == "cost_per_1000_requests":
        return amount(value) + (f" {safe_text(one.currency)}" if one.currency else "")
    return amount(value) if key == "joules_per_request" else number(value)


def selection_json(found: Selection) -> dict[str, Any]:
    """JSON-ready; figures are not rounded, what is not known is null."""
    return {
        "at": found.at,
        "compared": [{"column": c.key, "better": c.better} for c in found.compared],
        "pareto_rule": SELECTION["pareto"],
        "notes": list(found.notes),
        "models": [
            {
                "run": one.run,
                "model": one.model,
                "state": one.state,
                "reason": one.reason,
                "pareto": one.pareto,
                "license": one.license,
                "currency": one.currency,
                **one.values,
                "marks": {
                    key: {"certified": certified, "at_least": at_least}
                    for key, (certified, at_least) in one.marks.items()
                },
            }
            for one in found.candidates
        ],
    }


def selection_csv_sheet(found: Selection) -> Sheet:
    """Plain numbers with their units in the header, empty where there is none."""
    rows = []
    for one in found.candidates:
        mark = "" if one.pareto is None else str(one.pareto).lower()
        head = (one.run, one.model, one.state, mark, one.license or "", one.currency or "")
        rows.append((*map(safe_text, head), *(plain(one.values[c.key]) for c in COLUMNS)))
    names = ("run", "model", "state", "pareto", "license", "currency")
    columns = (*names, *(column.key for column in COLUMNS))
    return Sheet("selection", columns, ("",) * len(columns), tuple(rows), texts=len(names))
