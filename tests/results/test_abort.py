"""Thresholds: how they are written, and when they have held for long enough."""

from __future__ import annotations

import pytest

from tailrace.errors import UsageError
from tailrace.results.abort import AbortWatch, parse_abort, shown

from .builders import S


def test_a_list() -> None:
    first, second = parse_abort("error_rate>10% for 5s,ttft:p99 > 10s for  500ms")
    assert (first.text, first.grace_ns) == ("error_rate>10% for 5s", 5 * S)
    assert (second.text, second.grace_ns) == ("ttft:p99>10s for 500ms", S // 2)
    assert parse_abort("tokens_per_s<5")[0].grace_ns == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("error_rate>10% for 5", "--abort-on: 'error_rate>10% for 5': a time needs a unit"),
        ("error_rate>10% for 5s, x", "--abort-on, threshold 2: 'x' is not an objective"),
        ("error_rate>10", "error_rate is a share"),
        ("goodput<5 for 5s", "goodput is not known while a level runs"),
        ("tokens_per_s_per_user<5", "is not known while a level runs"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_abort(text)
    assert says in str(raised.value)


def test_it_must_hold_without_a_break() -> None:
    watch = AbortWatch(parse_abort("error_rate>10% for 5s"))
    assert watch.look(0, [0.2]) is None
    assert watch.look(4 * S, [0.2]) is None
    assert watch.look(5 * S - 1, [0.1]) is None  # at the limit is not beyond it
    assert watch.look(6 * S, [0.2]) is None
    assert watch.look(10 * S, [None]) is None
    assert watch.look(11 * S, [0.2]) is None
    assert watch.look(16 * S, [0.25]) == "error_rate>10% for 5s: it was 25.0 %"


def test_any_of_several_is_enough() -> None:
    watch = AbortWatch(parse_abort("error_rate>10% for 5s, ttft:p50>1s"))
    assert watch.look(0, [0.0, 2.0 * S]) == "ttft:p50>1s: it was 2000 ms"


def test_figures_have_their_units() -> None:
    rule = parse_abort("requests_per_s<5")[0]
    assert shown(rule.beyond, 4.25) == "4.25/s"
