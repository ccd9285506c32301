"""The minimal raw client: a uvloop Protocol, httptools, orjson, and nothing else.

Rule: each read is stamped once, each event is parsed as JSON and looked at for text, each time to
first text and each gap is kept. No task, no future and no object is made for a request.
Why: it is the limit. What another client costs beyond this, it costs for what it does beyond this.

Usage: raw.py URL STREAMS REQUESTS TOKENS
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import cast

import httptools
import orjson
import uvloop
from job import Job, from_arguments


class Stream(asyncio.Protocol):
    """One connection and its closed loop."""

    def __init__(self, job: Job, request: bytes, ended: asyncio.Future[None]) -> None:
        self._job = job
        self._request = request
        self._ended = ended
        self._parser = httptools.HttpResponseParser(self)
        self._rest = b""
        self._sent_ns = self._read_ns = self._last_ns = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: connected."""
        self._transport = cast(asyncio.Transport, transport)
        self.begin()

    def begin(self) -> None:
        """Send the next request, or be done."""
        job = self._job
        if not job.take():
            self._transport.close()
            return
        self._last_ns = 0
        self._sent_ns = time.perf_counter_ns()
        if not job.first_ns:
            job.first_ns = self._sent_ns
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """asyncio: one read; the one stamp."""
        self._read_ns = time.perf_counter_ns()
        self._parser.feed_data(data)

    def on_body(self, data: bytes) -> None:
        """httptools: body bytes, chunk framing removed."""
        if self._rest:
            data = self._rest + data
        *events, self._rest = data.split(b"\n\n")
        for event in events:
            if event == b"data: [DONE]" or not event.startswith(b"data: "):
                continue
            choices = orjson.loads(event[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                self.note(self._read_ns)

    def note(self, at_ns: int) -> None:
        """Text came."""
        if self._last_ns:
            self._job.gaps.append(at_ns - self._last_ns)
        else:
            self._job.ttfts.append(at_ns - self._sent_ns)
        self._last_ns = at_ns

    def on_message_complete(self) -> None:
        """httptools: the answer is whole."""
        self._job.done += self._parser.get_status_code() == 200
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: closed, by either side."""
        if not self._ended.done():
            self._ended.set_result(None)


async def main() -> None:
    job = from_arguments()
    loop = asyncio.get_running_loop()
    head = (
        f"POST {job.path} HTTP/1.1\r\nhost: {job.host}:{job.port}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(job.body)}\r\n\r\n"
    )
    request = head.encode() + job.body
    ends: list[asyncio.Future[None]] = []
    for _ in range(job.streams):
        ended = loop.create_future()
        ends.append(ended)
        await loop.create_connection(partial(Stream, job, request, ended), job.host, job.port)
    await asyncio.gather(*ends)
    job.report()


if __name__ == "__main__":
    uvloop.run(main())
