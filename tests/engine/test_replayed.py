"""A trace as arrivals: shares of it are it, bounds cut it, and its counts are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.engine.asked import Asked
from tailrace.engine.replayed import Replayed, cumulative_of
from tailrace.engine.scheduler import Bounds, Start
from tailrace.results.schema import Row
from tailrace.scenarios.trace_files import replay, survey
from tailrace.scenarios.traces import Trace

from ..laws.served import Served
from ..virtual_clock import run_virtually

S = 1_000_000_000


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    path = tmp_path_factory.mktemp("trace") / "t.jsonl"
    rows = [
        {"timestamp": 100 * n + (n % 3) * 150, "input_length": 5, "output_length": n + 1}
        for n in range(101)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return survey(str(path), None)


def share(
    trace: Trace, worker: int, of: int, duration_ns: int | None = None, requests: int | None = None
) -> list[Start]:
    bounds = Bounds(0, 2 * S, duration_ns, None if requests is None else 1, 0)
    return list(Replayed(trace, "").starts(worker, of, bounds, requests))


@pytest.mark.parametrize("of", range(1, 9))
def test_the_union_of_the_shares_is_the_whole(trace: Trace, of: int) -> None:
    whole = [(2 * S + due_ns, row) for due_ns, row in replay(trace)]
    shares = [share(trace, worker, of) for worker in range(of)]
    pooled = sorted((start for part in shares for start in part), key=lambda start: start.user)
    assert [(start.intended_ns, start.traced) for start in pooled] == whole
    assert [start.user for start in pooled] == list(range(101))
    assert {start.phase for start in pooled} == {"measure"}
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 5), st.integers(0, 12 * S), st.integers(0, 120))
def test_bounds_cut_the_whole_and_not_the_shares(
    trace: Trace, of: int, duration_ns: int, requests: int
) -> None:
    whole = list(replay(trace))
    timed = [start for worker in range(of) for start in share(trace, worker, of, duration_ns)]
    assert len(timed) == sum(due_ns < duration_ns for due_ns, _ in whole)
    counted = [s for worker in range(of) for s in share(trace, worker, of, None, requests)]
    assert sorted(s.user for s in counted) == list(range(min(requests, 101)))


def test_what_is_asked_is_the_rows(trace: Trace) -> None:
    asked: list[Asked] = []
    replayed = Replayed(trace, "")
    (first, *_) = replayed.starts(0, 1, Bounds(0, 0, None, None, 0), None)

    def make(what: Asked) -> None:
        asked.append(what)

    replayed.sending(first, Row("a", 0, 0, "measure", 0), make)  # type: ignore[arg-type]
    assert (asked[0].item.id, asked[0].item.max_tokens) == ("1", 1)


def test_how_many_are_due_until_a_time(trace: Trace) -> None:
    dues = [due_ns for due_ns, _ in replay(trace)]
    found = cumulative_of(trace)(np.array([0.0, 1.0, 5.05, 1000.0]))
    assert found.tolist() == [sum(due < at * S for due in dues) for at in (0.0, 1.0, 5.05, 1000.0)]
    assert cumulative_of(trace)(np.array([0.0, 99.0])).tolist() == [0.0, 101.0]


def test_a_trace_that_is_changed_meanwhile_aborts_the_run(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    good = b'{"timestamp": 0, "input_length": 5, "output_length": 5}\n'
    path.write_bytes(good + good)
    checked = survey(str(path), None)
    path.write_bytes(good + b"{")
    bounds = Bounds(0, 0, 9 * S, None, 5 * S)
    served = Served(Replayed(checked, "").starts(0, 1, bounds, None), bounds, lambda index: S)
    run_virtually(served.hold)
    assert [row.outcome for row in served.rows] == ["ok"]
    assert "line 2 is not JSON" in (served.loop._stop.reason or "")
    assert served.books.balanced()
