"""A level's figures: the same from its rows as from its result, and counted by hand."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.export.level_figures import BUCKETS_S, LevelFigures, of_result, of_tally
from tailrace.results.facts import ModelFacts
from tailrace.results.schema import Row

from ..builders import document, row, stage, tally, waited

gaps = st.lists(st.integers(0, 400), max_size=6)
first = st.integers(0, 700_000)
measured = st.builds(row, st.integers(0, 9), first, gaps)
warm = st.builds(lambda first: row(0, first, phase="warmup"), first)
gone = st.builds(
    lambda what, gaps: waited(what, 5000, 100, gaps, error_class=f"{what}_class"),
    st.sampled_from(["error", "timeout", "censored", "cancelled"]),
    gaps,
)
whole = st.builds(lambda: row(0, None, (), streamed=False, last_output_ns=9, closed_ns=9))
rows = st.lists(st.one_of(measured, warm, gone, whole), min_size=1, max_size=20)


def while_it_runs(made: list[Row]) -> LevelFigures:
    return of_tally(ModelFacts("m", "m"), stage(made), tally(*made))


@settings(max_examples=25, deadline=None)
@given(rows)
def test_a_result_says_what_its_rows_said(made: list[Row]) -> None:
    live, over = while_it_runs(made), of_result("m", document(made))
    for name in ("model", "level", "load", "users", "outcomes", "errors"):
        assert getattr(live, name) == getattr(over, name)
    assert over.output_tokens in (live.output_tokens, None)
    assert list(live.histograms) == list(over.histograms)
    for name, found in live.histograms.items():
        assert found[:2] == over.histograms[name][:2]
        assert found.sum_s == pytest.approx(over.histograms[name].sum_s, rel=1e-6, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 700_000), min_size=1, max_size=30))
def test_buckets_are_cumulative_to_three_digits(ttfts_ms: list[int]) -> None:
    found = while_it_runs([row(0, ms) for ms in ttfts_ms]).histograms["ttft"]
    assert found.n == len(ttfts_ms)
    assert found.sum_s == pytest.approx(sum(ttfts_ms) / 1e3)
    for bound_s, count in zip(BUCKETS_S, found.cumulative, strict=True):
        least = sum(ms <= bound_s * 1e3 for ms in ttfts_ms)
        assert least <= count <= sum(ms <= bound_s * 1e3 * 1.001 for ms in ttfts_ms)


def test_outcomes_are_counted_by_phase_and_failures_by_class() -> None:
    warm, fine = row(0, phase="warmup"), [row(1), row(2)]
    late = waited("timeout", 900, 100, error_class="idle_timeout")
    found = while_it_runs([warm, *fine, late])
    assert {place: n for place, n in found.outcomes.items() if n} == {
        ("warmup", "ok"): 1,
        ("measure", "ok"): 2,
        ("measure", "timeout"): 1,
    }
    assert len(found.outcomes) == 10
    assert found.errors == {"idle_timeout": 1}
    assert found.output_tokens == 8


def test_many_classes_of_errors_are_not_as_many_series() -> None:
    made = [
        waited("error", 9, id=f"{n}-{k}", error_class=f"c{n}") for n in range(25) for k in (0, n)
    ]
    errors = while_it_runs(made).errors
    assert len(errors) == 21
    assert sum(errors.values()) == len(made)
    assert Counter(errors)["other"] == 10


def test_answers_that_come_whole_have_no_gaps() -> None:
    made = row(0, None, (), streamed=False, last_output_ns=9, closed_ns=9)
    assert list(while_it_runs([made]).histograms) == ["e2e", "start_lag"]
