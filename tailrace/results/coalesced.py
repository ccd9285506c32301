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


class Coalesced(NamedTuple):
    """What coalescing did to one request."""

    chunks: int
    """Outputs that shared a read with a later one."""
    unsure_gaps: int
    """Gaps with an end that is uncertain by more than ``UNSURE_NS``."""
    unsure_first: bool
    """Whether the first output is."""


NOTHING = Coalesced(0, 0, False)


def coalesced(gaps_ns: Sequence[int], lead_ns: int) -> Coalesced:
    """Judge one request by its gaps; ``lead_ns`` is from the read before the first output to it."""
    if 0 not in gaps_ns:
        return NOTHING
    chunks = unsure = 0
    unsure_first = False
    width_ns, before = lead_ns, 0  # of the read that is being looked at; gaps before it: 0 or 1
    shared = 0
    for gap in (*gaps_ns, 1):  # the last one ends the last read
        if gap == 0:
            shared += 1
            continue
        if shared:
            chunks += shared
            if width_ns > UNSURE_NS:
                unsure += shared + before
                unsure_first = unsure_first or not before
        width_ns, before, shared = gap, 1, 0
    return Coalesced(chunks, unsure, unsure_first)
