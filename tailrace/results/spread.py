"""Spread: a histogram's figures as plain values, for facts that JSON keeps."""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.results.hist import Hist

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


def spread_of(hist: Hist) -> Spread:
    """A histogram's figures, and itself encoded."""
    if not hist.n:
        return Spread()
    p50, p99, p999 = hist.percentiles(_PERCENTS)
    return Spread(hist.n, p50, p99, p999, hist.max_ns, hist.encode())
