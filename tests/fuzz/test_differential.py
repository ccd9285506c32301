"""Our wire and h11 agree on some hundred of the cases that fuzz/differential.py runs many of."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from fuzz.differential import differences
from fuzz.responses import sequence
from fuzz.sockets import socket_differences
from fuzz.talk import Talk
from tailrace.engine import exchange

CASES = 300


@pytest.mark.parametrize("first", range(0, CASES, 100))
def test_valid_answers_come_out_the_same(first: int) -> None:
    assert [told for seed in range(first, first + 100) for told in differences(seed)] == []


def test_through_a_socket_and_all_of_httpx_as_well() -> None:
    assert list(socket_differences(range(80))) == []


def test_the_cases_have_every_end_and_every_framing() -> None:
    ends, data = set(), b""
    for seed in range(CASES):
        talk = Talk()
        for answer in sequence(Random(seed)):
            ends.add(talk.ask([answer.data], answer.ended).end)
            data += answer.data.lower()
    assert ends == {"keep", "close", "truncated", "connection_closed"}
    for sign in (b"chunked", b"content-length", b"http/1.1 103", b"\x80", b";", b"http/1.0"):
        assert sign in data


def test_reads_that_pass_the_parser_by_are_among_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[bytes] = []
    framed = exchange._framed

    def noted(on_body: Callable[[int, bytes], None], at_ns: int, data: bytes) -> None:
        passed.append(data)
        framed(on_body, at_ns, data)

    monkeypatch.setattr(exchange, "_framed", noted)
    assert [told for seed in range(CASES) for told in differences(seed)] == []
    assert len(passed) > 20


def test_a_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tailrace.engine.wire_connection._SPACE", b"")
    told = [told for seed in range(50) for told in differences(seed)]
    assert told
    assert "headers: ours" in told[0]
