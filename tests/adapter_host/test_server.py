"""The host's endpoint over a real socket: streams, whole answers, errors, its token."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tailrace.adapter_host.adapter import Adapter
from tailrace.adapter_host.server import Host
from tailrace.simulate.connection import Connection

from ..simulate.helpers import content, events
from .test_pouring import LONG_S, User, generator, raises_late, text

pytestmark = pytest.mark.asyncio

HELLO = [{"role": "user", "content": "hello"}]


@asynccontextmanager
async def client_of(generate: Callable[..., Any], **more: Any) -> AsyncIterator[httpx.AsyncClient]:
    host = Host(Adapter("x", User(generate, **more)), "secret")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(host), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    headers = {"Authorization": "Bearer secret"}
    url = f"http://127.0.0.1:{port}/v1"
    async with server, httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        yield client


def body(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": HELLO, "stream": True} | more


async def test_a_stream() -> None:
    async with client_of(generator) as client:
        options = {"include_usage": True}
        for _ in range(2):  # the connection is kept
            answer = await client.post("chat/completions", json=body(stream_options=options))
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert content(answer.content) == "one two three"
            chunks = [json.loads(data) for data in events(answer.content)[:-1]]
            assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
            assert chunks[-1]["usage"] == {"completion_tokens": 4}
        answer = await client.post("chat/completions", json=body(max_tokens=2))
        chunks = [json.loads(data) for data in events(answer.content)[:-1]]
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"
        assert "usage" not in chunks[-1]


@pytest.mark.parametrize(
    ("generate", "usage"), [(generator, {"completion_tokens": 4}), (text, None)]
)
async def test_a_whole_answer(generate: Callable[..., Any], usage: object) -> None:
    async with client_of(generate) as client:
        answer = await client.post("chat/completions", json=body(stream=False))
        found = answer.json()
        assert found["choices"][0]["message"]["content"].startswith("one two")
        assert found.get("usage") == usage


async def test_an_error_is_an_event_of_its_stream_and_the_host_goes_on() -> None:
    async with client_of(raises_late) as client:
        for _ in range(2):
            answer = await client.post("chat/completions", json=body())
            assert answer.status_code == 200
            first, last = events(answer.content)
            assert json.loads(first)["choices"][0]["delta"]["content"] == "one"
            said = json.loads(last)["error"]["message"]
            assert said == "adapter 'x' failed in generate: ValueError: boom"
        answer = await client.post("chat/completions", json=body(stream=False))
        assert (answer.status_code, answer.json()["error"]["message"]) == (500, said)


async def test_it_is_for_who_has_the_token() -> None:
    async with client_of(text) as client:
        for headers in ({"Authorization": "Bearer guess"}, {"Authorization": ""}):
            answer = await client.post("chat/completions", json=body(), headers=headers)
            assert answer.status_code == 401
            assert (await client.get("models", headers=headers)).status_code == 401
        root = str(client.base_url).removesuffix("/v1/")
        assert (await client.get(f"{root}/health")).status_code == 200


async def test_what_it_does_not_answer() -> None:
    async with client_of(text) as client:
        answer = await client.post("embeddings", json={"input": "x"})
        assert answer.status_code == 404
        assert "chat/completions only" in answer.json()["error"]["message"]
        assert (await client.post("chat/completions", json={})).status_code == 400
        assert (await client.get("chat/completions")).status_code == 404


async def test_a_client_that_leaves_is_noticed() -> None:
    closed = asyncio.Event()

    async def generate(prompt: str) -> AsyncIterator[str]:
        try:
            yield "first"
            await asyncio.sleep(LONG_S)
        finally:
            closed.set()

    async with client_of(generate) as client:
        async with client.stream("POST", "chat/completions", json=body()) as answer:
            await anext(answer.aiter_raw())
        await asyncio.wait_for(closed.wait(), LONG_S)


async def test_what_is_no_http_is_refused() -> None:
    async with client_of(text) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(b"\x16\x03\x01 this is TLS\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_many_at_once() -> None:
    def generate(prompt: str) -> Iterator[str]:
        yield from prompt.split()

    async with client_of(generate, concurrent=4) as client:

        async def one(number: int) -> None:
            words = " ".join(f"{number}.{n}" for n in range(20))
            messages = [{"role": "user", "content": words}]
            answer = await client.post("chat/completions", json=body(messages=messages))
            assert content(answer.content) == words.replace(" ", "")

        await asyncio.gather(*map(one, range(64)))
