"""The docs say what the code does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tailrace.results.audit import audit_pulse
from tailrace.results.metrics import definitions
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.render.live import log_line, panel

from .command import tailrace
from .results.render.test_live import NOW, STARTS
from .results.test_audit_stage import ARRIVALS, findings, late

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_definition_stands_in_the_metrics_page() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for name, definition in definitions().items():
        assert f"`{name}`" in text
        assert definition in text


def test_every_line_of_the_audit_stands_in_the_metrics_page() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    of_stage = findings(late(0.1, 3), keep_spans=True, arrivals=ARRIVALS)
    names = {*of_stage, *(finding.name for finding in audit_pulse(PulseFacts(wall_ns=1), None))}
    assert len(names) == 17
    for name in names:
        assert f"| {name} |" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_word_of_the_log_stands_in_the_terminal_page() -> None:
    text = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")
    shown = replace(NOW, client=(STARTS,), errors=(("reset", 1),))
    for word in log_line(shown).split():
        assert f"`{word.partition('=')[0]}`" in text
    for label, _, _ in panel(shown).lines():
        assert label in text.partition("## Without")[0]


PAGES = ("asking", "check", "cloud", "export", "foundry", "slo")
COMMANDS = (
    *("run", "check", "report", "find-limit", "outputs", "rubric judge", "simulate", "calibrate"),
    *("foundry list", "export", "convert", "compare", "demo"),
)


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{page}.md" for page in PAGES)])
def test_options_that_a_page_names_exist(tmp_path: Path, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    known = "".join(tailrace(*name.split(), "--help", cwd=tmp_path).stdout for name in COMMANDS)
    # options of other programs that a page quotes
    servers = {"--parallel", "--save-result", "--save-detailed"}
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - servers:
        assert option in known + "--version --help", option
