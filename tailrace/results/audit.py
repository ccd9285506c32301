"""Audit: what the pulse says of the client, rule by rule, also where all is well. Pure.

``bad`` means that the figures may be the client's and not the server's, so they cannot be
certified; ``warn`` that a reader should know it; ``ok`` that it was looked at and is fine. Each
threshold stands here with its reason, and each finding says in ``why`` what was asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from tailrace.results.pulse_facts import PulseFacts
from tailrace.results.render.figures import number, share

Status = Literal["ok", "warn", "bad"]
SEVERITY: dict[Status, int] = {"ok": 0, "warn": 1, "bad": 2}

MS = 1_000_000

HICCUP_LIMIT_NS = 1 * MS
HICCUP_TTFT_SHARE = 0.01
"""A stamp in a hundred may be late by 1 ms, or by 1 % of the median TTFT where that is longer: the
same measure as for late starts. Below it no figure of three digits changes."""
HICCUP_BAD_NS = 10 * MS
"""Whatever the TTFT: gaps between chunks are tens of ms, and a stamp off by 10 is a wrong gap."""

JUDGED_FROM_NS = 1_000 * MS
"""A shorter stage is one burst of work by its nature, and the counters tick in hundredths."""
CPU_WARN = 0.70
"""Of one core: a queue that is 70 % busy makes its work wait over twice its own time on average."""
CPU_BAD = 0.90
"""Of one core, since one loop has no more: nine tenths busy, work waits nine times its own time."""
CPU_BAD_WINDOWS = 0.10
"""Share of the time in saturated windows from which percentiles above p90 are the client's."""

STEAL_WARN = 0.05
STEAL_BAD = 0.20
"""Each core was away a twentieth, or a fifth of the time, and no clock in it shows when."""

THROTTLE_BAD = 0.05
"""Once stopped, a cgroup stands still for tens of ms, so any stop is a warning; a twentieth of the
time reaches p95."""

GC_WARN_NS = 10 * MS
"""One pause as long as a bad hiccup; if it happens often, the hiccups show it."""

DRIFT_WARN_PPM = 200.0
"""0.02 %, beyond a quartz (50 ppm) and its thermal swing: a clock that is being slewed hard."""


class Finding(NamedTuple):
    """One rule's outcome."""

    name: str
    value: str
    """What was seen, as a person reads it."""
    status: Status
    why: str
    """What the status follows from, in one sentence."""


def worst_of(clients: Iterable[Iterable[Finding]]) -> list[Finding]:
    """The worst finding of each name among several clients, in the order in which they came."""
    worst: dict[str, Finding] = {}
    for finding in (each for client in clients for each in client):
        before = worst.setdefault(finding.name, finding)
        if SEVERITY[finding.status] > SEVERITY[before.status]:
            worst[finding.name] = finding
    return list(worst.values())


def audit_pulse(facts: PulseFacts, ttft_p50_ns: int | None) -> list[Finding]:
    """One finding a rule, always in the same order; ``pulse`` alone when it was never taken."""
    if not facts.wall_ns:
        value = facts.problem or "not taken"
        why = "nothing is known of the client's own health in this stage"
        return [Finding("pulse", value, "warn", why)]
    rules: tuple[Callable[[PulseFacts], Finding], ...] = (
        _pulse,
        lambda of: _hiccups(of, ttft_p50_ns),
        _cpu,
        _steal,
        _throttling,
        _collections,
        _clock,
    )
    return [rule(facts) for rule in rules]


def hiccup_limit_ns(ttft_p50_ns: int | None) -> int:
    """How late the loop may be at p99 before it is worth a warning; never above what is bad."""
    limit_ns = max(HICCUP_LIMIT_NS, round(HICCUP_TTFT_SHARE * (ttft_p50_ns or 0)))
    return min(limit_ns, HICCUP_BAD_NS)


def _pulse(facts: PulseFacts) -> Finding:
    seconds = f"{number(facts.wall_ns / 1e9)} s"
    if facts.problem:
        why = "the pulse stopped early; what follows tells of the time until then"
        return Finding("pulse", f"{seconds}, then {facts.problem}", "warn", why)
    why = "the client watched itself for the whole stage"
    return Finding("pulse", f"{seconds}, by {facts.alarm}", "ok", why)


def _hiccups(facts: PulseFacts, ttft_p50_ns: int | None) -> Finding:
    name, late, off_ns = "event loop", facts.hiccups, facts.alarm_error_ns
    if late.p99_ns is None:
        return Finding(name, "no look was due", "ok", f"shorter than {_ms(facts.period_ns)}")
    limit_ns = hiccup_limit_ns(ttft_p50_ns)
    value = (
        f"late by p50 {_ms(late.p50_ns)}, p99 {_ms(late.p99_ns)}, "
        f"p99.9 {_ms(late.p999_ns)}, max {_ms(late.max_ns)}"
    )
    allowance = f" and the timer's own {_ms(off_ns)}" if off_ns else ""
    if late.p99_ns > HICCUP_BAD_NS + off_ns:
        why = f"p99 over {_ms(HICCUP_BAD_NS)}{allowance}: times are the client's, not the server's"
        return Finding(name, value, "bad", why)
    rule = f"{_ms(limit_ns)} (1 ms or 1 % of TTFT p50, at most {_ms(HICCUP_BAD_NS)}){allowance}"
    if late.p99_ns > limit_ns + off_ns:
        return Finding(name, value, "warn", f"p99 over {rule}: one time in a hundred is off by it")
    return Finding(name, value, "ok", f"p99 within {rule}")


