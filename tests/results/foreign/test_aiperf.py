"""aiperf: a record becomes a request, whatever version wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.errors import ResultError
from tailrace.results.foreign.aiperf import is_aiperf, read_aiperf
from tailrace.results.foreign.shape import ForeignRun
from tailrace.results.schema import Row

META = {"request_start_ns": 1000, "request_end_ns": 9000}


def read(summary: dict[str, Any], *records: dict[str, Any]) -> ForeignRun:
    return read_aiperf(summary, records or [{"metadata": META}], "a.jsonl")


def row(metadata: dict[str, Any], metrics: dict[str, Any] | None = None, **more: Any) -> Row:
    ((one,),) = (
        level.rows
        for level in read({}, {"metadata": META | metadata, "metrics": metrics} | more).levels
    )
    return one


def test_a_streamed_answer() -> None:
    metrics = {
        "time_to_first_token": {"value": 2.0, "unit": "us"},
        "request_latency": {"value": 0.007, "unit": "ms"},
        "inter_chunk_latency": {"value": [1.5, 2.5], "unit": "us"},
        "usage_prompt_tokens": {"value": 11},
        "input_sequence_length": {"value": 12},
        "usage_completion_tokens": {"value": 13},
        "output_sequence_length": {"value": 14},
    }
    found = row({"credit_issued_ns": 900, "turn_index": 2}, metrics)
    assert (found.id, found.stage, found.outcome, found.status) == ("0-0", 0, "ok", 200)
    assert (found.intended_ns, found.sent_ns, found.ended_ns) == (900, 1000, 9000)
    assert (found.first_output_ns, found.last_output_ns, found.closed_ns) == (3000, 8000, 9000)
    assert (found.gaps_ns, found.chunks, found.streamed) == ([1500, 2500], 3, True)
    assert (found.input_tokens, found.output_tokens, found.token_source) == (11, 13, "usage")
    assert found.turn == 3


def test_an_answer_of_which_little_is_told() -> None:
    lengths = {"input_sequence_length": {"value": 12}, "output_sequence_length": {"value": 14}}
    found = row({}, lengths)
    assert (found.intended_ns, found.turn) == (1000, 1)
    assert (found.first_output_ns, found.last_output_ns, found.closed_ns) == (None, None, 9000)
    assert (found.gaps_ns, found.chunks, found.streamed) == ([], 0, False)
    assert (found.input_tokens, found.output_tokens) == (12, 14)
    assert found.token_source == "unknown"
    assert row({}).output_tokens is None


def test_an_answer_of_one_chunk_and_one_of_which_the_chunks_are_not_told() -> None:
    first = {"time_to_first_token": {"value": 2, "unit": "us"}}
    assert (row({}, first).chunks, row({}, first).gaps_ns) == (1, [])
    mean = first | {"inter_chunk_latency": {"value": 1.5, "unit": "us"}}
    assert (row({}, mean).chunks, row({}, mean).gaps_ns) == (0, [])
    whole = {"inter_chunk_latency": {"value": [1.5], "unit": "us"}}
    assert row({}, whole).chunks == 0


@pytest.mark.parametrize(
    ("unit", "ns"), [("s", 10**9), ("sec", 10**9), ("ms", 10**6), ("us", 1000), ("ns", 1)]
)
def test_a_latency_in_any_unit(unit: str, ns: int) -> None:
    found = row({}, {"time_to_first_token": {"value": 3, "unit": unit}})
    assert found.first_output_ns == 1000 + 3 * ns


def test_a_request_was_not_meant_for_later_than_it_was_sent() -> None:
    assert row({"credit_issued_ns": 1200}).intended_ns == 1000
    assert row({"credit_issued_ns": None}).intended_ns == 1000


@pytest.mark.parametrize(
    ("error", "cancelled", "wanted"),
    [
        ({"code": 503, "type": "X", "message": "no"}, False, ("error", 503, "http_503", "no")),
        ({"code": None, "type": "Broken"}, False, ("error", None, "Broken", None)),
        ({"code": "x", "message": "m"}, False, ("error", None, "foreign", "m")),
        (None, True, ("cancelled", None, "foreign", None)),
        ({"type": "Cancelled"}, True, ("cancelled", None, "Cancelled", None)),
    ],
)
def test_a_request_that_failed(
    error: dict[str, Any] | None, cancelled: bool, wanted: tuple[Any, ...]
) -> None:
    metrics = {"usage_prompt_tokens": {"value": 5}}
    metrics["time_to_first_token"] = {"value": 2, "unit": "us"}  # type: ignore[dict-item]
    found = row({"was_cancelled": cancelled, "turn_index": 1}, metrics, error=error)
    assert (found.outcome, found.status, found.error_class, found.error) == wanted
    assert (found.id, found.stage, found.sent_ns, found.ended_ns) == ("0-0", 0, 1000, 9000)
    assert (found.first_output_ns, found.closed_ns) == (None, None)
    assert (found.input_tokens, found.turn) == (5, 2)


def test_only_what_was_measured_is_read() -> None:
    phases = ["warmup", "profiling", None]
    records = [
        {"metadata": META | ({"benchmark_phase": phase} if phase else {})} for phase in phases
    ]
    (level,) = read({}, *records).levels
    assert [row.id for row in level.rows] == ["0-1", "0-2"]
    with pytest.raises(ResultError) as caught:
        read({}, records[0])
    assert str(caught.value) == (
        "a.jsonl holds no request: aiperf writes profile_export.jsonl with --export-level records"
    )


def test_what_the_run_was() -> None:
    config = {"phases": [{"concurrency": 4}], "datasets": ["d"]}
    config |= {"endpoint": {"urls": ["http://a", "http://b"]}}
    later = {"metadata": {"request_start_ns": 500, "request_end_ns": 600}}
    run = read({"aiperf_version": "0.13", "input_config": config}, {"metadata": META}, later)
    assert (run.tool, run.version, run.url) == ("aiperf", "0.13", "http://a")
    assert run.settings == {"phases": [{"concurrency": 4}], "datasets": ["d"]}
    assert run.began_wall_ns == 500
    bare = read({})
    assert (bare.version, bare.url, bare.model) == ("", None, "unknown")
    assert bare.settings == {"phases": None, "datasets": None}


@pytest.mark.parametrize(
    ("config", "model"),
    [
        ({"models": {"items": [{"name": "a"}, {"name": "b"}]}}, "a"),
        ({"models": ["c", "d"]}, "c"),
        ({"endpoint": {"model_names": ["e"]}}, "e"),
        ({"models": {}, "endpoint": {}}, "unknown"),
        ({"models": {"strategy": "x"}}, "unknown"),
    ],
)
def test_the_model_by_whatever_name_it_goes(config: dict[str, Any], model: str) -> None:
    assert read({"input_config": config}).model == model


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (
            {"phases": [{"name": "warmup", "rate": 1}, {"name": "profiling", "concurrency": 3}]},
            (3, "3"),
        ),
        ({"phases": [{"name": "profiling", "rate": 2.5}, {"concurrency": 3}]}, (None, "2.5/s")),
        ({"phases": [{"concurrency": 1}, {"concurrency": 2}, {"concurrency": 7}]}, (7, "7")),
        ({"loadgen": {"request_rate": "4.0", "concurrency": 9}}, (None, "4/s")),
        ({"loadgen": {"concurrency": 9}}, (9, "9")),
        ({}, (None, "as aiperf chose")),
    ],
)
def test_the_load_of_the_phase_that_was_measured(
    config: dict[str, Any], wanted: tuple[int | None, str]
) -> None:
    (level,) = read({"input_config": config}).levels
    assert (level.users, level.load) == wanted


def test_either_of_its_fields_marks_a_file_as_aiperfs() -> None:
    assert is_aiperf({"aiperf_version": "1"})
    assert is_aiperf({"request_latency": {}})
    assert not is_aiperf({"version": "1", "latency": {}})
