"""What a level's document says of the order of its requests."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tailrace.results import series
from tailrace.results.hist import Hist
from tailrace.results.level_stats import BINS, effective_of, statistics_of
from tailrace.results.series import Series

from .builders import MS, S, document, row, stage, waited

DICE = Random(5)
STEADY = [row(10 * i, 50 + DICE.randrange(20), id=f"r{i}") for i in range(300)]


def audit(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {finding["name"]: (finding["status"], finding["value"]) for finding in found["audit"]}


def test_a_steady_level_has_bounds_and_nothing_to_warn_of() -> None:
    found = document(STEADY, measure_from_ns=200 * MS, measure_until_ns=3 * S)
    p50 = found["metrics"]["ttft"]["percentiles"]["p50"]
    assert p50["low_ns"] <= p50["value_ns"] <= p50["high_ns"] <= 70 * MS
    assert p50["bound_ns"] >= p50["value_ns"]
    assert 200 < p50["effective_n"] <= 300
    assert "low_ns" not in found["metrics"]["connect"]["percentiles"]["p50"]
    names = ("independence", "steady state", "queue")
    assert [audit(found)[name][0] for name in names] == ["ok"] * 3


def test_a_warm_up_that_was_too_short_is_seen_and_not_trimmed() -> None:
    cold = [row(10 * i, 300, id=f"c{i}") for i in range(60)]
    found = document(cold + [row(600 + 10 * i, 50 + i % 7, id=f"r{i}") for i in range(240)])
    status, value = audit(found)["steady state"]
    assert status == "warn"
    assert value.startswith("MSER-5 would trim 21.7 % of TTFT (+430 %)")
    assert found["metrics"]["ttft"]["n"] == 300


def test_a_queue_that_grows_in_an_open_loop_is_seen() -> None:
    rows = [row(20 * i, 100 + 15 * i, id=f"r{i}") for i in range(400)]
    found = document(
        rows, users=None, load="50/s", measure_until_ns=8 * S, in_flight_ns={}, max_in_flight=99
    )
    assert audit(found)["queue"][0] == "warn"
    flight = found["statistics"]["queue"]["in_flight"]
    assert 10 < flight["at_least_per_s"] < flight["slope_per_s"]


def test_requests_that_depend_on_each_other_are_worth_less() -> None:
    rows = [row(10 * i, 50 + 100 * (i // 100 % 2), id=f"r{i}") for i in range(600)]
    found = document(rows)
    assert audit(found)["independence"][0] == "warn"
    p50 = found["metrics"]["ttft"]["percentiles"]["p50"]
    assert (p50["low_ns"], p50["high_ns"], p50["bound_ns"]) == (None, None, None)
    assert p50["effective_n"] < 30


def test_an_upper_end_that_was_cut_off_is_none() -> None:
    rows = [*STEADY, *(waited("censored", 65, sent_ns=10 * i * MS) for i in range(3))]
    p50 = document(rows)["metrics"]["ttft"]["percentiles"]["p95"]
    assert p50["low_ns"] is not None
    assert p50["high_ns"] is None


def test_what_was_never_measured_has_none() -> None:
    assert statistics_of(stage([]), None) is None
    assert document([])["statistics"] is None


def test_it_does_not_hang_on_the_order_of_the_rows() -> None:
    mixed = list(STEADY)
    Random(3).shuffle(mixed)
    assert document(mixed)["statistics"] == document(STEADY)["statistics"]


def test_of_very_many_requests_the_order_of_some_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rests on it is near to what the whole order says, and bounds are not narrower."""
    whole = document(STEADY)
    monkeypatch.setattr(series, "MOST", 100)
    thinned = document(STEADY)
    assert (whole["statistics"]["order_of_every"], thinned["statistics"]["order_of_every"]) == (
        1,
        4,
    )
    queues = [found["statistics"]["queue"] for found in (whole, thinned)]
    assert queues[0]["arrivals_per_s"] == queues[1]["arrivals_per_s"]
    assert queues[1]["ttft_ns"]["mean"] == pytest.approx(queues[0]["ttft_ns"]["mean"], rel=0.05)
    p50 = [found["metrics"]["ttft"]["percentiles"]["p50"] for found in (whole, thinned)]
    assert p50[0]["value_ns"] == p50[1]["value_ns"]
    assert p50[1]["effective_n"] <= 75 < p50[0]["effective_n"]
    assert p50[1]["low_ns"] <= p50[0]["low_ns"] <= p50[0]["high_ns"] <= p50[1]["high_ns"]
    status, value = audit(thinned)["independence"]
    assert status == "ok"
    assert value.startswith("75 samples of TTFT, one of every 4, are worth ")


