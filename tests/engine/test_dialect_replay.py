"""Whole answers in every dialect, replayed byte by byte and over a real socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

import anyio
import httpx
import pytest

from tailrace.engine.answer import Answer
from tailrace.engine.clock import now_ns
from tailrace.engine.dialects.choice import OWN, dialect_of
from tailrace.engine.request import Attempt
from tailrace.engine.wire import FastTransport
from tailrace.results.schema import Row

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


class Want(NamedTuple):
    """What is to come of one file."""

    first: bytes
    """Words that are in the first event with output, and in none before."""
    chunks: int
    tokens: int | None
    finish: str | None = None
    fault: str | None = None
    chunk_tokens: list[int] | None = None
    input_tokens: int | None = None
    cached: int | None = None
    reasoning: str = ""
    call: str | None = None
    refused: bool = False


ROME = '{"city":"Rome"}'
WANTED = {
    "openai-chat/llamacpp": Want(b'"content":" ', 4, 4, "length", input_tokens=32, cached=0),
    "openai-chat/llamacpp_logprobs": Want(b'"content":" ', 3, 3, "length", chunk_tokens=[1, 1, 1]),
    "openai-chat/foundry_usage": Want(b'"content":" ', 4, 4, "length", input_tokens=24, cached=0),
    "openai-chat/foundry_comments": Want(b'"content":" ', 3, 3, "length"),
    "openai-chat/foundry_error_at_200": Want(b"", 0, None, fault="error_event"),
    "openai-chat/reasoning": Want(b"Hm", 4, 4, "stop", input_tokens=5, reasoning="Hm,"),
    "openai-chat/role_in_every_chunk": Want(b"So", 4, 4, "stop", reasoning="So so"),
    "openai-chat/tool_calls": Want(b"weather", 3, 3, "tool_calls", call=ROME),
    "openai-chat/refusal": Want(b'"I"', 2, 2, "stop", refused=True),
    "openai-chat/continuous_usage": Want(
        b'"one"', 3, 4, "length", chunk_tokens=[1, 2, 1], input_tokens=5
    ),
    "openai-chat/logprobs": Want(b'"one"', 2, 3, "length", chunk_tokens=[1, 2], input_tokens=5),
    "openai-chat/old_foundry": Want(b"Tail", 3, 3),
    "openai-chat/vllm_packed": Want(b'"one"', 3, 5, "length", input_tokens=7),
    "openai-chat/usage_in_finish": Want(b'"one"', 2, 2, "stop", input_tokens=6),
    "openai-chat/foundry_alias_404": Want(b"", 0, None, fault="http_404"),
    "openai-chat/no_end": Want(b'"a"', 2, 2, fault="no_done"),
    "openai-completions/llamacpp": Want(b'"text":" ', 4, 4, "length", input_tokens=15, cached=2),
    "openai-completions/error": Want(b'"a"', 1, 1, fault="error_event"),
    "openai-responses/llamacpp": Want(b'"delta":" ', 4, 4, "completed", input_tokens=26, cached=2),
    "openai-responses/reasoning_and_call": Want(
        b"Look", 5, 6, "completed", input_tokens=9, cached=4, reasoning="Look up", call=ROME
    ),
    "openai-responses/refusal_incomplete": Want(
        b'"I"', 2, 2, "max_output_tokens", input_tokens=9, cached=4, refused=True
    ),
    "openai-responses/failed": Want(b'"a"', 1, 1, fault="error_event"),
    "openai-responses/error": Want(b"", 0, None, fault="error_event"),
    "anthropic-messages/llamacpp": Want(
        b'"text":" ', 4, 4, "max_tokens", input_tokens=32, cached=15
    ),
    "anthropic-messages/thinking_and_tool": Want(
        *(b'"Look"', 6, 20, "tool_use"),
        input_tokens=20,
        cached=7,
        reasoning="Look",
        call=ROME,
    ),
    "anthropic-messages/overloaded": Want(b'"a"', 1, 1, fault="error_event", input_tokens=10),
    "ollama-chat/thinking": Want(b'"Hm"', 4, 4, "stop", input_tokens=12, reasoning="Hm\u2028"),
    "ollama-chat/tool_call": Want(b"weather", 1, 9, "stop", input_tokens=12, call=ROME),
    "ollama-chat/error": Want(b'"a"', 1, 1, fault="error_event"),
    "ollama-generate/plain": Want(b'"Tail"', 2, 2, "length", input_tokens=12),
    "ollama-generate/no_end": Want(b'"Tail"', 2, 2, fault="no_done"),
    "llamacpp-completion/llamacpp": Want(
        b'"content":" ', 4, 4, "limit", chunk_tokens=[1, 1, 1, 1], input_tokens=15, cached=14
    ),
    "llamacpp-completion/llamacpp_refused": Want(b"", 0, None, fault="http_400"),
    "llamacpp-completion/error": Want(b'"a"', 1, 1, fault="error_event", input_tokens=3),
}


def head_and_body(name: str) -> tuple[bytes, bytes]:
    """Of a file, as they were on the wire."""
    head, _, body = (
        (FIXTURES / f"{name}.http").read_bytes().replace(b"\r\n\r\n", b"\0", 1).partition(b"\0")
    )
    return head, body


def unchunked(body: bytes) -> bytes:
    """Without chunked framing, where it has any."""
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        if not size or len(size) > 8 or size.strip(b"0123456789abcdef"):
            return body
        found, body = found + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        if size == b"0":
            break
    return found


def fields_of(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:]
    return {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


def judged(row: Row, want: Want) -> None:
    """The row is what the file says."""
    assert row.chunks == want.chunks
    assert row.output_tokens == want.tokens
    assert row.finish_reason == want.finish
    assert row.input_tokens == want.input_tokens
    assert row.refused is want.refused
    assert (row.reasoning or "") == want.reasoning
    if want.cached is not None:
        assert row.cached_tokens == want.cached
    if want.chunk_tokens is not None:
        assert row.chunk_tokens == want.chunk_tokens
    if want.call is not None:
        (call,) = row.tool_calls or ()
        assert call["function"] == {"name": "weather", "arguments": want.call}


def test_every_file_is_replayed() -> None:
    files = {path.relative_to(FIXTURES).with_suffix("") for path in FIXTURES.glob("*/*.http")}
    assert {str(path).replace("\\", "/") for path in files} == set(WANTED)
    assert {name.split("/")[0] for name in WANTED} == set(OWN) - {"openai-embeddings"}


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 1 << 20])
@pytest.mark.parametrize("name", WANTED)
def test_any_split_gives_the_same(name: str, piece: int) -> None:
    want = WANTED[name]
    head, body = head_and_body(name)
    body = unchunked(body)
    answer = Answer(dialect_of(name.split("/", maxsplit=1)[0]), keep_text=True)
    answer.accept(int(head.split()[1]), fields_of(head).get("content-type", ""))
    for start in range(0, len(body), piece):
        answer.on_body(start + piece, body[start : start + piece])
    answer.close(len(body) + piece)
    row = Row("r", 0, 0, "measure", 0)
    answer.timeline.fill(row, 0)
    judged(row, want)
    fault = answer.fault()
    assert (fault and fault[0]) == want.fault
    if piece == 1 and want.chunks:
        # The byte that ends the event, or the line: not one before it, whatever came earlier.
        at = body.index(want.first)
        ends = b"\n" if name.startswith("ollama") else b"\n\n"
        assert row.first_output_ns == body.index(ends, at) + len(ends)


@pytest.mark.parametrize("name", WANTED)
def test_over_a_socket_the_first_output_is_when_it_comes(name: str) -> None:
    anyio.run(replay, name)


async def replay(name: str) -> None:
    want = WANTED[name]
    head, body = head_and_body(name)
    if unchunked(body) == body:  # its end is that of the connection, or its length
        head = head.replace(b"Transfer-Encoding: chunked\r\n", b"")
        if b"content-length" not in head.lower():
            head = head.replace(b"Connection: keep-alive", b"Connection: close")
    at = body.index(want.first) if want.first else 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n" + body[:at])
        await writer.drain()
        await asyncio.sleep(PAUSE_S)
        for start in range(at, len(body), 37):
            writer.write(body[start : start + 37])
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = FastTransport()
    row = Row("r", 0, 0, "measure", 0)
    try:
        attempt = Attempt(row, dialect_of(name.split("/", maxsplit=1)[0]), now_ns(), keep_text=True)
        request = httpx.Request("POST", f"http://127.0.0.1:{port}/v1", content=b"{}")
        await attempt.perform(wire, request)
    finally:
        await wire.aclose()
        server.close()
    judged(row, want)
    assert row.error_class == want.fault
    if want.chunks:
        assert row.first_output_ns is not None
        assert row.headers_ns is not None
        assert row.first_output_ns - row.headers_ns >= PAUSE_S * 0.9e9


PAUSE_S = 0.05
