"""Requests that are shown: an even choice, the slowest, and those with the longest gap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.results.sampled import EVEN, WORST, Sampled

from .builders import MS, row


def chosen(rows) -> list[dict]:
    made = Sampled()
    for one in rows:
        made.add(one, max(one.gaps_ns, default=0))
    return made.result()


@given(st.integers(0, 2000))
def test_they_are_few_and_in_order(many: int) -> None:
    found = chosen(row(n, id=f"r{n}") for n in range(many))
    assert min(many, EVEN // 2) <= len(found) <= EVEN + 2 * WORST
    assert [one["intended_ns"] for one in found] == sorted(one["intended_ns"] for one in found)


def test_the_worst_of_each_kind_are_among_them() -> None:
    rows = [row(n, 100, (10, 20), id=f"r{n}") for n in range(999)]
    slow = row(333, 5000, (10,), id="slow")
    stalled = row(444, 100, (10, 900, 5), id="stalled")
    found = {one["id"]: one for one in chosen([*rows[:500], slow, stalled, *rows[500:]])}
    assert {"slow", "stalled"} <= set(found)
    assert found["stalled"]["max_gap_ns"] == 900 * MS
    assert found["stalled"]["max_gap_at_ns"] == (444 + 100 + 10 + 900) * MS


def test_warm_up_and_tries_that_were_made_again_are_not_shown() -> None:
    assert chosen([row(1, phase="warmup"), row(2, retried=True)]) == []


@pytest.mark.parametrize("many", [1, EVEN, EVEN + 1, 2 * EVEN, 2 * EVEN + 1, 300])
def test_the_choice_is_even_beside_the_slowest(many: int) -> None:
    """Of the slowest those that were due first, where several are as slow."""
    every = 1
    while -(-many // every) > EVEN:
        every *= 2
    even = {f"r{n}" for n in range(0, many, every)}
    found = {one["id"] for one in chosen(row(n, id=f"r{n}") for n in range(many))}
    assert found == even | {f"r{n}" for n in range(min(many, WORST))}


def test_exactly_the_worst_are_kept_whatever_came_first() -> None:
    """300 requests, of which those at odd places are never in the even choice."""
    waits = [(7 * n) % 301 for n in range(300)]
    rows = [row(n, 100 + wait, (), id=f"r{n}") for n, wait in enumerate(waits)]
    found = {one["id"] for one in chosen(rows)}
    worst = sorted(range(300), key=lambda n: -waits[n])[:WORST]
    even = {f"r{n}" for n in range(0, 300, 16)}
    assert found == even | {f"r{n}" for n in worst}


def test_what_is_shown_of_a_request() -> None:
    failed = row(5, None, (), id="a", outcome="error", error_class="http_500", output_tokens=None)
    good = row(9, 100, (10, 30), id="b", output_tokens=3)
    whole = row(12, None, (), id="c", last_output_ns=50 * MS, gaps_ns=[7])
    first, second, third = chosen([failed, good, whole])
    assert (first["outcome"], first["error_class"]) == ("error", "http_500")
    assert (first["max_gap_ns"], first["max_gap_at_ns"]) == (None, None)
    assert (second["output_tokens"], second["error_class"]) == (3, None)
    assert second["max_gap_at_ns"] == (9 + 100 + 10 + 30) * MS
    assert (third["max_gap_ns"], third["max_gap_at_ns"]) == (7, None)
    assert set(first) == set(second)
