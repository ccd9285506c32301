"""The rules of metrics.py, each as a row counted by hand."""

from __future__ import annotations

import random
from statistics import median

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tailrace.results.facts import ModelFacts
from tailrace.results.metrics import NAMES
from tailrace.results.result import model_result
from tailrace.results.schema import Row
from tailrace.results.slo import parse_slos
from tailrace.results.tally import STALL_FLOOR_NS, Tally, stall_limit, tally_of

from .builders import MS, S, row, stage, tally, waited

FAILED = ("error", "cancelled")
GIVEN_UP = ("timeout", "censored")


def exact(made: Tally, name: str) -> tuple[int, int | None, int | None]:
    """(n, min, max) of a metric, in ms."""
    hist = made.hists[name]
    if not hist.n:
        return (0, None, None)
    return (hist.n, hist.min_ns // MS, hist.max_ns // MS)


def test_an_ok_request_counted_by_hand() -> None:
    """Meant at 999, sent at 1000; out at 1100, 1110, 1130, 1160; closed at 1161."""
    made = tally(row(1000, 100, (10, 20, 30)))
    wanted = {
        "headers": 98,
        "first_event": 99,
        "ttft": 100,
        "ttft_response": 101,
        "ttfo": 100,
        "e2e": 160,
        "e2e_response": 161,
        "closed": 161,
        "tpot": 20,
        "ntpot": 40,
        "max_gap": 30,
    }
    for name, value in wanted.items():
        assert exact(made, name) == (1, value, value), name
    assert exact(made, "icl") == (3, 10, 30)
    for name in ("connect", "tls", "itl"):
        assert exact(made, name) == (0, None, None), name
    assert made.bounds == {}


def test_a_first_answer_after_reasoning() -> None:
    made = tally(row(0, 100, (10, 20), first_answer_ns=110 * MS))
    assert (exact(made, "ttft"), exact(made, "ttfo")) == ((1, 100, 100), (1, 110, 110))
    silent = tally(row(0, 100, (10, 20), first_answer_ns=None))
    assert (exact(silent, "ttft")[0], exact(silent, "ttfo")[0]) == (1, 0)


@pytest.mark.parametrize("outcome", FAILED)
def test_a_failed_request_is_counted_and_gives_no_latency(outcome: str) -> None:
    made = tally(row(0, 100, (10, 2_000), outcome=outcome, error_class="bad"))
    assert (made.outcomes[outcome], made.error_classes["bad"]) == (1, 1)
    assert {name: exact(made, name)[0] for name in NAMES} == dict.fromkeys(NAMES, 0)
    assert (made.bounds, made.stalls, made.stalled_requests) == ({}, 0, 0)
    assert (made.output_tokens, made.chunks, made.token_sources) == (0, 0, {})


def test_a_failed_request_gives_no_connect_sample_either() -> None:
    """The notes say of all metrics: failed requests give no latency samples."""
    failed = row(0, None, outcome="error", connect_begin_ns=1 * MS, connect_end_ns=4 * MS)
    assert exact(tally(failed), "connect") == (0, None, None)


def test_connect_and_tls_of_the_request_that_opened_the_connection() -> None:
    times = {"connect_begin_ns": 10 * MS, "connect_end_ns": 13 * MS, "reused": False}
    made = tally(row(20, **times), row(20, tls_end_ns=20 * MS, **times), row(30))
    assert exact(made, "connect") == (2, 3, 3)
    assert exact(made, "tls") == (1, 7, 7)
    assert made.reused == 1


@pytest.mark.parametrize("outcome", GIVEN_UP)
def test_a_wait_without_output_bounds_ttft_and_e2e(outcome: str) -> None:
    made = tally(waited(outcome, 5_000))
    assert made.bounds["ttft"] == made.bounds["e2e"] == (1, 5_000 * MS)
    assert made.bounds["ttft_response"] == made.bounds["e2e_response"] == (1, 5_001 * MS)
    assert exact(made, "ttft") == exact(made, "e2e") == (1, 5_000, 5_000)
    assert exact(made, "e2e_response") == (1, 5_001, 5_001)
    for name in ("ttfo", "icl", "tpot", "ntpot", "closed", "itl", "max_gap"):
        assert exact(made, name)[0] == 0, name
    assert (made.stalls, made.stalled_requests) == (0, 0)


@pytest.mark.parametrize("outcome", GIVEN_UP)
def test_a_wait_with_output_has_a_true_ttft(outcome: str) -> None:
    made = tally(waited(outcome, 500, 100, (10, 20)))
    assert exact(made, "ttft") == (1, 100, 100)
    assert "ttft" not in made.bounds
    assert "ttft_response" not in made.bounds
    assert made.bounds["e2e"] == (1, 500 * MS)
    assert exact(made, "icl") == (2, 10, 20)
    assert "icl" not in made.bounds
    assert exact(made, "closed")[0] == exact(made, "tpot")[0] == exact(made, "ntpot")[0] == 0


def test_the_smallest_bound_is_kept() -> None:
    made = tally(*(waited("timeout", ms) for ms in (5_000, 3_000, 4_000)))
    assert made.bounds["e2e"] == (3, 3_000 * MS)


def test_a_request_that_was_never_sent_gives_bounds_from_its_intended_time_only() -> None:
    made = tally(waited("timeout", 5_000, sent_ns=None))
    assert made.outcomes["timeout"] == 1
    assert exact(made, "e2e")[0] == exact(made, "ttft")[0] == 0
    assert set(made.bounds) == {"ttft_response", "e2e_response"}


@pytest.mark.parametrize(
    ("gaps_ms", "limit_ms"),
    [
        ((), 1_000),
        ((5,), 1_000),
        ((2_000,), 20_000),
        ((100, 100, 100), 1_000),
        ((101, 101, 101), 1_010),
        ((10, 20, 3_000), 1_000),
        ((200, 400, 3_000), 4_000),
        ((100, 300), 2_000),
    ],
)
def test_the_limit_of_a_stall(gaps_ms: tuple[int, ...], limit_ms: int) -> None:
    gaps_ns = [gap * MS for gap in gaps_ms]
    assert stall_limit(gaps_ns, max(gaps_ns, default=0)) == limit_ms * MS


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 3 * S) | st.integers(0, 200 * MS), max_size=20))
def test_stalls_are_gaps_over_both_limits(gaps: list[int]) -> None:
    middle = median(gaps) if gaps else 0
    stalls = sum(1 for gap in gaps if gap > STALL_FLOOR_NS and gap > 10 * middle)
    last = 100 * MS + sum(gaps)
    made = tally(row(gaps_ns=gaps, chunks=len(gaps) + 1, last_output_ns=last))
    assert (made.stalls, made.stalled_requests) == (stalls, int(stalls > 0))


