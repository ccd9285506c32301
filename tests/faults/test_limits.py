"""What is held of an answer has a limit, and a connection that is not clean is not used again."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from fuzz.talk import Deaf
from tailrace.engine.answer import WHOLE_LIMIT_BYTES, Answer
from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.exchange import (
    ANSWER_LIMIT_BYTES,
    Exchange,
    Origin,
    Timeouts,
    WireError,
)
from tailrace.engine.ndjson import LineReader
from tailrace.engine.sse import EVENT_LIMIT_BYTES, EventReader
from tailrace.engine.wire_connection import Connection
from tests.engine.test_wire import MakeWire, Sink, exchanged, fast

BLOCK = b"w" * 65536
ORIGIN: Origin = ("http", "127.0.0.1", 1)


def feed(reader: EventReader | LineReader, data: bytes) -> None:
    """As often as the limit of an event has room for it, and once more."""
    for _ in range(EVENT_LIMIT_BYTES // len(data) + 1):
        reader.feed(data)


@pytest.mark.parametrize("reader", [EventReader(), LineReader()], ids=["sse", "ndjson"])
def test_an_open_event_is_held_up_to_its_limit(reader: EventReader | LineReader) -> None:
    with pytest.raises(WireError) as caught:
        feed(reader, BLOCK)
    assert caught.value.error_class == "event_too_large"


@pytest.mark.parametrize("piece", [b": weir\n\n: we", b"data: w\n\ndata: we"])
def test_what_is_done_with_is_not_held(piece: bytes) -> None:
    """Reads that never end where an event does: each leaves a little open, never more."""
    reader = EventReader()
    large = piece * (len(BLOCK) // len(piece)) + piece[:-1]
    for _ in range(EVENT_LIMIT_BYTES // len(BLOCK) * 2):
        reader.feed(large)


def test_lines_of_one_event_are_held_up_to_its_limit() -> None:
    reader = EventReader()
    lines = (b"data: " + b"w" * 1017 + b"\n") * 64
    with pytest.raises(WireError):
        feed(reader, lines)


def test_a_whole_answer_has_a_limit() -> None:
    answer = Answer(OpenAIChat(), streamed=False)
    answer.accept(200, "application/json")
    block = b"w" * 2**22
    for number in range(WHOLE_LIMIT_BYTES // len(block)):
        answer.on_body(number, block)
    with pytest.raises(WireError) as caught:
        answer.on_body(0, b"w")
    assert caught.value.error_class == "answer_too_large"


async def carried(unread: bool, body_bytes: int = 0) -> str:
    """How an exchange ends whose bytes nobody reads; "" is not yet."""
    connection = Connection(ORIGIN, lambda _: None, lambda *_: None)
    connection.link = Deaf(unread)
    exchange = Exchange(Sink())
    exchange.body_bytes = body_bytes
    try:
        async with asyncio.timeout(0.3):
            await connection.carry(exchange, b"", Timeouts(idle_s=0.05))
    except WireError as error:
        return error.error_class
    except TimeoutError:
        return ""
    raise AssertionError("there was no answer")


@pytest.mark.asyncio
async def test_bytes_that_wait_to_be_read_are_no_silence() -> None:
    assert await carried(unread=False) == "idle_timeout"
    assert await carried(unread=True) == ""


@pytest.mark.asyncio
async def test_a_stream_has_a_limit() -> None:
    assert await carried(unread=True, body_bytes=ANSWER_LIMIT_BYTES + 1) == "answer_too_large"


@pytest.mark.parametrize(
    ("loss", "error_class"),
    [
        (ConnectionResetError(), "reset"),
        (BrokenPipeError(), "reset"),
        (TimeoutError(110, "Connection timed out"), "connection_lost"),
    ],
)
@pytest.mark.asyncio
async def test_a_loss_is_never_taken_for_the_end_of_a_body(loss: OSError, error_class: str) -> None:
    """A body without a length ends with its connection, but only with its clean end."""
    connection = Connection(ORIGIN, lambda _: None, lambda *_: None)
    connection.link = Deaf(unread=False)
    carrying = asyncio.create_task(connection.carry(Exchange(Sink()), b"", Timeouts()))
    await asyncio.sleep(0)
    connection.consume(1, b"HTTP/1.1 200 OK\r\n\r\nweir")
    connection.lost(2, loss)
    with pytest.raises(WireError) as caught:
        await carrying
    assert caught.value.error_class == error_class


@fast
@pytest.mark.asyncio
async def test_a_connection_with_a_request_half_sent_is_not_used_again(make: MakeWire) -> None:
    """The answer came before the server had read it all, and the rest is still to be sent."""
    opened = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
            await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    wire = make()
    for turn in range(1, 3):
        exchange, _ = await exchanged(wire, url, b"w" * 2**24)
        assert (exchange.status, exchange.reused, opened) == (413, False, turn)
    await wire.aclose()
    server.close()
