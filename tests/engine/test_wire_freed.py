"""What a request leaves behind when it fails, or when its connection ends: nothing.

The collector runs after tens of thousands of objects only, so what waits for it looks like a leak
for as long as that takes, with each answer's buffers. Here it is off, and counts are compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections import Counter
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.exchange import Timeouts
from tailrace.engine.request import Attempt
from tailrace.engine.wire import FastTransport
from tailrace.results.schema import Row

from .scripted_socket import answering, chunked

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
WHOLE = chunked(EVENT, b"data: [DONE]\n\n")
BEGUN = chunked(EVENT).removesuffix(b"0\r\n\r\n")
TIMEOUTS = Timeouts(idle_s=0.05)
REQUESTS = 5

fast = pytest.mark.parametrize(
    "make", [FastTransport, partial(FastTransport, kernel_stamps=False)], ids=["kernel", "loop"]
)


def held() -> Counter[str]:
    """The engine's objects, and exceptions of any kind, by the names of their types."""
    kept = gc.get_objects()
    names = Counter[str]()
    for kind in map(type, kept):
        ours = str(kind.__module__).startswith("tailrace.engine")
        if ours or issubclass(kind, BaseException):
            names[kind.__name__] += 1
    return names


@contextlib.contextmanager
def leaving_nothing() -> Iterator[None]:
    """Fails when the block leaves more of those objects than there were, without the collector."""
    gc.collect()
    gc.disable()
    try:
        before = held()
        yield
        assert held() - before == Counter()
    finally:
        gc.enable()


async def asked(wire: FastTransport, url: str, patience_s: float | None = None) -> Row:
    attempt = Attempt(Row("r", 0, 0, "measure", 0), OpenAIChat(), 0)
    request = httpx.Request("POST", url + "/x", headers=[("host", "h"), ("content-length", "0")])
    request.stream = httpx.ByteStream(b"")
    try:
        async with asyncio.timeout(patience_s):
            return await attempt.perform(wire, request)
    except TimeoutError:
        return attempt.cut()


async def asked_often(wire: FastTransport, url: str) -> set[str | None]:
    """The error classes of some requests; when this returns, their connections are gone too."""
    found = {(await asked(wire, url)).error_class for _ in range(REQUESTS)}
    await asyncio.sleep(0.02)
    return found


@fast
@pytest.mark.parametrize(
    ("answer", "after", "error_class"),
    [
        (HEAD + b"connection: close\r\n\r\n" + WHOLE, "close", None),
        (HEAD + b"\r\n" + BEGUN, "close", "truncated"),
        (HEAD + b"\r\n" + BEGUN, "reset", "reset"),
        (HEAD + b"\r\n" + BEGUN, "hang", "idle_timeout"),
        (b"HTTP/1.1 200 OK\r\ncontent-ty", "close", "connection_closed"),
        (HEAD + b"\r\nnot a chunk\r\n", "hang", "protocol"),
        (b"SSH-2.0-weir\r\n", "hang", "protocol"),
    ],
    ids=["closed", "truncated", "reset", "stall", "half a head", "framing", "not http"],
)
@pytest.mark.asyncio
async def test_a_connection_that_ends(
    make: type[FastTransport], answer: bytes, after: str, error_class: str | None
) -> None:
    async with answering(answer, after=after) as (url, seen):
        wire = make(TIMEOUTS)
        await asked_often(wire, url)  # the wire's own parts are made with the first of them
        with leaving_nothing():
            assert await asked_often(wire, url) == {error_class}
        assert seen.opened == 2 * REQUESTS
        await wire.aclose()


@fast
@pytest.mark.asyncio
async def test_a_connection_that_is_refused(make: type[FastTransport]) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        wire = make(TIMEOUTS)
        with leaving_nothing():
            assert await asked_often(wire, url) == {"connect_refused"}
        await wire.aclose()


@fast
@pytest.mark.asyncio
async def test_a_request_that_is_given_up(make: type[FastTransport]) -> None:
    async with answering(HEAD + b"\r\n" + BEGUN, after="hang") as (url, _):
        wire = make(TIMEOUTS)
        await asked_often(wire, url)
        with leaving_nothing():
            for _ in range(REQUESTS):
                row = await asked(wire, url, patience_s=0.02)
                assert (row.error_class, row.chunks) == (None, 1)
            await asyncio.sleep(0.02)
        await wire.aclose()
