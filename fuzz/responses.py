"""Responses: random HTTP/1.1 answers that are valid, in every way that a server may write one.

RFC 9112: interim answers first, spaces and tabs around a value or none, names in any case, a body
by length, in chunks with extensions and trailers, or until the connection ends. ``torn`` answers
are such a one broken off.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

_TOKEN = b"abcXYZ019!#$%&'*+-.^_`|~"
_VALUE = b"az AZ09\t,;=\"'/?\x80\xe9\xff{}()"
_STATUSES = (200, 200, 200, 201, 204, 206, 301, 304, 400, 404, 429, 500, 503, 599)
_FORBIDDEN = frozenset(
    {b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"keep-alive"}
    | {b"proxy-connection", b"trailer"}
)
_NO_BODY = (204, 304)
_CODING = b"Transfer-Encoding"


class Response(NamedTuple):
    """One answer as bytes, and how its connection goes on."""

    data: bytes
    ended: bool
    """The server closes the connection behind it."""


def sequence(dice: Random) -> list[Response]:
    """Answers of one connection, in order; the last may be broken off."""
    count = dice.choice((1, 1, 1, 2, 3))
    answers = [response(dice, last=number == count - 1) for number in range(count)]
    if dice.random() < 0.15:
        data = answers[-1].data
        answers[-1] = Response(data[: dice.randrange(len(data))], True)
    return answers


def response(dice: Random, last: bool) -> Response:
    """One whole answer; only the ``last`` of a connection may close it."""
    status = dice.choice(_STATUSES)
    version = b"HTTP/1.0" if last and dice.random() < 0.05 else b"HTTP/1.1"
    framing = (
        dice.choice(("length", "chunked", "end")) if last else dice.choice(("length", "chunked"))
    )
    if status in _NO_BODY:
        framing = "none"
    elif framing == "chunked" and version == b"HTTP/1.0":
        framing = "end"
    closes = framing == "end" or (last and dice.random() < 0.3)
    fields = [_field(dice) for _ in range(dice.choice((0, 1, 3, 8)))]
    if closes and dice.random() < 0.8:
        fields.append((_cased(dice, b"Connection"), dice.choice((b"close", b"Close", b"x, close"))))
    body = _body(dice, framing, fields)
    dice.shuffle(fields)
    head = b"%s %d%s\r\n" % (version, status, _reason(dice))
    data = _interim(dice) + head + _lines(dice, fields) + b"\r\n" + body
    return Response(data, closes or (last and dice.random() < 0.3))


def _body(dice: Random, framing: str, fields: list[tuple[bytes, bytes]]) -> bytes:
    if framing == "none":
        return b""
    parts = [dice.randbytes(_size(dice)) for _ in range(dice.choice((0, 1, 1, 2, 5)))]
    if dice.random() < 0.3:
        parts = [part.translate(_FRAMES) for part in parts]
    elif dice.random() < 0.4:
        parts = [_event(dice) for _ in range(dice.choice((2, 5, 30)))]
    if framing == "chunked":
        coding = dice.choice((b"chunked", b"Chunked", b"chunked "))
        fields.append((_cased(dice, _CODING), coding))
        return _chunked(dice, [part for part in parts if part])
    whole = b"".join(parts)
    if framing == "length":
        zeros = b"0" * dice.choice((0, 0, 0, 3))
        fields.append((_cased(dice, b"Content-Length"), zeros + b"%d" % len(whole)))
    return whole


_FRAMES = (b"\r\n0\r\n\r\n;:a5 " * 24)[:256]
"""A body that looks like framing."""


def _event(dice: Random) -> bytes:
    """An event of one line, or what looks like a chunk with one in it, or ends as if in one."""
    text = bytes(dice.choices(_VALUE, k=dice.choice((0, 1, 9, 300))))
    event = b"data: " + text + b"\n\n"
    chunk = b"%x\r\n%b\r\n" % (len(event), event)
    return dice.choice((event,) * 12 + (chunk, event + b"\r\n", b"x\n\n\r\n" + chunk, b"\r\n"))


def _size(dice: Random) -> int:
    return dice.choice((0, 1, 2, dice.randrange(40), dice.randrange(40), dice.randrange(600)))


def _chunked(dice: Random, parts: list[bytes]) -> bytes:
    out = []
    for part in parts:
        size = b"%x" % len(part) if dice.random() < 0.6 else b"%X" % len(part)
        zeros = b"0" * dice.choice((0, 0, 0, 0, 2))
        out += (zeros, size, _extension(dice), b"\r\n", part, b"\r\n")
    trailers = [_field(dice) for _ in range(dice.choice((0, 0, 0, 1, 3)))]
    out += (b"0" * dice.choice((1, 1, 1, 3)), _extension(dice), b"\r\n")
    return b"".join((*out, _lines(dice, trailers), b"\r\n"))


def _extension(dice: Random) -> bytes:
    if dice.random() < 0.8:
        return b""
    name = _word(dice)
    return b";" + name + dice.choice((b"", b"=" + _word(dice), b'="a b;\\"c"'))


def _interim(dice: Random) -> bytes:
    if dice.random() < 0.85:
        return b""
    some = []
    for _ in range(dice.choice((1, 1, 2))):
        fields = [_field(dice) for _ in range(dice.choice((0, 1, 2)))]
        status = dice.choice((b"100 Continue", b"102 Processing", b"103 Early Hints", b"199 "))
        some.append(b"HTTP/1.1 " + status + b"\r\n" + _lines(dice, fields) + b"\r\n")
    return b"".join(some)


def _field(dice: Random) -> tuple[bytes, bytes]:
    name = _word(dice)
    while name.lower() in _FORBIDDEN:
        name = _word(dice)
    value = bytes(dice.choices(_VALUE, k=dice.choice((0, 1, 5, 20))))
    return name, value.strip(b" \t")


def _lines(dice: Random, fields: list[tuple[bytes, bytes]]) -> bytes:
    spaces = (b"", b" ", b" ", b"\t", b" \t  ")

    def behind(name: bytes) -> bytes:
        """A tab behind transfer-encoding is what our wire refuses."""
        return dice.choice((b"", b"", b" ", b" " if name.lower() == _CODING.lower() else b"\t "))

    return b"".join(
        b"%s:%s%s%s\r\n" % (name, dice.choice(spaces), value, behind(name))
        for name, value in fields
    )


def _word(dice: Random) -> bytes:
    return bytes(dice.choices(_TOKEN, k=dice.choice((1, 2, 8))))


def _cased(dice: Random, name: bytes) -> bytes:
    return dice.choice((name, name.lower(), name.upper(), name.swapcase()))


def _reason(dice: Random) -> bytes:
    return dice.choice((b" OK", b" OK", b" ", b" Not at all\t(\xe9)", b" " + _word(dice)))
