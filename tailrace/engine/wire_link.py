"""Link: the bytes of one connection, stamped; what lies under the HTTP of a Connection.

Two kinds. ``LoopLink`` takes what the event loop reads: for TLS, and where the kernel gives no
stamps. ``wire_kernel.KernelLink`` reads the socket itself and has the kernel's time of each read.

Rule of the LoopLink: a read is stamped in ``data_received`` and put aside; everything else about
it happens in ``Inbox.run``, which the loop calls after it has handed out all reads that were ready.
So when a server sends a token to each of 256 streams at once, the last of them is stamped some 256
times half a microsecond after the first, not 256 times the cost of parsing a chunk.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections import deque
from typing import Protocol

from tailrace.engine.clock import now_ns
from tailrace.engine.stamps import StampBook
from tailrace.engine.wire_reads import Pending

_ESTABLISHED = b"\x01"
"""First byte of Linux's ``tcp_info``: the state, TCP_ESTABLISHED of include/net/tcp_states.h."""

SLICE_NS = 500_000
"""Longest that reads are worked off before the loop gets to what has come meanwhile."""


class Reader(Protocol):
    """Who a link hands its reads to."""

    pending: Pending
    """Stamped reads that wait; a kernel link's are laid there (see ``wire_reads``)."""

    def heed(self) -> None:
        """Reads were laid with those that wait; it may be time to parse them."""
        ...

    def consume(self, at_ns: int, data: bytes, plain_start: int = 0) -> None:
        """One stamped read; ``plain_start``: see ``wire_reads.Pending``."""
        ...

    def lost(self, at_ns: int, exc: Exception | None) -> None:
        """The connection is gone; called once, after the last read."""
        ...


class _Nobody:
    """The reader of a link that has let go of its own."""

    pending: Pending = []  # noqa: RUF012 (nobody lets anything wait)

    def heed(self) -> None:
        """Nobody waits."""

    def consume(self, at_ns: int, data: bytes, plain_start: int = 0) -> None:
        """Nobody reads."""

    def lost(self, at_ns: int, exc: Exception | None) -> None:
        """Nobody cares."""


NOBODY = _Nobody()


class Link(Protocol):
    """One open connection's bytes."""

    @property
    def usable(self) -> bool:
        """Open, as far as this side knows."""
        ...

    def write(self, data: bytes) -> None:
        """Hand the bytes to the kernel now, as many as it takes; the rest follows."""
        ...

    @property
    def all_sent(self) -> bool:
        """Whether the kernel has taken everything that was written."""
        ...

    @property
    def unread(self) -> bool:
        """Whether bytes have come that nobody has read yet, or an end."""
        ...

    def still_open(self) -> bool:
        """Ask the kernel whether the server has closed meanwhile; the loop may not know yet."""
        ...

    def close(self) -> None:
        """Drop the connection at once; ``lost`` is called on a later turn of the loop."""
        ...


class Inbox:
    """Stamped reads of all loop links of one loop, worked off in order, a slice at a time."""

    __slots__ = ("_loop", "_reads", "_scheduled")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._reads: deque[tuple[int, LoopLink, bytes | None]] = deque()
        self._scheduled = False

    def put(self, at_ns: int, link: LoopLink, data: bytes | None) -> None:
        """Keep a read (None: the end of the connection) until the loop has stamped the others."""
        self._reads.append((at_ns, link, data))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.run)

    def run(self) -> None:
        """Parse what is here, for one slice of time at most."""
        reads = self._reads
        until_ns = now_ns() + SLICE_NS
        while reads:
            at_ns, link, data = reads.popleft()
            if data is None:
                link.let_go().lost(at_ns, link.loss)
            else:
                link.reader.consume(at_ns, data)
            if reads and now_ns() > until_ns:
                self._loop.call_soon(self.run)
                return
        self._scheduled = False


class LoopLink(asyncio.Protocol):
    """A link on an asyncio transport, plain or TLS."""

    def __init__(
        self, reader: Reader, inbox: Inbox, book: StampBook, sock: socket.socket | None
    ) -> None:
        self.reader: Reader = reader
        self.loss: Exception | None = None
        self._inbox = inbox
        self._book = book
        self._socket = sock
        """The plain socket under the transport; None with TLS."""
        self._transport: asyncio.Transport | None = None

    @property
    def usable(self) -> bool:
        """See Link.usable."""
        return self._transport is not None and not self._transport.is_closing()

    def still_open(self) -> bool:
        """See Link.still_open; under TLS only the loop knows."""
        return self.usable and (self._socket is None or is_open(self._socket))

    def write(self, data: bytes) -> None:
        """See Link.write: uvloop's own ``write`` keeps bytes until the loop's turn ends, which
        would put other users' work between the sent stamp and the sending.
        """
        transport = self._transport
        if transport is None:
            return
        if self._socket is not None and transport.get_write_buffer_size() == 0:
            with contextlib.suppress(OSError):  # full, or broken: the transport finds out which
                data = data[self._socket.send(data) :]
        if data:
            transport.write(data)

    @property
    def unread(self) -> bool:
        """See Link.unread; under TLS it is not known."""
        return self._socket is not None and has_unread(self._socket)

    @property
    def all_sent(self) -> bool:
        """See Link.all_sent."""
        return self._transport is None or self._transport.get_write_buffer_size() == 0

    def close(self) -> None:
        """See Link.close."""
        if self._transport is not None:
            self._transport.abort()

    def let_go(self) -> Reader:
        """Its reader, which holds the link: only the collector could free the two."""
        reader, self.reader = self.reader, NOBODY
        return reader

    # --- asyncio's side: stamp and put aside -------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected (and past TLS)."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """asyncio: one read."""
        self._inbox.put(now_ns(), self, data)
        self._book.user_reads += 1

    def eof_received(self) -> bool:
        """asyncio: the server is done writing; the transport closes itself."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: gone. Put aside too, so that reads before it are parsed first."""
        self._transport = self._socket = None
        self.loss = exc
        self._inbox.put(now_ns(), self, None)


def is_open(sock: socket.socket) -> bool:
    """Whether the kernel knows of no end on this non-blocking TCP socket."""
    try:
        if sys.platform == "linux":  # half the price of a peek, which raises where all is well
            return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == _ESTABLISHED
        return sock.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def has_unread(sock: socket.socket) -> bool:
    """Whether a non-blocking socket has anything to read, be it its end or an error."""
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
