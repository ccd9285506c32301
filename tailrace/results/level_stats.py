"""Level statistics: what the order of a level's requests says of its figures. Pure.

Three questions, each with its own file: are the samples independent (ess.py), had the level settled
(steady.py), did its queue grow (trend.py). The answers stand in ``statistics`` of ``result.json``;
audit_series.py judges them. Percentiles get their bounds here as well (bounds.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tailrace.results.bounds import ranks
from tailrace.results.facts import StageFacts
from tailrace.results.hist import Hist
from tailrace.results.series import BOUNDED, POOLED, Series
from tailrace.results.stats import PERCENTS, percentile_name
from tailrace.results.steady import Settling, mser5
from tailrace.results.trend import Trend, trend

BINS = 200
"""Points at which what is in flight is looked at, and spans of tokens a second."""
NO_BOUNDS = {"effective_n": None, "low_ns": None, "high_ns": None, "bound_ns": None}


def statistics_of(facts: StageFacts, series: Series | None) -> dict[str, Any] | None:
    """JSON-ready; None where nothing was kept, or before the level was measured."""
    from_ns, until_ns = facts.measure_from_ns, facts.measure_until_ns
    if series is None or not series.n or from_ns is None or until_ns is None or until_ns <= from_ns:
        return None
    ttft = "ttft" if len(series.of("ttft")[1]) else "e2e"
    closed = facts.users is not None  # whose users are always as many
    flight = None if closed else trend(*series.in_flight(from_ns, until_ns, BINS))
    tokens = series.tokens_per_s(from_ns, until_ns, BINS)
    return {
        "order_of_every": series.every,
        "steady_state": {
            "metric": ttft,
            ttft: _settling(mser5(series.of(ttft)[1])),
            "tokens_per_s": _settling(mser5(tokens) if tokens.any() else None),
        },
        "queue": {
            "in_flight": _trend(flight),
            f"{ttft}_ns": _trend(trend(*series.of(ttft))),
            "arrivals_per_s": round(series.n / (until_ns - from_ns) * 1e9, 4),
        },
    }


def _settling(found: Settling | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "n": found.n,
        "trimmed": found.trimmed,
        "trimmed_share": round(found.trimmed_share, 4),
        "shift": round(found.shift, 6),
        "shift_error": round(found.shift_error, 6),
        "settled": found.settled,
    }


def _trend(found: Trend | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "slope_per_s": round(found.slope, 6),
        "standard_error": round(found.error, 6),
        "at_least_per_s": round(found.least, 6),
        "mean": round(found.mean, 6),
    }


def with_bounds(
    percentiles: Mapping[str, dict[str, Any]],
    name: str,
    hist: Hist,
    series: Series | None,
    limit_ns: int | None,
) -> dict[str, dict[str, Any]]:
    """The percentiles of a metric, each with its bounds where its samples have an order.

    ``limit_ns`` is the least of its samples that are lower bounds.
    """
    bounded = series is not None and name in BOUNDED
    return {
        percentile_name(percent): percentiles[percentile_name(percent)]
        | (_bounds(percent, name, hist, series, limit_ns) if series and bounded else {})
        for percent in PERCENTS
    }


def _bounds(
    percent: float, name: str, hist: Hist, series: Series, limit_ns: int | None
) -> dict[str, Any]:
    effective = effective_of(percent, name, hist, series)
    if effective is None:
        return NO_BOUNDS
    at = ranks(percent, hist.n, effective)
    low, high, bound = (hist.at_rank(rank) for rank in (at.low, at.high, at.bound))

    def known(value_ns: int | None) -> int | None:
        """An upper end that a request reached which was cut off is no upper end."""
        return None if value_ns is None or (limit_ns or value_ns + 1) <= value_ns else value_ns

    return {
        "effective_n": round(effective, 1),
        "low_ns": low,
        "high_ns": known(high),
        "bound_ns": known(bound),
    }


def effective_of(percent: float, name: str, hist: Hist, series: Series) -> float | None:
    """Independent samples behind a percentile of a metric; None without any."""
    value_ns = hist.percentiles((percent,))[0]
    if value_ns is None or name not in BOUNDED:
        return None
    found = series.effective_n(name, value_ns)
    return min(found, hist.n) if found or name in POOLED else float(hist.n)