def test_a_queue_that_grows_by_a_known_amount() -> None:
    """Every 10 ms a request comes, and each waits 1 ms longer than the one before."""
    rows = [row(10 * i, 40 + i, (), id=f"r{i}") for i in range(100)]
    open_loop = {"users": None, "in_flight_ns": {}, "max_in_flight": 99, "measure_until_ns": S}
    queue = document(rows, **open_loop)["statistics"]["queue"]
    assert queue["arrivals_per_s"] == 100
    trend = queue["ttft_ns"]
    assert trend == {
        "slope_per_s": pytest.approx(100 * MS),
        "standard_error": pytest.approx(0, abs=1),
        "at_least_per_s": pytest.approx(100 * MS),
        "mean": 89.5 * MS,
    }
    flight = queue["in_flight"]  # of each second's 100, one more every 100 ms
    assert flight["slope_per_s"] == pytest.approx(9, abs=2)
    assert 4 < flight["mean"] < 10
    assert flight["at_least_per_s"] == pytest.approx(
        flight["slope_per_s"] - 2.326 * flight["standard_error"], abs=1e-5
    )
    assert {round(value, 6) for value in flight.values()} == set(flight.values())
    later = document(rows, measure_from_ns=S // 2, **open_loop)["statistics"]["queue"]
    assert later["arrivals_per_s"] == 200


def test_what_has_no_first_output_is_told_from_its_end() -> None:
    whole = [
        row(10 * i, None, last_output_ns=(10 * i + 60 + i % 3) * MS, streamed=False, id=f"r{i}")
        for i in range(120)
    ]
    found = document(whole)["statistics"]
    assert found["steady_state"]["metric"] == "e2e"
    assert found["steady_state"]["e2e"]["n"] == 120
    assert found["steady_state"]["tokens_per_s"] is None
    assert found["queue"]["e2e_ns"]["mean"] == 61 * MS
    assert found["queue"]["in_flight"] is None


def test_how_a_level_settled() -> None:
    dice = Random(3)
    rows = [row(10 * i, 300 if i < 40 else 50 + dice.randrange(20), id=f"r{i}") for i in range(240)]
    found = document(rows)["statistics"]["steady_state"]
    assert found["ttft"]["n"] == 240
    assert found["tokens_per_s"]["n"] == BINS
    assert (found["ttft"]["trimmed"], found["ttft"]["trimmed_share"]) == (40, 0.1667)
    assert found["ttft"]["settled"] is True
    assert found["ttft"]["shift"] == pytest.approx(300 / 59.5 - 1, rel=0.02)
    assert 0.005 < found["ttft"]["shift_error"] < 0.05
    for name in ("shift", "shift_error"):
        assert found["ttft"][name] == round(found["ttft"][name], 6) != round(found["ttft"][name], 5)


@pytest.mark.parametrize("times", [(None, S), (0, None), (S, S), (S, 0)])
def test_without_a_window_nothing_can_be_said(times: tuple[int | None, int | None]) -> None:
    facts = stage(STEADY)
    facts.measure_from_ns, facts.measure_until_ns = times
    kept = Series()
    kept.add(STEADY[0])
    assert statistics_of(facts, kept) is None


def test_only_some_metrics_have_an_order() -> None:
    kept, hist = Series(), Hist()
    assert effective_of(50.0, "ttft", hist, kept) is None
    for one in STEADY:
        kept.add(one)
        hist.add(5)
    assert effective_of(50.0, "connect", hist, kept) is None
    assert effective_of(50.0, "tpot", hist, Series()) == 300.0
    assert effective_of(50.0, "icl", hist, Series()) == 0
