"""Watcher: this side of the process that looks at a server during its levels (``scraper.py``).

Rule: nothing of it happens in a loop that stamps reads while a level is under way. The process is
started before a model's first level and ended after its last; in between it keeps its own beat and
says nothing. Before and after each level, when no request is under way, it is asked for one look
more, so that what the server counted in a level is known exactly. A server that does not answer
costs a bounded wait, and where ``auto`` finds no metrics there is no process at all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import anyio
import httpx
import msgspec

from tailrace.engine.child import end_child, start_child
from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.exposition import looks_like_metrics
from tailrace.engine.scraper import TIMEOUT_S, Orders
from tailrace.engine.tls import context_of
from tailrace.engine.wire import FastTransport
from tailrace.engine.worker import SecretHeaders, Target
from tailrace.scenarios.model import Scenario
from tailrace.scenarios.server_side import AUTO
from tailrace.scenarios.urls import endpoint, root_of

START_S = 15.0
PROBE_S = 1.0
"""For the question whether there are metrics; asked once a model, before its levels."""
SETTLE_S = 0.05
"""After a level, so that a server's counters hold what it has just sent."""
LATE_S = 0.2
"""To wait for a look where the one before was missed."""
END_S = 2.0
PROBE_BYTES = 65_536


class Plan(NamedTuple):
    """What is the same for a model's whole turn."""

    scenario: Scenario
    origin: Origin
    folder: Path
    """The model's."""


class Watching(Protocol):
    """What a run asks of it."""

    async def look(self) -> None:
        """Look once more, now; returns when that is done, or is not going to be."""
        ...


class Nobody:
    """Where there is nothing to look at."""

    async def look(self) -> None:
        """See Watching.look."""


@contextlib.asynccontextmanager
async def watching(
    plan: Plan,
    target: Target,
    headers: SecretHeaders,
    holder_pid: int | None,
    say: Callable[[str], None],
) -> AsyncIterator[Watching]:
    """Have the target's server watched in this block.

    ``holder_pid`` is the process whose children serve it, where that is ours; ``say`` is told what
    cannot be looked at although it was asked for.
    """
    orders = await _orders(plan, target, headers, holder_pid)
    if orders is None:
        yield Nobody()
        return
    watcher = Watcher(await start_child("tailrace.engine.scraper"), say)
    try:
        await watcher.begin(orders)
        yield watcher
    finally:
        with anyio.CancelScope(shield=True):
            await watcher.aclose()


class Watcher:
    """The process as this side sees it."""

    def __init__(self, process: asyncio.subprocess.Process, say: Callable[[str], None]) -> None:
        self._process = process
        self._say = say
        self._asked = 0
        self._missed = False
        self._gone = False

    async def begin(self, orders: Orders) -> None:
        """Tell it what to look at, and wait until it can; without it the run goes on."""
        self._tell(orders)
        answer = await self._answer(START_S)
        if answer is None:
            self._say("the server is not watched: the process for it did not start")
        else:
            for note in answer["notes"] if orders.pid_given else ():
                self._say(f"server: {note}")

    async def look(self) -> None:
        """See Watching.look."""
        if self._gone:
            return
        await anyio.sleep(SETTLE_S)
        self._asked += 1
        self._tell({"look": self._asked})
        within_s = LATE_S if self._missed else TIMEOUT_S + LATE_S
        with anyio.move_on_after(within_s):
            while (answer := await self._answer(within_s)) is not None:
                if answer.get("looked") == self._asked:
                    self._missed = answer["missed"]
                    return
        self._missed = True
        if self._process.returncode is not None:
            self._gone = True
            self._say("the server is watched no more: the process for it ended")

    def _tell(self, message: Orders | dict[str, int]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):
            self._process.stdin.write(msgspec.json.encode(message) + b"\n")

    async def _answer(self, within_s: float) -> dict[str, Any] | None:
        """Its next line; None when there is none in time, or it has ended."""
        assert self._process.stdout is not None
        line = b""
        with anyio.move_on_after(within_s):
            line = await self._process.stdout.readline()
        answer: dict[str, Any] | None = msgspec.json.decode(line) if line else None
        return answer

    async def aclose(self) -> None:
        """Let it end."""
        await end_child(self._process, END_S)


async def _orders(
    plan: Plan, target: Target, headers: SecretHeaders, holder_pid: int | None
) -> Orders | None:
    """What the process is to do; None where there is nothing."""
    side = plan.scenario.server_side
    beside = metrics_url(target.base_url)
    url = side.given_url
    if side.metrics == AUTO and await _has_metrics(beside, headers, plan.scenario):
        url = beside
    if url is None and not side.wants_process:
        return None
    return Orders(
        url=url,
        headers=list(headers) if url is not None and same_origin(url, beside) else [],
        interval_s=side.interval_s,
        pid=side.pid or AUTO,
        pid_given=side.wants_process,
        base_url=target.base_url,
        holder_pid=holder_pid,
        folder=str(plan.folder.absolute()),
        origin_perf_ns=plan.origin.perf_ns,
        sent_perf_ns=now_ns(),
        sent_wall_ns=Origin.take().wall_ns,
        ca_file=plan.scenario.ca_file,
        insecure=plan.scenario.insecure,
    )


def metrics_url(base_url: str) -> str:
    """``/metrics`` at the root that an API's base URL stands on."""
    return endpoint(root_of(base_url), "/metrics")


def same_origin(one: str, other: str) -> bool:
    """Whether a key for one may be shown to the other."""
    a, b = httpx.URL(one), httpx.URL(other)
    return (a.scheme, a.host, a.port) == (b.scheme, b.host, b.port)


async def _has_metrics(url: str, headers: SecretHeaders, scenario: Scenario) -> bool:
    transport = FastTransport(ssl_context=context_of(scenario))
    with anyio.move_on_after(PROBE_S), contextlib.suppress(httpx.HTTPError, OSError):
        async with (
            httpx.AsyncClient(transport=transport, timeout=PROBE_S) as client,
            client.stream("GET", url, headers=list(headers)) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                return False
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > PROBE_BYTES:
                    break
            kind = answer.headers.get("content-type", "")
            return looks_like_metrics(kind, body.decode("utf-8", "replace"))
    return False
