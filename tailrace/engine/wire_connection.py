"""Connection: one TCP (or TLS) connection, its HTTP/1.1 parser, and the exchange it carries.

Rule: a read is stamped in ``data_received`` and put aside; everything else about it happens in
``Inbox.run``, which the loop calls after it has handed out all reads that were ready. So when a
server sends a token to each of 256 streams at once, the last of them is stamped some 256 times
half a microsecond after the first, not 256 times the cost of parsing a chunk.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

import httptools

from tailrace.engine.clock import now_ns

_SLICE_NS = 500_000
"""Longest the inbox works before it lets the loop stamp what has come meanwhile."""


class Timeouts(NamedTuple):
    """Seconds; None is no limit."""

    connect_s: float | None = 10.0
    idle_s: float | None = 60.0
    """Longest silence between two reads of one answer, and until the first."""
    total_s: float | None = None
    """From the first byte sent to the end of the body."""


DEFAULT_TIMEOUTS = Timeouts()

PROMPTLY_NS = 1_000_000_000
"""A server that closes an idle connection sooner than this after an answer does so by habit."""


class WireError(Exception):
    """A request that did not get a whole answer; ``error_class`` is kept in its row."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class Sink(Protocol):
    """Where an exchange pushes what arrives."""

    def on_headers(self) -> None:
        """The exchange now has status and headers."""
        ...

    @property
    def on_body(self) -> Callable[[int, bytes], None]:
        """Takes the body bytes of one read, with the read's stamp."""
        ...


class _Nowhere:
    """The sink of an exchange that has ended."""

    def on_headers(self) -> None:
        """Nobody listens."""

    def on_body(self, at_ns: int, data: bytes) -> None:
        """Nobody listens."""


_NOWHERE = _Nowhere()


class Exchange:
    """One request on the wire: its stamps (absolute ns), status, headers, and where it pushes."""

    __slots__ = (
        "body_bytes",
        "closed_ns",
        "connect_begin_ns",
        "connect_end_ns",
        "headers",
        "headers_ns",
        "push",
        "reads",
        "reused",
        "sent_ns",
        "sink",
        "status",
        "tls_end_ns",
    )

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.push = sink.on_body
        self.connect_begin_ns: int | None = None
        self.connect_end_ns: int | None = None
        self.tls_end_ns: int | None = None
        self.sent_ns: int | None = None
        self.headers_ns: int | None = None
        self.closed_ns: int | None = None
        self.reused: bool | None = None
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.reads = 0
        self.body_bytes = 0

    def first_on(self, connection: Connection) -> None:
        """Take over the connect's stamps when this is the connection's first request."""
        self.reused = connection.carried > 0
        if not self.reused:
            self.connect_begin_ns = connection.connect_begin_ns
            self.connect_end_ns = connection.connect_end_ns
            self.tls_end_ns = connection.tls_end_ns

    def release(self) -> None:
        """Push nowhere from now on: sink and exchange no longer hold each other, so a finished
        request is freed at once and leaves nothing to the garbage collector.
        """
        self.sink = _NOWHERE

    def header(self, name: bytes) -> str:
        """A response header's value by its lower-case name, "" when it is absent."""
        for key, value in self.headers:
            if key.lower() == name:
                return value.decode("latin-1")
        return ""


class Inbox:
    """Stamped reads of all connections of one loop, worked off in order, a slice at a time."""

    __slots__ = ("_loop", "_reads", "_scheduled")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reads: deque[tuple[int, Connection, bytes | None]] = deque()
        self._scheduled = False

    def put(self, at_ns: int, connection: Connection, data: bytes | None) -> None:
        """Keep a read (None: the end of the connection) until the loop has stamped the others."""
        self._reads.append((at_ns, connection, data))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.run)

    def run(self) -> None:
        """Parse what is here, for one slice of time at most."""
        reads = self._reads
        until_ns = now_ns() + _SLICE_NS
        while reads:
            at_ns, connection, data = reads.popleft()
            connection.consume(at_ns, data)
            if reads and now_ns() > until_ns:
                self._loop.call_soon(self.run)
                return
        self._scheduled = False


