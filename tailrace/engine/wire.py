"""FastTransport: HTTP/1.1 requests over our own connections, every read stamped at the socket.

What: an ``httpx.AsyncBaseTransport``, so it fits wherever httpx takes one, and a ``Wire``, which is
how tailrace itself calls it: one ``await`` a request, body bytes pushed with their stamps.

Why not stock httpx: it wakes a task and runs some forty Python frames for each chunk; at 256
streams its own queue shows up as seconds of TTFT. Here a chunk costs no task wake-up at all.

No hidden cap: a request that finds no idle connection opens one. Which address it leads to is
decided in ``addresses.py``.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from typing import Protocol

import httpx

from tailrace.engine import wire_reads
from tailrace.engine.addresses import Address, Addresses, peer_text
from tailrace.engine.clock import now_ns
from tailrace.engine.exchange import (
    DEFAULT_TIMEOUTS,
    Exchange,
    Origin,
    Prepared,
    Timeouts,
    WireError,
    at_own_limit,
    head_bytes,
    origin_of,
    tls_failed,
)
from tailrace.engine.stamps import StampBook, ask_for_stamps
from tailrace.engine.wire_connection import Connection
from tailrace.engine.wire_kernel import KernelLink, Poller
from tailrace.engine.wire_link import Inbox, LoopLink
from tailrace.engine.wire_reads import Take

_PREPARE_AT_ONCE = 64
"""Connects under way at a time when connecting ahead; a burst of all would overflow backlogs."""


class Wire(Protocol):
    """How the street sends a request, whatever transport is under it."""

    name: str
    opened: int
    """Connections opened so far."""
    stamps: StampBook
    """Who stamped the reads, since its last reset."""

    async def exchange(self, request: httpx.Request | Prepared, exchange: Exchange) -> None:
        """Send and see the answer through to its end; raises WireError, never httpx's errors.

        The stamps gather in ``exchange``, body bytes go to its sink; both hold what was seen
        until then when this raises or is cancelled.
        """
        ...

    async def prepare(self, url: httpx.URL, connections: int) -> None:
        """Have that many idle connections open, ahead of need."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


