"""A conversation with the real llama.cpp server: it reads what was said before."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from tiny_gguf import NAME

from tailrace.display import Quiet
from tailrace.results.schema import parse_row
from tailrace.runner import run_scenario
from tailrace.scenarios.model import Level, Scenario
from tailrace.scenarios.sessions import Sessions

pytestmark = pytest.mark.server

TOKENS = 16


def test_three_turns_grow_by_what_was_said(llama_url: str, tmp_path: Path) -> None:
    scenario = Scenario(
        base_url=llama_url,
        models=(NAME,),
        levels=(Level(2, 0.0, None, 4),),
        max_tokens=TOKENS,
        sessions=Sessions(turns=(3, 3), turn_tokens=(8, 8)),
    )
    finished = run_scenario(scenario, tmp_path, None, (), Quiet())
    for reason in finished.verdict.reasons:  # a busy machine may come late, and no more
        assert not any(word in reason for word in ("balance", "journal", "no measured"))
    folder = finished.facts.models[0].folder
    lines = (finished.path / folder / "requests.jsonl").read_bytes().splitlines()
    rows = [row for row in (parse_row(line, "") for line in lines) if row.stage == 0]
    for session in range(4):
        mine = [row for row in rows if row.session == session]
        assert [(row.turn, row.outcome) for row in mine] == [(1, "ok"), (2, "ok"), (3, "ok")]
        prompts = [row.input_tokens or 0 for row in mine]
        for before, after in pairwise(prompts):
            assert after - before > TOKENS  # the answer, and what the user said next
    (stage,) = finished.results[0]["stages"]
    found = stage["sessions"]
    assert found["books"]["finished"] == found["books"]["begun"] == 4
    assert [turn["requests"] for turn in found["turns"]] == [4, 4, 4]
    means = [turn["input_tokens_mean"] for turn in found["turns"]]
    assert means == sorted(means)
    assert stage["counts"]["books"]["planned"] == 12
