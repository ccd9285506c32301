"""Progress: the running level as a snapshot for the display, and as one line when it is done."""

from __future__ import annotations

from typing import NamedTuple

from tailrace.engine.ledger import Ledger
from tailrace.engine.scheduler import Bounds, Scheduler
from tailrace.results.facts import RunFacts, StageFacts
from tailrace.results.render.live import Snapshot
from tailrace.results.result import rates
from tailrace.results.tally import Tally


class Live(NamedTuple):
    """What is known of a level while it runs."""

    bounds: Bounds
    loop: Scheduler
    ledger: Ledger
    tally: Tally
    stage: StageFacts


def take_snapshot(facts: RunFacts, live: Live, at_ns: int) -> Snapshot:
    """The level as it stands at ``at_ns``."""
    bounds, tally, books = live.bounds, live.tally, live.ledger.books
    index = next(i for i, model in enumerate(facts.models) if live.stage in model.stages)
    warming = at_ns < bounds.measure_from_ns
    since_ns = bounds.began_ns if warming else bounds.measure_from_ns
    planned_ns = bounds.measure_from_ns - bounds.began_ns if warming else bounds.duration_ns
    rate = rates(tally, live.stage.users, None if warming else (at_ns - since_ns) / 1e9)
    ttft, icl = (tally.hists[name].percentiles((50.0, 99.0)) for name in ("ttft", "icl"))
    return Snapshot(
        model=facts.models[index].model,
        model_index=index,
        models=len(facts.models),
        stage_index=live.stage.index,
        stages=len(facts.scenario["levels"]),
        load=live.stage.label,
        phase="drain" if live.loop.draining else "warmup" if warming else "measure",
        elapsed_s=(at_ns - since_ns) / 1e9,
        planned_s=None if planned_ns is None else planned_ns / 1e9,
        done_requests=tally.outcomes.total(),
        planned_requests=None if warming else bounds.requests,
        in_flight=live.ledger.in_flight,
        requests_per_s=rate["requests_per_s"],
        tokens_per_s=rate["tokens_per_s"],
        ttft_p50_ns=ttft[0],
        ttft_p99_ns=ttft[1],
        icl_p50_ns=icl[0],
        icl_p99_ns=icl[1],
        ok=books.ok,
        failed=books.error + books.timeout,
    )


def stage_line(model: str, stage: StageFacts, tally: Tally) -> str:
    """A finished level in one line of a log."""
    seconds = ((stage.measure_until_ns or 0) - (stage.measure_from_ns or 0)) / 1e9
    rate = rates(tally, stage.users, seconds)
    books = stage.books
    ttft, icl = (tally.hists[name].percentiles((50.0,))[0] for name in ("ttft", "icl"))
    parts = [f"{model}: {stage.label} done", f"ok {tally.outcomes['ok']}"]
    if books.error + books.timeout:
        parts.append(f"failed {books.error + books.timeout}")
    if rate["tokens_per_s"] is not None:
        parts.append(f"{rate['tokens_per_s']:.1f} tok/s")
    if ttft is not None:
        parts.append(f"TTFT p50 {ttft / 1e6:.1f} ms")
    if icl is not None:
        parts.append(f"gap p50 {icl / 1e6:.2f} ms")
    return ", ".join(parts)
