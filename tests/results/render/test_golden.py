"""Every format of one whole run, word for word: what a reader of its reports is told."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tailrace.results.export.chosen import chosen
from tailrace.results.render.chart import Chart
from tailrace.results.render.charts import run_charts
from tailrace.results.render.html import report_html
from tailrace.results.render.markdown import report_md
from tailrace.results.render.summary_csv import summary_csv
from tailrace.results.render.table import by_model, rows
from tailrace.results.render.terminal import final

from ..golden_files import assert_golden
from .runs import Run

GOLDEN = Path(__file__).with_name("golden")


@pytest.fixture(scope="session")
def whole(whole_path: Path) -> Run:
    found = chosen(whole_path)
    return Run(found.facts, found.results, found.verdict)


def test_markdown(whole: Run) -> None:
    text = report_md(whole.facts, whole.results, whole.verdict)
    shown, _, definitions = text.partition("\n## Definitions\n\n")
    assert_golden(GOLDEN / "whole.md", shown)
    assert definitions.startswith("- **start_lag**: intended start to sent")


@pytest.mark.parametrize("width", [72, 140])
def test_terminal(whole: Run, width: int) -> None:
    console = Console(width=width, file=io.StringIO())
    console.print(final(whole.facts, whole.results, whole.verdict, ["a/report.html"], "a hint"))
    assert isinstance(console.file, io.StringIO)
    assert_golden(GOLDEN / f"whole-{width}.txt", console.file.getvalue())


def test_terminal_with_its_styles(whole: Run) -> None:
    shown = final(whole.facts, whole.results, whole.verdict, ["a/report.html"], "a hint")
    lines = [repr((line.lead, *line.spans)) for line in shown.lines(200)]
    assert_golden(GOLDEN / "whole-styles.txt", "\n".join(lines) + "\n")


def test_html(whole: Run) -> None:
    """Without scripts, styles and data, whose hashes are checked elsewhere."""
    text = report_html(whole.facts, whole.results, whole.verdict, "aGFzaA==")
    bare = re.sub(r"(<(script|style)[^>]*>).*?(</\2>)", r"\1\3", text, flags=re.DOTALL)
    bare = re.sub(r"'sha256-[^']+'", "'sha256-…'", bare)
    shown, _, definitions = bare.partition("<h2>Definitions</h2>")
    assert_golden(GOLDEN / "whole.html", shown)
    assert "intended start to sent" in definitions


def test_summary(whole: Run) -> None:
    assert_golden(GOLDEN / "whole.csv", summary_csv(whole.facts, whole.results))


def charts_of(run: Run) -> Iterator[Chart]:
    levels = by_model(rows(run.facts, run.results))
    for charts in run_charts(levels, run.results, run.facts):
        yield from charts


def told(chart: Chart) -> Iterable[str]:
    """A line for each thing that a chart says; traces as Plotly gets them."""
    yield f"## {chart.key}"
    for field in dataclasses.fields(chart):
        value: Any = getattr(chart, field.name)
        if field.name in ("traces", "rows"):
            yield from (_said(f"{field.name} {n}", each) for n, each in enumerate(value))
        else:
            yield _said(field.name, value)


def _said(name: str, value: Any) -> str:
    return f"{name}: {json.dumps(value, ensure_ascii=False)}"


def test_charts(whole: Run) -> None:
    lines = [line for chart in charts_of(whole) for line in told(chart)]
    assert_golden(GOLDEN / "whole-charts.txt", "\n".join(lines) + "\n")
