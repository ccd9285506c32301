"""A whole run against the real llama.cpp server: counts must be the server's own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from tiny_gguf import NAME

from tailrace.display import Quiet
from tailrace.results.schema import Row, parse_row
from tailrace.runner import Finished, run_scenario
from tailrace.scenarios.model import Level, Scenario

pytestmark = pytest.mark.server

TOKENS = 24
REQUESTS = 12


def run(url: str, out: Path, users: int, model: str = NAME) -> tuple[Finished, list[Row]]:
    scenario = Scenario(
        base_url=url,
        models=(model,),
        levels=(Level(users, 0.0, None, REQUESTS),),
        max_tokens=TOKENS,
    )
    finished = run_scenario(scenario, out, None, (), Quiet())
    folder = finished.facts.models[0].folder
    lines = (finished.path / folder / "requests.jsonl").read_bytes().splitlines()
    return finished, [parse_row(line, "") for line in lines]


@pytest.mark.parametrize("users", [1, 4, 8])
def test_tokens_are_the_servers(
    llama_url: str,
    llama_metrics: Callable[[], dict[str, float]],
    tmp_path: Path,
    users: int,
) -> None:
    before = llama_metrics()
    finished, rows = run(llama_url, tmp_path, users)
    after = llama_metrics()
    (stage,) = finished.results[0]["stages"]
    assert stage["counts"]["measured"]["ok"] == REQUESTS
    assert stage["tokens"]["output"] == REQUESTS * TOKENS
    assert stage["tokens"]["source"] == {"usage": REQUESTS}
    assert stage["tokens"]["finish_reasons"] == {"length": REQUESTS}
    sent = REQUESTS + 1  # and the cold one
    assert len(rows) == sent
    counted = {name: after[name] - before[name] for name in after if name.endswith("_total")}
    assert counted["tokens_predicted_total"] == sum(row.output_tokens or 0 for row in rows)
    processed = counted["prompt_tokens_total"]
    cached = sum(row.cached_tokens or 0 for row in rows)
    assert processed + cached == sum(row.input_tokens or 0 for row in rows)


def test_the_shape_of_each_answer(llama_url: str, tmp_path: Path) -> None:
    _, rows = run(llama_url, tmp_path, 2)
    for row in rows:
        points = [
            *(row.connect_begin_ns, row.connect_end_ns, row.sent_ns, row.headers_ns),
            *(row.first_event_ns, row.first_output_ns, row.last_output_ns, row.closed_ns),
        ]
        known = [point for point in points if point is not None]
        assert len(known) == 8
        assert all(a <= b for a, b in pairwise(known))
        assert row.status == 200
        assert row.reused is False  # this server closes after each answer
        assert 0 < row.chunks <= TOKENS
        assert len(row.gaps_ns) == row.chunks - 1


def test_more_users_than_slots_are_all_in_flight(llama_url: str, tmp_path: Path) -> None:
    finished, _ = run(llama_url, tmp_path, 8)
    (stage,) = finished.results[0]["stages"]
    assert stage["in_flight"]["max"] == 8


def test_a_prompt_that_is_too_long_is_an_error_of_its_own(llama_url: str, tmp_path: Path) -> None:
    scenario = Scenario(
        base_url=llama_url,
        models=(NAME,),
        levels=(Level(1, 0.0, None, 1),),
        prompts=("word " * 9000,),
        max_tokens=4,
    )
    finished = run_scenario(scenario, tmp_path, None, (), Quiet())
    (model,) = finished.facts.models
    assert (model.status, model.error_class) == ("failed", "http_400")
    assert "exceed" in (model.error or "")
    assert finished.exit_code == 3
