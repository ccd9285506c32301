"""Hand: one worker of a fleet as the run sees it, wherever its process is.

Rule: what goes between are JSON lines both ways; what carries them is a ``Line``. A worker that
ends, or is silent when it should have answered, is lost, and says how.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Protocol

import msgspec

from tailrace.engine.progress import Progress
from tailrace.engine.stop import Stop
from tailrace.results.clock_facts import ClockFacts


class Line(Protocol):
    """Carries the lines of one worker."""

    node: str
    """The machine that it is on; "" is this one."""

    def send(self, line: bytes) -> None:
        """Send a line; to a dead worker it goes nowhere."""
        ...

    def lines(self) -> AsyncIterator[bytes]:
        """What it says, until it has ended."""
        ...

    async def clock(self) -> ClockFacts | None:
        """Its clock against this one's; None where both are one."""
        ...

    async def fate(self) -> str:
        """How it ended, for after "worker 2"; asked once its lines have."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...

    async def aclose(self) -> None:
        """Let it end."""
        ...


class Hand:
    """One worker."""

    def __init__(self, number: int, line: Line, stop: Stop) -> None:
        self.number = number
        self.clock: ClockFacts | None = None
        """As last looked at."""
        self.progress: Progress | None = None
        self.lost: str | None = None
        self._line = line
        self._stop = stop
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for line in self._line.lines():
            message = msgspec.json.decode(line)
            if "progress" in message:
                self.progress = msgspec.convert(message["progress"], Progress)
                if self.progress.problem is not None:
                    self._stop.abort(f"{self.who}: {self.progress.problem}")
            else:
                self._answers.put_nowait(message)
        self._answers.put_nowait(None)

    @property
    def who(self) -> str:
        """In a sentence: ``worker 3``, ``worker 3 on node-b``."""
        return f"worker {self.number}" + (f" on {self.node}" if self.node else "")

    @property
    def node(self) -> str:
        """See Line.node."""
        return self._line.node

    async def look_at_clock(self) -> None:
        """Measure how its clock stands against this one's."""
        if self.lost is None:
            self.clock = await self._line.clock()

    def there(self, at_ns: int) -> int:
        """A moment of this clock on the worker's."""
        return at_ns + (0 if self.clock is None else self.clock.offset_ns)

    def tell(self, **message: Any) -> None:
        """Send a message; one to a dead worker goes nowhere."""
        if self.lost is None:
            self._line.send(msgspec.json.encode(message) + b"\n")

    async def answer(self, within_s: float) -> dict[str, Any] | None:
        """The next answer; None when the worker is lost, and ``lost`` says how."""
        if self.lost is not None:
            return None
        try:
            async with asyncio.timeout(within_s):
                message = await self._answers.get()
        except TimeoutError:
            self.lost = f"{self.who} said nothing for {within_s:.0f} s"
            self._line.kill()
            return None
        if message is None:
            self.lost = f"{self.who} {await self._line.fate()}"
        elif "failed" in message:
            self.lost = f"{self.who} failed: {message['failed']}"
            return None
        return message

    async def aclose(self) -> None:
        """Let it end."""
        await self._line.aclose()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
