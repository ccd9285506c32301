"""An ASGI application that answers badly when its path says so, and the servers that run it.

``/FAULT/LABEL/v1/chat/completions`` has that fault in every second answer of that label, the first
one being good. Faults that the scripted endpoint has too bear its names.
``python asgi_server.py STACK PORT KEEP_ALIVE_S`` serves it until a SIGTERM; the path says which
fault, so one server is enough for all tests.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CHUNKS, BEFORE_THE_FAULT, GAP_S = 8, 3, 0.002
WAIT = (b"retry-after", b"1")
STREAM: Headers = [(b"content-type", b"text/event-stream")]
GRACE_S = 1
"""What a server that is stopped leaves to the answers under way."""

asked: Counter[str] = Counter()


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"


WORD = event({"content": "weir "})
END = event({}, "stop") + b"data: [DONE]\n\n"


async def start(send: Send, status: int = 200, headers: Headers = STREAM) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def pour(send: Send, *pieces: bytes) -> None:
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(GAP_S)


async def end(send: Send, body: bytes = b"") -> None:
    await send({"type": "http.response.body", "body": body})


async def stream(send: Send, *pieces: bytes, headers: Headers = STREAM) -> None:
    """A stream that ends well, with these pieces in its middle."""
    await start(send, headers=headers)
    await pour(send, *[WORD] * BEFORE_THE_FAULT, *pieces)
    await pour(send, *[WORD] * (CHUNKS - BEFORE_THE_FAULT))
    await end(send, END)


async def page(
    send: Send, status: int, kind: bytes, body: bytes, *more: tuple[bytes, bytes]
) -> None:
    length = (b"content-length", b"%d" % len(body))
    await start(send, status, [(b"content-type", kind), length, *more])
    await end(send, body)


async def status(send: Send, code: int, *more: tuple[bytes, bytes]) -> None:
    body = orjson.dumps({"error": {"message": f"the app says {code}"}})
    await page(send, code, b"application/json", body, *more)


STATUSES = {f"http_{code}": (code,) for code in (401, 403, 404, 408, 409, 413, 500, 503)} | {
    "http_429_no_wait": (429,),
    "http_429": (429, WAIT),
    "http_503_wait": (503, WAIT),
}


async def raises(send: Send) -> None:
    await start(send)
    await pour(send, *[WORD] * BEFORE_THE_FAULT)
    raise RuntimeError("the model is gone")


async def raises_at_once(send: Send) -> None:
    raise RuntimeError("there is no model")


async def returns(send: Send) -> None:
    """Leaves its answer open."""
    await start(send)
    await pour(send, *[WORD] * BEFORE_THE_FAULT)


async def says_nothing(send: Send) -> None:
    """Returns before it has begun an answer."""


async def short_body(send: Send) -> None:
    await start(send, headers=[*STREAM, (b"content-length", b"100000")])
    await pour(send, *[WORD] * BEFORE_THE_FAULT)
    await end(send)


async def stall(send: Send) -> None:
    await start(send)
    await pour(send, *[WORD] * BEFORE_THE_FAULT)
    await asyncio.sleep(60)


async def stall_before_headers(send: Send) -> None:
    await asyncio.sleep(60)


async def html_502(send: Send) -> None:
    await page(send, 502, b"text/html", b"<html><h1>Bad Gateway</h1></html>")


async def not_sse(send: Send) -> None:
    await page(send, 200, b"text/html; charset=utf-8", b"<html><h1>Welcome</h1></html>")


async def wrong_type(send: Send) -> None:
    await stream(send, headers=[(b"content-type", b"application/octet-stream")])


async def redirect_elsewhere(send: Send) -> None:
    await page(send, 307, b"text/plain", b"", (b"location", b"http://weir.example/v1"))


async def garbage_json(send: Send) -> None:
    await stream(send, b'data: {"choices": [{\n\n')


async def invalid_utf8(send: Send) -> None:
    await stream(send, WORD.replace(b"weir", b"\xff\xfe"))


async def error_event(send: Send) -> None:
    await stream(send, b'data: {"error": {"message": "out of memory"}}\n\n')


async def slow(send: Send) -> None:
    """Some 0.24 s, so that there is always an answer under way."""
    await start(send)
    for _ in range(CHUNKS):
        await pour(send, WORD)
        await asyncio.sleep(0.03)
    await end(send, END)


async def connection_close(send: Send) -> None:
    await stream(send, headers=[*STREAM, (b"connection", b"close")])


FAULTS: dict[str, Callable[[Send], Awaitable[None]]] = {
    function.__name__: function
    for function in (
        *(raises, raises_at_once, returns, says_nothing, short_body, stall, stall_before_headers),
        *(
            html_502,
            not_sse,
            wrong_type,
            redirect_elsewhere,
            garbage_json,
            invalid_utf8,
            error_event,
        ),
        *(slow, connection_close),
    )
}


async def lifespan(receive: Any, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    while (await receive()).get("more_body"):
        pass
    place = scope["path"]
    asked[place] += 1
    fault = place.split("/")[1]
    if asked[place] % 2 and fault != "slow":
        await stream(send)
    elif fault in STATUSES:
        await status(send, *STATUSES[fault])
    else:
        await FAULTS[fault](send)


def by_uvicorn(port: int, keep_alive_s: int) -> None:
    import uvicorn

    uvicorn.run(
        application,  # type: ignore[arg-type]
        port=port,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=GRACE_S,
        log_level="critical",
    )


def by_hypercorn(port: int, keep_alive_s: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = keep_alive_s
    config.graceful_timeout = GRACE_S
    config.loglevel = "CRITICAL"
    asyncio.run(serve(application, config))  # type: ignore[arg-type]


STACKS: dict[str, Callable[[int, int], None]] = {"uvicorn": by_uvicorn, "hypercorn": by_hypercorn}

if __name__ == "__main__":
    STACKS[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
