"""Audit of answers that were asked for whole. Pure.

Rule: a check that needs chunks says in its place that it cannot be made, so that no line of the
audit is missed and none is right by accident.
"""

from __future__ import annotations

from tailrace.results.audit import Finding
from tailrace.results.render.figures import NOT_AVAILABLE
from tailrace.results.tally import Tally


def not_streamed(name: str) -> Finding:
    """In place of a check of how outputs followed each other."""
    why = "answers were asked for whole, so there are no chunks to judge by"
    return Finding(name, f"{NOT_AVAILABLE}: not streamed", "ok", why)


def whole_tokens(tally: Tally) -> Finding:
    """Where the token counts of whole answers come from."""
    sources = ", ".join(f"{name} {n}" for name, n in sorted(tally.token_sources.items())) or "none"
    value = f"source {sources}"
    if tally.token_sources["unknown"]:
        why = "the server states no usage, and whole answers have no chunks to count"
        return Finding("tokens", value, "warn", why)
    return Finding("tokens", value, "ok", "the server's usage")
