"""Group sheets: requests by prompt, model, URL or address, one table a level that has any. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tailrace.results.groups import OUTLIER_RULE
from tailrace.results.render.figures import (
    Figure,
    count,
    latency,
    ms,
    number,
)
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.table import Level
from tailrace.results.render.text import safe_text

_COLUMNS = (
    *("n", "not ok", "TTFT mean ms", "TTFT p95 ms", "E2E mean ms", "E2E p95 ms"),
    *("tokens mean", "tokens p95", "outliers", "furthest off"),
)
_SHOWN = 3
"""Outliers that a table names; result.json has more."""
_ID_CHARS = 60


def group_sheets(levels: Sequence[Level]) -> list[Sheet]:
    """Prompts, models of a mix, URLs, addresses, of each level."""
    found = []
    for level in levels:
        for name, title, groups in (
            ("prompt", "By prompt", level.prompts),
            ("model", "By model asked", level.mix),
            ("base_url", "By URL", level.urls),
            ("peer", "By address", level.peers),
        ):
            if groups:
                heading = f"{title}, {level.title} (outliers: {OUTLIER_RULE})"
                found.append(_sheet(heading, name, groups))
    return found


def _sheet(title: str, name: str, groups: Sequence[Mapping[str, Any]]) -> Sheet:
    columns = (name, *_COLUMNS)
    rows = tuple(_row(name, group) for group in groups)
    return Sheet(title, columns, ("",) * len(columns), rows, texts=1)


def _row(name: str, group: Mapping[str, Any]) -> tuple[str, ...]:
    every = group.get("kept_of_every", 1)
    tokens, outliers = group["output_tokens"], group["outliers"]
    named = [f"{entry['id']} ({entry['metric']})" for entry in outliers["listed"][:_SHOWN]]
    return (
        safe_text(group[name], _ID_CHARS) or "(empty)",
        count(group["n"]),
        count(group["not_ok"]),
        *_latencies(group["ttft"]),
        *_latencies(group["e2e"]),
        number(tokens["mean"]),
        count(tokens["p95"]),
        count(outliers["requests"]) + (f" (1 in {every} looked at)" if every > 1 else ""),
        safe_text(", ".join(named)) or "none",
    )


def _latencies(summary: Mapping[str, Any]) -> tuple[str, str]:
    p95 = Figure(ms(summary["p95_ns"]), summary["p95_certified"])
    return latency(Figure(ms(summary["mean_ns"]))), latency(p95)
