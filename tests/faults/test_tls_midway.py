"""TLS that breaks off in its handshake, or that changes its keys in the middle of an answer."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme

from tailrace.engine.exchange import Exchange, Timeouts, WireError
from tailrace.engine.wire import FastTransport
from tailrace.engine.wire_httpx import HttpxWire
from tests.engine.scripted_socket import reset
from tests.engine.test_wire import MakeWire, Sink, post

from .asgi_server import END, WORD
from .struck import run_against
from .test_tls import context_for
from .tls_console import console

BROKE_OFF = "the connection was closed in the middle of the handshake"
HTTP = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\nThis port speaks TLS"
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
"""Fatal, handshake_failure (RFC 8446, section 6)."""


def first_flight(context: ssl.SSLContext, hello: bytes) -> bytes:
    """What a server answers to a client's first message."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    with contextlib.suppress(ssl.SSLWantReadError):
        server.do_handshake()
    return outgoing.read()


@contextlib.asynccontextmanager
async def half_way(context: ssl.SSLContext, what: str, then: str) -> AsyncIterator[str]:
    """The URL of a server that gets as far as ``what`` in its handshake."""

    handlers: list[asyncio.Task[None] | None] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            if what != "nothing":
                hello = await reader.read(65536)
                flight = first_flight(context, hello)
                sent = {"half": flight[: len(flight) // 2], "http": HTTP, "alert": ALERT}
                writer.write(sent.get(what, b""))
                await writer.drain()
            if then == "hang":
                while await reader.read(65536):  # until the client gives up
                    pass
            if then == "reset":
                reset(writer)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await asyncio.gather(*filter(None, handlers))


@pytest.mark.parametrize(
    ("what", "then", "classes", "told"),
    [
        ("nothing", "close", {"tls"}, ""),
        ("nothing", "reset", {"tls"}, ""),
        ("hello", "close", {"tls"}, BROKE_OFF),
        ("hello", "reset", {"tls"}, ""),
        ("hello", "hang", {"connect_timeout"}, "within 0.4 s"),
        ("half", "close", {"tls"}, BROKE_OFF),
        ("half", "reset", {"tls"}, ""),
        ("half", "hang", {"connect_timeout"}, "within 0.4 s"),
        ("http", "close", {"tls"}, "wrong version number"),
        ("alert", "close", {"tls"}, "handshake failure"),
    ],
)
@pytest.mark.parametrize("make", [FastTransport, HttpxWire])
@pytest.mark.asyncio
async def test_a_handshake_that_breaks_off_is_tls_and_says_why(
    make: MakeWire, what: str, then: str, classes: set[str], told: str
) -> None:
    ca = trustme.CA()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    async with half_way(context_for(ca, "127.0.0.1"), what, then) as url:
        wire = make(Timeouts(connect_s=0.4, idle_s=0.4), trusting)
        with pytest.raises(WireError) as caught:
            await wire.exchange(post(url), Exchange(Sink()))
        await wire.aclose()
    assert caught.value.error_class in classes
    assert told in str(caught.value)
    assert not str(caught.value).endswith(": ")


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def by_openssl(test: Callable[..., None]) -> Callable[..., None]:
    """OpenSSL's server has one connection at a time: the look for its metrics would wait for it."""
    for mark in (
        pytest.mark.server,
        pytest.mark.skipif(sys.platform != "linux", reason="other systems bring another openssl"),
        pytest.mark.usefixtures("no_look_for_metrics"),
    ):
        test = mark(test)
    return test


@pytest.fixture
def no_look_for_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tailrace.engine.watcher.PROBE_S", 0.05)


@by_openssl
@pytest.mark.parametrize(
    ("version", "order", "message"),
    [
        ("tls1_2", b"r\n", "HelloRequest"),
        ("tls1_3", b"k\n", "KeyUpdate"),
        ("tls1_3", b"K\n", "KeyUpdate"),
    ],
    ids=["renegotiation", "new keys", "new keys on both sides"],
)
@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_new_keys_in_the_middle_of_an_answer_are_no_failure(
    tmp_path: Path, version: str, order: bytes, message: str, transport: str
) -> None:
    pieces = [HEAD + chunk(WORD), order, chunk(WORD), order, chunk(WORD) + chunk(END) + chunk(b"")]
    with console(tmp_path, version, pieces) as server:
        struck = run_against(
            f"https://127.0.0.1:{server.port}/v1",
            tmp_path,
            transport=transport,
            ca_file=str(tmp_path / "ca.pem"),
            users=1,
            requests=2,
            idle_timeout_s=2.0,
        )
    assert [(row.outcome, row.chunks, row.reused) for row in struck.rows] == [("ok", 3, True)] * 2
    assert server.count(message) >= 2 * len(struck.rows)
    assert struck.took_s < 10


@by_openssl
@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
@pytest.mark.parametrize("transport", ["fast", "httpx"])
def test_a_close_notify_in_the_middle_of_an_answer_is_truncated(
    tmp_path: Path, version: str, transport: str
) -> None:
    whole = [HEAD + chunk(WORD) + chunk(END) + chunk(b"")]
    with console(tmp_path, version, whole, [HEAD + chunk(WORD), b"q\n"]) as server:
        struck = run_against(
            f"https://127.0.0.1:{server.port}/v1",
            tmp_path,
            transport=transport,
            ca_file=str(tmp_path / "ca.pem"),
            users=1,
            requests=1,
            idle_timeout_s=2.0,
        )
    assert [(row.outcome, row.error_class, row.chunks) for row in struck.rows] == [
        ("error", "truncated", 1)
    ]
    assert struck.took_s < 10
