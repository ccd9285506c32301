"""A level over time: spans hold what came in them, and memory does not hang on the rows."""

from __future__ import annotations

from array import array
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.over_time import BINS, OverTime
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
