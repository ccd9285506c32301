"""RayWorker: on a node of a Ray cluster, one worker's process and what goes between it and the run.

Rule: the worker is the same process as on one machine (``worker_process.py``), so nothing of Ray's
is in the way of its event loop. This actor starts it in a scratch folder, hands its lines on, and
hands out its journal in whole rows and bounded batches. The journal stays on the node until the run
has it all: if the run's own machine goes, the rows are still here. A worker that nobody asks for
news is ended, since its load would go on unseen.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import NamedTuple

import msgspec

from tailrace.engine import host
from tailrace.engine.calibrated import Street, known_here
from tailrace.engine.child import end_child, start_child
from tailrace.engine.clock import now_ns

BEAT_S = 0.5
"""How long a worker that has nothing to say lets the run wait for a word."""
ALONE_S = 30.0
"""How long nobody asks until the worker is ended: the run has given it up long before."""
BATCH_BYTES = 1 << 20
JOURNALS = "*/requests*.jsonl"
_LINE_BYTES = 256 * 2**20
_RUN = "run"


class Part(NamedTuple):
    """Whole rows of a journal, from a place in it."""

    path: str
    """Below the run's folder."""
    at_bytes: int
    rows: bytes


class News(NamedTuple):
    """What has come since the last time."""

    lines: list[bytes]
    parts: list[Part]
    fate: str | None
    """How the worker ended, once everything of it has been handed out."""


class RayWorker:
    """An asyncio actor; its methods are called by ``ray_line.py``."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._fate: str | None = None
        self._scratch = Path()
        self._alone: asyncio.TimerHandle | None = None

    async def about(self, street: Street) -> dict[str, object]:
        """The machine, what is known of its errors, and the software, as ``run.json`` has them."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        stand_up()
        nice = os.getpriority(os.PRIO_PROCESS, 0) if hasattr(os, "getpriority") else 0
        machine = host.fingerprint()
        about = {"machine": machine | {"nice": nice}, "tool": host.tool()}
        known = known_here(Street(*street), machine)
        return about | {"host": socket.gethostname(), "node": node, "calibration": known}

    async def clock(self) -> int:
        """This machine's clock, ns."""
        return now_ns()

    async def start(self, orders: bytes, files: dict[str, bytes], name: str) -> None:
        """Write the files that the scenario names and start the worker among them."""
        stand_up()
        self._scratch = Path(tempfile.mkdtemp(prefix=f"tailrace-{name}-"))
        for path, data in files.items():
            (self._scratch / path).parent.mkdir(exist_ok=True)
            (self._scratch / path).write_bytes(data)
        (self._scratch / _RUN).mkdir()
        self._something = asyncio.Event()
        self._child = await start_child(
            "tailrace.engine.worker_process", _LINE_BYTES, cwd=self._scratch
        )
        asked = msgspec.json.decode(orders) | {"folder": str(self._scratch / _RUN)}
        await self.send(msgspec.json.encode(asked) + b"\n")
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self._child.stdout is not None
        async for line in self._child.stdout:
            self._lines.append(line)
            self._something.set()
        code = await self._child.wait()
        self._fate = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        self._something.set()

    async def send(self, lines: bytes) -> None:
        """Hand lines on; no await is in it, so they keep the order they were sent in."""
        assert self._child.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):
            self._child.stdin.write(lines)

    async def news(self, taken: dict[str, int]) -> News:
        """What there is to say; ``taken`` is how much of each journal the run has on disk.

        A line is handed out only when the run has every row that was journalled before it.
        """
        self._heard()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_S):
                await self._something.wait()
        lines, fate = len(self._lines), self._fate
        parts, more = parts_of(self._scratch / _RUN, taken, BATCH_BYTES)
        if more:
            return News([], parts, None)
        said, self._lines = self._lines[:lines], self._lines[lines:]
        if not self._lines and fate is None and self._fate is None:
            self._something.clear()
        return News(said, parts, fate)

    def _heard(self) -> None:
        """Let the worker end unless this comes again. If the run has ended, Ray ends it sooner."""
        assert self._child.stdin is not None
        if self._alone is not None:
            self._alone.cancel()
        loop = asyncio.get_running_loop()
        self._alone = loop.call_later(ALONE_S, self._child.stdin.close)

    async def finish(self) -> None:
        """Let the worker end."""
        await end_child(self._child, 5)

    async def clean(self) -> None:
        """The run has everything: leave nothing behind."""
        shutil.rmtree(self._scratch, ignore_errors=True)


def stand_up() -> None:
    """Ray starts its workers at nice 15; whoever measures must not wait for everybody else.

    Only root may take that back. For others Ray itself must be told, and the audit will show it.
    """
    if hasattr(os, "setpriority") and os.getpriority(os.PRIO_PROCESS, 0) > 0:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, 0)


def parts_of(folder: Path, taken: dict[str, int], most_bytes: int) -> tuple[list[Part], bool]:
    """Whole rows that the run does not have, about so many bytes; and whether there are more."""
    parts: list[Part] = []
    left = most_bytes
    for path in sorted(folder.glob(JOURNALS)):
        name = path.relative_to(folder).as_posix()
        at_bytes = taken.get(name, 0)
        if os.path.getsize(path) <= at_bytes:
            continue
        with path.open("rb") as file:
            file.seek(at_bytes)
            data = file.read(left) + file.readline()
        rows = data[: data.rfind(b"\n") + 1]  # the last one may still be being written
        if rows:
            parts.append(Part(name, at_bytes, rows))
        left -= len(rows)
        if left <= 0:
            return parts, True
    return parts, False