@pytest.mark.parametrize(
    ("gaps_ms", "stalls"),
    [((10, 10, 1_000), 0), ((10, 10, 1_001), 1), ((10, 1_500, 1_500, 10, 10), 2), ((1_500,), 0)],
)
def test_stalls(gaps_ms: tuple[int, ...], stalls: int) -> None:
    made = tally(row(0, 100, gaps_ms))
    assert (made.stalls, made.stalled_requests) == (stalls, int(stalls > 0))
    assert exact(made, "max_gap") == (1, max(gaps_ms), max(gaps_ms))


@pytest.mark.parametrize("outcome", GIVEN_UP)
@pytest.mark.parametrize(("open_ms", "is_stall"), [(1_000, False), (1_001, True), (9_000, True)])
def test_an_open_gap_is_a_stall_when_it_is_one(outcome: str, open_ms: int, is_stall: bool) -> None:
    made = tally(waited(outcome, 120 + open_ms, 100, (10, 10)))
    assert made.stalls == made.stalled_requests == int(is_stall)
    assert made.bounds.get("icl") == ((1, open_ms * MS) if is_stall else None)
    assert exact(made, "icl") == (3, 10, open_ms) if is_stall else (2, 10, 10)


def test_an_open_gap_that_is_the_longest_is_a_bound_of_the_longest() -> None:
    """The longest gap was still growing, so a percentile that reaches it is a lower bound."""
    made = tally(waited("timeout", 5_120, 100, (10, 10)))
    assert exact(made, "max_gap") == (1, 5_000, 5_000)
    assert made.bounds.get("max_gap") == (1, 5_000 * MS)


