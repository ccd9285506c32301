"""Merge: the shares of several workers as one level. Pure; counts add up, histograms are pooled.

What cannot be added (each worker's own pulse, its connections) stays in ``parts``, by worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np

from tailrace.results.facts import Books, StageFacts
from tailrace.results.hist import Hist
from tailrace.results.session_facts import sum_sessions
from tailrace.results.spread import Spread, spread_of
from tailrace.results.stamp_facts import StampFacts


def merge_into(stage: StageFacts, parts: Sequence[StageFacts]) -> None:
    """Fill the facts of a whole level with what its workers found.

    In-flight times of several workers are left out: they follow from all rows together.
    """
    if not parts:
        return
    stage.books = sum_books(part.books for part in parts)
    stage.measure_until_ns = max(part.measure_until_ns or 0 for part in parts)
    stage.connections_opened = sum(part.connections_opened for part in parts)
    stage.stamps = sum_stamps([part.stamps for part in parts])
    stage.sessions = sum_sessions(part.sessions for part in parts)
    if len(parts) == 1:
        (part,) = parts
        stage.pulse = part.pulse
        stage.in_flight_ns, stage.max_in_flight = part.in_flight_ns, part.max_in_flight
    if len(parts) > 1 or parts[0].node:  # of a lone worker elsewhere, where that was
        stage.parts = list(parts)


def sum_books(books: Iterable[Books]) -> Books:
    """Each counter added up."""
    total = Books()
    for each in books:
        for field in fields(Books):
            setattr(total, field.name, getattr(total, field.name) + getattr(each, field.name))
    return total


def sum_stamps(stamps: Sequence[StampFacts]) -> StampFacts:
    """Counts added, lags pooled."""
    return StampFacts(
        kernel_reads=sum(each.kernel_reads for each in stamps),
        user_reads=sum(each.user_reads for each in stamps),
        refused=sum(each.refused for each in stamps),
        lag=pool(each.lag for each in stamps),
    )


def pool(spreads: Iterable[Spread]) -> Spread:
    """One spread of all samples; its maximum is exact."""
    pooled = Hist()
    for spread in spreads:
        if spread.histogram is not None and spread.max_ns is not None:
            pooled.merge(Hist.decode(spread.histogram, spread.max_ns))
    return spread_of(pooled)


def in_flight_of(
    spans_ns: Sequence[int], from_ns: int, until_ns: int
) -> tuple[dict[int, int], int]:
    """(time in ns at each number in flight within [from, until), the highest number ever).

    ``spans_ns`` holds start and end of one request after another, flat.
    """
    spans = np.asarray(spans_ns, dtype=np.int64).reshape(-1, 2)
    if not len(spans):
        return {0: until_ns - from_ns} if until_ns > from_ns else {}, 0
    times = spans.ravel(order="F")
    steps = np.repeat(np.array([1, -1], dtype=np.int64), len(spans))
    order = np.lexsort((steps, times))  # at one moment ends come before starts
    level = np.concatenate(([0], np.cumsum(steps[order])))
    edges = np.concatenate(([-(2**62)], times[order], [2**62])).clip(from_ns, until_ns)
    lasting = np.diff(edges)
    found: dict[int, int] = {}
    for number, ns in zip(level.tolist(), lasting.tolist(), strict=True):
        if ns:
            found[number] = found.get(number, 0) + ns
    return dict(sorted(found.items())), int(level.max())
