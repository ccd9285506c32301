"""Scrapers of every kind: good, wrong, slow and hostile."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from tailrace.metrics_endpoint import scrapes
from tailrace.metrics_endpoint.scrapes import HEAD_BYTES, MOST_CONNECTIONS, Answer, Scrapes

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: a\r\naccept: b\r\n\r\n"
LARGE = b"x" * 20_000_000
"""More than the kernel takes from a writer whose reader sleeps."""
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Ends]]


async def tell(accept: str) -> Answer:
    return Answer(HTTPStatus.OK, "text/x", accept.encode())


async def tell_much(accept: str) -> Answer:
    return Answer(HTTPStatus.OK, "text/x", LARGE)


def scraped(act: Callable[[Connect], Awaitable[None]], told: scrapes.Tell = tell) -> None:
    """Run it against a server of its own."""

    async def main() -> None:
        taker = Scrapes(told)
        server = await asyncio.start_server(taker.take, "127.0.0.1", 0, limit=HEAD_BYTES)
        port = server.sockets[0].getsockname()[1]
        try:
            async with asyncio.timeout(20):
                await act(lambda: asyncio.open_connection("127.0.0.1", port))
        finally:
            server.close()

    asyncio.run(main())


async def answer_to(connect: Connect, request: bytes) -> bytes:
    reader, writer = await connect()
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def test_the_metrics_for_an_accept_header() -> None:
    async def act(connect: Connect) -> None:
        answer = await answer_to(connect, GET)
        assert answer.startswith(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 5\r\n"
        )
        assert answer.endswith(b"\r\n\r\n a, b")

    scraped(act)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /metrics?x=1 HTTP/1.1", b"200"),
        (b"GET /metrics HTTP/1.0", b"200"),
        (b"GET / HTTP/1.1", b"404"),
        (b"GET /metrics/ HTTP/1.1", b"404"),
        (b"POST /metrics HTTP/1.1", b"404"),
        (b"\xff\x00", b"404"),
        (b"", b"404"),
    ],
)
def test_everything_else_is_not_there(request_line: bytes, status: bytes) -> None:
    async def act(connect: Connect) -> None:
        answer = await answer_to(connect, request_line + b"\r\n\r\n")
        assert answer.split(b" ")[1] == status

    scraped(act)


def test_a_huge_header_is_refused() -> None:
    async def act(connect: Connect) -> None:
        reader, writer = await connect()
        writer.write(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 4 * HEAD_BYTES)
        with contextlib.suppress(ConnectionResetError):  # it was closed with bytes unread
            assert (await reader.read(12)).endswith(b"431")
        writer.close()
        assert b"200 OK" in await answer_to(connect, GET)

    scraped(act)


def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrapes, "HEAD_S", 0.1)

    async def act(connect: Connect) -> None:
        reader, writer = await connect()
        writer.write(b"GET /metr")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()

    scraped(act)


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrapes, "ANSWER_S", 0.3)

    async def act(connect: Connect) -> None:
        reader, writer = await connect()
        writer.write(GET)
        await asyncio.sleep(1.0)
        got = 0
        with contextlib.suppress(ConnectionResetError):
            while part := await reader.read(1 << 20):
                got += len(part)
        assert got < len(LARGE)
        writer.close()

    scraped(act, tell_much)


def test_who_reads_gets_a_large_answer_whole() -> None:
    async def act(connect: Connect) -> None:
        assert (await answer_to(connect, GET)).endswith(LARGE)

    scraped(act, tell_much)


def test_a_hundred_silent_connections_leave_room_for_one_that_asks() -> None:
    async def act(connect: Connect) -> None:
        silent = [await connect() for _ in range(100)]
        for _ in range(3):
            assert b"200 OK" in await answer_to(connect, GET)
        for reader, _ in silent[: 100 - MOST_CONNECTIONS]:
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
        reader, writer = silent[-1]
        writer.write(GET)
        assert b"200 OK" in await reader.read()
        for _, writer in silent:
            writer.close()

    scraped(act)
