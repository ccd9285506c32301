"""Pieces: ways to cut one input into reads. A cut depends on the input alone, so it comes again."""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32


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


def every_way(data: bytes) -> Iterator[list[bytes]]:
    """Whole, byte by byte, and cut."""
    yield [data] if data else []
    yield bytewise(data)
    yield cut(data)
