"""Whole and deterministic answers of the real llama.cpp server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import NAME

from tailrace.display import Quiet
from tailrace.results.outputs_files import compare_runs
from tailrace.results.schema import Row, parse_row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, Scenario

pytestmark = pytest.mark.server

TOKENS = 24
PROMPTS = ("The first.", "And a second one.", "A third, which is a little longer.")


def run(url: str, out: Path, **more: Any) -> tuple[Finished, list[Row]]:
    settings: dict[str, Any] = {
        "prompts": PROMPTS,
        "nonce": False,
        "send_seed": True,
        "max_tokens": TOKENS,
    }
    levels = (Level(1, 0.0, None, 2 * len(PROMPTS)),)
    scenario = Scenario(url, (NAME,), levels, **(settings | more))
    finished = run_scenario(scenario, out, None, (), Quiet())
    folder = finished.facts.models[0].folder
    lines = (finished.path / folder / "requests.jsonl").read_bytes().splitlines()
    rows = [parse_row(line, "") for line in lines]
    assert {row.outcome for row in rows} == {"ok"}
    return finished, rows


@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_tokens_of_whole_answers_are_the_servers(
    llama_url: str, tmp_path: Path, transport: str
) -> None:
    finished, rows = run(llama_url, tmp_path, stream=False, transport=transport, keep_text=True)
    for row in rows:
        assert (row.output_tokens, row.token_source) == (TOKENS, "usage")
        assert (row.streamed, row.first_output_ns, row.chunks) == (False, None, 0)
        assert row.last_output_ns == row.closed_ns
        assert row.text
    (stage,) = finished.results[0]["stages"]
    assert stage["tokens"]["output"] == 2 * len(PROMPTS) * TOKENS
    assert stage["metrics"]["ttft"]["n"] is None
    assert stage["metrics"]["e2e"]["n"] == 2 * len(PROMPTS)


def test_two_deterministic_runs_give_the_same_hashes(llama_url: str, tmp_path: Path) -> None:
    first, _ = run(llama_url, tmp_path / "a", deterministic=True)
    second, rows = run(llama_url, tmp_path / "b", deterministic=True)
    found = compare_runs(first.path, second.path)
    assert found.equal, found
    assert found.same == len(PROMPTS)
    hashes = {row.output_hash for row in rows}
    assert None not in hashes
    assert len(hashes) == len(PROMPTS)  # a model that answers all alike would prove nothing
    folder = second.facts.models[0].folder
    document = json.loads((second.path / folder / "outputs.json").read_bytes())
    assert [entry["prompt"] for entry in document["prompts"]] == ["1", "2", "3"]


def test_whole_and_streamed_answers_are_the_same_text(llama_url: str, tmp_path: Path) -> None:
    whole, _ = run(llama_url, tmp_path / "a", deterministic=True, stream=False)
    streamed, _ = run(llama_url, tmp_path / "b", deterministic=True)
    assert compare_runs(whole.path, streamed.path).equal
