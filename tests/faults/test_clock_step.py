"""The wall clock jumps while a run is measured: no figure moves, and the run says that it happened.

The kernel's stamps are wall time, so they jump with it. Both are put forward or back at the same
moment, as ``settimeofday`` does, but for this process alone; the endpoint has a process of its own.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path

import pytest

from tailrace.engine import stamps
from tailrace.simulate import Script, background

from .program import meanwhile
from .struck import run_against

MS, S = 1_000_000, 1_000_000_000
TTFT_MS, GAP_MS, TOKENS = 20, 10, 8
LONGEST_MS = 900
"""Less than the steps, but for the small one, and more than a busy machine makes of an answer."""


class Clock:
    """The wall clock of this process, and the kernel's stamps by it."""

    def __init__(self, by_ns: int) -> None:
        self._by_ns = by_ns
        self._from_ns: int | None = None
        self._really = time.time_ns

    def jump(self) -> None:
        self._from_ns = self._really()

    def _moved(self, really_ns: int) -> int:
        jumped = self._from_ns is not None and really_ns >= self._from_ns
        return really_ns + self._by_ns * jumped

    def time_ns(self) -> int:
        return self._moved(self._really())

    def unpack(self, data: bytes) -> tuple[int, int]:
        """In the place of ``struct.Struct("@ll").unpack``, for the kernel's stamp of a read."""
        seconds, rest_ns = struct.unpack("@ll", data)
        return divmod(self._moved(seconds * S + rest_ns), S)


@pytest.mark.parametrize(
    ("by_ns", "how"),
    [(3 * MS, "auto"), (S, "auto"), (-S, "auto"), (-7200 * S, "auto"), (7200 * S, "user")],
)
def test_a_step_of_the_wall_clock_moves_no_figure_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_ns: int, how: str
) -> None:
    clock = Clock(by_ns)
    monkeypatch.setattr(time, "time_ns", clock.time_ns)
    monkeypatch.setattr(stamps, "wall_clock_ns", clock.time_ns)
    monkeypatch.setattr(stamps, "_unpack", clock.unpack)
    script = Script(TTFT_MS * MS, GAP_MS * MS, TOKENS)
    with background(script) as url, meanwhile(tmp_path, 4, 0.04, clock.jump):
        struck = run_against(url, tmp_path, requests=20, stamps=how, idle_timeout_s=5.0)
    assert {row.outcome for row in struck.rows} == {"ok"}
    for row in struck.rows:
        assert row.sent_ns is not None
        assert row.first_output_ns is not None
        assert row.closed_ns is not None
        ttft_ms = (row.first_output_ns - row.sent_ns) / MS
        assert 0.9 * TTFT_MS < ttft_ms < LONGEST_MS
        assert (row.closed_ns - row.sent_ns) / MS > 0.9 * (TTFT_MS + GAP_MS * (TOKENS - 1))
        assert 0 <= min(row.gaps_ns) <= max(row.gaps_ns) < LONGEST_MS * MS
    facts = struck.finished.facts.models[0].stages[0]
    assert facts.pulse.clock_steps == 1
    assert abs(facts.pulse.clock_largest_step_ns - by_ns) < 2 * MS
    assert any("wall clock" in reason for reason in struck.finished.verdict.reasons)
    kernel = facts.stamps.kernel_reads
    assert (kernel > 0) == (how == "auto" and sys.platform == "linux")
