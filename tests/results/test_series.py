"""The order of a level's requests is kept, whatever order their rows come in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.ess import effective_n, effective_over, effective_ranks
from tailrace.results.schema import Row
from tailrace.results.series import BOUNDED, Series

from .builders import MS, S, row, tally, waited


def series(*rows: Row) -> Series:
    made = Series()
    for one in rows:
        made.add(one)
    return made


def test_values_are_in_the_order_of_sending() -> None:
    made = series(row(200, 30), row(0, 10), row(100, 20))
    at, values = made.of("ttft")
    assert (at * 1000).round().tolist() == [0, 100, 200]
    assert (values / MS).tolist() == [10, 20, 30]


@pytest.mark.parametrize("name", [name for name in BOUNDED if name not in ("icl", "itl")])
def test_values_are_those_of_the_tally(name: str) -> None:
    rows = (row(0, 10), row(50, 20, (5, 7)), waited("timeout", 900), waited("censored", 800, 100))
    hist = tally(*rows).hists[name]
    _, values = series(*rows).of(name)
    assert len(values) == hist.n
    assert (values.min(), values.max()) == pytest.approx((hist.min_ns, hist.max_ns))


def test_of_gaps_it_keeps_the_mean_of_each_request() -> None:
    _, values = series(row(0, 10, (5, 7))).of("icl")
    assert (values / MS).tolist() == [6]


def test_failed_requests_and_those_of_the_warm_up_are_in_no_series() -> None:
    failed = row(0, 10, outcome="error")
    assert series(failed, row(5, 10, phase="warmup")).n == 0


def test_in_flight_counts_every_phase_from_when_it_was_due() -> None:
    made = series(row(0, 100, phase="warmup"), row(50, 100), row(60, 10, outcome="error"))
    _, held = made.in_flight(65 * MS, 165 * MS, 2)
    assert held.tolist() == [3, 1]


def test_tokens_flow_evenly_over_each_answer() -> None:
    made = series(row(0, 0, (100, 100, 100)), row(0, 0, (100, 100, 100), phase="warmup"))
    rates = made.tokens_per_s(0, 300 * MS, 3)
    assert rates == pytest.approx([2 * 4 / 0.3] * 3)
    assert float(np.sum(made.tokens_per_s(0, S, 10)) / 10) == pytest.approx(8)


def test_of_many_requests_every_kept_one_stands_for_others() -> None:
    made = Series(most=50)
    for number in range(1000):
        made.add(row(10 * number, 200, (100,), id=f"r{number}"))
    assert (made.n, made.every) == (1000, 32)
    assert len(made.of("ttft")[0]) == 32
    _, held = made.in_flight(2 * S, 8 * S, 50)
    assert float(held.mean()) == pytest.approx(30, rel=0.1)
    assert float(made.tokens_per_s(2 * S, 8 * S, 6).mean()) == pytest.approx(200, rel=0.1)


@st.composite
def some_rows(draw: st.DrawFn) -> list[Row]:
    made = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(("ok", "ok", "whole", "timeout", "unsent", "failed")))
        gaps = draw(st.lists(st.integers(0, 90), max_size=4))
        times = {"intended_ns": 40 * number * MS, "id": str(number)}
        if kind == "whole":
            whole = {"streamed": False, "last_output_ns": 700 * MS, "output_tokens": 3}
            made.append(row(50 * number, None, (), **(times | whole)))
        elif kind in ("timeout", "unsent"):
            sent = {"sent_ns": None if kind == "unsent" else 50 * number * MS}
            first = draw(st.sampled_from((None, 400))) if kind == "timeout" else None
            made.append(waited("timeout", 900, first, gaps if first else (), **(times | sent)))
        else:
            tokens = draw(st.sampled_from((None, 0, 1, 2, 9)))
            outcome = "error" if kind == "failed" else "ok"
            more = {"output_tokens": tokens, "outcome": outcome}
            made.append(row(50 * number, draw(st.integers(0, 50)), gaps, **(times | more)))
    return made


@given(some_rows(), st.sampled_from([name for name in BOUNDED if name not in ("icl", "itl")]))
def test_of_any_rows_the_values_are_those_of_the_tally(rows: list[Row], name: str) -> None:
    hist = tally(*rows).hists[name]
    _, values = series(*rows).of(name)
    assert len(values) == hist.n
    if hist.n:
        assert (values.min(), values.max()) == (hist.min_ns, hist.max_ns)
        assert values.sum() == pytest.approx(hist.n * (hist.mean_ns or 0.0))
        assert values.tolist() == np.round(values).tolist()


def test_the_mean_gap_is_by_chunks_and_the_pace_by_tokens() -> None:
    made = series(row(0, 10, (5, 7), output_tokens=7), row(5, 10, (), output_tokens=2))
    assert (made.of("icl")[1] / MS).tolist() == [6]
    assert (made.of("tpot")[1] / MS).tolist() == [2]  # two tokens in one chunk have no pace
    assert made.of("icl")[0].tolist() == [0.0]


def test_what_the_order_is_worth_is_asked_of_its_own_samples() -> None:
    at = np.arange(160)
    waves = np.sin(at / 7) + 0.3 * np.sin(at * at)
    firsts, gaps = (500 + 400 * waves).astype(int), (900 + 400 * waves * np.abs(waves)).astype(int)
    made = series(
        *(row(9 * n, int(firsts[n]), (int(gaps[n]),), id=f"r{n}") for n in range(len(at)))
    )
    values, means = firsts.astype(float) * MS, gaps.astype(float) * MS
    worths = set()
    for over in (500.0 * MS, 1000.0 * MS):
        expected = min(effective_over(values, over), effective_ranks(values))
        assert made.effective_n("ttft", over) == pytest.approx(expected)
        assert made.effective_n("icl", over) == pytest.approx(effective_n(means))
        ways = (effective_over(means, over), effective_ranks(means), effective_n(means))
        worths |= {round(worth, 6) for worth in (*ways, expected)}
    assert len(worths) == 5, "the test can fail"


def test_every_token_of_an_answer_is_in_some_span() -> None:
    rows = [
        row(0, 100, (), output_tokens=1),
        row(200, 100, (50,), output_tokens=7),
        row(300, 100, (250,), output_tokens=0),
        row(300, 100, (250,), output_tokens=None),
        row(100, None, last_output_ns=500 * MS, streamed=False, output_tokens=9),
        row(400, 150, (150,), output_tokens=5, phase="warmup"),
        row(400, 150, (150,), output_tokens=None, phase="warmup"),
        row(400, None, last_output_ns=500 * MS, output_tokens=3, phase="warmup"),
    ]
    rates = series(*rows).tokens_per_s(0, S, 10)
    assert rates.sum() / 10 == pytest.approx(1 + 7 + 5)
    assert rates[[1, 3, 5, 6]] == pytest.approx([10, 70, 50 / 3, 100 / 3])


def test_at_which_seconds_requests_are_in_flight() -> None:
    """One that is due is in flight, one that ends is not."""
    made = series(row(100, 50, (), ended_ns=200 * MS), row(151, 49, (), ended_ns=S))
    at, held = made.in_flight(99 * MS, 200 * MS, 2)
    assert (at.tolist(), held.tolist()) == ([0.099, 0.2], [1, 1])
