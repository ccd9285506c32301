"""The endpoint's own counters as Prometheus text, for clients that read a server's metrics. Pure.

Rule: what they say is exact at the moment of asking: tokens count when their chunk is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
PATH = b"/metrics"


class Counts(NamedTuple):
    """What is told."""

    requests_running: int
    requests_waiting: int
    prompt_tokens_total: int
    generated_tokens_total: int


def metrics_text(counts: Counts) -> bytes:
    """The whole answer."""
    return "".join(_lines(counts)).encode()


def _lines(counts: Counts) -> Iterable[str]:
    for name, value in counts._asdict().items():
        kind = "counter" if name.endswith("_total") else "gauge"
        yield f"# TYPE simulate:{name} {kind}\nsimulate:{name} {value}\n"
