"""The catalogue of faults: what goes wrong, by name.

Rule: a fault is data, never code. It says when it strikes, what is sent in place of the answer (a
status, a page, a part of the stream, or raw pieces), and what then happens to the connection.
Why: one row here is a new fault, and the list a person reads is the list the server serves.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, NamedTuple

At = Literal["request", "reuse", "head", "connect", "listener"]
Content = Literal["all", "some", "none"]
Tail = Literal["whole", "error", "quiet", "garbage", "nothing"]
Then = Literal["keep", "close", "close_idle", "half_close", "reset", "hang"]
Word = Literal["head", "some", "all", "ending"]
"""A part of the answer as it would be: its headers, the first `Script.fault_after` chunks, all of
them, and all that follows them."""


class Often(NamedTuple):
    """One piece again and again; `times` None is without end."""

    piece: bytes | Word
    times: int | None = None


Piece = bytes | Word | Often


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong.

    `at`: when it strikes: a request that was read, the second and later requests of a connection,
    a request of which only the headers were read, a new connection, or the listener itself.
    `headers`: more header lines of the answer, each with its line end.
    `play`: raw pieces in place of the answer; `bytewise` sends them a byte at a time.
    `content`: all, the first `Script.fault_after` chunks, or none of it.
    `tail`: whole = finish, usage, [DONE]; error = an in-band error event; garbage = an event that
    is not JSON, then [DONE]; quiet = only the end of the body; nothing = not even that.
    `then`: keep the connection, close it, close it a moment later, close only its sending half,
    reset it, or hang for ever.
    `again_s`: a listener that closes listens again after so many seconds; None is never.
    """

    name: str
    about: str
    at: At = "request"
    status: int = 200
    page: str = ""
    headers: bytes = b""
    play: tuple[Piece, ...] = ()
    bytewise: bool = False
    content: Content = "all"
    tail: Tail = "whole"
    then: Then = "keep"
    says_close: bool = False
    again_s: float | None = None

    @property
    def ends(self) -> bool:
        """Whether the endpoint ever has done with a request that it struck."""
        forever = any(isinstance(piece, Often) and piece.times is None for piece in self.play)
        return self.then != "hang" and not forever


PAGE = "<!doctype html><title>Sign in</title><p>This is not the page you asked for.\n"
_GATEWAY = "<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>\n"
_AGAIN = b"retry-after: 1\r\n"
_BLOCK = b"w" * 65536
_OK = b"HTTP/1.1 200 OK\r\n"
_SSE = b"content-type: text/event-stream\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"
_END = b"0\r\n\r\n"
_BEFORE, _AFTER = b'data: {"choices":[{"index":0,"delta":{"content":"', b'"}}]}\n\n'
_EVENT = _BEFORE + b"weir" + _AFTER
_LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def _chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def _line(mebibytes: int) -> tuple[Piece, ...]:
    """One event whose data line has so many MiB of text, in one HTTP chunk."""
    times = mebibytes * 16
    size = len(_BEFORE) + times * len(_BLOCK) + len(_AFTER)
    return (b"%x\r\n" % size + _BEFORE, Often(_BLOCK, times), _AFTER + b"\r\n")


def _cut(place: str, play: tuple[Piece, ...]) -> tuple[Fault, ...]:
    """The three ways in which an answer can break off at one place."""
    return (
        Fault(
            f"close_{place}", f"the connection is closed {_PLACES[place]}", play=play, then="close"
        ),
        Fault(f"reset_{place}", f"a TCP reset {_PLACES[place]}", play=play, then="reset"),
        Fault(f"stall_{place}", f"silence for ever {_PLACES[place]}", play=play, then="hang"),
    )


_PLACES = {
    "before_headers": "once a request was read, before the first byte of the answer",
    "mid_headers": "in the middle of the answer's headers",
}


def _status(status: int, headers: bytes = b"", name: str = "", more: str = "") -> Fault:
    about = f"{status} {HTTPStatus(status).phrase}, at once{more}"
    return Fault(name or f"http_{status}", about, status=status, headers=headers)


_AT_CONNECT = (
    Fault("reset_connect", "a TCP reset of every new connection", at="connect", then="reset"),
    Fault("close_connect", "a new connection is closed at once", at="connect", then="close"),
    Fault("black_hole", "a connection is accepted and never answered", at="connect", then="hang"),
    Fault(
        "refused", "at that request all connections end, and new ones are refused", at="listener"
    ),
    Fault(
        "restart",
        "the same, but half a second later the endpoint is back on its port",
        at="listener",
        again_s=0.5,
    ),
)

