"""report.html: the whole run as one page that needs nothing else. Pure but for its template.

Rule: the page fetches nothing (its own policy forbids it), every text is escaped by the template
engine, and an unknown name in the template is an error. ``jinja2`` is imported when the first page
is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from tailrace.results.facts import RunFacts
from tailrace.results.metrics import definitions
from tailrace.results.render import about
from tailrace.results.render.charts import drawings
from tailrace.results.render.columns import Column, headline
from tailrace.results.render.figures import FOOTNOTES, NEVER
from tailrace.results.render.groups import group_sheets
from tailrace.results.render.sections import sections
from tailrace.results.render.server import server_about
from tailrace.results.render.server_charts import level_starts, server_drawings
from tailrace.results.render.sheets import cold, detail_sheets, percentile_sheets, warnings
from tailrace.results.render.table import Level, by_model, rows
from tailrace.results.render.text import safe_text
from tailrace.results.verdict import Verdict

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "report.html.j2"
_TERMS = definitions() | {
    "in_flight": "requests really in flight, weighted by time, against the number asked for"
}


def report_html(facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict) -> str:
    """The file's text; ``results`` run parallel to ``facts.models``."""
    from markupsafe import Markup

    levels = rows(facts, results)
    models = [
        _model(group, result) for group, result in zip(by_model(levels), results, strict=True)
    ]
    for model in models:
        for drawing in (*model["drawings"], *model["server"]["drawings"]):
            drawing["svg"] = Markup(drawing["svg"])
    before, after = sections(facts, results, verdict)
    return _template().render(
        title=safe_text(facts.name),
        tool=about.tool(facts),
        url=about.url(facts),
        head=about.head(facts),
        run=about.run_pairs(facts),
        host=about.host_pairs(facts),
        word=verdict.word,
        valid=not verdict.reasons,
        reasons=[safe_text(reason) for reason in verdict.reasons],
        notes=[safe_text(note) for note in verdict.notes],
        table=_headline(levels),
        footnotes=FOOTNOTES,
        models=models,
        first_sections=before,
        sections=after,
        terms=_TERMS,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tailrace.results.render", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE)


def _headline(levels: Sequence[Level]) -> dict[str, Any]:
    columns = headline(levels)
    groups = [(name, list(group)) for name, group in groupby(columns, key=lambda c: c.group)]
    edges = [a.group != b.group for a, b in pairwise([columns[0], *columns])]
    body = [
        {
            "model": group[0].model,
            "state": "" if group[0].status == "ok" else group[0].state,
            "error": group[0].error,
            "rows": [
                [_cell(c, e, level) for c, e in zip(columns, edges, strict=True)] for level in group
            ],
        }
        for group in by_model(levels)
    ]
    spans = [(name, len(group)) for name, group in groups]
    return {"spans": spans, "columns": columns, "models": body}


def _cell(column: Column, edge: bool, level: Level) -> dict[str, str]:
    text = column.cell(level) if level.reached else NEVER
    classes = {
        "edge": edge,
        "never": text == NEVER,
        "bad": column.bad and text not in ("0", NEVER),
        "mark": text[0] in FOOTNOTES,
    }
    return {"text": text, "classes": " ".join(name for name, given in classes.items() if given)}


def _server(reached: Sequence[Level], result: dict[str, Any]) -> dict[str, Any]:
    drawn = server_drawings(result)
    return {
        "about": server_about(result),
        "starts": level_starts(result, reached) if drawn else "",
        "drawings": [{"caption": d.caption, "svg": d.svg} for d in drawn],
    }


def _model(levels: Sequence[Level], result: dict[str, Any]) -> dict[str, Any]:
    reached = [level for level in levels if level.reached]
    return {
        "name": levels[0].model,
        "reached": bool(reached),
        "cold": cold(result),
        "warnings": warnings(levels),
        "drawings": [{"caption": d.caption, "svg": d.svg} for d in drawings(reached)],
        "server": _server(reached, result),
        "details": detail_sheets(levels),
        "groups": group_sheets(levels),
        "percentiles": percentile_sheets(levels),
    }
