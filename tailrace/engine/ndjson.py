"""LineReader: the bytes of newline-delimited JSON in, whole lines out, as they complete.

Rule: the NDJSON description: a line ends at LF, a CR before it is no part of it, and empty lines
are ignored. Nothing else ends a line: JSON text may hold U+2028, and never a bare LF.
A last line without its LF still counts when the body ended cleanly (``close``).

Any split of the bytes gives the same lines; memory is that of the open line, time is linear. It
has the shape of ``sse.EventReader``, so that an answer is read by either; a line is an event
without a type.
"""

from __future__ import annotations

from tailrace.engine.sse import EVENT_LIMIT_BYTES, READ_COSTS_BYTES, Event, too_large_event

_BLANK = b" \t\r\n"
"""What JSON may have around it."""


class LineReader:
    """Incremental parser; ``feed`` each read, ``close`` at the clean end of the body."""

    __slots__ = ("_held_bytes", "_partial")

    def __init__(self) -> None:
        self._partial: list[bytes] = []
        self._held_bytes = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Lines that this read completes, in order; raises WireError for one that is too large."""
        *whole, rest = chunk.split(b"\n")
        if not whole:
            if rest:
                self._partial.append(rest)
                self._held_bytes += len(rest) + READ_COSTS_BYTES
                if self._held_bytes > EVENT_LIMIT_BYTES:
                    raise too_large_event()
            return []
        self._held_bytes = len(rest)
        if self._partial:
            whole[0] = b"".join((*self._partial, whole[0]))
            self._partial.clear()
        if rest:
            self._partial.append(rest)
        return [("", line) for part in whole if (line := part.strip(_BLANK))]

    def feed_plain(self, chunk: bytes) -> bytes | None:
        """The line of a read that is just one line, as nearly every read is.

        None for any other read, which is then not taken: ``feed`` it.
        """
        if not self._partial and chunk[-1:] == b"\n" and chunk.find(b"\n") == len(chunk) - 1:
            return chunk.strip(_BLANK) or None
        return None

    def pass_plain(self) -> bool:
        """See EventReader.pass_plain: an event of such a stream is no line of JSON."""
        return False

    def close(self) -> list[Event]:
        """The line that the end of the body leaves open, if any."""
        last = b"".join(self._partial).strip(_BLANK)
        self._partial.clear()
        return [("", last)] if last else []
