"""Figures: the same samples as the reports', kept with their requests; tokens by slice of time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.compare_figures import LATENCIES, SLICES, Figures, FiguresMaker, joined
from tailrace.results.schema import Row

from .builders import MS, S, row, tally, waited


def figures(*rows: Row, from_ns: int = 0, until_ns: int = S) -> Figures:
    maker = FiguresMaker(from_ns, until_ns)
    for one in rows:
        maker.add(one)
    return maker.made()


KINDS = ("ok", "by chunk", "error", "timeout", "unsent", "warmup", "retried", "whole")


def by_chunk(draw: st.DrawFn, chunks: int) -> dict[str, object]:
    """The server says how many tokens each chunk has."""
    tokens = draw(st.lists(st.integers(0, 4), min_size=chunks, max_size=chunks))
    return {"chunk_tokens": tokens, "output_tokens": sum(tokens), "token_source": "usage"}


@st.composite
def some_rows(draw: st.DrawFn) -> list[Row]:
    made = []
    for number in range(draw(st.integers(1, 8))):
        gaps = draw(st.lists(st.integers(0, 1500), max_size=5))
        kind = draw(st.sampled_from(KINDS))
        more = {"id": str(number), "intended_ns": draw(st.integers(0, 400)) * MS}
        if kind == "timeout":
            first = draw(st.sampled_from([None, 100]))
            at_start = more | {"intended_ns": 0, "sent_ns": draw(st.integers(0, 90)) * MS}
            made.append(waited("timeout", 9000, first, gaps if first else (), **at_start))
        elif kind == "unsent":
            unsent = more | {"sent_ns": None, "streamed": draw(st.booleans())}
            made.append(waited("censored", draw(st.integers(400, 900)), **unsent))
        elif kind == "whole":
            made.append(row(400, None, (), streamed=False, last_output_ns=500 * MS, **more))
        else:
            fields = {
                "ok": {},
                "by chunk": by_chunk(draw, len(gaps) + 1),
                "error": {"outcome": "error"},
                "warmup": {"phase": "warmup"},
                "retried": {"retried": True},
            }[kind]
            made.append(row(400, 100, gaps, **(more | fields)))
    return made


@given(some_rows())
@settings(deadline=None)
def test_the_samples_are_those_of_the_reports(rows: list[Row]) -> None:
    made, reported = figures(*rows), tally(*rows)
    for name in LATENCIES:
        hist, samples = reported.hists[name], made.samples[name]
        assert len(samples.values_us) == hist.n == samples.counts.sum(), name
        assert samples.values_us.sum() == pytest.approx(hist.n * (hist.mean_ns or 0) / 1000, abs=99)
        if hist.n:
            assert samples.values_us.min() == hist.min_ns // 1000, name
            assert samples.values_us.max() == hist.max_ns // 1000, name
        bound = reported.bounds.get(name)
        assert samples.bound_us == (None if bound is None else bound[1] // 1000), name
    assert len(made.failed) == reported.outcomes.total()


@given(some_rows(), st.integers(0, 800), st.integers(1, 3000))
@settings(deadline=None)
def test_the_slices_hold_what_the_window_holds(
    rows: list[Row], from_ms: int, length_ms: int
) -> None:
    window = {"from_ns": from_ms * MS, "until_ns": (from_ms + length_ms) * MS}
    made, reported = figures(*rows, **window), tally(*rows, **window)
    assert made.slice_tokens.sum() == pytest.approx(float(reported.window.all_tokens))
    assert made.slice_answers.sum() == reported.window.requests
    assert made.slice_s.sum() == pytest.approx(length_ms / 1000)


def test_requests_are_in_the_order_in_which_they_were_meant() -> None:
    late = row(500, 300, (7,), intended_ns=500 * MS)
    early = row(100, 200, (1, 2, 3), intended_ns=100 * MS, outcome="ok")
    made = figures(late, early)
    assert made.samples["ttft"].values_us.tolist() == [200_000, 300_000]
    assert made.samples["icl"].values_us.tolist() == [1000, 2000, 3000, 7000]
    assert made.samples["icl"].counts.tolist() == [3, 1]


def test_tokens_of_a_chunk_fall_into_its_slice() -> None:
    made = figures(row(0, 100, (800,), chunk_tokens=[3, 5], output_tokens=8))
    assert made.slice_tokens[100 * SLICES // 1000] == 3
    assert made.slice_tokens[900 * SLICES // 1000] == 5


def test_rounds_are_joined_one_after_another() -> None:
    one = figures(row(0, 100, (1,)), waited("timeout", 50))
    made = joined([one, figures(row(0, 300, (2, 2)))])
    assert made.samples["ttft"].values_us.tolist() == [100_000, 50_000, 300_000]
    assert made.samples["ttft"].bound_us == 50_000
    assert made.failed.tolist() == [False, True, False]
    assert len(made.slice_s) == 2 * SLICES
    assert joined([one]) is one


def test_rounds_keep_their_slices_and_whose_tokens_are_known() -> None:
    known = figures(row(0, 100, (1,)))
    unknown = figures(row(0, None, last_output_ns=9, streamed=False, token_source="unknown"))
    made = joined([known, unknown])
    assert made.slice_tokens.tolist() == [*known.slice_tokens, *unknown.slice_tokens]
    assert made.slice_answers.tolist() == [*known.slice_answers, *unknown.slice_answers]
    assert made.samples["e2e"].counts.tolist() == [1, 1]
    tokens_known = [one.tokens_known for one in (known, unknown, made, joined([known, known]))]
    assert tokens_known == [True, False, False, True]
    for more in ({"streamed": True}, {"token_source": "usage"}, {"outcome": "error"}):
        fields = {"streamed": False, "token_source": "unknown"} | more
        assert figures(row(**fields)).tokens_known is True


def test_a_gap_as_long_as_the_limit_is_no_stall_yet() -> None:
    made = figures(waited("timeout", 1_100, 100), waited("timeout", 1_101, 100))
    assert made.samples["icl"].values_us.tolist() == [1_001_000]


def test_without_a_window_there_are_no_rates() -> None:
    for window in ((None, None), (None, 0), (5, None), (9, 5)):
        maker = FiguresMaker(*window)
        maker.add(row())
        assert not np.any(maker.made().slice_s)
        assert not np.any(maker.made().slice_tokens)
