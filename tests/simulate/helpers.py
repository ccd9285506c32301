"""What several tests say to an endpoint."""

import json
import time
from typing import Any

import httpx

MESSAGES = [{"role": "user", "content": "How does a weir work?"}]
Json = dict[str, Any]


def body(**more: Any) -> Json:
    return {"model": "sim", "stream": True, "messages": MESSAGES} | more


def post(client: httpx.Client, fault: str | None = None, **more: Any) -> httpx.Response:
    headers = {"x-simulate-fault": fault} if fault else {}
    return client.post("chat/completions", json=body(**more), headers=headers)


def events(raw: bytes) -> list[str]:
    """The data of every event; each must be one line."""
    parts = raw.decode().split("\n\n")
    assert parts.pop() == ""
    assert all(part.startswith("data: ") and "\n" not in part for part in parts)
    return [part.removeprefix("data: ") for part in parts]


def content(raw: bytes) -> str:
    """All answer text in a stream."""
    found = [json.loads(data) for data in events(raw) if data != "[DONE]"]
    choices = [choice for chunk in found for choice in chunk.get("choices", [])]
    return "".join(choice["delta"].get("content", "") for choice in choices)


def truth(client: httpx.Client) -> Json:
    base = str(client.base_url).rstrip("/").removesuffix("/v1")
    answer: Json = client.get(base + "/truth").json()
    return answer


def await_in_flight(client: httpx.Client, count: int) -> Json:
    """The truth, once so many requests are in flight, or after two seconds."""
    deadline = time.monotonic() + 2
    while (found := truth(client))["in_flight"] != count and time.monotonic() < deadline:
        time.sleep(0.005)
    return found
