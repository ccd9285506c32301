"""Audit of the server's view: what looking at it cost, and whether its count is the client's. Pure.

None of it is ``bad``: no latency contains it. A server that counts other tokens than it told its
client, on an otherwise idle machine, is for the reader to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tailrace.results.audit import Finding
from tailrace.results.render.figures import NOT_AVAILABLE, number, share
from tailrace.results.server_client import Totals
from tailrace.results.server_stage import Around

MISSED_WARN = 0.10
CPU_WARN = 0.05
"""Of one core, for looking once a second or so."""
APART_WARN = 0.02
FEWEST_TOKENS = 50
"""Of fewer, one token is already 2 %."""

COST, COUNT = "server metrics", "server's tokens"


def audit_server(found: dict[str, Any], edges: Around, totals: Totals) -> Iterator[Finding]:
    """Two findings of a level; ``found`` is its ``server``. The second where tokens are counted."""
    yield _cost(found)
    if edges.before is not None and edges.before.value("generated_tokens") is not None:
        yield _count(found, edges, totals)


def _cost(found: dict[str, Any]) -> Finding:
    looks, missed, cost = found["looks"], found["missed"], found["cost"]
    if cost is None:
        return Finding(COST, "no look", "ok", "the level was shorter than the time between two")
    value = f"{looks} looks, {missed} missed"
    if cost["scrape_p50_ns"] is not None:
        value += f", scrape p50 {_ms(cost['scrape_p50_ns'])}, max {_ms(cost['scrape_max_ns'])}"
    value += f", {number(cost['bytes_max'] / 1000)} kB; CPU {number(cost['cpu_s'])} s"
    value += "" if cost["cpu"] is None else f" ({share(cost['cpu'])} of a core)"
    if missed > MISSED_WARN * looks:
        why = (
            f"more than {share(MISSED_WARN)} of the looks told nothing: the server's view has gaps"
        )
        return Finding(COST, value, "warn", why)
    if (cost["cpu"] or 0.0) > CPU_WARN:
        why = f"over {share(CPU_WARN)} of a core: look less often (--server-metrics-interval)"
        return Finding(COST, value, "warn", why)
    return Finding(COST, value, "ok", "looked at from a process of its own, between the requests")


def _count(found: dict[str, Any], edges: Around, totals: Totals) -> Finding:
    served = found["generated_tokens"]
    if served is None:
        why = "no look on both sides of the level, or the server began to count anew in it"
        return Finding(COUNT, NOT_AVAILABLE, "ok", why)
    value = f"{served:.0f} by the server, {totals.output_tokens} by the client"
    assert edges.before is not None
    others = sum(edges.before.value(name) or 0 for name in ("running", "waiting"))
    if others:
        why = f"not compared: the server had {others:.0f} other requests when the level began"
        return Finding(COUNT, value, "ok", why)
    if totals.not_ok:
        why = f"not compared: {totals.not_ok} requests did not end ok, and what they got is unsure"
        return Finding(COUNT, value, "ok", why)
    if totals.not_told:
        why = f"not compared: of {totals.not_told} answers the server told the client no usage"
        return Finding(COUNT, value, "ok", why)
    if max(served, totals.output_tokens) < FEWEST_TOKENS:
        return Finding(COUNT, value, "ok", "too few to compare")
    apart = abs(served - totals.output_tokens) / max(totals.output_tokens, 1)
    if apart > APART_WARN:
        why = (
            f"over {share(APART_WARN)} apart: others ask this server as well, or it does not count "
            "what it sends"
        )
        return Finding(COUNT, value, "warn", why)
    return Finding(COUNT, value, "ok", f"at most {share(APART_WARN)} apart")


def _ms(value_ns: int) -> str:
    return f"{number(value_ns / 1e6)} ms"
