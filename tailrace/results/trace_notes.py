"""Trace notes: what of a trace was not replayed, or not as it is, said with the verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

OFF = 0.1
"""Lengths that are off by more than this are said."""

Trace = Mapping[str, Any] | None
"""A scenario's trace as run.json keeps it; None for a level without one."""


def trace_of(scenario: Mapping[str, Any], index: int) -> Trace:
    """The trace that a level replays."""
    levels = scenario.get("levels") or ()
    if index >= len(levels):
        return None
    found: Trace = (levels[index].get("arrivals") or {}).get("trace")
    return found


def trace_notes(scenario: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each trace file with lines that were no requests to send."""
    said: set[str] = set()
    for index in range(len(scenario.get("levels") or ())):
        trace = trace_of(scenario, index)
        if not trace or not trace.get("skipped") or trace["path"] in said:
            continue
        said.add(trace["path"])
        reasons = ", ".join(f"{count} {why}" for why, count in trace["skipped"])
        total = sum(count for _, count in trace["skipped"])
        lines = "line was" if total == 1 else "lines were"
        yield f"trace {trace['path']}: {total} {lines} not replayed ({reasons})"


def length_notes(where: str, trace: Trace, document: Mapping[str, Any]) -> Iterator[str]:
    """How far prompts and answers were from the trace's lengths, where all of it was answered."""
    tokens = document["tokens"]
    if not trace or document["counts"]["measured"]["ok"] != trace["rows"]:
        return
    if set(tokens["source"]) != {"usage"}:
        return
    if trace["input_tokens"] and tokens["input"]:
        ratio = tokens["input"] / trace["input_tokens"]
        if abs(ratio - 1) > OFF:
            better = trace["words_per_token"] / ratio
            yield (
                f"{where}: prompts were {ratio:.2f} times as long as the trace's, as the server "
                f"counts; --words-per-token {better:.2f} brings them nearer"
            )
    if trace["output_tokens"] and tokens["output"]:
        ratio = tokens["output"] / trace["output_tokens"]
        if abs(ratio - 1) > OFF:
            yield f"{where}: answers were {ratio:.2f} times as long as the trace's"


def trace_reasons(where: str, trace: Trace, document: Mapping[str, Any]) -> Iterator[str]:
    """A level that ended as planned and sent another number of requests than its trace has."""
    arrivals = document["arrivals"] or {}
    if not trace or "requested_n" not in arrivals:
        return
    planned = document["counts"]["books"]["planned"]
    if planned < arrivals["requested_n"]:
        yield (
            f"{where}: the trace has {arrivals['requested_n']:.0f} requests for it and {planned} "
            "were sent: the file was changed meanwhile"
        )
