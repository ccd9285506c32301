"""The text of a run's metrics, read by prometheus-client's own parsers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_plain

from tailrace.results.export.level_figures import LevelFigures, of_tally
from tailrace.results.export.openmetrics import (
    MOST_LEVELS,
    Exposed,
    Now,
    of_run,
    text_of,
    wants_openmetrics,
)
from tailrace.results.facts import ModelFacts

from ..builders import MS, row, stage, tally, waited
from .runs import finished

NASTY = 'a"b\\c\nd{}="ü'
NOW = Now("m", 1, "measure", 1.5, 30.0, 3, {"event loop": "warn"})
Key = tuple[str, frozenset[tuple[str, str]]]


def level(model: str = "m", number: int = 1, load: str = "8") -> LevelFigures:
    made = [row(n, 10 * (n + 1)) for n in range(20)]
    made.append(waited("timeout", 900, 100, error_class="idle_timeout"))
    return of_tally(ModelFacts(model, "f"), stage(made, number - 1, 8, load=load), tally(*made))


def samples(families: Iterator[Metric]) -> dict[Key, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def both(exposed: Exposed) -> dict[Key, float]:
    """The samples, which are the same in both formats."""
    text = text_of(exposed, openmetrics=True).decode()
    found = samples(read_open(text))
    assert found == samples(read_plain(text_of(exposed, openmetrics=False).decode()))
    return found


def value(found: dict[Key, float], name: str, **labels: str) -> float:
    (only,) = (v for (n, of), v in found.items() if n == name and labels.items() <= set(of))
    return only


def test_a_level_that_runs() -> None:
    found = both(Exposed("r", "1.2", [level()], NOW, models={"x": False}))
    place = {"run": "r", "model": "m", "level": "1", "load": "8"}
    assert value(found, "tailrace_run_info", run="r", version="1.2") == 1
    requests = {"phase": "measure", "outcome": "ok"} | place
    assert value(found, "tailrace_requests_total", **requests) == 20
    assert value(found, "tailrace_request_errors_total", error_class="idle_timeout", **place) == 1
    assert value(found, "tailrace_output_tokens_total", **place) == 80
    assert value(found, "tailrace_users", **place) == 8
    assert value(found, "tailrace_requests_in_flight", **place) == 3
    assert value(found, "tailrace_phase", phase="measure", **place) == 1
    assert value(found, "tailrace_phase", phase="drain", **place) == 0
    assert value(found, "tailrace_phase_elapsed_seconds", **place) == 1.5
    assert value(found, "tailrace_phase_planned_seconds", **place) == 30
    assert value(found, "tailrace_audit", finding="event loop", **place) == 1
    assert value(found, "tailrace_model_ok", model="x") == 0
    assert not any(name == "tailrace_run_valid" for name, _ in found)


def test_the_median_can_be_told_from_the_buckets() -> None:
    """As Prometheus does it: linear between two bounds."""
    found = both(Exposed("r", "1", [level()]))
    buckets = sorted(
        (math.inf if dict(of)["le"] == "+Inf" else float(dict(of)["le"]), count)
        for (name, of), count in found.items()
        if name == "tailrace_time_to_first_token_seconds_bucket"
    )
    assert buckets[-1] == (math.inf, 21)
    assert value(found, "tailrace_time_to_first_token_seconds_count") == 21
    wanted = 10.5
    above = next(i for i, (_, count) in enumerate(buckets) if count >= wanted)
    (low_s, low), (high_s, high) = buckets[above - 1], buckets[above]
    told_s = low_s + (high_s - low_s) * (wanted - low) / (high - low)
    assert 0.07 < told_s <= 0.13  # the samples are 10 ms to 200 ms


def test_names_from_outside_cannot_break_the_text() -> None:
    found = both(Exposed(NASTY, NASTY, [level(model=NASTY)]))
    assert value(found, "tailrace_users", model=NASTY, run=NASTY) == 8
    assert value(found, "tailrace_run_info", version=NASTY) == 1


def test_of_many_levels_the_last_are_shown() -> None:
    found = both(Exposed("r", "1", [level(number=n) for n in range(1, MOST_LEVELS + 4)]))
    assert value(found, "tailrace_levels_left_out") == 3
    shown = {dict(of)["level"] for name, of in found if name == "tailrace_users"}
    assert shown == {str(n) for n in range(4, MOST_LEVELS + 4)}


def test_nothing_has_begun() -> None:
    found = both(Exposed("r", "1", []))
    assert {name for name, _ in found} == {"tailrace_run_info", "tailrace_levels_left_out"}


def test_a_run_that_is_over(tmp_path: Path) -> None:
    run = finished(tmp_path)
    found = both(of_run(run.facts, run.results, run.verdict))
    assert value(found, "tailrace_run_valid") == run.verdict.valid
    assert value(found, "tailrace_model_ok", model="m") == 1
    first = run.results[0]["stages"][0]
    tokens_per_s = value(found, "tailrace_measured_tokens_per_second", level="1")
    assert tokens_per_s == first["rates"]["tokens_per_s"]
    statuses = {each["name"]: each["status"] for each in first["audit"]}
    for name, status in statuses.items():
        severity = value(found, "tailrace_audit", finding=name, level="1")
        assert severity == ("ok", "warn", "bad").index(status)
    ttft = first["metrics"]["ttft"]
    total_s = value(found, "tailrace_time_to_first_token_seconds_sum", level="1")
    assert total_s == pytest.approx(ttft["mean_ns"] * ttft["n"] / 1e9)
    assert ttft["max_ns"] == 100 * MS


@pytest.mark.parametrize(("status", "met"), [("pass", 1), ("fail", 0), ("cannot tell", None)])
def test_objectives(status: str, met: int | None) -> None:
    found = both(Exposed("r", "1", [level()._replace(slos={"ttft:p95<1s": status})]))
    values = [v for (name, _), v in found.items() if name == "tailrace_slo_met"]
    assert values == ([] if met is None else [met])


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text", True),
        ("Application/OpenMetrics-Text; version=1.0.0", True),
        ("application/openmetrics-text;q=0, text/plain", False),
        ("text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.8,*/*;q=0.1", True),
    ],
)
def test_who_asks_for_openmetrics(accept: str, wanted: bool) -> None:
    assert wants_openmetrics(accept) is wanted


def test_the_end_is_marked() -> None:
    exposed = Exposed("r", "1", [level()], NOW)
    assert text_of(exposed, openmetrics=True).endswith(b"# EOF\n")
    assert b"# EOF" not in text_of(exposed, openmetrics=False)
