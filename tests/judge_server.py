"""A judge that says what a test wants: a chat endpoint whose replies are a function's.

Rule: it shares no code with what asks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from .threaded import serving

Reply = str | tuple[int, str]
"""The judge's words, or a status and a body."""


@dataclass
class Bench:
    """Where it listens, and what it was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@contextmanager
def judge_server(reply: Callable[[dict[str, Any]], Reply]) -> Iterator[Bench]:
    """Serve on a port of its own until the block ends; ``reply`` gets each request's body."""
    bench = Bench("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            bench.asked.append(asked)
            bench.keys.append(self.headers["authorization"])
            said = reply(asked)
            status, text = said if isinstance(said, tuple) else (200, completion(said))
            data = text.encode("utf-8")
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with serving(Handler) as root:
        bench.url = root + "/v1"
        yield bench


def completion(text: str) -> str:
    """The body of a chat completion."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 30, "completion_tokens": 10}
    return json.dumps({"choices": [choice], "usage": usage})


def grades(asked: dict[str, Any], score: int = 4) -> str:
    """The same score for every facet that the schema, or else the message, asks for."""
    if "response_format" in asked:
        names = asked["response_format"]["json_schema"]["schema"]["required"]
    else:
        shape = asked["messages"][0]["content"].rpartition("nothing else: ")[2]
        names = list(json.loads(shape))
    return json.dumps(dict.fromkeys(names, score))
