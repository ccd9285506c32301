"""The laws of an event stream, held against a slow parser written from the standard's own words."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fuzz.whatwg import Event, interpreted
from tailrace.engine.sse import EventReader

many = settings(max_examples=200, deadline=None)

ENDS = ("\n", "\r", "\r\n")
NOT_ENDS = "\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e"
"""What Python's ``str.splitlines`` takes for line ends and the standard does not."""


def as_text(events: list[tuple[str, bytes]]) -> list[Event]:
    return [(kind, data.decode("utf-8", "replace")) for kind, data in events]


def fed(pieces: list[bytes]) -> list[Event]:
    reader = EventReader()
    return as_text([event for piece in pieces for event in reader.feed(piece)])


def fed_and_closed(pieces: list[bytes]) -> list[Event]:
    reader = EventReader()
    events = [event for piece in pieces for event in reader.feed(piece)]
    return as_text(events + reader.close())


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    """The stream in pieces; two equal places give an empty piece."""
    places = sorted(place % (len(stream) + 1) for place in at)
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


values = st.text(st.sampled_from("ax: \u00e9\U0001f600\ufeff\0{}" + NOT_ENDS), max_size=8)
fields = st.sampled_from(("data", "data", "data", "event", "id", "retry", "dat", "datax", "Data"))
lines = st.one_of(
    st.builds(lambda field, colon, value: field + colon + value, fields, st.just(": "), values),
    st.builds(lambda field, colon, value: field + colon + value, fields, st.just(":"), values),
    fields,
    values.map(lambda text: ":" + text),
    values,
    st.just(""),
    st.just(""),
)
streams = st.builds(
    lambda bom, made, tail: (bom + "".join(line + end for line, end in made) + tail).encode(),
    st.sampled_from(("", "", "\ufeff", "\ufeff\ufeff")),
    st.lists(st.tuples(lines, st.sampled_from(ENDS)), max_size=12),
    values,
)
places = st.lists(st.integers(0, 10_000), max_size=12)


@many
@given(streams, places)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [8, 9, 10])
@example(b"\xef\xbb\xbfdata: a\n\n", [1, 2])
@example(b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [9])
def test_any_cut_reads_as_the_standard_says(stream: bytes, at: list[int]) -> None:
    assert fed(cut(stream, at)) == interpreted(stream)


@many
@given(streams, places)
@example(b"data: a", [])
@example(b"event: e\ndata: a\n", [5])
@example(b"data: a\r", [7])
@example(b"event: e", [])
@example(b": c", [])
def test_a_clean_end_completes_the_open_event(stream: bytes, at: list[int]) -> None:
    wanted = interpreted(stream, open_event_counts=True)
    assert fed_and_closed(cut(stream, at)) == wanted


@many
@given(st.binary(max_size=60) | st.lists(st.sampled_from(b"data: \r\n\xef\xbb\xbf\xe2")).map(bytes))
def test_bytes_that_are_no_text_read_the_same_whole_or_one_by_one(stream: bytes) -> None:
    one_by_one = [stream[i : i + 1] for i in range(len(stream))]
    assert fed_and_closed([stream]) == fed_and_closed(one_by_one)
    assert fed_and_closed([stream]) == interpreted(stream, open_event_counts=True)


@many
@given(
    st.lists(st.tuples(values, st.sampled_from(ENDS), st.sampled_from(ENDS)), max_size=6), places
)
def test_any_mix_of_line_ends_gives_the_same_events(
    made: list[tuple[str, str, str]], at: list[int]
) -> None:
    mixed = "".join(f"data: {value}{first}{second}" for value, first, second in made)
    if any(first == "\r" and second == "\n" for _, first, second in made):
        return  # together they are one line end
    assert fed(cut(mixed.encode(), at)) == [("", value) for value, _, _ in made]


@many
@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), places, st.booleans())
def test_json_of_any_text_comes_through_unharmed(
    texts: list[str], at: list[int], escaped: bool
) -> None:
    payloads = [json.dumps({"content": text}, ensure_ascii=escaped) for text in texts]
    try:
        stream = "".join(f"data: {payload}\n\n" for payload in payloads).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate cannot be sent at all
    events = fed(cut(stream, at))
    assert [json.loads(data)["content"] for _, data in events] == texts


@pytest.mark.parametrize("sign", NOT_ENDS)
def test_other_line_separators_are_text(sign: str) -> None:
    stream = f"data: a{sign}b\n\n".encode()
    assert fed([stream]) == [("", f"a{sign}b")]
    assert fed([stream[:8], stream[8:]]) == [("", f"a{sign}b")]


@pytest.mark.parametrize("place", range(1, 11))
def test_a_character_may_be_cut_anywhere(place: int) -> None:
    stream = "data: \U0001f600\n\n".encode()
    assert fed([stream[:place], stream[place:]]) == [("", "\U0001f600")]


class Bytes(bytes):
    """Bytes that count how many of them were looked through for a line end."""

    searched = 0

    def __contains__(self, item: object) -> bool:
        Bytes.searched += len(self)
        return super().__contains__(item)  # type: ignore[operator]

    def splitlines(self, keepends: bool = False) -> list[bytes]:
        Bytes.searched += len(self)
        return super().splitlines(keepends)


def test_a_long_line_costs_time_in_proportion() -> None:
    """5 MB in pieces of 1 KB: each byte is searched a fixed number of times, and joined once.

    Searching what had already come at each read would be 12.5 billion byte visits.
    """
    size, piece = 5_000_000, 1_000
    stream = b"data: " + b"x" * size + b"\n\n"
    Bytes.searched = 0
    reader = EventReader()
    events = []
    for start in range(0, len(stream), piece):
        events += reader.feed(Bytes(stream[start : start + piece]))
        held = reader._partial
        assert sum(map(len, held[-1:])) <= piece, "pieces are joined before the line is whole"
    assert [len(data) for _, data in events] == [size]
    assert Bytes.searched < 4 * len(stream)


def test_a_long_event_of_many_lines_holds_no_more_than_itself() -> None:
    reader = EventReader()
    assert not [event for _ in range(20_000) for event in reader.feed(b"data: 0123456789\n")]
    ((_, data),) = reader.feed(b"\n")
    assert data == b"\n".join([b"0123456789"] * 20_000)
    assert reader.feed(b"\n") == []


def test_the_short_way_takes_one_event_of_one_line_and_nothing_else() -> None:
    assert EventReader().feed_plain(b"data: a\n\n") == b"a"
    others = (b"data: a\n", b"data: \ra\n\n", b"data:a\n\n", b"dat\n\n", b"data: a\n\n\n", b"")
    for read in (*others, b"data: a\n\ndata: b\n\n", b"event: a\n\n", b"data: a\nx"):
        assert EventReader().feed_plain(read) is None, read
    reader = EventReader()
    reader.feed(b"event: x\n")
    assert reader.feed_plain(b"data: a\n\n") is None
    assert reader.feed(b"data: a\n\n") == [("x", b"a")]
    assert reader.feed_plain(b"data: b\n\n") == b"b"


def test_a_line_in_pieces_is_joined_at_the_end_of_the_body_as_well() -> None:
    assert fed_and_closed([b"da", b"ta: ", b"ab"]) == [("", "ab")]


def test_letters_at_a_lines_end_stay() -> None:
    assert fed([b"event: X\n", b"data: XX\nid\n\n"]) == [("X", "XX")]