def test_the_silence_after_a_whole_answer_is_no_gap() -> None:
    made = tally(row(0, 100, (10, 10), closed_ns=9 * S, ended_ns=9 * S))
    assert (made.stalls, exact(made, "max_gap")) == (0, (1, 10, 10))
    assert exact(made, "closed") == (1, 9_000, 9_000)


def test_one_chunk_has_no_gap() -> None:
    made = tally(row(0, 100, ()))
    assert exact(made, "icl")[0] == exact(made, "max_gap")[0] == exact(made, "tpot")[0] == 0
    assert exact(made, "ntpot") == (1, 100, 100)


ITL = {
    "usage equals chunks": ({"output_tokens": 3, "token_source": "usage"}, [10, 20], 1),
    "usage differs": ({"output_tokens": 5, "token_source": "usage"}, [], 0),
    "counted only": ({"output_tokens": 3, "token_source": "counted"}, [], 0),
    "unknown": ({"output_tokens": None, "token_source": "unknown"}, [], 0),
    "by chunk": (
        {"output_tokens": 8, "token_source": "usage", "chunk_tokens": [3, 1, 4]},
        [10, 5, 5, 5, 5],
        1,
    ),
    "a chunk of no token": (
        {"output_tokens": 3, "token_source": "usage", "chunk_tokens": [1, 0, 2]},
        [10, 10],
        1,
    ),
}


@pytest.mark.parametrize(("more", "gaps_ms", "known"), ITL.values(), ids=ITL.keys())
def test_token_gaps(more: dict[str, object], gaps_ms: list[int], known: int) -> None:
    made = tally(row(0, 100, (10, 20), **more))
    assert made.itl_requests == known
    hist = made.hists["itl"]
    assert (hist.n, hist.mean_ns or 0) == (
        len(gaps_ms),
        sum(gaps_ms) * MS / len(gaps_ms) if gaps_ms else 0,
    )


@pytest.mark.parametrize(
    ("more", "tpot_ms", "ntpot_ms"),
    [
        ({"output_tokens": 4}, 20, 40),
        ({"output_tokens": 7, "token_source": "usage"}, 10, 160 / 7),
        ({"output_tokens": 6, "token_source": "usage", "chunk_tokens": [3, 1, 1, 1]}, 20, 160 / 6),
        ({"output_tokens": 1, "token_source": "usage"}, None, 160),
        ({"output_tokens": 0, "token_source": "usage"}, None, None),
        ({"output_tokens": None, "token_source": "unknown"}, None, None),
    ],
)
def test_time_per_token(
    more: dict[str, object], tpot_ms: float | None, ntpot_ms: float | None
) -> None:
    made = tally(row(0, 100, (10, 20, 30), **more))
    for name, wanted in (("tpot", tpot_ms), ("ntpot", ntpot_ms)):
        mean = made.hists[name].mean_ns
        assert mean == (None if wanted is None else int(wanted * MS)), name


def test_tokens_and_what_they_are_known_from() -> None:
    made = tally(
        row(0, 100, (1, 1), input_tokens=9, cached_tokens=4),
        row(0, 100, (1, 1), output_tokens=5, token_source="usage", finish_reason="length"),
        row(0, 100, (1, 1), output_tokens=3, token_source="usage", finish_reason=None),
        waited("timeout", 500, 100, (1,), input_tokens=1000),
    )
    assert (made.output_tokens, made.input_tokens, made.cached_tokens) == (11, 9, 4)
    assert (made.chunks, made.chunks_differ) == (9, 1)
    assert made.token_sources == {"usage": 2, "counted": 1}
    assert made.finish_reasons == {"stop": 1, "length": 1, "none": 1}


@pytest.mark.parametrize(
    ("first_ms", "gaps_ms", "lump"),
    [(950, (50,) + (0,) * 6, 0), (951, (49,) + (0,) * 6, 1), (951, (49,) + (0,) * 5, 0)],
)
def test_an_answer_in_one_lump(first_ms: int, gaps_ms: tuple[int, ...], lump: int) -> None:
    assert tally(row(0, first_ms, gaps_ms)).lump_requests == lump


