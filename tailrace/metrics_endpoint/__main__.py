"""The process that serves a run's metrics, ``python -m tailrace.metrics_endpoint``.

``beside.py`` starts it, tells it the run's folder and where to listen, and is told the port. It
gives way to the load. What only the run knows it asks for when it is scraped, at most once a
second, and waits no longer than a moment for the answer. It ends when its standard input does,
which is when the run ends, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from tailrace.engine.child import give_way
from tailrace.engine.guard import be_deaf
from tailrace.metrics_endpoint.course import Course
from tailrace.metrics_endpoint.orders import Orders, reason
from tailrace.metrics_endpoint.scrapes import HEAD_BYTES, Answer, Scrapes
from tailrace.results.export.openmetrics import (
    OPENMETRICS_TYPE,
    PLAIN_TYPE,
    Now,
    text_of,
    wants_openmetrics,
)
from tailrace.results.files import RunFolder

FOLLOW_S = 0.5
"""Between two looks at the files."""
FRESH_S = 1.0
"""For so long a text is not made again, and the run not asked."""
WAIT_S = 0.5
"""For what the run tells; its loop may be busy."""


class Endpoint:
    """Everything but the connections."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._now: Now | None = None
        self._told: asyncio.Future[Now | None] | None = None
        self._asked_s = float("-inf")
        self._texts: dict[bool, bytes] = {}
        """By whether it is OpenMetrics; as old as what the run told."""
        self._making = asyncio.Lock()

    async def follow(self) -> None:
        """Keep up with the run's files, for ever."""
        while True:
            for _ in self._course.follow():
                await asyncio.sleep(0)
            await asyncio.sleep(FOLLOW_S)

    async def tell(self, accept: str) -> Answer:
        """The metrics, not older than a second, so that many scrapers cost what one does."""
        openmetrics = wants_openmetrics(accept)
        async with self._making:
            if time.monotonic() - self._asked_s >= FRESH_S:
                await self._ask()
                self._texts.clear()
            if openmetrics not in self._texts:
                self._texts[openmetrics] = text_of(self._course.exposed(self._now), openmetrics)
            body = self._texts[openmetrics]
        return Answer(HTTPStatus.OK, OPENMETRICS_TYPE if openmetrics else PLAIN_TYPE, body)

    async def _ask(self) -> None:
        """What only the run knows; nothing where it does not answer."""
        self._asked_s = time.monotonic()
        self._told = asyncio.get_running_loop().create_future()
        say(ask="now")
        self._now = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                self._now = await self._told

    def hear(self, line: bytes) -> None:
        """What the run answers; one that comes late is dropped, or serves the next to ask."""
        if self._told is not None and not self._told.done():
            self._told.set_result(msgspec.json.decode(line, type=Now | None))


def say(**message: Any) -> None:
    """To the run."""
    try:
        sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        os._exit(0)  # there is no run any more


def _listen(loop: asyncio.AbstractEventLoop, endpoint: Endpoint) -> None:
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(endpoint.hear, line)
    os._exit(0)  # nobody is waited for


async def serve(orders: Orders) -> None:
    """Answer until the run ends; where nothing can be listened on, say so and return."""
    endpoint = Endpoint(Course(RunFolder(Path(orders.folder))))
    scrapes = Scrapes(endpoint.tell)
    try:
        server = await asyncio.start_server(
            scrapes.take, orders.host, orders.port, limit=HEAD_BYTES
        )
    except OSError as exc:
        say(failed=reason(exc))
        return
    loop = asyncio.get_running_loop()
    threading.Thread(target=_listen, args=(loop, endpoint), daemon=True).start()
    say(port=server.sockets[0].getsockname()[1])
    await endpoint.follow()


def main() -> None:
    """Take the orders, then serve."""
    be_deaf()
    first = sys.stdin.buffer.readline()
    if first:
        give_way()
        asyncio.run(serve(msgspec.json.decode(first, type=Orders)))


if __name__ == "__main__":
    main()
