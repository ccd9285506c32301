"""Faults by servers of others: uvicorn and hypercorn, running an application that misbehaves.

The scripted endpoint does what its author thinks that a server does. Here a stack itself decides
what becomes of an exception, of an answer left open, of a stop and of an idle connection.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailrace.scenarios.model import Think
from tailrace.scenarios.retries import Retries
from tailrace.simulate import CATALOGUE

from .asgi_server import BEFORE_THE_FAULT, CHUNKS, STACKS, STATUSES
from .program import Program, meanwhile, running
from .struck import REQUESTS, Struck, run_against
from .table import GONE, TABLE

pytestmark = pytest.mark.server

KEEP_ALIVE_S = 2
SILENCE = frozenset({"stall", "stall_before_headers"})

BY_THE_APPLICATION = {
    **{name: f"http_{code}" for name, (code, *_) in STATUSES.items()},
    "redirect_elsewhere": "http_307",
    "html_502": "http_502",
    "not_sse": "not_sse",
    "wrong_type": "not_sse",
    "garbage_json": "bad_event",
    "invalid_utf8": "bad_event",
    "error_event": "error_event",
}
"""Whole answers: the connection is used again."""

BY_THE_STACK = {
    "raises": "truncated",
    "raises_at_once": "http_500",
    "returns": "truncated",
    "says_nothing": "http_500",
    "short_body": "truncated",
    "stall": "idle_timeout",
    "stall_before_headers": "idle_timeout",
}
"""What the stack makes of it: the connection is at an end."""

ALIKE = {*BY_THE_APPLICATION, *BY_THE_STACK, "connection_close"} & set(CATALOGUE)
"""What the scripted endpoint does too, under the same name."""


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest) -> Iterator[Program]:
    server = Program("faults/asgi_server.py", request.param, "PORT", str(KEEP_ALIVE_S))
    with running(server) as program:
        yield program


def struck_by(stack: Program, fault: str, out: Path, error_class: str | None) -> Struck:
    """Every second request has failed with this class, in time, and the books say so."""
    struck = run_against(f"{stack.root}/{fault}/{out.name}/v1", out)
    outcome = "timeout" if fault in SILENCE else "error"
    assert struck.kinds == ({(outcome, error_class)} if error_class else set())
    failed = [row for row in struck.rows if row.outcome != "ok"]
    assert len(failed) == (REQUESTS // 2 if error_class else 0)
    assert all(row.error and len(row.error) < 500 and "\n" not in row.error for row in failed)
    assert {row.chunks for row in struck.rows if row.outcome == "ok"} == {CHUNKS}
    assert struck.books.balanced()
    assert struck.books.started == len(struck.rows) == REQUESTS
    assert struck.took_s < (0.3 * 2 if fault in SILENCE else 0) + 5
    return struck


def test_what_is_alike_has_the_same_class() -> None:
    found = BY_THE_APPLICATION | BY_THE_STACK
    known = {row.fault: row.classes for row in TABLE}
    assert len(ALIKE) > 20
    assert all(found[name] in known[name] for name in ALIKE - {"connection_close"})


@pytest.mark.parametrize(("fault", "error_class"), BY_THE_APPLICATION.items())
def test_an_answer_that_is_whole_keeps_its_connection(
    tmp_path: Path, stack: Program, fault: str, error_class: str
) -> None:
    rows = struck_by(stack, fault, tmp_path, error_class).rows
    assert [row.reused for row in rows].count(True) >= REQUESTS - 2  # two users' first


@pytest.mark.parametrize(("fault", "error_class"), BY_THE_STACK.items())
def test_an_answer_that_the_application_leaves_is_ended_by_the_stack(
    tmp_path: Path, stack: Program, fault: str, error_class: str
) -> None:
    rows = struck_by(stack, fault, tmp_path, error_class).rows
    begun = error_class != "http_500" and fault != "stall_before_headers"
    chunks = {row.chunks for row in rows if row.outcome != "ok"}
    assert chunks == {BEFORE_THE_FAULT if begun else 0}


def test_connection_close_is_heeded(tmp_path: Path, stack: Program) -> None:
    rows = struck_by(stack, "connection_close", tmp_path, None).rows
    assert [row.reused for row in rows].count(False) >= REQUESTS // 2


def test_a_retry_after_is_waited_for_and_the_second_sending_is_ok(
    tmp_path: Path, stack: Program
) -> None:
    """Of one user each second sending is refused, and the one that follows it is good."""
    url = f"{stack.root}/http_429/{tmp_path.name}/v1"
    retries = Retries(1, backoff_s=0.01)
    rows = run_against(url, tmp_path, users=1, requests=2, retries=retries).rows
    assert [(row.outcome, row.attempt) for row in rows] == [
        *(("error", 1), ("ok", 2), ("error", 1), ("ok", 2))
    ]
    for refused, again in zip(rows[::2], rows[1::2], strict=True):
        assert refused.closed_ns is not None
        assert again.sent_ns is not None
        assert again.sent_ns - refused.closed_ns >= 1e9


def test_an_idle_connection_that_the_stack_has_closed_costs_no_request(
    tmp_path: Path, stack: Program
) -> None:
    think = Think(KEEP_ALIVE_S + 0.4)
    struck = run_against(
        f"{stack.root}/slow/x/v1", tmp_path, users=2, requests=4, think=think, drain_s=3.0
    )
    assert {row.outcome for row in struck.rows} == {"ok"}
    assert [row.reused for row in struck.rows[2:]] == [False, False]  # after a pause


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to be heeded")
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_goes_and_comes_back_is_measured_again(
    tmp_path: Path, stack: Program, by: signal.Signals
) -> None:
    url = f"{stack.root}/slow/x/v1"
    with meanwhile(tmp_path, 5, 0.06, lambda: stack.end(by), 0.3, stack.start):
        struck = run_against(url, tmp_path, requests=None, duration_s=5.0, idle_timeout_s=2.0)
    classes = {row.error_class for row in struck.rows if row.outcome != "ok"}
    assert struck.rows[0].outcome == struck.rows[-1].outcome == "ok"
    assert "connect_refused" in classes
    assert classes <= set(GONE)
    cut = [row for row in struck.rows if row.outcome != "ok" and row.chunks]
    assert bool(cut) == (by == signal.SIGKILL), "a stop lets answers end"
    assert struck.books.balanced()
    assert struck.took_s < 5.0 + 1.0 + 5