def test_a_warm_up_request_only_counts_in_the_window() -> None:
    made = tally(row(0, 100, (10,), phase="warmup", error_class="x", connect_begin_ns=0))
    assert (made.phases["warmup"], made.outcomes_all["ok"]) == (1, 1)
    assert made.window.all_tokens == 2
    assert made.outcomes.total() == made.error_classes.total() == made.reused == 0
    assert {name: exact(made, name)[0] for name in NAMES} == dict.fromkeys(NAMES, 0)
    assert (made.output_tokens, made.finish_reasons) == (0, {})


def test_every_row_is_counted() -> None:
    kinds = (
        row(),
        row(streamed=False),
        row(attempt=2),
        row(retried=True, outcome="error", error_class="x"),
        row(phase="warmup"),
        row(reused=False, outcome="error", error_class="x"),
    )
    made = tally(*kinds, *kinds)
    assert made.phases == {"measure": 8, "warmup": 2}
    assert (made.outcomes, made.outcomes_all) == ({"ok": 6, "error": 2}, {"ok": 8, "error": 2})
    assert (made.error_classes, made.reused, made.whole) == ({"x": 2}, 6, 2)
    retries = made.retries
    assert (retries.requests, retries.retries, retries.all_requests) == (2, 2, 2)
    assert made.window.requests == 8


def test_what_is_said_of_answers_adds_up() -> None:
    usage = {"token_source": "usage"}
    stalled = row(500, 100, (10, 1_001, 10), finish_reason=None, output_tokens=4, **usage)
    lump = row(500, 951, (49, *(0,) * 6), output_tokens=9, **usage)
    made = tally(stalled, stalled, lump, lump, lump, row(500, 100, (20,)))
    assert (made.stalls, made.stalled_requests) == (2, 2)
    assert made.finish_reasons == {"none": 2, "stop": 4}
    assert (made.itl_requests, made.lump_requests, made.chunks_differ) == (2, 3, 3)
    assert exact(made, "tpot") == (6, 6, 340)
    assert exact(made, "start_lag") == (6, 1, 1)


def test_only_where_nothing_was_streamed_there_are_no_gaps_to_tell_of() -> None:
    assert tally().streams
    assert tally(row(), row(streamed=False)).streams
    assert not tally(row(streamed=False)).streams
    assert not tally(row(streamed=False, phase="warmup"), row(streamed=False)).streams


def test_the_rates_of_a_tally_are_those_of_its_window() -> None:
    """Answers end at 131, 1131 and 2131 ms."""
    rows = [row(sent_ms) for sent_ms in (0, 1_000, 2_000)]
    ends = ((None, None, 3), (S, None, 2), (None, 2 * S, 2), (S, 2 * S, 1))
    for from_ns, until_ns, answers in ends:
        assert tally(*rows, from_ns=from_ns, until_ns=until_ns).window.requests == answers


@pytest.mark.parametrize("outcome", GIVEN_UP)
def test_bounds_run_from_when_a_request_was_sent_and_from_when_it_was_meant(outcome: str) -> None:
    times = {"sent_ns": 300 * MS, "intended_ns": 200 * MS}
    made = tally(waited(outcome, 1_000, **times))
    expected = {"ttft": 700, "ttft_response": 800, "e2e": 700, "e2e_response": 800}
    assert made.bounds == {name: (1, ms * MS) for name, ms in expected.items()}
    unsent = tally(waited(outcome, 1_000, **(times | {"sent_ns": None})))
    assert unsent.bounds == dict.fromkeys(("ttft_response", "e2e_response"), (1, 800 * MS))


def test_a_connect_that_was_not_finished_is_none() -> None:
    made = tally(row(connect_begin_ns=1, reused=False), row(connect_end_ns=1, reused=False))
    assert exact(made, "connect")[0] == 0


