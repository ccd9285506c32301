"""The last seconds: old samples go, and a level that stands still shows none."""

from __future__ import annotations

from tailrace.results.glance import Glance
from tailrace.results.hist import Hist
from tailrace.results.recent import SPAN_NS, Recent

from .builders import MS, row


def test_samples_go_after_two_spans() -> None:
    hist = Hist()
    recent = Recent(hist)
    assert recent.percentile(99.0, 0) is None
    for span, value in enumerate((100, 200, 300), start=1):
        recent.percentile(99.0, span * SPAN_NS)
        hist.add(value * MS)
    lowest = recent.percentile(1.0, 3 * SPAN_NS)
    assert lowest is not None
    assert 200 * MS <= lowest < 201 * MS


def test_a_stall_leaves_no_old_figure() -> None:
    hist = Hist()
    recent = Recent(hist)
    recent.percentile(99.0, 0)
    hist.add_many([7 * MS] * 10)
    found = [recent.percentile(99.0, half * SPAN_NS // 2) for half in range(1, 8)]
    assert found == [7 * MS] * 3 + [None] * 4


def test_who_looks_seldom_sees_all_since_the_last_look() -> None:
    hist = Hist()
    recent = Recent(hist)
    recent.percentile(99.0, 5 * SPAN_NS)
    for look, value in ((8, 20), (11, 30)):
        hist.add(value * MS)
        assert recent.percentile(1.0, look * SPAN_NS) == value * MS


def test_a_glance_tells_the_last_seconds_and_what_failed() -> None:
    glance = Glance()
    for n in range(100):
        if n == 90:
            glance.recent(50.0, 3 * SPAN_NS)
            glance.recent(50.0, 4 * SPAN_NS)
        glance.add(row(100 * n, 500 if n >= 90 else 50, (10, 10), id=f"r{n}"))
    glance.add(row(5, phase="warmup", outcome="timeout", error_class="stall", id="w"))
    glance.add(row(9_990, outcome="error", error_class="reset", id="x"))
    ttft, icl = glance.recent(50.0, 5 * SPAN_NS)
    assert ttft is not None
    assert icl is not None
    assert 50 * MS < ttft <= 501 * MS
    assert glance.ttft.percentiles((50.0,))[0] < 51 * MS
    assert 10 * MS <= icl < 11 * MS
    assert glance.errors == {"stall": 1, "reset": 1}
