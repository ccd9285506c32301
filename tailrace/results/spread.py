"""Spread: a histogram's figures as plain values, for facts that JSON keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tailrace.results.blur import Blur, is_blurred
from tailrace.results.hist import HIGHEST_NS, Hist
from tailrace.results.stats import PERCENTS, percentile_name, sample_floor

_PERCENTS = (50.0, 99.0, 99.9)


@dataclass(slots=True)
class Spread:
    """Durations of one kind, in nanoseconds; the figures are ``None`` when there were none."""

    n: int = 0
    """How many."""
    p50_ns: int | None = None
    p99_ns: int | None = None
    p999_ns: int | None = None
    max_ns: int | None = None
    """Exact; the percentiles are a histogram's, at most 0.1 % above."""
    histogram: str | None = None
    """All of them: HdrHistogram's V1 compressed payload in base64."""


def spread_of(hist: Hist, encoded: bool = True) -> Spread:
    """A histogram's figures, and itself encoded, which is what takes time, unless not wanted."""
    if not hist.n:
        return Spread()
    p50, p99, p999 = hist.percentiles(_PERCENTS)
    return Spread(hist.n, p50, p99, p999, hist.max_ns, hist.encode() if encoded else None)


def summary_of(
    hist: Hist, lowest_bound_ns: int | None = None, blur: Blur | None = None
) -> dict[str, Any]:
    """A histogram's figures as ``result.json`` has them.

    ``lowest_bound_ns`` is the smallest of the samples that are lower bounds, if there are any;
    ``blur`` holds those that shared reads make uncertain.
    """
    limit_ns = None if lowest_bound_ns is None else min(lowest_bound_ns, HIGHEST_NS)
    between = [None] * len(PERCENTS) if blur is None else blur.bounds(hist, PERCENTS)
    return {
        "min_ns": hist.min_ns if hist.n else None,
        "max_ns": hist.max_ns if hist.n else None,
        "mean_ns": None if hist.mean_ns is None else round(hist.mean_ns, 1),
        "percentiles": {
            percentile_name(percent): {
                "value_ns": value_ns,
                "certified": hist.n >= sample_floor(percent) and not is_blurred(bounds),
                "between_ns": bounds,
                "at_least": limit_ns is not None and value_ns is not None and value_ns >= limit_ns,
            }
            for percent, value_ns, bounds in zip(
                PERCENTS, hist.percentiles(PERCENTS), between, strict=True
            )
        },
    }
