"""A run that was killed has no windows, rates or percentiles; every renderer still says so."""

import csv
import io

import pytest
from rich.console import Console

from tailrace.results.render.html import report_html
from tailrace.results.render.markdown import report_md
from tailrace.results.render.summary_csv import summary_csv
from tailrace.results.render.terminal import final

from .runs import PLOTLY, killed_run


@pytest.fixture(scope="module")
def killed():
    return killed_run()


def test_terminal(killed):
    console = Console(width=200, file=io.StringIO())
    console.print(final(killed.facts, killed.results, killed.verdict))
    text = console.file.getvalue()
    assert "never-asked\n  skipped\n" in text
    row = text.split("half-done  (running)\n")[1].splitlines()[0]
    assert row.split()[:4] == ["4", "n/a", "0", "0"]
    assert "~" not in text
    assert "cold     half-done: first request error (no class)" in text
    assert "INVALID:\n  - the run did not end" in text


def test_markdown(killed):
    text = report_md(killed.facts, killed.results, killed.verdict)
    assert "### `half-done`\n\n**running**\n" in text
    assert "| 4 | n/a | 0 | 0 |" in text
    assert "| ended | `no` |" in text


def test_csv(killed):
    text = summary_csv(killed.facts, killed.results)
    skipped, running = csv.DictReader(io.StringIO(text[1:], newline=""))
    assert (skipped["status"], skipped["users"]) == ("skipped", "")
    assert (running["users"], running["ttft_n"], running["ttft_p50_ms"]) == ("4", "0", "")
    assert running["ttft_p50_certified"] == running["tokens_per_s"] == ""


def test_html(killed):
    text = report_html(killed.facts, killed.results, killed.verdict, PLOTLY)
    assert "<svg" not in text
    assert "n/a" in text
    assert "the run did not end" in text
