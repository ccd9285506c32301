"""Audit of a stage: can its figures be believed, and what else must a reader know? Pure.

One finding a rule, also where all is well. ``audit.py`` judges the client's health, this file what
the requests themselves show: of the client (starts, stamps, arrivals) and of the server (habits
that change what a figure means). ``bad`` makes the run INVALID.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tailrace.results.audit import Finding, Status, audit_pulse
from tailrace.results.audit_asking import not_streamed, whole_tokens
from tailrace.results.audit_reads import shared_reads, workers_of
from tailrace.results.decoding import decoded_at_once
from tailrace.results.facts import StageFacts
from tailrace.results.hist import Hist
from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.render.figures import number, share
from tailrace.results.stamp_facts import StampFacts
from tailrace.results.tally import Tally

MS = 1_000_000
_Z99 = 2.326

LATE_NS = 1 * MS
LATE_TTFT_SHARE = 0.01
"""A start is late when it is over 1 ms and over 1 % of the median TTFT behind its intended time."""
LATE_WARN, LATE_BAD = 0.01, 0.05
"""Share of late starts: from a twentieth on, p95 of any response time is the client's."""

FEWEST_STARTS = 20
"""Fewer say nothing about a twentieth of them."""

REUSE_WARN = 0.5
NAGLE_NS = (38 * MS, 45 * MS)
"""Linux delays an ACK by 40 ms; a server that waits for it (Nagle) answers just after that."""
NAGLE_SHARE, NAGLE_PEAK = 0.02, 5.0
"""A mode: that share of the samples, and so many times denser than the 10 ms on either side."""
CACHED_WARN = 0.10
LUMPS_WARN = 0.5
SLOTS_WARN = 0.75
"""Below this part of the requests in flight being decoded, the others are waiting for a slot."""
KS_BAD = 1e-6
"""Chance of so great a distance under the requested process; 1 in 1,000 would cry wolf weekly."""
RATE_WARN_PERCENT = 1.0


def audit_stage(facts: StageFacts, tally: Tally) -> list[Finding]:
    """Every finding of one stage, the client's own first."""
    ttft_p50_ns = tally.hists["ttft"].percentiles((50.0,))[0]
    pulse = [
        finding._replace(name=f"{finding.name}{of}")
        for of, part in workers_of(facts)
        for finding in _pulse(part.pulse, _stamps_of(part, facts), ttft_p50_ns)
    ]
    found = [
        _starts(facts, tally.hists["start_lag"], ttft_p50_ns),
        _stamps(facts),
        *pulse,
        shared_reads(facts, tally) if tally.streams else not_streamed("shared reads"),
    ]
    return [*found, *_arrivals(facts), *_server(facts, tally)]


def _stamps_of(part: StageFacts, facts: StageFacts) -> StampFacts:
    """Its own: one node may have kernel stamps and another none; a part without reads has none."""
    return facts.stamps if part.stamps.source == "none" else part.stamps


def audit_running(
    facts: StageFacts, pulse: PulseFacts, stamps: StampFacts, start_lag: Hist, ttft: Hist
) -> list[Finding]:
    """The client's own findings while a stage runs, by the rules that judge it in the end."""
    ttft_p50_ns = ttft.percentiles((50.0,))[0]
    return [_starts(facts, start_lag, ttft_p50_ns), *_pulse(pulse, stamps, ttft_p50_ns)]


def _pulse(pulse: PulseFacts, stamps: StampFacts, ttft_p50_ns: int | None) -> list[Finding]:
    found = audit_pulse(pulse, ttft_p50_ns)
    return [_harmless(each) for each in found] if stamps.source == "kernel receive" else found


def _harmless(finding: Finding) -> Finding:
    """A late event loop does not touch stamps that the kernel takes; starts are judged apart."""
    if not finding.name.startswith("event loop") or finding.status == "ok":
        return finding
    why = "the loop was late, but the kernel stamps the reads: no latency contains it"
    return finding._replace(status="warn" if finding.status == "bad" else "ok", why=why)


