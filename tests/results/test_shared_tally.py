"""Shared reads of a stage: counted by hand, whatever the batches, and asked at any time."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from tailrace.results import shared_tally
from tailrace.results.hist import Hist
from tailrace.results.schema import Row
from tailrace.results.shared_tally import SharedTally

MS = 1_000_000


def answer(gaps_ms: list[float], headers_ms: float | None = 40.0, **more: Any) -> Row:
    """Meant for 0, sent at 10 ms, the first output at 100 ms."""
    gaps_ns = [round(gap * MS) for gap in gaps_ms]
    head = None if headers_ms is None else round(headers_ms * MS)
    fields: dict[str, Any] = {"first_output_ns": 100 * MS, "chunks": len(gaps_ns) + 1, **more}
    return Row(
        *("x", 0, 0, "measure", 0),
        sent_ns=10 * MS,
        headers_ns=head,
        reads=3,
        gaps_ns=gaps_ns,
        **fields,
    )


ROWS = [
    (answer([20, 30]), True),  # nothing is shared
    (answer([0, 0, 20]), True),  # three in the first read, which came 60 ms after the headers
    (answer([20, 0, 30, 0, 0]), False),  # two, and three, 20 and 30 ms after the read before
    (answer([0], headers_ms=None), True),  # with no headers: 90 ms after it was sent
    (answer([0], headers_ms=100), True),  # headers in the same read say nothing either
    (answer([0.1, 0, 0.1001, 0]), True),  # 0.1 ms is certain enough, more is not
    (answer([], first_output_ns=None, chunks=0), True),  # no output at all
]


def tally_of(late_ms: float | None = None) -> SharedTally:
    tally = SharedTally(None if late_ms is None else round(late_ms * MS))
    for row, are_tokens in ROWS:
        tally.add(row, row.sent_ns or 0, array("q", row.gaps_ns), are_tokens)
    return tally


@pytest.mark.parametrize("batch", [1, 3, 8192])
def test_what_is_shared_by_hand(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_tally, "BATCH", batch)
    tally = tally_of()
    assert (tally.reads, tally.chunks) == (21, 3 + 4 + 6 + 2 + 2 + 5 + 0)
    assert tally.hidden == 2 + (1 + 2) + 1 + 1 + (1 + 1)
    # A gap is unsure that has an end in a shared read but for the last of its outputs.
    assert tally.unsure == {
        "icl": 2 + (2 + 3) + 1 + 1 + 2,
        "itl": 2 + 1 + 1 + 2,
        "ttft": 3,
        "ttft_response": 3,
    }


def test_nothing_is_shared() -> None:
    tally = SharedTally(None)
    tally.add(ROWS[0][0], 0, array("q", [20 * MS, 30 * MS]), True)
    assert (tally.hidden, tally.unsure, tally.blurs) == (0, {}, {})
    assert (tally.reads, tally.chunks) == (3, 3)


@pytest.mark.parametrize(
    ("late_ms", "ttft", "response"),
    [
        (None, [(0, 40), (0, 90)], [(10, 100), (10, 100)]),
        (5, [(85, 90), (85, 90)], [(95, 100), (95, 100)]),
    ],
)
def test_how_far_a_first_output_may_have_come_before(
    late_ms: float | None, ttft: list[tuple[int, int]], response: list[tuple[int, int]]
) -> None:
    """Of three answers two have no read between sending and output, and one has its headers."""
    blurs = tally_of(late_ms).blurs
    for name, taken_ms, wanted in (("ttft", 90, ttft), ("ttft_response", 100, response)):
        hist = Hist()
        hist.add_many([taken_ms * MS] * 3)
        (low, high), (top_low, top_high) = blurs[name].bounds(hist, (1.0, 100.0))
        assert high == top_high == pytest.approx(taken_ms * MS, rel=2e-3)
        assert low == pytest.approx(wanted[0][0] * MS, rel=2e-3, abs=1)
        assert top_low == pytest.approx(
            (30 if late_ms is None else 85) * MS + (taken_ms - 90) * MS, rel=2e-3
        )
