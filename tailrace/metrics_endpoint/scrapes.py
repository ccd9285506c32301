"""Scrapes: answers ``GET /metrics`` and nothing else, whoever asks and however.

Rule: everything is bounded: connections, the bytes of a request's head, the time to send one, and
the time to take the answer. A connection has one answer. What is over a bound is cut off, and of
too many connections the one that has waited longest without asking, so that a slow or hostile
scraper costs little and the others still have their answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

HEAD_BYTES = 8192
HEAD_S = 3.0
ANSWER_S = 10.0
MOST_CONNECTIONS = 32
PATH = "/metrics"


class Answer(NamedTuple):
    """Of one request."""

    status: HTTPStatus
    kind: str
    body: bytes


Tell = Callable[[str], Awaitable[Answer]]
"""The metrics, for an Accept header."""


class Scrapes:
    """Takes connections, as asyncio's server hands them over."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._open = 0
        self._silent: dict[asyncio.WriteTransport, None] = {}
        """Connections that have not asked yet, the oldest first."""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        self._open += 1
        if self._open > MOST_CONNECTIONS and self._silent:
            next(iter(self._silent)).abort()
        try:
            if self._open <= MOST_CONNECTIONS + 1:
                await self._answered(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # it went away, or is too slow
        finally:
            self._open -= 1
            writer.transport.abort()  # what it has not taken by now, it does not get

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await self._head(reader, writer)
        except asyncio.LimitOverrunError:
            answer = _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            answer = await self._answer(head.decode("latin-1"))
        writer.transport.set_write_buffer_limits(0)  # so that drain waits for the last byte
        async with asyncio.timeout(ANSWER_S):
            writer.write(_bytes_of(answer))
            await writer.drain()
            writer.write_eof()
            await reader.read(1)  # the other side closes when it has read all

    async def _head(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        self._silent[writer.transport] = None
        try:
            async with asyncio.timeout(HEAD_S):
                return await reader.readuntil(b"\r\n\r\n")
        finally:
            del self._silent[writer.transport]

    async def _answer(self, head: str) -> Answer:
        request, *lines = head.split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if (method, path) != ("GET", PATH):
            return _plain(HTTPStatus.NOT_FOUND)
        headers = (line.partition(":") for line in lines)
        accept = [value for name, _, value in headers if name.strip().lower() == "accept"]
        return await self._tell(",".join(accept))


def _plain(status: HTTPStatus) -> Answer:
    body = f"{status.value} {status.phrase}; the metrics are at {PATH}\n"
    return Answer(status, "text/plain; charset=utf-8", body.encode())


def _bytes_of(answer: Answer) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
        f"Content-Type: {answer.kind}\r\n"
        f"Content-Length: {len(answer.body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + answer.body
