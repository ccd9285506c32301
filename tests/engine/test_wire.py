"""The transport on real sockets: framing, reuse, stamps, TLS, and every way an answer can fail."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable
from functools import partial

import httpx
import pytest
import trustme

import tailrace.engine.wire
from tailrace.engine import wire_reads
from tailrace.engine.addresses import Address
from tailrace.engine.clock import now_ns
from tailrace.engine.exchange import Exchange, Timeouts, WireError
from tailrace.engine.wire import FastTransport, Wire
from tailrace.engine.wire_httpx import HttpxWire

from .scripted_socket import answering, chunked, read_request

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"

MakeWire = Callable[..., Wire]
LoopTransport = partial(FastTransport, kernel_stamps=False)
"""The fast transport where the kernel gives no stamps."""
PythonTransport = partial(FastTransport, take=wire_reads.take)
"""The fast transport where nothing was built of C."""
FAST = {"kernel": FastTransport, "python": PythonTransport, "loop": LoopTransport}
WIRES = FAST | {"httpx": HttpxWire}
both = pytest.mark.parametrize("make", WIRES.values(), ids=WIRES)
fast = pytest.mark.parametrize("make", FAST.values(), ids=FAST)


class Sink:
    """Keeps what is pushed."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, bytes]] = []
        self.heads = 0

    def on_headers(self) -> None:
        self.heads += 1

    def on_body(self, at_ns: int, data: bytes) -> None:
        self.reads.append((at_ns, data))

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.reads)


def post(url: str, body: bytes = b"{}") -> httpx.Request:
    headers = [("host", "h"), ("content-length", str(len(body)))]
    return httpx.Request("POST", url + "/x", headers=headers, stream=httpx.ByteStream(body))


async def exchanged(wire: Wire, url: str, body: bytes = b"{}") -> tuple[Exchange, Sink]:
    sink = Sink()
    exchange = Exchange(sink)
    await wire.exchange(post(url, body), exchange)
    return exchange, sink


async def failing(wire: Wire, url: str) -> tuple[str, Exchange, Sink]:
    sink = Sink()
    exchange = Exchange(sink)
    with pytest.raises(WireError) as caught:
        await wire.exchange(post(url), exchange)
    await wire.aclose()
    return caught.value.error_class, exchange, sink


