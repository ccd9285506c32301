"""What a run makes of each fault of the endpoint: outcome, error class, and how soon it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tailrace.simulate import CATALOGUE

EVERY_OTHER: dict[str, Any] = {"fault_every": 2}
AFTER_THE_FIRST: dict[str, Any] = {"fault_every": 1, "fault_from": 2}


@dataclass(frozen=True)
class Expected:
    """A row of the table."""

    fault: str
    classes: tuple[str, ...]
    """All that may come of it; none where a run goes on as if nothing were."""
    outcome: str = "error"
    httpx: tuple[str, ...] | None = None
    """The same for the stock transport, where it tells less; () is that it is not asked."""
    script: dict[str, Any] = field(default_factory=lambda: EVERY_OTHER)
    options: dict[str, Any] = field(default_factory=dict)
    within_s: float = 5.0


def _same_names(*names: str) -> list[Expected]:
    return [Expected(name, (name,)) for name in names]


SILENCE: dict[str, Any] = {"outcome": "timeout", "within_s": 0.3 * 2 + 5}
LARGE: dict[str, Any] = {"options": {"idle_timeout_s": 5.0}, "within_s": 10.0}
SHORT: dict[str, Any] = {"options": {"total_timeout_s": 0.6}, "within_s": 0.6 * 2 + 5}
AT_REQUEST_5: dict[str, Any] = {"fault_every": 1, "fault_from": 5}
GONE = ("connect_refused", "connection_closed", "reset", "truncated")

TABLE = [
    Expected(
        "reset_connect", ("reset", "connection_closed", "connect_failed"), script=AFTER_THE_FIRST
    ),
    Expected(
        "close_connect", ("connection_closed", "reset", "connect_failed"), script=AFTER_THE_FIRST
    ),
    Expected("black_hole", ("idle_timeout",), script=AFTER_THE_FIRST, **SILENCE),
    Expected("refused", GONE, script=AT_REQUEST_5),
    Expected("restart", GONE, script=AT_REQUEST_5, options={"requests": 24}),
    Expected("close_before_headers", ("connection_closed",)),
    Expected("reset_before_headers", ("reset",)),
    Expected("stall_before_headers", ("idle_timeout",), **SILENCE),
    Expected("close_mid_headers", ("connection_closed",)),
    Expected("reset_mid_headers", ("reset",)),
    Expected("stall_mid_headers", ("idle_timeout",), **SILENCE),
    Expected("stale_close", ("connection_closed", "reset")),
    Expected("stale_reset", ("reset",)),
    Expected("not_http", ("protocol",), httpx=("connection_closed",)),
    Expected("huge_header", ("head_too_large",)),
    Expected("many_headers", ("head_too_large",)),
    Expected("two_lengths", ("protocol",), httpx=("no_done",)),
    Expected("interim", ()),
    Expected("interim_endless", ("head_too_large",), httpx=()),
    Expected("upgrade", ("protocol",)),
    Expected("early_answer", ("http_413",)),
    Expected("two_answers", ()),
    *_same_names("http_204", "http_301", "http_302", "http_307", "http_308"),
    Expected("redirect_elsewhere", ("http_307",)),
    *_same_names("http_400", "http_401", "http_403", "http_404", "http_408", "http_409"),
    *_same_names("http_413", "http_429"),
    Expected("http_429_no_wait", ("http_429",)),
    *_same_names("http_500", "http_502", "http_503", "http_504"),
    Expected("http_503_wait", ("http_503",)),
    Expected("html_502", ("http_502",)),
    Expected("not_sse", ("not_sse",)),
    Expected("json_not_stream", ("not_sse",)),
    Expected("wrong_type", ("not_sse",)),
    Expected("gzip", ("encoded",)),
    Expected("short_body", ("truncated",)),
    Expected("bad_chunk_size", ("protocol",)),
    Expected("chunk_size_overflow", ("protocol",), httpx=()),
    Expected("endless_chunk_size", ("head_too_large",)),
    Expected("huge_trailer", ("head_too_large",)),
    Expected("invalid_utf8", ("bad_event",)),
    Expected("nul_bytes", ("bad_event",)),
    Expected("bytewise", ()),
    Expected("line_1mib", ()),
    Expected("line_100mib", ("event_too_large",), **LARGE),
    Expected("lines_100mib", ("event_too_large",), **LARGE),
    Expected("endless", ("total_timeout",), outcome="timeout", **SHORT),
    Expected("endless_comments", ("total_timeout",), outcome="timeout", **SHORT),
    Expected("error_event", ("error_event",)),
    Expected("truncated", ("truncated",)),
    Expected("half_close", ("truncated",)),
    Expected("no_done", ("no_done",)),
    Expected("reset", ("reset",)),
    Expected("stall", ("idle_timeout",), **SILENCE),
    Expected("empty", ("empty",)),
    Expected("garbage_json", ("bad_event",)),
    Expected("close_idle", ()),
    Expected("connection_close", ()),
]

OF_THE_WIRE = [
    row
    for row in TABLE
    for fault in (CATALOGUE[row.fault],)
    if (fault.play or fault.at != "request" or fault.then != "keep") and row.classes
]
"""Those that the transport tells, and not the answer: what another transport may see otherwise."""
