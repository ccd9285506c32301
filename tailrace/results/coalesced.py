"""Coalesced reads: several outputs in one read, so that all but the last came at an unknown time.

Rule: outputs with one and the same stamp came in one read. The last of them is what the stamp is
of; each of the others came somewhere between the read before and this one. The width of that
interval is their uncertainty. Pure, and known from the journal alone: a gap of 0 is a shared read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

UNSURE_NS = 100_000
"""An uncertainty above this (0.1 ms) is reported."""


class SharedRead(NamedTuple):
    """One read with several outputs."""

    width_ns: int
    """From the read before it to this one."""
    outputs: int
    """Two or more; the last is certain."""
    first: bool
    """Whether the answer's first output is among them, so that no gap leads to them."""

    @property
    def unsure(self) -> bool:
        """Whether its uncertainty is worth a report."""
        return self.width_ns > UNSURE_NS

    @property
    def gaps(self) -> int:
        """Gaps with an end in it that is not certain."""
        return self.outputs - self.first


def shared_reads(gaps_ns: Sequence[int], lead_ns: int) -> list[SharedRead]:
    """Those of one answer, by its gaps; ``lead_ns`` is from the read before the first output."""
    if 0 not in gaps_ns:
        return []
    found: list[SharedRead] = []
    width_ns, first, outputs = lead_ns, True, 1  # of the read that is being looked at
    for gap in (*gaps_ns, 1):  # the last one ends the last read
        if gap == 0:
            outputs += 1
            continue
        if outputs > 1:
            found.append(SharedRead(width_ns, outputs, first))
        width_ns, first, outputs = gap, False, 1
    return found
