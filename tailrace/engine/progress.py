"""Progress: a running level in a few numbers, summed over workers for whoever watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median_low
from typing import Any, NamedTuple

import msgspec

from tailrace.engine.ledger import Ledger
from tailrace.engine.scheduler import Bounds, Scheduler
from tailrace.results.audit import Finding, worst_of
from tailrace.results.facts import RunFacts, StageFacts
from tailrace.results.glance import Glance
from tailrace.results.render.live import Snapshot
from tailrace.scenarios.model import Level


class Live(NamedTuple):
    """What a worker knows of a level while it runs."""

    bounds: Bounds
    loop: Scheduler
    ledger: Ledger
    glance: Glance
    stage: StageFacts


class Progress(msgspec.Struct):
    """A level, or a worker's share of it, as it stands."""

    draining: bool
    done: int
    """Measured requests that have an outcome."""
    measured_ok: int
    ok: int
    """Warm-up included, as are those that failed."""
    failed: int
    in_flight: int | None
    """None for who only sees the run's files."""
    window_requests: int
    window_tokens: float
    ttft_p50_ns: int | None
    ttft_p99_ns: int | None
    icl_p50_ns: int | None
    icl_p99_ns: int | None
    ttft_recent_ns: int | None = None
    """p99 of the last seconds."""
    icl_recent_ns: int | None = None
    errors: dict[str, int] = {}
    """Those that failed, by class."""
    client: list[Finding] = []
    """What the client's own audit finds so far; empty for who only sees the run's files."""
    problem: str | None = None
    """Why the worker's rows cannot be written."""
    figures: list[float | None] = []
    """What the thresholds of --abort-on are about, in their order."""


def progress_of(live: Live, at_ns: int) -> Progress:
    """This worker's share."""
    books = live.ledger.books
    progress = seen_of(
        live.glance,
        at_ns,
        draining=live.loop.draining,
        ok=books.ok,
        failed=books.error + books.timeout,
        in_flight=live.ledger.in_flight,
    )
    since_ns = at_ns - live.bounds.measure_from_ns + (live.stage.measure_from_ns or 0)
    progress.figures = live.glance.figures(since_ns)
    return progress


def seen_of(
    glance: Glance, at_ns: int, *, draining: bool, ok: int, failed: int, in_flight: int | None
) -> Progress:
    """What a glance shows at a time of any one clock, beside what it does not know."""
    ttft, icl = (hist.percentiles((50.0, 99.0)) for hist in (glance.ttft, glance.icl))
    ttft_recent_ns, icl_recent_ns = glance.recent(99.0, at_ns)
    return Progress(
        draining=draining,
        done=glance.done,
        measured_ok=glance.ok,
        ok=ok,
        failed=failed,
        in_flight=in_flight,
        window_requests=glance.window.requests,
        window_tokens=float(glance.window.all_tokens),
        ttft_p50_ns=ttft[0],
        ttft_p99_ns=ttft[1],
        icl_p50_ns=icl[0],
        icl_p99_ns=icl[1],
        ttft_recent_ns=ttft_recent_ns,
        icl_recent_ns=icl_recent_ns,
        errors=dict(glance.errors),
    )


def pooled(parts: Sequence[Progress]) -> Progress:
    """Several workers as one: sums; the median of their medians, the worst of their p99s."""
    if len(parts) == 1:
        return parts[0]

    def known(name: str) -> list[int]:
        return [value for part in parts if (value := getattr(part, name)) is not None]

    return Progress(
        draining=all(part.draining for part in parts),
        done=sum(part.done for part in parts),
        measured_ok=sum(part.measured_ok for part in parts),
        ok=sum(part.ok for part in parts),
        failed=sum(part.failed for part in parts),
        in_flight=sum(part.in_flight or 0 for part in parts),
        window_requests=sum(part.window_requests for part in parts),
        window_tokens=sum(part.window_tokens for part in parts),
        ttft_p50_ns=median_low(known("ttft_p50_ns")) if known("ttft_p50_ns") else None,
        ttft_p99_ns=max(known("ttft_p99_ns"), default=None),
        icl_p50_ns=median_low(known("icl_p50_ns")) if known("icl_p50_ns") else None,
        icl_p99_ns=max(known("icl_p99_ns"), default=None),
        ttft_recent_ns=max(known("ttft_recent_ns"), default=None),
        icl_recent_ns=max(known("icl_recent_ns"), default=None),
        errors=dict(sum((Counter(part.errors) for part in parts), Counter())),
        client=worst_of([part.client for part in parts]),
    )


def take_snapshot(facts: RunFacts, stage: StageFacts, now: Progress, at_ns: int) -> Snapshot:
    """The level as it stands at ``at_ns``, ns since the run's origin."""
    index = next(i for i, model in enumerate(facts.models) if stage in model.stages)
    measure_from_ns = stage.measure_from_ns or 0
    warming = at_ns < measure_from_ns
    since_ns = stage.began_ns if warming else measure_from_ns
    planned_s = stage.warmup_s if warming else stage.duration_s
    seconds = (at_ns - since_ns) / 1e9
    return Snapshot(
        model=facts.models[index].model,
        model_index=index,
        models=len(facts.models),
        stage_index=stage.index,
        stages=len(facts.scenario["levels"]),
        load=stage.label,
        phase="drain" if now.draining else "warmup" if warming else "measure",
        elapsed_s=seconds,
        planned_s=planned_s,
        done_requests=now.done,
        planned_requests=None if warming or facts.scenario.get("sessions") else stage.requests,
        in_flight=now.in_flight,
        requests_per_s=None if warming or seconds <= 0 else now.window_requests / seconds,
        tokens_per_s=None if warming or seconds <= 0 else now.window_tokens / seconds,
        ttft_p50_ns=now.ttft_p50_ns,
        ttft_p99_ns=now.ttft_p99_ns,
        icl_p50_ns=now.icl_p50_ns,
        icl_p99_ns=now.icl_p99_ns,
        ttft_recent_ns=now.ttft_recent_ns,
        icl_recent_ns=now.icl_recent_ns,
        errors=tuple(sorted(now.errors.items(), key=lambda each: (-each[1], each[0]))),
        plan=_plan(facts),
        client=tuple(now.client),
        ok=now.ok,
        failed=now.failed,
    )


def _plan(facts: RunFacts) -> tuple[str, ...]:
    """The loads of all levels, in their order; nothing of a run that another version made."""
    try:
        return tuple(_load(level) for level in facts.scenario["levels"])
    except msgspec.ValidationError:
        return ()


def _load(level: dict[str, Any]) -> str:
    arrivals = level.get("arrivals")
    if arrivals:  # a replay's thousands of offsets are not in its name
        level = level | {"arrivals": arrivals | {"offsets_s": ()}}
    return msgspec.convert(level, Level).load


def stage_line(model: str, stage: StageFacts, now: Progress) -> str:
    """A finished level in one line of a log."""
    seconds = ((stage.measure_until_ns or 0) - (stage.measure_from_ns or 0)) / 1e9
    parts = [f"{model}: {stage.label} done", f"ok {now.measured_ok}"]
    if stage.books.error + stage.books.timeout:
        parts.append(f"failed {stage.books.error + stage.books.timeout}")
    if seconds > 0:
        parts.append(f"{now.window_tokens / seconds:.1f} tok/s")
    if now.ttft_p50_ns is not None:
        parts.append(f"TTFT p50 {now.ttft_p50_ns / 1e6:.1f} ms")
    if now.icl_p50_ns is not None:
        parts.append(f"gap p50 {now.icl_p50_ns / 1e6:.2f} ms")
    return ", ".join(parts)
