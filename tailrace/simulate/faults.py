"""The catalogue of faults: what goes wrong, by name.

Rule: a fault is data, never code. The answer reads six fields and obeys them: the status, the
body that replaces the stream, how much of the content is written, what follows the content, what
then happens to the connection, and what the headers say of it.
Why: one row here is a new fault, and the list a person reads is the list the server serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Content = Literal["all", "some", "none"]
Tail = Literal["whole", "error", "quiet", "garbage", "nothing"]
Then = Literal["keep", "close", "close_idle", "reset", "hang"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong.

    `content`: all, the first `Script.fault_after` chunks, or none of it.
    `tail`: whole = finish, usage, [DONE]; error = an in-band error event; garbage = an event that
    is not JSON, then [DONE]; quiet = only the end of the body; nothing = not even that.
    `then`: keep the connection, close it, close it a moment later, reset it, or hang for ever.
    """

    name: str
    about: str
    status: int = 200
    page: str = ""
    content: Content = "all"
    tail: Tail = "whole"
    then: Then = "keep"
    says_close: bool = False


def _table(*faults: Fault) -> dict[str, Fault]:
    return {fault.name: fault for fault in faults}


PAGE = "<!doctype html><title>Sign in</title><p>This is not the page you asked for.\n"

CATALOGUE: dict[str, Fault] = _table(
    Fault("http_401", "401 with an OpenAI error, at once", status=401),
    Fault("http_404", "404 model_not_found, at once", status=404),
    Fault("http_429", "429 with retry-after: 1, at once", status=429),
    Fault("http_500", "500 with an OpenAI error, at once", status=500),
    Fault("not_sse", "200 with a text/html page, as a portal or proxy answers", page=PAGE),
    Fault(
        "error_event",
        "an error event inside the stream after some chunks, no [DONE]",
        content="some",
        tail="error",
    ),
    Fault(
        "truncated",
        "the chunked body is cut after some chunks and the connection closed",
        content="some",
        tail="nothing",
        then="close",
    ),
    Fault("no_done", "all content, a clean end, but no finish_reason and no [DONE]", tail="quiet"),
    Fault(
        "reset",
        "a TCP reset after some chunks",
        content="some",
        tail="nothing",
        then="reset",
    ),
    Fault(
        "stall",
        "silence for ever after some chunks, connection open",
        content="some",
        tail="nothing",
        then="hang",
    ),
    Fault("empty", "a perfect stream without one content chunk", content="none"),
    Fault(
        "garbage_json",
        "an event that is not JSON after some chunks, then [DONE]",
        content="some",
        tail="garbage",
    ),
    Fault(
        "close_idle",
        "a perfect answer, then the kept connection is closed without a word",
        then="close_idle",
    ),
    Fault(
        "connection_close",
        "a perfect answer that says connection: close, and closes",
        then="close",
        says_close=True,
    ),
)


def due(every: int, request_no: int) -> bool:
    """Whether request number `request_no` (the first is 1) is one of every `every`."""
    return request_no % every == 0
