"""Exchange: one request on the wire, as the transports and the street both see it.

What: the stamps, status and headers of one answer, and the sink that its body is pushed to; the
timeouts that it is under, and the error that ends it. No I/O: whoever carries it fills it in.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

import httpx


class Timeouts(NamedTuple):
    """Seconds; None is no limit."""

    connect_s: float | None = 10.0
    idle_s: float | None = 60.0
    """Longest silence between two reads of one answer, and until the first."""
    total_s: float | None = None
    """From the first byte sent to the end of the body."""


DEFAULT_TIMEOUTS = Timeouts()

PATIENCE = 16
"""Reads of a body that may be put by before they are parsed together. What is left over at the end
of an answer is parsed before its user goes on, so it must not be many."""


HEAD_LIMIT_BYTES = 256 * 1024
"""Most that is read of an answer before its headers are whole, interim answers included."""
ANSWER_LIMIT_BYTES = 2**30
"""Most of one answer. Nothing of a stream is held but its stamps, so this ends one that never ends
of itself, and is looked at every ``LOOK_S`` only."""
LOOK_S = 5.0

Origin = tuple[str, str, int]
"""(scheme, host, port)."""


def origin_of(url: httpx.URL) -> Origin:
    """Scheme, host and port with the scheme's default."""
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def head_bytes(method: str, url: httpx.URL, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Request line and header lines of HTTP/1.1, without the empty line that ends them."""
    parts = [method.encode(), b" ", url.raw_path, b" HTTP/1.1\r\n"]
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    return b"".join(parts)


class Prepared(NamedTuple):
    """A request made ready to be sent: its bytes, and its parts for who makes bytes of his own.

    Why not an httpx.Request: making one costs as much as sending it.
    """

    origin: Origin
    data: bytes
    """All of it, as HTTP/1.1."""
    url: httpx.URL
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def as_httpx(self) -> httpx.Request:
        """The same as httpx wants it."""
        stream = httpx.ByteStream(self.body)
        headers = httpx.Headers(self.headers)
        return httpx.Request("POST", self.url, headers=headers, stream=stream)


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


class EventSink(Sink, Protocol):
    """A sink that takes an event of an event stream without its framing."""

    def on_event(self, at_ns: int, data: bytes) -> None:
        """The body bytes of one read, which are ``data: ``, this, and an empty line."""
        ...


def _framed(on_body: Callable[[int, bytes], None], at_ns: int, data: bytes) -> None:
    """An event for a sink that wants the body's bytes and nothing else."""
    on_body(at_ns, b"data: %b\n\n" % data)


class _Nowhere:
    """The sink of an exchange that has ended."""

    def on_headers(self) -> None:
        """Nobody listens."""

    def on_body(self, at_ns: int, data: bytes) -> None:
        """Nobody listens."""


_NOWHERE = _Nowhere()


class Dialled(Protocol):
    """What an exchange asks of the connection that carries it."""

    carried: int
    """Exchanges so far."""
    connect_begin_ns: int | None
    connect_end_ns: int | None
    tls_end_ns: int | None
    peer: str | None
    """Address at its other end, where rows are to keep it."""


class Exchange:
    """One request on the wire: its stamps (absolute ns), status, headers, and where it pushes."""

    __slots__ = (
        "body_bytes",
        "closed_ns",
        "connect_begin_ns",
        "connect_end_ns",
        "headers",
        "headers_ns",
        "http",
        "patience",
        "peer",
        "push",
        "push_event",
        "reads",
        "reused",
        "sent_ns",
        "sink",
        "status",
        "tls_begun",
        "tls_end_ns",
    )

    def __init__(self, sink: Sink | EventSink, patience: int = PATIENCE) -> None:
        self.sink = sink
        self.patience = patience
        self.push = sink.on_body
        self.push_event: Callable[[int, bytes], None] = getattr(
            sink, "on_event", None
        ) or functools.partial(_framed, sink.on_body)
        self.connect_begin_ns: int | None = None
        self.connect_end_ns: int | None = None
        self.tls_begun = False
        """Told by stock httpx, whose errors do not say at which step they came."""
        self.tls_end_ns: int | None = None
        self.sent_ns: int | None = None
        self.headers_ns: int | None = None
        self.closed_ns: int | None = None
        self.reused: bool | None = None
        self.peer: str | None = None
        self.http = "1.1"
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.reads = 0
        self.body_bytes = 0

    def first_on(self, connection: Dialled) -> None:
        """Take over the connect's stamps when this is the connection's first request."""
        self.reused = connection.carried > 0
        self.peer = connection.peer
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


def at_own_limit(exc: OSError, where: str = "the server") -> WireError | None:
    """A connect that failed at a limit of this machine, which is no fault of the server."""
    if exc.errno in (errno.EMFILE, errno.ENFILE):
        mend = "fewer users, or a higher limit (`ulimit -n`)"
        said = f"no connection to {where}: {exc.strerror}; it takes {mend}"
        return WireError("open_files", said)
    if exc.errno == errno.EADDRNOTAVAIL:
        mend = "fewer new connections, or several addresses of the server"
        return WireError("local_ports", f"no local port is free to reach {where}: it takes {mend}")
    return None


def out_of_memory() -> WireError:
    """The end of a request whose answer this process was not given the room for."""
    return WireError("out_of_memory", "this process got no more memory for the answer (ulimit -v?)")


_BROKEN_OFF = ("SSLEOFError", "SSLZeroReturnError")
"""By name: ssl is not for pure files."""


def tls_failed(exc: Exception, host: str = "the server") -> WireError:
    """A handshake that failed; one that the server broke off has no words, or those of OpenSSL."""
    gone = any(type(cause).__name__ in _BROKEN_OFF for cause in causes(exc))
    said = "" if gone else getattr(exc, "strerror", None) or str(exc)
    reason = said or "the connection was closed in the middle of the handshake"
    return WireError("tls", f"TLS with {host} failed: {reason}")


def too_large_answer(most_bytes: int) -> WireError:
    """The end of an answer that is over this limit."""
    return WireError("answer_too_large", f"the answer is larger than {most_bytes >> 20} MiB")


def causes(exc: BaseException | None) -> Iterator[BaseException]:
    """An exception, what it came of, and so on to the bottom of it."""
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
