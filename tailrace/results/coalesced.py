"""Coalesced reads: several outputs in one read, so that all but the last came at an unknown time.

Rule: outputs with one and the same stamp came in one read. The last of them is what the stamp is
of; each of the others came somewhere between the read before and this one. The width of that
interval is their uncertainty. Pure, and known from the journal alone: a gap of 0 is a shared read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UNSURE_NS = 100_000
"""An uncertainty above this (0.1 ms) is reported."""

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class SharedReads(NamedTuple):
    """Reads with several outputs, in the order of the answers; one entry a read in each array."""

    width_ns: Ints
    """From the read before it to this one."""
    outputs: Ints
    """Two or more; the last is certain."""
    first: Bools
    """Whether the answer's first output is among them, so that no gap leads to them."""
    answer: Ints
    """Which of the answers it belongs to, from 0."""

    @property
    def gaps(self) -> Ints:
        """Gaps with an end in it that is not certain."""
        return self.outputs - self.first

    @property
    def unsure(self) -> SharedReads:
        """Those whose uncertainty is worth a report."""
        return self.where(self.width_ns > UNSURE_NS)

    def where(self, chosen: Bools) -> SharedReads:
        """Those that are chosen."""
        return SharedReads(
            self.width_ns[chosen], self.outputs[chosen], self.first[chosen], self.answer[chosen]
        )


def shared_reads(gaps_ns: Ints, lengths: Ints, leads_ns: Ints) -> SharedReads:
    """Those of many answers at once.

    ``gaps_ns`` holds the gaps of one answer after the other, ``lengths`` how many each has, and
    ``leads_ns`` the time from the read before its first output to that output.
    """
    places = np.cumsum(lengths) - lengths  # of each answer's first gap
    widths = np.insert(gaps_ns, places, leads_ns)
    leads = np.zeros(len(widths), dtype=bool)
    leads[places + np.arange(len(places))] = True
    reads = np.flatnonzero(leads | (widths != 0))
    outputs = np.diff(reads, append=len(widths))
    shared = outputs > 1
    reads = reads[shared]
    answer = np.cumsum(leads)[reads] - 1
    return SharedReads(widths[reads], outputs[shared], leads[reads], answer)
