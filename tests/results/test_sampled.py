"""Requests that are shown: an even choice, the slowest, and those with the longest gap."""

from __future__ import annotations

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
