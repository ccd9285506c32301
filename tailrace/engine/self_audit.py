"""Self-audit: what the client's audit finds while a level runs, for whoever watches.

Rule: the rules are those that judge the level when it is over, so a light that is red early is a
run that can be stopped early. A look costs some 1 ms on the loop that measures, so at most one a
second is taken, and none when nobody asks.
"""

from __future__ import annotations

from tailrace.engine.progress import Live
from tailrace.engine.pulse import Pulse
from tailrace.engine.stamps import StampBook
from tailrace.results.audit import Finding
from tailrace.results.audit_stage import audit_running

EVERY_NS = 1_000_000_000


class SelfAudit:
    """Of one worker; ``begin`` with each level."""

    def __init__(self, pulse: Pulse, stamps: StampBook) -> None:
        self._pulse, self._stamps = pulse, stamps
        self.begin(0)

    def begin(self, at_ns: int) -> None:
        """Forget the level before."""
        self._found: list[Finding] = []
        self._next_ns = at_ns + EVERY_NS

    def look(self, live: Live, at_ns: int) -> list[Finding]:
        """The findings, not older than a second; none in a level's first second."""
        if at_ns >= self._next_ns:
            self._next_ns = at_ns + EVERY_NS
            glance, pulse = live.glance, self._pulse.so_far()
            stamps = self._stamps.facts(encoded=False)
            self._found = audit_running(live.stage, pulse, stamps, glance.start_lag, glance.ttft)
        return self._found
