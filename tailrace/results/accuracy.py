"""Accuracy: what a client reported minus what the endpoint knows, request by request. Pure.

Rule: every measured request is matched by its id, and its chunks by their number; one that cannot
be matched is an error and not left out. The truth is the endpoint's own: a request arrived when
its kernel had it, a chunk was written when the endpoint's kernel was handed it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tailrace.errors import ResultError
from tailrace.results.schema import Row
from tailrace.results.stats import sample_floor


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The errors of one metric, in nanoseconds."""

    n: int
    median_ns: int
    """Signed: above nought the client reports too much."""
    p99_abs_ns: int
    """99 % of the samples are no further off than this."""
    max_abs_ns: int

    @property
    def certified(self) -> bool:
        """Whether the p99 has enough samples behind it."""
        return self.n >= sample_floor(99.0)


@dataclass(frozen=True, slots=True)
class Errors:
    """Reported minus true, one entry a sample."""

    ttft_ns: list[int]
    gap_ns: list[int]
    e2e_ns: list[int]


def accuracy_of(errors_ns: Sequence[int]) -> Accuracy:
    """The figures of some errors; there must be one at least."""
    sizes = sorted(abs(error) for error in errors_ns)
    rank = math.ceil(0.99 * len(sizes))
    return Accuracy(
        n=len(sizes),
        median_ns=round(statistics.median(errors_ns)),
        p99_abs_ns=sizes[rank - 1],
        max_abs_ns=sizes[-1],
    )


def errors_of(rows: Iterable[Row], truth: Mapping[str, Mapping[str, Any]]) -> Errors:
    """The errors of the requests that ended well; ``truth`` is the endpoint's record by id.

    Raises ResultError naming the first request that client and endpoint tell apart.
    """
    errors = Errors([], [], [])
    for row in rows:
        if row.outcome != "ok" or row.sent_ns is None or row.first_output_ns is None:
            continue
        known = truth.get(row.id)
        if known is None:
            raise ResultError(f"the scripted endpoint has no record of the request {row.id}")
        writes: Sequence[int] = known["writes_ns"]
        if len(writes) != row.chunks:
            raise ResultError(
                f"request {row.id}: the scripted endpoint wrote {len(writes)} chunks, "
                f"{row.chunks} were reported"
            )
        ttft_ns = row.first_output_ns - row.sent_ns
        errors.ttft_ns.append(ttft_ns - (writes[0] - known["arrived_ns"]))
        true_gaps = (after - before for before, after in pairwise(writes))
        errors.gap_ns.extend(gap - true for gap, true in zip(row.gaps_ns, true_gaps, strict=True))
        e2e_ns = (row.last_output_ns or 0) - row.sent_ns
        errors.e2e_ns.append(e2e_ns - (writes[-1] - known["arrived_ns"]))
    return errors
