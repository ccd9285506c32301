"""Agreement: worked examples, and laws that hold for all pairs of raters."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.rubric_agreement import (
    FLOOR,
    Agreement,
    agreement_of,
    as_dict,
    scores_of,
    weighted_kappa,
)

score = st.integers(1, 5)
pairs = st.lists(st.tuples(score, score), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("given_pairs", "kappa"),
    [
        ([], None),
        ([(3, 3)] * 5, None),  # chance cannot disagree
        ([(1, 1), (5, 5)], 1.0),
        ([(1, 5), (5, 1)], -1.0),
        ([(1, 1), (1, 2), (2, 1), (2, 2)], 0.0),
        ([(1, 1), (2, 2), (3, 4), (4, 4), (5, 3)], 1 - 25 / 85),
    ],
)
def test_kappa_worked_by_hand(given_pairs: list[tuple[int, int]], kappa: float | None) -> None:
    found = weighted_kappa(given_pairs)
    assert found == (None if kappa is None else pytest.approx(kappa))


def by_definition(given_pairs: list[tuple[int, int]]) -> Fraction | None:
    """Cohen's own form: disagreement seen over disagreement expected, from the whole table."""
    n = len(given_pairs)
    seen = expected = Fraction(0)
    for i in range(1, 6):
        for j in range(1, 6):
            weight = Fraction((i - j) ** 2, 16)
            rows = sum(a == i for a, _ in given_pairs)
            columns = sum(b == j for _, b in given_pairs)
            seen += weight * Fraction(given_pairs.count((i, j)), n)
            expected += weight * Fraction(rows, n) * Fraction(columns, n)
    return None if expected == 0 else 1 - seen / expected


@given(pairs)
def test_kappa_is_cohens(given_pairs: list[tuple[int, int]]) -> None:
    wanted = by_definition(given_pairs)
    found = weighted_kappa(given_pairs)
    assert found == (None if wanted is None else pytest.approx(float(wanted), abs=1e-12))


@given(pairs)
def test_kappa_asks_not_who_is_who(given_pairs: list[tuple[int, int]]) -> None:
    turned = [(b, a) for a, b in given_pairs]
    first, second = weighted_kappa(given_pairs), weighted_kappa(turned)
    assert first == (None if second is None else pytest.approx(second))


@given(pairs)
def test_shares(given_pairs: list[tuple[int, int]]) -> None:
    found = agreement_of(given_pairs)
    assert found.exact is not None
    assert found.within_one is not None
    assert 0 <= found.exact <= found.within_one <= 1
    assert found.n == len(given_pairs)
    assert found.too_few == (len(given_pairs) < FLOOR)
    if all(a == b for a, b in given_pairs):
        assert (found.exact, found.kappa) in ((1, 1), (1, None))


def test_no_pairs_have_no_agreement() -> None:
    assert as_dict(agreement_of([])) == {
        "n": 0,
        "exact": None,
        "within_one": None,
        "kappa": None,
        "too_few": True,
    }
    assert agreement_of([(4, 4), (2, 5)]) == Agreement(2, 0.5, 0.5, -0.285714)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([], (0, None, None)), ([4], (1, 4.0, None)), ([1, 2, 3], (3, 2.0, 1.0))],
)
def test_mean_and_spread(values: list[int], wanted: tuple[int, float, float]) -> None:
    found = scores_of(values)
    assert (found.n, found.mean, found.sd) == wanted


def test_documents_of_scores_and_agreement() -> None:
    assert as_dict(scores_of([])) == {"n": 0, "mean": None, "sd": None}
    assert as_dict(scores_of([4])) == {"n": 1, "mean": 4, "sd": None}
    assert as_dict(scores_of([1, 2, 2])) == {"n": 3, "mean": 1.666667, "sd": 0.57735}
    assert as_dict(scores_of([1, 1, 2, 5])) == {"n": 4, "mean": 2.25, "sd": 1.892969}
    assert agreement_of([]) == Agreement(0, None, None, None)
    found = agreement_of([(1, 1), (2, 3), (5, 3)])
    assert as_dict(found) == {
        **{"n": 3, "exact": 0.333333, "within_one": 0.666667, "kappa": 0.571429},
        "too_few": True,
    }
    assert agreement_of([(3, 3)] * FLOOR).too_few is False
    assert agreement_of([(3, 3)] * (FLOOR - 1)).too_few is True
