"""The street: one streaming request, from the socket to its Row.

    wire (stamped reads) -> Answer: sse -> dialect -> timeline -> Row

Nothing on it awaits between two chunks. The caller gets a Row whatever happens: an answer, an
error, a timeout, or a cancellation, which leaves what was seen so far in the row.
"""

from __future__ import annotations

import httpx

from tailrace.engine.answer import Answer
from tailrace.engine.clock import now_ns
from tailrace.engine.dialects.delta import Dialect
from tailrace.engine.exchange import Exchange, Prepared, WireError
from tailrace.engine.retry_rules import BUSY, retry_after_s
from tailrace.engine.wire import Wire
from tailrace.hidden import without_secrets
from tailrace.results.schema import Row

TIMEOUT_CLASSES = frozenset({"connect_timeout", "idle_timeout", "total_timeout"})


class Attempt:
    """One request under way: the wire's sink, and the row it fills."""

    __slots__ = ("_answer", "exchange", "on_body", "on_event", "origin_ns", "row")

    def __init__(self, row: Row, dialect: Dialect, origin_ns: int, keep_text: bool = False) -> None:
        """``row.streamed`` says how the answer is asked for."""
        self.row = row
        self.origin_ns = origin_ns
        self._answer = Answer(dialect, keep_text, row.streamed)
        self.on_body, self.on_event = self._answer.on_body, self._answer.on_event
        """Sink: a read goes to the answer without a detour."""
        self.exchange = Exchange(self)

    def on_headers(self) -> None:
        """Sink: status and headers are in the exchange."""
        exchange = self.exchange
        status, header = exchange.status or 0, exchange.header
        location = header(b"location") if 300 <= status < 400 else ""
        content_type, encoding = header(b"content-type"), header(b"content-encoding")
        self._answer.accept(status, content_type.lower(), encoding.lower(), location)

    async def perform(self, wire: Wire, request: httpx.Request | Prepared) -> Row:
        """Send the request and see it through; on cancellation call ``cut`` for the row."""
        try:
            await wire.exchange(request, self.exchange)
        except WireError as error:
            outcome = "timeout" if error.error_class in TIMEOUT_CLASSES else "error"
            self._fill(now_ns())
            self.row.outcome = outcome  # type: ignore[assignment]
            self.row.error_class = error.error_class
            self.row.error = without_secrets(str(error))
            return self.row
        closed_ns = self.exchange.closed_ns or now_ns()
        self._answer.close(closed_ns)
        self._fill(closed_ns)
        fault = self._answer.fault()
        if fault is not None:
            self.row.outcome = "error"
            self.row.error_class, self.row.error = fault
        return self.row

    @property
    def done(self) -> bool:
        """Whether the answer said that it is over ([DONE], or its API's own mark)."""
        return self._answer.timeline.done

    def cut(self) -> Row:
        """The row of a request that was given up: what was seen until now."""
        self._fill(now_ns())
        return self.row

    def _fill(self, ended_ns: int) -> None:
        row, exchange, origin_ns = self.row, self.exchange, self.origin_ns
        row.ended_ns = ended_ns - origin_ns
        for name in _EXCHANGE_TIMES:
            at_ns = getattr(exchange, name)
            if at_ns is not None:
                setattr(row, name, at_ns - origin_ns)
        row.status = exchange.status
        row.reused = exchange.reused
        row.peer, row.http = exchange.peer, exchange.http
        if exchange.status in BUSY:
            row.retry_after_s = retry_after_s(
                exchange.header(b"retry-after"), exchange.header(b"date")
            )
        row.reads = exchange.reads
        row.body_bytes = exchange.body_bytes
        self._answer.timeline.fill(row, origin_ns)
        row.finish_reason = without_secrets(row.finish_reason)
        row.text, row.reasoning = without_secrets(row.text), without_secrets(row.reasoning)
        row.tool_calls = without_secrets(row.tool_calls)
        exchange.release()


_EXCHANGE_TIMES = (
    "connect_begin_ns",
    "connect_end_ns",
    "tls_end_ns",
    "sent_ns",
    "headers_ns",
    "closed_ns",
)