def _starts(facts: StageFacts, hist: Hist, ttft_p50_ns: int | None) -> Finding:
    if not hist.n:
        return Finding("starts", "none to judge", "ok", "no request started without waiting")
    limit_ns = max(LATE_NS, round(LATE_TTFT_SHARE * (ttft_p50_ns or 0)))
    late = hist.share_above(limit_ns)
    surely_late = least_share(late, hist.n)
    p50, p99 = hist.percentiles((50.0, 99.0))
    value = f"late by p50 {_ms(p50)}, p99 {_ms(p99)}; {share(late)} over {_ms(limit_ns)}"
    rule = f"over {_ms(limit_ns)} (1 ms, and 1 % of TTFT p50)"
    if surely_late > LATE_BAD and hist.n >= FEWEST_STARTS:
        if facts.users is not None:
            why = "the client's turn-around is in the response times; service times do not hold it"
            return Finding("starts", value, "warn", why)
        why = f"more than {share(LATE_BAD)} of starts are {rule} late: the load was not as asked"
        return Finding("starts", value, "bad", why)
    if late > LATE_WARN:
        return Finding("starts", value, "warn", f"more than {share(LATE_WARN)} are {rule} late")
    return Finding("starts", value, "ok", f"at most {share(LATE_WARN)} are {rule} late")


def least_share(share_seen: float, n: int) -> float:
    """Lower end of Wilson's interval (1927) for a share seen among ``n``, at 99 % one-sided."""
    z2 = _Z99 * _Z99
    centre = share_seen + z2 / (2 * n)
    spread = _Z99 * math.sqrt(share_seen * (1 - share_seen) / n + z2 / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z2 / n))


def _stamps(facts: StageFacts) -> Finding:
    stamps = facts.stamps
    value = f"{stamps.source}, {stamps.kernel_reads + stamps.user_reads:,} reads"
    if stamps.lag.n:
        value += f", seen p50 {_ms(stamps.lag.p50_ns)}, p99 {_ms(stamps.lag.p99_ns)} later"
    if stamps.refused:
        why = f"{stamps.refused} kernel stamps were not sane: the wall clock was stepped"
        return Finding("stamps", value, "warn", why)
    if stamps.source == "kernel receive":
        return Finding("stamps", value, "ok", "how late a read was seen is in no latency")
    why = "reads are stamped when the client sees them, so its own lateness is in the latencies"
    return Finding("stamps", value, "ok", why)


def _arrivals(facts: StageFacts) -> Iterator[Finding]:
    found = facts.arrivals
    if found is None or "n" not in found:
        return
    off, typical = found["rate_error_percent"], found["rate_error_sd_percent"]
    value = f"{number(found['realised_per_s'])}/s of {number(found['requested_per_s'])}/s"
    value += f" ({found['process']})"
    for name, label in (("dispersion", "dispersion"), ("gap_cv", "CV of gaps"), ("ks_p", "KS p")):
        if found[name] is not None:
            value += f", {label} {number(found[name])}"
    status: Status = "ok"
    why = "rate and spread are those of the requested process"
    if found["ks_p"] is not None and found["ks_p"] < KS_BAD:
        status, why = "bad", "the gaps are not those of the requested process: starts were late"
    elif off is not None and abs(off) > RATE_WARN_PERCENT + 4 * (typical or 0.0):
        status, why = "warn", f"the rate is off by {off:+.1f} %, more than chance makes likely"
    yield Finding("arrivals", value, status, why)


def _server(facts: StageFacts, tally: Tally) -> Iterator[Finding]:
    yield _connections(facts, tally)
    yield _nagle(tally) if tally.streams else not_streamed("40 ms mode")
    yield _streaming(tally) if tally.streams else not_streamed("streaming")
    yield _tokens(tally) if tally.streams else whole_tokens(tally)
    yield _cache(tally)
    yield from _slots(facts, tally)


def _connections(facts: StageFacts, tally: Tally) -> Finding:
    total = tally.outcomes.total()
    part = tally.reused / total if total else 0.0
    value = f"{facts.connections_opened} opened, {share(part)} of requests on a reused one"
    expected = total > 2 * (facts.users or facts.max_in_flight or 1)
    if expected and part < REUSE_WARN:
        why = "the server closes connections after its answers: response times hold a connect"
        return Finding("connections", value, "warn", why)
    return Finding("connections", value, "ok", "kept alive as far as there were later requests")


