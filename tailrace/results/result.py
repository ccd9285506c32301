"""result.json as a value: facts and tallies of one model in, plain JSON-ready data out. Pure.

Latencies are integer nanoseconds; rates are per second. A percentile is ``{"value_ns", "certified",
"at_least"}``; see ``definitions`` in the same document for what each name means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tailrace.results.audit_series import series_findings
from tailrace.results.audit_stage import as_dict, audit_stage
from tailrace.results.facts import ModelFacts, StageFacts
from tailrace.results.knee import knee_of
from tailrace.results.level_stats import statistics_of, with_bounds
from tailrace.results.metrics import NAMES, OF_STREAMS, definitions
from tailrace.results.node_budgets import Calibrations
from tailrace.results.outputs import Outputs
from tailrace.results.over_time import CURVE
from tailrace.results.rounds import rounds_of
from tailrace.results.schema import OUTCOMES, RESULT_SCHEMA, Row
from tailrace.results.slo_judge import judge_slos
from tailrace.results.spread import summary_of
from tailrace.results.tally import Tally

UNKNOWN = Calibrations()
"""Of machines that are not calibrated."""


def model_result(
    facts: ModelFacts,
    cold: Row | None,
    tallies: Sequence[Tally],
    torn_lines: int,
    calibrations: Calibrations = UNKNOWN,
    outputs: Outputs | None = None,
) -> dict[str, Any]:
    """The document for ``<model>/result.json``; ``tallies`` run parallel to ``facts.stages``."""
    stages = [stage_result(f, t, calibrations) for f, t in zip(facts.stages, tallies, strict=True)]
    return {
        "schema": RESULT_SCHEMA,
        "model": facts.model,
        "tags": facts.tags,
        "status": facts.status,
        "step": facts.step,
        "error_class": facts.error_class,
        "error": facts.error,
        "steps_s": facts.steps_s,
        "footprint": facts.footprint,
        "cold": None if cold is None else cold_result(cold),
        "stages": stages,
        "rounds": rounds_of(stages),
        "knee": knee_of(stages),
        "outputs": None if outputs is None else outputs.summary(),
        "set_aside_rows": facts.set_aside_rows,
        "dropped_lines": facts.dropped_lines,
        "torn_lines": torn_lines,
        "definitions": definitions(),
    }


def cold_result(row: Row) -> dict[str, Any]:
    """The first request of the model, kept apart from every percentile."""

    def since_sent(at_ns: int | None) -> int | None:
        return None if at_ns is None or row.sent_ns is None else at_ns - row.sent_ns

    return {
        "outcome": row.outcome,
        "error_class": row.error_class,
        "ttft_ns": since_sent(row.first_output_ns),
        "e2e_ns": since_sent(row.last_output_ns),
        "output_tokens": row.output_tokens,
    }


def stage_result(
    facts: StageFacts, tally: Tally, calibrations: Calibrations = UNKNOWN
) -> dict[str, Any]:
    """One load level."""
    rate = rates(tally, facts.users, _window_s(facts))
    judged = _judged(facts, tally, rate)
    return {
        "index": facts.index,
        "round": facts.round,
        "users": facts.users,
        "load": facts.load or str(facts.users),
        "streamed": tally.streams,
        "arrivals": facts.arrivals,
        "window": _window(facts)
        | {"requests": tally.window.requests, "tokens": float(tally.window.all_tokens)},
        "counts": _counts(facts, tally),
        "errors": dict(sorted(tally.error_classes.items())),
        "rates": rate,
        "in_flight": in_flight(facts),
        "connections": {"opened": facts.connections_opened, "reused": tally.reused},
        "tokens": _tokens(tally),
        "stamps": _stamps(facts, tally),
        "error_budget": calibrations.budget(facts, rate["tokens_per_s"])
        if tally.streams  # made with streams, of their metrics
        else None,
        "retries": tally.retries.result(),
        "stalls": _stalls(tally),
        **_groups(tally),
        **tally.reached.result(),
        **judged,
        "warnings": list(_warnings(tally)),
        "sessions": tally.sessions.result(facts.sessions),
        "audit": list(_audit(facts, tally, judged)),
    }


def _groups(tally: Tally) -> dict[str, Any]:
    """Requests by what they asked; by URL and address only where that tells them apart."""
    found = {name: groups.result() for name, groups in tally.groups.items()}
    always = ("prompts", "mix")
    return {name: groups for name, groups in found.items() if groups or name in always}


def _judged(facts: StageFacts, tally: Tally, rate: dict[str, float | None]) -> dict[str, Any]:
    """Its objectives, its metrics, and what their order in time tells."""
    goodput = tally.goodput.result(_window_s(facts))
    judged = judge_slos(tally.goodput.slos, tally, rate, goodput)
    return {
        "goodput": goodput,
        "slo": [each._asdict() for each in judged],
        "metrics": {name: metric_result(tally, name) for name in NAMES},
        "statistics": statistics_of(facts, tally.series),
        **_shown(tally),
    }


def _shown(tally: Tally) -> dict[str, Any]:
    """What only charts show: the level over time, and whole curves of percentiles."""
    over_time, series = tally.over_time, tally.series
    if over_time is None or series is None:
        return {}
    curves = {
        name: tally.hists[name].percentiles(CURVE) if tally.hists[name].n else None
        for name in ("ttft", "icl", "e2e")
    }
    return {
        "over_time": over_time.result(series),
        "curves": {"percents": list(CURVE), **curves},
    }


def _audit(facts: StageFacts, tally: Tally, judged: dict[str, Any]) -> Iterable[dict[str, Any]]:
    yield from map(as_dict, audit_stage(facts, tally))
    course = series_findings(judged["statistics"], judged["metrics"], _window_s(facts))
    yield from map(as_dict, course)


def metric_result(tally: Tally, name: str) -> dict[str, Any]:
    """Exact n, extremes and mean, percentiles, and the encoded histogram."""
    hist = tally.hists[name]
    bounds, smallest_ns = tally.bounds.get(name, (0, None))
    applies = tally.streams or name not in OF_STREAMS
    return {
        "n": hist.n if applies else None,
        "lower_bounds": bounds if applies else None,
        "overflow": hist.overflow if applies else None,
        "unsure": tally.shared.unsure[name] if applies else None,
        **_bounded(summary_of(hist, smallest_ns, tally.shared.blurs.get(name)), name, tally),
        "histogram": hist.encode() if hist.n else None,
    }


def _bounded(summary: dict[str, Any], name: str, tally: Tally) -> dict[str, Any]:
    _, smallest_ns = tally.bounds.get(name, (0, None))
    own = (name, tally.hists[name], tally.series, smallest_ns)
    return summary | {"percentiles": with_bounds(summary["percentiles"], *own)}


def rates(tally: Tally, users: int | None, seconds: float | None) -> dict[str, float | None]:
    """Requests and tokens a second inside the measure window; None while it has no length, and
    tokens also where nobody says how many there were.
    """
    if seconds is None or seconds <= 0:
        return dict.fromkeys(("requests_per_s", "tokens_per_s", "tokens_per_s_per_user"))
    known = _tokens_known(tally)
    tokens_per_s = float(tally.window.all_tokens) / seconds
    return {
        "requests_per_s": round(tally.window.requests / seconds, 4),
        "tokens_per_s": round(tokens_per_s, 4) if known else None,
        "tokens_per_s_per_user": round(tokens_per_s / users, 4) if known and users else None,
    }


def _tokens_known(tally: Tally) -> bool:
    """Not where answers came whole, without chunks to count, and the server states no usage."""
    return tally.streams or not tally.token_sources["unknown"]


def _stalls(tally: Tally) -> dict[str, int | None]:
    if not tally.streams:
        return {"gaps": None, "requests": None}
    return {"gaps": tally.stalls, "requests": tally.stalled_requests}


def in_flight(facts: StageFacts) -> dict[str, Any]:
    """How many requests were really in flight, weighted by time, against the number asked for."""
    total_ns = sum(facts.in_flight_ns.values())
    levels = sorted(facts.in_flight_ns.items())
    share = {str(level): round(ns / total_ns, 6) for level, ns in levels if total_ns}
    mean = sum(level * ns for level, ns in levels) / total_ns if total_ns else None
    return {
        "asked": facts.users,
        "mean": None if mean is None else round(mean, 4),
        "max": facts.max_in_flight,
        "time_share": share,
    }


def _window_s(facts: StageFacts) -> float | None:
    if facts.measure_from_ns is None or facts.measure_until_ns is None:
        return None
    return (facts.measure_until_ns - facts.measure_from_ns) / 1e9


def _window(facts: StageFacts) -> dict[str, Any]:
    rule = (
        "end of warm-up to the end of the last measured request"
        if facts.requests is not None
        else "end of warm-up until the stage's duration had passed"
    )
    return {
        "from_ns": facts.measure_from_ns,
        "until_ns": facts.measure_until_ns,
        "seconds": _window_s(facts),
        "rule": rule,
    }


def _counts(facts: StageFacts, tally: Tally) -> dict[str, Any]:
    """``books``: every request of the stage as scheduled; ``measured``: those of the measure phase.

    ``journal`` is what the request lines say of the same requests as the books.
    """
    books = facts.books
    return {
        "books": {
            "planned": books.planned,
            "started": books.started,
            "dropped": books.dropped,
            "unsent": books.unsent,
        }
        | {outcome: getattr(books, outcome) for outcome in OUTCOMES}
        | {"retried": books.retried, "retries": books.retries},
        "journal": {outcome: tally.outcomes_all[outcome] for outcome in OUTCOMES}
        | {"retried": tally.retries.all_requests, "retries": tally.retries.all_retries},
        "measured": {"started": tally.outcomes.total()}
        | {outcome: tally.outcomes[outcome] for outcome in OUTCOMES}
        | {"retried": tally.retries.requests},
        "warmup": tally.phases["warmup"],
    }


def _stamps(facts: StageFacts, tally: Tally) -> dict[str, Any]:
    """Who stamped the reads, how late they were seen, and how many held several outputs."""
    stamps = facts.stamps
    return {
        "source": stamps.source,
        "kernel_reads": stamps.kernel_reads,
        "user_reads": stamps.user_reads,
        "refused": stamps.refused,
        "lag": asdict(stamps.lag),
        "body_reads": tally.shared.reads,
        "coalesced_chunks": tally.shared.hidden,
        "coalesced_share": round(tally.shared.hidden / tally.shared.chunks, 6)
        if tally.shared.chunks
        else None,
    }


def _tokens(tally: Tally) -> dict[str, Any]:
    ok = tally.outcomes["ok"]
    return {
        "source": dict(sorted(tally.token_sources.items())),
        "output": tally.output_tokens if _tokens_known(tally) else None,
        "input": tally.input_tokens,
        "cached": tally.cached_tokens,
        "chunks": tally.chunks if tally.streams else None,
        "requests_chunks_differ": tally.chunks_differ if tally.streams else None,
        "itl_known_share": round(tally.itl_requests / ok, 6) if ok and tally.streams else None,
        "finish_reasons": dict(sorted(tally.finish_reasons.items())),
    }


def by_count(counts: Counter[str]) -> list[tuple[str, int]]:
    """Most frequent first, equals by name: the same in whatever order they were counted."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def _warnings(tally: Tally) -> Iterable[str]:
    ok = tally.outcomes["ok"]
    if tally.error_classes:
        listed = ", ".join(f"{name} {n}" for name, n in by_count(tally.error_classes))
        yield f"{tally.error_classes.total()} of {tally.outcomes.total()} requests failed: {listed}"
    if tally.chunks_differ:
        yield (
            f"chunks are not tokens: {tally.chunks_differ} of {ok} answers have a usage that "
            "differs from their output-bearing chunks, so ICL is not ITL"
        )
    if tally.lump_requests * 2 > ok > 0:
        yield (
            f"not really streaming: in {tally.lump_requests} of {ok} answers the first output "
            "came in the last 5 % of the time"
        )
    if len(tally.token_sources) > 1:
        yield "token counts come from more than one source; see tokens.source"
    if tally.bounds:
        count = max(count for count, _ in tally.bounds.values())
        yield f"{count} requests timed out or were censored: their samples are lower bounds"
