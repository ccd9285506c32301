"""SharedReads: what shared reads do to the samples of one stage, request by request. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tailrace.results.blur import Blur, gap_bounds
from tailrace.results.coalesced import SharedRead, shared_reads
from tailrace.results.schema import Row


class SharedReads:
    """Of the requests that give samples."""

    def __init__(self, late_ns: int | None) -> None:
        """``late_ns``: the latest that the client saw a read; None where nobody knows."""
        self._late_ns = late_ns
        self.reads = 0
        """Socket reads with body bytes."""
        self.chunks = 0
        """Output chunks."""
        self.hidden = 0
        """Output chunks that shared a read with a later one."""
        self.unsure: Counter[str] = Counter()
        """Metric -> samples that this makes uncertain by more than 0.1 ms."""
        self.blurs: defaultdict[str, Blur] = defaultdict(Blur)
        """Metric -> what those samples may have been instead."""

    def add(self, row: Row, sent_ns: int, gaps_are_tokens: bool) -> None:
        """One request; of one whose gaps are token gaps, these are as uncertain."""
        self.reads += row.reads
        self.chunks += row.chunks
        first_ns = row.first_output_ns
        if first_ns is None:
            return
        headers_ns = row.headers_ns
        before_ns = sent_ns if headers_ns is None or headers_ns >= first_ns else headers_ns
        reads = shared_reads(row.gaps_ns, first_ns - before_ns)
        if not reads:
            return
        self.hidden += sum(read.outputs - 1 for read in reads)
        self._add_gaps([read for read in reads if read.unsure], gaps_are_tokens)
        if reads[0].first and reads[0].unsure:
            self._add_first(reads[0].width_ns, "ttft", first_ns - sent_ns)
            self._add_first(reads[0].width_ns, "ttft_response", first_ns - row.intended_ns)

    def _add_gaps(self, reads: Sequence[SharedRead], gaps_are_tokens: bool) -> None:
        bounds = gap_bounds(reads, self._late_ns)
        for name in ("icl", "itl") if gaps_are_tokens else ("icl",):
            self.unsure[name] += sum(read.gaps for read in reads)
            self.blurs[name].add(*bounds)

    def _add_first(self, width_ns: int, name: str, taken_ns: int) -> None:
        late_ns = width_ns if self._late_ns is None else min(width_ns, self._late_ns)
        self.unsure[name] += 1
        self.blurs[name].add([taken_ns], [max(0, taken_ns - late_ns)], [taken_ns])
