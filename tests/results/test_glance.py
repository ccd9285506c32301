"""A glance at a running level says what its tally will say when it is over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replaced

from tailrace.results.glance import BATCH, Glance
from tailrace.results.schema import Outcome, Phase, Row
from tailrace.results.slo import parse_slos
from tailrace.results.tally import Tally

from .builders import MS, row

WINDOW = (1_000 * MS, 2_000 * MS)


def made(sent_ms: int, gaps: list[int], phase: Phase, outcome: Outcome) -> Row:
    return row(sent_ms, 5, gaps, phase=phase, outcome=outcome, output_tokens=len(gaps) + 1)


ROWS = st.builds(
    made,
    st.integers(0, 3_000),
    st.lists(st.integers(0, 700), max_size=8),
    st.sampled_from(("warmup", "measure")),
    st.sampled_from(("ok", "error", "censored")),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(ROWS, max_size=8))
def test_it_counts_what_a_tally_counts(rows: list[Row]) -> None:
    glance, tally = Glance(*WINDOW), Tally(*WINDOW)
    for each in rows:
        glance.add(each)
        tally.add(each)
    assert (glance.done, glance.ok) == (tally.outcomes.total(), tally.outcomes["ok"])
    assert glance.window.all_tokens == tally.window.all_tokens
    assert glance.window.requests == tally.window.requests
    answered = [each for each in rows if each.phase == "measure"]
    assert (glance.ttft.n, glance.icl.n) == (len(answered), sum(len(r.gaps_ns) for r in answered))
    if {each.outcome for each in answered} == {"ok"}:
        for mine, whole in ((glance.ttft, "ttft"), (glance.icl, "icl")):
            assert mine.percentiles((50.0, 99.0)) == tally.hists[whole].percentiles((50.0, 99.0))


def test_its_memory_does_not_grow() -> None:
    glance = Glance()
    for number in range(3):
        glance.add(made(number, [1] * BATCH, "measure", "ok"))
        assert len(glance._icl_ns) == len(glance._ttft_ns) == 0
    assert glance.icl.n == 3 * BATCH


def test_a_request_that_was_never_sent_gives_no_sample() -> None:
    glance = Glance()
    glance.add(Row("r", 0, 0, "measure", 0, outcome="cancelled"))
    assert (glance.done, glance.ok, glance.ttft.n) == (1, 0, 0)


def test_an_attempt_that_was_followed_by_another_is_no_request() -> None:
    glance = Glance()
    glance.add(Row("r", 0, 0, "measure", 0, outcome="error", retried=True))
    assert glance.done == 0


SLOS = parse_slos(
    "ttft:p50<1s,icl:p99<1s,ttft:mean<1s,icl:max<1s,e2e:p50<1s,e2e:mean<1s,e2e:max<1s,itl:max<1s,"
    "tpot:p50<1s,error_rate<5%,requests_per_s>1,tokens_per_s>1,goodput>1%"
)


LATENCIES = {
    "ttft:p50": 5 * MS,
    "icl:p99": 40 * MS,
    "ttft:mean": 5 * MS,
    "icl:max": 40 * MS,
    # Of those that failed as well, which took 5 ms at least.
    "e2e:p50": 15 * MS,
    "e2e:mean": (35 + 55 + 15 + 5 + 5) * MS / 5,
    "e2e:max": 55 * MS,
    "itl:max": 40 * MS,
    "tpot:p50": 15 * MS,
}


def figures_of(glance: Glance, at_ms: int) -> dict[str, float | None]:
    texts = [slo.text.partition("<")[0].partition(">")[0] for slo in SLOS]
    return dict(zip(texts, glance.figures(at_ms * MS), strict=True))


def test_the_figures_that_an_abort_asks_for() -> None:
    glance = Glance(*WINDOW, SLOS)
    nothing = figures_of(glance, 1_000)
    assert set(nothing.values()) == {None}
    for number, gaps in enumerate(([10, 20], [10, 40], [10])):
        glance.add(made(1_000 + number, gaps, "measure", "ok"))
    glance.add(made(1_003, [500], "warmup", "ok"))
    glance.add(replaced(made(1_004, [], "measure", "error"), error_class="http_500"))
    glance.add(replaced(made(1_005, [], "measure", "timeout"), first_output_ns=None))
    glance.add(replaced(made(1_006, [], "warmup", "error"), error_class=None))
    glance.add(replaced(made(1_007, [], "measure", "error"), retried=True))
    found = figures_of(glance, 1_500)
    assert {name: found[name] for name in list(found)[:9]} == {
        name: pytest.approx(value, rel=2e-3) for name, value in LATENCIES.items()
    }
    assert found["error_rate"] == 2 / 5
    assert (found["requests_per_s"], found["tokens_per_s"]) == (8.0, 9 / 0.5 + 2 / 0.5 + 2 / 0.5)
    assert found["goodput"] is None
    assert (glance.done, glance.ok, glance.failed) == (5, 3, 2)
    assert glance.errors == {"http_500": 1, "timeout": 1, "error": 1}


def test_rates_stand_still_when_the_level_is_over() -> None:
    glance = Glance(*WINDOW, SLOS)
    glance.add(made(1_100, [10], "measure", "ok"))
    assert figures_of(glance, 1_000)["requests_per_s"] is None
    assert figures_of(glance, 2_000)["requests_per_s"] == 1.0
    assert figures_of(glance, 9_000)["requests_per_s"] == 1.0


def test_starts_count_where_the_client_did_not_make_them_wait() -> None:
    glance = Glance()
    for number in range(4):
        glance.add(made(number, [], "measure", "ok"))
    assert (glance.start_lag.n, glance.start_lag.max_ns) == (4, MS)


def test_the_last_seconds_of_a_level() -> None:
    glance = Glance()
    assert glance.recent(99.0, 0) == (None, None)
    glance.add(made(0, [700], "measure", "ok"))
    ttft_ns, icl_ns = glance.recent(99.0, 1_000 * MS)
    assert (round(ttft_ns or 0, -4), round(icl_ns or 0, -5)) == (5 * MS, 700 * MS)
    for at_ms in (3_000, 5_000, 7_000, 9_000):
        found = glance.recent(99.0, at_ms * MS)
    assert found == (None, None)


def test_other_latencies_are_flushed_as_they_fill_a_batch() -> None:
    glance = Glance(None, None, parse_slos("itl:max<1s,e2e:max<1s"))
    for _ in range(2):
        glance.add(made(1, [1] * BATCH, "measure", "ok"))
    hist, waiting = glance._more["itl"]
    assert (hist.n, len(waiting)) == (2 * BATCH, 0)
    glance.add(made(1, [1] * (BATCH - 1), "measure", "ok"))
    assert len(waiting) == len(glance._icl_ns) == BATCH - 1
    assert glance._more["e2e"][1].tolist() == [5 * MS + (BATCH - 1) * MS]
