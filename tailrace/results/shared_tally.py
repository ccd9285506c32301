"""SharedTally: what shared reads do to the samples of one stage. Pure; request by request.

Rule: requests without a shared read are only counted; the others wait until there are enough of
them for one look at all, which costs a tenth of a look at each.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict

import numpy as np

from tailrace.results.blur import Blur, gap_bounds
from tailrace.results.coalesced import Ints, SharedReads, shared_reads
from tailrace.results.schema import Row

BATCH = 8192
"""Gaps that wait, at most."""


class SharedTally:
    """Of the requests that give samples."""

    def __init__(self, late_ns: int | None) -> None:
        """``late_ns``: the latest that the client saw a read; None where nobody knows."""
        self._late_ns = late_ns
        self.reads = 0
        """Socket reads with body bytes."""
        self.chunks = 0
        """Output chunks."""
        self._hidden = 0
        self._unsure: Counter[str] = Counter()
        self._blurs: defaultdict[str, Blur] = defaultdict(Blur)
        self._gaps, self._answers = array("q"), array("q")
        """Gaps of those that wait, and of each: its number of gaps, its lead, TTFT, TTFT from
        intended, and whether its gaps are token gaps; flat."""

    def add(self, row: Row, sent_ns: int, gaps_ns: array[int], gaps_are_tokens: bool) -> None:
        """One request; of one whose gaps are token gaps, these are as uncertain."""
        self.reads += row.reads
        self.chunks += row.chunks
        first_ns = row.first_output_ns
        if first_ns is None or 0 not in gaps_ns:
            return
        headers_ns = row.headers_ns
        before_ns = sent_ns if headers_ns is None or headers_ns >= first_ns else headers_ns
        taken = first_ns - before_ns, first_ns - sent_ns, first_ns - row.intended_ns
        self._answers.extend((len(gaps_ns), *taken, gaps_are_tokens))
        self._gaps.extend(gaps_ns)
        if len(self._gaps) >= BATCH:
            self._flush()

    @property
    def hidden(self) -> int:
        """Output chunks that shared a read with a later one."""
        self._flush()
        return self._hidden

    @property
    def unsure(self) -> Counter[str]:
        """Metric -> samples that this makes uncertain by more than 0.1 ms."""
        self._flush()
        return self._unsure

    @property
    def blurs(self) -> defaultdict[str, Blur]:
        """Metric -> what those samples may have been instead."""
        self._flush()
        return self._blurs

    def _flush(self) -> None:
        if not self._answers:
            return
        answers = np.array(self._answers, dtype=np.int64).reshape(-1, 5)
        lengths, leads_ns, ttft, ttft_response, are_tokens = answers.T
        found = shared_reads(np.array(self._gaps, dtype=np.int64), lengths, leads_ns)
        del self._gaps[:], self._answers[:]
        self._hidden += int((found.outputs - 1).sum())
        unsure = found.unsure
        self._add_gaps("icl", unsure)
        self._add_gaps("itl", unsure.where(are_tokens[unsure.answer] > 0))
        firsts = unsure.where(unsure.first)
        self._add_firsts("ttft", firsts.width_ns, ttft[firsts.answer])
        self._add_firsts("ttft_response", firsts.width_ns, ttft_response[firsts.answer])

    def _add_gaps(self, name: str, reads: SharedReads) -> None:
        if len(reads.width_ns):
            self._unsure[name] += int(reads.gaps.sum())
            self._blurs[name].add(*gap_bounds(reads, self._late_ns))

    def _add_firsts(self, name: str, width_ns: Ints, taken_ns: Ints) -> None:
        if len(width_ns):
            late_ns = width_ns if self._late_ns is None else np.minimum(width_ns, self._late_ns)
            self._unsure[name] += len(width_ns)
            self._blurs[name].add(taken_ns, np.maximum(0, taken_ns - late_ns), taken_ns)
