"""Laws of the two readers of streamed answers: any cut gives what a slow reference gives.

Each reader is used as an answer uses it: the short way where it is taken, else the long one.
"""

from __future__ import annotations

from fuzz.pieces import every_way
from fuzz.whatwg import interpreted
from tailrace.engine.ndjson import LineReader
from tailrace.engine.sse import Event, EventReader


def sse(data: bytes) -> None:
    """Events are the standard's, and those that an end of the body completes as well."""
    begun, wanted = interpreted(data), interpreted(data, open_event_counts=True)
    for pieces in every_way(data):
        reader = EventReader()
        found = _text(_fed(reader, pieces))
        assert found == begun, (pieces, found, begun)
        found += _text(reader.close())
        assert found == wanted, (pieces, found, wanted)
        assert reader.close() == []


def ndjson(data: bytes) -> None:
    """Lines end at LF alone and lose the white space around them; empty ones are none."""
    wanted = [line for part in data.split(b"\n") if (line := part.strip(b" \t\r"))]
    for pieces in every_way(data):
        reader = LineReader()
        found = _fed(reader, pieces) + reader.close()
        assert found == [("", line) for line in wanted], (pieces, found, wanted)
        assert reader.close() == []


def _fed(reader: EventReader | LineReader, pieces: list[bytes]) -> list[Event]:
    events: list[Event] = []
    for piece in pieces:
        plain = reader.feed_plain(piece)
        events += reader.feed(piece) if plain is None else [("", plain)]
    return events


def _text(events: list[Event]) -> list[tuple[str, str]]:
    return [(kind, data.decode("utf-8", "replace")) for kind, data in events]
