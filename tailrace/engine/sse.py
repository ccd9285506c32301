"""EventReader: the bytes of a ``text/event-stream`` in, whole events out, as they complete.

Rule: the WHATWG HTML standard, section 9.2 "Server-sent events": lines end at CRLF, LF or CR and
nowhere else (U+2028 inside JSON is text), one leading BOM is dropped, one space after the colon,
``data`` lines join with LF, a blank line dispatches, lines that start with a colon are comments.
Why our own: ``httpx.Response.aiter_lines`` splits at U+0085, U+2028 and others and corrupts JSON.
One deviation: an event left open by a body that ended cleanly still counts (``close``).

Any split of the bytes gives the same events; memory is that of the open event, of which no more
than ``EVENT_LIMIT_BYTES`` is held, and time is linear.
"""

from __future__ import annotations

from tailrace.engine.exchange import WireError

Event = tuple[str, bytes]
"""(event type, "" where none was given; data)."""

EVENT_LIMIT_BYTES = 16 * 2**20
"""Most that is held of one event (or line) that is not whole yet."""
READ_COSTS_BYTES = 64
"""What a read that is held takes beside its bytes."""

_LF, _CR, _COLON = 0x0A, 0x0D, 0x3A
_BOM = b"\xef\xbb\xbf"


class EventReader:
    """Incremental parser; ``feed`` each read, ``close`` at the clean end of the body."""

    __slots__ = (
        "_after_cr",
        "_at_start",
        "_data",
        "_held_bytes",
        "_idle",
        "_partial",
        "_type",
        "comments",
    )

    def __init__(self) -> None:
        self._at_start = True
        self._after_cr = False
        self._idle = True
        """Nothing is open: no partial line, no data line, no event type."""
        self._partial: list[bytes] = []
        self._held_bytes = 0
        self._data: list[bytes] = []
        self._type = ""
        self.comments = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Events that this read completes, in order; raises WireError for one that is too large."""
        data = self.feed_plain(chunk)
        return self._feed_any(chunk) if data is None else [("", data)]

    def feed_plain(self, chunk: bytes) -> bytes | None:
        """The data of a read that is one event of one data line, as nearly every read is.

        None for any other read, which is then not taken: ``feed`` it.
        """
        if (
            self._idle
            and chunk[:6] == b"data: "
            and chunk.find(b"\n") == len(chunk) - 2
            and chunk[-1] == _LF
            and chunk.find(b"\r") < 0
        ):
            self._at_start = self._after_cr = False
            return chunk[6:-2]
        return None

    def pass_plain(self) -> bool:
        """Whether a read that is known to be plain is an event of its own; then it is taken."""
        if self._idle:
            self._at_start = self._after_cr = False
            return True
        return False

    def close(self) -> list[Event]:
        """The event that the end of the body leaves open, if any."""
        events: list[Event] = []
        if self._partial:
            last = b"".join(self._partial)
            self._partial.clear()
            self._line(last, events)
        self._line(b"", events)
        return events

    def _feed_any(self, chunk: bytes) -> list[Event]:
        if not chunk:
            return []
        if self._after_cr and chunk[0] == _LF:
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r") if chunk else False
        if b"\n" not in chunk and b"\r" not in chunk:
            if chunk:
                self._partial.append(chunk)
                self._idle = False
                self._hold(len(chunk))
            return []
        read_bytes = len(chunk)
        if self._partial:
            chunk = b"".join((*self._partial, chunk))
            self._partial.clear()
        events: list[Event] = []
        lines = chunk.splitlines(keepends=True)  # of bytes: CRLF, LF and CR only
        if lines[-1][-1] not in (_LF, _CR):
            self._partial.append(lines.pop())
        for line in lines:
            self._line(line.rstrip(b"\r\n"), events)
        self._idle = not (self._partial or self._data or self._type)
        if events or not self._data:
            self._held_bytes = 0  # what is open now came with this read
        self._hold(0 if self._idle else read_bytes)
        return events

    def _hold(self, read_bytes: int) -> None:
        self._held_bytes += read_bytes + READ_COSTS_BYTES
        if self._held_bytes > EVENT_LIMIT_BYTES:
            raise too_large_event()

    def _line(self, line: bytes, events: list[Event]) -> None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append((self._type, b"\n".join(self._data)))
                self._data.clear()
            self._type = ""
            return
        if line[0] == _COLON:
            self.comments += 1
            return
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._type = value.decode("utf-8", "replace")


def too_large_event() -> WireError:
    """The end of an answer with an event that cannot be held."""
    most = EVENT_LIMIT_BYTES >> 20
    return WireError("event_too_large", f"one event of the answer is larger than {most} MiB")
