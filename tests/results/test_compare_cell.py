"""Cell: each verdict from an interval by hand, Holm by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.compare_cell import BOUNDED, Cell, half_width, holm, judged, two_sided_p

CELL = Cell("m", "8", metric="ttft", statistic="p50", unit="ms", base=100.0, other=100.0)


def cell(low: float, high: float, p: float, **more: object) -> Cell:
    return replace(CELL, change=(low + high) / 2, low=low, high=high, p=p, **more)


@pytest.mark.parametrize(
    ("given_cell", "verdict", "said"),
    [
        (cell(0.08, 0.12, 0.001), "worse", ""),
        (cell(0.08, 0.12, 0.0), "worse", ""),
        (cell(-0.12, -0.08, 0.001), "better", ""),
        (cell(0.08, 0.12, 0.001, better="higher"), "better", ""),
        (cell(-0.12, -0.08, 0.001, better="higher"), "worse", ""),
        (cell(-0.02, 0.03, 1.0), "no difference", ""),
        (cell(0.01, 0.03, 1.0), "no difference", ""),
        (cell(0.03, 0.07, 0.9), "cannot tell", "a change, about as large as the margin"),
        (cell(0.06, 0.09, 0.2), "cannot tell", "a change, which may be chance among 1 figures"),
        (cell(0.01, 0.05, 1.0), "no difference", ""),
        (cell(-0.05, -0.01, 1.0), "no difference", ""),
        (cell(0.0, 0.06, 1.0), "no difference", ""),
        (cell(-0.06, 0.0, 1.0), "no difference", ""),
        (cell(-0.07, -0.03, 0.9), "cannot tell", "a change, about as large as the margin"),
        (cell(0.05, 0.09, 0.2), "cannot tell", "a change, about as large as the margin"),
        (cell(-0.09, -0.06, 0.2), "cannot tell", "a change, which may be chance among 1 figures"),
        (cell(0.08, 0.12, 0.051), "cannot tell", "a change, which may be chance among 1 figures"),
        (cell(-0.05, 0.05, 1.0, scale="points"), "no difference", ""),
        (cell(-0.2, 0.2, 1.0), "cannot tell", "wider than the margin (±5 %); some 20 times"),
        (cell(-1.0, 0.2, 1.0), "cannot tell", "wider than the margin"),
        (cell(-0.01, 0.01, 1.0, at_least=True), "cannot tell", BOUNDED),
        (cell(0.5, 0.9, 0.001, at_least=True), "worse", ""),
        (cell(-0.03, 0.03, 1.0, scale="points", margin=0.01), "cannot tell", "(±3 %) is wider"),
        (replace(CELL, reason="too few"), "cannot tell", "too few"),
    ],
)
def test_verdicts(given_cell: Cell, verdict: str, said: str) -> None:
    (found,) = judged([given_cell], 0.95)
    assert found.verdict == verdict
    assert said in found.reason
    assert bool(found.reason) == (verdict == "cannot tell")


@pytest.mark.parametrize(
    ("given_cell", "says"),
    [
        (cell(-0.2, 0.2, 1.0, margin=0.0), "the interval is wider than the margin"),
        (cell(-1.0, 0.2, 1.0), "the interval is wider than the margin"),
        (
            cell(-0.15, 0.15, 1.0, scale="points"),
            "the interval (±15 %) is wider than the margin (±5 %); some 9 times as many requests "
            "would do",
        ),
        (
            cell(-0.99 / 2, 0.99 / 2, 1.0, scale="points", margin=0.015),
            "the interval (±50 %) is wider than the margin (±1.5 %)",
        ),
    ],
)
def test_how_wide_an_interval_is(given_cell: Cell, says: str) -> None:
    assert judged([given_cell], 0.95)[0].reason == says


class Normal:
    """A change that is known to one standard error, with two-sided chances by hand."""

    def interval(self, confidence: float) -> tuple[float, float]:
        return -1.0, 1.0

    def p_at_most(self, limit: float) -> float:
        return {0.05: 0.3, 0.5: 0.9}[limit]

    def p_at_least(self, limit: float) -> float:
        return {-0.05: 0.02, -0.5: 0.8}[limit]


def test_the_p_value_of_both_sides_is_twice_that_of_the_nearer() -> None:
    assert two_sided_p(Normal(), -0.05, 0.05) == 0.04
    assert two_sided_p(Normal(), -0.5, 0.05) == 0.6
    assert two_sided_p(Normal(), -0.5, 0.5) == 1.0


def test_the_name_of_a_figure() -> None:
    assert CELL.name == "ttft p50"
    assert replace(CELL, metric="tokens_per_s", statistic="").name == "tokens_per_s"
    assert not CELL.tested
    assert cell(0, 0, 0.0).tested


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1))
def test_holm_keeps_the_order_and_is_at_most_bonferroni(ps: list[float]) -> None:
    found = holm(ps)
    assert sorted(range(len(ps)), key=lambda i: (ps[i], i)) == sorted(
        range(len(ps)), key=lambda i: (found[i], ps[i], i)
    )
    assert all(p <= q <= min(1, len(ps) * p) for p, q in zip(ps, found, strict=True))


def test_many_cells_need_more_evidence() -> None:
    one = cell(0.06, 0.12, 0.01)
    many = judged([one, *[cell(-0.02, 0.02, 1.0)] * 20], 0.95)
    assert many[0].verdict == "cannot tell"
    assert judged([one], 0.95)[0].verdict == "worse"


def test_the_width_of_a_ratio_is_that_of_its_logarithm() -> None:
    assert half_width(cell(1 / 1.1 - 1, 0.1, 1.0)) == pytest.approx(0.1)