class FastTransport(httpx.AsyncBaseTransport):
    """Keep-alive HTTP/1.1 on asyncio protocols; for use on one event loop."""

    name = "fast"

    def __init__(
        self,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        ssl_context: ssl.SSLContext | None = None,
        kernel_stamps: bool = True,
        addresses: Addresses | None = None,
        take: Take | None = None,
    ) -> None:
        """``addresses``: how hosts are looked up, and which address is dialled; ``take``: how
        sockets are read, by default in C where that was built.
        """
        self.timeouts = timeouts
        self.opened = 0
        self.stamps = StampBook()
        self._kernel_stamps = kernel_stamps
        self._ssl_context = ssl_context
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: set[Connection] = set()
        self._single_use: set[Origin] = set()
        """Servers that close after an answer without saying so, as llama.cpp's does: a request on
        such a connection would race with its end."""
        self._addresses = addresses or Addresses()
        self._inbox: Inbox | None = None
        self._poller: Poller | None = None
        self._take = take or wire_reads.load()[0]

    async def exchange(self, request: httpx.Request | Prepared, exchange: Exchange) -> None:
        """See Wire.exchange."""
        if isinstance(request, Prepared):
            origin, data = request.origin, request.data
        else:
            origin, data = origin_of(request.url), serialize(request)
        connection = self._take_idle(origin) or await self._dial(origin)
        exchange.first_on(connection)
        await connection.carry(exchange, data, self.timeouts)

    async def prepare(self, url: httpx.URL, connections: int) -> None:
        """See Wire.prepare."""
        origin = origin_of(url)
        ready: list[Connection] = []
        while len(ready) < connections and (connection := self._take_idle(origin)) is not None:
            ready.append(connection)
        failures: list[BaseException] = []
        try:
            while not failures and (missing := connections - len(ready)) > 0:
                dials = (self._dial(origin) for _ in range(min(missing, _PREPARE_AT_ONCE)))
                done = await asyncio.gather(*dials, return_exceptions=True)
                ready += [one for one in done if isinstance(one, Connection)]
                failures = [one for one in done if isinstance(one, BaseException)]
        finally:  # what is open is of use, even where more could not be opened
            self._idle.setdefault(origin, []).extend(ready)
        if failures:
            raise failures[0]

    async def aclose(self) -> None:
        """Close every connection, those in use as well."""
        for connection in tuple(self._open):
            connection.close()
        self._idle.clear()
        if self._poller is not None:
            self._poller.close()
            self._poller = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """httpx's own entrance: returns at the headers, body as an async stream of the reads."""
        timeout = request.extensions.get("timeout", {})
        timeouts = Timeouts(timeout.get("connect"), timeout.get("read"))
        stream = PulledBody()
        exchange = Exchange(stream, patience=0)  # whoever iterates wants each read at once
        origin = origin_of(request.url)
        await request.aread()
        try:
            connection = self._take_idle(origin) or await self._dial(origin, timeouts.connect_s)
            exchange.first_on(connection)
            stream.start(connection.carry(exchange, serialize(request), timeouts))
            await stream.headers_seen(exchange)
        except WireError as error:
            raise httpx.TransportError(str(error), request=request) from error
        return httpx.Response(
            exchange.status or 0,
            headers=exchange.headers,
            stream=stream,
            extensions={"http_version": b"HTTP/1.1", "tailrace.exchange": exchange},
        )

    def _take_idle(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()  # the most recently used is the least likely to be closed
            spent = connection.carried > 0 and origin in self._single_use
            if not spent and connection.still_open():
                return connection
            connection.close()
        return None

    def _release(self, connection: Connection) -> None:
        self._idle.setdefault(connection.origin, []).append(connection)

    def _lost(self, connection: Connection, by_habit: bool) -> None:
        self._open.discard(connection)
        if by_habit:
            self._single_use.add(connection.origin)

    async def _dial(self, origin: Origin, connect_s: float | None = None) -> Connection:
        limit_s = connect_s if connect_s is not None else self.timeouts.connect_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._connect(origin)
        except TimeoutError:
            raise WireError(
                "connect_timeout", f"no connection to {address_text(origin)} within {limit_s:g} s"
            ) from None

    async def _connect(self, origin: Origin) -> Connection:
        addresses = await self._addresses.to_dial(origin)
        begin_ns = now_ns()
        sock, address = await self._connect_first(addresses, origin)
        end_ns = now_ns()
        connection = Connection(origin, self._release, self._lost)
        connection.connect_begin_ns, connection.connect_end_ns = begin_ns, end_ns
        if self._addresses.told:
            connection.peer = peer_text(address)
        try:
            await self._link(connection, sock)
        except BaseException:
            sock.close()
            connection.let_go()
            raise
        self.opened += 1
        self._open.add(connection)
        return connection

    async def _link(self, connection: Connection, sock: socket.socket) -> None:
        """Put a link on the socket: the kernel's stamps where it can be, else the loop's reads."""
        loop = asyncio.get_running_loop()
        origin = connection.origin
        tls = origin[0] == "https"
        if not tls and self._kernel_stamps and ask_for_stamps(sock):
            if self._poller is None:
                self._poller = Poller(loop, self.stamps, self._take)
            connection.link = KernelLink(loop, self._poller, sock, connection)
            return
        if self._inbox is None:
            self._inbox = Inbox(loop)
        link = LoopLink(connection, self._inbox, self.stamps, None if tls else sock)
        connection.link = link
        try:
            await loop.create_connection(
                lambda: link,
                sock=sock,
                ssl=self._tls_context() if tls else None,
                server_hostname=origin[1] if tls else None,
            )
        except BaseException as exc:
            link.let_go()
            if not isinstance(exc, OSError):
                raise
            if tls:  # ssl.SSLError is an OSError
                raise tls_failed(exc, address_text(origin)) from None
            raise connect_error(exc, origin) from None
        if tls:
            connection.tls_end_ns = now_ns()

    async def _connect_first(
        self, addresses: Sequence[Address], origin: Origin
    ) -> tuple[socket.socket, Address]:
        """A connected socket, and the first address that answers."""
        failure: OSError = OSError("no address")
        for address in addresses:
            try:
                sock = await _connected(address)
            except OSError as exc:
                failure = exc
                continue
            self._addresses.answered(origin, address)
            return sock, address
        try:
            raise connect_error(failure, origin)
        finally:
            del failure  # it holds this frame, which holds it

    def _tls_context(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
        return self._ssl_context


class PulledBody(httpx.AsyncByteStream):
    """The body for httpx's users: queues the pushed reads until somebody iterates."""

    def __init__(self) -> None:
        self._reads: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._headers = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def on_headers(self) -> None:
        """Sink: the status line and headers are known."""
        self._headers.set()

    def on_body(self, at_ns: int, data: bytes) -> None:
        """Sink: one read's body bytes."""
        self._reads.put_nowait(data)

    def start(self, carrying: Coroutine[None, None, None]) -> None:
        """Run the exchange beside the iteration."""
        self._task = asyncio.create_task(carrying)
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._headers.set()
        self._reads.put_nowait(None)

    async def headers_seen(self, exchange: Exchange) -> None:
        """Wait for the headers; raises the exchange's WireError when they never come."""
        await self._headers.wait()
        if exchange.status is None and self._task is not None:
            await self._task

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (data := await self._reads.get()) is not None:
            yield data
        if self._task is not None:
            try:
                await self._task
            except WireError as error:
                raise httpx.RemoteProtocolError(str(error)) from error

    async def aclose(self) -> None:
        """Give up on what has not been read."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def address_text(origin: Origin) -> str:
    """``host:port`` for messages, IPv6 in brackets."""
    host = f"[{origin[1]}]" if ":" in origin[1] else origin[1]
    return f"{host}:{origin[2]}"


async def _connected(to: Address) -> socket.socket:
    family, address = to
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def connect_error(exc: OSError, origin: Origin) -> WireError:
    """A failed connect in one sentence."""
    where = address_text(origin)
    if isinstance(exc, ConnectionRefusedError):
        return WireError("connect_refused", f"{where} refused the connection")
    reason = exc.strerror or str(exc)
    own_limit = at_own_limit(exc, where)
    return own_limit or WireError("connect_failed", f"no connection to {where}: {reason}")


def serialize(request: httpx.Request) -> bytes:
    """The request as HTTP/1.1 bytes; its content must have been read."""
    assert isinstance(request.stream, Iterable)  # httpx.ByteStream: the content is in memory
    head = head_bytes(request.method, request.url, request.headers.raw)
    return b"".join((head, b"\r\n", *request.stream))
