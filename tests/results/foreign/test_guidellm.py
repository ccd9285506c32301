"""guidellm: names of all its versions, each benchmark a level, and no sample taken for all."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.errors import ResultError
from tailrace.results.foreign.guidellm import is_guidellm, read_guidellm
from tailrace.results.foreign.shape import ForeignRun
from tailrace.results.schema import Row

S = 10**9
NEW = {
    "info": {
        "timings": {
            "targeted_start": 0.5,
            "request_start": 1.0,
            "first_token_iteration": 1.5,
            "last_token_iteration": 2.0,
            "request_end": 2.5,
            "token_iterations": 6,
        }
    },
    "prompt_tokens": 7,
    "output_tokens": 8,
}
MIDDLE = {
    "request_start_time": 1.0,
    "first_iteration": 1.5,
    "last_iteration": 2.0,
    "request_end_time": 2.5,
}
OLD = {
    "start_time": 1.0,
    "first_token_time": 1.5,
    "last_token_time": 2.0,
    "end_time": 2.5,
}


def read(*benchmarks: dict[str, Any], **more: Any) -> ForeignRun:
    return read_guidellm({"benchmarks": list(benchmarks)} | more, "g.json")


def rows(**requests: Any) -> list[Row]:
    return [row for level in read({"requests": requests}).levels for row in level.rows]


@pytest.mark.parametrize("request_", [NEW, MIDDLE, OLD], ids=["0.8", "0.4", "0.3"])
def test_a_request_by_the_names_of_each_version(request_: dict[str, Any]) -> None:
    (row,) = rows(successful=[request_])
    assert (row.id, row.outcome, row.error, row.streamed) == ("0-0", "ok", None, True)
    assert (row.sent_ns, row.first_output_ns) == (S, 3 * S // 2)
    assert (row.last_output_ns, row.closed_ns, row.ended_ns) == (2 * S, 5 * S // 2, 5 * S // 2)
    assert row.intended_ns == (S // 2 if request_ is NEW else S)
    wanted = (7, 8, 6) if request_ is NEW else (None, None, 0)
    assert (row.input_tokens, row.output_tokens, row.chunks) == wanted


def test_a_request_ends_no_sooner_than_its_last_token_and_is_meant_for_no_later() -> None:
    late = OLD | {"end_time": 1.75, "targeted_start": 1.25}
    (row,) = rows(successful=[late])
    assert (row.intended_ns, row.ended_ns, row.closed_ns) == (S, 2 * S, 2 * S)
    (bare,) = rows(successful=[{"start_time": 1.0}])
    assert (bare.ended_ns, bare.first_output_ns, bare.streamed) == (S, None, False)


def test_each_kind_of_request_has_its_outcome_and_its_error() -> None:
    told = OLD | {"error": "went away"}
    newer = OLD | {"info": {"error": "refused"}, "error": "older"}
    found = rows(incomplete=[OLD], errored=[told, newer], successful=[OLD])
    assert [(row.id, row.outcome, row.error_class, row.error) for row in found] == [
        ("0-0", "ok", None, None),
        ("0-1", "error", "foreign", "went away"),
        ("0-2", "error", "foreign", "refused"),
        ("0-3", "cancelled", "foreign", "cancelled"),
    ]
    assert [row.closed_ns for row in found] == [5 * S // 2, None, None, None]
    assert {(row.sent_ns, row.ended_ns, row.first_output_ns) for row in found} == {
        (S, 5 * S // 2, 3 * S // 2)
    }


def test_a_request_that_never_was_sent_is_left_out() -> None:
    assert [row.id for row in rows(successful=[OLD, {}, OLD], errored=None)] == ["0-0", "0-1"]


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [
        ({"type_": "concurrent", "streams": 4}, (4, "4")),
        ({"type_": "constant", "rate": 2.50}, (None, "2.5/s")),
        ({"type_": "synchronous"}, (1, "1")),
        ({"type_": "throughput"}, (None, "throughput")),
        ({}, (None, "unknown")),
    ],
)
@pytest.mark.parametrize("place", ["config", "args"])
def test_the_load_of_a_benchmark(
    strategy: dict[str, Any], wanted: tuple[int | None, str], place: str
) -> None:
    requests = {"successful": [OLD]}
    first, second = read(
        {"requests": requests, place: {"strategy": strategy}}, {"requests": requests}
    ).levels
    assert (first.users, first.load) == wanted
    assert (second.users, second.load) == (None, "unknown")
    assert [(row.id, row.stage) for row in second.rows] == [("1-0", 1)]


BACKEND = {"model": "m", "target": "http://a"}


@pytest.mark.parametrize(
    ("benchmark", "document"),
    [
        ({"config": {"backend": BACKEND}}, {"args": {"model": "other"}}),
        ({"config": {"backend": "http"}, "benchmarker": {"backend": BACKEND}}, {}),
        ({"config": {"backend": {}}}, {"args": BACKEND}),
    ],
)
def test_what_the_run_was(benchmark: dict[str, Any], document: dict[str, Any]) -> None:
    requests = {"successful": [OLD]}
    earlier = {"requests": {"errored": [OLD | {"start_time": 0.25}]}}
    more = {"metadata": {"guidellm_version": "0.8.1"}}
    run = read(benchmark | {"requests": requests}, earlier, **document, **more)
    assert (run.tool, run.version) == ("guidellm", "0.8.1")
    assert (run.model, run.url) == ("m", "http://a")
    assert run.began_wall_ns == S // 4


def test_a_run_of_which_nothing_is_told() -> None:
    run = read({"requests": {"successful": [OLD]}})
    assert (run.version, run.model, run.url) == ("", "unknown", None)


@pytest.mark.parametrize("word", ["successful", "errored", "incomplete"])
def test_a_sample_is_not_taken_for_all(word: str) -> None:
    def benchmark(ran: int | None) -> dict[str, Any]:
        totals = {"request_totals": {word: ran}}
        return {"metrics": totals, "requests": {word: [OLD, OLD]}}

    with pytest.raises(ResultError) as caught:
        read(benchmark(2), benchmark(3))
    assert str(caught.value) == (
        f"g.json keeps 2 of 3 {word} requests: run guidellm without a sample size"
    )
    assert len(read(benchmark(2), benchmark(None)).levels) == 2


def test_one_request_of_two_is_a_sample_too() -> None:
    totals = {"request_totals": {"successful": 2}}
    with pytest.raises(ResultError, match="keeps 1 of 2 successful"):
        read({"metrics": totals, "requests": {"successful": [OLD]}})


@pytest.mark.parametrize("kept", [[], [{"requests": {"successful": [OLD]}}, {}]])
def test_a_benchmark_without_requests_is_refused(kept: list[dict[str, Any]]) -> None:
    with pytest.raises(ResultError) as caught:
        read(*kept)
    assert str(caught.value) == (
        "g.json: it keeps no requests; run guidellm with --output kind=json, "
        "without sampling them away"
    )


def test_a_list_of_benchmarks_marks_a_file_as_guidellms() -> None:
    assert is_guidellm({"benchmarks": []})
    assert not is_guidellm({"benchmarks": {}})
    assert not is_guidellm({})
