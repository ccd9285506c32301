"""What of a model's probes is a fault, and what mends it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tailrace.results.check_model import ModelLook, Seen, model_rows
from tailrace.results.check_server import Listing
from tailrace.results.checks import Check
from tailrace.results.schema import Row

from .builders import check_lines
from .golden_files import assert_golden, told_apart

MS = 1_000_000
GOOD_ROW = Row(
    "check-1",
    *(-1, 0, "cold", 0),
    sent_ns=10 * MS,
    headers_ns=60 * MS,
    first_output_ns=60 * MS,
    last_output_ns=360 * MS,
    closed_ns=361 * MS,
    gaps_ns=[20 * MS] * 15,
    chunks=16,
    output_tokens=16,
    input_tokens=24,
    token_source="usage",
    status=200,
    finish_reason="length",
    reused=False,
)


def seen(done: bool = True, **changes: Any) -> Seen:
    return Seen(msgspec.structs.replace(GOOD_ROW, **changes), done)


def failed(error_class: str, error: str, **changes: Any) -> Seen:
    return seen(False, outcome="error", error_class=error_class, error=error, **changes)


GOOD = ModelLook(
    *("m", "m", "http://box/v1"),
    listing=Listing(200, "", ("m", "n"), ("m",)),
    first=seen(),
    second=seen(reused=True, first_output_ns=30 * MS),
)


def rows(**changes: Any) -> dict[str, Check]:
    return {row.name: row for row in model_rows(replace(GOOD, **changes))}


def test_a_good_model_is_green() -> None:
    found = rows()
    assert {row.status for row in found.values()} == {"ok"}
    assert list(found) == [
        *("listed", "loaded", "dialect", "answers", "streams", "end", "tokens", "connection")
    ]
    assert found["answers"].found == "TTFT 50 ms, then 20 ms, gap p50 20 ms"
    assert found["streams"].found == "16 chunks in 16 reads over 300 ms"
    assert found["tokens"].found == "usage: 24 in, 16 out, one a chunk (16)"


@pytest.mark.parametrize(
    ("error_class", "fix"),
    [
        ("http_401", "OPENAI_API_KEY"),
        ("http_404", "check the path of --url"),
        ("http_429", "rate limit"),
        ("not_sse", "--no-stream"),
        ("not_json", "leave --no-stream out"),
        ("empty", "--probe-tokens"),
        ("reset", "log"),
    ],
)
def test_a_model_that_does_not_answer_is_red(error_class: str, fix: str) -> None:
    found = rows(first=failed(error_class, "so it said"), second=None)
    row = found.popitem()[1]
    assert (row.name, row.status, row.found) == ("answers", "fail", "so it said")
    assert fix in row.fix


def test_a_model_that_is_not_there_names_those_that_are() -> None:
    found = rows(model="x", first=failed("http_404", "HTTP 404: no x"), second=None)
    assert (found["listed"].status, found["answers"].status) == ("fail", "fail")
    assert "give one of these with --model: m, n" in found["listed"].fix
    assert "m, n" in found["answers"].fix


def test_an_alias_that_answers_is_only_yellow() -> None:
    assert rows(model="alias")["listed"].status == "warn"


def test_a_server_that_lists_nothing_has_no_such_row() -> None:
    assert not {"listed", "loaded"} & set(rows(listing=None))


def test_a_model_that_is_yet_to_be_loaded_is_yellow() -> None:
    row = rows(listing=Listing(200, "", ("m", "n"), ("n",)))["loaded"]
    assert (row.status, row.found) == ("warn", "not when it was listed; loaded: n")


def test_a_model_that_is_not_on_the_servers_disk_is_yellow() -> None:
    row = rows(listing=Listing(200, "", ("m", "n"), (), ("n",)))["loaded"]
    assert (row.status, row.found) == ("warn", "no, and it is not on the server's disk")
    assert "download" in row.fix


def test_what_is_not_told_of_loading_is_no_row() -> None:
    assert "loaded" not in rows(listing=Listing(200, "", ("m",)))
    assert rows(listing=Listing(200, "", ("m",), ()))["loaded"].status == "warn"


def test_usage_that_is_refused_is_found_out() -> None:
    refused = failed("http_400", "HTTP 400: unknown field stream_options", status=400)
    row = rows(first=refused, second=None, plain=seen())["answers"]
    assert row.status == "fail"
    assert row.fix.startswith("give --no-stream-usage")


def test_a_second_request_that_fails_is_red() -> None:
    row = rows(second=failed("http_429", "HTTP 429: slow down"))["answers"]
    assert row.status == "fail"
    assert row.found == "only the first of two requests: HTTP 429: slow down"
    assert "rate limit" in row.fix


def test_one_that_was_cut_off_asks_for_time() -> None:
    cut = seen(False, outcome="cancelled", error="no whole answer")
    row = rows(first=cut, second=None)["answers"]
    assert (row.status, row.found) == ("fail", "no whole answer")
    assert "--within" in row.fix


@pytest.mark.parametrize(
    ("status", "changes", "found", "fix"),
    [
        (
            "fail",
            {"gaps_ns": [0] * 15, "first_output_ns": 360 * MS},
            "16 chunks in 1 read over 0 ms, after 350 ms of silence",
            "proxy_buffering",
        ),
        (
            "fail",
            {"gaps_ns": [50_000] * 15, "first_output_ns": 360 * MS - 750_000},
            "all of it came at the end",
            "--no-stream",
        ),
        ("ok", {"gaps_ns": [MS] * 15, "first_output_ns": 359 * MS}, "16 chunks", ""),
        ("warn", {"gaps_ns": [0, 0, 0, 60 * MS] * 3 + [0] * 3}, "in 4 reads", "lumps"),
        ("warn", {"gaps_ns": [20 * MS], "chunks": 2}, "too few", "--probe-tokens"),
    ],
)
def test_whether_it_really_streams(
    status: str, changes: dict[str, Any], found: str, fix: str
) -> None:
    row = rows(first=seen(**changes))["streams"]
    assert row.status == status
    assert found in row.found
    assert fix in row.fix


def test_answers_that_come_whole_have_no_row_of_streaming() -> None:
    whole = {"first_output_ns": None, "gaps_ns": [], "chunks": 0}
    found = rows(streamed=False, first=seen(False, **whole), second=None)
    assert "streams" not in found
    assert {row.status for row in found.values()} == {"ok"}
    assert found["answers"].found == "whole answer 351 ms"


@pytest.mark.parametrize(
    ("done", "reason", "found"),
    [(False, "stop", "no [DONE]"), (True, None, "no finish reason"), (False, None, "no [DONE]")],
)
def test_an_end_that_is_not_said_is_yellow(done: bool, reason: str | None, found: str) -> None:
    row = rows(first=seen(done, finish_reason=reason))["end"]
    assert row.status == "warn"
    assert found in row.found


def test_tokens_without_usage_are_yellow() -> None:
    row = rows(first=seen(token_source="counted", output_tokens=16))["tokens"]
    assert (row.status, "no usage" in row.found) == ("warn", True)
    assert "include_usage" in row.fix
    left_out = rows(first=seen(token_source="counted"), usage_asked=False)["tokens"]
    assert left_out.fix.startswith("leave --no-stream-usage out")


def test_chunks_that_are_not_tokens_are_yellow() -> None:
    row = rows(first=seen(output_tokens=40, cached_tokens=8))["tokens"]
    assert row.status == "warn"
    assert row.found == "usage: 24 in, 8 from its cache, 40 out, in 16 chunks"


def test_a_connection_that_is_closed_says_what_it_costs() -> None:
    second = seen(reused=False, connect_begin_ns=5 * MS, connect_end_ns=7 * MS)
    row = rows(second=second)["connection"]
    assert (row.status, "pays 2 ms" in row.found) == ("warn", True)


def test_a_server_that_the_run_starts_is_only_looked_for() -> None:
    nothing = {"listing": None, "first": None, "second": None}
    found = rows(command="llama-server", command_found=True, **nothing)
    assert [row.status for row in found.values()] == ["ok"]
    missing = rows(command="llama-server", **nothing)["serve"]
    assert (missing.status, "llama-server" in missing.found) == ("fail", True)


def test_what_was_not_asked_is_yellow() -> None:
    nothing = {"listing": None, "first": None, "second": None}
    row = rows(not_asked="not asked: the time of --within is over", **nothing)["answers"]
    assert (row.status, row.fix) == ("warn", "give check more time with --within")


ERRORS = (
    *("http_401", "http_403", "http_404", "http_429", "http_400", "not_sse", "not_json"),
    *("idle_timeout", "total_timeout", "empty", "connect_refused", "http_500", "no_done"),
)
CHANGES: dict[str, dict[str, Any]] = {
    "good": {},
    **{error: {"first": failed(error, f"it said {error}")} for error in ERRORS},
    **{f"{error}, then": {"second": failed(error, "at last")} for error in ERRORS[:3]},
    "not found, and nothing is listed": {"listing": None, "first": failed("http_404", "no")},
    "the second was cut off": {"second": seen(outcome="cancelled")},
    "both were cut off": {"first": seen(outcome="cancelled"), "second": seen(outcome="cancelled")},
    "not listed, and it answers": {"listing": Listing(200, "", ("n",), ())},
    "not listed, and it does not": {
        **{"listing": Listing(200, "", ("n",), ()), "first": failed("http_404", "no")},
    },
    "none is loaded": {"listing": Listing(200, "", ("m",), (), ())},
    "others are loaded": {"listing": Listing(200, "", ("m", "n"), ("n",))},
    "nothing is listed": {"listing": Listing(404, "not found", (), None)},
    "found by a sign": {"dialect": "ollama-chat", "dialect_from": "GET /api/tags"},
    "auto": {"dialect": "auto"},
    "a command": {"command": "llama-server", "command_found": True},
    "no such command": {"command": "llama-server"},
    "not asked for want of time": {"not_asked": "no time: --within", "first": None},
    "not asked at all": {"not_asked": "the rows above", "first": None},
    "usage is refused": {"first": failed("http_400", "what is usage?"), "plain": seen()},
    "whole answers": {"streamed": False},
    "whole answers, two tokens a chunk": {"streamed": False, "first": seen(output_tokens=31)},
    "one chunk": {"first": seen(chunks=1, gaps_ns=[], last_output_ns=60 * MS)},
    "few chunks": {"first": seen(chunks=3, gaps_ns=[MS, MS])},
    "in a lump": {"first": seen(first_output_ns=359 * MS, gaps_ns=[MS // 100] * 15)},
    "late, but paced": {"first": seen(first_output_ns=350 * MS, gaps_ns=[20 * MS] * 15)},
    "several chunks a read": {"first": seen(gaps_ns=[0, 0, 0, 20 * MS] * 3 + [0] * 3)},
    "two chunks a read": {"first": seen(gaps_ns=[0, 20 * MS] * 7 + [0])},
    "no end and no reason": {"first": seen(False, finish_reason=None)},
    "no end": {"first": seen(False)},
    "no reason": {"first": seen(finish_reason=None)},
    "no usage": {"first": seen(token_source="counted")},
    "cached tokens": {"first": seen(cached_tokens=8)},
    "tokens that are no chunks": {"first": seen(output_tokens=31)},
    "no input tokens": {"first": seen(input_tokens=None)},
    "a connection of its own": {"second": seen(connect_begin_ns=MS, connect_end_ns=3 * MS)},
    "a connection, who knows how long": {"second": seen(connect_begin_ns=MS)},
    "never sent": {"second": seen(sent_ns=None, reused=True)},
}


def test_every_row_word_for_word() -> None:
    """Of each case, the rows that a good model does not have."""
    text = told_apart(
        {
            title: check_lines(model_rows(replace(GOOD, **changes)))
            for title, changes in CHANGES.items()
        }
    )
    assert_golden(Path(__file__).with_name("golden") / "check_model.txt", text)
