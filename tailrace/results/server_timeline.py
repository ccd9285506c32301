"""Server timeline: the looks at a server, and this client at the same moments, as lines. Pure.

Rule: one axis, in seconds since the first level began. Only looks of the model's levels count, and
of a break in which nobody looked, between two sittings of a run, the axis keeps one interval. A
gauge is the mean of the looks that became one point; a rate is what was counted since the point
before, by the server and, in the same span, by the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from tailrace.results.facts import StageFacts
from tailrace.results.server_client import ClientSide
from tailrace.results.server_log import Seen, ServerLog
from tailrace.results.server_stage import cpu_shares

MOST_POINTS = 150
"""On a line; of more looks, several in a row become one point."""
MARGIN_NS = 1_000_000_000
"""Around a level, for the looks just before and behind it."""
BREAK_NS = 30_000_000_000
"""More between two looks, and more than ten of the usual, is no part of the run."""
_GAUGES = ("running", "waiting", "cache_usage")

Line = list[float | None]


def over_time(log: ServerLog, stages: Sequence[StageFacts], client: ClientSide) -> dict[str, Any]:
    """``timeline``, lines by name, and ``levels_at_s``, where on it the levels begin."""
    places = [place for place, seen in enumerate(log.seen) if _within(seen, stages)]
    every = -(-len(places) // MOST_POINTS) or 1
    groups = [places[at : at + every] for at in range(0, len(places), every)]
    axis = _Axis(log, places, stages)
    shares = dict(cpu_shares([log.seen[place] for place in places]))
    flying, tokens = client.in_flight(), client.tokens()
    lines: dict[str, Line] = {}
    before: int | None = None
    for group in groups:
        seen = [log.seen[place] for place in group]
        last = group[-1]
        point: dict[str, float | None] = {
            "at_s": axis.at_s(log.seen[last].at_ns),
            "in_flight": _mean([flying[place] for place in group]),
            **{name: _mean([each.value(name) for each in seen]) for name in _GAUGES},
            **_rates(log, tokens, before, last),
            "cpu": _mean([shares.get(each.look.at_ns) for each in seen]),
            "rss_bytes": _mean([p["rss_bytes"] for each in seen if (p := each.look.process)]),
            "gpu_utilisation": _mean([_mean(list(_told(each, "utilisation"))) for each in seen]),
            "gpu_power_w": _mean([sum(power) for each in seen if (power := _power(each))]),
        }
        for name, value in point.items():
            lines.setdefault(name, []).append(value)
        before = last
    known = {name: line for name, line in lines.items() if any(v is not None for v in line)}
    return {"timeline": known, "levels_at_s": [axis.at_s(stage.began_ns) for stage in stages]}


def _within(seen: Seen, stages: Sequence[StageFacts]) -> bool:
    return any(
        stage.began_ns - MARGIN_NS <= seen.at_ns <= (stage.ended_ns or stage.began_ns) + MARGIN_NS
        for stage in stages
    )


class _Axis:
    """Moments of the run as seconds on the chart."""

    def __init__(self, log: ServerLog, places: Sequence[int], stages: Sequence[StageFacts]) -> None:
        usual_ns = round(1e9 * (log.heads[-1].interval_s if log.heads else 0.0))
        self._zero = min((stage.began_ns for stage in stages), default=0)
        self._breaks: list[tuple[int, int]] = []
        """Its end, and how much of it is left out."""
        moments = [log.seen[place].at_ns for place in places]
        for one, next_one in pairwise(moments):
            if next_one - one > max(BREAK_NS, 10 * usual_ns):
                self._breaks.append((next_one, next_one - one - usual_ns))

    def at_s(self, at_ns: int) -> float:
        left_out_ns = sum(length for end, length in self._breaks if end - MARGIN_NS <= at_ns)
        return round((at_ns - self._zero - left_out_ns) / 1e9, 3)


def _rates(
    log: ServerLog, tokens: Sequence[float], before: int | None, last: int
) -> dict[str, float | None]:
    """Tokens a second since the point before."""
    none: dict[str, float | None] = dict.fromkeys(("tokens_per_s", "client_tokens_per_s"))
    if before is None:
        return none
    span_s = (log.seen[last].at_ns - log.seen[before].at_ns) / 1e9
    if span_s <= 0 or span_s * 1e9 > BREAK_NS:
        return none
    first, now = (log.seen[place].value("generated_tokens") for place in (before, last))
    counted = None if first is None or now is None or now < first else now - first
    return {
        "tokens_per_s": None if counted is None else round(counted / span_s, 3),
        "client_tokens_per_s": round((tokens[last] - tokens[before]) / span_s, 3),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 6) if known else None


def _told(seen: Seen, name: str) -> Iterator[float]:
    for gpu in seen.look.gpus or ():
        if (value := gpu.get(name)) is not None:
            yield value


def _power(seen: Seen) -> list[float]:
    return list(_told(seen, "power_w"))
