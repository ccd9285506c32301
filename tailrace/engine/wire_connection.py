"""Connection: HTTP/1.1 on one link, and the exchange that it carries.

A link hands over stamped reads; here they are parsed (llhttp, through httptools) and pushed to the
exchange's sink with their stamp. A connection carries one exchange at a time and goes back to its
pool in between.

Rule: inside a chunked body, reads are put by and worked off some at a time, from the HTTP framing
to the timeline in one go. One by one they would be parsed between other streams' reads, each time
with cold caches, which costs twice as much. A read in which the body may end is worked off at once.
A kernel link lays its reads there by itself, and says when it is time (``wire_reads``).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import httptools

from tailrace.engine.clock import now_ns
from tailrace.engine.exchange import (
    ANSWER_LIMIT_BYTES,
    HEAD_LIMIT_BYTES,
    LOOK_S,
    Exchange,
    Timeouts,
    WireError,
    out_of_memory,
    too_large_answer,
)
from tailrace.engine.wire_link import Link
from tailrace.engine.wire_reads import Pending, may_end

PROMPTLY_NS = 1_000_000_000
"""A server that closes an idle connection sooner than this after an answer does so by habit."""

_BEHIND_S = 0.05
"""When to look again at a connection whose bytes have come and were not read yet."""

_BEHIND = len(b"\n\n\r\n")
"""Behind the data of a read that is one plain event."""
_AROUND = len(b"data: \n\n") - _BEHIND
"""So much longer is its chunk's body than what of the read begins with its data."""
_SPACE = b" \t"
"""What may stand behind a field's value and is no part of it (RFC 9110, section 5.5)."""


