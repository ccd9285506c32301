"""Sheets: the smaller tables of a model's part of a report, for Markdown and HTML alike. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tailrace.results.calibration import budget_line, worst
from tailrace.results.metrics import METRICS
from tailrace.results.render.columns import headline
from tailrace.results.render.figures import (
    NEVER,
    NOT_AVAILABLE,
    Figure,
    count,
    hundredths,
    latency,
    ms,
    number,
    share,
)
from tailrace.results.render.reach import reach_sheets
from tailrace.results.render.server import server_sheets
from tailrace.results.render.session_sheets import session_sheets
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.table import PERCENTILES, Level
from tailrace.results.render.text import safe_text
from tailrace.results.schema import OUTCOMES


def results_sheet(levels: Sequence[Level]) -> Sheet:
    """The headline table of one model; a model without levels has one row of dashes."""
    columns = headline(levels)
    return Sheet(
        "Results",
        tuple(column.name for column in columns),
        tuple(column.term for column in columns),
        tuple(
            tuple(column.cell(level) if level.reached else NEVER for column in columns)
            for level in levels
        ),
    )


def detail_sheets(levels: Sequence[Level]) -> list[Sheet]:
    """Outcomes, load, tokens, errors of one model; sheets without rows are left out."""
    reached = [level for level in levels if level.reached]
    sheets = (
        _audit(reached),
        _outcomes(reached),
        _in_flight(reached),
        _tokens(reached),
        _errors(reached),
        *session_sheets(reached),
        *reach_sheets(reached),
        *server_sheets(reached),
    )
    return [sheet for sheet in sheets if sheet.rows]


def percentile_sheets(levels: Sequence[Level]) -> list[Sheet]:
    """Every percentile of every metric that has samples, one sheet a level."""
    return [
        Sheet(
            level.title,
            ("metric", "n", "min", "mean", *PERCENTILES, "max"),
            ("", "samples", "", "", *("percentile" for _ in PERCENTILES), ""),
            tuple(
                _percentile_row(level, metric.name, metric.title)
                for metric in METRICS
                if level.metrics[metric.name].n
            ),
            "certified",
            tuple(metric.name for metric in METRICS if level.metrics[metric.name].n),
            texts=1,
        )
        for level in levels
        if level.reached
    ]


def _percentile_row(level: Level, name: str, title: str) -> tuple[str, ...]:
    spread = level.metrics[name]
    figures: list[Figure] = [spread.min, spread.mean]
    figures += [spread.percentiles[percentile] for percentile in PERCENTILES]
    figures.append(spread.max)
    return (title, count(spread.n), *map(latency, figures))


def _sheet(
    title: str,
    term: str,
    levels: Iterable[Level],
    columns: Sequence[tuple[str, Callable[[Level], str]]],
) -> Sheet:
    return Sheet(
        title,
        tuple(name for name, _ in columns),
        ("",) * len(columns),
        tuple(tuple(cell(level) for _, cell in columns) for level in levels),
        term,
    )


def _load(level: Level) -> str:
    return f"{level.load}, round {level.round}" if level.round else level.load


def _outcomes(levels: Sequence[Level]) -> Sheet:
    def of(counts: str, name: str) -> Callable[[Level], str]:
        return lambda level: count(getattr(level, counts)[name])

    books = [(name, of("books", name)) for name in ("planned", "started", "dropped", "unsent")]
    outcomes = [(f"measured {name}", of("measured", name)) for name in OUTCOMES]
    columns = [
        ("load", _load),
        *books,
        ("warm-up", lambda level: count(level.warmup)),
        *outcomes,
        ("measured retried", of("measured", "retried")),
    ]
    return _sheet("Outcomes", "outcomes", levels, columns)


def _in_flight(levels: Sequence[Level]) -> Sheet:
    columns = [
        ("asked", _load),
        ("mean", lambda level: hundredths(level.in_flight_mean)),
        ("max", lambda level: count(level.in_flight_max)),
        ("time at asked", lambda level: share(level.at_asked)),
        ("window s", lambda level: number(level.window_s)),
        ("connections opened", lambda level: count(level.connections["opened"])),
        ("requests on a reused one", lambda level: count(level.connections["reused"])),
    ]
    return _sheet("In flight", "in_flight", levels, columns)


def _tokens(levels: Sequence[Level]) -> Sheet:
    def total(name: str) -> Callable[[Level], str]:
        return lambda level: count(level.tokens[name])

    columns = [
        ("load", _load),
        ("source", lambda level: _tallied(level.tokens["source"])),
        *((name, total(name)) for name in ("output", "input", "cached", "chunks")),
        ("answers where chunks differ", total("requests_chunks_differ")),
        ("ITL known", lambda level: share(level.tokens["itl_known_share"])),
        ("finish reasons", lambda level: _tallied(level.tokens["finish_reasons"])),
    ]
    return _sheet("Tokens", "tokens", levels, columns)


def _errors(levels: Sequence[Level]) -> Sheet:
    classes = dict.fromkeys(name for level in levels for name in level.errors)
    rows = tuple(
        (name, _load(level), count(level.errors[name]))
        for name in classes
        for level in levels
        if name in level.errors
    )
    return Sheet("Errors by class", ("class", "load", "requests"), ("", "", ""), rows, texts=1)


def _audit(levels: Sequence[Level]) -> Sheet:
    rows = tuple(
        (level.title, finding["name"], finding["status"], finding["value"], finding["why"])
        for level in levels
        for finding in level.audit
    )
    columns = ("level", "check", "status", "found", "because")
    return Sheet("Audit", columns, ("",) * 5, rows, "audit", texts=5)


_SAID_ELSEWHERE = frozenset({"tokens", "streaming", "pulse"})
"""Findings that are warnings of the stage as well, or about old files."""


def audit_remarks(levels: Sequence[Level]) -> list[str]:
    """What the audit found that is not ok, one line a level that has any."""
    lines = []
    for level in levels:
        found = [
            f"{finding['name']}: {finding['value']}"
            for finding in level.audit
            if finding["status"] == "warn" and finding["name"] not in _SAID_ELSEWHERE
        ]
        if found:
            lines.append(f"{level.title}: {'; '.join(found)}")
    return lines


def _tallied(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in counts.items()) or NOT_AVAILABLE


def warnings(levels: Sequence[Level]) -> list[str]:
    """One line a level that has any; what several metrics have in common is said once."""
    lines = []
    for level in levels:
        subjects: dict[str, list[str]] = {}
        for warning in level.warnings:
            subject, colon, rest = warning.partition(": ")
            subjects.setdefault(colon + rest, []).append(subject)
        if subjects:
            said = (", ".join(names) + rest for rest, names in subjects.items())
            lines.append(f"{level.title}: {'; '.join(said)}")
    return lines


def accuracy(levels: Sequence[Level]) -> str | None:
    """The widest error bounds of a model's levels in one line; None without a calibration."""
    widest = worst(level.error_budget for level in levels if level.error_budget is not None)
    return None if widest is None else safe_text(budget_line(widest))


def cold(result: dict[str, Any]) -> str | None:
    """The cold first request of a model's document in one sentence."""
    row = result["cold"]
    if row is None:
        return None
    if row["outcome"] != "ok":
        return safe_text(f"{row['outcome']} ({row['error_class'] or 'no class'})")
    return (
        f"TTFT {number(ms(row['ttft_ns']))} ms, E2E {number(ms(row['e2e_ns']))} ms, "
        f"{count(row['output_tokens'])} output tokens"
    )