class Connection(asyncio.Protocol):
    """Carries one exchange at a time and is handed back to its pool in between."""

    def __init__(
        self,
        origin: tuple[str, str, int],
        inbox: Inbox,
        release: Callable[[Connection], None],
        lost: Callable[[Connection, bool], None],
    ) -> None:
        self.origin = origin
        self.carried = 0
        self.socket: socket.socket | None = None
        """The plain socket under the transport; None with TLS."""
        self.connect_begin_ns: int | None = None
        self.connect_end_ns: int | None = None
        self.tls_end_ns: int | None = None
        self._inbox = inbox
        self._release = release
        self._lost_by = lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._parse = self._parser.feed_data
        self._exchange: Exchange | None = None
        self._ended: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeouts: Timeouts | None = None
        self._now_ns = 0
        """Stamp of the read being parsed."""
        self._last_read_ns = 0
        self._closed_here = False
        self._framed = False
        """The body's length is known from its headers, so only its whole length is its end."""
        self._loss: Exception | None = None

    @property
    def usable(self) -> bool:
        """Open, as far as this side knows."""
        return self._transport is not None and not self._transport.is_closing()

    def still_open(self) -> bool:
        """Ask the kernel whether the server has closed meanwhile; the loop may not know yet."""
        if not self.usable or self.socket is None:
            return self.usable
        try:
            return self.socket.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def carry(self, exchange: Exchange, request: bytes, timeouts: Timeouts) -> None:
        """Send a request and wait until its answer has been pushed to the sink, whole."""
        loop = asyncio.get_running_loop()
        transport = self._transport
        if transport is None:
            raise WireError("connection_closed", "the connection was closed before the request")
        self._exchange = exchange
        self._ended = loop.create_future()
        self._timeouts = timeouts
        self._framed = False
        self.carried += 1
        exchange.sent_ns = self._last_read_ns = now_ns()
        self._write(transport, request)
        self._watch(loop)
        reusable = False
        try:
            reusable = await self._ended
        finally:
            self._exchange = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if reusable and self.usable:
                self._release(self)
            else:
                self.close()

    def _write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Hand the bytes to the kernel now: uvloop's ``write`` keeps them until the loop's turn
        ends, which would put other users' work between the sent stamp and the sending.
        """
        if self.socket is not None and transport.get_write_buffer_size() == 0:
            with contextlib.suppress(OSError):  # full, or broken: the transport finds out which
                data = data[self.socket.send(data) :]
        if data:
            transport.write(data)

    def close(self) -> None:
        """Drop the connection at once; whatever it carries ends with an error."""
        if self._transport is not None:
            self._closed_here = self._closed_here or not self._transport.is_closing()
            self._transport.abort()

    # --- asyncio's side: stamp and put aside -------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected (and past TLS)."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """asyncio: one read."""
        self._inbox.put(now_ns(), self, data)

    def eof_received(self) -> bool:
        """asyncio: the server is done writing; the transport closes itself."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: gone. Put aside too, so that reads before it are parsed first."""
        self._transport = self.socket = None
        self._loss = exc
        self._inbox.put(now_ns(), self, None)

    # --- the inbox's side: parse -------------------------------------------------------------

    def consume(self, at_ns: int, data: bytes | None) -> None:
        """One stamped read, or None for the end of the connection."""
        if data is None:
            self._lost(at_ns)
            return
        self._now_ns = self._last_read_ns = at_ns
        if self._exchange is None:
            self.close()  # bytes nobody asked for: the connection cannot be trusted any more
            return
        try:
            self._parse(data)
        except httptools.HttpParserUpgrade:
            self._fail("protocol", "the server switched protocols")
        except httptools.HttpParserError as exc:
            self._fail("protocol", f"the answer is not HTTP/1.1: {exc}")

    def on_header(self, name: bytes, value: bytes) -> None:
        """httptools: one header (or trailer) field."""
        if self._exchange is not None and self._exchange.status is None:
            self._exchange.headers.append((name, value))

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
        exchange.headers_ns = self._now_ns
        names = {name.lower() for name, _ in exchange.headers}
        self._framed = b"content-length" in names or b"transfer-encoding" in names
        exchange.sink.on_headers()

    def on_body(self, body: bytes) -> None:
        """httptools: body bytes, chunk framing removed."""
        exchange = self._exchange
        if exchange is not None:
            exchange.reads += 1
            exchange.body_bytes += len(body)
            exchange.push(self._now_ns, body)

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        exchange, ended = self._exchange, self._ended
        if exchange is None or ended is None or exchange.status is None:
            return
        exchange.closed_ns = self._now_ns
        self._exchange = None
        if not ended.done():
            ended.set_result(self._parser.should_keep_alive())

    # --- endings -----------------------------------------------------------------------------

    def _lost(self, at_ns: int) -> None:
        idle = self._exchange is None and self.carried > 0 and not self._closed_here
        self._lost_by(self, idle and at_ns - self._last_read_ns < PROMPTLY_NS)
        self._now_ns = at_ns
        exchange = self._exchange
        if exchange is None:
            return
        if isinstance(self._loss, ConnectionResetError):
            self._fail("reset", "the server reset the connection")
        elif exchange.status is None:
            self._fail("connection_closed", "the server closed the connection without an answer")
        elif self._framed:
            self._fail("truncated", "the server closed the connection in the middle of the body")
        else:  # RFC 9112, section 6.3: a body without a length ends with the connection
            exchange.closed_ns = self._now_ns
            if self._ended is not None and not self._ended.done():
                self._ended.set_result(False)

    def _fail(self, error_class: str, message: str) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(WireError(error_class, message))
        self.close()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer a request, re-armed only when it fires: a read costs nothing."""
        exchange, timeouts = self._exchange, self._timeouts
        if exchange is None or timeouts is None or exchange.sent_ns is None:
            return
        at_ns = now_ns()
        left: list[float] = []
        if timeouts.idle_s is not None:
            left.append(timeouts.idle_s - (at_ns - self._last_read_ns) / 1e9)
            if left[-1] <= 0:
                self._fail("idle_timeout", f"nothing came for {timeouts.idle_s:g} s")
                return
        if timeouts.total_s is not None:
            left.append(timeouts.total_s - (at_ns - exchange.sent_ns) / 1e9)
            if left[-1] <= 0:
                self._fail("total_timeout", f"no whole answer within {timeouts.total_s:g} s")
                return
        if left:
            self._timer = loop.call_later(min(left) + 0.001, self._watch, loop)
