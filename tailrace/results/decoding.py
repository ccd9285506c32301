"""Decoding: how many answers a server worked on at a time, from when their output came. Pure.

A server with k slots decodes k answers and lets the rest wait before their first output. From
outside that shows as the number of requests between their first and their last output.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST_SHARE = 0.01
"""Of the time with any output under way: overlaps shorter than this are edges, not slots."""


def decoded_at_once(spans_ns: Sequence[int]) -> int:
    """The most answers that were decoded together for at least a hundredth of the time.

    ``spans_ns`` holds first and last output of one answer after another, flat. An answer that came
    in one read has a span of nothing, and is decoded for no time.
    """
    spans = np.asarray(spans_ns, dtype=np.int64).reshape(-1, 2)
    spans = spans[spans[:, 1] > spans[:, 0]]
    times = spans.ravel(order="F")
    steps = np.repeat(np.array([1, -1], dtype=np.int64), len(spans))
    order = np.lexsort((steps, times))  # at one moment ends come before starts
    level = np.cumsum(steps[order])[:-1]
    lasting = np.diff(times[order])
    busy = int(lasting[level > 0].sum())
    if not busy:
        return 1 if len(spans_ns) else 0
    spent = np.bincount(level, weights=lasting)
    at_least = np.cumsum(spent[::-1])[::-1]
    return int(np.flatnonzero(at_least >= LEAST_SHARE * busy).max())
