"""A chat endpoint that calls a tool, and keeps every body that it was sent. Real HTTP, scripted.

It answers a request that ends in a user's message and has tools with two pieces of a tool call; any
other with a text that counts the messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from .threaded import serving_app


class ToolServer:
    """``bodies`` in the order in which they came."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for delta in self._deltas(body):
            chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response

    def _deltas(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        last = body["messages"][-1]
        if body.get("tools") and last["role"] == "user" and "weather" in last["content"]:
            function = {"name": "weather", "arguments": ""}
            identity = f"call-{len(self.bodies)}"
            first = {"index": 0, "id": identity, "type": "function", "function": function}
            second = {"index": 0, "function": {"arguments": '{"city": "Oslo"}'}}
            return [{"role": "assistant"}, {"tool_calls": [first]}, {"tool_calls": [second]}]
        return [{"role": "assistant"}, {"content": f"answer to {len(body['messages'])}"}]


@contextmanager
def tool_server() -> Iterator[ToolServer]:
    """Serve on loopback, on a loop in a thread of its own."""
    server, app = ToolServer(), web.Application()
    app.router.add_post("/v1/chat/completions", server.complete)
    with serving_app(app) as root:
        server.url = root + "/v1"
        yield server
