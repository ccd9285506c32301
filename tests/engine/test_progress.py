"""A running level in a few numbers: of several workers, and as whoever watches sees it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import orjson
import pytest

from tailrace.engine.progress import Progress, pooled, stage_line, take_snapshot
from tailrace.results.audit import Finding
from tailrace.results.facts import ModelFacts
from tailrace.scenarios.model import Level
from tailrace.scenarios.rates import Arrivals, RatePhase

from ..results.builders import MS, S, facts, stage


def progress(**more: Any) -> Progress:
    made: dict[str, Any] = {
        "draining": False,
        "done": 10,
        "measured_ok": 9,
        "ok": 12,
        "failed": 1,
        "in_flight": 4,
        "window_requests": 10,
        "window_tokens": 640.0,
        "ttft_p50_ns": 100 * MS,
        "ttft_p99_ns": 200 * MS,
        "icl_p50_ns": 20 * MS,
        "icl_p99_ns": 30 * MS,
    }
    return Progress(**made | more)


def test_workers_are_summed_and_their_percentiles_are_the_middle_and_the_worst() -> None:
    slow = Finding("event loop", "late", "bad", "")
    parts = [
        progress(errors={"reset": 2}, client=[slow._replace(status="ok")]),
        progress(ttft_p50_ns=150 * MS, ttft_p99_ns=900 * MS, errors={"reset": 1}, client=[slow]),
        progress(ttft_p50_ns=None, ttft_p99_ns=None, in_flight=0, draining=True),
    ]
    whole = pooled(parts)
    assert (whole.done, whole.ok, whole.in_flight, whole.draining) == (30, 36, 8, False)
    assert (whole.ttft_p50_ns, whole.ttft_p99_ns) == (100 * MS, 900 * MS)
    assert whole.errors == {"reset": 3}
    assert whole.client == [slow]
    assert pooled(parts[:1]) is parts[0]


USERS = [Level(users, 1.0, 10.0, None) for users in (1, 4)]
RATES = [
    Level(None, 1.0, 10.0, None, arrivals=Arrivals((RatePhase(low, high, None),), "poisson"))
    for low, high in ((5, 5), (5, 50))
]


@pytest.mark.parametrize(
    ("levels", "plan"), [(USERS, ("1", "4")), (RATES, ("5/s", "5..50/s")), ([{"users": 3}], ())]
)
def test_the_plan_is_every_level_s_load(levels: list[Any], plan: tuple[str, ...]) -> None:
    told = [each if isinstance(each, dict) else asdict(each) for each in levels]
    at = stage([])
    run = facts(
        ModelFacts("m", "m", "ok", stages=[at]),
        scenario=orjson.loads(orjson.dumps({"levels": told})),
    )
    assert take_snapshot(run, at, progress(), 2 * S).plan == plan


@pytest.mark.parametrize(
    ("at_ns", "draining", "phase", "elapsed_s", "per_s"),
    [
        (S // 2, False, "warmup", 0.5, None),
        (3 * S, False, "measure", 2.0, 5.0),
        (3 * S, True, "drain", 2.0, 5.0),
    ],
)
def test_a_snapshot_counts_from_the_phase_s_begin(
    at_ns: int, draining: bool, phase: str, elapsed_s: float, per_s: float | None
) -> None:
    at = replace(stage([]), warmup_s=1.0, duration_s=10.0, measure_from_ns=S)
    run = facts(ModelFacts("m", "m", "ok", stages=[at]), scenario={"levels": [{}]})
    shown = take_snapshot(run, at, progress(draining=draining), at_ns)
    assert (shown.phase, shown.elapsed_s, shown.requests_per_s) == (phase, elapsed_s, per_s)


def test_a_level_that_is_over_is_one_line() -> None:
    at = replace(stage([]), users=2, measure_from_ns=0, measure_until_ns=10 * S)
    at.books.error = 3
    assert stage_line("m", at, progress()) == (
        "m: 2 users done, ok 9, failed 3, 64.0 tok/s, TTFT p50 100.0 ms, gap p50 20.00 ms"
    )
