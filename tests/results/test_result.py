"""result.json as a value: what is claimed, what is not, and that it is plain JSON."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tailrace.results.facts import Books, ModelFacts
from tailrace.results.hist import HIGHEST_NS
from tailrace.results.metrics import NAMES, OF_STREAMS, definitions
from tailrace.results.result import (
    cold_result,
    in_flight,
    metric_result,
    model_result,
    rates,
    stage_result,
)
from tailrace.results.schema import OUTCOMES, RESULT_SCHEMA, Row
from tailrace.results.tally import Tally

from .builders import MS, S, counts_of, row, stage, tally, waited


def test_a_model_as_a_document() -> None:
    rows = [row(k) for k in range(3)]
    facts = ModelFacts("a/b:1", "a-b-1", "ok", stages=[stage(rows)])
    document = model_result(facts, row(0, 500), [tally(*rows)], 2)
    assert orjson.loads(orjson.dumps(document)) == document
    assert (document["schema"], document["model"]) == (RESULT_SCHEMA, "a/b:1")
    assert (document["status"], document["torn_lines"]) == ("ok", 2)
    assert document["cold"]["ttft_ns"] == 500 * MS
    assert document["definitions"] == definitions()
    assert len(document["stages"]) == 1
    assert list(document["stages"][0]["metrics"]) == list(NAMES)


def test_a_model_that_never_ran() -> None:
    facts = ModelFacts("m", "m", "failed", "model_not_found", "no such model")
    document = model_result(facts, None, [], 0)
    assert (document["cold"], document["stages"]) == (None, [])
    assert (document["error_class"], document["error"]) == ("model_not_found", "no such model")


def test_a_tally_without_its_stage_is_a_fault() -> None:
    with pytest.raises(ValueError, match="zip"):
        model_result(ModelFacts("m", "m"), None, [Tally()], 0)


def test_the_cold_request() -> None:
    assert cold_result(row(1_000, 100, (10,))) == {
        "outcome": "ok",
        "error_class": None,
        "ttft_ns": 100 * MS,
        "e2e_ns": 110 * MS,
        "output_tokens": 2,
    }
    failed = Row("c", -1, 0, "cold", 0, outcome="error", error_class="dns")
    assert cold_result(failed) == {
        "outcome": "error",
        "error_class": "dns",
        "ttft_ns": None,
        "e2e_ns": None,
        "output_tokens": None,
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_without_samples(name: str) -> None:
    found = metric_result(Tally(), name)
    assert (found["n"], found["min_ns"], found["max_ns"], found["mean_ns"]) == (0, None, None, None)
    assert (found["histogram"], found["lower_bounds"], found["overflow"]) == (None, 0, 0)
    nothing = {"value_ns": None, "certified": False, "between_ns": None, "at_least": False}
    assert found["percentiles"]["p50"] == nothing


def test_a_metric() -> None:
    found = metric_result(tally(*(row(0, ms) for ms in range(1, 101))), "ttft")
    assert (found["n"], found["min_ns"], found["max_ns"]) == (100, MS, 100 * MS)
    assert found["mean_ns"] == 50.5 * MS
    assert 50 * MS <= found["percentiles"]["p50"]["value_ns"] <= 50.05 * MS
    assert sum(counts_of(found["histogram"]).values()) == 100
    assert list(found["percentiles"]) == ["p50", "p90", "p95", "p99", "p99.9"]


@pytest.mark.parametrize(
    ("n", "certified"), [(10, 0), (11, 1), (63, 1), (64, 2), (129, 2), (130, 3), (661, 3), (662, 4)]
)
def test_a_percentile_is_certified_from_its_floor_on(n: int, certified: int) -> None:
    made = tally()
    made.hists["e2e"].add_many([5] * n)
    found = metric_result(made, "e2e")["percentiles"].values()
    assert [entry["certified"] for entry in found] == [True] * certified + [False] * (5 - certified)


def test_a_percentile_that_reaches_a_lower_bound_says_so() -> None:
    rows = [row(0, 100, ()) for _ in range(8)] + [waited("timeout", 5_000) for _ in range(2)]
    found = metric_result(tally(*rows), "ttft")
    assert found["lower_bounds"] == 2
    marks = {name: entry["at_least"] for name, entry in found["percentiles"].items()}
    assert marks == {"p50": False, "p90": True, "p95": True, "p99": True, "p99.9": True}
    assert not any(
        entry["at_least"] for entry in metric_result(tally(*rows), "ttfo")["percentiles"].values()
    )


def test_a_sample_longer_than_a_bound_is_a_lower_bound_too() -> None:
    """What waited 200 ms and was given up may have been the longest of all."""
    found = metric_result(tally(waited("censored", 200), row(0, 5_000)), "ttft")
    assert found["percentiles"]["p99"]["value_ns"] == 5 * S
    assert found["percentiles"]["p99"]["at_least"]


def test_a_bound_beyond_the_range_is_still_a_bound() -> None:
    """The histogram ends at an hour, so the percentile is less than the wait, and says so."""
    found = metric_result(tally(row(), waited("timeout", 2 * HIGHEST_NS // MS)), "e2e")
    assert (found["overflow"], found["max_ns"]) == (1, 2 * HIGHEST_NS)
    assert found["percentiles"]["p99"]["value_ns"] >= HIGHEST_NS
    assert found["percentiles"]["p99"]["at_least"]


def test_rates() -> None:
    made = tally(*(row(k, 100, (10,)) for k in range(6)))
    assert rates(made, 3, 2.0) == {
        "requests_per_s": 3.0,
        "tokens_per_s": 6.0,
        "tokens_per_s_per_user": 2.0,
    }
    for seconds in (None, 0.0, -1.0):
        assert set(rates(made, 3, seconds).values()) == {None}


def test_in_flight_by_time() -> None:
    facts = stage([], users=10, in_flight_ns={10: 600, 8: 300, 0: 100}, max_in_flight=11)
    assert in_flight(facts) == {
        "asked": 10,
        "mean": 8.4,
        "max": 11,
        "time_share": {"0": 0.1, "8": 0.3, "10": 0.6},
    }
    assert in_flight(stage([], in_flight_ns={}))["mean"] is None
    assert in_flight(stage([], in_flight_ns={1: 0}))["mean"] is None


def test_counts() -> None:
    rows = [row(0), row(1, phase="warmup"), row(2, outcome="error"), waited("censored", 50)]
    books = Books(planned=9, started=4, dropped=2, unsent=3, ok=2, error=1, censored=1)
    counts = stage_result(stage(rows, books=books), tally(*rows))["counts"]
    assert counts["books"] == {
        "planned": 9,
        "started": 4,
        "dropped": 2,
        "unsent": 3,
        "ok": 2,
        "error": 1,
        "timeout": 0,
        "cancelled": 0,
        "censored": 1,
        "retried": 0,
        "retries": 0,
    }
    seen = {"ok": 2, "error": 1, "censored": 1, "retried": 0, "retries": 0}
    assert counts["journal"] == dict.fromkeys(OUTCOMES, 0) | seen
    assert counts["measured"]["started"] == 3
    assert counts["measured"]["ok"] == 1
    assert counts["warmup"] == 1


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        ({"measure_from_ns": 1 * S, "measure_until_ns": 3 * S}, 2.0),
        ({"measure_from_ns": None, "measure_until_ns": 3 * S}, None),
        ({"measure_from_ns": 1 * S, "measure_until_ns": None}, None),
    ],
)
def test_the_window(more: dict[str, int | None], seconds: float | None) -> None:
    by_requests = stage_result(stage([], **more), Tally())["window"]
    assert by_requests["seconds"] == seconds
    assert "last measured request" in by_requests["rule"]
    by_time = stage_result(stage([], requests=None, duration_s=2.0, **more), Tally())["window"]
    assert "duration" in by_time["rule"]


def test_tokens() -> None:
    rows = [row(0), row(1, output_tokens=9, token_source="usage"), row(2, outcome="error")]
    document = stage_result(stage(rows), tally(*rows))
    assert document["tokens"]["source"] == {"counted": 1, "usage": 1}
    assert document["tokens"]["output"] == 13
    assert document["tokens"]["itl_known_share"] == 0.0
    assert document["tokens"]["requests_chunks_differ"] == 1
    assert stage_result(stage([]), Tally())["tokens"]["itl_known_share"] is None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row()], []),
        ([row(output_tokens=9, token_source="usage")], ["chunks are not tokens: 1 of 1"]),
        ([row(0, 1_000, (0,) * 9)], ["not really streaming: in 1 of 1"]),
        ([row(), row(output_tokens=4, token_source="usage")], ["more than one source"]),
        ([row(), waited("timeout", 900), waited("censored", 5)], ["2 requests timed out or were"]),
        (
            [row(), row(outcome="error", error_class="dns")],
            ["1 of 2 requests failed: dns 1"],
        ),
    ],
)
def test_warnings(rows: list[Row], words: list[str]) -> None:
    warnings = stage_result(stage(rows), tally(*rows))["warnings"]
    assert len(warnings) == len(words)
    for warning, word in zip(warnings, words, strict=True):
        assert word in warning


def test_errors_by_class_are_sorted() -> None:
    rows = [row(k, outcome="error", error_class=name) for k, name in enumerate("bab")]
    errors = stage_result(stage(rows), tally(*rows))["errors"]
    assert list(errors.items()) == [("a", 1), ("b", 2)]


def test_failures_are_told_the_same_in_any_order() -> None:
    rows = [row(k, outcome="error", error_class=name) for k, name in enumerate("bcab")]
    (warning,) = stage_result(stage(rows), tally(*rows))["warnings"]
    assert "4 of 4 requests failed: b 2" in warning
    assert stage_result(stage(rows), tally(*reversed(rows)))["warnings"] == [warning]


def whole(number: int, **more: Any) -> Row:
    """An answer of 4 tokens that was not streamed."""
    end_ns = (number + 9) * MS
    made = {
        **{"streamed": False, "output_tokens": 4, "token_source": "usage"},
        **{"last_output_ns": end_ns, "closed_ns": end_ns, "ended_ns": end_ns},
    }
    return row(number, None, (), **(made | more))


def test_what_whole_answers_do_not_have_is_null() -> None:
    rows = [whole(0), whole(1)]
    found = stage_result(stage(rows), tally(*rows, until_ns=S))
    assert found["streamed"] is False
    for name, metric in found["metrics"].items():
        assert (metric["n"] is None) is (name in OF_STREAMS), name
    assert found["metrics"]["e2e"]["max_ns"] == 9 * MS
    assert found["metrics"]["ntpot"]["n"] == 2
    assert found["stalls"] == {"gaps": None, "requests": None}
    assert (found["tokens"]["output"], found["tokens"]["chunks"]) == (8, None)
    assert found["rates"]["tokens_per_s"] == 8.0


def test_tokens_that_nobody_counted_are_null() -> None:
    rows = [whole(0), whole(1, output_tokens=None, token_source="unknown")]
    found = stage_result(stage(rows), tally(*rows, until_ns=S))
    assert found["tokens"]["output"] is None
    assert found["rates"]["tokens_per_s"] is None
    assert found["rates"]["requests_per_s"] == 2.0


def test_a_timed_out_whole_answer_bounds_what_it_has() -> None:
    rows = [waited("timeout", 500, streamed=False)]
    found = stage_result(stage(rows), tally(*rows))["metrics"]
    assert (found["e2e"]["n"], found["e2e"]["lower_bounds"]) == (1, 1)
    assert found["ttft"]["n"] is None
