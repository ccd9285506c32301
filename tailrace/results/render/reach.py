"""Reach sheets: versions of HTTP, answers that asked to wait, figures by URL and address. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tailrace.results.render.figures import Figure, count, latency, ms, number
from tailrace.results.render.sheet import Sheet
from tailrace.results.render.table import Level
from tailrace.results.render.text import safe_text


def reach_sheets(levels: Sequence[Level]) -> list[Sheet]:
    """Without rows where there is nothing to tell."""
    return [_protocols(levels), _busy(levels)]


def reach_lines(levels: Sequence[Level]) -> list[str]:
    """For the terminal, one line each."""
    return [f"{level.title}: {text}" for level in levels for text in _lines(level)]


def _lines(level: Level) -> Iterator[str]:
    if level.http:
        yield f"HTTP version spoken: {_versions(level.http)}"
    if level.busy is not None:
        yield _busy_line(level.busy)
    for name, groups in (("to", level.urls), ("address", level.peers)):
        if groups:
            parts = (
                f"{safe_text(group[_KEY[name]], 200)} {count(group['n'] + group['not_ok'])} "
                f"requests, TTFT mean {_mean(group)}, p95 {_p95(group)} ms"
                for group in groups
            )
            yield f"by {'URL' if name == 'to' else name}: {'; '.join(parts)}"


_KEY = {"to": "base_url", "address": "peer"}


def _busy_line(busy: Mapping[str, Any]) -> str:
    text = (
        f"{busy['answers']} answers were 429 or 503, {busy['with_retry_after']} with Retry-After, "
        f"the longest {number(busy['longest_retry_after_s'])} s"
    )
    if busy["held"]:
        text += f"; users waited as asked {busy['held']} times, {_held_s(busy)} s in all"
    return text


def _held_s(busy: Mapping[str, Any]) -> str:
    return number(busy["held_ns"] / 1e9)


def _versions(http: Mapping[str, int]) -> str:
    return ", ".join(f"{version} ({n} answers)" for version, n in http.items())


def _mean(group: Mapping[str, Any]) -> str:
    return latency(Figure(ms(group["ttft"]["mean_ns"])))


def _p95(group: Mapping[str, Any]) -> str:
    return latency(Figure(ms(group["ttft"]["p95_ns"]), group["ttft"]["p95_certified"]))


def _protocols(levels: Sequence[Level]) -> Sheet:
    rows = tuple((level.title, _versions(level.http)) for level in levels if level.http)
    return Sheet("HTTP version spoken", ("level", "versions"), ("", ""), rows, texts=2)


def _busy(levels: Sequence[Level]) -> Sheet:
    columns = (
        *("level", "429 or 503", "with Retry-After", "longest asked s"),
        *("waited as asked", "waited s"),
    )
    rows = tuple(
        (
            level.title,
            count(busy["answers"]),
            count(busy["with_retry_after"]),
            number(busy["longest_retry_after_s"]),
            count(busy["held"]),
            _held_s(busy),
        )
        for level in levels
        if (busy := level.busy) is not None
    )
    return Sheet("Answers that asked to wait", columns, ("",) * len(columns), rows, texts=1)
