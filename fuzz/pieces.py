"""Pieces: ways to cut one input into reads. A cut depends on the input alone, so it comes again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zlib import crc32

_PLAIN = re.compile(rb"([0-9a-fA-F]{1,6})\r\ndata: [^\r\n]*\n\n\r\n")
EVENT_ENDS = b"\n\n\r\n"


def cut(data: bytes) -> list[bytes]:
    """Short and long pieces, at places that the bytes themselves decide; none is empty."""
    state, start, found = crc32(data), 0, []
    while start < len(data):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        size = 1 + (state >> 16) % (3 if state & 0x8000 else 40)
        found.append(data[start : start + size])
        start += size
    return found


def bytewise(data: bytes) -> list[bytes]:
    """One byte a read."""
    return [data[i : i + 1] for i in range(len(data))]


def eventwise(data: bytes) -> list[bytes]:
    """A read ends where a chunk of one event may, as servers write."""
    *events, rest = data.split(EVENT_ENDS)
    found = [event + EVENT_ENDS for event in events]
    return [*found, rest] if rest else found


def every_way(data: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, event by event, and cut."""
    yield [data] if data else []
    yield bytewise(data)
    yield eventwise(data)
    yield cut(data)


def plain_start(data: bytes) -> int:
    """What ``wire_reads`` calls a read's plain start, by its definition."""
    match = _PLAIN.fullmatch(data)
    if match is None:
        return 0
    size_ends = match.end(1)
    return size_ends + 8 if int(match[1], 16) == len(data) - size_ends - 4 else 0
