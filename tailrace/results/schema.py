"""Row: what is known of one request, and the one line of ``requests.jsonl`` that keeps it.

The journal is the raw truth of a run: every other file is a pure function of it and of the facts
in ``run.json``. Points in time are whole nanoseconds since the run's origin (``origin_perf_ns`` in
``run.json``) on one monotonic clock; a point that never came is ``None``. Nothing is rounded.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tailrace.errors import ResultError

RUN_SCHEMA = "tailrace.run/1"
RESULT_SCHEMA = "tailrace.result/1"

Phase = Literal["cold", "warmup", "measure"]
Outcome = Literal["ok", "error", "timeout", "cancelled", "censored"]
TokenSource = Literal["usage", "counted", "unknown"]

OUTCOMES: tuple[Outcome, ...] = ("ok", "error", "timeout", "cancelled", "censored")


class Row(msgspec.Struct, omit_defaults=True, gc=False):
    """One request. ``*_ns`` are points in time since the run's origin unless said otherwise.

    A journal line leaves out what has its default.
    """

    id: str
    """Unique in the run; also sent to the server as the ``x-request-id`` header."""
    stage: int
    """Index of the load level within its model; -1 for the cold first request."""
    user: int
    phase: Phase
    """By intended time: a request belongs to the phase in which it was meant to start."""
    intended_ns: int
    """When the schedule wanted it to start; closed loop: the moment its user became free."""
    connect_begin_ns: int | None = None
    """Start of the TCP connect, when this request opened its connection or was its first user."""
    connect_end_ns: int | None = None
    tls_end_ns: int | None = None
    sent_ns: int | None = None
    """Just before the first byte was handed to the socket."""
    headers_ns: int | None = None
    """The read that completed the response's header block."""
    first_event_ns: int | None = None
    first_output_ns: int | None = None
    """First non-empty output of any channel: content, reasoning or tool call."""
    first_answer_ns: int | None = None
    """First non-empty answer content."""
    last_output_ns: int | None = None
    closed_ns: int | None = None
    """End of the body. Of an answer that was not streamed it is ``last_output_ns`` as well, and the
    points of its first output are ``None``."""
    ended_ns: int = 0
    """When the client stopped looking: equal to ``closed_ns`` for a complete answer."""
    gaps_ns: list[int] = []
    """Durations between one output-bearing chunk and the next, in order."""
    chunks: int = 0
    """Output-bearing chunks."""
    chunk_tokens: list[int] | None = None
    """Tokens in each output-bearing chunk, where the server said so chunk by chunk."""
    output_tokens: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    token_source: TokenSource = "unknown"
    status: int | None = None
    finish_reason: str | None = None
    refused: bool = False
    """The server marked text of the answer as a refusal."""
    outcome: Outcome = "ok"
    error_class: str | None = None
    error: str | None = None
    reused: bool | None = None
    """Whether an earlier request had already used the connection."""
    queued: bool = False
    """Whether it waited for admission: too many were in flight when it was due."""
    streamed: bool = True
    """Whether the answer was asked for as a stream."""
    attempt: int = 1
    """How often the request had been sent by then, this time included."""
    retried: bool = False
    """It failed and was sent again: what came of the request is in the row of a later attempt."""
    prompt: str = ""
    """Id of the item that it asked."""
    model: str | None = None
    """The model that it asked, where the requests of a run ask several."""
    text: str | None = None
    """The answer, where answers are kept."""
    reasoning: str | None = None
    """What came on the reasoning channel, where answers are kept."""
    asked_hash: str | None = None
    """Of what was asked, in a deterministic run."""
    output_hash: str | None = None
    """Of a whole answer's text and reasoning, in a deterministic run; see outputs.py."""
    tool_calls: list[dict[str, Any]] | None = None
    """The tools that the answer calls, where answers are kept."""
    session: int | None = None
    """Number of the session that it belongs to, within its level; below 0 for those that came in
    the warm-up of an open loop."""
    turn: int = 0
    """Place in its session, from 1."""
    step: int = 0
    """Rounds of tool results in this turn before it."""
    session_end: bool = False
    """Its session ended with it: finished where it is ok, else broken off."""
    url: int = 0
    """Which of the run's base URLs it was sent to, in their order, where there are several."""
    peer: str | None = None
    """Address that its connection led to, where users are spread over several addresses or URLs."""
    http: str = "1.1"
    """Version of HTTP that the server answered in."""
    retry_after_s: float | None = None
    """Wait that the server asked for with a 429 or 503."""
    held_ns: int = 0
    """How long its user waited before it because the answer before had asked for that."""
    reads: int = 0
    """Socket reads that carried body bytes."""
    body_bytes: int = 0

    def to_json(self) -> bytes:
        """The journal line, newline included."""
        return _ENCODER.encode(self) + b"\n"


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Row)


def parse_row(line: bytes, where: str) -> Row:
    """Read one journal line. Unknown keys are dropped, so that a newer file still loads.

    Raises ResultError naming ``where`` and the field when the line is not a row.
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ResultError(f"{where} is not a request line of a tailrace journal: {exc}") from None
