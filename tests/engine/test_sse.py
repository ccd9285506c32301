"""Event streams in a table: bytes in, events out."""

from __future__ import annotations

import pytest

from tailrace.engine.sse import EventReader

TABLE = {
    "one event": (b"data: a\n\n", [("", b"a")]),
    "no space": (b"data:a\n\n", [("", b"a")]),
    "two spaces: one goes": (b"data:  a\n\n", [("", b" a")]),
    "a tab is no space": (b"data:\ta\n\n", [("", b"\ta")]),
    "lines join with LF": (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
    "lines of CRLF join with LF": (b"data: a\r\ndata: b\r\n\r\n", [("", b"a\nb")]),
    "CR alone ends a line": (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
    "empty data": (b"data:\n\n", [("", b"")]),
    "data without colon": (b"data\n\n", [("", b"")]),
    "two empty lines of data": (b"data\ndata\n\n", [("", b"\n")]),
    "blank lines alone": (b"\n\n\r\n\n", []),
    "type": (b"event: e\ndata: a\n\n", [("e", b"a")]),
    "type after the data": (b"data: a\nevent: e\n\n", [("e", b"a")]),
    "the last type counts": (b"event: e\nevent: f\ndata: a\n\n", [("f", b"a")]),
    "a type is for one event": (b"event: e\ndata: a\n\ndata: b\n\n", [("e", b"a"), ("", b"b")]),
    "a type without data": (b"event: e\n\ndata: a\n\n", [("", b"a")]),
    "type not in UTF-8": (b"event: \xff\ndata: a\n\n", [("\ufffd", b"a")]),
    "comment": (b": hello\n\ndata: a\n\n", [("", b"a")]),
    "comment inside an event": (b"data: a\n:c\ndata: b\n\n", [("", b"a\nb")]),
    "unknown fields": (b"id: 7\nretry: 9\nx: y\ndata: a\n\n", [("", b"a")]),
    "field names have a case": (b"Data: a\nDATA: b\n\n", []),
    "a leading space is in the name": (b" data: a\n\n", []),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
    "only one BOM": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "only at the start": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("", b"a")]),
    "BOM after a blank line": (b"\n\xef\xbb\xbfdata: a\n\n", []),
    "unfinished": (b"data: a\n\ndata: b\n", [("", b"a")]),
    "colons in the value": (b'data: {"a":"b:c"}\n\n', [("", b'{"a":"b:c"}')]),
    "NUL": (b"data: \0\n\n", [("", b"\0")]),
}


@pytest.mark.parametrize(("stream", "events"), TABLE.values(), ids=TABLE.keys())
def test_reads(stream: bytes, events: list[tuple[str, bytes]]) -> None:
    assert EventReader().feed(stream) == events


@pytest.mark.parametrize(("stream", "events"), TABLE.values(), ids=TABLE.keys())
def test_reads_byte_by_byte(stream: bytes, events: list[tuple[str, bytes]]) -> None:
    reader = EventReader()
    assert [e for i in range(len(stream)) for e in reader.feed(stream[i : i + 1])] == events


def test_an_event_comes_with_the_read_that_completes_it() -> None:
    reader = EventReader()
    assert reader.feed(b"data: a") == []
    assert reader.feed(b"") == []
    assert reader.feed(b"\n") == []
    assert reader.feed(b"\ndata: b\n\nda") == [("", b"a"), ("", b"b")]
    assert reader.feed(b"ta: c\n\n") == [("", b"c")]


def test_a_cr_completes_its_line_without_waiting_for_an_lf() -> None:
    reader = EventReader()
    assert reader.feed(b"data: a\r\n\r") == [("", b"a")]
    assert reader.feed(b"\n") == []
    assert reader.feed(b"data: b\r\r") == [("", b"b")]
    assert reader.feed(b"data: c\n\n") == [("", b"c")]


def test_an_empty_read_between_cr_and_lf_changes_nothing() -> None:
    reader = EventReader()
    reads = (b"data: a\r", b"", b"\ndata: b\r\n", b"\r\n")
    assert [event for read in reads for event in reader.feed(read)] == [("", b"a\nb")]


@pytest.mark.parametrize(
    "open_line", [b"event: e\n", b"data: x\n", b"dat", b"\xef\xbb", b"event: e\r"]
)
def test_what_is_open_is_not_overtaken_by_a_whole_event(open_line: bytes) -> None:
    """The short way for a read of exactly one event must see that something is open."""
    whole = b"data: a\n\n"
    reader = EventReader()
    apart = reader.feed(open_line) + reader.feed(whole)
    assert apart == EventReader().feed(open_line + whole)


@pytest.mark.parametrize(
    ("tail", "events"),
    [
        (b"", []),
        (b"data: b", [("", b"b")]),
        (b"data: b\n", [("", b"b")]),
        (b"data: b\r", [("", b"b")]),
        (b"event: e\ndata: b", [("e", b"b")]),
        (b"event: e\n", []),
        (b": comment", []),
        (b"data", [("", b"")]),
    ],
)
def test_close_gives_the_open_event(tail: bytes, events: list[tuple[str, bytes]]) -> None:
    reader = EventReader()
    assert reader.feed(b"data: a\n\n" + tail) == [("", b"a")]
    assert reader.close() == events
    assert reader.close() == []


def test_comments_are_counted() -> None:
    reader = EventReader()
    reader.feed(b": a\n: b\n\ndata: x\n\n:\n")
    assert reader.comments == 3
