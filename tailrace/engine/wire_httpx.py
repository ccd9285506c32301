"""HttpxWire: the same street on stock httpx, for HTTP/2, proxies, and as a second opinion.

Stamps are taken when httpx hands over a chunk, so they carry its own delays; the connect and send
stamps come from httpcore's ``trace`` extension. The result names the transport.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl

import httpx

from tailrace.engine.addresses import peer_text
from tailrace.engine.clock import now_ns
from tailrace.engine.exchange import (
    ANSWER_LIMIT_BYTES,
    DEFAULT_TIMEOUTS,
    Exchange,
    Origin,
    Prepared,
    Timeouts,
    WireError,
    at_own_limit,
    causes,
    origin_of,
    tls_failed,
    too_large_answer,
)
from tailrace.engine.proxies import Proxy, proxy_for
from tailrace.engine.stamps import StampBook
from tailrace.engine.stock import StockTransport
from tailrace.scenarios.reach import Reach

PLAIN = Reach()


class HttpxWire:
    """A Wire over ``httpx.AsyncHTTPTransport`` with its connection caps taken off."""

    name = "httpx"

    def __init__(
        self,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        ssl_context: ssl.SSLContext | None = None,
        reach: Reach = PLAIN,
        tells_peer: bool = False,
    ) -> None:
        """``tells_peer``: rows are to keep the address that their connection led to."""
        self.timeouts = timeouts
        self.opened = 0
        self.stamps = StampBook()
        # Made now: to read the certificates takes longer than a request may.
        self._ssl_context = ssl_context or ssl.create_default_context()
        self._reach = reach
        self._tells_peer = tells_peer
        self._http2_errors = _http2_errors() if reach.http2 else ()
        self._transports: dict[Proxy | None, httpx.AsyncHTTPTransport] = {}
        self._by_origin: dict[Origin, httpx.AsyncHTTPTransport] = {}

    def _transport_for(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        """One for each proxy, and one for none."""
        origin = origin_of(url)
        transport = self._by_origin.get(origin)
        if transport is None:
            proxy = proxy_for(str(url), self._reach.proxy)
            if proxy not in self._transports:
                self._transports[proxy] = self._make(proxy)
            transport = self._by_origin[origin] = self._transports[proxy]
        return transport

    def _make(self, proxy: Proxy | None) -> httpx.AsyncHTTPTransport:
        return StockTransport(
            verify=self._ssl_context,
            http2=self._reach.http2,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=False,
            proxy=None if proxy is None else httpx.Proxy(proxy.url, auth=proxy.auth),
        )

    async def exchange(self, request: httpx.Request | Prepared, exchange: Exchange) -> None:
        """See Wire.exchange."""
        if isinstance(request, Prepared):
            request = request.as_httpx()
        exchange.reused = True  # until the trace shows a connect
        seconds = self.timeouts
        request.extensions["timeout"] = {
            "connect": seconds.connect_s,
            "read": seconds.idle_s,
            "write": seconds.idle_s,
            "pool": None,
        }
        request.extensions["trace"] = _Tracer(self, exchange)
        try:
            async with asyncio.timeout(seconds.total_s):
                await self._stream(request, exchange)
        except TimeoutError:
            message = f"no whole answer within {seconds.total_s} s"
            raise WireError("total_timeout", message) from None
        except httpx.HTTPError as exc:
            raise translated(exc, exchange, seconds) from exc
        except self._http2_errors as exc:
            short = type(exc).__name__ == "InvalidBodyLengthError"
            error_class = "truncated" if short else "protocol"
            raise WireError(error_class, f"the answer is not HTTP/2: {exc}") from exc

    async def _stream(self, request: httpx.Request, exchange: Exchange) -> None:
        response = await self._transport_for(request.url).handle_async_request(request)
        try:
            exchange.headers_ns = now_ns()
            exchange.status = response.status_code
            exchange.headers = response.headers.raw
            exchange.http = _version(response)
            if self._tells_peer:
                exchange.peer = _peer(response)
            exchange.sink.on_headers()
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for data in response.stream:
                exchange.reads += 1
                self.stamps.user_reads += 1
                exchange.body_bytes += len(data)
                exchange.push(now_ns(), data)
                if exchange.body_bytes > ANSWER_LIMIT_BYTES:
                    raise too_large_answer(ANSWER_LIMIT_BYTES)
            exchange.closed_ns = now_ns()
        finally:
            await response.aclose()

    async def prepare(self, url: httpx.URL, connections: int) -> None:
        """Nothing: httpx opens its connections on demand."""

    async def aclose(self) -> None:
        """Close the pools."""
        for transport in self._transports.values():
            await transport.aclose()


def _version(response: httpx.Response) -> str:
    """``1.1`` or ``2``."""
    spoken: bytes = response.extensions.get("http_version", b"HTTP/1.1")
    return spoken.decode("ascii", "replace").removeprefix("HTTP/")


def _peer(response: httpx.Response) -> str | None:
    stream = response.extensions.get("network_stream")
    address = None if stream is None else stream.get_extra_info("server_addr")
    return None if not address else peer_text((socket.AF_UNSPEC, tuple(address)))


class _Tracer:
    """httpcore's trace callback, as stamps."""

    def __init__(self, wire: HttpxWire, exchange: Exchange) -> None:
        self._wire = wire
        self._exchange = exchange

    async def __call__(self, event: str, info: object) -> None:
        exchange = self._exchange
        match event:
            case "connection.connect_tcp.started":
                exchange.connect_begin_ns = now_ns()
                exchange.reused = False
            case "connection.connect_tcp.complete":
                exchange.connect_end_ns = now_ns()
                self._wire.opened += 1
            case "connection.start_tls.started" | "proxy.start_tls.started":
                exchange.tls_begun = True
            case "connection.start_tls.complete" | "proxy.start_tls.complete":
                exchange.tls_end_ns = now_ns()
            case "http11.send_request_headers.started" | "http2.send_request_headers.started":
                exchange.sent_ns = now_ns()


