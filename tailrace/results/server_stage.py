"""Server stage: a level as its server saw it, from the looks at it. Pure.

Gauges, CPU and GPUs are of the looks within the measure window. Counters are taken over the whole
level: from the last look before it to the first behind it, when no request of it was under way, so
that what they grew by is what the level's requests took, with no edge to guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any, NamedTuple

from tailrace.results.facts import StageFacts
from tailrace.results.server_client import Totals
from tailrace.results.server_log import Seen, ServerLog
from tailrace.results.server_names import AT_END, COUNTERS, GAUGES, HISTOGRAMS, Buckets

LEAST_SPAN_NS = 200_000_000
"""Between two looks whose difference is a share of CPU: the kernel counts in hundredths."""


class Around(NamedTuple):
    """The looks nearest to a level on either side; None where there is none."""

    before: Seen | None
    behind: Seen | None


def around(log: ServerLog, stages: Sequence[StageFacts], place: int) -> Around:
    """Those of ``stages[place]``; none from within another level, or on its far side."""
    stage = stages[place]
    ended_ns = stage.ended_ns
    if ended_ns is None:
        return Around(None, None)
    from_ns = max((s.ended_ns or 0 for s in stages[:place]), default=0)
    until_ns = min((s.began_ns for s in stages[place + 1 :]), default=2**62)
    before = [s for s in log.told if from_ns <= s.look.at_ns and _end(s) <= stage.began_ns]
    behind = [s for s in log.told if ended_ns <= s.look.at_ns and _end(s) <= until_ns]
    return Around(before[-1] if before else None, behind[0] if behind else None)


def _end(seen: Seen) -> int:
    return seen.look.at_ns + seen.look.took_ns


def stage_server(
    log: ServerLog, stages: Sequence[StageFacts], place: int, totals: Totals
) -> dict[str, Any]:
    """``server`` of a level's document; what the server does not tell is None."""
    stage = stages[place]
    from_ns, until_ns = stage.measure_from_ns or 0, stage.measure_until_ns or 0
    inside = log.between(from_ns, until_ns)
    told = [seen for seen in inside if seen.common is not None]
    edges = around(log, stages, place)
    whole = log.between(stage.began_ns, stage.ended_ns or until_ns)
    return {
        "looks": len(whole),
        "missed": sum(bool(seen.look.miss) for seen in whole),
        **{name: _gauge(told, name) for name in GAUGES},
        **{name: _grown(edges, name) for name in COUNTERS},
        "client_output_tokens": totals.output_tokens,
        "client_input_tokens": totals.input_tokens,
        "tokens_per_s": _rate(told, "generated_tokens"),
        "tokens_at_end": log.software in AT_END,
        **{name: _times(edges, name) for name in HISTOGRAMS},
        "process": _process(inside),
        "gpus": _gpus(log, inside),
        "cost": _cost(whole),
    }


def _gauge(told: Iterable[Seen], name: str) -> dict[str, float] | None:
    values = [value for seen in told if (value := seen.value(name)) is not None]
    return {"mean": round(fmean(values), 6), "max": max(values)} if values else None


def _grown(edges: Around, name: str) -> float | None:
    """What a counter grew by; None also where it began anew, with its server."""
    if edges.before is None or edges.behind is None:
        return None
    before, behind = edges.before.value(name), edges.behind.value(name)
    return None if before is None or behind is None or behind < before else behind - before


def _rate(told: Sequence[Seen], name: str) -> float | None:
    """Per second, from the first look of the window to the last."""
    known = [(seen.at_ns, value) for seen in told if (value := seen.value(name)) is not None]
    if len(known) < 2 or known[-1][1] < known[0][1] or known[-1][0] <= known[0][0]:
        return None
    return round((known[-1][1] - known[0][1]) / ((known[-1][0] - known[0][0]) / 1e9), 4)


def _times(edges: Around, name: str) -> dict[str, Any] | None:
    """A server's histogram of the level: the mean is exact, percentiles as fine as its buckets."""
    if edges.before is None or edges.behind is None:
        return None
    first, last = (seen.common.buckets.get(name) for seen in edges if seen and seen.common)
    if last is None:
        return None
    first = first or Buckets(0.0, 0.0)
    n = last.count - first.count
    if n <= 0:
        return None
    below = {at: last.below[at] - first.below.get(at, 0.0) for at in last.below}
    return {
        "n": int(n),
        "mean_ns": round((last.sum_s - first.sum_s) / n * 1e9),
        "p50_ns": quantile_ns(below, 0.50),
        "p99_ns": quantile_ns(below, 0.99),
    }


