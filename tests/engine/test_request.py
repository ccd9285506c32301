"""The street with a scripted wire: every outcome leaves a row that says what was seen."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tailrace.engine.dialects.openai_chat import OpenAIChat
from tailrace.engine.exchange import Exchange, WireError
from tailrace.engine.request import TIMEOUT_CLASSES, Attempt
from tailrace.results.schema import Row

TEXT = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
ORIGIN = 1_000


class ScriptedWire:
    """Plays an answer into the exchange; then fails, waits for ever, or ends."""

    name = "scripted"
    opened = 0

    def __init__(
        self,
        body: bytes,
        ends: WireError | str | None = None,
        content_type: bytes = b"text/event-stream",
        status: int = 200,
    ) -> None:
        self._body, self._ends, self._status = body, ends, status
        self._content_type = content_type

    async def exchange(self, request: httpx.Request, exchange: Exchange) -> None:
        exchange.connect_begin_ns, exchange.connect_end_ns = ORIGIN + 1, ORIGIN + 2
        exchange.sent_ns = ORIGIN + 5
        exchange.reused = False
        if self._body:
            exchange.status = self._status
            exchange.headers = [(b"Content-Type", self._content_type)]
            exchange.headers_ns = ORIGIN + 10
            exchange.sink.on_headers()
            exchange.reads += 1
            exchange.body_bytes += len(self._body)
            exchange.sink.on_body(ORIGIN + 20, self._body)
        if isinstance(self._ends, WireError):
            raise self._ends
        if self._ends == "never":
            await asyncio.Event().wait()
        exchange.closed_ns = ORIGIN + 30

    async def prepare(self, url: httpx.URL, connections: int) -> None:
        """Nothing to open."""

    async def aclose(self) -> None:
        """Nothing to close."""


def attempt() -> Attempt:
    return Attempt(Row("r", 0, 3, "measure", 4), OpenAIChat(), ORIGIN)


def request() -> httpx.Request:
    return httpx.Request("POST", "http://h/v1/chat/completions")


def performed(wire: ScriptedWire) -> Row:
    return asyncio.run(attempt().perform(wire, request()))


def test_a_success() -> None:
    row = performed(ScriptedWire(TEXT + DONE))
    assert (row.outcome, row.error_class, row.error) == ("ok", None, None)
    assert (row.id, row.user, row.intended_ns) == ("r", 3, 4)
    assert (row.connect_begin_ns, row.connect_end_ns, row.tls_end_ns) == (1, 2, None)
    assert (row.sent_ns, row.headers_ns, row.first_output_ns) == (5, 10, 20)
    assert (row.closed_ns, row.ended_ns) == (30, 30)
    assert (row.status, row.reused, row.reads) == (200, False, 1)
    assert row.body_bytes == len(TEXT + DONE)


@pytest.mark.parametrize(
    "content_type",
    [b"Text/Event-Stream", b"TEXT/EVENT-STREAM; charset=UTF-8", b"text/event-stream;x=y"],
)
def test_a_content_type_has_no_case(content_type: bytes) -> None:
    assert performed(ScriptedWire(TEXT + DONE, None, content_type)).outcome == "ok"


def test_a_fault_of_the_answer_is_an_error_with_its_times() -> None:
    row = performed(ScriptedWire(TEXT))
    assert (row.outcome, row.error_class) == ("error", "no_done")
    assert (row.first_output_ns, row.closed_ns) == (20, 30)
    row = performed(ScriptedWire(b'{"error":"no"}', None, b"application/json", 404))
    assert (row.outcome, row.error_class, row.error) == ("error", "http_404", "HTTP 404: no")


def test_a_last_event_left_open_has_the_stamp_of_the_end() -> None:
    row = performed(ScriptedWire(TEXT + TEXT.rstrip() + b"\n"))
    assert (row.chunks, row.last_output_ns, row.closed_ns) == (2, 30, 30)


@pytest.mark.parametrize("error_class", ["truncated", "connection_closed", "dns", "tls"])
def test_a_broken_wire_is_an_error(error_class: str) -> None:
    row = performed(ScriptedWire(TEXT, WireError(error_class, "it broke")))
    assert (row.outcome, row.error_class, row.error) == ("error", error_class, "it broke")
    assert (row.chunks, row.first_output_ns, row.closed_ns) == (1, 20, None)
    assert row.ended_ns > 30


@pytest.mark.parametrize("error_class", sorted(TIMEOUT_CLASSES))
def test_a_timeout_is_an_outcome_of_its_own(error_class: str) -> None:
    row = performed(ScriptedWire(b"", WireError(error_class, "too long")))
    assert (row.outcome, row.error_class, row.error) == ("timeout", error_class, "too long")
    assert (row.status, row.first_event_ns, row.sent_ns) == (None, None, 5)


def test_a_broken_wire_does_not_complete_the_open_event() -> None:
    row = performed(ScriptedWire(TEXT + TEXT.rstrip(), WireError("truncated", "it broke")))
    assert row.chunks == 1


def test_a_request_that_is_given_up_keeps_what_was_seen() -> None:
    async def given_up() -> Row:
        one = attempt()
        task = asyncio.create_task(one.perform(ScriptedWire(TEXT, "never"), request()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return one.cut()

    row = asyncio.run(given_up())
    assert (row.chunks, row.first_output_ns, row.closed_ns) == (1, 20, None)
    assert (row.status, row.sent_ns) == (200, 5)
    assert row.ended_ns > 30
