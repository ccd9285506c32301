"""A level over time: spans hold what came in them, and memory does not hang on the rows."""

from __future__ import annotations

from array import array
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.over_time import BINS, OverTime, over_time_of
from tailrace.results.schema import Row
from tailrace.results.series import Series
from tailrace.results.tally import tally_of

from .builders import MS, S, document, row, stage


def test_a_stall_of_everybody_is_in_its_span_alone() -> None:
    """960 ms, so a span is 10 ms: of ten streams each has one gap of 200 ms that ends at 500."""
    rows = [row(0, 100, [*[10] * 20, 200, *[10] * 20], id=f"r{n}") for n in range(10)]
    found = document(rows, began_ns=0, ended_ns=960 * MS)["over_time"]
    assert (found["bin_ns"], found["bins"]) == (10 * MS, BINS)
    stalled = [place for place, ns in enumerate(found["icl"]["max_ns"]) if ns and ns > 100 * MS]
    assert stalled == [50]
    assert found["icl"]["n"][50] == 10
    assert found["icl"]["p50_ns"][50] == found["icl"]["p99_ns"][50] == 200 * MS
    assert sum(found["icl"]["n"]) == sum(map(sum, found["gap_heat"]["counts"]))
    assert found["ttft"]["n"][10] == 10
    assert found["in_flight"][0] == 10


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000)), min_size=1, max_size=200))
def test_percentiles_of_a_span_are_at_most_a_bucket_above_the_true_ones(times: list) -> None:
    made = OverTime(0, 9600 * MS)
    rows = [row(sent, first, (), id=f"r{n}") for n, (sent, first) in enumerate(times)]
    for one in rows:
        made.add(one, array("q"), 0)
    spans = made.result(tally_of(stage(rows)).series)["ttft"]
    by_span: dict[int, list[int]] = {}
    for sent, first in times:
        by_span.setdefault(min((sent + first) // 100, BINS - 1), []).append(first * MS)
    assert [n for n in spans["n"] if n] == [len(v) for _, v in sorted(by_span.items())]
    for place, values in by_span.items():
        true = int(np.percentile(values, 50, method="inverted_cdf"))
        assert true <= spans["p50_ns"][place] <= true * 1.025 + 1
        assert spans["max_ns"][place] == max(values)


def test_it_does_not_hang_on_the_order_of_the_rows() -> None:
    rows = [row(10 * n, 50 + n % 7, id=f"r{n}") for n in range(300)]
    mixed = list(rows)
    Random(3).shuffle(mixed)
    first, second = (document(each, ended_ns=4 * S)["over_time"] for each in (rows, mixed))
    for name in first.keys() - {"sampled"}:
        assert first[name] == second[name], name


def test_failures_are_told_apart_up_to_eight() -> None:
    rows = [row(n, id=f"o{n}") for n in range(3)]
    for kind in range(11):
        more = {"outcome": "error", "error_class": f"e{kind:02}"}
        rows += [row(n, id=f"{kind}-{n}", **more) for n in range(20 - kind)]
    ended = document(rows, ended_ns=S)["over_time"]["ended"]
    assert list(ended) == ["ok", *(f"e0{kind}" for kind in range(8)), "others"]
    assert sum(ended["others"]) == 12 + 11 + 10
    assert sum(ended["ok"]) == 3


def test_curves_end_at_the_exact_maximum() -> None:
    found = document([row(10 * n, 50 + n, id=f"r{n}") for n in range(100)], ended_ns=2 * S)
    curve = found["curves"]
    assert curve["ttft"][-1] == 149 * MS
    assert curve["ttft"] == sorted(curve["ttft"])
    assert len(curve["percents"]) == len(curve["e2e"])


def test_a_level_that_never_ended_has_none() -> None:
    assert "over_time" not in document([row(0)], ended_ns=None)


def test_points_are_few_and_hold_the_slowest() -> None:
    rows = [row(n, 50 + (n == 1777) * 400, (), id=f"r{n}") for n in range(5000)]
    points = document(rows, ended_ns=6 * S)["over_time"]["ttft_points"]
    assert len(points) <= 1020
    assert [1777 * MS, 450 * MS] in points
    assert points == sorted(points)


@pytest.mark.parametrize("many", [0, 1, 5])
def test_few_rows_are_no_trouble(many: int) -> None:
    rows = [row(10 * n, id=f"r{n}") for n in range(many)]
    found = document(rows, ended_ns=S)["over_time"]
    assert sum(found["ttft"]["n"]) == many
    assert len(found["sampled"]) == many


def over(rows: list[Row], from_ns: int, until_ns: int) -> dict[str, Any]:
    made, series = OverTime(from_ns, until_ns), Series()
    for one in rows:
        made.add(one, array("q", one.gaps_ns), max(one.gaps_ns, default=0))
        series.add(one)
    return made.result(series)


def test_spans_begin_with_the_level_and_what_is_outside_counts_at_its_ends() -> None:
    """From 1 s on, spans of 10 ms: outputs at 0.9 s, 1.015 s, 1.955 s and 5 s."""
    rows = [row(at_ms, 5, (), id=f"r{at_ms}") for at_ms in (895, 1010, 1950, 4995)]
    found = over(rows, S, S + 960 * MS)
    assert (found["from_ns"], found["bin_ns"]) == (S, 10 * MS)
    placed = {place: n for place, n in enumerate(found["ttft"]["n"]) if n}
    assert placed == {0: 1, 1: 1, BINS - 1: 2}
    ended = {place: n for place, n in enumerate(found["ended"]["ok"]) if n}
    assert ended == {0: 1, 1: 1, BINS - 1: 2}
    for name in ("p50_ns", "p99_ns", "max_ns"):
        known = {place for place, ns in enumerate(found["ttft"][name]) if ns is not None}
        assert known == set(placed)
    gaps = over([row(2_000, 5, (4_000,)), row(0, 5, (1,))], S, S + 960 * MS)["icl"]["n"]
    assert (gaps[0], gaps[-1], sum(gaps)) == (1, 1, 2)
    assert len(found["tokens_per_s"]) == BINS
    assert found["tokens_per_s"][1] == 100.0
    assert all(
        rate == round(rate, 3) for rate in over([row(1_001, 2, (7,))], S, 2 * S)["tokens_per_s"]
    )


def test_a_level_of_a_moment_has_spans_of_a_nanosecond() -> None:
    assert OverTime(5, 6).result(Series())["bin_ns"] == 1
    assert OverTime(5, 5 + BINS + 1).result(Series())["bin_ns"] == 2
    assert over_time_of(stage([], began_ns=5, ended_ns=5)) is None
    assert over_time_of(stage([], began_ns=5, ended_ns=6)) is not None


def test_the_heat_map_has_edges_around_what_occurs() -> None:
    empty = over([row(0, 10, ())], 0, S)["gap_heat"]
    assert empty == {"edges_ns": [], "counts": []}
    heat = over([row(0, 10, (20, 20, 60))], 0, 960 * MS)["gap_heat"]
    edges, counts = heat["edges_ns"], heat["counts"]
    assert edges[0] <= 20 * MS < edges[1] < edges[-2] <= 60 * MS < edges[-1]
    assert (len(counts), {len(of) for of in counts}) == (BINS, {len(edges) - 1})
    assert [counts[3][0], counts[5][0], counts[11][-1]] == [1, 1, 1]
    assert max(map(sum, counts)) == 1
    assert {type(n) for of in (*counts, edges) for n in of} == {int}


def test_the_shortest_and_the_longest_have_buckets_too() -> None:
    whole = row(0, 0, (), gaps_ns=[0, 1, 9_999, 10_001, 10**13], chunks=6)
    found = over([whole], 0, 960 * MS)
    assert sum(found["icl"]["n"]) == 5
    assert {type(n) for n in found["icl"]["n"]} == {int}
    assert found["icl"]["max_ns"][-1] == 10**13
    assert found["icl"]["p50_ns"][0] == pytest.approx(10_000, rel=0.03)
    assert (found["gap_heat"]["edges_ns"][0], found["gap_heat"]["edges_ns"][-1]) == (10_000, 10**12)


def test_rows_come_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(10 * n, 50, (n % 3, 7), id=f"r{n}") for n in range(40)]
    rows += [row(500, 50, (), id=f"s{n}") for n in range(9)]
    whole = over(rows, 0, 960 * MS)
    for size in (1, 3, 4):
        monkeypatch.setattr("tailrace.results.over_time._BATCH", size)
        assert over(rows, 0, 960 * MS) == whole


def test_of_few_every_point_is_shown_and_of_many_the_twenty_slowest() -> None:
    few = [row(n, 50 + n % 5, (), id=f"r{n}") for n in range(60)]
    assert len(over(few, 0, S)["ttft_points"]) == 60
    many = [row(n, 50 + (n % 40 == 1) * n, (), id=f"r{n}") for n in range(2000)]
    points = over(many, 0, 3 * S)["ttft_points"]
    assert len(points) == 1000 + 20
    assert [point for point in points if point[0] // MS % 2] == [
        [n * MS, (50 + n) * MS] for n in range(1201, 2000, 40)
    ]
