"""Laws of the connection's parser, without a socket: however an answer is cut into reads, the sink
gets the same bytes, the exchange ends with the read that completes it, and stamps never go back."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzz.talk import Deaf, Sink, Talk
from tailrace.engine.exchange import Exchange, Timeouts, WireError
from tailrace.engine.wire_connection import Connection

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
NO_LIMIT = Timeouts(None, None, None)


def framed(parts: list[bytes], trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return chunks + b"0\r\n" + trailer + b"\r\n"


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted({place % (len(data) + 1) for place in cuts}), len(data)]
    return [part for a, b in itertools.pairwise(places) if (part := data[a:b])]


async def carried(
    reads: list[bytes], cancel: bool = False
) -> tuple[Exchange, Sink, Connection, str | None, bool]:
    """Hand over the reads one a microsecond: (..., error class, whether the exchange had ended)."""
    released: list[Connection] = []
    connection = Connection(("http", "h", 1), released.append, lambda *_: None)
    connection.link = Deaf()
    sink = Sink()
    exchange = Exchange(sink)
    task = asyncio.create_task(connection.carry(exchange, b"GET", NO_LIMIT))
    await asyncio.sleep(0)
    start_ns = exchange.sent_ns or 0
    for number, data in enumerate(reads, 1):
        connection.consume(start_ns + 1000 * number, data)
    for _ in range(3):
        await asyncio.sleep(0)
    ended = task.done()
    if cancel or not ended:
        task.cancel()
    error = None
    try:
        await task
    except WireError as exc:
        error = exc.error_class
    except asyncio.CancelledError:
        error = "cancelled"
    return exchange, sink, connection, error, ended


PARTS = st.lists(st.binary(min_size=1, max_size=40), max_size=40)
CUTS = st.lists(st.integers(0, 10_000), max_size=60)


@given(PARTS, CUTS, st.sampled_from([b"", b"x-trailer: 1\r\n"]))
@example([b"a"], list(range(200)), b"")
@example([b"\r\n\r\n", b"0\r\n\r\n"], list(range(200)), b"")
def test_a_chunked_answer_ends_with_its_last_read(
    parts: list[bytes], cuts: list[int], trailer: bytes
) -> None:
    answer = HEAD + b"transfer-encoding: chunked\r\n\r\n" + framed(parts, trailer)
    reads = cut(answer, cuts)
    exchange, sink, connection, error, ended = asyncio.run(carried(reads))
    assert ended
    assert error is None
    assert connection.link.usable
    assert b"".join(data for _, data in sink.reads) == b"".join(parts)
    assert exchange.closed_ns == (exchange.sent_ns or 0) + 1000 * len(reads)
    stamps = [at_ns for at_ns, _ in sink.reads]
    assert stamps == sorted(stamps)


@given(PARTS, CUTS)
def test_an_answer_with_a_length_does_too(parts: list[bytes], cuts: list[int]) -> None:
    body = b"".join(parts)
    answer = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
    _, sink, _, error, ended = asyncio.run(carried(cut(answer, cuts)))
    assert (ended, error) == (True, None)
    assert b"".join(data for _, data in sink.reads) == body


@given(PARTS, CUTS, st.binary(min_size=1, max_size=20).filter(lambda more: more.strip(b"\r\n")))
def test_bytes_after_the_end_close_the_connection(
    parts: list[bytes], cuts: list[int], more: bytes
) -> None:
    answer = HEAD + b"transfer-encoding: chunked\r\n\r\n" + framed(parts)
    reads = cut(answer, cuts)
    reads[-1] += more
    _, sink, connection, error, ended = asyncio.run(carried(reads))
    assert ended
    assert b"".join(data for _, data in sink.reads) == b"".join(parts)
    assert error in (None, "protocol")
    assert not connection.link.usable


@given(st.integers(1, 40), st.integers(0, 39))
def test_what_was_read_of_an_unfinished_answer_is_kept(parts: int, given_up_after: int) -> None:
    """Reads that were put by are not lost when the request is given up."""
    chunks = [
        b"%x\r\n%s\r\n" % (len(text), text) for text in [b"part %d" % n for n in range(parts)]
    ]
    reads = [HEAD + b"transfer-encoding: chunked\r\n\r\n", *chunks[: given_up_after + 1]]
    exchange, sink, _, error, ended = asyncio.run(carried(reads, cancel=True))
    assert (ended, error) == (False, "cancelled")
    assert len(sink.reads) == len(reads) - 1
    assert [at - (exchange.sent_ns or 0) for at, _ in sink.reads] == [
        1000 * (n + 2) for n in range(len(sink.reads))
    ]


@pytest.mark.parametrize("bad", [b"zz\r\n", b"5\r\nhello"])
def test_a_break_of_the_framing_is_found_at_the_latest_with_the_connections_end(bad: bytes) -> None:
    async def broken() -> str:
        connection = Connection(("http", "h", 1), lambda _: None, lambda *_: None)
        connection.link = Deaf()
        task = asyncio.create_task(connection.carry(Exchange(Sink()), b"GET", NO_LIMIT))
        await asyncio.sleep(0)
        connection.consume(1, HEAD + b"transfer-encoding: chunked\r\n\r\n")
        connection.consume(2, bad)
        connection.lost(3, None)
        try:
            await task
        except WireError as exc:
            return exc.error_class
        return "none"

    assert asyncio.run(broken()) in ("protocol", "truncated")


def test_space_behind_a_value_is_no_part_of_it() -> None:
    head = b"HTTP/1.1 200 OK\r\nA: 1 \r\nb:\t2 3\t \r\nc: \r\ncontent-length: 0 \r\n\r\n"
    found = Talk().ask([head])
    assert found.headers == ((b"a", b"1"), (b"b", b"2 3"), (b"c", b""), (b"content-length", b"0"))
    assert found.end == "keep"


@pytest.mark.parametrize("coding", [b"chunked\t", b"Chunked \t"])
def test_a_tab_behind_the_coding_is_refused_and_its_chunks_are_no_body(coding: bytes) -> None:
    """The parser would not see the coding, and hand out sizes of chunks as text."""
    found = Talk().ask([HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n" + framed([b"a"])])
    assert (found.end, found.body) == ("protocol", b"")


@pytest.mark.parametrize("stray", [b"junk", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_bytes_behind_a_whole_answer_end_its_connection(stray: bytes) -> None:
    async def asked() -> bool:
        answer = HEAD + b"transfer-encoding: chunked\r\n\r\n" + framed([b"a"])
        _, _, connection, error, ended = await carried([answer])
        assert (error, ended, connection.link.usable) == (None, True, True)
        connection.consume(10**18, stray)
        return connection.link.usable

    assert not asyncio.run(asked())
