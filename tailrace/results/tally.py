"""Tally: the rows of one stage, added up into histograms and counts. Pure, one row at a time.

It makes the final files, from the journal; a level that runs keeps a Glance. Memory does not grow
with the number of rows.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median

from tailrace.results.facts import StageFacts
from tailrace.results.goodput import Goodput
from tailrace.results.groups import groups_of_stage
from tailrace.results.hist import Hist
from tailrace.results.over_time import OverTime, over_time_of
from tailrace.results.reached import Reached
from tailrace.results.request_values import start_lag_of
from tailrace.results.retried import Retried
from tailrace.results.schema import Row
from tailrace.results.series import Series
from tailrace.results.session_tally import SessionTally
from tailrace.results.shared_tally import SharedTally
from tailrace.results.slo import Slo
from tailrace.results.window import Window

STALL_FLOOR_NS = 1_000_000_000
STALL_FACTOR = 10

MOST_SPANS = 20_000
"""Answers, one after another, from which the server's parallelism is told."""
BATCH = 2048
"""Samples of a metric held back before one numpy pass adds them."""


def _nanoseconds() -> array[int]:
    return array("q")  # numpy reads it as it lies; a list it would have to look through


_SAMPLED = frozenset({"ok", "timeout", "censored"})


class Tally:
    """Sums over the rows of one stage; rates count what fell in [from_ns, until_ns)."""

    def __init__(
        self,
        from_ns: int | None = None,
        until_ns: int | None = None,
        keep_spans: bool = False,
        late_ns: int | None = None,
    ) -> None:
        """``late_ns``: the latest that the client saw a read; None where nobody knows."""
        self.window = Window(from_ns, until_ns)
        self._hists: defaultdict[str, Hist] = defaultdict(Hist)
        self._values: defaultdict[str, array[int]] = defaultdict(_nanoseconds)
        """Samples by metric name, on their way into the histograms."""
        self.bounds: dict[str, tuple[int, int]] = {}
        """Metric -> (how many lower bounds it holds, the smallest of them in ns)."""
        self.phases: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        """Outcomes of measured requests."""
        self.outcomes_all: Counter[str] = Counter()
        self.error_classes: Counter[str] = Counter()
        self.token_sources: Counter[str] = Counter()
        self.finish_reasons: Counter[str] = Counter()
        self.output_tokens = self.input_tokens = self.cached_tokens = 0
        self.chunks = 0
        self.chunks_differ = 0
        """Measured ok requests whose usage is not their number of chunks."""
        self.itl_requests = 0
        self.lump_requests = 0
        """Measured ok requests of 8 or more tokens whose TTFT is over 95 % of their E2E."""
        self.stalls = self.stalled_requests = self.reused = 0
        self.shared = SharedTally(late_ns)
        self.decoding: array[int] | None = array("q") if keep_spans else None
        """First and last output of the first answers that ended, flat; only on demand."""
        self.whole = 0
        """Rows of requests that were not to be streamed."""
        self.groups = groups_of_stage() if keep_spans else {}
        self.retries, self.sessions, self.goodput = Retried(), SessionTally(), Goodput()
        self.reached = Reached()
        self.series = Series() if keep_spans else None
        self.over_time: OverTime | None = None

    @property
    def streams(self) -> bool:
        """Whether answers were streamed; where none was, there are no first outputs and no gaps."""
        return not self.whole or self.whole < self.phases.total()

    @property
    def hists(self) -> defaultdict[str, Hist]:
        """By metric name; a metric without a sample has none yet."""
        self._flush()
        return self._hists

    def _flush(self, at_least: int = 1) -> None:
        for name, values in self._values.items():
            if len(values) >= at_least:
                self._hists[name].add_many(values)
                del values[:]

    def add(self, row: Row) -> None:
        """Add one request of any phase."""
        self.reached.add(row)
        if row.retried or row.attempt > 1:
            self.retries.add(row)
        if row.retried:
            return  # what came of the request is in a later row
        self.whole += not row.streamed
        self.phases[row.phase] += 1
        self.outcomes_all[row.outcome] += 1
        self.window.add(row)
        self.sessions.add(row)
        self.goodput.add(row)
        if self.series is not None:
            self.series.add(row)
        gaps_ns = array("q", row.gaps_ns)  # in this form many a collector takes them for nothing
        longest_ns = max(row.gaps_ns, default=0)
        if self.over_time is not None:
            self.over_time.add(row, gaps_ns, longest_ns)
        if row.phase != "measure":
            return
        self.outcomes[row.outcome] += 1
        for group in self.groups.values():
            group.add(row)
        if row.error_class is not None:
            self.error_classes[row.error_class] += 1
        self.reused += row.reused is True
        if row.outcome in _SAMPLED and row.sent_ns is None:
            if row.streamed:
                self._bound("ttft_response", row.ended_ns - row.intended_ns)
            self._bound("e2e_response", row.ended_ns - row.intended_ns)
        if row.outcome in _SAMPLED and row.sent_ns is not None:
            self._add_latency(row, row.sent_ns)
            self._add_gaps(row, gaps_ns, longest_ns)
            self._add_spans(row)
            self.shared.add(row, row.sent_ns, gaps_ns, gaps_are_tokens(row))
        if row.outcome == "ok":
            self._add_tokens(row, gaps_ns)
        if len(self._values["icl"]) >= BATCH or len(self._values["e2e"]) >= BATCH:
            self._flush(BATCH)

    def _bound(self, name: str, value_ns: int) -> None:
        self._values[name].append(value_ns)
        count, smallest = self.bounds.get(name, (0, value_ns))
        self.bounds[name] = (count + 1, min(smallest, value_ns))

    def _add_latency(self, row: Row, sent_ns: int) -> None:
        values = self._values
        if (lag_ns := start_lag_of(row)) is not None:
            values["start_lag"].append(lag_ns)
        if row.connect_begin_ns is not None and row.connect_end_ns is not None:
            values["connect"].append(row.connect_end_ns - row.connect_begin_ns)
            if row.tls_end_ns is not None:
                values["tls"].append(row.tls_end_ns - row.connect_end_ns)
        if row.headers_ns is not None:
            values["headers"].append(row.headers_ns - sent_ns)
        if row.first_event_ns is not None:
            values["first_event"].append(row.first_event_ns - sent_ns)
        if row.first_output_ns is not None:
            values["ttft"].append(row.first_output_ns - sent_ns)
            values["ttft_response"].append(row.first_output_ns - row.intended_ns)
        if row.first_answer_ns is not None:
            values["ttfo"].append(row.first_answer_ns - sent_ns)
        if row.outcome != "ok":
            self._add_bounds(row, sent_ns)
            return
        if row.last_output_ns is not None:
            values["e2e"].append(row.last_output_ns - sent_ns)
            values["e2e_response"].append(row.last_output_ns - row.intended_ns)
        if row.closed_ns is not None:
            values["closed"].append(row.closed_ns - sent_ns)

    def _add_bounds(self, row: Row, sent_ns: int) -> None:
        if row.first_output_ns is None and row.streamed:
            self._bound("ttft", row.ended_ns - sent_ns)
            self._bound("ttft_response", row.ended_ns - row.intended_ns)
        self._bound("e2e", row.ended_ns - sent_ns)
        self._bound("e2e_response", row.ended_ns - row.intended_ns)

    def _add_gaps(self, row: Row, gaps: array[int], longest: int) -> None:
        self._values["icl"].extend(gaps)
        limit = stall_limit(gaps, longest)
        stalls = sum(1 for gap in gaps if gap > limit) if longest > limit else 0
        if row.outcome != "ok" and row.last_output_ns is not None:
            open_gap = row.ended_ns - row.last_output_ns
            if open_gap > limit:
                stalls += 1
                self._bound("icl", open_gap)
            if open_gap > longest:
                self._bound("max_gap", open_gap)
                longest = 0
        if longest:
            self._values["max_gap"].append(longest)
        self.stalls += stalls
        self.stalled_requests += stalls > 0

    def _add_spans(self, row: Row) -> None:
        first_ns, last_ns = row.first_output_ns, row.last_output_ns
        if self.decoding is None or len(self.decoding) >= 2 * MOST_SPANS:
            return
        if first_ns is not None and last_ns is not None:
            self.decoding.extend((first_ns, last_ns))

    def _add_tokens(self, row: Row, gaps_ns: array[int]) -> None:
        self.token_sources[row.token_source] += 1
        self.finish_reasons[row.finish_reason or "none"] += 1
        self.chunks += row.chunks
        self.input_tokens += row.input_tokens or 0
        self.cached_tokens += row.cached_tokens or 0
        tokens = row.output_tokens
        if tokens is None or row.last_output_ns is None:
            return
        self.output_tokens += tokens
        if tokens > 0 and row.sent_ns is not None:
            self._values["ntpot"].append((row.last_output_ns - row.sent_ns) // tokens)
        if row.first_output_ns is not None:
            self._add_pace(row, tokens, row.first_output_ns, row.last_output_ns)
            self._add_itl(row, gaps_ns)

    def _add_pace(self, row: Row, tokens: int, first_ns: int, last_ns: int) -> None:
        """How the tokens of a streamed answer came."""
        self.chunks_differ += row.token_source == "usage" and tokens != row.chunks
        first_chunk = row.chunk_tokens[0] if row.chunk_tokens else 1
        if tokens > first_chunk and row.chunks > 1:
            self._values["tpot"].append((last_ns - first_ns) // (tokens - first_chunk))
        if tokens >= 8 and row.sent_ns is not None:
            self.lump_requests += first_ns - row.sent_ns > 0.95 * (last_ns - row.sent_ns)

    def _add_itl(self, row: Row, gaps_ns: array[int]) -> None:
        if row.chunk_tokens:
            for gap, tokens in zip(row.gaps_ns, row.chunk_tokens[1:], strict=False):
                if tokens > 0:
                    self._hists["itl"].add_times(gap // tokens, tokens)
        elif gaps_are_tokens(row):
            self._values["itl"].extend(gaps_ns)
        else:
            return
        self.itl_requests += 1


def gaps_are_tokens(row: Row) -> bool:
    """Whether each chunk of an answer is one token, as the server's usage shows."""
    known = row.token_source == "usage" and row.output_tokens == row.chunks
    return known and row.outcome == "ok" and not row.chunk_tokens


def tally_of(stage: StageFacts, slos: Sequence[Slo] = ()) -> Tally:
    """For the result of a level: with the order of its requests, and what it is held to."""
    tally = Tally(stage.measure_from_ns, stage.measure_until_ns, True, stage.stamps.lag.max_ns)
    tally.over_time = over_time_of(stage)
    tally.goodput = Goodput(slos, stage.measure_from_ns, stage.measure_until_ns)
    return tally


def stall_limit(gaps_ns: Sequence[int], longest_ns: int) -> int:
    """Length in ns that a gap must exceed to be a stall of a request with these gaps."""
    if STALL_FACTOR * longest_ns <= STALL_FLOOR_NS:
        return STALL_FLOOR_NS  # no median of these can lift the limit
    return max(STALL_FLOOR_NS, int(STALL_FACTOR * median(gaps_ns)))
