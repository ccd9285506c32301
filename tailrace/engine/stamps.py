"""Stamps: when a read really came, by the kernel's own receive time where it tells.

Rule: Linux stamps each TCP segment on arrival (``SO_TIMESTAMPNS``) and ``recvmsg`` hands over the
stamp of the last segment of a read, in wall time. Its age is taken on the wall clock and subtracted
from ``perf_counter_ns`` at the same moment, so the two clocks may drift apart as they like; only a
step of the wall clock inside that age can spoil it, and such a stamp is refused and counted.

Why: at 86 % load of the client a read is seen 2.7 ms after it arrived by median, 8 ms at p99. What
the kernel stamped does not depend on when Python came round to look.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

import numpy as np

from tailrace.engine.clock import now_ns
from tailrace.results.hist import Hist
from tailrace.results.spread import spread_of
from tailrace.results.stamp_facts import StampFacts

SO_TIMESTAMPNS = 35
"""Linux's number on x86 and ARM (asm-generic/socket.h); Python does not name it."""

_TIMESPEC = struct.Struct("@ll")
OLDEST_NS = 5_000_000_000
"""A stamp further back, or ahead of now, tells of a stepped wall clock and not of a read."""
NO_STAMP, REFUSED = -1, -2
"""In the place of a stamp's age."""
_unpack = _TIMESPEC.unpack
wall_clock_ns = time.time_ns
_APART_NS = 5_000
_BATCH = 4096

Ancillary = list[tuple[int, int, bytes]]
"""What ``recvmsg`` gives beside the data."""

ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0


class StampBook:
    """Counts of the reads of one stage by who stamped them, and how late they were seen."""

    __slots__ = ("_apart_ns", "lag", "lags_ns", "refused", "user_reads")

    def __init__(self) -> None:
        self._apart_ns = 0
        """Wall clock less this run's, at the last read; the two drift by less from read to read
        than it takes to look at both."""
        self.reset()

    def stamp(self, ancillary: Ancillary) -> int:
        """When a read that was just made arrived, on the clock of ``now_ns``."""
        seen_ns, wall_ns = now_ns(), wall_clock_ns()
        try:
            seconds, rest_ns = _unpack(ancillary[0][2])
        except (IndexError, struct.error):
            self.lags_ns.append(NO_STAMP)
            return seen_ns
        stamp_ns: int = seconds * 1_000_000_000 + rest_ns
        apart_ns = wall_ns - seen_ns
        if not -_APART_NS < apart_ns - self._apart_ns < _APART_NS:
            # The process was held up between the two clocks, or one has been moved.
            seen_ns, wall_ns = both_clocks()
            apart_ns = wall_ns - seen_ns
        self._apart_ns = apart_ns
        lag_ns = wall_ns - stamp_ns
        if not 0 <= lag_ns < OLDEST_NS:
            self.lags_ns.append(REFUSED)
            return seen_ns
        self.lags_ns.append(lag_ns)
        return seen_ns - lag_ns

    def settle(self) -> None:
        """Count what was noted, once it is a batch."""
        if len(self.lags_ns) >= _BATCH:
            self._count()

    def _count(self) -> None:
        lags_ns = np.array(self.lags_ns, dtype=np.int64)
        self.lags_ns.clear()
        stamped = lags_ns >= 0
        if not stamped.all():
            self.refused += int((lags_ns == REFUSED).sum())
            self.user_reads += int((~stamped).sum())
            lags_ns = lags_ns[stamped]
        self.lag.add_many(lags_ns)

    def facts(self, encoded: bool = True) -> StampFacts:
        """As ``run.json`` keeps it, or without the histogram itself."""
        self._count()
        lag = spread_of(self.lag, encoded)
        return StampFacts(self.lag.n, self.user_reads, self.refused, lag)

    def reset(self) -> None:
        """Begin a new stage."""
        self.lags_ns: list[int] = []
        """Of the last reads: the age of its stamp when it was seen, NO_STAMP or REFUSED."""
        self.lag = Hist()
        """Kernel's receive stamp to the moment when the read was seen, ns."""
        self.user_reads = 0
        self.refused = 0
        """Reads whose kernel stamp was not sane; they count as user reads too."""


def both_clocks() -> tuple[int, int]:
    """(monotonic, wall) of one moment: read again when the process was held up in between."""
    for _ in range(3):
        seen_ns, wall_ns = now_ns(), wall_clock_ns()
        if now_ns() - seen_ns < _APART_NS:
            break
    return seen_ns, wall_ns


def ask_for_stamps(sock: socket.socket) -> bool:
    """Have the kernel stamp what this socket receives; False where it does not."""
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True
