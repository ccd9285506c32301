"""A request of several attempts, with attempts that only have an outcome: rows, waits, ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import pytest

from tailrace.engine.clock import now_ns
from tailrace.engine.retrying import Patience, Retrying
from tailrace.results.schema import Row
from tailrace.scenarios.retries import Retries
from tailrace.simulate.launch import loop_factory

pytestmark = pytest.mark.asyncio

OK = (200, "", "")


class Fake:
    """An attempt that ends with (status, Retry-After, error class) at once."""

    def __init__(self, row: Row, end: tuple[int, str, str]) -> None:
        self.row = row
        self._status, self._retry_after, self._class = end
        self.was_cut = False

    async def perform(self) -> Row:
        row = self.row
        row.sent_ns = row.ended_ns = 1
        row.status = self._status
        if self._status != 200 or self._class:
            row.outcome, row.error_class = "error", self._class or f"http_{self._status}"
        return row

    def cut(self) -> Row:
        self.was_cut = True
        return self.row

    def header(self, name: bytes) -> str:
        return self._retry_after if name == b"retry-after" else ""


@dataclass
class Desk:
    """Keeps what a Retrying gives away, and makes its attempts."""

    ends: Sequence[tuple[int, str, str]]
    postponed: list[Row] = field(default_factory=list)
    made: list[Fake] = field(default_factory=list)
    resumed: int = 0
    going: bool = True

    def make(self, row: Row) -> Fake:
        self.made.append(Fake(row, self.ends[len(self.made)]))
        return self.made[-1]

    def postpone(self, row: Row) -> None:
        self.postponed.append(row)

    def resume(self) -> None:
        self.resumed += 1

    def retrying(self, times: int, backoff_s: float = 0.001) -> Retrying:
        row = Row(
            "m-0-7", 0, 3, "measure", 40, prompt="p", model="l", asked_hash="a", streamed=False
        )
        patience = Patience(Retries(times, backoff_s), 0, 7, lambda: self.going)
        return Retrying(row, self.make, patience, self)


async def test_the_last_attempt_is_the_outcome() -> None:
    desk = Desk([(503, "", ""), (429, "", ""), OK, OK])
    row = await desk.retrying(5).perform()
    assert (row.id, row.outcome, row.attempt, row.retried) == ("m-0-7.3", "ok", 3, False)
    assert [(r.id, r.attempt, r.retried, r.status) for r in desk.postponed] == [
        ("m-0-7", 1, True, 503),
        ("m-0-7.2", 2, True, 429),
    ]
    assert desk.resumed == 2
    for each in (row, *desk.postponed):
        assert (each.intended_ns, each.user, each.phase, each.prompt) == (40, 3, "measure", "p")
        assert (each.asked_hash, each.streamed, each.model) == ("a", False, "l")


@pytest.mark.parametrize("times", [0, 1, 2])
async def test_no_more_attempts_than_allowed(times: int) -> None:
    desk = Desk([(500, "", "")] * 9)
    row = await desk.retrying(times).perform()
    assert (row.outcome, row.attempt, row.retried) == ("error", times + 1, False)
    assert len(desk.postponed) == times


@pytest.mark.parametrize("end", [OK, (404, "", ""), (200, "", "reset")])
async def test_what_may_not_be_tried_again_is_not(end: tuple[int, str, str]) -> None:
    desk = Desk([end, OK])
    assert (await desk.retrying(3).perform()).attempt == 1
    assert desk.postponed == []


async def test_a_server_that_asks_for_too_much_patience_is_a_failure() -> None:
    desk = Desk([(429, "3600", ""), OK])
    row = await desk.retrying(3).perform()
    assert (row.outcome, row.attempt) == ("error", 1)


async def test_no_attempt_once_the_run_is_to_stop() -> None:
    desk = Desk([(503, "", ""), OK], going=False)
    assert (await desk.retrying(3).perform()).outcome == "error"


async def test_retry_after_is_waited_for() -> None:
    desk = Desk([(429, "1", ""), OK])
    with anyio.move_on_after(0.2) as scope:
        await desk.retrying(1).perform()
    assert scope.cancelled_caught


async def test_the_longer_of_backoff_and_retry_after_counts() -> None:
    patience = Patience(Retries(9, 30.0), 0, 7, lambda: True)
    failed = Fake(Row("r", 0, 0, "measure", 0), (503, "1", ""))
    await failed.perform()
    own_s = Retries(9, 30.0).wait_s(0, 7, 1)
    assert own_s > 1.0
    assert patience.wait_s(failed) == own_s
    failed = Fake(failed.row, (503, "100", ""))
    assert patience.wait_s(failed) == 100.0


async def test_a_request_given_up_while_it_waits_was_sent_once() -> None:
    desk = Desk([(429, "60", ""), OK])
    retrying = desk.retrying(1)
    with anyio.move_on_after(0.05):
        await retrying.perform()
    row = retrying.cut()
    assert (row.id, row.attempt, row.sent_ns) == ("m-0-7.2", 2, None)
    assert [made.was_cut for made in desk.made] == [False, True]
    assert (len(desk.postponed), desk.resumed) == (1, 1)


class Exactly:
    """A patience of one retry after 2.5 ms."""

    def wait_s(self, failed: Fake) -> float | None:
        return 0.0025 if failed.row.attempt == 1 else None


async def test_a_wait_is_never_short(loop: str) -> None:
    """uvloop's own timers fire early."""

    async def took_ns() -> int:
        desk = Desk([(503, "", ""), OK])
        row = Row("m-0-7", 0, 3, "measure", 40)
        began_ns = now_ns()
        await Retrying(row, desk.make, Exactly(), desk).perform()  # type: ignore[arg-type]
        return now_ns() - began_ns

    def waits() -> list[int]:
        with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
            return [runner.run(took_ns()) for _ in range(20)]

    assert min(await asyncio.to_thread(waits)) >= 2_500_000