class Connection:
    """Carries one exchange at a time; the pool gives it its ``link`` once that is open."""

    link: Link

    def __init__(
        self,
        origin: tuple[str, str, int],
        release: Callable[[Connection], None],
        lost: Callable[[Connection, bool], None],
    ) -> None:
        self.origin = origin
        self.carried = 0
        self.connect_begin_ns: int | None = None
        self.connect_end_ns: int | None = None
        self.tls_end_ns: int | None = None
        self.peer: str | None = None
        self._release = release
        self._lost_by = lost
        self._parser = httptools.HttpResponseParser(self)
        self._parse: Callable[[bytes], None] = self._parser.feed_data
        self._bodiless_bytes = 0
        """What came since the last byte of a body: headers, trailers, sizes of chunks."""
        self._exchange: Exchange | None = None
        self._ended: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeouts: Timeouts | None = None
        self.pending: Pending = []
        """Stamped reads that are not parsed yet."""
        self._last_read_ns = 0
        """Stamp of the read being parsed, or of the last that was."""
        self._closed_here = False
        self._framed = False
        """The body's length is known from its headers, so only its whole length is its end."""
        self._patience = 0
        """Reads that may be put by now; none outside a chunked body."""
        self._at_edge = False
        """The parser stands between two chunks."""

    def still_open(self) -> bool:
        """Ask the kernel whether the server has closed meanwhile; the loop may not know yet."""
        return self.link.still_open()

    async def carry(self, exchange: Exchange, request: bytes, timeouts: Timeouts) -> None:
        """Send a request and wait until its answer has been pushed to the sink, whole."""
        loop = asyncio.get_running_loop()
        if not self.link.usable:
            raise WireError("connection_closed", "the connection was closed before the request")
        self._exchange = exchange
        self._ended = loop.create_future()
        self._framed = self._at_edge = False
        self._patience = self._bodiless_bytes = 0
        self.carried += 1
        exchange.sent_ns = self._last_read_ns = now_ns()
        self.link.write(request)
        if self._timer is None or timeouts is not self._timeouts:
            self._timeouts = timeouts
            self._watch(loop)
        reusable = False
        try:
            reusable = await self._ended
        finally:
            self._work_off()  # a request that is given up keeps what was read of its answer
            self._exchange = self._ended = None  # a failure in it would hold this frame, and us
            if reusable and self.link.usable and self.link.all_sent:
                self._release(self)
            else:
                self.close()

    def close(self) -> None:
        """Drop the connection at once; whatever it carries ends with an error."""
        self._closed_here = self._closed_here or self.link.usable
        self._stop_watching()
        self.link.close()

    def let_go(self) -> None:
        """Of its parser, which holds it: only the collector could free the two."""
        self._parse = _drop
        vars(self).pop("_parser", None)

    # --- the link's side: parse --------------------------------------------------------------

    def consume(self, at_ns: int, data: bytes, plain_start: int = 0) -> None:
        """Link: one stamped read."""
        self.pending.append((at_ns, data, plain_start))
        if len(self.pending) > self._patience or may_end(data):
            self._work_off()

    def heed(self) -> None:
        """Link: reads were laid by. More than one are only told of when it is time."""
        pending = self.pending
        if pending and (len(pending) > 1 or not self._patience or may_end(pending[0][1])):
            self._work_off()

    def _work_off(self) -> None:
        """Parse the reads that were put by."""
        pending = self.pending
        exchange = self._exchange
        body_bytes = 0 if exchange is None else exchange.body_bytes
        failure: tuple[str, str] | None = None
        try:
            self._parse_all(pending)
            if exchange is not None and exchange.body_bytes == body_bytes:
                self._count_bodiless(exchange, pending)
            else:
                self._bodiless_bytes = 0
        except httptools.HttpParserUpgrade:
            failure = "protocol", "the server switched protocols"
        except httptools.HttpParserCallbackError as exc:
            failure = _refusal(exc.__context__)
        except httptools.HttpParserError as exc:
            failure = "protocol", f"the answer is not HTTP/1.1: {exc}"
        except Exception as exc:  # whatever it is, it is this answer's, and others go on
            failure = _refusal(exc)
        pending.clear()
        if failure is not None:
            self._fail(*failure)

    def _parse_all(self, reads: Pending) -> None:
        """Between two chunks a read that is just one chunk with one event in it passes the parser
        by, which would stand between two chunks again: all that is to be known of it is known.
        No stamp is before the one before it.
        """
        parse = self._parse
        for at_ns, data, plain_start in reads:
            if at_ns > self._last_read_ns:  # noqa: PLR1730 (max costs three times as much)
                self._last_read_ns = at_ns
            exchange = self._exchange
            if exchange is None:
                self.close()  # bytes nobody asked for: the connection cannot be trusted
                break
            before_bytes = exchange.body_bytes
            if not plain_start:
                self._at_edge = False
                parse(data)
            elif not self._at_edge:
                parse(data)
                # As many body bytes as the chunk has, if it was one to the parser too.
                chunk_bytes = len(data) - plain_start + _AROUND
                self._at_edge = exchange.body_bytes - before_bytes == chunk_bytes
            else:
                exchange.reads += 1
                exchange.body_bytes = before_bytes + len(data) - plain_start + _AROUND
                exchange.push_event(self._last_read_ns, data[plain_start:-_BEHIND])

    def _count_bodiless(self, exchange: Exchange, reads: Pending) -> None:
        """The parser holds a field until it is whole, and reads on past any number of them."""
        self._bodiless_bytes += sum(len(data) for _, data, _ in reads)
        if self._bodiless_bytes > HEAD_LIMIT_BYTES:
            what = "headers" if exchange.status is None else "trailers or chunk sizes"
            message = f"the answer's {what} are larger than {HEAD_LIMIT_BYTES >> 10} KiB"
            raise WireError("head_too_large", message)

    def on_message_begin(self) -> None:
        """httptools: an answer begins; one that nobody asked for cannot be trusted."""
        if self._exchange is None:
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header (or trailer) field."""
        if self._exchange is None or self._exchange.status is not None:
            return
        bare = value.rstrip(_SPACE)
        if len(bare) < len(value) and b"\t" in value and name.lower() == b"transfer-encoding":
            # llhttp takes the tab for a part of the coding's name, and would not undo the chunks.
            raise WireError("protocol", "a tab stands behind the value of transfer-encoding")
        self._exchange.headers.append((name, bare))

    def on_headers_complete(self) -> None:
        """httptools: the header block has ended."""
        exchange = self._exchange
        if exchange is None:
            return
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer; the real one follows
            exchange.headers.clear()
            return
        exchange.status = status
        exchange.headers_ns = self._last_read_ns
        names = {name.lower() for name, _ in exchange.headers}
        self._framed = b"content-length" in names or b"transfer-encoding" in names
        self._patience = exchange.patience if b"transfer-encoding" in names else 0
        exchange.sink.on_headers()

    def on_body(self, body: bytes) -> None:
        """httptools: body bytes, chunk framing removed."""
        exchange = self._exchange
        if exchange is not None:
            exchange.reads += 1
            exchange.body_bytes += len(body)
            push = exchange.push
            push(self._last_read_ns, body)

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        exchange, ended = self._exchange, self._ended
        if exchange is None or ended is None or exchange.status is None:
            return
        exchange.closed_ns = self._last_read_ns
        self._exchange = None
        self._patience = 0
        keeps = self._parser.should_keep_alive()
        if not keeps:
            self._closed_here = True  # whoever closes first: the server said so, it is no habit
        if not ended.done():
            ended.set_result(keeps)

    # --- endings -----------------------------------------------------------------------------

    def lost(self, at_ns: int, exc: Exception | None) -> None:
        """Link: the connection is gone."""
        self._work_off()
        self._stop_watching()
        self.let_go()
        idle = self._exchange is None and self.carried > 0 and not self._closed_here
        self._lost_by(self, idle and at_ns - self._last_read_ns < PROMPTLY_NS)
        exchange = self._exchange
        if exchange is None:
            return
        if exc is not None:
            self._fail(*_loss(exc))
        elif exchange.status is None:
            self._fail("connection_closed", self._unanswered(exchange))
        elif self._framed:
            self._fail("truncated", "the server closed the connection in the middle of the body")
        else:  # RFC 9112, section 6.3: a body without a length ends with the connection
            exchange.closed_ns = at_ns
            if self._ended is not None and not self._ended.done():
                self._ended.set_result(False)

    def _unanswered(self, exchange: Exchange) -> str:
        if self._bodiless_bytes:
            return "the server closed the connection in the middle of the answer's headers"
        which = "the kept connection" if exchange.reused else "the connection"
        return f"the server closed {which} without an answer"

    def _fail(self, error_class: str, message: str) -> None:
        """End the exchange; what was read of its answer counts, and may even be all of it."""
        if self.pending:
            self._work_off()
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(WireError(error_class, message))
        self.close()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer, armed anew only when it fires: a read costs nothing, and a request only where
        none is left from those before it, which comes no later than its own would.
        """
        self._stop_watching()
        exchange, timeouts = self._exchange, self._timeouts
        if exchange is None or timeouts is None or exchange.sent_ns is None:
            return
        at_ns = now_ns()
        left: list[float] = [LOOK_S]
        if timeouts.idle_s is not None:
            last_ns = self.pending[-1][0] if self.pending else self._last_read_ns
            left.append(timeouts.idle_s - (at_ns - last_ns) / 1e9)
            if left[-1] <= 0 and self.link.unread:
                left[-1] = _BEHIND_S  # it is this client that is late, not the server
            elif left[-1] <= 0:
                self._fail("idle_timeout", f"nothing came for {timeouts.idle_s:g} s")
                return
        if timeouts.total_s is not None:
            left.append(timeouts.total_s - (at_ns - exchange.sent_ns) / 1e9)
            if left[-1] <= 0:
                self._fail("total_timeout", f"no whole answer within {timeouts.total_s:g} s")
                return
        if exchange.body_bytes > ANSWER_LIMIT_BYTES:
            error = too_large_answer(ANSWER_LIMIT_BYTES)
            self._fail(error.error_class, str(error))
            return
        self._timer = loop.call_later(min(left) + 0.001, self._watch, loop)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _drop(data: bytes) -> None:
    """What a connection that is gone does with a read."""


def _refusal(cause: BaseException | None) -> tuple[str, str]:
    """Error class and sentence of what the reading of an answer raised."""
    if isinstance(cause, MemoryError):
        cause = out_of_memory()
    if isinstance(cause, WireError):
        return cause.error_class, str(cause)
    return "protocol", f"the answer cannot be read: {cause!r}"


def _loss(exc: Exception) -> tuple[str, str]:
    """Error class and sentence of a connection that ended with an error."""
    if isinstance(exc, ConnectionResetError | BrokenPipeError):
        return "reset", "the server reset the connection"
    if isinstance(exc, ssl.SSLError):
        return "tls", f"TLS failed: {exc}"
    if isinstance(exc, MemoryError):
        return _refusal(exc)
    reason = exc.strerror if isinstance(exc, OSError) else None
    return "connection_lost", f"the connection was lost: {reason or exc}"
