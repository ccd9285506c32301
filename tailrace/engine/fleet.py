"""Fleet: a crew of workers in processes of their own, on this machine.

What goes between them are JSON lines over the worker's standard input and output: what to run once,
then a level at a time ``prepare`` (answered when it is ready), ``hold`` (answered when it is held),
``cut`` and ``stop``; every second a worker says how it goes. A level begins at one moment of the
clock that all processes of a machine share, told ahead of time, so no message is in the way of its
start.

Rule: a worker that dies, or is silent when it should have ended, is lost: it is named, the rest go
on to the end of the level, and no other level begins, since the load would not be what was asked.
Nothing is restarted. A worker ends when its standard input does, which is when this process dies.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import zlib
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tailrace.engine.child import end_child, start_child
from tailrace.engine.clock import Origin, now_ns
from tailrace.engine.crew import Held
from tailrace.engine.exchange import WireError
from tailrace.engine.progress import Progress
from tailrace.engine.stop import Stop
from tailrace.engine.worker import SecretHeaders, Target
from tailrace.errors import TailraceError
from tailrace.results.facts import StageFacts
from tailrace.scenarios.model import Scenario

START_S = 30.0
READY_S = 60.0
GRACE_S = 15.0
"""Beyond the level's own time, until a worker that says nothing is given up."""
_LINE_BYTES = 256 * 2**20


class FleetError(TailraceError):
    """Workers could not be started."""


class Hand:
    """One worker process as this side sees it."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, stop: Stop) -> None:
        self.number = number
        self.process = process
        self._stop = stop
        self.progress: Progress | None = None
        self.lost: str | None = None
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            message = msgspec.json.decode(line)
            if "progress" in message:
                self.progress = msgspec.convert(message["progress"], Progress)
                if self.progress.problem is not None:
                    self._stop.abort(f"worker {self.number}: {self.progress.problem}")
            else:
                self._answers.put_nowait(message)
        self._answers.put_nowait(None)

    def tell(self, **message: Any) -> None:
        """Send a message; one to a dead worker goes nowhere."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError, RuntimeError):
            self.process.stdin.write(msgspec.json.encode(message) + b"\n")

    async def answer(self, within_s: float) -> dict[str, Any] | None:
        """The next answer; None when the worker is lost, and ``lost`` says how."""
        if self.lost is not None:
            return None
        try:
            async with asyncio.timeout(within_s):
                message = await self._answers.get()
        except TimeoutError:
            self.lost = f"worker {self.number} said nothing for {within_s:.0f} s"
            self.process.kill()
            return None
        if message is None:
            code = await self.process.wait()
            how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
            self.lost = (
                f"worker {self.number} was {how}" if code < 0 else f"worker {self.number} {how}"
            )
        elif "failed" in message:
            self.lost = f"worker {self.number} failed: {message['failed']}"
            return None
        return message

    async def aclose(self) -> None:
        """Let it end."""
        await end_child(self.process, 5)
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)


class Fleet:
    """See crew.Crew."""

    lead_ns = 150_000_000
    """The word to begin must have reached every worker well before."""

    def __init__(self, scenario: Scenario, hands: Sequence[Hand], stop: Stop) -> None:
        self._scenario = scenario
        self._hands = list(hands)
        self._stop = stop
        self._relay = asyncio.create_task(self._relay_stops())

    @classmethod
    async def start(
        cls,
        workers: int,
        scenario: Scenario,
        origin: Origin,
        folder: Path,
        secret_headers: SecretHeaders,
        stop: Stop,
        first_sequence: int = 0,
    ) -> Fleet:
        """Start that many processes; raises FleetError when one does not come up."""
        hands: list[Hand] = []
        try:
            for number in range(1, workers + 1):
                process = await start_child("tailrace.engine.worker_process", _LINE_BYTES)
                hands.append(Hand(number, process, stop))
                hands[-1].tell(
                    scenario=scenario,
                    origin=[origin.perf_ns, origin.wall_ns],
                    folder=os.path.abspath(folder),  # noqa: ASYNC240
                    secret_headers=secret_headers,
                    share=[number - 1, workers],
                    first_sequence=first_sequence,
                )
            for hand in hands:
                if await hand.answer(START_S) is None:
                    raise FleetError(f"the workers cannot start: {hand.lost}")
        except BaseException:
            await asyncio.gather(*(hand.aclose() for hand in hands))
            raise
        return cls(scenario, hands, stop)

    async def prepare(self, target: Target, index: int) -> None:
        """See Crew.prepare; this is the barrier before a level."""
        for hand in self._hands:
            hand.progress = None
            hand.tell(prepare=list(target), index=index)
        answers = await asyncio.gather(*(hand.answer(READY_S) for hand in self._hands))
        for answer in answers:
            if answer is not None and answer.get("error"):
                raise WireError("connect_failed", answer["error"])

    async def hold(self, target: Target, index: int, began_ns: int) -> Held:
        """See Crew.hold."""
        for hand in self._hands:
            hand.tell(hold=list(target), index=index, began_ns=began_ns)
        within_s = self._longest_s(index, began_ns)
        answers = await asyncio.gather(*(hand.answer(within_s) for hand in self._hands))
        held = [answer for answer in answers if answer is not None]
        begun = array("q")
        for answer in held:
            begun.frombytes(zlib.decompress(base64.b64decode(answer["begun"])))
        return Held(
            parts=[msgspec.convert(answer["stage"], StageFacts, str_keys=True) for answer in held],
            progress=self.progress(),
            begun_ns=begun,
            lost=[hand.lost for hand in self._hands if hand.lost is not None],
        )

    def _longest_s(self, index: int, began_ns: int) -> float:
        """When a silent worker is given up; a level by requests may take as long as it likes."""
        level = self._scenario.levels[index]
        if level.duration_s is None:
            return float(7 * 86_400)
        lead_s = max(0.0, (began_ns - now_ns()) / 1e9)
        return lead_s + level.warmup_s + level.duration_s + self._scenario.drain_s + GRACE_S

    def cut(self) -> None:
        """See Crew.cut."""
        for hand in self._hands:
            hand.tell(cut=True)

    def progress(self) -> Sequence[Progress]:
        """See Crew.progress."""
        return [hand.progress for hand in self._hands if hand.progress is not None]

    async def _relay_stops(self) -> None:
        for level in (1, 2):
            await self._stop.wait(level)
            for hand in self._hands:
                hand.tell(stop=level)

    async def aclose(self) -> None:
        """See Crew.aclose."""
        self._relay.cancel()
        await asyncio.gather(self._relay, return_exceptions=True)
        await asyncio.gather(*(hand.aclose() for hand in self._hands))
