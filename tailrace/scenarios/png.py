"""PNG: images of a given size, different for each palette, at the price of a palette. Pure.

Rule: the PNG specification (ISO/IEC 15948), indexed colour, 8 bits. What is drawn, and its
compression, depends on the size alone and is done once; an image of its own is another palette, so
that a request can carry pixels that no cache has seen, made in microseconds.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from hashlib import shake_128

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256
_TILE = 16
MOST_PIXELS = 64 * 2**20
"""Of one image."""


def png(width: int, height: int, key: str) -> bytes:
    """An image file; another key gives other colours."""
    palette = shake_128(key.encode()).digest(3 * _COLOURS)
    begin, drawn = _drawn(width, height)
    return begin + _chunk(b"PLTE", palette) + drawn


@lru_cache(maxsize=8)
def _drawn(width: int, height: int) -> tuple[bytes, bytes]:
    """What comes before the palette and what after it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    tiles = range(-(-width // _TILE))
    bands = []
    for band in range(-(-height // _TILE)):
        row = b"".join(bytes([(7 * tile + 31 * band) % _COLOURS]) * _TILE for tile in tiles)
        rows = min(_TILE, height - band * _TILE)
        bands.append((b"\0" + row[:width]) * rows)
    pixels = zlib.compress(b"".join(bands), 6)
    return (
        _SIGNATURE + _chunk(b"IHDR", header),
        _chunk(b"IDAT", pixels) + _chunk(b"IEND", b""),
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
