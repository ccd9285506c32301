"""Audit of shared reads: do the percentiles stand firm though chunks came several in a read? Pure.

Bad is only what the client did: a server, or the way to it, may send chunks together, and then they
did come together; but a client that is late finds together what came apart.
"""

from __future__ import annotations

from tailrace.results.audit import Finding
from tailrace.results.blur import is_blurred
from tailrace.results.facts import StageFacts
from tailrace.results.metrics import METRICS
from tailrace.results.render.figures import number, share
from tailrace.results.stats import percentile_name, sample_floor
from tailrace.results.tally import Tally

MS = 1_000_000

UNSURE_WARN = 0.01
"""Share of samples that shared reads blur by over 0.1 ms."""
BLUR_PERCENTS = (50.0, 90.0, 95.0, 99.0)
"""What a run must be able to tell; p99.9 loses no more than its certificate."""
SEEN_LATE_NS = 10 * MS
"""Reads seen this late at p99 tell that they were shared because the client was slow."""

_TITLE = {metric.name: metric.title for metric in METRICS}


def shared_reads(facts: StageFacts, tally: Tally) -> Finding:
    """Which share of the chunks came with others, and whether a percentile hangs on it."""
    n = tally.hists["icl"].n
    part = tally.shared.unsure["icl"] / n if n else 0.0
    chunks = tally.shared.hidden / tally.shared.chunks if tally.shared.chunks else 0.0
    value = f"{share(chunks)} of chunks; {share(part)} of gaps unsure by over 0.1 ms"
    late_ns, of = max((_seen_late_ns(part), of) for of, part in workers_of(facts))
    seen_late = late_ns > SEEN_LATE_NS
    blurred = _blurred(tally)
    if blurred is not None:
        value += f"; {blurred}"
    if blurred is not None and seen_late:
        why = f"chunks shared reads because the client came late{of}: when they came is not known"
        return Finding("shared reads", value, "bad", why)
    if part > UNSURE_WARN or blurred is not None:
        who = (
            f"the client came late{of}"
            if seen_late
            else "the server, or the way, sends them together"
        )
        return Finding("shared reads", value, "warn", f"chunks came several in a read: {who}")
    return Finding("shared reads", value, "ok", f"at most {share(UNSURE_WARN)} of gaps are unsure")


def workers_of(facts: StageFacts) -> list[tuple[str, StageFacts]]:
    """Each worker's own part of the facts, with what names it; nothing where there is one."""
    if not facts.parts:
        return [("", facts)]
    return [
        (f" (worker {number}{part.node and f' on {part.node}'})", part)
        for number, part in enumerate(facts.parts, 1)
    ]


def _seen_late_ns(part: StageFacts) -> int:
    """At p99; where no stamps tell, a read is seen as late as the loop looks.

    Of each worker by itself: among many, the reads of one that is full are under a hundredth.
    """
    late_ns = part.stamps.lag.p99_ns
    return (part.pulse.hiccups.p99_ns if late_ns is None else late_ns) or 0


def _blurred(tally: Tally) -> str | None:
    """The lowest percentile that shared reads blur too much, of gaps or else of TTFT."""
    for name in ("icl", "ttft"):
        if name not in tally.shared.blurs:
            continue
        hist = tally.hists[name]
        for percent, between in zip(
            BLUR_PERCENTS, tally.shared.blurs[name].bounds(hist, BLUR_PERCENTS), strict=True
        ):
            if between is not None and is_blurred(between) and hist.n >= sample_floor(percent):
                low, high = between
                what = f"{_TITLE[name]} {percentile_name(percent)}"
                return f"{what} is between {_ms(low)} and {_ms(high)}"
    return None


def _ms(value_ns: int) -> str:
    return f"{number(value_ns / MS)} ms"
