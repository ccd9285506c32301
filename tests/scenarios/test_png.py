"""PNG: read back by the rules of the format, without a library."""

from __future__ import annotations

import struct
import zlib

import pytest

from tailrace.scenarios.png import png


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(name + body)
        found.append((name, body))
        at += 12 + length
    return found


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (17, 33), (640, 480), (3, 1000)])
def test_the_format(width: int, height: int) -> None:
    found = chunks(png(width, height, "k"))
    assert [name for name, _ in found] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    bodies = dict(found)
    assert struct.unpack(">IIBBBBB", bodies[b"IHDR"]) == (width, height, 8, 3, 0, 0, 0)
    assert len(bodies[b"PLTE"]) == 768
    rows = zlib.decompress(bodies[b"IDAT"])
    assert len(rows) == height * (width + 1)
    assert {rows[at] for at in range(0, len(rows), width + 1)} == {0}, "no row is filtered"


def test_keys_give_other_images() -> None:
    assert png(8, 8, "a") == png(8, 8, "a")
    assert len({png(8, 8, str(n)) for n in range(100)}) == 100


def test_a_large_image_is_a_small_file() -> None:
    assert len(png(1024, 1024, "a")) < 50_000
