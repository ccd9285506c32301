"""Timelines in a table: what an answer said and when, and the row that comes of it."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.dialects.delta import Delta, Usage
from tailrace.engine.timeline import Timeline
from tailrace.results.schema import Row

ORIGIN = 1_000


def filled(*notes: tuple[int, Delta]) -> Row:
    """The row of deltas at times since the origin."""
    timeline = Timeline()
    for at, delta in notes:
        timeline.note(ORIGIN + at, delta)
    row = Row("r", 0, 0, "measure", 0)
    timeline.fill(row, ORIGIN)
    return row


def told(tokens: int) -> Usage:
    return Usage(output_tokens=tokens)


def test_nothing_noted_leaves_nothing() -> None:
    row = filled()
    assert (row.first_event_ns, row.first_output_ns, row.first_answer_ns) == (None, None, None)
    assert (row.last_output_ns, row.chunks, list(row.gaps_ns)) == (None, 0, [])
    assert (row.output_tokens, row.token_source) == (None, "unknown")


@pytest.mark.parametrize(
    "first",
    [
        Delta(),
        Delta(finish_reason="stop"),
        Delta(usage=told(0)),
        Delta(error="no"),
        Delta(done=True),
    ],
)
def test_an_event_without_output_is_an_event_and_no_token(first: Delta) -> None:
    row = filled((5, first), (9, Delta("a")))
    assert (row.first_event_ns, row.first_output_ns, row.first_answer_ns) == (5, 9, 9)
    assert (row.chunks, row.last_output_ns) == (1, 9)
    alone = filled((5, first))
    assert (alone.first_event_ns, alone.first_output_ns, alone.chunks) == (5, None, 0)


def test_a_role_chunk_never_is_the_first_token() -> None:
    row = filled((1, Delta()), (2, Delta()), (300, Delta("a")), (310, Delta("b")))
    assert (row.first_event_ns, row.first_output_ns, list(row.gaps_ns)) == (1, 300, [10])


@pytest.mark.parametrize("first", [Delta(reasoning="r"), Delta(tool=True)])
def test_the_first_token_may_come_before_the_first_answer(first: Delta) -> None:
    row = filled((5, first), (9, Delta("a")))
    assert (row.first_output_ns, row.first_answer_ns, row.chunks) == (5, 9, 2)
    alone = filled((5, first))
    assert (alone.first_output_ns, alone.first_answer_ns, alone.last_output_ns) == (5, None, 5)


def test_a_delta_of_several_channels_is_one_chunk() -> None:
    row = filled((5, Delta("a", "r", True)))
    assert (row.chunks, row.first_output_ns, row.first_answer_ns) == (1, 5, 5)


def test_gaps_span_events_without_output() -> None:
    row = filled(
        (10, Delta("a")), (15, Delta()), (25, Delta("b")), (25, Delta("c")), (90, Delta(done=True))
    )
    assert (list(row.gaps_ns), row.chunks, row.last_output_ns) == ([15, 0], 3, 25)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**12), st.booleans()), max_size=30))
def test_gaps_and_ends_agree(made: list[tuple[int, bool]]) -> None:
    times = accumulate(step for step, _ in made)
    notes = [(at, Delta("a" if out else "")) for at, (_, out) in zip(times, made, strict=True)]
    row = filled(*notes)
    outputs = [at for at, delta in notes if delta.text]
    assert row.chunks == len(outputs)
    assert len(row.gaps_ns) == max(0, len(outputs) - 1)
    if outputs:
        assert (row.first_output_ns, row.last_output_ns) == (outputs[0], outputs[-1])
        assert outputs[0] + sum(row.gaps_ns) == outputs[-1]


def test_the_last_finish_reason_counts_and_null_does_not() -> None:
    row = filled((1, Delta("a", finish_reason="length")), (2, Delta("b")))
    assert row.finish_reason == "length"


def test_what_the_server_said_is_kept() -> None:
    timeline = Timeline()
    assert (timeline.done, timeline.error, timeline.chunks) == (False, None, 0)
    for delta in (Delta("a"), Delta(error="no"), Delta(done=True), Delta()):
        timeline.note(1, delta)
    assert (timeline.done, timeline.error, timeline.chunks) == (True, "no", 1)


def test_tokens_are_the_servers_where_it_says_so() -> None:
    row = filled((1, Delta("a")), (2, Delta("b")), (3, Delta(usage=Usage(5, 20, 8, 1))))
    assert (row.output_tokens, row.token_source) == (5, "usage")
    assert (row.input_tokens, row.cached_tokens, row.reasoning_tokens) == (20, 8, 1)
    assert row.chunk_tokens is None


def test_tokens_are_the_chunks_where_the_server_is_silent() -> None:
    row = filled((1, Delta("a")), (2, Delta(reasoning="b")))
    assert (row.output_tokens, row.token_source, row.chunk_tokens) == (2, "counted", None)


def test_a_usage_without_output_tokens_leaves_them_counted() -> None:
    row = filled((1, Delta("a")), (2, Delta(usage=Usage(input_tokens=20))))
    assert (row.output_tokens, row.token_source, row.input_tokens) == (1, "counted", 20)


def test_zero_tokens_by_usage_is_what_the_server_said() -> None:
    row = filled((1, Delta("a")), (2, Delta(usage=told(0))))
    assert (row.output_tokens, row.token_source) == (0, "usage")


def test_the_last_usage_counts() -> None:
    row = filled((1, Delta("a", usage=told(1))), (2, Delta(usage=told(4))))
    assert row.output_tokens == 4


def test_running_usage_tells_the_tokens_of_each_chunk() -> None:
    row = filled(
        (0, Delta(usage=told(0))),
        (1, Delta("a", usage=told(2))),
        (2, Delta("b", usage=told(3))),
        (3, Delta("c", usage=told(6))),
        (4, Delta(usage=told(6))),
    )
    assert row.chunk_tokens == [2, 1, 3]
    assert (row.output_tokens, row.token_source) == (6, "usage")


def test_running_usage_with_holes_tells_nothing_by_chunk() -> None:
    row = filled((1, Delta("a", usage=told(2))), (2, Delta("b")), (3, Delta("c", usage=told(6))))
    assert row.chunk_tokens is None
    assert row.output_tokens == 6


def test_usage_in_the_only_chunk_is_no_running_usage() -> None:
    row = filled((1, Delta("a", usage=told(2))))
    assert (row.chunk_tokens, row.output_tokens) == (None, 2)


def test_text_is_kept_only_when_asked_for() -> None:
    row = Row("r", 0, 0, "measure", 0)
    timeline = Timeline(keep_text=True)
    for delta in (Delta(), Delta(reasoning="hm"), Delta("a"), Delta("b", finish_reason="stop")):
        timeline.note(1, delta)
    timeline.fill(row, 0)
    assert (row.text, row.reasoning) == ("ab", "hm")
    assert (filled((1, Delta("a"))).text, filled((1, Delta("a"))).reasoning) == (None, None)


def test_a_whole_answer_has_one_time_and_no_chunks() -> None:
    row = Row("r", 0, 0, "measure", 0)
    timeline = Timeline(keep_text=True)
    assert not timeline.has_output
    timeline.note_whole(ORIGIN + 70, Delta("ab", "hm", usage=told(5), finish_reason="stop"))
    assert timeline.has_output
    timeline.fill(row, ORIGIN)
    assert (row.first_event_ns, row.first_output_ns, row.first_answer_ns) == (None, None, None)
    assert (row.last_output_ns, row.chunks, list(row.gaps_ns)) == (70, 0, [])
    assert (row.output_tokens, row.token_source, row.chunk_tokens) == (5, "usage", None)
    assert (row.text, row.reasoning, row.finish_reason) == ("ab", "hm", "stop")


def test_the_tokens_of_a_whole_answer_without_usage_are_unknown() -> None:
    row = Row("r", 0, 0, "measure", 0)
    timeline = Timeline()
    timeline.note_whole(ORIGIN + 70, Delta("ab"))
    timeline.fill(row, ORIGIN)
    assert (row.output_tokens, row.token_source, row.last_output_ns) == (None, "unknown", 70)


def test_an_empty_whole_answer_has_no_time() -> None:
    row = Row("r", 0, 0, "measure", 0)
    timeline = Timeline()
    timeline.note_whole(ORIGIN + 70, Delta(done=True))
    timeline.fill(row, ORIGIN)
    assert (timeline.has_output, row.last_output_ns) == (False, None)


def kept(*deltas: Delta) -> Row:
    """The row of deltas, one a nanosecond, where answers are kept."""
    timeline = Timeline(keep_text=True)
    assert (timeline.refused, timeline.finish_reason, timeline.has_output) == (False, None, False)
    for at, delta in enumerate(deltas, 1):
        timeline.note(ORIGIN + at, delta)
    row = Row("r", 0, 0, "measure", 0)
    timeline.fill(row, ORIGIN)
    return row


def test_a_refusal_with_text_is_one() -> None:
    assert kept(Delta("no", refusal=True), Delta("!")).refused is True
    assert kept(Delta("yes"), Delta(refusal=True)).refused is False


def test_pieces_of_calls_are_put_together_where_answers_are_kept() -> None:
    def piece(**function: str) -> Delta:
        return Delta(tool=True, calls=[{"index": 0, "function": function}])

    pieces = (piece(name="f", arguments="{"), Delta("a"), piece(arguments="}"))
    (call,) = kept(*pieces).tool_calls or ()
    assert call["function"] == {"name": "f", "arguments": "{}"}
    assert kept(Delta("a")).tool_calls is None
    assert filled(*enumerate(pieces)).tool_calls is None


def test_a_usage_in_parts_is_put_together() -> None:
    row = filled((1, Delta("a", usage=Usage(input_tokens=7))), (2, Delta(usage=told(3))))
    assert (row.input_tokens, row.output_tokens, row.token_source) == (7, 3, "usage")


def listed(*tokens: int) -> list[tuple[int, Delta]]:
    return [(at, Delta("a", usage=Usage(chunk_tokens=n))) for at, n in enumerate(tokens)]


def test_tokens_that_chunks_list_are_counted_where_no_usage_says_otherwise() -> None:
    row = filled(*listed(2, 3))
    assert (row.chunk_tokens, row.output_tokens, row.token_source) == ([2, 3], 5, "counted")
    assert filled(*listed(4)).chunk_tokens == [4]
    assert filled(*listed(2, 3), (9, Delta(usage=told(5)))).chunk_tokens == [2, 3]
    other = filled(*listed(2, 3), (9, Delta(usage=told(6))))
    assert (other.chunk_tokens, other.output_tokens, other.token_source) == (None, 6, "usage")
    assert filled((1, Delta())).chunk_tokens is None


def test_two_running_counts_are_enough() -> None:
    row = filled((1, Delta("a", usage=told(2))), (2, Delta("b", usage=told(5))))
    assert row.chunk_tokens == [2, 3]
