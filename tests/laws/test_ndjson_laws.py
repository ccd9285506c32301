"""The laws of newline-delimited JSON: any cut of the bytes gives the same lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailrace.engine import ndjson
from tailrace.engine.exchange import WireError
from tailrace.engine.ndjson import LineReader

from .test_sse_laws import cut, places

many = settings(max_examples=200, deadline=None)
lines = st.one_of(
    st.text("ax{}\u2028\u2029\u0085\x0b\x0c\x1c\U0001f600", max_size=8),
    st.sampled_from(("", " ", "\t", "\r")),
)
streams = st.builds(
    lambda made, tail: ("".join(line + end for line, end in made) + tail).encode(),
    st.lists(st.tuples(lines, st.sampled_from(("\n", "\r\n", "\n\n"))), max_size=12),
    lines,
)


def fed(pieces: list[bytes], *, close: bool = True) -> list[bytes]:
    """What an answer does with each read: the short way where it is taken, else the long one."""
    reader = LineReader()
    found = []
    for piece in pieces:
        plain = reader.feed_plain(piece)
        found += [("", plain)] if plain is not None else reader.feed(piece)
    if close:
        found += reader.close()
        assert reader.close() == []
    assert {kind for kind, _ in found} <= {""}
    return [data for _, data in found]


def wanted(stream: bytes) -> list[bytes]:
    return [line for part in stream.split(b"\n") if (line := part.strip(b" \t\r"))]


@many
@given(streams, places)
@example(b'{"a":1}\r\n{"b":2}', [8, 9])
@example(b"\n\n{}\n", [1, 2])
@example(b"a\n", [1])
def test_any_cut_gives_the_same_lines(stream: bytes, at: list[int]) -> None:
    assert fed(cut(stream, at)) == wanted(stream)


@many
@given(streams, places)
def test_what_the_body_leaves_open_waits_for_its_end(stream: bytes, at: list[int]) -> None:
    assert fed(cut(stream, at), close=False) == wanted(stream[: stream.rfind(b"\n") + 1])


@many
@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), places, st.booleans())
def test_json_of_any_text_comes_through_unharmed(
    texts: list[str], at: list[int], escaped: bool
) -> None:
    try:
        dumped = [json.dumps({"t": text}, ensure_ascii=escaped).encode() for text in texts]
    except UnicodeEncodeError:
        return  # a lone surrogate cannot be sent at all
    read = fed(cut(b"\r\n".join(dumped), at))
    assert [json.loads(line)["t"] for line in read] == texts


@pytest.mark.parametrize("size", [10, 1000])
def test_a_long_line_is_joined_once(size: int) -> None:
    reader = LineReader()
    for _ in range(size):
        assert reader.feed(b"x" * 100) == []
        assert max(map(len, reader._partial)) == 100
    assert reader.feed(b"\n") == [("", b"x" * 100 * size)]


@pytest.mark.parametrize(
    ("chunk", "line"),
    [
        (b'{"a":1}\n', b'{"a":1}'),
        (b' {"a":1}\r\n', b'{"a":1}'),
        (b"\n", None),
        (b"", None),
        (b'{"a":1}', None),
        (b"a\nb\n", None),
        (b"a\nb", None),
    ],
)
def test_a_read_of_just_one_line_takes_the_short_way(chunk: bytes, line: bytes | None) -> None:
    reader = LineReader()
    assert reader.feed_plain(chunk) == line
    reader.feed(b"begun")
    assert reader.feed_plain(chunk) is None


def test_what_is_held_of_a_line_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its bytes and by its reads, and from its own begin."""
    monkeypatch.setattr(ndjson, "EVENT_LIMIT_BYTES", 3 * ndjson.READ_COSTS_BYTES + 60)
    for before in (b"", b"y" * 5000 + b"\n"):
        reader = LineReader()
        reader.feed(before)
        for _ in range(3):
            assert reader.feed(b"x" * 20) == []
        with pytest.raises(WireError):
            reader.feed(b"x")
    reader = LineReader()
    reader.feed(b"y\n" + b"x" * (3 * ndjson.READ_COSTS_BYTES))
    with pytest.raises(WireError):
        reader.feed(b"x" * 61)