_HEADS = (
    *_cut("before_headers", (b"",)),
    *_cut("mid_headers", (_OK + b"content-type: text/ev",)),
    Fault(
        "stale_close",
        "a kept connection is closed when its second request comes",
        at="reuse",
        play=(b"",),
        then="close",
    ),
    Fault(
        "stale_reset",
        "a kept connection is reset when its second request comes",
        at="reuse",
        play=(b"",),
        then="reset",
    ),
    Fault("not_http", "an answer that is not HTTP", play=(b"SSH-2.0-weir\r\n",), then="close"),
    Fault(
        "huge_header",
        "a header line of 4 MiB",
        play=(_OK + _SSE + b"x-weir: ", Often(_BLOCK, 64), b"\r\n", _CHUNKED + b"\r\n", _END),
    ),
    Fault(
        "many_headers",
        "100,000 header lines",
        play=(_OK + _SSE, Often(b"x-weir: on\r\n" * 1000, 100), _CHUNKED + b"\r\n", _END),
    ),
    Fault(
        "two_lengths",
        "headers with a content-length beside chunked framing",
        play=(_OK + _SSE + b"content-length: 5\r\n" + _CHUNKED + b"\r\n", _chunk(_EVENT), _END),
    ),
    Fault(
        "interim",
        "100 and 103 before a perfect answer",
        play=(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </weir>\r\n\r\n",
            "head",
            "all",
            "ending",
        ),
    ),
    Fault(
        "interim_endless",
        "103 again and again, and never an answer",
        play=(Often(b"HTTP/1.1 103 Early Hints\r\nlink: </weir>\r\n\r\n" * 100),),
    ),
    Fault(
        "upgrade",
        "101: the connection is to speak something else",
        play=(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: weir\r\nconnection: upgrade\r\n\r\n",),
    ),
    Fault(
        "early_answer",
        "413 when only the headers of a request were read",
        at="head",
        status=413,
        says_close=True,
    ),
    Fault(
        "two_answers",
        "a perfect answer, and a second one that nobody asked for",
        play=(
            "head",
            "all",
            _chunk(_LAST) + _END + _OK + _SSE + _CHUNKED + b"\r\n" + _chunk(_EVENT) + _END,
        ),
    ),
)

_STATUSES = (
    Fault("http_204", "204 No Content", play=(b"HTTP/1.1 204 No Content\r\n\r\n",)),
    *(
        _status(status, b"location: /v1/chat/completions\r\n", more=", to the same address")
        for status in (301, 302, 307, 308)
    ),
    _status(307, b"location: http://127.0.0.2:9/v1\r\n", "redirect_elsewhere", ", to another host"),
    *(_status(status) for status in (400, 401, 403, 404, 408, 409, 413)),
    _status(429, _AGAIN, more=", with Retry-After: 1"),
    _status(429, name="http_429_no_wait", more=", without Retry-After"),
    *(_status(status) for status in (500, 502, 503, 504)),
    _status(503, _AGAIN, "http_503_wait", ", with Retry-After: 1"),
    Fault("html_502", "502 with a page in HTML, as a gateway answers", status=502, page=_GATEWAY),
)

_BODIES = (
    Fault("not_sse", "200 with a text/html page, as a portal or proxy answers", page=PAGE),
    Fault("json_not_stream", "200 with JSON where a stream was asked for", play=(
        _OK + b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    )),
    Fault("wrong_type", "a stream that is called application/octet-stream", play=(
        _OK + b"content-type: application/octet-stream\r\n" + _CHUNKED + b"\r\n",
        "some", "ending",
    )),
    Fault("gzip", "a stream packed with gzip, for which nobody asked", play=(
        _OK + _SSE + b"content-encoding: gzip\r\n" + _CHUNKED + b"\r\n",
        _chunk(gzip.compress(_EVENT + b"data: [DONE]\n\n", mtime=0)) + _END,
    )),
    Fault("short_body", "the connection is closed before the content-length is reached", play=(
        _OK + _SSE + b"content-length: 9999\r\n\r\n" + _EVENT,
    ), then="close"),
    Fault("bad_chunk_size", "a chunk whose size is no number", play=("head", "some", b"weir\r\n")),
    Fault("chunk_size_overflow", "a chunk of 2^80 bytes",
          play=("head", "some", b"f" * 20 + b"\r\n")),
    Fault("endless_chunk_size", "a chunk whose size has an extension that never ends", play=(
        "head", "some", b"5;weir=", Often(_BLOCK),
    )),
    Fault("huge_trailer", "a trailer of 16 MiB behind a perfect answer", play=(
        "head", "all", _chunk(_LAST) + b"0\r\nx-weir: ", Often(_BLOCK, 256), b"\r\n\r\n",
    )),
    Fault("invalid_utf8", "an event whose text is not UTF-8, then a clean end", play=(
        "head", "some", _chunk(_BEFORE + b"\xff\xfe" + _AFTER), "ending",
    )),
    Fault("nul_bytes", "an event with NUL bytes in its JSON, then a clean end", play=(
        "head", "some", _chunk(_BEFORE + b"\0\0" + _AFTER), "ending",
    )),
    Fault("bytewise", "a perfect answer, one byte at a time", play=("head", "all", "ending"),
          bytewise=True),
    Fault("line_1mib", "a perfect answer with a data line of 1 MiB", play=(
        "head", *_line(1), "ending",
    )),
    Fault("line_100mib", "a data line of 100 MiB", play=("head", *_line(100), "ending")),
    Fault("lines_100mib", "an event of 100 MiB in lines of 1 KiB", play=(
        "head", Often(_chunk((b"data: " + b"w" * 1017 + b"\n") * 64), 1600), "ending",
    )),
    Fault("endless", "a stream that never ends", play=("head", Often("some"))),
    Fault("endless_comments", "comments for ever after some chunks, as keep-alives are", play=(
        "head", "some", Often(_chunk(b": weir\n\n" * 100)),
    )),
)  # fmt: skip

_STREAMS = (
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
    Fault(
        "half_close",
        "the endpoint closes its half of the connection after some chunks",
        content="some",
        tail="nothing",
        then="half_close",
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

CATALOGUE: dict[str, Fault] = {
    fault.name: fault for fault in (*_AT_CONNECT, *_HEADS, *_STATUSES, *_BODIES, *_STREAMS)
}


def due(every: int, request_no: int) -> bool:
    """Whether request number `request_no` (the first is 1) is one of every `every`."""
    return request_no % every == 0