@both
@pytest.mark.parametrize(
    "answer",
    [
        OK + b"content-length: 11\r\n\r\nhello world",
        CHUNKED + chunked(b"hello", b" ", b"world"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + CHUNKED + chunked(b"hello world"),
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + CHUNKED + chunked(b"hello world"),
    ],
    ids=["content-length", "chunked", "after 100", "after 103"],
)
@pytest.mark.asyncio
async def test_bodies_arrive_whole_and_the_connection_is_reused(
    make: MakeWire, answer: bytes
) -> None:
    async with answering(answer) as (url, seen):
        wire = make()
        for turn in range(3):
            exchange, sink = await exchanged(wire, url)
            assert (exchange.status, sink.body, sink.heads) == (200, b"hello world", 1)
            assert exchange.header(b"content-type") == "text/plain"
            assert exchange.reused is (turn > 0)
        assert (seen.opened, wire.opened) == (1, 1)
        await wire.aclose()


@both
@pytest.mark.asyncio
async def test_a_body_without_a_length_ends_with_the_connection(make: MakeWire) -> None:
    async with answering(OK + b"\r\n", b"hello", after="close") as (url, seen):
        wire = make()
        for _ in range(2):
            exchange, sink = await exchanged(wire, url)
            assert sink.body == b"hello"
            assert exchange.closed_ns is not None
        assert seen.opened == 2
        await wire.aclose()


@both
@pytest.mark.asyncio
async def test_connection_close_is_obeyed(make: MakeWire) -> None:
    answer = CHUNKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n") + chunked(b"x")
    async with answering(answer, after="close") as (url, seen):
        wire = make()
        for _ in range(3):
            exchange, _ = await exchanged(wire, url)
            assert exchange.reused is False
        assert seen.opened == 3
        await wire.aclose()


@pytest.mark.asyncio
async def test_a_connection_that_the_server_closed_meanwhile_is_not_reused() -> None:
    async with answering(CHUNKED + chunked(b"x"), after="close") as (url, seen):
        wire = FastTransport()
        for _ in range(3):
            _, sink = await exchanged(wire, url)
            assert sink.body == b"x"
            await asyncio.sleep(0.02)
        assert seen.opened == 3
        await wire.aclose()


@pytest.mark.asyncio
async def test_a_server_that_always_closes_is_learnt_and_its_promise_forgotten() -> None:
    promise = OK + b"keep-alive: timeout=5, max=100\r\ntransfer-encoding: chunked\r\n\r\n"
    async with answering(promise + chunked(b"x"), 0.002, after="close") as (url, seen):
        wire = FastTransport()
        await exchanged(wire, url)
        await asyncio.sleep(0.05)
        for _ in range(50):  # at once: the close of the one before is still on its way
            exchange, _ = await exchanged(wire, url)
            assert exchange.reused is False
        assert seen.opened == 51
        await wire.aclose()


@both
@pytest.mark.asyncio
async def test_stamps_are_in_order_and_see_the_servers_pauses(make: MakeWire) -> None:
    pieces = (0.05, CHUNKED, 0.05, b"1\r\na\r\n", 0.05, b"1\r\nb\r\n0\r\n\r\n")
    async with answering(*pieces) as (url, _):
        wire = make()
        exchange, sink = await exchanged(wire, url)
        assert exchange.connect_begin_ns is not None
        assert exchange.connect_end_ns is not None
        assert exchange.sent_ns is not None
        assert exchange.headers_ns is not None
        assert exchange.closed_ns is not None
        stamps = [
            exchange.connect_begin_ns,
            exchange.connect_end_ns,
            exchange.sent_ns,
            exchange.headers_ns,
            *(at_ns for at_ns, _ in sink.reads),
            exchange.closed_ns,
        ]
        assert stamps == sorted(stamps)
        assert exchange.headers_ns - exchange.sent_ns > 40e6
        assert sink.reads[0][0] - exchange.headers_ns > 40e6
        assert sink.reads[1][0] - sink.reads[0][0] > 40e6
        assert (exchange.reads, exchange.body_bytes) == (2, 2)
        await wire.aclose()


@pytest.mark.asyncio
async def test_as_many_connections_as_requests_without_a_cap() -> None:
    users = 300
    async with answering(0.3, CHUNKED + chunked(b"x")) as (url, seen):
        wire = FastTransport()
        await asyncio.gather(*(exchanged(wire, url) for _ in range(users)))
        assert seen.opened == wire.opened == users
        await wire.aclose()


@pytest.mark.asyncio
async def test_connections_are_opened_ahead_of_need() -> None:
    async with answering(CHUNKED + chunked(b"x")) as (url, _):
        wire = FastTransport()
        await wire.prepare(httpx.URL(url), 20)
        assert wire.opened == 20
        exchanges = await asyncio.gather(*(exchanged(wire, url) for _ in range(20)))
        assert wire.opened == 20
        for exchange, _ in exchanges:
            assert exchange.reused is False
            assert exchange.connect_end_ns is not None
            assert exchange.sent_ns is not None
            assert exchange.connect_end_ns <= exchange.sent_ns
        await wire.aclose()


@fast
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.asyncio
async def test_an_answer_that_says_close_ends_its_own_connection_only(
    make: MakeWire, tls: bool
) -> None:
    answered = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while await read_request(reader):
                answered += 1
                close = b"connection: close\r\n" if answered == 1 else b""
                writer.write(OK + close + b"content-length: 2\r\n\r\nok")
                if close:
                    break
        writer.close()

    ca = trustme.CA()
    context, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(trusting)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context if tls else None)
    scheme, port = "https" if tls else "http", server.sockets[0].getsockname()[1]
    wire = make(Timeouts(), trusting)
    for _ in range(5):
        await exchanged(wire, f"{scheme}://127.0.0.1:{port}")
        await asyncio.sleep(0.02)  # for the server's end to be seen
    assert wire.opened == 2
    await wire.aclose()
    server.close()


