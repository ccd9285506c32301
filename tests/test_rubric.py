"""The work on a run's answers: which are taken, on which facets, and whose words are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tailrace import rubric as module
from tailrace.errors import ResultError, UsageError
from tailrace.results.rubric_files import RubricFolder
from tailrace.rubric import Work, make_stub
from tailrace.scenarios.items import Item, Listed

from .results.builders import row, run_folder

ITEMS = [
    Item("zoo", (("user", "Name an animal."),), facets=("tone", "brevity")),
    Item("ask", (("system", "Be brief."), ("user", "Why?"))),
]
SCENARIO: dict[str, Any] = {"base_url": "http://h/v1", "models": ["m"], "levels": []}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answers of two prompts, of which one names its own facets, and one that nobody knows."""
    monkeypatch.setattr(module, "source_of", lambda _: Listed(ITEMS))
    rows = [
        row(10, id="a1", prompt="ask", text="Because."),
        row(20, id="z1", prompt="zoo", text="A gnu."),
        row(30, id="z2", prompt="zoo", text="A yak."),
        row(40, id="x1", prompt="gone", text="What?"),
    ]
    run_folder(tmp_path / "r", rows, scenario=SCENARIO)
    return tmp_path / "r"


def test_a_prompt_has_its_own_facets_and_the_rest_do_not_apply(run: Path) -> None:
    made = make_stub(run, 1, None)
    assert made.facets == ("tone", "brevity", "accuracy", "completeness", "clarity")
    text = RubricFolder(run).sheet_path.read_text(encoding="utf-8-sig")
    lines = text.splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ['"zoo"', '"ask"', '"gone"']
    assert '"A gnu.","","","n/a","n/a","n/a"' in lines[1]
    assert '"Because.","n/a","n/a","","",""' in lines[2]


def test_the_conversation_is_the_prompts_own(run: Path) -> None:
    work = Work(run, None)
    assert work.conversation("ask") == (("system", "Be brief."), ("user", "Why?"))
    with pytest.raises(UsageError, match=r"'gone' is no longer known.*prompts file"):
        work.conversation("gone")


def test_the_rubric_stays_with_the_run(run: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text('{"facets": {"depth": "How deep?"}}', encoding="utf-8")
    make_stub(run, 1, own)
    own.unlink()
    assert Work(run, None).rubric == {"depth": "How deep?"}
    RubricFolder(run).facets_path.write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match=r"rubric\.json' line 1 is not JSON"):
        Work(run, None)


def test_a_run_whose_scenario_cannot_be_read(run: Path, tmp_path: Path) -> None:
    run_folder(tmp_path / "s", [], scenario={"base_url": 3})
    with pytest.raises(ResultError, match=r"run\.json does not hold a scenario"):
        Work(tmp_path / "s", None)
