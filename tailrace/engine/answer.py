"""Answer: the sink of one exchange. Body bytes become events, deltas, a timeline, an outcome.

Pure: it is pushed stamped bytes and never waits. It also judges the answer. Success needs a 2xx
status, a stream of the dialect's framing without an error event, some output, and the server's own
end mark (such as ``[DONE]`` or a finish reason); anything else is an error with a class. An answer
that was asked for without streaming is one JSON object instead, read when its body has ended.
"""

from __future__ import annotations

import orjson

from tailrace.engine.dialects.delta import Dialect
from tailrace.engine.dialects.openai_chat import error_text
from tailrace.engine.exchange import too_large_answer
from tailrace.engine.ndjson import LineReader
from tailrace.engine.sse import EventReader
from tailrace.engine.timeline import Timeline
from tailrace.hidden import without_secrets

_KEEP_BYTES = 4096
"""How much of an answer that is no event stream is kept for its error message."""
_KEEP_CHARS = 300
WHOLE_LIMIT_BYTES = 64 * 2**20
"""Most of an answer that is not streamed; all of it is held until its end."""
_NO_CONTENT = (204, 205)
_NDJSON = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines"}
    | {"application/x-jsonlines", "application/json-lines", "application/stream+json"}
)
_OTHER_KIND = {
    "sse": ("not_sse", "text/event-stream"),
    "ndjson": ("not_ndjson", "application/x-ndjson"),
    "whole": ("not_json", "application/json"),
}
"""By what was asked for: the error class of something else, and what it should have been."""


class Answer:
    """Reads one answer; ``accept`` first tells it the status and content type."""

    __slots__ = (
        "_bad_event",
        "_body",
        "_content_type",
        "_dialect",
        "_encoding",
        "_keep_bytes",
        "_location",
        "_reader",
        "_status",
        "_streamed",
        "timeline",
    )

    def __init__(self, dialect: Dialect, keep_text: bool = False, streamed: bool = True) -> None:
        """``streamed``: how it was asked for; an answer of the other kind is a fault."""
        self.timeline = Timeline(keep_text)
        self._dialect = dialect
        self._streamed = streamed
        self._reader: EventReader | LineReader = (
            LineReader() if dialect.framing == "ndjson" else EventReader()
        )
        self._status = 0
        self._content_type = self._encoding = self._location = ""
        self._body: bytearray | None = None
        """Kept instead of parsed when the answer is no event stream."""
        self._keep_bytes = _KEEP_BYTES
        self._bad_event: str | None = None

    def accept(
        self, status: int, content_type: str, encoding: str = "", location: str = ""
    ) -> None:
        """The response's head; decides whether the body is read as events."""
        self._status = status
        self._content_type = content_type
        self._encoding = "" if encoding == "identity" else encoding
        self._location = location
        if not self._is_as_asked:
            self._body = bytearray()
        elif not self._streamed:
            self._body, self._keep_bytes = bytearray(), WHOLE_LIMIT_BYTES

    def on_body(self, at_ns: int, data: bytes) -> None:
        """One read's bytes, with its stamp; raises WireError for more than can be held."""
        if self._body is None:
            plain = self._reader.feed_plain(data)
            if plain is not None:
                self._read(at_ns, "", plain)
                return
            for event_type, payload in self._reader.feed(data):
                self._read(at_ns, event_type, payload)
        elif len(self._body) < self._keep_bytes:
            self._body += data[: self._keep_bytes]
        elif self._keep_bytes == WHOLE_LIMIT_BYTES:
            raise too_large_answer(WHOLE_LIMIT_BYTES)

    def on_event(self, at_ns: int, data: bytes) -> None:
        """One read's bytes, which are ``data: ``, this, and an empty line."""
        if self._body is None and self._reader.pass_plain():
            self._read(at_ns, "", data)
        else:
            self.on_body(at_ns, b"data: %b\n\n" % data)

    def close(self, at_ns: int) -> None:
        """The body ended cleanly."""
        if self._body is None:
            for event_type, payload in self._reader.close():
                self._read(at_ns, event_type, payload)
        elif not self._streamed and self._is_as_asked:
            self._read_whole(at_ns, bytes(self._body))

    def _read_whole(self, at_ns: int, body: bytes) -> None:
        try:
            self.timeline.note_whole(at_ns, self._dialect.read_whole(body))
        except ValueError as exc:
            self._bad_event = f"{exc}: {_shown(body)}"

    def _read(self, at_ns: int, event_type: str, payload: bytes) -> None:
        try:
            self.timeline.note(at_ns, self._dialect.read(event_type, payload))
        except ValueError as exc:
            if self._bad_event is None:
                self._bad_event = f"{exc}: {_shown(payload)}"

    @property
    def _is_as_asked(self) -> bool:
        """A success of the kind that was asked for: an event stream, or JSON."""
        if not 200 <= self._status < 300 or self._encoding:
            return False
        if self._streamed:
            if self._dialect.framing == "sse":
                return self._content_type.startswith("text/event-stream")
            return self._media in _NDJSON
        media = self._media
        return media == "application/json" or media.endswith("+json")

    @property
    def _media(self) -> str:
        return self._content_type.partition(";")[0].strip()

    def fault(self) -> tuple[str, str] | None:
        """(error class, one sentence) for an answer that arrived whole and is no success."""
        timeline = self.timeline
        if not 200 <= self._status < 300 or self._status in _NO_CONTENT:
            return f"http_{self._status}", self._http_error()
        if self._encoding:
            how = without_secrets(self._encoding)[:_KEEP_CHARS]
            return "encoded", f"the answer is packed with {how}, which was not asked for"
        if not self._is_as_asked:
            return self._other_kind()
        if timeline.error is not None:
            error_class = "error_event" if self._streamed else "error_body"
            said = without_secrets(timeline.error)
            return error_class, f"the server sent an error: {said[:_KEEP_CHARS]}"
        if self._bad_event is not None:
            what = "an event" if self._streamed else "the answer"
            error_class = "bad_event" if self._streamed else "bad_body"
            return error_class, f"{what} cannot be read: {self._bad_event}"
        if not timeline.has_output:
            return "empty", "the answer has no output"
        if not timeline.done and timeline.finish_reason is None:
            return "no_done", f"the stream ended without {self._dialect.end_mark}"
        return None

    def _other_kind(self) -> tuple[str, str]:
        found = without_secrets(self._content_type)[:_KEEP_CHARS] or "no content type"
        framing = self._dialect.framing if self._streamed else "whole"
        error_class, wanted = _OTHER_KIND[framing]
        return error_class, f"the answer is {found}, not {wanted}: {self._shown_body()}"

    def _http_error(self) -> str:
        if self._status in _NO_CONTENT:
            return f"HTTP {self._status}: the answer has no content"
        if 300 <= self._status < 400 and self._location:
            where = without_secrets(self._location)[:_KEEP_CHARS]
            return f"HTTP {self._status}: the server redirects to {where}, which is not followed"
        body = bytes(self._body or b"")
        try:
            message = without_secrets(error_text(orjson.loads(body)["error"]))
        except (ValueError, KeyError, TypeError):
            message = _shown(body)
        return f"HTTP {self._status}: {message[:_KEEP_CHARS]}"

    def _shown_body(self) -> str:
        return _shown(bytes(self._body or b""))


def _shown(data: bytes) -> str:
    """Server bytes for a message: decoded, one line, cut."""
    text = without_secrets(data[:_KEEP_BYTES].decode("utf-8", "replace"))
    text = " ".join(text[: 4 * _KEEP_CHARS].split())
    return repr(text[:_KEEP_CHARS])
