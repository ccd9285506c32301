"""Talk: a connection of ours without a socket, its answers handed over read by read.

The coroutine that carries an exchange is driven by hand. So a case costs some microseconds, no
timer runs, and what comes out depends on the reads alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from fuzz.pieces import plain_start
from tailrace.engine.exchange import PATIENCE, Exchange, Timeouts, WireError
from tailrace.engine.wire_connection import Connection
from tailrace.engine.wire_reads import may_wait

_LOOP = asyncio.new_event_loop()
_NO_LIMIT = Timeouts(None, None, None)


class Deaf:
    """A link that takes requests and says nothing; the test hands over the reads.

    ``unread`` says whether something has come that nobody has read.
    """

    usable = all_sent = True

    def __init__(self, unread: bool = False) -> None:
        self.unread = unread

    def write(self, data: bytes) -> None:
        """Nobody listens."""

    def still_open(self) -> bool:
        """As far as anyone knows."""
        return True

    def close(self) -> None:
        """From now on it is of no use."""
        self.usable = False


class Sink:
    """Keeps each read of a body with its stamp."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, bytes]] = []

    def on_headers(self) -> None:
        """They are in the exchange."""

    def on_body(self, at_ns: int, data: bytes) -> None:
        """One read's bytes."""
        self.reads.append((at_ns, data))


class Outcome(NamedTuple):
    """What came of one request."""

    status: int | None
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case; none of a head that never ended."""
    body: bytes
    end: str
    """``keep`` or ``close`` after a whole answer, ``open`` where it was not whole when the reads
    were over, else the class of the error."""


class Talk:
    """Requests on one connection, one after another."""

    def __init__(self, laid: bool = False) -> None:
        """``laid``: reads come as a kernel link's do, laid by and told of one read later."""
        self._laid = laid
        self._due = False
        self._released: list[Connection] = []
        self._connection = Connection(("http", "h", 1), self._released.append, lambda *_: None)
        self._connection.link = Deaf()
        self._at_ns = 0

    def ask(self, reads: Iterable[bytes], ended: bool = False) -> Outcome:
        """What comes of a request that these reads answer, and then the connection's end."""
        sink = Sink()
        exchange = Exchange(sink)
        self._released.clear()
        asyncio.events._set_running_loop(_LOOP)
        try:
            end = self._carry(exchange, reads, ended)
        finally:
            asyncio.events._set_running_loop(None)
        stamps = [at_ns for at_ns, _ in sink.reads]
        assert stamps == sorted(stamps), "a stamp went back"
        body = b"".join(data for _, data in sink.reads)
        assert (len(body), len(stamps)) == (exchange.body_bytes, exchange.reads)
        whole = exchange.headers if exchange.status is not None else ()
        headers = tuple((name.lower(), value) for name, value in whole)
        return Outcome(exchange.status, headers, body, end)

    def _hand_over(self, data: bytes) -> None:
        if not self._laid:
            self._connection.consume(self._at_ns, data, plain_start(data))
            return
        pending = self._connection.pending
        waits = may_wait(len(pending), data, PATIENCE)
        pending.append((self._at_ns, data, plain_start(data)))
        self._tell(not waits)

    def _tell(self, due: bool) -> None:
        """Of the read before, if that was due."""
        if self._due and self._connection.link.usable:
            self._connection.heed()
        self._due = due

    @property
    def _future(self) -> asyncio.Future[bool]:
        """What the carrying coroutine waits for."""
        assert self._connection._ended is not None
        return self._connection._ended

    def _carry(self, exchange: Exchange, reads: Iterable[bytes], ended: bool) -> str:
        carrying = self._connection.carry(exchange, b"GET", _NO_LIMIT)
        try:
            carrying.send(None)
            self._at_ns = self._at_ns or (exchange.sent_ns or 0)
            for data in reads:
                self._at_ns += 1000
                if not self._connection.link.usable:
                    break
                self._hand_over(data)
            self._tell(False)
            if ended:
                self._connection.lost(self._at_ns + 1000, None)
            if not self._future.cancel():
                carrying.send(None)
            carrying.close()  # as one that is given up
            return "open"
        except StopIteration:
            return "keep" if self._released else "close"
        except WireError as exc:
            return exc.error_class
