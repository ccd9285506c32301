"""What of a trace was not replayed is said, once a file."""

from __future__ import annotations

from typing import Any

import pytest

from tailrace.results.trace_notes import length_notes, trace_notes, trace_of, trace_reasons


def level(**trace: Any) -> dict[str, Any]:
    return {"arrivals": {"trace": {"path": "t", "skipped": []} | trace}}


def test_lines_that_were_left_out_are_counted_by_reason() -> None:
    skipped = [["failed: 0 output tokens", 3], ["not measured but cold", 1]]
    found = list(trace_notes({"levels": [level(skipped=skipped), level(skipped=skipped)]}))
    assert found == [
        "trace t: 4 lines were not replayed (3 failed: 0 output tokens, 1 not measured but cold)"
    ]


def test_there_is_nothing_to_say_without_any() -> None:
    none: list[dict[str, Any]] = [
        *({}, {"levels": []}, {"levels": [{"arrivals": None}]}),
        *({"levels": [{"arrivals": {"trace": None}}]}, {"levels": [level()]}),
    ]
    for scenario in none:
        assert list(trace_notes(scenario)) == []


TRACE = {"rows": 4, "input_tokens": 100, "output_tokens": 40, "words_per_token": 1.0}


def document(**more: Any) -> dict[str, Any]:
    tokens = {"source": {"usage": 4}, "input": 100, "output": 40}
    return {
        "tokens": tokens | more,
        "counts": {"measured": {"ok": 4}, "books": {"planned": 4}},
        "arrivals": {"requested_n": 4.0},
    }


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ({}, []),
        ({"input": 109, "output": 37}, []),
        ({"input": 125}, ["1.25 times as long", "--words-per-token 0.80"]),
        ({"output": 20}, ["answers were 0.50 times as long"]),
        ({"input": 125, "source": {"counted": 4}}, []),
        ({"input": 0}, []),
    ],
)
def test_lengths_that_are_off_are_said(tokens: dict[str, Any], words: list[str]) -> None:
    found = list(length_notes("m at trace", TRACE, document(**tokens)))
    assert len(found) == bool(words)
    for word in words:
        assert word in found[0]


def test_lengths_are_only_judged_where_all_was_answered() -> None:
    assert list(length_notes("m", TRACE | {"rows": 5}, document(input=900))) == []
    assert list(length_notes("m", None, document(input=900))) == []


def test_a_trace_that_was_not_sent_whole_is_a_reason() -> None:
    whole = document()
    assert list(trace_reasons("m", TRACE, whole)) == []
    assert list(trace_reasons("m", None, whole)) == []
    whole["counts"]["books"]["planned"] = 3
    (reason,) = trace_reasons("m", TRACE, whole)
    assert reason.startswith("m: the trace has 4 requests for it and 3 were sent")


def test_the_trace_of_a_level() -> None:
    scenario = {"levels": [level(), {"arrivals": None}]}
    assert trace_of(scenario, 0) == {"path": "t", "skipped": []}
    assert trace_of(scenario, 1) is None
    assert trace_of(scenario, 2) is None
