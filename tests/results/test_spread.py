"""A histogram's figures, by itself and as a result has them."""

from __future__ import annotations

import numpy as np

from tailrace.results.blur import Blur
from tailrace.results.hist import HIGHEST_NS, Hist
from tailrace.results.spread import Spread, spread_of, summary_of
from tailrace.results.stats import sample_floor

MS = 1_000_000


def of(*values: int) -> Hist:
    made = Hist()
    made.add_many(values)
    return made


def test_figures_and_the_histogram_where_it_is_wanted() -> None:
    hist = of(*range(1, 2001))
    assert spread_of(hist, encoded=False) == Spread(2000, 1000, 1980, 1998, 2000, None)
    assert spread_of(hist) == Spread(2000, 1000, 1980, 1998, 2000, hist.encode())
    assert spread_of(Hist()) == Spread() == Spread(0)


def test_a_summary_has_a_mean_to_a_tenth_and_certifies_what_is_sure() -> None:
    found = summary_of(of(10, 10, 11))
    assert (found["min_ns"], found["max_ns"], found["mean_ns"]) == (10, 11, 10.3)
    assert summary_of(Hist())["mean_ns"] is None
    steady = of(*[20 * MS] * 1000)
    blur = Blur()
    blur.add(*(np.full(500, value * MS) for value in (20, 1, 20)))
    p90 = [summary_of(steady, None, each)["percentiles"]["p90"] for each in (None, blur)]
    assert [one["certified"] for one in p90] == [True, True]
    p50 = [summary_of(steady, None, each)["percentiles"]["p50"] for each in (None, blur)]
    assert [one["certified"] for one in p50] == [True, False]
    assert p50[0]["between_ns"] is None
    assert p50[1]["between_ns"][1] == 20 * MS


def test_what_reaches_a_lower_bound_is_at_least_so_much() -> None:
    hist = of(*range(1, 101))
    for bound, at_least in ((None, []), (50, ["p50", "p90"]), (51, ["p90"]), (10**14, [])):
        found = summary_of(hist, bound)["percentiles"]
        assert [name for name in ("p50", "p90") if found[name]["at_least"]] == at_least
        assert (found["p50"]["value_ns"], found["p90"]["value_ns"]) == (50, 90)
    empty = summary_of(Hist(), 5)
    assert (empty["min_ns"], empty["max_ns"]) == (None, None)
    assert empty["percentiles"]["p50"]["at_least"] is False
    over = of(*[2 * HIGHEST_NS] * 9)
    assert summary_of(over, 2 * HIGHEST_NS)["percentiles"]["p50"]["at_least"] is True


def test_the_sample_floor_itself_is_enough() -> None:
    for n, certified in ((sample_floor(90.0) - 1, False), (sample_floor(90.0), True)):
        assert summary_of(of(*[5] * n))["percentiles"]["p90"]["certified"] is certified