@pytest.mark.asyncio
async def test_what_was_connected_ahead_is_used_where_more_could_not_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = iter(range(5))
    connect = tailrace.engine.wire._connected

    async def scarce(to: Address) -> socket.socket:
        if next(left, None) is None:
            raise OSError(errno.EADDRNOTAVAIL, "none")
        return await connect(to)

    monkeypatch.setattr("tailrace.engine.wire._connected", scarce)
    async with answering(OK + b"content-length: 2\r\n\r\nok") as (url, seen):
        wire = FastTransport()
        with pytest.raises(WireError) as caught:
            await wire.prepare(httpx.URL(url), 20)
        assert caught.value.error_class == "local_ports"
        exchanges = [Exchange(Sink()) for _ in range(5)]
        await asyncio.gather(*(wire.exchange(post(url), each) for each in exchanges))
        await wire.aclose()
        assert [each.status for each in exchanges] == [200] * 5
        assert seen.opened == 5


@both
@pytest.mark.parametrize(
    ("pieces", "after", "error_class", "body"),
    [
        ((OK + b"content-length: 9\r\n\r\nabc",), "close", "truncated", b"abc"),
        ((CHUNKED + b"3\r\nabc\r\n",), "close", "truncated", b"abc"),
        ((), "close", "connection_closed", b""),
        ((CHUNKED + b"3\r\nabc\r\n", 0.05), "reset", "reset", b"abc"),
    ],
    ids=["content-length", "chunked", "no answer", "reset"],
)
@pytest.mark.asyncio
async def test_broken_answers_have_their_class_and_keep_what_came(
    make: MakeWire, pieces: tuple[bytes, ...], after: str, error_class: str, body: bytes
) -> None:
    async with answering(*pieces, after=after) as (url, _):
        found, exchange, sink = await failing(make(), url)
        assert found == error_class
        assert sink.body == body
        assert exchange.closed_ns is None


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nbad\r\n\r\n"])
@pytest.mark.asyncio
async def test_what_is_not_http_is_a_protocol_error(answer: bytes) -> None:
    async with answering(answer, after="hang") as (url, _):
        assert (await failing(FastTransport(), url))[0] == "protocol"


@both
@pytest.mark.asyncio
async def test_silence_is_an_idle_timeout(make: MakeWire) -> None:
    async with answering(CHUNKED + b"3\r\nabc\r\n", after="hang") as (url, _):
        wire = make(Timeouts(idle_s=0.1))
        found, _, sink = await failing(wire, url)
        assert (found, sink.body) == ("idle_timeout", b"abc")


@both
@pytest.mark.asyncio
async def test_an_endless_answer_is_a_total_timeout(make: MakeWire) -> None:
    drops = tuple(piece for _ in range(40) for piece in (b"1\r\nx\r\n", 0.02))
    async with answering(CHUNKED, *drops, after="hang") as (url, _):
        found, _, sink = await failing(make(Timeouts(idle_s=5, total_s=0.2)), url)
        assert found == "total_timeout"
        assert 2 <= len(sink.body) < 30


@both
@pytest.mark.asyncio
async def test_a_refused_connection(make: MakeWire) -> None:
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
        found, exchange, _ = await failing(make(), f"http://127.0.0.1:{port}")
    assert found == "connect_refused"
    assert exchange.sent_ns is None


@both
@pytest.mark.asyncio
async def test_a_name_that_does_not_exist(make: MakeWire) -> None:
    assert (await failing(make(), "http://no-such-host.invalid:80"))[0] == "dns"


@both
@pytest.mark.asyncio
async def test_tls_is_checked_and_timed(make: MakeWire) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with answering(CHUNKED + chunked(b"secret"), tls=server) as (url, _):
        wire = make(Timeouts(), trusting)
        exchange, sink = await exchanged(wire, url)
        assert sink.body == b"secret"
        assert exchange.tls_end_ns is not None
        assert exchange.connect_end_ns is not None
        assert exchange.tls_end_ns > exchange.connect_end_ns
        exchange, _ = await exchanged(wire, url)
        assert exchange.reused is True
        await wire.aclose()
        assert (await failing(make(Timeouts(), ssl.create_default_context()), url))[0] == "tls"


