"""Statistics that need no samples, only counts: how many samples a percentile wants.

The floor is MLPerf's early-stopping rule at 99 % confidence (MLPerf Inference policies, "early
stopping"): a percentile p may be claimed from n samples when, were the true p-quantile above the
claimed value, at most one sample over it would be seen with probability below 1 %.
"""

from __future__ import annotations

from functools import cache

CONFIDENCE = 0.99
PERCENTS: tuple[float, ...] = (50.0, 90.0, 95.0, 99.0, 99.9)


def percentile_name(percent: float) -> str:
    """``p50``, ``p99.9``: the name used in every file and table."""
    return f"p{percent:g}"


@cache
def sample_floor(percent: float, confidence: float = CONFIDENCE) -> int:
    """Fewest samples from which the percentile can be claimed with one sample over it.

    The smallest n with ``P[Binomial(n, 1 - p) <= 1] <= 1 - confidence``.
    """
    below = percent / 100
    over = 1 - below
    n = 2
    while below**n + n * over * below ** (n - 1) > 1 - confidence:
        n += 1
    return n
