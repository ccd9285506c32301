"""The last seconds: old samples go, and a break forgets all."""

from __future__ import annotations

from tailrace.results.glance import Glance
from tailrace.results.recent import SPAN_NS, Recent

from .builders import MS, row


def test_samples_go_after_two_spans() -> None:
    made = Recent()
    assert made.percentile(99.0) is None
    for span, value in enumerate((100, 200, 300)):
        made.turn_to(span * SPAN_NS)
        made.add([value * MS])
    found = made.percentile(1.0)
    assert found is not None
    assert 200 * MS <= found < 201 * MS
    made.turn_to(5 * SPAN_NS)
    assert made.percentile(99.0) is None


def test_time_does_not_go_back() -> None:
    made = Recent()
    made.turn_to(3 * SPAN_NS)
    made.add([5 * MS])
    made.turn_to(0)
    assert made.percentile(50.0) is not None


def test_a_glance_tells_the_last_seconds_and_what_failed() -> None:
    glance = Glance()
    for n in range(100):
        slow = n >= 90
        glance.add(row(100 * n, 500 if slow else 50, (10, 10), id=f"r{n}"))
    glance.add(row(5, phase="warmup", outcome="timeout", error_class="stall", id="w"))
    glance.add(row(9_990, outcome="error", error_class="reset", id="x"))
    ttft, icl = glance.recent(50.0)
    assert ttft is not None
    assert icl is not None
    assert 50 * MS < ttft <= 501 * MS
    assert glance.ttft.percentiles((50.0,))[0] < 51 * MS
    assert 10 * MS <= icl < 11 * MS
    assert glance.errors == {"stall": 1, "reset": 1}
