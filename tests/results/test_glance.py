"""A glance at a running level says what its tally will say when it is over."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.glance import BATCH, Glance
from tailrace.results.schema import Outcome, Phase, Row
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