@pytest.mark.asyncio
async def test_a_cancelled_exchange_drops_its_connection() -> None:
    async with answering(CHUNKED + b"3\r\nabc\r\n", after="hang") as (url, _):
        wire = FastTransport()
        sink = Sink()
        exchange = Exchange(sink)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await wire.exchange(post(url), exchange)
        assert sink.body == b"abc"
        assert exchange.sent_ns is not None
        await wire.aclose()


@pytest.mark.asyncio
async def test_bytes_after_the_answer_cost_the_connection() -> None:
    answer = OK + b"content-length: 1\r\n\r\nx"
    async with answering(answer, 0.05, b"HTTP/1.1 200 OK\r\n") as (url, seen):
        wire = FastTransport()
        await exchanged(wire, url)
        await asyncio.sleep(0.15)
        _, sink = await exchanged(wire, url)
        assert sink.body == b"x"
        assert seen.opened == 2
        await wire.aclose()


@pytest.mark.asyncio
async def test_a_large_request_is_sent_whole() -> None:
    body = bytes(range(256)) * 40_000
    async with answering(CHUNKED + chunked(b"x")) as (url, seen):
        wire = FastTransport()
        await exchanged(wire, url, body)
        assert seen.requests[0].endswith(body)
        await wire.aclose()


@pytest.mark.asyncio
async def test_localhost_is_resolved_once_and_the_address_that_answers_is_pinned() -> None:
    async with answering(CHUNKED + chunked(b"x")) as (url, _):
        wire = FastTransport()
        local = url.replace("127.0.0.1", "localhost")
        for _ in range(3):
            _, sink = await exchanged(wire, local)
            assert sink.body == b"x"
        await wire.aclose()


@pytest.mark.asyncio
async def test_httpx_can_use_it_as_any_transport() -> None:
    async with answering(CHUNKED + chunked(b"hello", b" world")) as (url, seen):
        async with httpx.AsyncClient(transport=FastTransport()) as client:
            for _ in range(2):
                assert (await client.get(url + "/x")).text == "hello world"
            async with client.stream("POST", url + "/x", content=b'{"a":1}') as response:
                pieces = [piece async for piece in response.aiter_bytes()]
            assert b"".join(pieces) == b"hello world"
            assert response.extensions["tailrace.exchange"].headers_ns is not None
        assert seen.opened == 1
        assert seen.requests[-1].endswith(b'{"a":1}')


@pytest.mark.asyncio
async def test_httpx_sees_its_own_errors() -> None:
    cut = CHUNKED + b"3\r\nabc\r\n"
    async with (
        answering(cut, after="close") as (url, _),
        httpx.AsyncClient(transport=FastTransport()) as client,
    ):
        with pytest.raises(httpx.TransportError):
            await client.get(url)
        with pytest.raises(httpx.TransportError):
            await client.get("http://no-such-host.invalid")


@pytest.mark.asyncio
async def test_a_timeout_counts_from_its_own_request_on_a_kept_connection() -> None:
    """The timer that an earlier request left fires first, and must neither end the later one too
    early nor leave it without an end.
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(CHUNKED + chunked(b"x"))
        await reader.read()  # the next request and then, when the client gives up, the end
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    wire = FastTransport(Timeouts(idle_s=0.3))
    await wire.exchange(post(url), Exchange(Sink()))
    await asyncio.sleep(0.2)
    exchange = Exchange(Sink())
    with pytest.raises(WireError) as caught:
        await asyncio.wait_for(wire.exchange(post(url), exchange), 5)
    assert caught.value.error_class == "idle_timeout"
    assert exchange.reused
    assert exchange.sent_ns is not None
    assert now_ns() - exchange.sent_ns >= 300_000_000
    await wire.aclose()
    server.close()
