"""One client's connection: bytes in, whole requests out, and writes that reach the kernel at once.

Rule: `send` stamps, then writes straight to the socket while the transport holds nothing back;
what the kernel does not take goes to the transport, in order. Requests are answered one by one.
Why: uvloop's transport keeps what is written until its loop turns, so a stamp taken before
transport.write would be early by a whole batch of streams.
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol, cast

import httptools

from tailrace.simulate.arrival import ArrivalReader, reader_of
from tailrace.simulate.chunks import CONTINUE

DIRECT = sys.platform != "win32"
MOST_HEAD_BYTES = 65_536
MOST_BYTES = 256_000_000
"""Of one request; a picture in it is some megabytes."""
MOST_WAITING = 1_000
"""Requests that a client may send before the one that is answered."""


@dataclass(slots=True)
class Request:
    """One HTTP request: with the kernel in full at `arrived_ns`, read in full at `received_ns`."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool
    arrived_ns: int
    received_ns: int


class Handler(Protocol):
    """Whoever answers. `left` says that the client of an unanswered request is gone."""

    def opened(self, connection: Connection) -> int:
        """A client came; the answer is its number."""

    def request(self, connection: Connection, request: Request) -> None:
        """A request to answer, by `send` and in the end `answered`."""

    def head(self, connection: Connection, target: bytes, headers: dict[bytes, bytes]) -> None:
        """The headers of a request are here, and its body is not yet."""

    def malformed(self, connection: Connection) -> None:
        """The bytes are not HTTP."""

    def closed(self, connection: Connection) -> None:
        """The client is gone."""


class Connection(asyncio.Protocol):
    """The protocol, and the parser's callbacks."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._parser: httptools.HttpRequestParser | None = None
        self._transport: asyncio.Transport | None = None
        self._reader: ArrivalReader | None = None
        self._fd = -1
        self._waiting: deque[Request] = deque()
        self.busy = False
        self.gone = False
        self.number = 0
        self.epoch = 0
        self._arrived_ns = self._waiting_since_ns = 0
        self._begin_message()

    # The transport's calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpRequestParser(self)
        self._fd = _direct_fd(transport)
        self.number = self._handler.opened(self)
        loop = asyncio.get_running_loop()
        self._reader = reader_of(loop, self._transport, self.read)
        if self._reader is not None:
            self._waiting_since_ns = self._reader.waiting_since_ns()
            loop.call_soon(self._take_over)

    def _take_over(self) -> None:
        """Not in `connection_made`: uvloop begins to read right after it, paused or not.

        What it reads before is most often a request that came while nobody accepted.
        """
        if self._reader is not None:
            try:
                self._reader.start()
            except (OSError, NotImplementedError, RuntimeError):
                self._reader.close()
                self._reader = None

    def data_received(self, data: bytes) -> None:
        """Bytes that the event loop read, before or where nobody else could."""
        arrived_ns, self._waiting_since_ns = self._waiting_since_ns, 0
        self.read(data, arrived_ns or time.perf_counter_ns())

    def read(self, data: bytes, arrived_ns: int) -> None:
        """Feed the parser, then answer what it completed; no data mean that the client left."""
        if not data:
            self.close()
        if self.gone or self._parser is None:
            return
        self._arrived_ns = arrived_ns
        self._taken += len(data)  # set back by the read that ends a request
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._handler.malformed(self)
            return
        too_long = self._taken > (MOST_BYTES if self._has_head else MOST_HEAD_BYTES)
        if too_long or len(self._waiting) > MOST_WAITING:
            self._handler.malformed(self)
            return
        if not self.busy:
            self._next()

    def eof_received(self) -> bool:
        """A client that sends no more has left."""
        self._lose()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._lose()
        self._transport = None

    # The parser's calls.

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Let a careful client send its body."""
        self._has_head = True
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and not self.busy:
            self.send(CONTINUE)
        if not self.busy:
            self._handler.head(self, self._target, self._headers)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """A whole request."""
        now = time.perf_counter_ns()
        parser = self._parser
        if parser is None:  # its request was answered before it was whole
            return
        self._waiting.append(
            Request(
                method=parser.get_method(),
                target=self._target,
                headers=self._headers,
                body=b"".join(self._body),
                keep_alive=parser.should_keep_alive(),
                arrived_ns=self._arrived_ns,
                received_ns=now,
            )
        )
        self._begin_message()

    def _begin_message(self) -> None:
        self._target = b""
        self._has_head = False
        self._taken = 0
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []

    # The answer's calls.

    def send(self, data: bytes) -> int:
        """Write now; the answer is the time just before."""
        if self._fd >= 0:
            stamp = time.perf_counter_ns()
            try:
                wrote = os.write(self._fd, data)
            except BlockingIOError:
                wrote = 0
            except OSError:
                self.abort()
                return stamp
            if wrote != len(data) and self._transport is not None:
                self._fd = -1
                self._transport.write(data[wrote:])
            return stamp
        stamp = time.perf_counter_ns()
        if self._transport is not None and not self.gone:
            self._transport.write(data)
            if DIRECT and self._transport.get_write_buffer_size() == 0:
                self._fd = _direct_fd(self._transport)
        return stamp

    def answered(self, *, keep: bool = True) -> None:
        """The answer is whole: take the next request, or close."""
        self.busy = False
        if not keep:
            self.close()
        elif not self.gone:
            self._next()

    @property
    def unread(self) -> bool:
        """Whether more has come than was read, as far as can be told here."""
        if self._fd < 0:
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """End the connection after what is written."""
        transport = self._transport
        self._lose()
        if transport is not None:
            transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        transport = self._transport
        self._lose()
        if transport is not None:
            transport.abort()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        if self._transport is not None:
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            handle = self._transport.get_extra_info("socket")
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.abort()

    def half_close(self) -> None:
        """Send no more, and go on reading."""
        if self._transport is not None and self._transport.can_write_eof():
            self._transport.write_eof()

    def ignore(self) -> None:
        """Whatever comes from now on is read and thrown away, until the client leaves."""
        self._parser = None

    @property
    def held_bytes(self) -> int:
        """Written bytes that the kernel has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def _next(self) -> None:
        if self._waiting and not self.gone:
            self.busy = True
            self._handler.request(self, self._waiting.popleft())

    def _lose(self) -> None:
        """Forget the descriptor before anyone else can be given its number."""
        self._fd = -1
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if not self.gone:
            self.gone = True
            self._parser = None
            self._handler.closed(self)


def _direct_fd(transport: asyncio.BaseTransport) -> int:
    """The descriptor to write to, or -1 where only the transport may write."""
    handle = transport.get_extra_info("socket")
    if handle is None:
        return -1
    handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return int(handle.fileno()) if DIRECT else -1
