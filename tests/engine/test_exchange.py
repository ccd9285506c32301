"""One request on the wire: what it takes from its connection, its headers, and its end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tailrace.engine.exchange import Exchange, causes, too_large_answer


@dataclass
class Connection:
    """As much of one as an exchange asks for."""

    carried: int
    connect_begin_ns: int | None = 10
    connect_end_ns: int | None = 20
    tls_end_ns: int | None = 30
    peer: str | None = "h:1"


class Sink:
    """Keeps what it is pushed."""

    def __init__(self) -> None:
        self.pushed: list[tuple[int, bytes]] = []

    def on_headers(self) -> None:
        """Nothing to do."""

    def on_body(self, at_ns: int, data: bytes) -> None:
        self.pushed.append((at_ns, data))


def test_an_exchange_begins_with_nothing_known() -> None:
    made = Exchange(Sink())
    unknown = (made.connect_begin_ns, made.connect_end_ns, made.tls_end_ns, made.sent_ns)
    unknown += (made.headers_ns, made.closed_ns, made.reused, made.peer, made.status)  # type: ignore
    assert set(unknown) == {None}
    assert (made.http, made.headers, made.reads, made.body_bytes) == ("1.1", [], 0, 0)


@pytest.mark.parametrize(
    ("carried", "stamps"), [(0, (10, 20, 30)), (1, (None, None, None)), (2, (None, None, None))]
)
def test_only_the_first_on_a_connection_has_its_stamps(
    carried: int, stamps: tuple[int | None, ...]
) -> None:
    made = Exchange(Sink())
    made.first_on(Connection(carried))
    assert (made.reused, made.peer) == (carried > 0, "h:1")
    assert (made.connect_begin_ns, made.connect_end_ns, made.tls_end_ns) == stamps


def test_headers_are_found_whatever_their_case() -> None:
    made = Exchange(Sink())
    made.headers = [(b"Content-Type", b"a"), (b"X-N", b"\xfc"), (b"x-n", b"second")]
    assert [made.header(name) for name in (b"content-type", b"x-n", b"x")] == ["a", "\u00fc", ""]


def test_what_is_released_listens_no_more() -> None:
    sink = Sink()
    made = Exchange(sink)
    made.push(1, b"a")
    made.release()
    made.sink.on_headers()
    made.sink.on_body(2, b"b")
    assert sink.pushed == [(1, b"a")]


def test_an_answer_that_is_too_large() -> None:
    found = too_large_answer(64 * 2**20)
    assert (found.error_class, str(found)) == (
        *("answer_too_large", "the answer is larger than 64 MiB"),
    )


def test_the_causes_of_an_exception_from_top_to_bottom() -> None:
    first, second, third = OSError("first"), ValueError("second"), KeyError("third")
    third.__cause__, third.__context__ = second, TypeError("beside")
    second.__context__ = first
    assert list(causes(third)) == [third, second, first]
    assert list(causes(None)) == []
