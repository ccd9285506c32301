"""Agreement: how far two raters gave the same scores, from 1 to 5, to the same things. Pure.

Quadratic-weighted Cohen's kappa is 1 - sum(w*observed) / sum(w*expected), with w = (i - j)^2 and
the expected table made from both raters' own frequencies: 1 is full agreement, 0 what chance gives
to raters with these habits, below 0 less than that. It punishes a miss by two four times as hard
as a miss by one. Where both raters gave one and the same score throughout, there is nothing that
chance could have missed, and kappa does not exist.

Fewer than ``FLOOR`` pairs are ``too_few``, and tables mark them: one pair more could turn it round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from tailrace.results.formulas import TOO_FEW_PAIRS

FLOOR = TOO_FEW_PAIRS
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one kind: how many, their mean, their spread."""

    n: int
    mean: float | None
    sd: float | None
    """Sample standard deviation; None for fewer than two."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of ``n`` pairs; everything else is None where there are none."""

    n: int
    exact: float | None = None
    """Share of pairs with the same score."""
    within_one: float | None = None
    """Share of pairs at most one apart."""
    kappa: float | None = None
    """Quadratic-weighted Cohen's kappa; None also where it does not exist."""

    @property
    def too_few(self) -> bool:
        """Whether there are too few pairs to rely on."""
        return self.n < FLOOR


def scores_of(values: Sequence[int]) -> Scores:
    """Mean and spread."""
    if not values:
        return Scores(0, None, None)
    spread = round(stdev(values), 6) if len(values) > 1 else None
    return Scores(len(values), round(fmean(values), 6), spread)


def agreement_of(pairs: Sequence[Pair]) -> Agreement:
    """Agreement of the pairs (one rater's score, the other's)."""
    n = len(pairs)
    if not n:
        return Agreement(0)
    kappa = weighted_kappa(pairs)
    return Agreement(
        n,
        round(sum(a == b for a, b in pairs) / n, 6),
        round(sum(abs(a - b) <= 1 for a, b in pairs) / n, 6),
        None if kappa is None else round(kappa, 6),
    )


def weighted_kappa(pairs: Sequence[Pair]) -> float | None:
    """Quadratic-weighted Cohen's kappa; None for no pairs, and where chance cannot disagree."""
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    observed = sum((a - b) ** 2 for a, b in pairs) * n
    expected = sum((a - b) ** 2 * first[a] * second[b] for a in first for b in second)
    return None if expected == 0 else 1 - observed / expected


def as_dict(of: Scores | Agreement) -> dict[str, Any]:
    """JSON-ready."""
    extra = {"too_few": of.too_few} if isinstance(of, Agreement) else {}
    return asdict(of) | extra
