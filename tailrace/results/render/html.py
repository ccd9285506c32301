"""report.html: the whole run as one page that needs nothing else. Pure but for its template.

Rule: the page fetches nothing and runs nothing but its own two scripts, Plotly and report.js (its
own policy forbids all else, and names them by their hashes); every text is escaped by the template
engine, and an unknown name in the template is an error. ``jinja2`` is imported when the first page
is made.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import count, groupby, pairwise
from typing import TYPE_CHECKING, Any

import orjson

from tailrace.results.facts import RunFacts
from tailrace.results.metrics import definitions
from tailrace.results.render import about
from tailrace.results.render.chart import Chart
from tailrace.results.render.charts import run_charts
from tailrace.results.render.columns import Column, headline
from tailrace.results.render.figures import FOOTNOTES, NEVER
from tailrace.results.render.groups import group_sheets
from tailrace.results.render.sections import sections
from tailrace.results.render.server import server_about
from tailrace.results.render.server_charts import level_starts
from tailrace.results.render.sheets import cold, detail_sheets, percentile_sheets, warnings
from tailrace.results.render.table import Level, by_model, rows
from tailrace.results.render.text import safe_text
from tailrace.results.verdict import Verdict

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "report.html.j2"
SCRIPT = "report.js"
PLOTLY_HERE = "<plotly>"
"""What the page has where that script goes, packed, and no text has: too large to be held."""
_TERMS = definitions() | {
    "in_flight": "requests really in flight, weighted by time, against the number asked for"
}


def report_html(
    facts: RunFacts, results: Sequence[dict[str, Any]], verdict: Verdict, plotly_hash: str
) -> str:
    """The file's text, but for Plotly's script, which goes where PLOTLY_HERE stands, if at all.

    ``results`` run parallel to ``facts.models``; ``plotly_hash`` is base64 of its SHA-256.
    """
    from markupsafe import Markup

    levels = rows(facts, results)
    groups = by_model(levels)
    made = run_charts(groups, results, facts)
    charts = [chart for each in made for chart in each]
    places = count()
    placed = [[(next(places), chart) for chart in each] for each in made]
    models = [
        _model(group, result, each)
        for group, result, each in zip(groups, results, placed[1:], strict=True)
    ]
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
        charts=placed[0],
        models=models,
        first_sections=before,
        sections=after,
        terms=_TERMS,
        hashes=[plotly_hash, _hash(_script())] if charts else [],
        data=Markup(_data(charts)),
        plotly=Markup(PLOTLY_HERE),
        script=Markup(_script()) if charts else "",
    )


def _data(charts: Sequence[Chart]) -> str:
    """As JSON that no text can break out of."""
    text = orjson.dumps(charts).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(script: str) -> str:
    """As a Content-Security-Policy names a script."""
    digest = hashlib.sha256(script.encode()).digest()
    return base64.b64encode(digest).decode()


@cache
def _script() -> str:
    return files("tailrace.results.render").joinpath(SCRIPT).read_text(encoding="utf-8")


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


def _model(
    levels: Sequence[Level], result: dict[str, Any], charts: Sequence[tuple[int, Chart]]
) -> dict[str, Any]:
    """``charts`` with their places in the page."""
    reached = [level for level in levels if level.reached]
    return {
        "name": levels[0].model,
        "reached": bool(reached),
        "cold": cold(result),
        "warnings": warnings(levels),
        "charts": charts,
        "server_about": server_about(result),
        "server_starts": level_starts(result, reached) if result.get("server") else "",
        "details": detail_sheets(levels),
        "groups": group_sheets(levels),
        "percentiles": percentile_sheets(levels),
    }