def _cpu(facts: PulseFacts) -> Finding:
    used = facts.cpu or 0.0
    full = _saturated_share(facts)
    value = f"{share(used)} of a core"
    if facts.cpu_peak is not None:
        value += f", {share(facts.cpu_peak)} in the busiest second"
    if facts.machine_busy is not None:
        value += f"; all cores {share(facts.machine_busy)} busy"
    if facts.switches_involuntary is not None:
        value += f"; {facts.switches_involuntary} times preempted"
    if facts.wall_ns < JUDGED_FROM_NS:
        return Finding("client CPU", value, "ok", "too short a stage to judge by")
    if used > CPU_BAD:
        why = f"over {share(CPU_BAD)} of a core for the whole stage: client saturated"
        return Finding("client CPU", value, "bad", why)
    if full > CPU_BAD_WINDOWS:
        why = (
            f"{share(CPU_BAD)} of a core and more in {share(full)} of the time "
            f"(allowed: {share(CPU_BAD_WINDOWS)}): client saturated"
        )
        return Finding("client CPU", value, "bad", why)
    if used > CPU_WARN:
        why = f"over {share(CPU_WARN)} of a core: what the client has to do begins to queue"
        return Finding("client CPU", value, "warn", why)
    why = f"at most {share(CPU_WARN)} of a core, and nine tenths of one only for moments"
    return Finding("client CPU", value, "ok", why)


def _saturated_share(facts: PulseFacts) -> float:
    """Share of the windows' time at ``CPU_BAD`` or more; windows are told in whole per cent."""
    total_ns = sum(facts.cpu_windows_ns.values())
    bad_from = round(100 * CPU_BAD)
    full = (ns for percent, ns in facts.cpu_windows_ns.items() if int(percent) >= bad_from)
    return sum(full) / total_ns if total_ns else 0.0


def _steal(facts: PulseFacts) -> Finding:
    name, stolen = "stolen CPU", facts.machine_steal
    if stolen is None:
        return Finding(name, "not told by this system", "ok", "nothing to go by")
    value = f"{share(stolen)} of all cores' time"
    if facts.wall_ns < JUDGED_FROM_NS:
        return Finding(name, value, "ok", "too short a stage to judge by")
    if stolen > STEAL_BAD:
        why = f"over {share(STEAL_BAD)}: the machine under this one is given to others"
        return Finding(name, value, "bad", why)
    if stolen > STEAL_WARN:
        why = f"over {share(STEAL_WARN)}: the machine under this one is shared with others"
        return Finding(name, value, "warn", why)
    return Finding(name, value, "ok", f"at most {share(STEAL_WARN)}")


def _throttling(facts: PulseFacts) -> Finding:
    name = "CPU limit"
    if facts.throttled is None or facts.throttled_ns is None:
        return Finding(name, "none, or not told by this system", "ok", "nothing to go by")
    if not facts.throttled and not facts.throttled_ns:
        return Finding(name, "never reached", "ok", "no cgroup stopped the client")
    part = facts.throttled_ns / facts.wall_ns
    value = f"stopped {facts.throttled} times, {_ms(facts.throttled_ns)} in all, {share(part)}"
    if part > THROTTLE_BAD:
        why = f"over {share(THROTTLE_BAD)} of the time: raise the container's CPU limit"
        return Finding(name, value, "bad", why)
    return Finding(name, value, "warn", "a cgroup's CPU limit made the client stand still")


def _collections(facts: PulseFacts) -> Finding:
    name, longest_ns = "garbage collection", facts.gc_pauses.max_ns
    if longest_ns is None:
        return Finding(name, "none", "ok", "the collector did not run")
    runs = facts.gc_pauses.n
    value = f"{runs} times, {_ms(facts.gc_total_ns)} in all, max {_ms(longest_ns)}"
    if longest_ns > GC_WARN_NS:
        why = f"a pause over {_ms(GC_WARN_NS)}: what arrived in it was stamped late"
        return Finding(name, value, "warn", why)
    return Finding(name, value, "ok", f"no pause over {_ms(GC_WARN_NS)}")


def _clock(facts: PulseFacts) -> Finding:
    name, drift = "wall clock", facts.clock_drift_ppm
    told = "drift not told" if drift is None else f"drift {drift:+.1f} ppm"
    if facts.clock_steps:
        largest = facts.clock_largest_step_ns
        sign = "-" if largest < 0 else "+"
        value = f"{facts.clock_steps} steps, largest {sign}{_ms(abs(largest))}; {told}"
        why = "the clock was set: times of day, and stamps of the kernel, do not fit together"
        return Finding(name, value, "bad", why)
    if drift is not None and abs(drift) > DRIFT_WARN_PPM:
        why = f"over {DRIFT_WARN_PPM:.0f} ppm: the clock is being corrected hard"
        return Finding(name, f"no steps; {told}", "warn", why)
    why = f"no step, drift within {DRIFT_WARN_PPM:.0f} ppm" if drift is not None else "no step"
    return Finding(name, f"no steps; {told}", "ok", why)


def _ms(value_ns: int | None) -> str:
    return f"{number(None if value_ns is None else value_ns / 1e6)} ms"
