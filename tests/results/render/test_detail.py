"""A report of many levels shows less of each, and never more than there is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.facts import ModelFacts
from tailrace.results.plotly_script import write_page
from tailrace.results.render.detail import Detail, detail_of
from tailrace.results.render.html import PLOTLY_HERE, report_html
from tailrace.results.result import model_result
from tailrace.results.schema import Row
from tailrace.results.tally import tally_of
from tailrace.results.verdict import judge

from ..builders import MS, S, facts, row, stage
from .runs import PLOTLY

SPANS = 96
LEVEL_S = 10


@pytest.mark.parametrize(
    ("levels", "join", "points"),
    [(0, 1, 1000), (1, 1, 1000), (6, 1, 1000), (20, 1, 300), (30, 2, 200), (80, 4, 75)],
)
def test_many_levels_are_drawn_less_finely(levels: int, join: int, points: int) -> None:
    assert detail_of(levels, levels * SPANS) == Detail(join, points)


def test_however_many_there_are_a_level_keeps_twelve_spans() -> None:
    assert detail_of(5000, 5000 * SPANS) == Detail(8, 20)


@given(st.sampled_from((1, 2, 4, 8)), st.lists(st.integers(0, 99), min_size=SPANS, max_size=SPANS))
def test_joined_spans_lose_no_count(join: int, counts: list[int]) -> None:
    detail = Detail(join)
    assert len(detail.sums(counts)) == SPANS // join
    assert sum(detail.sums(counts)) == sum(counts)
    assert sum(detail.means(counts)) * join == pytest.approx(sum(counts))


def test_the_slowest_are_never_left_out() -> None:
    points = [[n, n * 7919 % 1000] for n in range(1000)]
    kept = Detail(points=50).thinned(points)
    assert kept == sorted(kept)
    assert 50 <= len(kept) <= 70
    assert {long for _, long in kept} >= set(range(980, 1000))


def test_few_points_are_all_kept() -> None:
    points = [[n, 5] for n in range(60)]
    assert Detail(points=60).thinned(points) == points
    assert Detail().thinned([]) == []


def answers(index: int, random: Random) -> Iterator[Row]:
    """Of a level of ten seconds, as spread as those of a real server; some fail."""
    for number in range(400):
        sent_ns = (index * LEVEL_S * S) + number * LEVEL_S * S // 400
        first_ns = sent_ns + round(random.lognormvariate(0, 0.4) * 80 * MS)
        gaps_ns = [round(random.lognormvariate(0, 0.5) * 8 * MS) for _ in range(31)]
        firsts = ("headers_ns", "first_event_ns", "first_output_ns", "first_answer_ns")
        times = dict.fromkeys(firsts, first_ns)
        ends = ("last_output_ns", "closed_ns", "ended_ns")
        times |= dict.fromkeys(ends, first_ns + sum(gaps_ns)) | {"sent_ns": sent_ns}
        failed = {"outcome": "error", "error_class": f"http_{500 + number % 4}"}
        given = times | {"gaps_ns": gaps_ns, "intended_ns": sent_ns, "chunks": 32, "stage": index}
        yield row(id=f"{index}-{number}", **given, **({} if number % 30 else failed))


def page_bytes(models: int, levels: int) -> int:
    """Size of the report of a run of so many, Plotly included."""
    stages, tallies = [], []
    for index in range(levels):
        rows = list(answers(index, Random(index)))
        began_ns = index * LEVEL_S * S
        ends = {"measure_until_ns": began_ns + LEVEL_S * S, "ended_ns": rows[-1].ended_ns + S}
        begins = {"began_ns": began_ns, "measure_from_ns": began_ns}
        made = stage(rows, index, 2**index, **begins, **ends)
        tally = tally_of(made)
        for one in rows:
            tally.add(one)
        stages.append(made)
        tallies.append(tally)
    names = [f"maker/model-{number}-instruct" for number in range(models)]
    known = [ModelFacts(name, name[6:], "ok", stages=stages) for name in names]
    results = [model_result(known[0], None, tallies, 0)] * models
    run = facts(*known)
    out = io.BytesIO()
    write_page(out, report_html(run, results, judge(run, results), PLOTLY), PLOTLY_HERE)
    return len(out.getvalue())


@pytest.mark.parametrize(("models", "levels"), [(5, 6), (10, 8), (20, 10)])
def test_a_report_of_many_levels_has_at_most_six_megabytes(models: int, levels: int) -> None:
    assert page_bytes(models, levels) < 6_000_000


def test_a_level_more_costs_less_where_there_are_many() -> None:
    few, many, more = (page_bytes(models, 4) for models in (1, 10, 20))
    assert (more - many) / 10 < (many - few) / 9
    assert more < 7_000_000