def translated(exc: httpx.HTTPError, exchange: Exchange, seconds: Timeouts) -> WireError:
    """httpx's exception tree in the error classes of the fast transport."""
    text = str(exc) or type(exc).__name__
    if isinstance(exc, httpx.ConnectTimeout):
        return WireError("connect_timeout", f"no connection within {seconds.connect_s} s")
    if isinstance(exc, httpx.ProxyError):
        return WireError("proxy", f"the proxy refused the connection: {text}")
    if isinstance(exc, httpx.TimeoutException):
        return WireError("idle_timeout", f"nothing came for {seconds.idle_s} s")
    if isinstance(exc, httpx.ConnectError):
        for cause in causes(exc):
            if isinstance(cause, socket.gaierror):
                return WireError("dns", f"the host name cannot be resolved: {text}")
            if isinstance(cause, ConnectionRefusedError):
                return WireError("connect_refused", "the connection was refused")
            if isinstance(cause, OSError) and (own_limit := at_own_limit(cause)):
                return own_limit
        if exchange.tls_begun:
            return tls_failed(exc)
        return WireError("connect_failed", text)
    if isinstance(exc, httpx.ReadError | httpx.WriteError):
        return WireError("reset", f"the connection was reset: {text}")
    if isinstance(exc, httpx.RemoteProtocolError):
        return _broken(text, answered=exchange.status is not None)
    return WireError("protocol", text)


def _broken(text: str, *, answered: bool) -> WireError:
    """An answer that broke off or is no HTTP; only httpx's sentence says which."""
    ended = "truncated" if answered else "connection_closed"
    if text.startswith(("<StreamReset", "<ConnectionTerminated")):  # events of h2
        found = re.search(r"error_code:([\w.]+)", text)
        code = found.group(1) if found else "unknown"
        if text.startswith("<StreamReset"):
            return WireError("reset", f"the server reset the stream (HTTP/2 error {code})")
        return WireError(ended, f"the server ended the connection (HTTP/2 error {code})")
    if "disconnected" in text or "closed connection" in text:
        return WireError(ended, text)
    return WireError("head_too_large" if text == "Receive buffer too long" else "protocol", text)


def _http2_errors() -> tuple[type[Exception], ...]:
    """What h2 raises in the middle of a body; httpcore lets it pass as it is."""
    from h2.exceptions import H2Error

    return (H2Error,)