def test_an_open_gap_is_one_more_stall_and_of_two_as_long_the_longest() -> None:
    made = tally(waited("timeout", 9_600, 100, (10, 10, 10, 3_000, 10)))
    assert (made.stalls, made.stalled_requests) == (2, 1)
    assert exact(made, "max_gap") == (1, 6_460, 6_460)
    equal = tally(waited("timeout", 6_130, 100, (10, 10, 10, 3_000)))
    assert exact(equal, "max_gap") == (1, 3_000, 3_000)
    assert "max_gap" not in equal.bounds


def test_what_a_result_asks_for_is_kept_of_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tailrace.results.tally.MOST_SPANS", 2)
    rows = [row(sent_ms, 50, (40, 0)) for sent_ms in (0, 100, 200)]
    facts = stage(rows, measure_from_ns=150 * MS, measure_until_ns=250 * MS)
    facts.stamps.lag.max_ns = 10 * MS
    whole, plain = tally_of(facts, parse_slos("ttft:p99<60ms")), tally()
    for one in (*rows, waited("timeout", 60, 20)):
        whole.add(one)
        plain.add(one)
    assert list(whole.decoding or ()) == [50 * MS, 90 * MS, 150 * MS, 190 * MS]
    assert whole.series is not None
    assert whole.series.n == 4
    assert set(whole.groups) == {"prompts", "mix", "urls", "peers"}
    assert whole.over_time is not None
    assert (whole.goodput.good, whole.goodput.in_window) == (3, 1)
    assert whole.window.requests == 1
    (between,) = whole.shared.blurs["icl"].bounds(whole.hists["icl"], (100.0,))
    assert between == (pytest.approx(30 * MS, rel=0.001), 40 * MS)
    kept = (plain.decoding, plain.series, plain.groups, plain.over_time)
    assert kept == (None, None, {}, None)
    assert tally_of(stage([row(0, None)])).decoding is not None


def test_an_answer_without_output_is_no_span() -> None:
    made = tally_of(stage([]))
    for one in (row(0, None), waited("timeout", 60), row(0, None, last_output_ns=5 * MS)):
        made.add(one)
    assert made.decoding is not None
    assert not made.decoding


@pytest.mark.parametrize("name", ["icl", "e2e"])
def test_samples_are_added_in_batches(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None waits for the end, and what is in no batch yet is in the result as well."""
    monkeypatch.setattr("tailrace.results.tally.BATCH", 3)
    made = tally(*(row(0, 100, () if name == "e2e" else (7,)) for _ in range(3)))
    assert made._hists[name].n == 3
    assert made.hists[name].n == 3
    assert made.hists["headers"].n == 3


outcomes = st.sampled_from(("ok", "ok", "ok", "error", "timeout", "cancelled", "censored"))


@st.composite
def any_row(draw: st.DrawFn) -> Row:
    outcome = draw(outcomes)
    out = outcome == "ok" or draw(st.booleans())
    gaps = draw(st.lists(st.integers(0, 1_500), max_size=6)) if out else []
    made = row(
        draw(st.integers(0, 3_000)),
        draw(st.integers(2, 1_500)) if out else None,
        gaps,
        outcome=outcome,
        phase=draw(st.sampled_from(("measure", "measure", "warmup"))),
        error_class=None if outcome == "ok" else draw(st.sampled_from("ab")),
        finish_reason=draw(st.sampled_from((None, "stop", "length"))),
    )
    if out and draw(st.booleans()):
        tokens = draw(st.sampled_from((made.chunks, made.chunks + 3)))
        made = replace(made, output_tokens=tokens, token_source="usage")
    if outcome != "ok":
        last_ns = made.last_output_ns or made.sent_ns or 0
        made.ended_ns, made.closed_ns = last_ns + draw(st.integers(0, 4_000)) * MS, None
    return made


@settings(max_examples=40, deadline=None)
@given(st.lists(any_row(), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], dice: random.Random) -> None:
    facts = ModelFacts("m", "m", "ok", stages=[stage(rows)])
    window = (1_000 * MS, 3_000 * MS)
    documents = []
    for _ in range(2):
        made = Tally(*window)
        for one in rows:
            made.add(one)
        documents.append(orjson.dumps(model_result(facts, None, [made], 0)))
        rows = dice.sample(rows, len(rows))
    assert documents[0] == documents[1]