def quantile_ns(below: Mapping[float, float], part: float) -> int | None:
    """Linear within its bucket, as Prometheus does it; ``below`` ends with the infinite bound.

    None without buckets; in the last bucket, which has no end, its beginning.
    """
    bounds = sorted(below)
    if not bounds or below[bounds[-1]] <= 0:
        return None
    rank = part * below[bounds[-1]]
    low, under = 0.0, 0.0
    for bound in bounds:
        if below[bound] >= rank:
            if bound == float("inf"):
                return round(low * 1e9)
            inside = below[bound] - under
            share = (rank - under) / inside if inside else 1.0
            return round((low + share * (bound - low)) * 1e9)
        low, under = bound, below[bound]
    return None


def _process(inside: Sequence[Seen]) -> dict[str, Any] | None:
    known = [(seen.look.at_ns, seen.look.process) for seen in inside if seen.look.process]
    if not known:
        return None
    shares = cpu_shares(inside)
    mean = None
    if len(known) > 1 and known[-1][0] - known[0][0] >= LEAST_SPAN_NS:
        span_s = (known[-1][0] - known[0][0]) / 1e9
        mean = round(max(0.0, known[-1][1]["cpu_s"] - known[0][1]["cpu_s"]) / span_s, 6)

    def most(name: str) -> int:
        return int(max(process[name] for _, process in known))

    return {
        "cpu_mean": mean,
        "cpu_max": max((share for _, share in shares), default=None),
        "rss_max_bytes": most("rss_bytes"),
        "threads_max": most("threads"),
        "processes_max": most("processes"),
    }


def cpu_shares(seen: Sequence[Seen]) -> list[tuple[int, float]]:
    """(when, cores in use since the look before), without looks that are too close together."""
    known = [(each.look.at_ns, each.look.process["cpu_s"]) for each in seen if each.look.process]
    return [
        (at_ns, round(max(0.0, cpu_s - before_s) / ((at_ns - before_ns) / 1e9), 6))
        for (before_ns, before_s), (at_ns, cpu_s) in pairwise(known)
        if at_ns - before_ns >= LEAST_SPAN_NS
    ]


def _gpus(log: ServerLog, inside: Sequence[Seen]) -> list[dict[str, Any]]:
    about = log.heads[-1].gpus if log.heads else []
    found = []
    for place, device in enumerate(about):
        samples = [s.look.gpus[place] for s in inside if s.look.gpus and place < len(s.look.gpus)]

        def told(name: str, of: Sequence[Mapping[str, float | None]] = samples) -> list[float]:
            return [value for sample in of if (value := sample.get(name)) is not None]

        used, power = told("utilisation"), told("power_w")
        found.append(
            {
                "name": device.get("name"),
                "memory_bytes": device.get("memory_bytes"),
                "memory_max_bytes": max(told("memory_bytes"), default=None),
                "utilisation_mean": round(fmean(used), 6) if used else None,
                "power_mean_w": round(fmean(power), 3) if power else None,
                "power_max_w": max(power, default=None),
                "temperature_max_c": max(told("temperature_c"), default=None),
            }
        )
    return found


def _cost(whole: Sequence[Seen]) -> dict[str, Any] | None:
    """What the looking itself took, over the level."""
    if not whole:
        return None
    took = sorted(seen.look.took_ns for seen in whole if seen.look.took_ns)
    span_ns = whole[-1].look.at_ns - whole[0].look.at_ns
    cpu_ns = whole[-1].look.cpu_ns - whole[0].look.cpu_ns
    return {
        "scrape_p50_ns": took[len(took) // 2] if took else None,
        "scrape_max_ns": took[-1] if took else None,
        "bytes_max": max(seen.look.bytes for seen in whole),
        "series_left_out": max(seen.look.left_out for seen in whole),
        "cpu_s": round(cpu_ns / 1e9, 6),
        "cpu": round(cpu_ns / span_ns, 6) if span_ns > 0 else None,
    }
