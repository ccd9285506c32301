"""Beside: the run's side of the process that serves its metrics.

Rule: the loop that measures does nothing for it but to answer, when somebody scrapes and at most
once a second, what no file says: what is in flight, and what the client's audit finds. The run ends
without waiting for a scraper.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import msgspec

from tailrace.engine.child import end_child, start_child
from tailrace.errors import UsageError
from tailrace.metrics_endpoint.orders import Orders, cannot_listen
from tailrace.results.export.openmetrics import Now
from tailrace.results.render.live import Snapshot

START_S = 20.0
END_S = 2.0


@contextlib.asynccontextmanager
async def served(
    host: str,
    port: int,
    folder: Path,
    look: Callable[[], Snapshot | None],
    say: Callable[[str], None],
) -> AsyncIterator[None]:
    """Have the metrics served in this block; raises UsageError when they cannot be.

    ``look`` gives the run as it stands, ``say`` is told where the metrics are.
    """
    process = await start_child("tailrace.metrics_endpoint")
    listening: asyncio.Task[None] | None = None
    try:
        orders = Orders(str(await anyio.Path(folder).absolute()), host, port)
        _tell(process, orders)
        answer = await _first_answer(process)
        if "port" not in answer:
            raise UsageError(cannot_listen(host, port, answer.get("failed", "it did not start")))
        shown = f"[{host}]" if ":" in host else host
        say(f"metrics at http://{shown}:{answer['port']}/metrics")
        listening = asyncio.create_task(_answer(process, look, say))
        yield
    finally:
        with anyio.CancelScope(shield=True):
            if listening is not None:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
            await end_child(process, END_S)


async def _first_answer(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = b""
    with anyio.move_on_after(START_S):
        line = await process.stdout.readline()
    answer: dict[str, Any] = msgspec.json.decode(line) if line else {}
    return answer


async def _answer(
    process: asyncio.subprocess.Process,
    look: Callable[[], Snapshot | None],
    say: Callable[[str], None],
) -> None:
    """Whenever it asks, until it ends, which it should not before it is let go."""
    assert process.stdout is not None
    async for _ in process.stdout:
        snapshot = look()
        _tell(process, None if snapshot is None else now_of(snapshot))
    say("the metrics are served no more: the process for it ended")


def _tell(process: asyncio.subprocess.Process, message: Orders | Now | None) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError, RuntimeError):
        process.stdin.write(msgspec.json.encode(message) + b"\n")


def now_of(snapshot: Snapshot) -> Now:
    """What of a snapshot is in no file."""
    return Now(
        model=snapshot.model,
        level=snapshot.stage_index + 1,
        phase=snapshot.phase,
        elapsed_s=snapshot.elapsed_s,
        planned_s=snapshot.planned_s,
        in_flight=snapshot.in_flight,
        audit={finding.name: finding.status for finding in snapshot.client},
    )
