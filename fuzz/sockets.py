"""Sockets: the same answers through a real socket, to our transport and to all of stock httpx."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random

import httpx

from fuzz.pieces import cut
from fuzz.responses import Response, sequence
from fuzz.talk import Sink
from tailrace.engine.exchange import Exchange, WireError
from tailrace.engine.wire import FastTransport, Wire
from tailrace.engine.wire_httpx import HttpxWire

Said = tuple[int | None, list[tuple[bytes, bytes]], bytes, bool]
"""Status, headers, body, whether it was broken off."""


def answer_of(seed: int) -> Response:
    """The last answer of a connection, so that it may be of any kind."""
    return sequence(Random(seed))[-1]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer ``POST /SEED`` with that case, in pieces, until one of them closes the connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = answer_of(int(head.split()[1][1:]))
            for piece in cut(answer.data):
                writer.write(piece)
                await asyncio.sleep(0)
            await writer.drain()
            if answer.ended:
                break
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def said(wire: Wire, url: str) -> Said:
    """What a transport makes of a case."""
    sink, broken = Sink(), False
    exchange = Exchange(sink)
    headers = [("host", "h"), ("content-length", "0")]
    request = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(b""))
    try:
        await wire.exchange(request, exchange)
    except WireError:
        broken = True
    found = [
        (name.lower(), value.lower() if name.lower() == b"transfer-encoding" else value)
        for name, value in exchange.headers
    ]
    body = b"".join(data for _, data in sink.reads)
    return exchange.status, found if exchange.status else [], body, broken


async def differing(seeds: range) -> list[str]:
    """A sentence for each case that comes out differently."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    ours, stock = FastTransport(), HttpxWire()
    found = []
    try:
        for seed in seeds:
            mine = await said(ours, f"{base}/{seed}")
            theirs = await said(stock, f"{base}/{seed}")
            if mine != theirs:
                found.append(f"case {seed}, by socket: ours {mine}, httpx {theirs}")
    finally:
        await ours.aclose()
        await stock.aclose()
        server.close()
    return found


def socket_differences(seeds: range) -> Iterator[str]:
    """The same, for who has no event loop."""
    yield from asyncio.run(differing(seeds))
