"""Converted: what must be known of a run that another tool measured, before it stands beside ours.

One line a run: which tool, that nobody audited its client, and which of its figures are not there,
or are not what ours are. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.results.facts import RunFacts, is_converted


def converted_note(label: str, facts: RunFacts, results: Sequence[Mapping[str, Any]]) -> str:
    """The line; empty for a run of our own."""
    if not is_converted(facts):
        return ""
    tool = " ".join(str(facts.tool.get(key, "")) for key in ("name", "version")).strip()
    stages = [stage for result in results for stage in result["stages"]]
    return "; ".join((f"{label}: converted from {tool}, its client not audited", *_lacking(stages)))


def _lacking(stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not any(stage["metrics"]["icl"]["n"] for stage in stages):
        yield "no gaps kept, so icl and stalls cannot be compared, and tpot is each request's mean"
    if any("unknown" in stage["tokens"]["source"] for stage in stages):
        yield "tokens of unknown source, so tpot and tokens_per_s may count others"
