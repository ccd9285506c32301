"""The order of a level's requests is kept, whatever order their rows come in."""

from __future__ import annotations

import numpy as np
import pytest

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
