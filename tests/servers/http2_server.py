"""An ASGI application that streams an answer event by event, served over HTTP/2 by hypercorn.

python http2_server.py CERTIFICATE PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import orjson
from hypercorn.asyncio import serve
from hypercorn.config import Config

TOKENS, GAP_S = 6, 0.02


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + orjson.dumps({"choices": [choice]}) + b"\n\n"


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(TOKENS):
        await asyncio.sleep(GAP_S)
        await send(
            {"type": "http.response.body", "body": event({"content": "w "}), "more_body": True}
        )
    end = event({}, "stop") + b"data: [DONE]\n\n"
    await send({"type": "http.response.body", "body": end})


if __name__ == "__main__":
    config = Config()
    config.bind = [f"127.0.0.1:{sys.argv[2]}"]
    config.certfile = config.keyfile = sys.argv[1]
    if "--http1" in sys.argv:
        config.alpn_protocols = ["http/1.1"]
    config.loglevel = "ERROR"
    asyncio.run(serve(application, config))  # type: ignore[arg-type]