def _nagle(tally: Tally) -> Finding:
    struck = [name for name in ("headers", "icl") if has_nagle_mode(tally.hists[name])]
    pace_ns = tally.hists["icl"].percentiles((50.0,))[0]
    if "icl" in struck and pace_ns is not None and NAGLE_NS[0] <= pace_ns <= NAGLE_NS[1]:
        struck.remove("icl")  # where most gaps are so long, it is the pace of the model
    if struck:
        value = f"a mode at 40 ms in {' and '.join(struck)}"
        why = "a sign of Nagle's algorithm and delayed ACKs: set TCP_NODELAY on the server"
        return Finding("40 ms mode", value, "warn", why)
    return Finding("40 ms mode", "none", "ok", "no sign of Nagle's algorithm and delayed ACKs")


def has_nagle_mode(hist: Hist) -> bool:
    """Whether samples gather in the 7 ms after 38 ms, and not on either side."""
    low, high = NAGLE_NS
    inside = hist.share_above(low) - hist.share_above(high)
    beside = hist.share_above(low - 10 * MS) - hist.share_above(high + 10 * MS) - inside
    density, around = inside / (high - low), beside / (20 * MS)
    return hist.n >= 100 and inside > NAGLE_SHARE and density > NAGLE_PEAK * around


def _streaming(tally: Tally) -> Finding:
    ok = tally.outcomes["ok"]
    value = f"{tally.lump_requests} of {ok} answers in a lump"
    if ok and tally.lump_requests / ok > LUMPS_WARN:
        why = "not really streaming: the first output came in the last 5 % of the time"
        return Finding("streaming", value, "warn", why)
    return Finding("streaming", value, "ok", "first outputs come well before the last")


def _tokens(tally: Tally) -> Finding:
    sources = ", ".join(f"{name} {n}" for name, n in sorted(tally.token_sources.items())) or "none"
    value = f"source {sources}; {tally.chunks_differ} answers with chunks other than tokens"
    if tally.chunks_differ:
        return Finding("tokens", value, "warn", "chunks are not tokens here, so ICL is not ITL")
    if tally.token_sources["counted"]:
        why = "the server states no usage: each chunk is counted as a token"
        return Finding("tokens", value, "warn", why)
    same = "the server's usage equals the chunks"
    return Finding("tokens", value, "ok", same if tally.token_sources else "no answer to judge")


def _cache(tally: Tally) -> Finding:
    part = tally.cached_tokens / tally.input_tokens if tally.input_tokens else 0.0
    value = f"{share(part)} of {tally.input_tokens:,} prompt tokens"
    if part > CACHED_WARN:
        why = "prompts were served from the server's prefix cache: TTFT is not that of new prompts"
        return Finding("prefix cache", value, "warn", why)
    return Finding("prefix cache", value, "ok", f"at most {share(CACHED_WARN)} as the server says")


def _slots(facts: StageFacts, tally: Tally) -> Iterator[Finding]:
    """How many answers the server really worked on at a time; needs the spans of a rebuild."""
    if not tally.decoding:
        return
    at_once = decoded_at_once(tally.decoding)
    total_ns = sum(facts.in_flight_ns.values())
    weighted_ns = sum(number * ns for number, ns in facts.in_flight_ns.items())
    held = round(weighted_ns / total_ns) if total_ns else facts.max_in_flight
    value = f"decoded {at_once} of {held} at a time"
    if at_once < SLOTS_WARN * held:
        why = "the others waited for a slot, so TTFT holds the wait of some and not of others"
        yield Finding("server's parallelism", value, "warn", why)
    else:
        yield Finding("server's parallelism", value, "ok", "requests in flight were worked on")


def as_dict(finding: Finding) -> dict[str, Any]:
    """JSON-ready."""
    return finding._asdict()


def _ms(value_ns: int | None) -> str:
    return "n/a" if value_ns is None else f"{number(value_ns / MS)} ms"
