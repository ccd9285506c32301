"""vllm: every list of its file lands in its requests, and what it never wrote stays unknown."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.errors import ResultError
from tailrace.results.foreign.shape import ForeignRun
from tailrace.results.foreign.vllm import is_vllm, read_vllm
from tailrace.results.schema import Row

from ..builders import MS

S = 1000 * MS
OLD: dict[str, Any] = {
    "model_id": "org/model",
    "total_input_tokens": 10,
    "start_times": [1.0, 2.0],
    "ttfts": [0.25, 0.5],
    "itls": [[0.125, 0.0625], []],
}
"""The least that can be read: what older versions write."""
NEW: dict[str, Any] = OLD | {
    "errors": ["", "Traceback: refused"],
    "input_lens": [7, 8],
    "output_lens": [3, 4],
    "latencies": [0.75, 0.875],
    "queue_times": [0.5, None],
}


def read(document: dict[str, Any]) -> ForeignRun:
    return read_vllm(document, "v.json")


def rows(document: dict[str, Any]) -> list[Row]:
    (level,) = read(document).levels
    return level.rows


def test_a_request_of_a_newer_file() -> None:
    row, _ = rows(NEW)
    assert (row.id, row.stage, row.outcome, row.prompt) == ("0-0", 0, "ok", "0")
    assert (row.intended_ns, row.sent_ns) == (S // 2, S), "it waited for a free place"
    assert (row.first_output_ns, row.last_output_ns) == (1250 * MS, 1_437_500_000)
    assert (row.closed_ns, row.ended_ns) == (1750 * MS, 1750 * MS)
    assert (row.gaps_ns, row.chunks) == ([125 * MS, 62_500_000], 3)
    assert (row.input_tokens, row.output_tokens) == (7, 3)


def test_a_request_that_failed_ends_when_its_latency_is_over() -> None:
    _, row = rows(NEW)
    assert (row.id, row.stage, row.outcome, row.error_class) == ("0-1", 0, "error", "foreign")
    assert row.error == "Traceback: refused"
    assert (row.intended_ns, row.sent_ns, row.ended_ns) == (2 * S, 2 * S, 2875 * MS)
    assert (row.first_output_ns, row.closed_ns) == (None, None)
    assert (row.input_tokens, row.output_tokens) == (8, None)


def test_an_older_file_says_neither_lengths_nor_latencies() -> None:
    one, two = rows(OLD)
    assert (one.intended_ns, one.closed_ns, one.ended_ns) == (S, 1_437_500_000, 1_437_500_000)
    assert (one.input_tokens, one.output_tokens) == (None, None)
    assert (two.first_output_ns, two.last_output_ns, two.closed_ns) == (2500 * MS,) * 3
    assert (two.gaps_ns, two.chunks) == ([], 1)


def test_a_request_without_output_failed() -> None:
    row, _ = rows(OLD | {"ttfts": [0.0, 0.5]})
    assert (row.outcome, row.error, row.ended_ns) == ("error", "no output", S)


def test_what_the_run_was() -> None:
    told = {"backend": "openai", "endpoint_type": "chat", "tokenizer_id": "t"}
    told |= {"num_prompts": 2, "burstiness": 1.0}
    run = read(OLD | told | {"date": "20260131-235959", "goodput": 5})
    assert (run.tool, run.version, run.model) == ("vllm bench serve", "", "org/model")
    assert (run.url, run.settings) == (None, told)
    assert run.began_wall_ns == 1_769_903_999 * S


@pytest.mark.parametrize("date", [None, "yesterday", "2026-01-31"])
def test_a_date_that_cannot_be_read_is_none(date: str | None) -> None:
    assert read(OLD | {"date": date}).began_wall_ns == 0


@pytest.mark.parametrize(
    ("users", "rate", "wanted"),
    [
        (8, "inf", (8, "8")),
        (8, None, (8, "8")),
        (8, float("inf"), (8, "8")),
        (8, 2.5, (None, "2.5/s")),
        (None, 2.0, (None, "2/s")),
        (None, "3.50", (None, "3.5/s")),
        (None, "inf", (None, "all at once")),
        (None, None, (None, "all at once")),
        (None, float("inf"), (None, "all at once")),
    ],
)
def test_users_where_no_rate_was_set(users: Any, rate: Any, wanted: tuple[Any, str]) -> None:
    (level,) = read(OLD | {"max_concurrency": users, "request_rate": rate}).levels
    assert (level.users, level.load) == wanted


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"itls": None},
            "v.json has no 'itls': it holds only summaries; "
            "run `vllm bench serve` with --save-result --save-detailed",
        ),
        (
            {"start_times": None},
            "v.json has no 'start_times': without it no request can be placed in time; "
            "a newer vLLM writes it",
        ),
        ({"model_id": None}, "v.json has no 'model_id': it names no model"),
        (
            {"ttfts": None},
            "v.json has no 'ttfts': it holds only summaries; "
            "run `vllm bench serve` with --save-result --save-detailed",
        ),
        *(
            ({name: [1, 2, 3]}, f"v.json: {name!r} has 3 entries, 'ttfts' 2")
            for name in NEW
            if isinstance(NEW[name], list) and name != "ttfts"
        ),
        (
            {"ttfts": [], "start_times": [], "itls": []},
            "v.json: 'ttfts' is empty, so it holds no request",
        ),
    ],
)
def test_what_is_missing_is_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ResultError) as caught:
        read(OLD | more)
    assert str(caught.value) == said


def test_both_of_its_own_fields_are_needed_to_take_a_file_for_vllms() -> None:
    assert is_vllm(OLD)
    assert not is_vllm({"model_id": "m"})
    assert not is_vllm({"total_input_tokens": 1})
